/* The secrets that the process knows, and what is done with texts that may have one in them. */
#include "base/redact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/redact_forms.h"
#include "base/text.h"

#define TOKEN_BYTES      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
#define TOKEN_LENGTH_MIN 30  /* after the prefix; what is shorter may be words */
#define TOKEN_LENGTH_MAX 512 /* of one that is looked for behind the end of a text */
/* Bytes that one byte of a secret takes, as others write it: %26%23x27%3B */
#define ESCAPED_FACTOR 12
/* That nobody has a reason to escape, but in base64, or in base64 of that: with what a part of a
 * group and line breaks take besides. */
#define PLAIN_FACTOR 2
#define PLAIN_REST   8
#define CUT          "..."
/* That is left in what was cut here: the word, and a character that may be incomplete */
#define CUT_ROOM 8
#define UNKNOWN  "(this text is too long to be shown while memory is short)"

static struct redact_needle secrets[REDACT_SECRETS_MAX];
static size_t secret_count;

/* ---- the list ---- */

enum error_class redact_add(const char *secret, struct error *error)
{
	size_t length = strlen(secret);

	if (length < REDACT_LENGTH_MIN)
		return ERROR_NONE;
	if (secret_count == REDACT_SECRETS_MAX || length > REDACT_LENGTH_MAX)
		return error_set(error, ERROR_OUT_OF_MEMORY,
			"too many secrets, or one of more than %d bytes", REDACT_LENGTH_MAX);
	if (!redact_needle_init(&secrets[secret_count], secret))
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to remember a secret");
	secret_count++;
	return ERROR_NONE;
}

void redact_remove(const char *secret)
{
	for (size_t i = 0; i < secret_count; i++)
		if (strcmp(secrets[i].exact.text, secret) == 0) {
			redact_needle_release(&secrets[i]);
			secrets[i] = secrets[--secret_count];
			memset(&secrets[secret_count], 0, sizeof(secrets[secret_count]));
			return;
		}
}

void redact_forget(size_t from)
{
	while (secret_count > from)
		redact_needle_release(&secrets[--secret_count]);
}

size_t redact_count(void)
{
	return secret_count;
}

/* ---- tokens that nobody told us of, such as one that a client wrote where none belongs ---- */

/* Those of Slipway itself: see core/token.h. Their ids are no secret. */
static const char *const own_prefixes[] = { "sw_################_",
	"swb_################################_", NULL };
static const char *const no_prefixes[] = { NULL };
static const char *const *token_prefixes = no_prefixes;

void redact_token_prefixes(const char *const *prefixes)
{
	token_prefixes = prefixes;
}

/* '?' stands for a lower-case letter, '#' for a hexadecimal digit. */
static bool prefix_takes(char pattern, char byte)
{
	bool is_letter = byte >= 'a' && byte <= 'z', is_digit = byte >= '0' && byte <= '9';

	return (pattern == '?' && is_letter) ||
		(pattern == '#' && (is_digit || (is_letter && byte <= 'f'))) || pattern == byte;
}

/* The length of the prefix where the text begins with it, otherwise 0. */
static size_t prefix_length(const char *text, const char *prefix)
{
	size_t length = 0;

	for (; prefix[length] != '\0'; length++)
		if (!prefix_takes(prefix[length], text[length]))
			return 0;
	return length;
}

/* Of the first prefix in the list that the text begins with; 0 where there is none. */
static size_t find_prefix(const char *text, const char *const *prefixes)
{
	size_t length = 0;

	for (size_t i = 0; length == 0 && prefixes[i] != NULL; i++)
		length = prefix_length(text, prefixes[i]);
	return length;
}

/* Of a token by its looks: a prefix and what follows up to a delimiter; 0 where there is none. One
 * that the end of a text cut may be short. */
static size_t token_length(const char *text, bool was_cut)
{
	size_t begin = find_prefix(text, own_prefixes);

	if (begin == 0)
		begin = find_prefix(text, token_prefixes);
	size_t length = begin > 0 ? strspn(text + begin, TOKEN_BYTES) : 0;
	bool ends_text = begin > 0 && was_cut && text[begin + length] == '\0';
	return length >= TOKEN_LENGTH_MIN || ends_text ? begin + length : 0;
}

static void cut_tokens(char *text, bool was_cut)
{
	for (char *next = text; *next != '\0';) {
		size_t length = token_length(next, was_cut);
		memset(next, '*', length);
		next += length > 0 ? length : 1;
	}
}

/* ---- texts ---- */

