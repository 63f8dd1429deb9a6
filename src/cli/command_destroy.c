/*
 * slipway destroy: removes what an app, or all apps of a stack, have created: who needs others
 * before those. What was adopted is left. It may be stopped and run again: each app's workflow
 * `teardown` goes on by its ledger.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/show.h"
#include "cli/stack_run.h"

#define TEARDOWN  "teardown"
#define CANCEL_MS 300

struct options {
	struct settings settings; /* first: see command.h */
	const char *app, *file;
	bool yes;
};

struct destroyer {
	const struct options *options;
	struct session session;
	struct stack stack;
	cJSON *workflows;                 /* of the server */
	const char *apps[STACK_APPS_MAX]; /* in the order of removal */
	size_t app_count;
	struct followed followed[STACK_APPS_MAX];
	size_t to_remove; /* things that the plans have named */
};

static void check_options(void *raw_options, struct argp_state *state)
{
	const struct options *options = raw_options;

	if ((options->app == NULL) == (options->file == NULL))
		argp_error(state, "give either an APP or --file");
}

static const struct option_row option_rows[] = {
	{ ARGUMENT("APP", struct options, app), .identifier = true },
	{ TEXT_OPTION("file", 'f', struct options, file,
		  "Destroy all apps of this file, as 'slipway apply' takes it"),
		.value = "FILE" },
	{ FLAG_OPTION("yes", 'y', struct options, yes, "Do not ask whether to destroy") },
	{ .type = OPTION_END },
};

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a request");
}

/* ---- whom ---- */

static enum error_class read_apps(struct destroyer *destroyer, struct error *error)
{
	const struct stack_app *apps[STACK_APPS_MAX];
	const struct options *options = destroyer->options;

	if (session_get(&destroyer->session, "/api/workflows", NULL, &destroyer->workflows,
		    error) != ERROR_NONE)
		return error->class;
	if (options->file == NULL) {
		destroyer->apps[destroyer->app_count++] = options->app;
		return ERROR_NONE;
	}

	if (stack_read(&destroyer->stack, options->file, error) != ERROR_NONE ||
		stack_order(&destroyer->stack, destroyer->workflows, error) != ERROR_NONE)
		return error->class;
	stack_removal_order(&destroyer->stack, apps);
	for (size_t i = 0; i < destroyer->stack.app_count; i++)
		destroyer->apps[destroyer->app_count++] = apps[i]->id;
	return ERROR_NONE;
}

/* ---- what ---- */

/* The body of a request about the app's teardown; NULL: memory is short. */
static cJSON *teardown_body(const char *app, const char *mode)
{
	CLEANUP_JSON cJSON *body = cJSON_CreateObject();

	if (body == NULL || !json_add(body, "mode", cJSON_CreateString(mode)) ||
		!json_add(body, "appId", cJSON_CreateString(app)) ||
		!json_add(body, "workflowId", cJSON_CreateString(TEARDOWN)))
		return NULL;
	cJSON *inputs = cJSON_AddObjectToObject(body, "inputs");
	cJSON *input = inputs != NULL ? cJSON_AddObjectToObject(inputs, TEARDOWN) : NULL;
	if (input == NULL || !json_add(input, "confirm", cJSON_CreateString(app)))
		return NULL;
	return json_take(&body);
}

/* What a plan of its teardown says of each thing. A plan that fails, because a provider is down,
 * say, hides nothing: what there is to remove, the teardown finds by itself. */
static enum error_class show_app(struct destroyer *destroyer, const char *app, struct error *error)
{
	CLEANUP_JSON cJSON *body = teardown_body(app, "plan");
	CLEANUP_JSON cJSON *status = NULL;
	const cJSON *step, *difference;
	size_t count = 0;

	if (body == NULL)
		return no_memory(error);
	if (stack_plan_ask(&destroyer->session, body, &status, error) != ERROR_NONE)
		return error->class;
	cJSON_ArrayForEach (step, json_member(json_member(status, "output"), "steps")) {
		cJSON_ArrayForEach (difference, json_member(step, "differences")) {
			printf("%s: ", app);
			show_text(stdout, cJSON_GetStringValue(difference));
			putchar('\n');
			count++;
		}
	}

	const char *word = json_member_string(status, "status");
	if (word == NULL || strcmp(word, "done") != 0)
		printf("%s: what it has cannot be shown now\n", app);
	else if (count == 0)
		printf("%s: there is nothing to remove\n", app);
	destroyer->to_remove += count;
	return ERROR_NONE;
}

