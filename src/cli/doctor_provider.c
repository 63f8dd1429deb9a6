/*
 * Checks of what is outside Redis: each provider is asked the harmless questions that its own table
 * has, with the credential that workers would use; and the keys of secrets are tried.
 */
#include <string.h>

#include "base/clock.h"
#include "base/redact.h"
#include "base/text.h"
#include "cli/doctor.h"
#include "core/secret.h"
#include "provider/survey.h"

#define ASK_MS 20000 /* a provider, with all questions */

static void take_finding(const struct survey_finding *finding, struct diagnosis *diagnosis)
{
	diagnosis_set(
		diagnosis, finding->fault ? DOCTOR_FAULT : DOCTOR_WARNING, "%s", finding->what);
	diagnosis_advise(diagnosis, "%s", finding->advice);
	redact_text(diagnosis->what);
	text_copy(diagnosis->link, sizeof(diagnosis->link),
		finding->link != NULL ? finding->link : "");
}

static size_t ask(
	const struct provider_exchange *exchange, struct diagnosis diagnoses[DOCTOR_LINES_MAX])
{
	struct survey survey;
	struct error error;

	if (survey_ask(exchange, &survey, &error) != ERROR_NONE) {
		diagnosis_set_error(&diagnoses[0], &error);
		return 1;
	}

	diagnosis_set(
		&diagnoses[0], DOCTOR_FINE, "%s takes the credential", exchange->access->base_url);
	for (size_t i = 0; i < survey.count; i++)
		take_finding(&survey.findings[i], &diagnoses[i + 1]);
	return survey.count + 1;
}

size_t doctor_ask_provider(const struct doctor *doctor, const struct provider *provider,
	struct diagnosis diagnoses[DOCTOR_LINES_MAX])
{
	const struct provider_access access = provider->access(doctor->settings);
	struct http_client *client;
	struct error error;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;

	if (access.token == NULL && access.account == NULL) {
		diagnosis_set(&diagnoses[0], DOCTOR_WARNING, "there is no token for %s here",
			provider->name);
		diagnosis_advise(&diagnoses[0],
			"Set %s_FILE where workers run; ask again with their settings (--config).",
			provider->token_setting);
		return 1;
	}

	if (http_client_new(&client, &error) != ERROR_NONE) {
		diagnosis_set_error(&diagnoses[0], &error);
		return 1;
	}

	const struct provider_exchange exchange = { .client = client,
		.provider = provider,
		.access = &access,
		.arena = &arena,
		.deadline_at = clock_monotonic_ms() + ASK_MS,
		.settings = doctor->settings };
	size_t count = ask(&exchange, diagnoses);
	http_client_free(client);
	return count;
}

static void look_secrets(const struct doctor *doctor, struct diagnosis *diagnosis)
{
	const struct settings *settings = doctor->settings;
	struct error error;

	if (secret_keys_check(settings->secrets_public_key, settings->secrets_keys, &error) !=
		ERROR_NONE)
		diagnosis_set_error(diagnosis, &error);
	else if (settings->secrets_public_key == NULL && settings->secrets_keys == NULL) {
		diagnosis_set(
			diagnosis, DOCTOR_WARNING, "there are no keys for secrets of apps here");
		diagnosis_advise(diagnosis,
			"Where apps have secrets, make keys with 'slipway key'; else never mind.");
	} else if (settings->secrets_public_key == NULL || settings->secrets_keys == NULL) {
		diagnosis_set(diagnosis, DOCTOR_FINE,
			"the %s is a key; the other half is not known here",
			settings->secrets_keys == NULL ? "public key" : "workers' key");
	} else {
		diagnosis_set(diagnosis, DOCTOR_FINE, "the workers can open what the api seals");
	}
}

const struct doctor_check doctor_key_checks[] = {
	{ "secrets", look_secrets },
	{ NULL, NULL },
};
