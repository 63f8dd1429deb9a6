/*
 * Finds secrets in texts in all forms in which others write them, and overwrites them with asterisks. The time
 * is linear in the text: a hostile response must not stall a worker.
 */
#include "base/redact.h"

#include <ctype.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "base/json.h"
#include "base/text.h"
#include "slipway/field.h"

#define TOKEN_BYTES      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
#define TOKEN_LENGTH_MIN 30 /* after the prefix; GitHub's have 36 and more, and what is shorter may be words */

static char *secrets[REDACT_SECRETS_MAX];
static size_t secret_count;

enum error_class redact_add(const char *secret, struct error *error)
{
	size_t length = strlen(secret);
	if (length < REDACT_LENGTH_MIN)
		return ERROR_NONE;
	if (secret_count == REDACT_SECRETS_MAX || length > REDACT_LENGTH_MAX)
		return error_set(error, ERROR_OUT_OF_MEMORY, "too many secrets, or one of more than %d bytes",
			REDACT_LENGTH_MAX);
	char *copy = malloc(length + 1);
	if (copy == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to remember a secret");
	memcpy(copy, secret, length + 1);
	secrets[secret_count++] = copy;
	return ERROR_NONE;
}

static void wipe(char *secret)
{
	sodium_memzero(secret, strlen(secret));
	free(secret);
}

void redact_remove(const char *secret)
{
	for (size_t i = 0; i < secret_count; i++)
		if (strcmp(secrets[i], secret) == 0) {
			wipe(secrets[i]);
			secrets[i] = secrets[--secret_count];
			secrets[secret_count] = NULL;
			return;
		}
}

/* Of a token of GitHub by its looks, such as ghp_ or ghs_ and what follows up to a delimiter; 0 where there is none. */
static size_t token_length(const char *text)
{
	static const char prefix[] = "github_pat_";
	size_t begin = 0;
	if (strncmp(text, "gh", 2) == 0 && text[2] >= 'a' && text[2] <= 'z' && text[3] == '_')
		begin = 4;
	else if (strncmp(text, prefix, sizeof(prefix) - 1) == 0)
		begin = sizeof(prefix) - 1;
	size_t length = begin > 0 ? strspn(text + begin, TOKEN_BYTES) : 0;
	return length >= TOKEN_LENGTH_MIN ? begin + length : 0;
}

/* Tokens that nobody told us of, such as one that a client wrote where none belongs. */
static void cut_tokens(char *text)
{
	for (char *found = strchr(text, 'g'); found != NULL; found = strchr(found, 'g')) {
		size_t length = token_length(found);
		memset(found, '*', length);
		found += length > 0 ? length : 1;
	}
}

/* ---- how others write what they were sent ---- */

/* What stands at the beginning of a text. */
struct piece {
	size_t length; /* bytes of the text */
	size_t count;
	char bytes[8]; /* what they stand for */
};

struct form {
	char marks[3]; /* a text without any of these is as it was sent */
	void (*read)(const char *text, struct piece *piece);
};

#define MARKED_MAX 12 /* bytes of the longest piece that a mark begins: a pair of surrogates in JSON */

static bool read_hexadecimal(const char *text, size_t count, uint32_t *ret_number)
{
	char digits[5] = "";
	for (size_t i = 0; i < count; i++) {
		if (!isxdigit((unsigned char)text[i]))
			return false;
		digits[i] = text[i];
	}
	*ret_number = (uint32_t)strtoul(digits, NULL, 16);
	return true;
}

static void read_plain(const char *text, struct piece *piece)
{
	*piece = (struct piece){ 1, 1, { text[0] } };
}

/* \u00e4, or two of them for a character above U+FFFF. */
static void read_code_point(const char *text, struct piece *piece)
{
	uint32_t high, low;
	size_t length = 6;
	if (!read_hexadecimal(text + 2, 4, &high))
		return;
	if (high >= 0xD800 && high < 0xDC00 && text[6] == '\\' && text[7] == 'u' &&
		read_hexadecimal(text + 8, 4, &low) && low >= 0xDC00 && low < 0xE000) {
		high = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
		length = 12;
	}
	int count = u8_uctomb((uint8_t *)piece->bytes, high, sizeof(piece->bytes));
	if (count <= 0)
		return;
	piece->length = length;
	piece->count = (size_t)count;
}

static void read_json(const char *text, struct piece *piece)
{
	static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
	read_plain(text, piece);
	if (text[0] != '\\' || text[1] == '\0')
		return;
	const char *found = strchr(letters, text[1]);
	if (found != NULL)
		*piece = (struct piece){ 2, 1, { meanings[found - letters] } };
	else if (text[1] == 'u')
		read_code_point(text, piece);
}

static void read_url(const char *text, struct piece *piece)
{
	uint32_t byte;
	read_plain(text, piece);
	if (text[0] == '%' && read_hexadecimal(text + 1, 2, &byte))
		*piece = (struct piece){ 3, 1, { (char)byte } };
}

static void read_form(const char *text, struct piece *piece)
{
	read_url(text, piece);
	if (text[0] == '+')
		piece->bytes[0] = ' ';
}

static void read_html(const char *text, struct piece *piece)
{
	static const struct {
		const char *written;
		char means;
	} entities[] = { { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' }, { "&quot;", '"' }, { "&#34;", '"' },
		{ "&#39;", '\'' }, { "&#x27;", '\'' }, { "&apos;", '\'' } };
	read_plain(text, piece);
	for (size_t i = 0; text[0] == '&' && i < ARRAY_LEN(entities); i++)
		if (text_has_prefix(text, entities[i].written))
			*piece = (struct piece){ strlen(entities[i].written), 1, { entities[i].means } };
}

static const struct form plain = { "", read_plain };
static const struct form forms[] = { { "\\", read_json }, { "%", read_url }, { "+%", read_form }, { "&", read_html } };

/*
 * How much of the text, from its beginning on, is the secret; 0: it is not. Where the text was cut, the beginning of a
 * secret that it ends with is one too.
 */
static size_t match(const struct form *form, const char *text, const char *secret, bool was_cut)
{
	const char *next = text, *rest = secret;
	while (*rest != '\0' && *next != '\0') {
		struct piece piece;
		form->read(next, &piece);
		if (strncmp(rest, piece.bytes, piece.count) != 0)
			break;
		rest += piece.count;
		next += piece.length;
	}
	if (*rest == '\0')
		return (size_t)(next - text);
	if (!was_cut || rest - secret < REDACT_LENGTH_MIN)
		return 0;
	bool ended = *next == '\0' || (strchr(form->marks, *next) != NULL && strnlen(next, MARKED_MAX) < MARKED_MAX);
	return ended ? strlen(text) : 0;
}

static void cut_form(const struct form *form, char *text, const char *secret, bool was_cut)
{
	for (; *text != '\0'; text++) {
		if (*text != secret[0] && *text != form->marks[0] && *text != form->marks[1])
			continue;
		size_t length = match(form, text, secret, was_cut);
		if (length == 0)
			continue;
		memset(text, '*', length);
		text += length - 1;
	}
}

/* Whether anybody has a reason to write it in another way: none has for letters and digits, as most tokens are. */
static bool has_forms(const char *secret)
{
	return secret[strspn(secret, TOKEN_BYTES)] != '\0';
}

static void cut_plain(char *text, const char *secret)
{
	size_t length = strlen(secret);
	for (char *found = strstr(text, secret); found != NULL; found = strstr(found, secret)) {
		memset(found, '*', length);
		found += length;
	}
}

/* ---- texts ---- */

static int compare_lengths(const void *left, const void *right)
{
	size_t a = strlen(*(const char *const *)left), b = strlen(*(const char *const *)right);
	return a < b ? 1 : a > b ? -1 : 0;
}

static void cut_secrets(char *text, bool was_cut)
{
	/* The longest first: a shorter one within it would leave the rest of it standing. */
	const char *ordered[REDACT_SECRETS_MAX];
	memcpy(ordered, secrets, secret_count * sizeof(ordered[0]));
	qsort(ordered, secret_count, sizeof(ordered[0]), compare_lengths);
	for (size_t i = 0; i < secret_count; i++) {
		if (was_cut)
			cut_form(&plain, text, ordered[i], true);
		else
			cut_plain(text, ordered[i]);
	}
	for (size_t form = 0; form < ARRAY_LEN(forms); form++)
		for (size_t i = 0; strpbrk(text, forms[form].marks) != NULL && i < secret_count; i++)
			if (has_forms(ordered[i]))
				cut_form(&forms[form], text, ordered[i], was_cut);
	cut_tokens(text);
}

void redact_text(char *text)
{
	cut_secrets(text, false);
}

/* A text that fills its room was cut, for all that is known: up to three bytes go where that was within a character. */
static void redact_room(char *text, size_t size)
{
	cut_secrets(text, strlen(text) + 4 >= size);
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

void redact_forget(size_t from)
{
	while (secret_count > from) {
		wipe(secrets[--secret_count]);
		secrets[secret_count] = NULL;
	}
}

size_t redact_count(void)
{
	return secret_count;
}