static void cut_secrets(char *bytes, size_t length)
{
	bool *marks = secret_count > 0 ? calloc(length + 1, sizeof(bool)) : NULL, found = false;
	if (secret_count > 0 &&
		(marks == NULL ||
			!redact_mark(bytes, length, secrets, secret_count, marks, &found)))
		memset(bytes, '*', length);
	for (size_t i = 0; found && i < length; i++)
		if (marks[i])
			bytes[i] = '*';
	free(marks);
}

void redact_bytes(char *bytes, size_t length)
{
	cut_secrets(bytes, length);
	for (size_t at = 0; at < length; at += strlen(bytes + at) + 1)
		cut_tokens(bytes + at, false);
}

void redact_text(char *text)
{
	redact_bytes(text, strlen(text));
}

bool redact_finds(const char *text)
{
	size_t length = strlen(text);
	bool *marks = secret_count > 0 ? calloc(length + 1, sizeof(bool)) : NULL, found = false;
	bool known =
		marks != NULL && redact_mark(text, length, secrets, secret_count, marks, &found);
	free(marks);
	for (size_t i = 0; !known && !found && i < secret_count; i++)
		found = strstr(text, secrets[i].exact.text) != NULL;
	return found;
}

/* Bytes of a text that a secret takes at most. */
static size_t reach(void)
{
	size_t most = 0;
	for (size_t i = 0; i < secret_count; i++) {
		bool plain = strspn(secrets[i].exact.text, TOKEN_BYTES) == secrets[i].exact.length;
		size_t length = plain ? secrets[i].exact.length * PLAIN_FACTOR + PLAIN_REST
				      : secrets[i].exact.length * ESCAPED_FACTOR;
		most = length > most ? length : most;
	}
	return most;
}

size_t redact_window(size_t most)
{
	return most + reach() + TOKEN_LENGTH_MAX;
}

/* Copies what fits of a text that was redacted, and says that it was cut. */
static void cut_to_fit(char *target, size_t size, const char *text)
{
	if (size <= CUT_ROOM) {
		target[0] = '\0';
		return;
	}
	(void)text_copy(target, size - CUT_ROOM, text);
	(void)text_copy(target + strlen(target), CUT_ROOM, CUT);
}

void redact_copy(char *target, size_t size, const char *text)
{
	size_t length = strlen(text);

	if (length < size) {
		memmove(target, text, length + 1);
		return;
	}

	size_t most = redact_window(size);
	char *whole = strndup(text, most);
	if (whole != NULL)
		redact_text(whole);
	cut_to_fit(target, size, whole != NULL ? whole : UNKNOWN);
	free(whole);
}

void redact_format_list(char *target, size_t size, const char *format, va_list arguments)
{
	va_list again;

	va_copy(again, arguments);
	int length = vsnprintf(target, size, format, arguments);
	if (length < 0)
		target[0] = '\0';
	if (length >= 0 && (size_t)length >= size) {
		size_t room =
			redact_window(size) < (size_t)length ? redact_window(size) : (size_t)length;
		char *whole = malloc(room + 1);
		if (whole != NULL) {
			(void)text_format_list(whole, room + 1, format, again);
			redact_text(whole);
		}
		cut_to_fit(target, size, whole != NULL ? whole : UNKNOWN);
		free(whole);
	}

	va_end(again);
}

/* A text that fills its room was cut, for all that is known: up to three bytes go where that was
 * within a character. */
static void redact_room(char *text, size_t size)
{
	size_t length = strlen(text);
	bool was_cut = length + 4 >= size;

	cut_secrets(text, length);
	cut_tokens(text, was_cut);
	if (!was_cut || secret_count == 0)
		return;
	size_t end = length > reach() ? length - reach() : 0;
	text[end] = '\0';
	text_make_valid(text, end);
	(void)text_copy(text + end, size - end, CUT);
}

void redact_error(struct error *error)
{
	redact_room(error->message, sizeof(error->message));
	redact_room(error->place, sizeof(error->place));
	redact_room(error->remedy, sizeof(error->remedy));
	redact_room(error->remedy_url, sizeof(error->remedy_url));
	redact_room(error->remedy_input, sizeof(error->remedy_input));
	redact_room(error->provider_code, sizeof(error->provider_code));
	redact_room(error->request_id, sizeof(error->request_id));
}

/* Depth is bounded by json_parse, or by what made the tree. */
// NOLINTNEXTLINE(misc-no-recursion)
void redact_json(struct cJSON *json)
{
	if (cJSON_IsString(json))
		redact_text(json->valuestring);
	for (cJSON *item = json->child; item != NULL; item = item->next)
		redact_json(item);
}
