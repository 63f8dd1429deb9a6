#include "harness/json_text.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void turn_quotes(char *text)
{
	for (; *text != '\0'; text++)
		*text = *text == '\'' ? '"' : *text;
}

const char *J(const char *text)
{
	/* All of them stay reachable, so that none counts as lost. */
	static struct kept {
		struct kept *next;
		char text[];
	} * first;
	struct kept *kept = malloc(sizeof(*kept) + strlen(text) + 1);

	ck_assert_ptr_nonnull(kept);
	kept->next = first;
	first = kept;
	turn_quotes(strcpy(kept->text, text));
	return kept->text;
}

char *json_text_new(const char *text)
{
	char *copy = strdup(text);
	bool within = false; /* a string with double quotes, where an apostrophe is one */

	for (char *next = copy; next != NULL && strchr("{['", text[0]) != NULL && *next != '\0';
		next++) {
		if (*next == '\\' && next[1] != '\0')
			next++;
		else if (*next == '"')
			within = !within;
		else if (*next == '\'' && !within)
			*next = '"';
	}
	return copy;
}
