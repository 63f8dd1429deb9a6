/*
 * Splits the name of a ledger row, and takes from the row what is shown.
 */
#include "core/resource.h"

#include <string.h>

#include "base/record.h"
#include "core/ledger_row.h"

static const struct field fields[] = {
	{ STRING_FIELD("provider", struct resource, provider) },
	{ STRING_FIELD("type", struct resource, type) },
	{ STRING_FIELD("key", struct resource, key) },
	{ STRING_FIELD("state", struct resource, state) },
	{ STRING_FIELD("id", struct resource, id) },
	{ STRING_FIELD("url", struct resource, url) },
	{ BOOLEAN_FIELD("created", struct resource, created) },
	{ BOOLEAN_FIELD("shared", struct resource, shared) },
	{ BOOLEAN_FIELD("part", struct resource, part) },
	{ STRING_FIELD("run", struct resource, run) },
	{ STRING_FIELD("workflow", struct resource, workflow) },
	{ STRING_FIELD("step", struct resource, step) },
	{ STRING_FIELD("at", struct resource, at) },
};
const struct record resource_record = RECORD(struct resource, fields);

enum error_class resource_read(const char *field, const char *row_text, struct arena *arena,
	struct resource *ret_resource, struct error *error)
{
	struct ledger_row row;
	char *name = arena_string(arena, field), *rest = NULL;

	if (name == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the list");
	if (ledger_row_read(row_text, arena, &row, error) != ERROR_NONE)
		return error->class;
	*ret_resource = (struct resource){ .state = row.state,
		.id = row.id,
		.url = row.url,
		.run = row.run,
		.workflow = row.workflow,
		.step = row.step,
		.at = row.at,
		.created = row.created,
		.shared = row.shared,
		.part = row.part };
	ret_resource->provider = strtok_r(name, ":", &rest);
	ret_resource->type = strtok_r(NULL, ":", &rest);
	ret_resource->key = rest;
	return ERROR_NONE;
}