static bool is_destroyed(const struct destroyer *destroyer, const char *app)
{
	for (size_t i = 0; i < destroyer->app_count; i++)
		if (strcmp(destroyer->apps[i], app) == 0)
			return true;
	return false;
}

/* Names the steps of apps that stay and use what this one has given: they keep what was made from
 * it, and cannot run again without it. */
static enum error_class show_users(
	struct destroyer *destroyer, const char *app, struct error *error)
{
	CLEANUP_JSON cJSON *response = NULL;
	char path[32 + IDENTIFIER_SIZE];
	const cJSON *user;

	text_format(path, sizeof(path), "/api/apps/%s/users", app);
	if (session_get(&destroyer->session, path, NULL, &response, error) != ERROR_NONE)
		return error->class;
	cJSON_ArrayForEach (user, json_member(response, "users")) {
		const char *other = json_member_string(user, "appId");
		if (other == NULL || is_destroyed(destroyer, other))
			continue;
		printf("%s: warning: %s of the app '", app, json_member_string(user, "actionId"));
		show_text(stdout, other);
		printf("', which stays, uses what its step %s has given\n",
			json_member_string(json_member(user, "uses"), "actionId"));
	}
	return ERROR_NONE;
}

/* ---- live deployments ---- */

static enum error_class is_live(struct destroyer *destroyer, const char *app, const char *workflow,
	bool *ret_live, struct error *error)
{
	const struct string_pair query[] = { { "appId", app }, { "workflowId", workflow },
		{ NULL, NULL } };
	CLEANUP_JSON cJSON *response = NULL;
	const cJSON *step;

	if (session_get(&destroyer->session, "/api/deploy", query, &response, error) != ERROR_NONE)
		return error->class;
	const char *status = json_member_string(json_member(response, "deployment"), "status");
	*ret_live = status != NULL && strcmp(status, "running") == 0;
	cJSON_ArrayForEach (step, json_member(response, "actions")) {
		status = json_member_string(step, "status");
		*ret_live = *ret_live || (status != NULL && strcmp(status, "running") == 0);
	}
	return ERROR_NONE;
}

/* Cancels the deployment of one workflow and waits until its steps have ended: what is being
 * created while it is removed would stay. */
static enum error_class stop_workflow(
	struct destroyer *destroyer, const char *app, const char *workflow, struct error *error)
{
	bool live = false, told = false;

	for (;;) {
		CLEANUP_JSON cJSON *body = cJSON_CreateObject();
		CLEANUP_JSON cJSON *response = NULL;
		if (is_live(destroyer, app, workflow, &live, error) != ERROR_NONE)
			return error->class;
		if (!live)
			return ERROR_NONE;
		if (!told)
			printf("%s: cancelling %s, which is being deployed\n", app, workflow);
		told = true;
		if (body == NULL || !json_add(body, "mode", cJSON_CreateString("cancel")) ||
			!json_add(body, "appId", cJSON_CreateString(app)) ||
			!json_add(body, "workflowId", cJSON_CreateString(workflow)))
			return no_memory(error);
		if (session_post(&destroyer->session, body, &response, error) != ERROR_NONE)
			return error->class;
		clock_sleep_ms(CANCEL_MS);
		if (session_interrupted() != 0)
			return error_set(error, ERROR_CANCELLED, "interrupted");
	}
}

/* A teardown that is live already is joined, not cancelled. */
static enum error_class stop_app(struct destroyer *destroyer, const char *app, struct error *error)
{
	const cJSON *workflow;

	cJSON_ArrayForEach (workflow, json_member(destroyer->workflows, "workflows")) {
		const char *id = json_member_string(workflow, "id");
		if (id != NULL && strcmp(id, TEARDOWN) != 0 &&
			stop_workflow(destroyer, app, id, error) != ERROR_NONE)
			return error->class;
	}
	return ERROR_NONE;
}

/* ---- removal ---- */

static void show_counts(const struct followed *followed)
{
	long long removed = 0, left = 0;
	const cJSON *step;

	cJSON_ArrayForEach (step, json_member(followed->now, "actions")) {
		const cJSON *output = json_member(step, "output");
		const cJSON *count = json_member(output, "removed"),
			    *kept = json_member(output, "left");
		removed += cJSON_IsNumber(count) ? (long long)count->valuedouble : 0;
		left += cJSON_IsNumber(kept) ? (long long)kept->valuedouble : 0;
	}
	printf("%s: %lld removed, %lld left\n", followed->app, removed, left);
}

