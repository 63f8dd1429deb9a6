/*
 * Feeds secrets and texts to the redactor: a byte that says how the secret is written into the
 * text, and texts that are the secret, what stands before it, and what stands behind it. However it
 * is written, no trace of it is left: nor in what was cut to fit, wherever the cut falls, and nor
 * in an error of a class. Redacted once more, a text stays as it is; its length never changes.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/redact.h"
#include "base/text.h"
#include "fuzz/claims.h"

#define TEXT_MAX ((size_t)1 << 20)

/* ---- ways to write a text ---- */

typedef void writer(struct buffer *buffer, const char *text, size_t length);

static void add(struct buffer *buffer, const char *text, size_t length)
{
	CLAIM(buffer_append(buffer, text, length), "no room");
}

static void write_plain(struct buffer *buffer, const char *text, size_t length)
{
	add(buffer, text, length);
}

static void write_json(struct buffer *buffer, const char *text, size_t length)
{
	CLEANUP_JSON cJSON *json = cJSON_CreateString(text);
	char *printed = cJSON_PrintUnformatted(json);

	(void)length;
	CLAIM(printed != NULL, "no memory");
	add(buffer, printed + 1, strlen(printed) - 2);
	cJSON_free(printed);
}

/* Each byte as this prefix and two digits. */
static void write_each(struct buffer *buffer, const char *text, size_t length, const char *prefix)
{
	char escape[16];

	for (size_t i = 0; i < length; i++) {
		text_format(
			escape, sizeof(escape), "%s%02x", prefix, (unsigned)(unsigned char)text[i]);
		add(buffer, escape, strlen(escape));
	}
}

static void write_url(struct buffer *buffer, const char *text, size_t length)
{
	write_each(buffer, text, length, "%");
}

static void write_hex(struct buffer *buffer, const char *text, size_t length)
{
	write_each(buffer, text, length, "\\x");
}

static void write_base64(struct buffer *buffer, const char *text, size_t length)
{
	size_t room = sodium_base64_ENCODED_LEN(length, sodium_base64_VARIANT_ORIGINAL);
	char *base64 = malloc(room);

	CLAIM(base64 != NULL, "no memory");
	sodium_bin2base64(
		base64, room, (const unsigned char *)text, length, sodium_base64_VARIANT_ORIGINAL);
	add(buffer, base64, strlen(base64));
	free(base64);
}

static writer *const writers[] = { write_plain, write_json, write_url, write_hex, write_base64 };
#define WRITERS (sizeof(writers) / sizeof(writers[0]))

/* One way within another. */
static void write_secret(struct buffer *buffer, const char *secret, size_t how)
{
	CLEANUP_BUFFER struct buffer inner = BUFFER_EMPTY(TEXT_MAX);

	writers[how % WRITERS](&inner, secret, strlen(secret));
	writers[how / WRITERS % WRITERS](buffer, buffer_text(&inner), inner.length);
}

/* ---- what has to hold ---- */

/* Redacted, and nothing is found any more. */
static void try_text(const char *text, const char *secret, bool has_secret)
{
	char *copy = strdup(text);

	CLAIM(copy != NULL, "no memory");
	CLAIM(redact_finds(copy) || !has_secret, "the secret is not found");
	redact_text(copy);
	CLAIM(strlen(copy) == strlen(text), "the length has changed");
	CLAIM(strstr(copy, secret) == NULL, "the secret is left: %s", copy);
	char *again = strdup(copy);
	CLAIM(again != NULL, "no memory");
	redact_text(again);
	CLAIM(strcmp(copy, again) == 0, "another time, another text: %s and %s", copy, again);
	free(again);
	free(copy);
}

/* No room shows as much of the secret as it has, be it cut. */
static void try_cut(const char *text, size_t before, const char *secret)
{
	char room[64];
	struct error error;
	size_t least = strlen(secret) < 4 ? strlen(secret) : 4;

	for (size_t from = before > 80 ? before - 80 : 0; from < before; from++) {
		redact_copy(room, sizeof(room), text + from);
		size_t shown = strlen(room);
		size_t at = before - from;
		if (strlen(text + from) < sizeof(room))
			break;
		CLAIM(shown < sizeof(room) - 1, "it was cut, and does not show it: %s", room);
		/* Asterisks are what it is hidden by, whatever it begins with. */
		CLAIM(at + least > shown || strspn(secret, "*") >= least ||
				memcmp(room + at, secret, least) != 0,
			"a part of the secret is left: %s", room);
	}
	error_set(&error, ERROR_NETWORK, "%s", text);
	redact_error(&error);
	CLAIM(strstr(error.message, secret) == NULL, "the secret is in the error: %s",
		error.message);
}

static void try_all(size_t how, const char *secret, const char *before, const char *behind)
{
	CLEANUP_BUFFER struct buffer text = BUFFER_EMPTY(TEXT_MAX);
	struct error error;

	/* A short one is not remembered. */
	if (redact_add(secret, &error) != ERROR_NONE || redact_count() == 0)
		return;
	add(&text, before, strlen(before));
	write_secret(&text, secret, how);
	add(&text, behind, strlen(behind));
	/* An escape before it may take its first bytes, and digits behind its end: then it is not
	 * written there. */
	bool apart = strpbrk(before, "\\%&+") == NULL &&
		(strlen(before) == 0 || before[strlen(before) - 1] == ' ') &&
		(behind[0] == '\0' || behind[0] == ' ');
	try_text(buffer_text(&text), secret, apart && redact_count() > 0);
	if (redact_count() > 0 && how % (WRITERS * WRITERS) == 0)
		try_cut(buffer_text(&text), strlen(before), secret);
	redact_forget(0);
	CLAIM(redact_count() == 0, "a secret is kept");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const prefixes[] = { "gh?_", "github_pat_", NULL };
	char *texts[3];

	if (size < 1 || size > 65536)
		return -1;
	redact_token_prefixes(prefixes);
	input_split(data + 1, size - 1, texts, 3);
	/* An empty one, one of asterisks, and what is no text stand for themselves. */
	if (strspn(texts[0], "*") < strlen(texts[0]) && text_is_valid(texts[0]))
		try_all(data[0], texts[0], texts[1], texts[2]);
	free(texts[0]);
	return 0;
}
