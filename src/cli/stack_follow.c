/*
 * Follows many deployments at once. The server drives them: to stop following stops nothing.
 */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/identifier.h"
#include "base/text.h"
#include "cli/show.h"
#include "cli/stack_run.h"
#include "cli/status_line.h"
#include "slipway/field.h"

#define WAIT_MIN_MS 50
#define WAIT_MAX_MS 2000
#define TABLE_MAX   20 /* rows; more might not fit on a terminal, and cannot be drawn over again */

void followed_init(struct followed *followed, const char *app, const char *workflow)
{
	*followed = (struct followed){ .app = app, .workflow = workflow };
	text_format(followed->name, sizeof(followed->name), "%s/%s", app, workflow);
}

void followed_release(struct followed *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		json_clear(&list[i].before);
		json_clear(&list[i].now);
	}
}

/* ---- requests ---- */

static enum error_class poll(
	struct session *session, const struct followed *followed, cJSON **json, struct error *error)
{
	const struct string_pair query[] = { { "appId", followed->app },
		{ "workflowId", followed->workflow }, { NULL, NULL } };
	cJSON *response = NULL;

	if (session_get(session, "/api/deploy", query, &response, error) != ERROR_NONE)
		return error->class;
	cJSON_Delete(*json);
	*json = response;
	return ERROR_NONE;
}

enum error_class followed_look(
	struct session *session, struct followed *followed, struct error *error)
{
	return poll(session, followed, &followed->before, error);
}

enum error_class followed_start(
	struct session *session, struct followed *followed, cJSON *body, struct error *error)
{
	CLEANUP_JSON cJSON *response = NULL;
	char id[RUN_ID_SIZE];

	run_id_make(id);
	if (!json_add(body, "startId", cJSON_CreateString(id)))
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a request");
	if (session_post(session, body, &response, error) != ERROR_NONE)
		return error->class;
	const char *deployment = json_member_string(response, "deploymentId");
	text_copy(followed->deployment, sizeof(followed->deployment),
		deployment != NULL ? deployment : "");
	followed->ended = followed->failed = false;
	return ERROR_NONE;
}

/* ---- one deployment ---- */

static bool has_status(const cJSON *json, const char *status)
{
	const char *word = json_member_string(json, "status");
	return word != NULL && strcmp(word, status) == 0;
}

/* The step to tell of: one that failed, else one that is under way, else one that waits. */
static const cJSON *step_to_tell(const cJSON *steps)
{
	const cJSON *step, *found = NULL;

	cJSON_ArrayForEach (step, steps) {
		if (has_status(step, "error"))
			return step;
		if (!has_status(step, "running"))
			continue;
		const char *phase = json_member_string(step, "phase");
		bool blocked = phase == NULL || strcmp(phase, "blocked") == 0;
		if (found == NULL || !blocked)
			found = step;
	}
	return found;
}

/* "docs/site    running  3/11  env executing: detail" */
static void print_line(const struct followed *followed, char *line, size_t size)
{
	const cJSON *steps = json_member(followed->now, "actions"), *step;
	const cJSON *deployment = json_member(followed->now, "deployment");
	const char *status = json_member_string(deployment, "status");
	size_t done = 0;

	cJSON_ArrayForEach (step, steps) {
		done += has_status(step, "done") ? 1 : 0;
	}
	text_format(line, size, "%-24s %-8s %zu/%d", followed->name,
		status != NULL ? status : "not started", done, cJSON_GetArraySize(steps));
	step = step_to_tell(steps);
	if (step == NULL || has_status(deployment, "done"))
		return;

	const char *phase = json_member_string(step, "phase"),
		   *detail = json_member_string(step, "detail");
	text_append(line, size, "  %s %s", json_member_string(step, "actionId"),
		phase != NULL ? phase : "failed");
	if (detail != NULL)
		text_append(line, size, ": %s", detail);
}

/* A deployment of another client has other inputs: to go on with its result would be to claim that
 * ours was done. */
static enum error_class check_ours(const struct followed *followed, struct error *error)
{
	const char *id =
		json_member_string(json_member(followed->now, "deployment"), "deploymentId");

	if (id != NULL && strcmp(id, followed->deployment) == 0)
		return ERROR_NONE;
	error_set(error, ERROR_RUN_CONFLICT,
		"'%s' was started again by another client (deployment %s, ours was %s)",
		followed->name, id != NULL ? id : "unknown", followed->deployment);
	return error_remedy(error, NULL,
		"Wait until the other client has finished, and run this command again.");
}

static enum error_class take(struct followed *followed, struct error *error)
{
	const cJSON *deployment = json_member(followed->now, "deployment");

	if (!followed->any && check_ours(followed, error) != ERROR_NONE)
		return error->class;
	followed->ended = !has_status(deployment, "running");
	followed->failed = followed->ended && !has_status(deployment, "done");
	return ERROR_NONE;
}

/* ---- all of them ---- */

/* Whether the lines are a table that is drawn over again. */
static bool is_table(size_t count, bool json)
{
	return !json && count <= TABLE_MAX && show_colours(stdout);
}

static void show_changes(struct followed *list, size_t count, bool json)
{
	char line[sizeof(list->line)];

	for (size_t i = 0; i < count; i++) {
		if (list[i].deployment[0] == '\0')
			continue;
		print_line(&list[i], line, sizeof(line));
		if (strcmp(line, list[i].line) == 0)
			continue;
		text_copy(list[i].line, sizeof(list[i].line), line);
		if (json) {
			show_json(stdout, json_member(list[i].now, "deployment"));
			continue;
		}
		show_text(stdout, line);
		putchar('\n');
	}
	fflush(stdout);
}

