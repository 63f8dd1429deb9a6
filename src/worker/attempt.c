/*
 * One attempt: resolves the references of its input, runs the action, and says what has to be
 * written about it; the caller sees to that. What the action asks of the store: backend.c.
 */
#include "worker/attempt.h"

#include <string.h>

#include "action/context.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/redact.h"
#include "core/dry_run.h"
#include "core/input.h"
#include "core/output.h"
#include "store/needs.h"
#include "worker/backend.h"
#include "worker/outcome.h"

#define BUILD_CHECK_MS                                                                             \
	5000 /* how often a run looks for a worker whose build knows its references */
#define NEEDS_CHECK_MS 2000 /* how often a blocked run checks whether a need is done */

/* ---- references that only a worker may resolve ---- */

static const char *why_missing(const char *status)
{
	return strcmp(status, "running") == 0    ? "is running"
		: strcmp(status, "error") == 0   ? "has failed since"
		: strcmp(status, "removed") == 0 ? "was removed since"
		: strcmp(status, "changed") == 0
		? "another build has made, without the outputs that are used: "
		  "trigger that step again"
		: "is not done";
}

/* Where the need is running, the run waits for it; and where a worker of another build has made it
 * meanwhile, until it is made again. */
static enum error_class refuse_missing(struct attempt *attempt, const struct run_name *from,
	const char *status, struct error *error)
{
	attempt->awaits_build = strcmp(status, "changed") == 0;
	attempt->awaits_need = attempt->awaits_build || strcmp(status, "running") == 0;
	error_set(error, ERROR_NEEDS_NOT_DONE, "it needs the step '%s' of '%s' in '%s', which %s",
		from->step, from->app, from->workflow, why_missing(status));
	return error_remedy(error, NULL,
		"Run the step '%s' again; when it is done, trigger this one again.", from->step);
}

static bool same_run(const struct run_name *one, const struct run_name *two)
{
	return strcmp(one->app, two->app) == 0 && strcmp(one->workflow, two->workflow) == 0 &&
		strcmp(one->step, two->step) == 0;
}

/* The output that was taken for the run; else the current one, where the input refers to more than
 * the trigger knew. */
static enum error_class find_output(struct attempt *attempt, const struct run_name *from,
	const char **ret_output, struct error *error)
{
	const char *status;

	*ret_output = NULL;
	for (size_t i = 0; i < attempt->needs->count && *ret_output == NULL; i++)
		if (same_run(&attempt->needs->names[i], from))
			*ret_output = attempt->needs->outputs[i];
	if (*ret_output == NULL &&
		backend_output_of(attempt, from, ret_output, &status, error) != ERROR_NONE)
		return error->class;
	return *ret_output != NULL ? ERROR_NONE : refuse_missing(attempt, from, status, error);
}

static enum error_class look_up(
	void *data, const struct reference *reference, cJSON **ret_value, struct error *error)
{
	struct attempt *attempt = data;
	const struct run *run = &attempt->claim->run;
	const char *output, *name = reference->parts[reference->kind == REFERENCE_STEP ? 1 : 3];
	struct run_name from = { run->name.tenant, run->name.app, run->name.workflow,
		reference->parts[0] };

	if (reference->kind == REFERENCE_APP)
		from = (struct run_name){ run->name.tenant, reference->parts[0],
			reference->parts[1], reference->parts[2] };
	else if (reference->kind != REFERENCE_STEP)
		return backend_secret(attempt, reference, ret_value, error);
	if (!identifier_valid(from.app) || !identifier_valid(from.workflow) ||
		!identifier_valid(from.step))
		return error_set(error, ERROR_INVALID_INPUT, "a reference names no valid step");
	if (find_output(attempt, &from, &output, error) != ERROR_NONE ||
		run_output_member(output, reference, ret_value, error) != ERROR_NONE)
		return error->class;

	/* Within a workflow null means that the step was skipped; from another app
	 * it is an error, unless there is a default. */
	if (reference->kind != REFERENCE_APP || !cJSON_IsNull(*ret_value) ||
		reference_calls_default(&reference->calls))
		return ERROR_NONE;
	cJSON_Delete(*ret_value);
	*ret_value = NULL;
	return error_set(error, ERROR_INVALID_INPUT,
		"the output '%s' of '%s' of '%s' in '%s' has no value", name, from.step, from.app,
		from.workflow);
}

