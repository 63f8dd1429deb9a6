/*
 * Feeds a row of a ledger, as Redis holds it, to its one reader. A row that is accepted says its
 * state and, unless it is pending, its id; written and read again it is the same.
 */
#include <stdlib.h>
#include <string.h>

#include "core/ledger_row.h"
#include "fuzz/claims.h"

static char *print(const struct ledger_row *row, struct arena *arena)
{
	CLEANUP_JSON cJSON *json = NULL;
	struct error error;

	CLAIM(record_encode(&ledger_row_record, row, &json, &error) == ERROR_NONE,
		"not written: %s", error.message);
	char *text = json_print(arena, json);
	CLAIM(text != NULL, "not printed");
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct ledger_row row, again;
	struct error error;
	char *text = input_copy(data, size);

	if (ledger_row_read(text, &arena, &row, &error) == ERROR_NONE) {
		CLAIM(row.state != NULL, "no state");
		CLAIM(row.id != NULL || ledger_row_is_pending(&row), "no id");
		const char *printed = print(&row, &arena);
		CLAIM(ledger_row_read(printed, &arena, &again, &error) == ERROR_NONE,
			"written, and refused: %s: %s", error.message, printed);
		CLAIM(strcmp(printed, print(&again, &arena)) == 0, "written otherwise: %s",
			printed);
	} else {
		claim_error(&error);
	}
	free(text);
	return 0;
}
