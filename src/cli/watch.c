/*
 * Follows a deployment by polls that wait for a change at the server, and shows each change.
 * Another client may start the workflow again meanwhile: the same inputs are followed on, for it is
 * what was asked for; the result of other inputs never passes for ours.
 */
#include "cli/watch.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/record.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/show.h"
#include "cli/status_line.h"
#include "cli/watched_deployment.h"

#define POLL_MIN_MS 20 /* whatever the server suggests, so as not to flood it */
#define POLL_MAX_MS 2000
#define STRAYS_MAX  3

static bool is_live(const struct watch *watch)
{
	return strcmp(watch->status, "done") != 0 && strcmp(watch->status, "error") != 0;
}

/* ---- one step ---- */

static struct watched_step *find_step(struct watch *watch, const char *id)
{
	for (size_t i = 0; i < watch->count; i++)
		if (strcmp(watch->steps[i].id, id) == 0)
			return &watch->steps[i];
	if (watch->count == WATCH_STEPS_MAX)
		return NULL;

	struct watched_step *step = &watch->steps[watch->count++];
	*step = (struct watched_step){ .version = -1 };
	text_copy(step->id, sizeof(step->id), id);
	return step;
}

/* How long it took, or how long we have seen it at work; -1: unknown. */
static double seconds_of(const struct watched_step *step, const struct step_status *status)
{
	int64_t began = clock_parse(status->started_at), ended = clock_parse(status->finished_at);

	if (!step_is_live(status))
		return began > 0 && ended >= began ? (double)(ended - began) / 1000 : -1;
	return step->begun_at > 0 ? (double)(clock_monotonic_ms() - step->begun_at) / 1000 : -1;
}

static void show_step(const struct watch *watch, const struct watched_step *step, const cJSON *json,
	struct step_status *status)
{
	int64_t finished_at = clock_parse(status->finished_at);

	if (watch->json) {
		show_json(stdout, json);
		return;
	}
	/* A result that is older than the deployment was kept. */
	if (step_is_done(status) && !watch->any)
		status->reused = strcmp(status->reason, "reused") == 0 ||
			(finished_at > 0 && finished_at < watch->since);
	step_status_print(status, status->reused ? -1 : seconds_of(step, status), stdout);
}

/* Whether a person wants to see it: not that it waits for fewer needs than before, nor what the
 * last lines list, steps that have not begun when the deployment ends. */
static bool is_news(const struct watch *watch, const struct watched_step *step, bool waited,
	const struct step_status *status)
{
	bool cancelled = strcmp(watch->reason, "cancelled") == 0 && step->failed;

	if (step->waits_for_needs)
		return !waited;
	return is_live(watch) || !(step->held || (cancelled && status->started_at[0] == '\0'));
}

/* Another client has run a step again: its input is not known to be ours. */
static enum error_class fail_stray(
	const struct watch *watch, const struct watched_step *step, struct error *error)
{
	error_set(error, ERROR_RUN_CONFLICT,
		"'%s' of '%s' was run again by another client while '%s' was deployed", step->id,
		watch->app, watch->workflow);
	return error_remedy(error, NULL,
		"Wait until it has ended, check what it made, and run this command again.");
}

/* Takes a status over; shows it where it has changed. */
static enum error_class read_step(struct watch *watch, const cJSON *json, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct step_status status;

	if (step_status_decode(json, &arena, &status, error) != ERROR_NONE)
		return error->class;
	struct watched_step *step = find_step(watch, status.step);
	if (step == NULL ||
		(step->version == status.version && strcmp(step->run, status.run) == 0 &&
			strcmp(step->reason, status.reason) == 0))
		return ERROR_NONE;

	bool waited = step->waits_for_needs;
	bool given = strcmp(status.reason, "given") == 0;
	bool replaced = !given && step->ours[0] != '\0' && strcmp(step->ours, status.run) != 0;
	step->version = status.version;
	text_copy(step->reason, sizeof(step->reason), status.reason);
	step->live = step_is_live(&status);
	step->failed = strcmp(status.status, "error") == 0;
	step->held = strcmp(status.reason, "need_failed") == 0;
	step->stray = strcmp(status.deployment, watch->deployment) != 0;
	step->waits_for_needs = step->live && strcmp(status.reason, "needs") == 0;
	if (step->begun_at == 0 && !step->waits_for_needs)
		step->begun_at = clock_monotonic_ms();
	text_copy(step->run, sizeof(step->run), status.run);
	if (!step->stray)
		text_copy(step->ours, sizeof(step->ours), status.run);

	step->hushed = !watch->json && !is_news(watch, step, waited, &status);
	if (!step->hushed)
		show_step(watch, step, json, &status);
	return replaced && !watch->any ? fail_stray(watch, step, error) : ERROR_NONE;
}

