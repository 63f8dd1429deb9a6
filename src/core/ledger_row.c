/*
 * The one reader of ledger rows: fills in the members that an older version did not write.
 */
#include "core/ledger_row.h"

#include <string.h>

static const struct field fields[] = {
	{ STRING_FIELD("state", struct ledger_row, state) },
	{ STRING_FIELD("id", struct ledger_row, id) },
	{ STRING_FIELD("url", struct ledger_row, url) },
	{ BOOLEAN_FIELD("created", struct ledger_row, created) },
	{ BOOLEAN_FIELD("shared", struct ledger_row, shared), .omit_zero = true },
	{ BOOLEAN_FIELD("part", struct ledger_row, part), .omit_zero = true },
	{ STRING_FIELD("run", struct ledger_row, run) },
	{ STRING_FIELD("workflow", struct ledger_row, workflow) },
	{ STRING_FIELD("step", struct ledger_row, step) },
	{ STRING_FIELD("at", struct ledger_row, at) },
	{ STRING_FIELD("asked", struct ledger_row, asked) },
	{ STRING_FIELD("source", struct ledger_row, source) },
	{ JSON_FIELD("removal", struct ledger_row, removal) },
	{ JSON_FIELD("before", struct ledger_row, before) },
};
const struct record ledger_row_record = RECORD(struct ledger_row, fields);

bool ledger_row_is_pending(const struct ledger_row *row)
{
	return strcmp(row->state, LEDGER_PENDING) == 0;
}

enum error_class ledger_row_read(
	const char *text, struct arena *arena, struct ledger_row *ret_row, struct error *error)
{
	CLEANUP_JSON cJSON *json = NULL;

	memset(ret_row, 0, sizeof(*ret_row));
	if (json_parse(text, strlen(text), JSON_LIMITS_WIDE, &json, error) != ERROR_NONE)
		return error->class;
	if (record_decode(&ledger_row_record, json, RECORD_LENIENT, "", arena, ret_row, error) !=
		ERROR_NONE)
		return error->class;
	if (ret_row->state == NULL)
		ret_row->state = ret_row->created ? LEDGER_CREATED : LEDGER_ADOPTED;
	if (ret_row->id == NULL && !ledger_row_is_pending(ret_row))
		return error_set(error, ERROR_INVALID_INPUT, "it has no id");
	return ERROR_NONE;
}
