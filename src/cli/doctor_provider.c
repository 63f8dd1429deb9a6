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
#include "provider/connected.h"
#include "provider/providers.h"
#include "provider/survey.h"
#include "slipway/action.h"
#include "slipway/workflow.h"

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

/* ---- what an app's installation lacks ---- */

#define PERMISSIONS_MAX 24

/* The most that any action asks of each permission, and which action that is. */
struct permission {
	struct string_pair pair;
	const char *action;
};

static void add_permission(
	struct permission *list, size_t *count, const struct string_pair *pair, const char *action)
{
	size_t i = 0;

	while (i < *count && strcmp(list[i].pair.name, pair->name) != 0)
		i++;
	if (i == PERMISSIONS_MAX || (i < *count && strcmp(pair->value, "write") != 0))
		return;
	*count += i == *count ? 1 : 0;
	list[i] = (struct permission){ *pair, action };
}

static size_t list_permissions(struct permission list[PERMISSIONS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; workflows[i] != NULL; i++)
		for (size_t j = 0; j < workflows[i]->step_count; j++) {
			const struct action_definition *action = workflows[i]->steps[j].action;
			const struct string_pair *pair = action->permissions;
			for (; pair != NULL && pair->name != NULL; pair++)
				add_permission(list, &count, pair, action->id);
		}
	return count;
}

static bool lacks_permission(
	const struct provider_exchange *exchange, const struct permission *permission)
{
	static const struct provider_request nothing = { .path = "/installation/repositories" };
	const struct string_pair pairs[] = { permission->pair, { NULL, NULL } };
	const struct provider_grant grant = { .permissions = pairs };
	struct provider_exchange narrowed = *exchange;
	struct error error;

	narrowed.grant = &grant;
	return provider_check_grant(&narrowed, &nothing, &error) == ERROR_SCOPE_MISSING;
}

/* An app is asked for a token of each permission alone: that of a person has no such list. */
static size_t ask_permissions(const struct provider_exchange *exchange,
	struct diagnosis diagnoses[DOCTOR_LINES_MAX], size_t count)
{
	struct permission list[PERMISSIONS_MAX];
	size_t found = 0;

	if (exchange->access->account == NULL || diagnoses[0].verdict == DOCTOR_FAULT)
		return 0;
	const size_t permissions = list_permissions(list);
	for (size_t i = 0; i < permissions && count + found < DOCTOR_LINES_MAX; i++) {
		if (!lacks_permission(exchange, &list[i]))
			continue;
		struct diagnosis *diagnosis = &diagnoses[count + found++];
		diagnosis_set(diagnosis, DOCTOR_WARNING,
			"the app's installation lacks the permission %s: %s, which %s needs",
			list[i].pair.name, list[i].pair.value, list[i].action);
		diagnosis_advise(diagnosis,
			"Add it to the app, and let an owner of the organisation accept it in the "
			"settings of the installation.");
	}
	return found;
}

static size_t ask_with(const struct doctor *doctor, const struct provider *provider,
	const struct provider_access *access, struct arena *arena,
	struct diagnosis diagnoses[DOCTOR_LINES_MAX])
{
	struct http_client *client;
	struct error error;

	if (http_client_new(&client, &error) != ERROR_NONE) {
		diagnosis_set_error(&diagnoses[0], &error);
		return 1;
	}

	const struct provider_exchange exchange = { .client = client,
		.provider = provider,
		.access = access,
		.arena = arena,
		.deadline_at = clock_monotonic_ms() + ASK_MS,
		.settings = doctor->settings };
	size_t count = ask(&exchange, diagnoses);
	count += ask_permissions(&exchange, diagnoses, count);
	http_client_free(client);
	return count;
}

size_t doctor_ask_provider(const struct doctor *doctor, const struct provider *provider,
	struct diagnosis diagnoses[DOCTOR_LINES_MAX])
{
	const struct provider_access access = provider->access(doctor->settings);
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;

	if (access.token == NULL && access.account == NULL) {
		diagnosis_set(&diagnoses[0], DOCTOR_WARNING, "there is no token for %s here",
			provider->name);
		diagnosis_advise(&diagnoses[0],
			"Set %s_FILE where workers run; ask again with their settings (--config).",
			provider->token_setting);
		return 1;
	}

	return ask_with(doctor, provider, &access, &arena, diagnoses);
}

/* ---- connections ---- */

/* NULL where it uses the workers' own. */
static enum error_class open_credential(const struct doctor *doctor,
	const struct stored_connection *stored, struct arena *arena, const char **ret_credential,
	struct error *error)
{
	*ret_credential = NULL;
	if (connection_uses_settings(&stored->connection))
		return ERROR_NONE;
	if (connection_open(doctor->settings->secrets_keys, &stored->connection, stored->record,
		    stored->sealed, arena, ret_credential, error) != ERROR_NONE)
		return error->class;
	return redact_add(*ret_credential, error);
}

size_t doctor_ask_connection(const struct doctor *doctor, const struct stored_connection *stored,
	struct diagnosis diagnoses[DOCTOR_LINES_MAX])
{
	const struct connection *connection = &stored->connection;
	const struct provider *provider = provider_find(connection->provider);
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const char *credential;
	struct error error;

	if (provider == NULL) {
		diagnosis_set(&diagnoses[0], DOCTOR_FAULT, "this build has no provider '%s'",
			connection->provider);
		return 1;
	}
	if (open_credential(doctor, stored, &arena, &credential, &error) != ERROR_NONE) {
		diagnosis_set_error(&diagnoses[0], &error);
		return 1;
	}

	const struct provider_access access =
		connected_access(provider, doctor->settings, connection, credential);
	size_t count = ask_with(doctor, provider, &access, &arena, diagnoses);
	if (credential != NULL)
		redact_remove(credential);
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
