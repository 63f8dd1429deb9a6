/*
 * Reads Content-Type and Content-Encoding as RFC 9110 defines them. A body that is not plain JSON
 * in UTF-8 is refused before any of it is parsed.
 */
#include "api/media_type.h"

#include <string.h>
#include <strings.h>

#define JSON_TYPE "application/json"
#define SPACES    " \t"

/* One parameter, name=value or name="value", without the spaces and quotes around it. */
struct parameter {
	const char *name, *value;
	size_t name_length, value_length;
};

static bool is_word(const char *text, size_t length, const char *word)
{
	return length == strlen(word) && strncasecmp(text, word, length) == 0;
}

/* Reads the parameter after a semicolon and advances past it. False if it is malformed. */
static bool parameter_read(const char **text, struct parameter *parameter)
{
	const char *at = *text + strspn(*text, SPACES);

	parameter->name = at;
	parameter->name_length = strcspn(at, SPACES "=;\"");
	at += parameter->name_length;
	if (*at != '=')
		return false;
	at++;
	bool quoted = *at == '"';
	parameter->value = quoted ? at + 1 : at;
	parameter->value_length = strcspn(parameter->value, quoted ? "\"" : SPACES ";\"");
	at = parameter->value + parameter->value_length;
	if (quoted && *at++ != '"')
		return false;
	at += strspn(at, SPACES);
	*text = at;
	return parameter->name_length > 0 && (*at == ';' || *at == '\0');
}

static enum error_class check_parameters(const char *text, struct error *error)
{
	while (*text == ';') {
		struct parameter parameter;
		text++;
		if (text[strspn(text, SPACES)] == '\0')
			break;
		if (!parameter_read(&text, &parameter))
			return error_set(error, ERROR_UNSUPPORTED_MEDIA_TYPE,
				"the parameters of the Content-Type are malformed");
		if (is_word(parameter.name, parameter.name_length, "charset") &&
			!is_word(parameter.value, parameter.value_length, "utf-8"))
			return error_set(error, ERROR_UNSUPPORTED_MEDIA_TYPE,
				"the charset of the body is '%.*s', and only UTF-8 is supported",
				(int)(parameter.value_length < 40 ? parameter.value_length : 40),
				parameter.value);
	}

	return ERROR_NONE;
}

enum error_class media_type_check(
	const char *content_type, const char *content_encoding, struct error *error)
{
	size_t length = strcspn(content_type, ";" SPACES);
	const char *rest = content_type + length;

	rest += strspn(rest, SPACES);
	if (!is_word(content_type, length, JSON_TYPE) || (*rest != ';' && *rest != '\0'))
		return error_set(error, ERROR_UNSUPPORTED_MEDIA_TYPE,
			"the Content-Type is not application/json");
	if (check_parameters(rest, error) != ERROR_NONE)
		return error->class;
	if (content_encoding[0] == '\0' || strcasecmp(content_encoding, "identity") == 0)
		return ERROR_NONE;
	error_set(error, ERROR_UNSUPPORTED_MEDIA_TYPE,
		"the Content-Encoding '%.40s' is not supported", content_encoding);
	return error_remedy(error, NULL, "Send the body without a Content-Encoding.");
}