static void add_need(
	struct attempt *attempt, const char *app, const char *workflow, const char *step)
{
	attempt->needs->names[attempt->needs->count++] =
		(struct run_name){ attempt->claim->run.name.tenant,
			arena_string(attempt->arena, app), workflow, step };
}

/* The needs in the order of the trigger, which had the same input. */
static enum error_class list_needs(struct attempt *attempt, const cJSON *input, struct error *error)
{
	const struct run *run = &attempt->claim->run;
	const struct workflow_definition *workflow = workflow_find(run->name.workflow);
	struct step_set set;

	enum error_class class = step_needs(workflow, attempt->step, input, "/input", &set, error);
	for (size_t i = 0; class == ERROR_NONE && i < workflow->step_count; i++)
		if (set.contains[i])
			add_need(attempt, run->name.app, workflow->id, workflow->steps[i].id);
	for (size_t i = 0; class == ERROR_NONE && i < set.other_count; i++)
		add_need(attempt, set.others[i].app, set.others[i].workflow->id,
			set.others[i].step->id);
	if (class == ERROR_NONE)
		attempt->needs->uses = step_set_uses(&set, attempt->arena);
	if (class == ERROR_NONE && attempt->arena->exhausted)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for what it needs");
	return class;
}

static enum error_class take_needs(struct attempt *attempt, const cJSON *input, struct error *error)
{
	enum error_class class = list_needs(attempt, input, error);
	/* The api process that accepted the run has found what it refers to. */
	attempt->awaits_build = class == ERROR_INVALID_INPUT;
	if (class != ERROR_NONE || attempt->needs->count == 0)
		return class;
	if (backend_needs(attempt, attempt->needs, error) != ERROR_NONE)
		return error->class;
	const struct run_name *missing = attempt->needs->missing;
	return missing == NULL
		? ERROR_NONE
		: refuse_missing(attempt, missing, attempt->needs->missing_status, error);
}

static enum error_class resolve_input(
	struct attempt *attempt, cJSON **ret_input, struct error *error)
{
	CLEANUP_JSON cJSON *input = NULL;

	if (input_read(attempt->claim->run.input, &input, error) != ERROR_NONE)
		return error->class;

	/* A dry run resolves the references of its steps itself, one step after the other. */
	if (!step_is_dry_run(attempt->step) &&
		(take_needs(attempt, input, error) != ERROR_NONE ||
			input_put_values(input, &attempt->step->action->input, look_up, attempt,
				error) != ERROR_NONE))
		return error->class;
	*ret_input = json_take(&input);
	return ERROR_NONE;
}

/* ---- how it ends ---- */

static enum error_class write_done(const struct attempt *attempt, struct action_context *context,
	struct run_write *write, struct error *error)
{
	char *gives = arena_allocate(attempt->arena, DIGEST_SIZE);

	*write = (struct run_write){ .kind = RUN_FINISH,
		.status = "done",
		.output = context_output(context),
		.gives = gives,
		.reason = context->skipped ? "skipped" : NULL };
	return write->output != NULL && gives != NULL
		? output_digest(&attempt->step->action->output, write->output, gives, error)
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the output");
}

static struct run_progress progress_of(
	const struct attempt *attempt, const struct action_context *context)
{
	const struct run *run = &attempt->claim->run;
	int64_t now = clock_monotonic_ms(), elapsed_ms = now - context->started_at,
		lost_ms = context->called_at > 0 ? now - context->called_at : 0;

	return (struct run_progress){
		.attempt = run->attempt,
		.attempts = run->attempts,
		.age_ms = action_run_age_ms(context),
		.left_ms = run->run_deadline - run->now - elapsed_ms,
		.outage_ms = run->outage_ms + lost_ms,
		.outage_max_ms = attempt->settings->outage_seconds * 1000,
		.outage_since_ms =
			run->outage_at > 0 ? run->now + elapsed_ms - run->outage_at : lost_ms,
		.lost_ms = lost_ms,
		.hung = context->hung,
		.was_refused = context->was_refused,
		.seen = run->outage_seen,
	};
}

