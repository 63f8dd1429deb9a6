/*
 * Feeds the refusals of providers: a byte for the provider and one for the status, then the body
 * and the headers that are kept. What comes of each is an error with a class, in words that can be
 * shown, with an address that begins as one does; a secret in it is in none of its texts.
 */
#include <stdlib.h>
#include <string.h>

#include "base/redact.h"
#include "base/text.h"
#include "fuzz/claims.h"
#include "provider/providers.h"
#include "provider/refusal.h"

#define SECRET       "s3cr3t/of+the\napp"
#define PLAIN_SECRET "s3cr3t/of+the app" /* as it would be shown */

static const int statuses[] = { 400, 401, 402, 403, 404, 405, 409, 410, 415, 422, 423, 429, 451,
	500, 502, 503, 504 };

static const struct settings_part *const *parts;

int LLVMFuzzerInitialize(int *count, char ***words)
{
	(void)count;
	(void)words;
	parts = providers_introduce();
	return 0;
}

static void claim_no_secret(const struct error *error)
{
	const char *const texts[] = { error->message, error->place, error->remedy,
		error->remedy_url, error->remedy_input, error->provider_code, error->request_id };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		CLAIM(strstr(texts[i], SECRET) == NULL && strstr(texts[i], PLAIN_SECRET) == NULL,
			"a secret is left: %s", texts[i]);
}

static void keep(struct http_response *http, const struct provider *provider, char **texts)
{
	const char *const names[] = { provider->request_id_header, provider->sign_on_header,
		provider->permissions_header };

	for (size_t i = 0; i < 3; i++) {
		http->kept[i].name = names[i];
		/* As client.c takes them. */
		redact_copy(http->kept[i].value, sizeof(http->kept[i].value), texts[i]);
	}
}

static void try_refusal(
	const struct provider *provider, int status, const char *body, char **headers)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct http_response http = { .status = status, .limit_remaining = -1 };
	const struct provider_access access = { .base_url = "https://host.example/api/v3" };
	const struct provider_exchange exchange = { .provider = provider,
		.access = &access,
		.arena = &arena,
		.made_lately = body[0] == ' ',
		.late_for_ms = 1000 };
	const struct provider_request request = { .path = "/repos/{owner}/{repo}",
		.parameters = { "acme", "docs" } };
	struct refusal_body refusal;
	struct error error;

	buffer_init(&http.body, HTTP_BODY_MAX);
	CLAIM(buffer_append_string(&http.body, body), "no room");
	keep(&http, provider, headers);
	http.limit_remaining = headers[2][0] == '0' ? 0 : -1;
	refusal_read(provider, &http, &refusal);
	enum error_class class = refusal_error(&exchange, &request, &http, &refusal, &error);
	redact_error(&error);
	CLAIM(class == error.class, "two classes");
	claim_error(&error);
	claim_no_secret(&error);
	CLAIM(error.class != ERROR_RATE_LIMITED || error.retry_after_ms >= 1000,
		"a limit without a time");
	CLAIM(error.retry_after_ms >= 0, "a time before now");
	CLAIM(error.remedy_url[0] == '\0' || text_has_prefix(error.remedy_url, "https://"),
		"no address: %s", error.remedy_url);
	http_response_release(&http);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *texts[4];
	size_t count = 0;
	struct error error;

	if (size < 2 || size > 20000)
		return -1;
	while (providers[count] != NULL)
		count++;
	CLAIM(redact_add(SECRET, &error) == ERROR_NONE, "not remembered");
	input_split(data + 2, size - 2, texts, 4);
	try_refusal(providers[data[0] % count],
		statuses[data[1] % (sizeof(statuses) / sizeof(statuses[0]))], texts[0], texts + 1);
	free(texts[0]);
	redact_forget(0);
	return 0;
}