static enum error_class destroy_app(
	struct destroyer *destroyer, struct followed *followed, struct error *error)
{
	CLEANUP_JSON cJSON *body = teardown_body(followed->app, "start");

	if (body == NULL)
		return no_memory(error);
	if (stop_app(destroyer, followed->app, error) != ERROR_NONE ||
		followed_start(&destroyer->session, followed, body, error) != ERROR_NONE ||
		followed_wait(&destroyer->session, followed, 1, false, error) != ERROR_NONE)
		return error->class;
	if (!followed->failed) {
		show_counts(followed);
		return ERROR_NONE;
	}

	followed_show_failures(followed, stderr);
	error_set(error, ERROR_NEEDS_NOT_DONE, "'%s' could not be destroyed", followed->app);
	return error_remedy(error, NULL,
		"Do what the step says and run the command again: it goes on from there.");
}

static int destroy(struct destroyer *destroyer)
{
	struct error error;

	session_catch_interrupts(&destroyer->session);
	for (size_t i = 0; i < destroyer->app_count; i++) {
		followed_init(&destroyer->followed[i], destroyer->apps[i], TEARDOWN);
		destroyer->followed[i].any = true; /* each teardown of an app is the same */
		if (destroy_app(destroyer, &destroyer->followed[i], &error) == ERROR_NONE)
			continue;
		int status = session_interrupted() != 0 ? 128 + session_interrupted()
							: command_fail(&error);
		for (size_t k = i; k < destroyer->app_count; k++)
			fprintf(stderr, "%s: not destroyed yet\n", destroyer->apps[k]);
		fprintf(stderr, "Run the command again to go on.\n");
		return status;
	}
	return EX_OK;
}

/* ---- the question ---- */

/* Whether the user wants it; an exit status where it cannot be asked or is not wanted. */
static bool is_wanted(const struct destroyer *destroyer, int *ret_status)
{
	char answer[16] = "";

	if (destroyer->options->yes)
		return true;
	*ret_status = EX_USAGE;
	if (!isatty(STDIN_FILENO)) {
		fprintf(stderr,
			"slipway: nothing was removed: give --yes where nobody can be asked\n");
		return false;
	}

	printf("Destroy %s? Type yes: ",
		destroyer->app_count == 1 ? destroyer->apps[0] : "all of it");
	fflush(stdout);
	if (fgets(answer, sizeof(answer), stdin) != NULL && strcmp(answer, "yes\n") == 0)
		return true;
	printf("Nothing was removed.\n");
	*ret_status = EX_STEP_FAILED;
	return false;
}

static int execute_checked(struct destroyer *destroyer)
{
	struct error error;
	int status = EX_OK;

	if (read_apps(destroyer, &error) != ERROR_NONE) {
		stack_show_faults(&destroyer->stack, stderr);
		return command_fail(&error);
	}
	for (size_t i = 0; i < destroyer->app_count; i++)
		if (show_app(destroyer, destroyer->apps[i], &error) != ERROR_NONE ||
			show_users(destroyer, destroyer->apps[i], &error) != ERROR_NONE)
			return command_fail(&error);
	return is_wanted(destroyer, &status) ? destroy(destroyer) : status;
}

static int execute(void *options)
{
	static struct destroyer destroyer;
	struct error error;

	destroyer.options = options;
	if (session_open(&destroyer.session, destroyer.options->settings.url, &error) != ERROR_NONE)
		return command_fail(&error);
	int status = execute_checked(&destroyer);
	json_clear(&destroyer.workflows);
	followed_release(destroyer.followed, STACK_APPS_MAX);
	stack_release(&destroyer.stack);
	session_close(&destroyer.session);
	return status;
}

const struct command command_destroy = {
	.name = "destroy",
	.summary = "Remove what an app, or all apps of a stack, have created",
	.about =
		"Removes what an app, or all apps of a stack, have created at providers, with all "
		"its content; apps that need others before those. What was adopted is left. Shows "
		"first what will be removed and what will be kept, and asks. Whatever stops it, it "
		"goes on when it is run again. Exit status 1 if something could not be removed.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.check = check_options,
	.programs = SETTINGS_CLI,
	.execute = execute,
};
