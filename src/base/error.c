/*
 * Errors as values: what is known of each class, and the texts of one error, which are redacted as
 * they are written.
 */
#include "slipway/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/redact.h"
#include "base/text.h"

_Static_assert(ERROR_NONE == 0, "zeroed memory is no error");

static const struct error_class_facts class_facts[ERROR_CLASS_COUNT] = {
#define ERROR_CLASS(id, name, ends, http_status, retryable, title, remedy)                         \
	[ERROR_##id] = { name, title, http_status, retryable, remedy },
#include "slipway/error_classes.h"
#undef ERROR_CLASS
};

const struct error_class_facts *error_class_facts(enum error_class class)
{
	if ((unsigned)class >= ERROR_CLASS_COUNT)
		class = ERROR_INTERNAL;
	return &class_facts[class];
}

enum error_class error_class_by_name(const char *name)
{
	for (int class = 0; class < ERROR_CLASS_COUNT; class ++)
		if (strcmp(class_facts[class].name, name) == 0)
			return (enum error_class) class;
	return ERROR_NONE;
}

/* A text for a person, who may read it on a terminal. A secret goes before what it is recognised
 * by: a key may have line ends. */
static void make_plain(char *text)
{
	if (text_is_plain(text))
		return;
	redact_text(text);
	text_make_plain(text);
}

static void format_plain(char *target, size_t size, const char *format, va_list arguments)
	SLIPWAY_FORMAT(3, 0);
static void format_plain(char *target, size_t size, const char *format, va_list arguments)
{
	redact_format_list(target, size, format, arguments);
	make_plain(target);
}

enum error_class error_set(struct error *error, enum error_class class, const char *format, ...)
{
	/* The message may be made from the old one: format first, then clear. */
	char message[sizeof(error->message)];
	va_list arguments;

	va_start(arguments, format);
	format_plain(message, sizeof(message), format, arguments);
	va_end(arguments);
	memset(error, 0, sizeof(*error));
	error->class = class;
	memcpy(error->message, message, sizeof(message));
	return class;
}

enum error_class error_at(struct error *error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	format_plain(error->place, sizeof(error->place), format, arguments);
	va_end(arguments);
	return error->class;
}

enum error_class error_remedy(struct error *error, const char *url, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	format_plain(error->remedy, sizeof(error->remedy), format, arguments);
	va_end(arguments);
	/* A part of an address leads elsewhere. */
	if (url == NULL || !text_copy(error->remedy_url, sizeof(error->remedy_url), url))
		error->remedy_url[0] = '\0';
	return error->class;
}

enum error_class error_exchange(struct error *error, const char *provider, int http_status,
	const char *code, const char *request_id)
{
	text_copy(error->provider, sizeof(error->provider), provider);
	redact_copy(error->provider_code, sizeof(error->provider_code), code);
	redact_copy(error->request_id, sizeof(error->request_id), request_id);
	make_plain(error->provider_code);
	make_plain(error->request_id);
	error->http_status = http_status;
	return error->class;
}
