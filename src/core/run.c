/*
 * A run as the status object of the HTTP contract. Pure data: nothing here knows where a run is
 * stored.
 */
#include "core/run.h"

#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/identifier.h"
#include "base/record.h"
#include "base/text.h"

static const struct field shown_fields[] = {
	{ STRING_FIELD("run", struct run, id) },
	{ STRING_FIELD("status", struct run, status) },
	{ STRING_FIELD("phase", struct run, phase) },
	{ STRING_FIELD("reason", struct run, reason) },
	{ STRING_FIELD("detail", struct run, detail) },
	{ JSON_FIELD("output", struct run, output) },
	{ JSON_FIELD("error", struct run, error) },
	{ INTEGER_FIELD("attempt", struct run, attempt) },
	{ INTEGER_FIELD("crashes", struct run, crashes) },
	{ INTEGER_FIELD("version", struct run, version) },
	{ INTEGER_FIELD("removed", struct run, removed) },
	{ INTEGER_FIELD("stale", struct run, stale) },
	{ STRING_FIELD("deployment", struct run, deployment) },
	{ INTEGER_FIELD("queued_at", struct run, queued_at) },
	{ INTEGER_FIELD("started_at", struct run, started_at) },
	{ INTEGER_FIELD("finished_at", struct run, finished_at) },
	{ INTEGER_FIELD("due", struct run, due) },
	{ INTEGER_FIELD("ready_at", struct run, ready_at) },
	{ STRING_FIELD("worker", struct run, worker) },
	{ JSON_FIELD("cancel", struct run, cancel) },
	{ INTEGER_FIELD("lease_until", struct run, lease_until) },
};
const struct record run_shown = RECORD(struct run, shown_fields);

static const struct field hidden_fields[] = {
	{ JSON_FIELD("input", struct run, input) },
	{ JSON_FIELD("checkpoint", struct run, checkpoint) },
	{ STRING_FIELD("lease", struct run, lease) },
	{ STRING_FIELD("request", struct run, request) },
	{ STRING_FIELD("triggers", struct run, triggers) },
	{ INTEGER_FIELD("attempts", struct run, attempts) },
	{ INTEGER_FIELD("run_deadline", struct run, run_deadline) },
	{ INTEGER_FIELD("outage_at", struct run, outage_at) },
	{ INTEGER_FIELD("outage_ms", struct run, outage_ms) },
	{ INTEGER_FIELD("paused_ms", struct run, paused_ms) },
	{ STRING_FIELD("outage_seen", struct run, outage_seen) },
};
const struct record run_hidden = RECORD(struct run, hidden_fields);

_Static_assert(ARRAY_LEN(shown_fields) + ARRAY_LEN(hidden_fields) <= RUN_FIELDS_MAX,
	"raise RUN_FIELDS_MAX");

bool run_name_copy(struct run_name *ret_copy, const struct run_name *name, struct arena *arena)
{
	*ret_copy = (struct run_name){ arena_string(arena, name->tenant),
		arena_string(arena, name->app), arena_string(arena, name->workflow),
		arena_string(arena, name->step) };
	return ret_copy->tenant != NULL && ret_copy->app != NULL && ret_copy->workflow != NULL &&
		ret_copy->step != NULL;
}

struct app_name run_app(const struct run_name *name)
{
	return (struct app_name){ name->tenant, name->app };
}

void run_init(struct run *run, const struct run_name *name)
{
	*run = (struct run){ .name = *name };
	record_clear(&run_shown, run);
	record_clear(&run_hidden, run);
}

void run_add_unsaid(struct run *run)
{
	if (run->id[0] != '\0' && !run_is_live(run) && run->attempt == 0)
		run->attempt = 1;
}

bool run_is_live(const struct run *run)
{
	return strcmp(run->status, "running") == 0;
}

int64_t run_age_ms(const struct run *run)
{
	const int64_t since = run->started_at > 0 ? run->started_at : run->queued_at;
	const int64_t age_ms = run->now - since - run->paused_ms;

	return age_ms > 0 ? age_ms : 0;
}

