/*
 * slipway destroy: removes what an app, or all apps of a stack, have created: who needs others
 * before those. What was adopted is left. It may be stopped and run again: each app's workflow
 * `teardown` goes on by its ledger.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/app_stop.h"
#include "cli/command.h"
#include "cli/removal_list.h"
#include "cli/show.h"
#include "cli/stack_run.h"

#define ROUNDS_MAX 3 /* teardowns of an app; then it is said what is there still */

struct options {
	struct settings settings; /* first: see command.h */
	const char *app, *file;
	bool yes;
};

struct destroyer {
	const struct options *options;
	struct session session;
	struct stack stack;
	const char *apps[STACK_APPS_MAX]; /* in the order of removal */
	bool absent[STACK_APPS_MAX];      /* the server knows no such app: no teardown makes one */
	size_t app_count;
	struct followed followed[STACK_APPS_MAX];
	cJSON *left[STACK_APPS_MAX]; /* what the last look behind a teardown has found */
	struct removal_counts counts;
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

/* ---- whom ---- */

static enum error_class read_apps(struct destroyer *destroyer, struct error *error)
{
	CLEANUP_JSON cJSON *workflows = NULL;
	const struct stack_app *apps[STACK_APPS_MAX];
	const struct options *options = destroyer->options;

	if (options->file == NULL) {
		destroyer->apps[destroyer->app_count++] = options->app;
		return ERROR_NONE;
	}

	if (stack_read(&destroyer->stack, options->file, error) != ERROR_NONE ||
		session_get(&destroyer->session, "/api/workflows", NULL, &workflows, error) !=
			ERROR_NONE ||
		stack_order(&destroyer->stack, workflows, error) != ERROR_NONE)
		return error->class;
	stack_removal_order(&destroyer->stack, apps);
	for (size_t i = 0; i < destroyer->stack.app_count; i++)
		destroyer->apps[destroyer->app_count++] = apps[i]->id;
	return ERROR_NONE;
}

/* ---- what ---- */

/* Finds out which apps there are. One that was named by itself and is none is an error: it may be a
 * slip of the pen, and a teardown would make it. *ret_any: whether there is one. */
static enum error_class find_apps(struct destroyer *destroyer, bool *ret_any, struct error *error)
{
	*ret_any = false;
	for (size_t i = 0; i < destroyer->app_count; i++) {
		CLEANUP_JSON cJSON *facts = NULL;
		char path[32 + IDENTIFIER_SIZE];
		text_format(path, sizeof(path), "/api/apps/%s", destroyer->apps[i]);
		enum error_class class =
			session_get(&destroyer->session, path, NULL, &facts, error);
		destroyer->absent[i] = class == ERROR_NOT_FOUND;
		*ret_any = *ret_any || class == ERROR_NONE;
		if (class != ERROR_NONE && class != ERROR_NOT_FOUND)
			return class;
	}

	if (*ret_any || destroyer->options->file != NULL)
		return ERROR_NONE;
	error_set(error, ERROR_NOT_FOUND, "there is no app '%s'", destroyer->apps[0]);
	return error_remedy(error, NULL,
		"'slipway apps' lists the apps, 'slipway resources APP' what one has. Nothing was "
		"removed.");
}

static enum error_class show_app(struct destroyer *destroyer, size_t index, struct error *error)
{
	CLEANUP_JSON cJSON *list = NULL;
	const char *app = destroyer->apps[index];

	if (destroyer->absent[index]) {
		printf("%s: there is nothing to remove: there is no such app\n", app);
		return ERROR_NONE;
	}
	if (removal_list_read(&destroyer->session, app, &list, error) != ERROR_NONE)
		return error->class;
	removal_list_show(app, list, &destroyer->counts);
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

	const cJSON *hidden = json_member(response, "hidden");
	if (cJSON_IsNumber(hidden) && hidden->valuedouble > 0)
		printf("%s: warning: steps of apps that this token does not reach (%.0f of them) "
		       "use what it has given\n",
			app, hidden->valuedouble);
	return ERROR_NONE;
}

/* ---- removal ---- */

/* The body of a start of the app's teardown; NULL: memory is short. */
static cJSON *teardown_body(const char *app)
{
	CLEANUP_JSON cJSON *body = cJSON_CreateObject();

	if (body == NULL || !json_add(body, "mode", cJSON_CreateString("start")) ||
		!json_add(body, "appId", cJSON_CreateString(app)) ||
		!json_add(body, "workflowId", cJSON_CreateString(TEARDOWN_WORKFLOW)))
		return NULL;
	cJSON *inputs = cJSON_AddObjectToObject(body, "inputs");
	cJSON *input = inputs != NULL ? cJSON_AddObjectToObject(inputs, TEARDOWN_WORKFLOW) : NULL;
	if (input == NULL || !json_add(input, "confirm", cJSON_CreateString(app)))
		return NULL;
	return json_take(&body);
}

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

/* A teardown that is live already is joined: each of an app is the same. */
static enum error_class tear_down(
	struct destroyer *destroyer, struct followed *followed, struct error *error)
{
	CLEANUP_JSON cJSON *body = teardown_body(followed->app);

