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
#define WAIT_ALL_S  1  /* at the server for one of several: what the others do is seen after that */
#define TABLE_MAX   20 /* rows; more might not fit on a terminal, and cannot be drawn over again */

void followed_init(struct followed *followed, const char *app, const char *workflow)
{
	*followed = (struct followed){
		.app = app, .workflow = workflow, .poll = { .app = app, .workflow = workflow }
	};
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

static bool has_status(const cJSON *json, const char *status)
{
	const char *word = json_member_string(json, "status");
	return word != NULL && strcmp(word, status) == 0;
}

static enum error_class poll(struct session *session, struct followed *followed, int64_t seconds,
	cJSON **json, struct error *error)
{
	cJSON *response = NULL;

	if (held_poll_get(session, &followed->poll, seconds, &response, error) != ERROR_NONE)
		return error->class;
	cJSON_Delete(*json);
	*json = response;
	return ERROR_NONE;
}

enum error_class followed_look(
	struct session *session, struct followed *followed, struct error *error)
{
	return poll(session, followed, 0, &followed->before, error);
}

/* What to do where another deployment is live. */
static enum error_class say_replace(const struct followed *followed, struct error *error)
{
	return error_remedy(error, NULL,
		"Wait until it has ended ('slipway status %s %s --watch' follows it), or give "
		"--replace, which cancels it first.",
		followed->app, followed->workflow);
}

/* The deployment of the workflow, with what it was started with; NULL: there is none. */
static const cJSON *find_deployment(const cJSON *app, const char *workflow)
{
	const cJSON *deployment;

	cJSON_ArrayForEach (deployment, json_member(app, "deployments")) {
		const char *id = json_member_string(deployment, "workflowId");
		if (id != NULL && strcmp(id, workflow) == 0)
			return deployment;
	}
	return NULL;
}

/* Whether a deployment is live that was given other inputs. Of inputs that are not kept only the
 * server knows. */
static bool differs(const cJSON *deployment, const cJSON *inputs)
{
	CLEANUP_JSON cJSON *nothing = cJSON_CreateObject();
	const cJSON *given = json_member(deployment, "inputs");

	return has_status(deployment, "running") && cJSON_IsObject(given) &&
		cJSON_Compare(given, inputs != NULL ? inputs : nothing, true) == 0;
}

enum error_class followed_check(struct session *session, const struct followed *followed,
	const cJSON *inputs, struct error *error)
{
	CLEANUP_JSON cJSON *app = NULL;
	char path[32 + IDENTIFIER_SIZE];

	if (!has_status(json_member(followed->before, "deployment"), "running"))
		return ERROR_NONE;
	text_format(path, sizeof(path), "/api/apps/%s", followed->app);
	enum error_class class = session_get(session, path, NULL, &app, error);
	if (class != ERROR_NONE)
		return class == ERROR_NOT_FOUND ? ERROR_NONE : class;
	const cJSON *deployment = find_deployment(app, followed->workflow);
	if (!differs(deployment, inputs))
		return ERROR_NONE;
	const char *id = json_member_string(deployment, "deploymentId");
	error_set(error, ERROR_RUN_CONFLICT,
		"'%s' is being deployed by '%s' with other inputs (deployment %s)", followed->app,
		followed->workflow, id != NULL ? id : "unknown");
	return say_replace(followed, error);
}

enum error_class followed_start(
	struct session *session, struct followed *followed, cJSON *body, struct error *error)
{
	CLEANUP_JSON cJSON *response = NULL;
	char id[RUN_ID_SIZE];

	run_id_make(id);
	if (!json_add(body, "startId", cJSON_CreateString(id)))
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a request");
	if (session_post(session, body, &response, error) != ERROR_NONE) {
		const cJSON *live = json_member(session->problem, "current");
		/* What the response says of it is for programs. */
		return error->class == ERROR_RUN_CONFLICT &&
				json_member_string(live, "deploymentId") != NULL
			? say_replace(followed, error)
			: error->class;
	}
	const char *deployment = json_member_string(response, "deploymentId");
	text_copy(followed->deployment, sizeof(followed->deployment),
		deployment != NULL ? deployment : "");
	followed->ended = followed->failed = false;
	return ERROR_NONE;
}

/* ---- one deployment ---- */

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

static bool is_live(const struct followed *followed)
{
	return followed->deployment[0] != '\0' && !followed->ended;
}

/* NULL: none is. */
static struct followed *find_live(struct followed *list, size_t count, size_t *ret_live)
{
	struct followed *found = NULL;

	*ret_live = 0;
	for (size_t i = count; i-- > 0;)
		if (is_live(&list[i])) {
			found = &list[i];
			++*ret_live;
		}
	return found;
}

/* Polls those that have not ended: the first waits for a change, so the others are as they are
 * behind that. Whichever ends last is waited for. */
static enum error_class poll_all(struct session *session, struct followed *list, size_t count,
	struct held_poll **ret_held, struct error *error)
{
	size_t live;
	struct followed *first = find_live(list, count, &live);

	*ret_held = first != NULL ? &first->poll : NULL;
	for (size_t i = 0; i < count; i++) {
		int64_t seconds = &list[i] != first || list[i].now == NULL ? 0
			: live > 1                                         ? WAIT_ALL_S
									   : HELD_POLL_SECONDS;
		if (!is_live(&list[i]))
			continue;
		if (poll(session, &list[i], seconds, &list[i].now, error) != ERROR_NONE ||
			take(&list[i], error) != ERROR_NONE)
			return error->class;
	}
	return ERROR_NONE;
}

enum error_class followed_wait(struct session *session, struct followed *list, size_t count,
	bool json, struct error *error)
{
	int64_t wait_ms = WAIT_MIN_MS;

	for (bool first = true;; first = false) {
		struct held_poll *held;
		size_t live;
		if (poll_all(session, list, count, &held, error) != ERROR_NONE)
			return error->class;
		if (is_table(count, json))
			show_table(list, count, first);
		else
			show_changes(list, count, json);
		if (find_live(list, count, &live) == NULL)
			return ERROR_NONE;
		/* The more there are, the more are asked in each round. */
		clock_sleep_ms(held_poll_pause(held, wait_ms / (int64_t)live) * (int64_t)live);
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

static void show_step(const cJSON *json, FILE *stream)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct step_status status;
	struct error ignored = { .class = ERROR_NONE };

	if (step_status_decode(json, &arena, &status, &ignored) == ERROR_NONE)
		step_status_print(&status, -1, stream);
}

static bool is_held(const cJSON *json)
{
	const char *reason = json_member_string(json, "reason");
	return reason != NULL && strcmp(reason, "need_failed") == 0;
}

/* Where no step has failed, the first that waits for what failed in another app. */
void followed_show_failures(const struct followed *followed, FILE *stream)
{
	const cJSON *json, *held = NULL;
	bool any = false;

	cJSON_ArrayForEach (json, json_member(followed->now, "actions")) {
		if (has_status(json, "error")) {
			show_step(json, stream);
			any = true;
		}
		if (held == NULL && is_held(json))
			held = json;
	}

	if (!any && held != NULL)
		show_step(held, stream);
}