/* A run that has just begun may end at once, one that has lasted will last: so the wait grows with
 * the age. */
#define YOUNG_POLL_MS 50
#define OLD_POLL_MS   1000
#define DUE_POLL_MS   15000

int64_t run_next_poll_ms(const struct run *run)
{
	if (!run_is_live(run))
		return 0;
	if (run->due > run->now)
		return run->due - run->now > DUE_POLL_MS ? DUE_POLL_MS : run->due - run->now + 500;
	int64_t wait_ms = (run->now - run->queued_at) / 2;
	return wait_ms < YOUNG_POLL_MS  ? YOUNG_POLL_MS
		: wait_ms > OLD_POLL_MS ? OLD_POLL_MS
					: wait_ms;
}

static void add_to_tag(crypto_generichash_state *state, const char *text)
{
	crypto_generichash_update(state, (const unsigned char *)text, strlen(text) + 1);
}

void runs_tag(const struct run *runs, size_t count, char tag[RUN_TAG_SIZE])
{
	crypto_generichash_state state;
	unsigned char hash[(RUN_TAG_SIZE - 1) / 2];

	crypto_generichash_init(&state, NULL, 0, sizeof(hash));
	add_to_tag(&state, SLIPWAY_VERSION);
	for (size_t i = 0; i < count; i++) {
		char version[INTEGER_TEXT_SIZE];
		add_to_tag(&state, runs[i].name.step);
		add_to_tag(&state, runs[i].id);
		add_to_tag(&state, text_of_integer(version, runs[i].version));
		add_to_tag(&state, runs[i].reason);
		add_to_tag(&state, runs[i].detail);
	}

	crypto_generichash_final(&state, hash, sizeof(hash));
	sodium_bin2hex(tag, RUN_TAG_SIZE, hash, sizeof(hash));
}

/* ---- the status object ---- */

struct status {
	const char *workflow, *app, *step, *run, *status, *phase, *reason, *detail;
	const char *resume_at, *queued_at, *started_at, *finished_at;
	const char *output, *error;
	int64_t attempt, crashes, version, next_poll_ms;
	bool removed, stale;
	const char *deployment;
};

/* Required, so that every member is always there: null where there is nothing to say. */
static const struct field status_fields[] = {
	{ STRING_FIELD("workflowId", struct status, workflow), .required = true },
	{ STRING_FIELD("appId", struct status, app), .required = true },
	{ STRING_FIELD("actionId", struct status, step), .required = true },
	{ STRING_FIELD("runId", struct status, run), .required = true },
	{ STRING_FIELD("status", struct status, status), .required = true },
	{ STRING_FIELD("phase", struct status, phase), .required = true },
	{ STRING_FIELD("reason", struct status, reason), .required = true },
	{ STRING_FIELD("detail", struct status, detail), .required = true },
	{ STRING_FIELD("resumeAt", struct status, resume_at), .required = true },
	{ INTEGER_FIELD("attempt", struct status, attempt) },
	{ INTEGER_FIELD("crashes", struct status, crashes) },
	{ INTEGER_FIELD("version", struct status, version) },
	{ STRING_FIELD("queuedAt", struct status, queued_at), .required = true },
	{ STRING_FIELD("startedAt", struct status, started_at), .required = true },
	{ STRING_FIELD("finishedAt", struct status, finished_at), .required = true },
	{ JSON_FIELD("output", struct status, output), .required = true },
	{ JSON_FIELD("error", struct status, error), .required = true },
	{ INTEGER_FIELD("nextPollMs", struct status, next_poll_ms) },
	/* Only where it is so. */
	{ BOOLEAN_FIELD("removed", struct status, removed), .omit_zero = true },
	{ BOOLEAN_FIELD("stale", struct status, stale), .omit_zero = true },
	{ STRING_FIELD("deploymentId", struct status, deployment) },
};
static const struct record status_record = RECORD(struct status, status_fields);