/* One line each, cut to what fits beside one another, over the lines of the last time. */
static void show_table(struct followed *list, size_t count, bool first)
{
	char line[80];
	size_t rows = 0;

	for (size_t i = 0; i < count; i++)
		rows += list[i].deployment[0] != '\0' ? 1 : 0;
	if (!first)
		printf("\033[%zuA", rows);
	for (size_t i = 0; i < count; i++) {
		if (list[i].deployment[0] == '\0')
			continue;
		print_line(&list[i], line, sizeof(line));
		printf("\033[K%s", list[i].failed ? "\033[31m" : list[i].ended ? "\033[32m" : "");
		show_text(stdout, line);
		printf("\033[0m\n");
	}
	fflush(stdout);
}

/* Polls those that have not ended; *ret_live is how many still have not. */
static enum error_class poll_all(struct session *session, struct followed *list, size_t count,
	size_t *ret_live, struct error *error)
{
	*ret_live = 0;
	for (size_t i = 0; i < count; i++) {
		if (list[i].deployment[0] == '\0' || list[i].ended)
			continue;
		if (poll(session, &list[i], &list[i].now, error) != ERROR_NONE ||
			take(&list[i], error) != ERROR_NONE)
			return error->class;
		*ret_live += list[i].ended ? 0 : 1;
	}
	return ERROR_NONE;
}

enum error_class followed_wait(struct session *session, struct followed *list, size_t count,
	bool json, struct error *error)
{
	int64_t wait_ms = WAIT_MIN_MS;

	for (bool first = true;; first = false) {
		size_t live;
		if (poll_all(session, list, count, &live, error) != ERROR_NONE)
			return error->class;
		if (is_table(count, json))
			show_table(list, count, first);
		else
			show_changes(list, count, json);
		if (live == 0)
			return ERROR_NONE;
		clock_sleep_ms(wait_ms);
		if (session_interrupted() != 0)
			return error_set(error, ERROR_CANCELLED, "interrupted");
		wait_ms = wait_ms * 3 / 2 < WAIT_MAX_MS ? wait_ms * 3 / 2 : WAIT_MAX_MS;
	}
}

/* ---- what came of it ---- */

static const cJSON *find_step(const cJSON *response, const char *id)
{
	const cJSON *step;

	cJSON_ArrayForEach (step, json_member(response, "actions")) {
		const char *name = json_member_string(step, "actionId");
		if (name != NULL && id != NULL && strcmp(name, id) == 0)
			return step;
	}
	return NULL;
}

/* Outputs that count what the run itself has changed. `created` of a repository or a project says
 * whose it is: another one has another id. */
static bool counts_changes(const cJSON *output)
{
	static const char *const names[] = { "changed", "created", "updated", "removed" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const cJSON *member = json_member(output, names[i]);
		if (cJSON_IsNumber(member) && member->valuedouble > 0)
			return true;
	}
	return cJSON_IsTrue(json_member(output, "changed"));
}

static bool is_same_output(const cJSON *before, const cJSON *after)
{
	static const char *const names[] = { "changed", "created", "updated", "unchanged",
		"removed" };
	CLEANUP_JSON cJSON *was = cJSON_Duplicate(before, true);
	CLEANUP_JSON cJSON *is = cJSON_Duplicate(after, true);

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		cJSON_DeleteItemFromObjectCaseSensitive(was, names[i]);
		cJSON_DeleteItemFromObjectCaseSensitive(is, names[i]);
	}
	return cJSON_Compare(was, is, true) != 0;
}

static bool is_unchanged(const cJSON *before, const cJSON *after)
{
	const char *run = json_member_string(before, "runId"),
		   *new_run = json_member_string(after, "runId");
	const cJSON *output = json_member(after, "output");

	if (!has_status(before, "done") || !has_status(after, "done"))
		return false;
	if (run != NULL && new_run != NULL && strcmp(run, new_run) == 0)
		return true;
	const char *reason = json_member_string(after, "reason");
	bool reused = reason != NULL && strcmp(reason, "reused") == 0;
	return is_same_output(json_member(before, "output"), output) &&
		(reused || !counts_changes(output));
}

bool followed_is_unchanged(const struct followed *followed)
{
	const cJSON *step;

	cJSON_ArrayForEach (step, json_member(followed->now, "actions")) {
		if (!is_unchanged(find_step(followed->before, json_member_string(step, "actionId")),
			    step))
			return false;
	}
	return followed->before != NULL && followed->now != NULL;
}

bool followed_is_stale(const struct followed *followed)
{
	const cJSON *step;

	cJSON_ArrayForEach (step, json_member(followed->now, "actions")) {
		if (cJSON_IsTrue(json_member(step, "stale")))
			return true;
	}
	return false;
}

void followed_show_failures(const struct followed *followed, FILE *stream)
{
	const cJSON *json;

	cJSON_ArrayForEach (json, json_member(followed->now, "actions")) {
		CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
		struct step_status status;
		struct error ignored = { .class = ERROR_NONE };
		if (has_status(json, "error") &&
			step_status_decode(json, &arena, &status, &ignored) == ERROR_NONE)
			step_status_print(&status, -1, stream);
	}
}