/* Where all that is left waits for needs, they are of other apps: that is why nothing moves. */
static enum error_class show_hushed(struct watch *watch, const cJSON *statuses, struct error *error)
{
	const cJSON *json;
	size_t index = 0;

	for (size_t i = 0; i < watch->count; i++)
		if (watch->steps[i].live && !watch->steps[i].waits_for_needs)
			return ERROR_NONE;
	cJSON_ArrayForEach (json, statuses) {
		CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
		struct watched_step *step = index < watch->count ? &watch->steps[index++] : NULL;
		struct step_status status;
		if (step == NULL || !step->hushed || !step->waits_for_needs)
			continue;
		if (step_status_decode(json, &arena, &status, error) != ERROR_NONE)
			return error->class;
		show_step(watch, step, json, &status);
		step->hushed = false;
	}

	return ERROR_NONE;
}

/* ---- the deployment ---- */

static enum error_class fail_superseded(
	const struct watch *watch, const struct watched_deployment *seen, struct error *error)
{
	if (strcmp(seen->id, watch->deployment) == 0)
		error_set(error, ERROR_RUN_CONFLICT,
			"another client has retried the deployment %s of '%s' by '%s' with other "
			"inputs",
			seen->id, watch->app, watch->workflow);
	else
		error_set(error, ERROR_RUN_CONFLICT,
			"another client has started '%s' for '%s' with other inputs (deployment "
			"%s; ours was %s)",
			watch->workflow, watch->app, seen->id, watch->deployment);
	return error_remedy(error, NULL,
		"Wait until it has ended, check what it made, and run this command again.");
}

static void take_deployment(struct watch *watch, const struct watched_deployment *seen)
{
	int64_t retried_at = clock_parse(seen->retried_at);

	/* A retry or another start has runs of its own. */
	if (strcmp(watch->deployment, seen->id) != 0 || watch->version != seen->version)
		for (size_t i = 0; i < watch->count; i++)
			watch->steps[i].ours[0] = '\0';
	text_copy(watch->deployment, sizeof(watch->deployment), seen->id);
	text_copy(watch->inputs, sizeof(watch->inputs), seen->inputs);
	text_copy(watch->status, sizeof(watch->status), seen->status);
	text_copy(watch->reason, sizeof(watch->reason), seen->reason);
	watch->since = retried_at > 0 ? retried_at : clock_parse(seen->started_at);
	watch->ended_at = clock_parse(seen->finished_at);
	watch->version = seen->version;
}

/* Reads the deployment of a response. It is shown when its steps have been, so that its end is the
 * last line. */
static enum error_class read_deployment(
	struct watch *watch, const cJSON *json, bool *ret_changed, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct watched_deployment seen;
	bool first = watch->deployment[0] == '\0';

	if (cJSON_IsNull(json) || json == NULL) {
		error_set(error, ERROR_NOT_FOUND, "there is no deployment of '%s' by '%s'",
			watch->app, watch->workflow);
		return error_remedy(error, NULL, "Start one: 'slipway run %s --app %s'.",
			watch->workflow, watch->app);
	}
	if (watched_deployment_decode(json, &arena, &seen, error) != ERROR_NONE)
		return error->class;
	if (!first && !watch->any && strcmp(seen.inputs, watch->inputs) != 0)
		return fail_superseded(watch, &seen, error);

	bool other = !first && strcmp(seen.id, watch->deployment) != 0;
	if (other && !watch->json)
		printf("another client has started it again; this is deployment %s now\n", seen.id);
	*ret_changed = first || other || seen.version != watch->version;
	take_deployment(watch, &seen);
	return ERROR_NONE;
}

