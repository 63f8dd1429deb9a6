#include "harness/trial.h"

#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "action/dry_run_found.h"
#include "base/clock.h"
#include "base/redact.h"
#include "base/unknown.h"
#include "harness/json_text.h"
#include "harness/named_setting.h"
#include "harness/suite.h"
#include "provider/provider.h"
#include "provider/providers.h"

static enum error_class refuse_lost(const struct trial *trial, struct error *error)
{
	return trial->lease_lost ? error_set(error, ERROR_LEASE_LOST, "the run is another's")
				 : ERROR_NONE;
}

static enum error_class on_save(void *backend, const char *checkpoint, struct error *error)
{
	struct trial *trial = backend;
	snprintf(trial->saved, sizeof(trial->saved), "%s", checkpoint);
	snprintf(trial->checkpoint, sizeof(trial->checkpoint), "%s", checkpoint);
	trial->saves++;
	return refuse_lost(trial, error);
}

static enum error_class on_ledger_write(
	void *backend, const struct ledger_change *change, struct error *error)
{
	struct trial *trial = backend;
	if (change->checkpoint != NULL && on_save(backend, change->checkpoint, error) != ERROR_NONE)
		return error->class;
	trial_ledger_remove(trial, change->field);
	if (change->value != NULL)
		trial_ledger_put(trial, change->field, change->value);
	trial->ledger_writes++;
	if (change->value != NULL && strstr(change->value, "\"state\":\"pending\"") != NULL)
		snprintf(trial->intended, sizeof(trial->intended), "%s %s", change->field,
			change->value);
	return refuse_lost(trial, error);
}

static void on_log(void *backend, const char *line)
{
	struct trial *trial = backend;
	size_t length = strlen(trial->log);
	snprintf(trial->log + length, sizeof(trial->log) - length, "%s\n", line);
}

static void on_admit(void *backend, const char *provider, const char *credential,
	struct call_admission *ret_admission)
{
	struct trial *trial = backend;
	(void)provider;
	(void)credential;
	*ret_admission = (struct call_admission){ .limited_ms = trial->closed_ms,
		.down_ms = trial->down_ms,
		.status = trial->down_status,
		.worker_only = trial->worker_only,
		.probing = trial->probing,
		.watched = trial->watched };
}

static void on_report_limit(
	void *backend, const char *provider, const char *credential, int64_t closed_ms)
{
	struct trial *trial = backend;
	snprintf(trial->closed_credential, sizeof(trial->closed_credential), "%s:%s", provider,
		credential);
	trial->closed_ms = closed_ms;
	trial->closes += closed_ms > 0 ? 1 : 0;
	trial->opens += closed_ms > 0 ? 0 : 1;
}

static void on_report_outage(void *backend, const char *provider, const char *credential,
	const struct call_health *health)
{
	struct trial *trial = backend;
	(void)provider;
	(void)credential;
	trial->failed += health->answered ? 0 : 1;
	trial->answered += health->answered ? 1 : 0;
	trial->unreachable += !health->answered && health->unreachable ? 1 : 0;
}

static const struct action_backend backend = { .save = on_save,
	.ledger_write = on_ledger_write,
	.log = on_log,
	.admit = on_admit,
	.report_limit = on_report_limit,
	.report_outage = on_report_outage };

/* The provider of the id x is /x of the peer, as SLIPWAY_X_URL says. */
static void set_provider(struct trial *trial, const struct provider *provider)
{
	char name[64];
	snprintf(name, sizeof(name), "SLIPWAY_%s_URL", provider->id);
	for (char *next = name; *next != '\0'; next++)
		*next = (char)toupper((unsigned char)*next);
	const char *url = arena_format(&trial->arena, "%s/%s", peer_url(trial->peer), provider->id);
	named_setting_set(&trial->settings, name, url);
	named_setting_set(&trial->settings, provider->token_setting, TRIAL_TOKEN);
}

void trial_begin(struct trial *trial)
{
	struct error error;

	memset(trial, 0, sizeof(*trial));
	unsetenv("http_proxy");
	arena_init(&trial->arena, 0);
	trial->peer = peer_start();
	trial->ledger = cJSON_CreateObject();
	ck_assert_int_eq(http_client_new(&trial->client, &error), ERROR_NONE);
	ck_assert_int_eq(redact_add(TRIAL_TOKEN, &error), ERROR_NONE);
	trial->settings.parts = providers_introduce();
	trial->settings.allow_loopback = true;
	trial->settings.lease_seconds = 30;
	for (size_t i = 0; providers[i] != NULL; i++)
		set_provider(trial, providers[i]);
	named_setting_set(&trial->settings, "SLIPWAY_VERCEL_TEAM", "acme");
	trial->settings.record_folder = getenv("SLIPWAY_RECORD");
}

void trial_end(struct trial *trial)
{
	context_release(&trial->context);
	http_client_free(trial->client);
	peer_stop(trial->peer);
	cJSON_Delete(trial->ledger);
	redact_forget(0);
	arena_release(&trial->attempt_arena);
	arena_release(&trial->arena);
}

