/*
 * Checks of what is outside Redis: each provider is asked one harmless question, which its own table names, with
 * the credential that workers would use; and the keys of secrets are tried.
 */
#include <string.h>

#include "base/clock.h"
#include "cli/doctor.h"
#include "core/secret.h"
#include "provider/provider.h"

#define PROBE_MS 10000

void doctor_probe(const struct doctor *doctor, const struct provider *provider, struct diagnosis *diagnosis)
{
	const struct provider_access access = provider->access(doctor->settings);
	const struct provider_request request = { .path = access.probe, .parameters = { access.scope } };
	struct provider_response response;
	struct http_client *client;
	struct error error;
	struct arena arena;

	if (access.token == NULL && access.account == NULL) {
		diagnosis_set(diagnosis, DOCTOR_WARNING, "there is no token for %s here", provider->name);
		diagnosis_advise(diagnosis, "Set %s_FILE where workers run; ask again with their settings (--config).",
			provider->token_setting);
		return;
	}

	if (http_client_new(&client, &error) != ERROR_NONE) {
		diagnosis_set_error(diagnosis, &error);
		return;
	}

	arena_init(&arena, 0);
	const struct provider_exchange exchange = { .client = client,
		.provider = provider,
		.access = &access,
		.arena = &arena,
		.deadline_at = clock_monotonic_ms() + PROBE_MS,
		.settings = doctor->settings };
	if (provider_send(&exchange, &request, &response, &error) == ERROR_NONE)
		diagnosis_set(diagnosis, DOCTOR_FINE, "%s takes the credential", access.base_url);
	else
		diagnosis_set_error(diagnosis, &error);
	arena_release(&arena);
	http_client_free(client);
}

static void look_secrets(const struct doctor *doctor, struct diagnosis *diagnosis)
{
	const struct settings *settings = doctor->settings;
	struct error error;

	if (secret_keys_check(settings->secrets_public_key, settings->secrets_keys, &error) != ERROR_NONE)
		diagnosis_set_error(diagnosis, &error);
	else if (settings->secrets_public_key == NULL && settings->secrets_keys == NULL) {
		diagnosis_set(diagnosis, DOCTOR_WARNING, "there are no keys for secrets of apps here");
		diagnosis_advise(diagnosis, "Where apps have secrets, make keys with 'slipway key'; else never mind.");
	} else if (settings->secrets_public_key == NULL || settings->secrets_keys == NULL) {
		diagnosis_set(diagnosis, DOCTOR_FINE, "the %s is a key; the other half is not known here",
			settings->secrets_keys == NULL ? "public key" : "workers' key");
	} else {
		diagnosis_set(diagnosis, DOCTOR_FINE, "the workers can open what the api seals");
	}
}

const struct doctor_check doctor_key_checks[] = {
	{ "secrets", look_secrets },
	{ NULL, NULL },
};