/* ---- polling ---- */

/* Reads everything; gives how long to wait before the next poll. */
static enum error_class poll(struct watch *watch, int64_t *ret_wait_ms, struct error *error)
{
	CLEANUP_JSON cJSON *response = NULL;
	const cJSON *step, *steps, *deployment;
	bool changed = false;
	int64_t seconds = is_live(watch) ? HELD_POLL_SECONDS : 0;

	*ret_wait_ms = POLL_MAX_MS;
	watch->poll.app = watch->app;
	watch->poll.workflow = watch->workflow;
	if (held_poll_get(&watch->session, &watch->poll, seconds, &response, error) != ERROR_NONE)
		return error->class;
	deployment = json_member(response, "deployment");
	if (read_deployment(watch, deployment, &changed, error) != ERROR_NONE)
		return error->class;
	steps = json_member(response, "actions");
	cJSON_ArrayForEach (step, steps) {
		const cJSON *hint = json_member(step, "nextPollMs");
		if (cJSON_IsNumber(hint) && hint->valuedouble > 0 &&
			hint->valuedouble < (double)*ret_wait_ms)
			*ret_wait_ms = (int64_t)hint->valuedouble;
		if (read_step(watch, step, error) != ERROR_NONE)
			return error->class;
	}

	if (show_hushed(watch, steps, error) != ERROR_NONE)
		return error->class;
	if (*ret_wait_ms < POLL_MIN_MS)
		*ret_wait_ms = POLL_MIN_MS;
	if (is_live(watch))
		*ret_wait_ms = held_poll_pause(&watch->poll, *ret_wait_ms);
	if (changed && watch->json)
		show_json(stdout, deployment);
	return ERROR_NONE;
}

/* Steps of another deployment or of none: a poll does not read all of them at one moment, so
 * only what stays so counts. */
static const struct watched_step *find_stray(struct watch *watch)
{
	for (size_t i = 0; i < watch->count; i++)
		if (watch->steps[i].stray)
			return &watch->steps[i];
	return NULL;
}

static enum error_class follow(struct watch *watch, struct error *error)
{
	for (;;) {
		int64_t wait_ms;
		if (poll(watch, &wait_ms, error) != ERROR_NONE)
			return error->class;
		if (session_interrupted() != 0)
			return error_set(error, ERROR_CANCELLED, "interrupted");
		const struct watched_step *stray = watch->any ? NULL : find_stray(watch);
		if (!is_live(watch) && stray == NULL)
			return ERROR_NONE;
		if (!is_live(watch) && ++watch->strays == STRAYS_MAX)
			return fail_stray(watch, stray, error);
		clock_sleep_ms(wait_ms);
	}
}

/* ---- the end ---- */

void watch_show_command(
	FILE *stream, const struct watch *watch, const char *command, const char *more)
{
	const char *usual = getenv("SLIPWAY_URL");

	fprintf(stream, "slipway %s %s %s%s", command, watch->app, watch->workflow,
		more != NULL ? more : "");
	if (strcmp(watch->settings->url, usual != NULL ? usual : "http://127.0.0.1:8080") != 0)
		fprintf(stream, " --url %s", watch->settings->url);
}

static void show_named(const struct watch *watch, const char *label, bool held)
{
	bool any = false;

	for (size_t i = 0; i < watch->count; i++) {
		const struct watched_step *step = &watch->steps[i];
		if (held ? !step->held : !step->failed)
			continue;
		printf("%s%s", any ? ", " : label, step->id);
		any = true;
	}

	if (any)
		putchar('\n');
}

static bool any_failed(const struct watch *watch)
{
	for (size_t i = 0; i < watch->count; i++)
		if (watch->steps[i].failed)
			return true;
	return false;
}

/* What failed is a step of another app, or what comes before: a retry of this one changes nothing.
 */
