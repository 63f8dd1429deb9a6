/*
 * Plans of many workflows: asks for each and prints them behind one another, with the names of the
 * app and the workflow.
 */
#include <string.h>

#include "base/clock.h"
#include "cli/show.h"
#include "cli/stack_run.h"
#include "cli/status_line.h"
#include "core/dry_run.h"

#define POLL_MS    300
#define PATIENT_MS 5000 /* then people want to know what for */

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

enum error_class stack_plan_ask(
	struct session *session, const cJSON *body, cJSON **ret_status, struct error *error)
{
	const struct string_pair query[] = { { "appId", json_member_string(body, "appId") },
		{ "workflowId", json_member_string(body, "workflowId") },
		{ "actionId", DRY_RUN_STEP_ID }, { NULL, NULL } };
	CLEANUP_JSON cJSON *status = NULL;
	const int64_t began_at = clock_monotonic_ms();
	bool told = false;

	if (session_post(session, body, &status, error) != ERROR_NONE)
		return error->class;
	while (is_live(status)) {
		cJSON *newer = NULL;
		clock_sleep_ms(POLL_MS);
		if (session_get(session, "/api/deploy", query, &newer, error) != ERROR_NONE)
			return error->class;
		cJSON_Delete(status);
		status = newer;
		if (!told && is_live(status) && clock_monotonic_ms() - began_at > PATIENT_MS) {
			show_wait(body, status);
			told = true;
		}
	}

	*ret_status = json_take(&status);
	return ERROR_NONE;
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
	const cJSON *problem = json_member(step, "error"), *difference;

	fprintf(stream, "%-24s ", name);
	fprintf(stream, "%-12s ", json_member_string(step, "id"));
	fprintf(stream, "%-9s ", change != NULL ? change : "");
	show_text(stream, json_member_string(step, "text"));
	fputc('\n', stream);
	cJSON_ArrayForEach (difference, json_member(step, "differences")) {
		fprintf(stream, "%-24s   ", "");
		show_text(stream, cJSON_GetStringValue(difference));
		fputc('\n', stream);
	}

	if (cJSON_IsObject(problem))
		show_problem("                           ", problem, stream);
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
		show_problem("                           ", json_member(status, "error"), stream);
	}
	return clear;
}
