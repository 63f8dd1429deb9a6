/*
 * Reads a Content-Type and a Content-Encoding by RFC 9110. A body that is not JSON in UTF-8 as it stands is
 * refused before anything of it is read.
 */
#include "api/media_type.h"

#include <string.h>
#include <strings.h>

#define JSON_TYPE "application/json"
#define SPACES    " \t"

/* One parameter, name=value or name="value", without what stands around it. */
struct parameter {
	const char *name, *value;
	size_t name_length, value_length;
};

static bool is_word(const char *text, size_t length, const char *word)
{
	return length == strlen(word) && strncasecmp(text, word, length) == 0;
}

/* Reads the parameter behind a semicolon and moves on behind it. False where it is none. */
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
				"the parameters of the content type are malformed");
		if (is_word(parameter.name, parameter.name_length, "charset") &&
			!is_word(parameter.value, parameter.value_length, "utf-8"))
			return error_set(error, ERROR_UNSUPPORTED_MEDIA_TYPE,
				"the charset of the body is '%.*s', and only UTF-8 is understood",
				(int)(parameter.value_length < 40 ? parameter.value_length : 40), parameter.value);
	}

	return ERROR_NONE;
}

enum error_class media_type_check(const char *content_type, const char *content_encoding, struct error *error)
{
	size_t length = strcspn(content_type, ";" SPACES);
	const char *rest = content_type + length;

	rest += strspn(rest, SPACES);
	if (!is_word(content_type, length, JSON_TYPE) || (*rest != ';' && *rest != '\0'))
		return error_set(error, ERROR_UNSUPPORTED_MEDIA_TYPE, "the content type is not application/json");
	if (check_parameters(rest, error) != ERROR_NONE)
		return error->class;
	if (content_encoding[0] == '\0' || strcasecmp(content_encoding, "identity") == 0)
		return ERROR_NONE;
	error_set(error, ERROR_UNSUPPORTED_MEDIA_TYPE, "the content encoding '%.40s' is not understood",
		content_encoding);
	return error_remedy(error, NULL, "Send the body without a Content-Encoding.");
}
