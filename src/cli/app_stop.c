/*
 * Cancels, and looks again until nothing runs: a step that executes is ended by its worker, within
 * seconds, and another client may start the same anew meanwhile.
 */
#include "cli/app_stop.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/identifier.h"
#include "base/text.h"
#include "cli/held_poll.h"
#include "cli/show.h"

#define LOOK_MS    300
#define STARTS_MAX 4 /* deployments of one workflow that are cancelled one after another */

/* One workflow that is being stopped. Borrowed. */
struct stopping {
	struct session *session;
	const char *app, *workflow;
	struct held_poll poll;
	char deployment[IDENTIFIER_SIZE]; /* the one that was cancelled last; "": none */
	int starts;
	bool told;
};

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a request");
}

static bool is_running(const cJSON *json)
{
	const char *status = json_member_string(json, "status");
	return status != NULL && strcmp(status, "running") == 0;
}

static bool any_runs(const cJSON *status)
{
	const cJSON *step;

	cJSON_ArrayForEach (step, json_member(status, "actions")) {
		if (is_running(step))
			return true;
	}
	return is_running(json_member(status, "deployment"));
}

/* A workflow that another build has had, and of which nothing is left, has no status. */
static enum error_class look(struct stopping *stopping, cJSON **ret_status, struct error *error)
{
	enum error_class class = held_poll_get(
		stopping->session, &stopping->poll, HELD_POLL_SECONDS, ret_status, error);
	return class == ERROR_NOT_FOUND ? ERROR_NONE : class;
}

/* Cancels the deployment, or the step. What has ended by now, or is another one, is found by the
 * next look. */
static enum error_class cancel(
	struct stopping *stopping, const char *name, const char *value, struct error *error)
{
	CLEANUP_JSON cJSON *body = cJSON_CreateObject();
	CLEANUP_JSON cJSON *response = NULL;

	if (body == NULL || !json_add(body, "mode", cJSON_CreateString("cancel")) ||
		!json_add(body, "appId", cJSON_CreateString(stopping->app)) ||
		!json_add(body, "workflowId", cJSON_CreateString(stopping->workflow)) ||
		!json_add(body, name, cJSON_CreateString(value)))
		return no_memory(error);
	enum error_class class = session_post(stopping->session, body, &response, error);
	return class == ERROR_NOT_FOUND ? ERROR_NONE : class;
}

/* Also one that has ended in error: its steps may wait for a retry. */
static enum error_class cancel_deployment(
	struct stopping *stopping, const char *id, struct error *error)
{
	if (strcmp(id, stopping->deployment) != 0 && ++stopping->starts > STARTS_MAX) {
		error_set(error, ERROR_RUN_CONFLICT,
			"'%s' of '%s' is started again as soon as it is cancelled",
			stopping->workflow, stopping->app);
		return error_remedy(error, NULL,
			"End what starts it, see 'slipway deployments %s', and run the command "
			"again.",
			stopping->app);
	}
	text_copy(stopping->deployment, sizeof(stopping->deployment), id);
	return cancel(stopping, "deploymentId", id, error);
}

static enum error_class cancel_steps(
	struct stopping *stopping, const cJSON *status, struct error *error)
{
	const cJSON *step;

	cJSON_ArrayForEach (step, json_member(status, "actions")) {
		const char *id = json_member_string(step, "actionId");
		if (id != NULL && is_running(step) &&
			cancel(stopping, "actionId", id, error) != ERROR_NONE)
			return error->class;
	}
	return ERROR_NONE;
}

/* What a cancel of the deployment does not end is no part of it: a step that was triggered alone.
 */
static enum error_class cancel_all(
	struct stopping *stopping, const cJSON *status, struct error *error)
{
	const cJSON *deployment = json_member(status, "deployment");
	const char *id = json_member_string(deployment, "deploymentId"),
		   *word = json_member_string(deployment, "status");
	const bool is_new = id != NULL && strcmp(id, stopping->deployment) != 0;

	if (!stopping->told)
		printf("%s: cancelling %s, which is being deployed\n", stopping->app,
			stopping->workflow);
	stopping->told = true;
	fflush(stdout);
	if (id != NULL && word != NULL && strcmp(word, "done") != 0 &&
		cancel_deployment(stopping, id, error) != ERROR_NONE)
		return error->class;
	return is_new && is_running(deployment) ? ERROR_NONE
						: cancel_steps(stopping, status, error);
}

static enum error_class stop_workflow(struct stopping *stopping, struct error *error)
{
	for (;;) {
		CLEANUP_JSON cJSON *status = NULL;
		if (look(stopping, &status, error) != ERROR_NONE)
			return error->class;
		if (!any_runs(status))
			return ERROR_NONE;
		if (cancel_all(stopping, status, error) != ERROR_NONE)
			return error->class;
		clock_sleep_ms(held_poll_pause(&stopping->poll, LOOK_MS));
		if (session_interrupted() != 0)
			return error_set(error, ERROR_CANCELLED, "interrupted");
	}
}

enum error_class app_stop(struct session *session, const char *app, struct error *error)
{
	CLEANUP_JSON cJSON *facts = NULL;
	const cJSON *workflow;
	char path[32 + IDENTIFIER_SIZE];

	text_format(path, sizeof(path), "/api/apps/%s", app);
	enum error_class class = session_get(session, path, NULL, &facts, error);
	if (class != ERROR_NONE)
		return class == ERROR_NOT_FOUND ? ERROR_NONE : class;
	cJSON_ArrayForEach (workflow, json_member(facts, "workflows")) {
		const char *id = cJSON_GetStringValue(workflow);
		struct stopping stopping = { .session = session,
			.app = app,
			.workflow = id,
			.poll = { .app = app, .workflow = id } };
		if (stopping.workflow != NULL &&
			strcmp(stopping.workflow, TEARDOWN_WORKFLOW) != 0 &&
			stop_workflow(&stopping, error) != ERROR_NONE)
			return error->class;
	}
	return ERROR_NONE;
}