	if (body == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a request");
	if (followed_start(&destroyer->session, followed, body, error) != ERROR_NONE ||
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

static enum error_class fail_left(
	const char *app, const cJSON *list, bool changes, struct error *error)
{
	removal_list_show_left(app, list, stderr);
	error_set(error, ERROR_CONFLICT_OURS, "'%s' is not gone: %d left", app,
		cJSON_GetArraySize(list));
	return changes ? error_remedy(error, NULL,
				 "Somebody makes them anew while they are removed: see 'slipway "
				 "deployments %s', end that, and run the command again.",
				 app)
		       : error_remedy(error, NULL,
				 "The teardown does not remove them: do so by hand, and look with "
				 "'slipway resources %s'.",
				 app);
}

/* Looks again whether the app has something: another client may have started it behind the first
 * look. *ret_again: it has, and a teardown may help. */
static enum error_class look_again(
	struct destroyer *destroyer, size_t index, int round, bool *ret_again, struct error *error)
{
	const char *app = destroyer->apps[index];
	cJSON *list;

	*ret_again = false;
	if (removal_list_read(&destroyer->session, app, &list, error) != ERROR_NONE)
		return error->class;
	const bool changes = cJSON_Compare(destroyer->left[index], list, true) == 0;
	cJSON_Delete(destroyer->left[index]);
	destroyer->left[index] = list;
	if (cJSON_GetArraySize(list) == 0)
		return ERROR_NONE;
	if (!changes || round == ROUNDS_MAX)
		return fail_left(app, list, changes, error);

	printf("%s: looked again and found %d more: tearing down again\n", app,
		cJSON_GetArraySize(list));
	*ret_again = true;
	return ERROR_NONE;
}

/* *again is set where something was there to remove. */
static enum error_class destroy_app(
	struct destroyer *destroyer, size_t index, int round, bool *again, struct error *error)
{
	struct followed *followed = &destroyer->followed[index];
	bool wanted = !destroyer->absent[index];

	if (app_stop(&destroyer->session, destroyer->apps[index], error) != ERROR_NONE ||
		(round > 0 && look_again(destroyer, index, round, &wanted, error) != ERROR_NONE))
		return error->class;
	*again = *again || wanted;
	return wanted ? tear_down(destroyer, followed, error) : ERROR_NONE;
}

static int fail(
	const struct destroyer *destroyer, size_t index, int round, const struct error *error)
{
	const size_t end = round == 0 ? destroyer->app_count : index + 1;
	int status = session_interrupted() != 0 ? 128 + session_interrupted() : command_fail(error);

	for (size_t i = index; i < end; i++)
		fprintf(stderr, "%s: not destroyed yet\n", destroyer->apps[i]);
	fprintf(stderr, "Run the command again to go on.\n");
	return status;
}

/* What is started while it is removed may be made behind the look of the teardown. So all apps are
 * looked at again, until none has anything. */
static int destroy(struct destroyer *destroyer)
{
	struct error error;
	bool again = true;

	session_catch_interrupts(&destroyer->session);
	for (size_t i = 0; i < destroyer->app_count; i++) {
		followed_init(&destroyer->followed[i], destroyer->apps[i], TEARDOWN_WORKFLOW);
		destroyer->followed[i].any = true; /* each teardown of an app is the same */
	}

	for (int round = 0; again; round++) {
		again = false;
		for (size_t i = 0; i < destroyer->app_count; i++)
			if (destroy_app(destroyer, i, round, &again, &error) != ERROR_NONE)
				return fail(destroyer, i, round, &error);
	}
	return EX_OK;
}

/* ---- the question ---- */

/* "302 resources of docs" */
static void print_amount(const struct destroyer *destroyer, FILE *stream)
{
	const size_t count = destroyer->counts.removed;

	fprintf(stream, "%zu resource%s of ", count, count == 1 ? "" : "s");
	if (destroyer->app_count == 1)
		fputs(destroyer->apps[0], stream);
	else
		fprintf(stream, "%zu apps", destroyer->app_count);
}

/* Whether the user wants it; an exit status where it cannot be asked or is not wanted. */
static bool is_wanted(const struct destroyer *destroyer, int *ret_status)
{
	char answer[16] = "";

	if (destroyer->options->yes)
		return true;
	*ret_status = EX_USAGE;
	if (!isatty(STDIN_FILENO)) {
		fprintf(stderr, "slipway: nothing was removed: give --yes to remove ");
		print_amount(destroyer, stderr);
		fprintf(stderr, " where nobody can be asked\n");
		return false;
	}

	printf("Remove ");
	print_amount(destroyer, stdout);
	printf(", with all content? Type yes: ");
	fflush(stdout);
	if (fgets(answer, sizeof(answer), stdin) != NULL && strcmp(answer, "yes\n") == 0)
		return true;
	printf("Nothing was removed.\n");
	*ret_status = EX_STEP_FAILED;
	return false;
}

static enum error_class show_all(struct destroyer *destroyer, bool *ret_any, struct error *error)
{
	if (find_apps(destroyer, ret_any, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < destroyer->app_count; i++)
		if (show_app(destroyer, i, error) != ERROR_NONE ||
			show_users(destroyer, destroyer->apps[i], error) != ERROR_NONE)
			return error->class;
	return ERROR_NONE;
}

static int execute_checked(struct destroyer *destroyer)
{
	struct error error;
	bool any = false;
	int status = EX_OK;

	if (read_apps(destroyer, &error) != ERROR_NONE) {
		stack_show_faults(&destroyer->stack, stderr);
		return command_fail(&error);
	}
	if (show_all(destroyer, &any, &error) != ERROR_NONE)
		return command_fail(&error);
	return any && is_wanted(destroyer, &status) ? destroy(destroyer) : status;
}

static int execute(void *options)
{
	static struct destroyer destroyer;
	struct error error;

	destroyer.options = options;
	if (session_open(&destroyer.session, &destroyer.options->settings, &error) != ERROR_NONE)
		return command_fail(&error);
	int status = execute_checked(&destroyer);
	for (size_t i = 0; i < STACK_APPS_MAX; i++)
		json_clear(&destroyer.left[i]);
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
		"goes on when it is run again. Exit status 1 if something could not be removed, "
		"or if there is no APP.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.check = check_options,
	.programs = SETTINGS_CLI,
	.execute = execute,
};
