/*
 * Decodes the query string of a GET into the JSON object that a POST would contain, so that the
 * same code checks both.
 */
#include "api/query.h"

#include <sodium.h>
#include <string.h>

#include "base/text.h"

#define VALUE_SIZE 256

/* Percent-decodes length bytes. False if an escape is malformed or U+0000, or the value does not
 * fit. */
static bool decode(const char *text, size_t length, char value[VALUE_SIZE])
{
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)text[i];
		if (byte == '%') {
			size_t decoded = 0;
			if (length - i < 3 ||
				sodium_hex2bin(&byte, 1, text + i + 1, 2, NULL, &decoded, NULL) !=
					0 ||
				decoded != 1)
				return false;
			i += 2;
		} else if (byte == '+') {
			byte = ' ';
		}
		if (byte == '\0' || used + 1 >= VALUE_SIZE)
			return false;
		value[used++] = (char)byte;
	}

	value[used] = '\0';
	return true;
}

static enum error_class bad_pair(
	const char *what, const char *pair, size_t length, struct error *error)
{
	error_set(error, ERROR_INVALID_REQUEST, "%s", what);
	error_at(error, "?%.*s", (int)(length < 64 ? length : 64), pair);
	/* The query may contain any bytes; the response must be well-formed. */
	for (char *next = error->place; *next != '\0'; next++)
		if ((unsigned char)*next < 0x20 || (unsigned char)*next >= 0x7F)
			*next = '?';
	return error->class;
}

static enum error_class take_pair(
	const char *pair, size_t length, const char *const *names, cJSON *json, struct error *error)
{
	const char *equals = memchr(pair, '=', length);
	size_t name_length = equals != NULL ? (size_t)(equals - pair) : length;

	for (const char *const *name = names; *name != NULL; name++) {
		char value[VALUE_SIZE] = "";
		if (strlen(*name) != name_length || memcmp(*name, pair, name_length) != 0)
			continue;
		if (json_member(json, *name) != NULL)
			return bad_pair("the parameter is given twice", pair, name_length, error);
		if (equals != NULL && !decode(equals + 1, length - name_length - 1, value))
			return bad_pair("the value of the parameter is malformed or too long", pair,
				name_length, error);
		if (!json_add_constant(json, *name, cJSON_CreateString(value)))
			return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the query");
		return ERROR_NONE;
	}

	return bad_pair("the parameter is unknown", pair, name_length, error);
}

enum error_class query_parse(
	const char *query, const char *const *names, cJSON **ret_json, struct error *error)
{
	CLEANUP_JSON cJSON *json = cJSON_CreateObject();

	if (json == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the query");
	while (*query != '\0') {
		size_t length = strcspn(query, "&");
		if (length > 0 && take_pair(query, length, names, json, error) != ERROR_NONE)
			return error->class;
		query += length + (query[length] == '&' ? 1 : 0);
	}

	*ret_json = json_take(&json);
	return ERROR_NONE;
}

enum error_class query_fault(struct error *error)
{
	if (error->place[0] == '/')
		error->place[0] = '?';
	return error->class;
}