static void say_held(const struct watch *watch)
{
	show_named(watch, "  waiting for what has failed elsewhere: ", true);
	printf("  what to do: '");
	watch_show_command(stdout, watch, "status", NULL);
	printf("' names it; retry it there. This one then goes on by itself.\n");
}

static int finish(const struct watch *watch)
{
	bool done = strcmp(watch->status, "done") == 0;
	bool cancelled = strcmp(watch->reason, "cancelled") == 0;
	int status = done ? EX_OK : EX_STEP_FAILED;

	if (watch->json)
		return status;
	printf("%s: %s %s", watch->app, watch->workflow,
		done                ? "is done"
			: cancelled ? "was cancelled"
				    : "has ended in error");
	printf(" after %.1f s\n", (double)(watch->ended_at - watch->since) / 1000);
	if (done)
		return status;
	if (!cancelled && !any_failed(watch)) {
		say_held(watch);
		return status;
	}

	show_named(watch, cancelled ? "  not done: " : "  failed: ", false);
	show_named(watch, "  waiting for that: ", true);
	printf("  what to do: %s '",
		cancelled ? "To go on, run" : "Correct what it says, then run");
	watch_show_command(stdout, watch, "retry", NULL);
	printf("'. What is done stays done.\n");
	return status;
}

/* What Ctrl-C does not do. */
static int say_interrupted(const struct watch *watch)
{
	if (watch->deployment[0] == '\0')
		fprintf(stderr,
			"slipway: interrupted while the server was asked to deploy '%s' by '%s': "
			"it may have begun.\n",
			watch->app, watch->workflow);
	else
		fprintf(stderr,
			"slipway: stopped watching. The server goes on with the deployment %s.\n",
			watch->deployment);
	fprintf(stderr, "  to watch it:  ");
	watch_show_command(stderr, watch, "status", " --watch");
	fprintf(stderr, "\n  to cancel it: ");
	watch_show_command(stderr, watch, "cancel", NULL);
	fputc('\n', stderr);
	return 128 + session_interrupted();
}

static int follow_to_end(struct watch *watch)
{
	struct error error;

	if (follow(watch, &error) == ERROR_NONE)
		return finish(watch);
	return session_interrupted() != 0 ? say_interrupted(watch)
					  : session_fail(&watch->session, &error);
}

/* Another deployment is live: what the request says of it is for programs. */
static int fail_start(const struct watch *watch, struct error *error)
{
	const cJSON *current = json_member(watch->session.problem, "current");

	if (error->class == ERROR_RUN_CONFLICT && json_member_string(current, "deploymentId"))
		error_remedy(error, NULL,
			"Wait until it has ended ('slipway status %s %s --watch' follows it), or "
			"cancel it first: 'slipway run --replace' does both.",
			watch->app, watch->workflow);
	return session_fail(&watch->session, error);
}

enum error_class watch_open(struct watch *watch, const struct settings *settings, const char *app,
	const char *workflow, bool json, struct error *error)
{
	watch->settings = settings;
	watch->app = app;
	watch->workflow = workflow;
	watch->json = json;
	return session_open(&watch->session, settings, error);
}

void watch_close(struct watch *watch)
{
	session_close(&watch->session);
}

int watch_start(struct watch *watch, const cJSON *body, bool detach)
{
	CLEANUP_JSON cJSON *deployment = NULL;
	struct error error;
	bool changed = false;

	session_catch_interrupts(&watch->session);
	if (session_post(&watch->session, body, &deployment, &error) != ERROR_NONE)
		return session_interrupted() != 0 ? say_interrupted(watch)
						  : fail_start(watch, &error);
	if (read_deployment(watch, deployment, &changed, &error) != ERROR_NONE)
		return command_fail(&error);

	if (watch->json)
		show_json(stdout, deployment);
	else if (detach)
		printf("%s\n", watch->deployment);
	else
		printf("%s: %s, deployment %s\n", watch->app, watch->workflow, watch->deployment);
	return detach ? EX_OK : follow_to_end(watch);
}

int watch_latest(struct watch *watch)
{
	watch->any = true;
	session_catch_interrupts(&watch->session);
	return follow_to_end(watch);
}
