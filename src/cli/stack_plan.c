/*
 * Asks for plans, for `slipway plan` and for stacks; prints those of a stack behind one another,
 * with the names of the app and the workflow.
 */
#include <string.h>

#include "base/clock.h"
#include "base/identifier.h"
#include "base/text.h"
#include "cli/show.h"
#include "cli/stack_run.h"
#include "cli/status_line.h"
#include "core/dry_run.h"

#define POLL_MS    300
#define PLANS_MAX  5    /* so many are begun where those of other clients displace them */
#define PATIENT_MS 5000 /* then people want to know what for */
#define INDENT     "                           " /* below what a step would do */

static bool is_live(const cJSON *status)
{
	const char *word = json_member_string(status, "status");
	return word != NULL && strcmp(word, "running") == 0;
}

static void show_wait(const cJSON *body, const cJSON *status)
{
	const char *phase = json_member_string(status, "phase");

	fprintf(stderr, "waiting for the plan of %s/%s: %s", json_member_string(body, "appId"),
		json_member_string(body, "workflowId"), phase != NULL ? phase : "");
	fprintf(stderr, "%s", json_member_string(status, "detail") != NULL ? ": " : "");
	show_text(stderr, json_member_string(status, "detail"));
	fputc('\n', stderr);
}

/* Waits until no plan of the workflow and app is live, whoever asked for it. *status is the last
 * one that is known, NULL for none, and is replaced. */
static enum error_class follow(
	struct session *session, const cJSON *body, cJSON **status, struct error *error)
{
	struct held_poll poll = { .app = json_member_string(body, "appId"),
		.workflow = json_member_string(body, "workflowId"),
		.step = DRY_RUN_STEP_ID };
	const int64_t began_at = clock_monotonic_ms();
	bool told = false;

	while (*status == NULL || is_live(*status)) {
		cJSON *newer = NULL;
		int64_t left_ms = began_at + PATIENT_MS - clock_monotonic_ms();
		int64_t seconds = told ? HELD_POLL_SECONDS : left_ms > 0 ? left_ms / 1000 + 1 : 1;
		if (held_poll_get(session, &poll, seconds, &newer, error) != ERROR_NONE)
			return error->class;
		cJSON_Delete(*status);
		*status = newer;
		if (!is_live(newer))
			break;
		if (!told && clock_monotonic_ms() - began_at > PATIENT_MS) {
			show_wait(body, newer);
			told = true;
		}
		clock_sleep_ms(held_poll_pause(&poll, POLL_MS));
	}

	return ERROR_NONE;
}

/* Begins a plan. *ret_status is NULL, and the id empty, where another client's is running. */
static enum error_class begin(struct session *session, const cJSON *body, cJSON **ret_status,
	char run[RUN_ID_SIZE], struct error *error)
{
	run[0] = '\0';
	*ret_status = NULL;
	if (session_post(session, body, ret_status, error) != ERROR_NONE)
		return error->class == ERROR_RUN_CONFLICT ? ERROR_NONE : error->class;

	const char *id = json_member_string(*ret_status, "runId");
	text_copy(run, RUN_ID_SIZE, id != NULL ? id : "");
	return ERROR_NONE;
}

static enum error_class refuse_others(const cJSON *body, const cJSON *status, struct error *error)
{
	const char *id = json_member_string(status, "runId");

	error_set(error, ERROR_RUN_CONFLICT,
		"other clients plan '%s' for '%s' at the same time: %d plans of this command were "
		"displaced, the last one by the run %s",
		json_member_string(body, "workflowId"), json_member_string(body, "appId"),
		PLANS_MAX, id != NULL ? id : "of another client");
	return error_remedy(error, NULL, "Wait until the others have planned, and plan again.");
}

/* A step shows one run at a time: what another client has planned must not pass for ours. */
enum error_class stack_plan_ask(
	struct session *session, const cJSON *body, cJSON **ret_status, struct error *error)
{
	CLEANUP_JSON cJSON *status = NULL;
	char run[RUN_ID_SIZE];

	for (int begun = 0; begun < PLANS_MAX; begun++) {
		json_clear(&status);
		if (begin(session, body, &status, run, error) != ERROR_NONE ||
			follow(session, body, &status, error) != ERROR_NONE)
			return error->class;
		const char *shown = json_member_string(status, "runId");
		if (shown == NULL || strcmp(shown, run) == 0) { /* NULL: its state is lost */
			*ret_status = json_take(&status);
			return ERROR_NONE;
		}
	}

	return refuse_others(body, status, error);
}

static void show_problem(const char *indent, const cJSON *problem, FILE *stream)
{
	const cJSON *remedy = json_member(problem, "remedy");

	if (json_member_string(problem, "message") != NULL) {
		fprintf(stream, "%s", indent);
		show_text(stream, json_member_string(problem, "place"));
		fprintf(stream, "%s", json_member_string(problem, "place") != NULL ? ": " : "");
		show_text(stream, json_member_string(problem, "message"));
		fputc('\n', stream);
	}
	if (json_member_string(remedy, "text") != NULL) {
		fprintf(stream, "%s", indent);
		show_remedy(stream, remedy);
	}
}

/* Returns whether the step is not in the way: one that only waits for another has no error. */
static bool show_step(const char *name, const cJSON *step, FILE *stream)
{
	const char *change = json_member_string(step, "change");
	const cJSON *problem = json_member(step, "error");

	fprintf(stream, "%-24s ", name);
	fprintf(stream, "%-12s ", json_member_string(step, "id"));
	fprintf(stream, "%-9s ", change != NULL ? change : "");
	show_text(stream, json_member_string(step, "text"));
	fputc('\n', stream);
	show_differences(stream, INDENT, step);
	if (cJSON_IsObject(problem))
		show_problem(INDENT, problem, stream);
	return change == NULL ||
		(strcmp(change, "conflict") != 0 &&
			(strcmp(change, "blocked") != 0 || !cJSON_IsObject(problem)));
}

bool stack_plan_show(const char *name, const cJSON *status, FILE *stream)
{
	const cJSON *output = json_member(status, "output"), *step;
	const char *word = json_member_string(status, "status");
	bool clear = word != NULL && strcmp(word, "done") == 0;

	cJSON_ArrayForEach (step, json_member(output, "steps")) {
		clear = show_step(name, step, stream) && clear;
	}
	if (word != NULL && strcmp(word, "error") == 0) {
		fprintf(stream, "%-24s the plan failed\n", name);
		show_problem(INDENT, json_member(status, "error"), stream);
	}
	return clear;
}