/* Where its input cannot be resolved here and now, but will be: says what the run waits for. */
static bool write_awaited(
	const struct attempt *attempt, struct action_context *context, struct run_write *write)
{
	const char *message = context->error.message;

	if (attempt->awaits_need)
		*write = (struct run_write){ .kind = RUN_WAIT,
			.phase = "blocked",
			.reason = "needs",
			.detail = arena_string(attempt->arena, message),
			.delay_ms = attempt->awaits_build ? BUILD_CHECK_MS : NEEDS_CHECK_MS };
	else if (attempt->awaits_build)
		*write = (struct run_write){ .kind = RUN_WAIT,
			.phase = "waiting",
			.reason = "no_worker_for_version",
			.detail = arena_format(attempt->arena,
				"a worker whose build has what the input refers to; here %s",
				message),
			.delay_ms = BUILD_CHECK_MS };
	return attempt->awaits_need || attempt->awaits_build;
}

static enum error_class write_result(const struct attempt *attempt, struct action_context *context,
	enum action_result result, struct run_write *write, struct error *error)
{
	if (result == ACTION_DONE) {
		if (write_done(attempt, context, write, error) == ERROR_NONE)
			return ERROR_NONE;
		/* Nobody could tell what it gives: so it has failed, and says with what. */
		context->error = *error;
	}
	if (result == ACTION_WAITING) {
		*write = (struct run_write){ .kind = RUN_WAIT,
			.phase = context->for_person ? "blocked" : "waiting",
			.reason = context->for_person ? "person" : "not_ready",
			.detail = context->text,
			.delay_ms = context->wait_ms };
		return ERROR_NONE;
	}

	if (write_awaited(attempt, context, write))
		return ERROR_NONE;

	/* Its place among the waiting calls is kept until then. */
	if (context->for_turn && context->error.class == ERROR_RATE_LIMITED) {
		*write = (struct run_write){ .kind = RUN_WAIT,
			.phase = "waiting",
			.reason = "turn",
			.detail = arena_string(attempt->arena, context->error.message),
			.delay_ms = context->error.retry_after_ms };
		return ERROR_NONE;
	}

	const struct run_progress progress = progress_of(attempt, context);
	return failure_write(&context->error, &progress, attempt->arena, write, error);
}

/* It may say that something was asked for, where the call was not sent: whoever goes on with the
 * run would wait for that. Best effort, for the lease may be lost. */
static void keep_checkpoint(struct action_context *context)
{
	if (context->cut_off && !action_save(context) && context->error.class != ERROR_LEASE_LOST)
		log_error("checkpoint", &context->error);
}

enum error_class attempt_execute(
	const struct attempt *attempt, struct run_write *ret_write, struct error *error)
{
	const struct run *run = &attempt->claim->run;
	struct needs needs = { .count = 0 };
	struct attempt backend_data = *attempt;

	backend_data.needs = &needs;
	struct action_context context = {
		.action = attempt->step->action,
		.tenant = run->name.tenant,
		.app = run->name.app,
		.run_id = run->id,
		.request = run->request,
		.workflow = workflow_find(run->name.workflow),
		.step = attempt->step->id,
		.attempt = (int)run->attempt,
		.age_ms = run_age_ms(run),
		.paused_ms = run->paused_ms,
		.started_at = clock_monotonic_ms(),
		.deadline_at = attempt->deadline_at,
		.settings = attempt->settings,
		.client = attempt->client,
		.arena = attempt->arena,
		.ledger = attempt->claim->ledger,
		.backend = &attempt_backend,
		.backend_data = &backend_data,
	};
	CLEANUP_JSON cJSON *input = NULL;
	enum action_result result = ACTION_FAILED;
	if (resolve_input(&backend_data, &input, &context.error) == ERROR_NONE)
		result = context_execute(&context, input, run->checkpoint);
	enum error_class class = ERROR_NONE;
	if (result == ACTION_FAILED && context.error.class == ERROR_LEASE_LOST) {
		*error = context.error;
		/* Redact it now: the log line is written after the attempt has forgotten its
		 * secrets. */
		redact_error(error);
		class = ERROR_LEASE_LOST;
		keep_checkpoint(&context);
	} else {
		class = write_result(&backend_data, &context, result, ret_write, error);
		if (class == ERROR_NONE)
			ret_write->checkpoint = context_checkpoint(&context);
	}

	backend_forget(&backend_data);
	backend_forget_credentials(&backend_data);
	context_release(&context);
	return class;
}
