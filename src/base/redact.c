#include "base/redact.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

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

void redact_text(char *text)
{
	for (size_t i = 0; i < secret_count; i++) {
		size_t length = strlen(secrets[i]);
		for (char *found = strstr(text, secrets[i]); found != NULL; found = strstr(found, secrets[i])) {
			memset(found, '*', length);
			found += length;
		}
	}
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
