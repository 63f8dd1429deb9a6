/*
 * Feeds a query string to the reader of GET parameters. What is accepted has only the names that
 * were asked for; written again it is the same; and what is refused names the parameter in a text
 * that can be shown.
 */
#include <stdlib.h>
#include <string.h>

#include "api/query.h"
#include "base/buffer.h"
#include "base/text.h"
#include "fuzz/claims.h"

static const char *const names[] = { "appId", "workflowId", "actionId", "since", "wait", NULL };

static void write_again(const cJSON *json, struct buffer *query)
{
	const cJSON *member;

	cJSON_ArrayForEach (member, json) {
		char escape[8];
		CLAIM(buffer_append_string(query, member->string) &&
				buffer_append_string(query, "="),
			"no room");
		for (const char *next = member->valuestring; *next != '\0'; next++) {
			text_format(
				escape, sizeof(escape), "%%%02X", (unsigned)(unsigned char)*next);
			CLAIM(buffer_append_string(query, escape), "no room");
		}
		CLAIM(buffer_append_string(query, "&"), "no room");
	}
}

static void claim_known(const cJSON *json)
{
	const cJSON *member;

	cJSON_ArrayForEach (member, json) {
		bool known = false;
		for (const char *const *name = names; *name != NULL; name++)
			known = known || strcmp(*name, member->string) == 0;
		CLAIM(known && cJSON_IsString(member), "an unknown member: %s", member->string);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *query = input_copy(data, size);
	CLEANUP_JSON cJSON *json = NULL;
	CLEANUP_JSON cJSON *again = NULL;
	CLEANUP_BUFFER struct buffer written = BUFFER_EMPTY((size_t)1 << 16);
	struct error error;

	if (query_parse(query, names, &json, &error) == ERROR_NONE) {
		claim_known(json);
		write_again(json, &written);
		CLAIM(query_parse(buffer_text(&written), names, &again, &error) == ERROR_NONE &&
				cJSON_Compare(json, again, true),
			"written, and read as another: %s", buffer_text(&written));
	} else {
		claim_error(&error);
		CLAIM(error.place[0] == '?', "no place: %s", error.message);
	}
	free(query);
	return 0;
}
