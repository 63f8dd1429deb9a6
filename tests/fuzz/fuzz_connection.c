/*
 * Feeds records of connections, and behind a line feed a name that somebody calls. A record that is
 * read is the same when it is printed and read again; a pattern fits what a matcher that tries all
 * says; and a credential opens with the text that it was sealed with, and with no other.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/redact.h"
#include "core/connection.h"
#include "core/secret.h"
#include "fuzz/claims.h"

#define SHORT 24 /* what a matcher that tries all can be asked */

static struct secret_key_pair keys;

int LLVMFuzzerInitialize(int *count, char ***words)
{
	(void)count;
	(void)words;
	CLAIM(sodium_init() >= 0, "no libsodium");
	secret_key_make(&keys);
	return 0;
}

static char fold(char letter)
{
	return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

// NOLINTNEXTLINE(misc-no-recursion)
static bool fits(const char *pattern, const char *value, bool exact_case)
{
	if (*pattern == '\0')
		return *value == '\0';
	if (*pattern == '*')
		return fits(pattern + 1, value, exact_case) ||
			(*value != '\0' && *value != '/' && fits(pattern, value + 1, exact_case));
	return *value != '\0' &&
		(exact_case ? *pattern == *value : fold(*pattern) == fold(*value)) &&
		fits(pattern + 1, value + 1, exact_case);
}

static void try_list(
	const struct connection *connection, enum connection_list which, const char *value)
{
	const struct string_list *list = connection_list(connection, which);
	bool wanted = false;

	for (size_t i = 0; i < list->count; i++) {
		CLAIM(list->items[i][0] != '\0' && strlen(list->items[i]) <= CONNECTION_PATTERN_MAX,
			"pattern %s", list->items[i]);
		if (strlen(list->items[i]) > SHORT)
			return;
		wanted |= value[0] != '\0' &&
			(strcmp(list->items[i], "*") == 0 ||
				fits(list->items[i], value, which == CONNECTION_APPS));
	}
	CLAIM(connection_allows(connection, which, value) == wanted, "%s and %s",
		connection_list_name(which), value);
}

static void try_credential(
	const struct connection *connection, const char *text, struct arena *arena)
{
	const char *sealed = NULL, *value = NULL, *other = arena_format(arena, "%s ", text);
	struct error error;

	CLAIM(connection_seal(keys.public_key, connection, text, "a credential", arena, &sealed,
		      &error) == ERROR_NONE,
		"not sealed: %s", error.message);
	CLAIM(connection_open(keys.private_key, connection, text, sealed, arena, &value, &error) ==
			ERROR_NONE,
		"not opened: %s", error.message);
	CLAIM(strcmp(value, "a credential") == 0, "another one: %s", value);
	CLAIM(connection_open(keys.private_key, connection, other, sealed, arena, &value, &error) ==
			ERROR_AUTH_MISSING,
		"opened with another record");
}

static void try_record(const char *text, const char *value)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct connection connection, again;
	const char *printed = NULL, *twice = NULL, *opened = NULL;
	struct error error;

	if (connection_read("one", "main", text, &arena, &connection, &error) != ERROR_NONE) {
		claim_error(&error);
		return;
	}
	CLAIM(connection_print(&connection, &arena, &printed, &error) == ERROR_NONE &&
			connection_read("one", "main", printed, &arena, &again, &error) ==
				ERROR_NONE &&
			connection_print(&again, &arena, &twice, &error) == ERROR_NONE,
		"not read again: %s", error.message);
	CLAIM(strcmp(printed, twice) == 0, "%s and %s", printed, twice);
	if (strlen(value) <= SHORT)
		for (enum connection_list which = 0; which <= CONNECTION_APPS; which++)
			try_list(&connection, which, value);
	try_credential(&connection, text, &arena);
	CLAIM(connection_open(keys.private_key, &connection, text, value, &arena, &opened,
		      &error) == ERROR_AUTH_MISSING,
		"opened what was not sealed");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	CLAIM(text != NULL, "no memory");
	memcpy(text, data, size);
	text[size] = '\0';
	char *value = strchr(text, '\n');
	if (value != NULL)
		*value++ = '\0';
	try_record(text, value != NULL ? value : "");
	free(text);
	redact_forget(0);
	return 0;
}