enum action_result trial_attempt(
	struct trial *trial, const struct action_definition *action, const char *input)
{
	context_release(&trial->context);
	arena_release(&trial->attempt_arena);
	arena_init(&trial->attempt_arena, 0);
	trial->attempts++;
	trial->dry_run = (struct step_dry_run){ .planned = trial->planned_resource,
		.planned_count = trial->planned_resource != NULL ? 1 : 0 };
	trial->context = (struct action_context){
		.action = action,
		.app = "trial-app",
		.run_id = "0123456789abcdef0123456789abcdef",
		.attempt = trial->attempts,
		.age_ms = trial->age_ms,
		.paused_ms = trial->paused_ms,
		.started_at = clock_monotonic_ms(),
		.deadline_at = clock_monotonic_ms() +
			(trial->deadline_ms > 0 ? trial->deadline_ms : PATIENCE_MS),
		.settings = &trial->settings,
		.client = trial->client,
		.arena = &trial->attempt_arena,
		.ledger = trial->ledger,
		.dry_run = trial->planned ? &trial->dry_run : NULL,
		.backend = &backend,
		.backend_data = trial,
	};
	char *text = json_text_new(input);
	cJSON *json;
	struct error error;
	ck_assert_int_eq(
		json_parse(text, strlen(text), JSON_LIMITS_WIDE, &json, &error), ERROR_NONE);
	free(text);
	enum action_result result = context_execute(&trial->context, json, trial->checkpoint);
	cJSON_Delete(json);
	const char *checkpoint = context_checkpoint(&trial->context);
	ck_assert_ptr_nonnull(checkpoint);
	snprintf(trial->checkpoint, sizeof(trial->checkpoint), "%s", checkpoint);
	return result;
}

/* The rows of the ledger grow older as the run does. */
static void age_ledger(const struct trial *trial, int64_t milliseconds)
{
	static const char member[] = "\"at\":\"";
	cJSON *row;
	cJSON_ArrayForEach (row, trial->ledger) {
		char at[CLOCK_TEXT_SIZE];
		char *text = strstr(row->valuestring, member);
		if (text == NULL)
			continue;
		text += strlen(member);
		const size_t length = strcspn(text, "\"");
		snprintf(at, sizeof(at), "%.*s", (int)length, text);
		if (length >= sizeof(at) || clock_parse(at) == 0)
			continue;
		clock_format(clock_parse(at) - milliseconds, at);
		ck_assert_uint_eq(strlen(at), length);
		memcpy(text, at, length);
	}
}

enum action_result trial_run(struct trial *trial, const struct action_definition *action,
	const char *input, int attempts_max)
{
	enum action_result result = trial_attempt(trial, action, input);
	while (result == ACTION_WAITING && !trial->context.for_person && --attempts_max > 0) {
		trial->age_ms += trial->context.wait_ms;
		age_ledger(trial, trial->context.wait_ms);
		result = trial_attempt(trial, action, input);
	}
	return result;
}

void trial_made(struct trial *trial, const char *field, int64_t ms_ago)
{
	char at[CLOCK_TEXT_SIZE], entry[128];
	clock_format(clock_wall_ms() - ms_ago, at);
	snprintf(entry, sizeof(entry), "{\"id\":\"42\",\"created\":true,\"at\":\"%s\"}", at);
	trial_ledger_put(trial, field, entry);
}

const char *trial_output(struct trial *trial)
{
	const char *output = context_output(&trial->context);
	return output != NULL ? output : "";
}

const void *trial_record(const struct trial *trial)
{
	return trial->context.output;
}

const struct error *trial_error(const struct trial *trial)
{
	return &trial->context.error;
}

int64_t trial_wait_ms(const struct trial *trial)
{
	return trial->context.wait_ms;
}

const char *trial_wait_text(const struct trial *trial)
{
	return trial->context.text;
}

bool trial_waits_for_person(const struct trial *trial)
{
	return trial->context.for_person;
}

const char *trial_change(const struct trial *trial)
{
	return trial->dry_run.change != NULL ? trial->dry_run.change : "";
}

const char *trial_difference(const struct trial *trial, size_t index)
{
	int64_t more;
	const struct string_list list = dry_run_differences(&trial->dry_run, &more);
	return index < list.count ? list.items[index] : "";
}

const char *trial_found(const struct trial *trial)
{
	return trial->dry_run.found;
}

const char *trial_planned_request(struct trial *trial)
{
	const char *request = trial->dry_run.request;
	return request != NULL ? unknown_show(&trial->attempt_arena, request) : "";
}

bool trial_skipped(const struct trial *trial)
{
	return trial->context.skipped;
}

struct action_context *trial_context(struct trial *trial)
{
	trial->context.ledger = trial->ledger;
	return &trial->context;
}

const char *trial_checkpoint(const struct trial *trial)
{
	return trial->checkpoint;
}

const char *trial_saved(const struct trial *trial)
{
	return trial->saved;
}

const char *trial_intended(const struct trial *trial)
{
	return trial->intended;
}

const char *trial_log(const struct trial *trial)
{
	return trial->log;
}

int trial_saves(const struct trial *trial)
{
	return trial->saves;
}

int trial_attempts(const struct trial *trial)
{
	return trial->attempts;
}

void trial_forget(struct trial *trial)
{
	trial->checkpoint[0] = '\0';
	trial->saved[0] = '\0';
}

const char *trial_ledger(struct trial *trial)
{
	return json_print(&trial->arena, trial->ledger);
}

int trial_ledger_size(const struct trial *trial)
{
	return cJSON_GetArraySize(trial->ledger);
}

int trial_ledger_writes(const struct trial *trial)
{
	return trial->ledger_writes;
}

const char *trial_ledger_row(const struct trial *trial, const char *field)
{
	return json_member_string(trial->ledger, field);
}

void trial_ledger_put(struct trial *trial, const char *field, const char *row)
{
	char *text = json_text_new(row);
	trial_ledger_remove(trial, field);
	ck_assert_ptr_nonnull(cJSON_AddStringToObject(trial->ledger, field, text));
	free(text);
}

void trial_ledger_remove(struct trial *trial, const char *field)
{
	cJSON_DeleteItemFromObjectCaseSensitive(trial->ledger, field);
}