/* The texts that the times become. */
struct status_times {
	char due[CLOCK_TEXT_SIZE], queued[CLOCK_TEXT_SIZE], started[CLOCK_TEXT_SIZE],
		finished[CLOCK_TEXT_SIZE];
};

static struct status status_of(const struct run *run, struct status_times *times)
{
	return (struct status){
		.workflow = run->name.workflow,
		.app = run->name.app,
		.step = run->name.step,
		.run = text_or_null(run->id),
		.status = run->status[0] != '\0' ? run->status : "idle",
		.phase = text_or_null(run->phase),
		.reason = text_or_null(run->reason),
		.detail = text_or_null(run->detail),
		/* A queued run may begin at any moment, also one that was declined. */
		.resume_at = strcmp(run->phase, "queued") == 0
			? NULL
			: clock_text_or_null(run->due, times->due),
		.queued_at = clock_text_or_null(run->queued_at, times->queued),
		.started_at = clock_text_or_null(run->started_at, times->started),
		.finished_at = clock_text_or_null(run->finished_at, times->finished),
		.output = run->output[0] != '\0' ? run->output : "{}",
		.error = text_or_null(run->error),
		.attempt = run->attempt,
		.crashes = run->crashes,
		.version = run->version,
		.next_poll_ms = run_next_poll_ms(run),
		.removed = run->removed != 0,
		.stale = run->stale != 0,
		.deployment = text_or_null(run->deployment),
	};
}

enum error_class run_status(const struct run *run, cJSON **ret_json, struct error *error)
{
	struct status_times times;
	const struct status status = status_of(run, &times);

	return record_encode(&status_record, &status, ret_json, error);
}

enum error_class run_status_write(
	const struct run *run, struct json_writer *writer, struct error *error)
{
	struct status_times times;
	const struct status status = status_of(run, &times);

	return record_write(&status_record, &status, writer, error);
}

enum error_class run_status_object(
	const struct run *run, struct json_writer *writer, struct error *error)
{
	if (run->made != NULL) {
		json_write_made(writer, run->made);
		return ERROR_NONE;
	}
	json_open(writer, '{');
	enum error_class class = run_status_write(run, writer, error);
	json_close(writer, '}');
	return class;
}

/* The table of the output says that the member is a map, or the reference would not have been
 * taken. */
static enum error_class take_value(
	cJSON **member, const struct reference *reference, const char *name, struct error *error)
{
	const char *value = reference->parts[reference->part_count - 1];
	cJSON *taken = cJSON_DetachItemFromObjectCaseSensitive(*member, value);
	const char *step = reference->parts[reference->kind == REFERENCE_STEP ? 0 : 2];

	cJSON_Delete(*member);
	*member = taken;
	if (taken != NULL || reference_calls_default(&reference->calls))
		return ERROR_NONE;
	error_set(
		error, ERROR_INVALID_INPUT, "'%s' of the step '%s' has no '%s'", name, step, value);
	return error_remedy(error, NULL, "Correct the name, or have that step give such a value.");
}

enum error_class run_output_member(const char *output, const struct reference *reference,
	cJSON **ret_value, struct error *error)
{
	size_t at = reference->kind == REFERENCE_STEP ? 1 : 3;
	const char *name = reference->parts[at];
	cJSON *json;

	if (json_parse(output, strlen(output), JSON_LIMITS_WIDE, &json, error) != ERROR_NONE)
		return error_set(error,
			error->class == ERROR_OUT_OF_MEMORY ? error->class : ERROR_INTERNAL,
			"a stored output is broken: %s", error->message);
	cJSON *value = cJSON_DetachItemFromObjectCaseSensitive(json, name);
	cJSON_Delete(json);
	if (value != NULL && reference->part_count > at + 1 &&
		take_value(&value, reference, name, error) != ERROR_NONE)
		return error->class;
	*ret_value = value != NULL ? value : cJSON_CreateNull();
	return *ret_value != NULL
		? ERROR_NONE
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for an output");
}
