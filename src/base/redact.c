#include "base/redact.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

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

static int compare_lengths(const void *left, const void *right)
{
	size_t a = strlen(*(const char *const *)left), b = strlen(*(const char *const *)right);
	return a < b ? 1 : a > b ? -1 : 0;
}

void redact_text(char *text)
{
	/* The longest first: a shorter one within it would leave the rest of it standing. */
	const char *ordered[REDACT_SECRETS_MAX];
	memcpy(ordered, secrets, secret_count * sizeof(ordered[0]));
	qsort(ordered, secret_count, sizeof(ordered[0]), compare_lengths);
	for (size_t i = 0; i < secret_count; i++) {
		size_t length = strlen(ordered[i]);
		for (char *found = strstr(text, ordered[i]); found != NULL; found = strstr(found, ordered[i])) {
			memset(found, '*', length);
			found += length;
		}
	}
	cut_tokens(text);
}

void redact_error(struct error *error)
{
	redact_text(error->message);
	redact_text(error->place);
	redact_text(error->remedy);
	redact_text(error->remedy_url);
	redact_text(error->remedy_input);
	redact_text(error->provider_code);
	redact_text(error->request_id);
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
