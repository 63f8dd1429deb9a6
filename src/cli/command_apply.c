/*
 * slipway apply: makes a stack of apps as its file describes it. All of it is checked before any of
 * it is configured or started; the server then drives the deployments and keeps their order.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/show.h"
#include "cli/stack_run.h"

/* What an app offers may change while another one is being made from it. Then that one is started
 * again; more often than this, something changes each time. */
#define ROUNDS_MAX 5

struct options {
	struct settings settings; /* first: see command.h */
	const char *file;
	bool plan, detach, json, replace, secrets;
};

struct applier {
	const struct options *options;
	struct session session;
	struct stack stack;
	cJSON *secrets[STACK_APPS_MAX];    /* to configure; NULL: none */
	cJSON *configured[STACK_APPS_MAX]; /* what each app has: a response to configure */
	int64_t versions[STACK_APPS_MAX];  /* of what we have configured */
	size_t stored;                     /* apps that we have configured, the first ones */
	struct followed followed[STACK_UNITS_MAX]; /* in the order of starting */
	int64_t started_at;
};

static const struct option_row option_rows[] = {
	{ TEXT_OPTION("file", 'f', struct options, file,
		  "YAML or JSON with the apps; - is standard input"),
		.value = "FILE", .required = true },
	{ FLAG_OPTION(
		"plan", 'n', struct options, plan, "Show what would be done, and change nothing") },
	{ FLAG_OPTION("detach", 'd', struct options, detach,
		"Start all, and do not wait until they are done") },
	{ FLAG_OPTION("replace", 'r', struct options, replace,
		"Cancel a live deployment with other inputs first") },
	{ FLAG_OPTION("secrets", 0, struct options, secrets,
		"Send the files of all secrets, also of those that an app has") },
	{ FLAG_OPTION("json", 'j', struct options, json, "Print lines of JSON") },
	{ .type = OPTION_END },
};

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a request");
}

static const struct stack_unit *unit_of(const struct applier *applier, size_t position)
{
	return &applier->stack.units[applier->stack.order[position]];
}

/* ---- what is configured ---- */

static enum error_class read_app(struct applier *applier, size_t index, struct error *error)
{
	const struct stack_app *app = &applier->stack.apps[index];
	CLEANUP_JSON cJSON *body = stack_app_body(app, "configure", NULL);

	/* To configure nothing is a way to read. */
	if (body == NULL)
		return no_memory(error);
	if (session_post(&applier->session, body, &applier->configured[index], error) != ERROR_NONE)
		return error->class;
	return stack_secrets(&applier->stack, app,
		applier->options->secrets ? NULL
					  : json_member(applier->configured[index], "secrets"),
		&applier->secrets[index], error);
}

/* What is no secret. */
static bool add_plain(const struct stack_app *app, cJSON *body)
{
	static const char *const members[] = { "config", "env" };

	for (size_t i = 0; i < 2; i++) {
		const cJSON *member = json_member(app->json, members[i]);
		if (member != NULL && !json_add(body, members[i], cJSON_Duplicate(member, true)))
			return false;
	}
	return true;
}

/* Without the connections, which no plan takes. */
static bool add_configured(const struct applier *applier, const struct stack_app *app, cJSON *body)
{
	const cJSON *secrets = applier->secrets[app - applier->stack.apps];

	return add_plain(app, body) &&
		(secrets == NULL || json_add(body, "secrets", cJSON_Duplicate(secrets, true)));
}

static enum error_class configure(
	struct applier *applier, const struct stack_app *app, struct error *error)
{
	CLEANUP_JSON cJSON *body = stack_app_body(app, "configure", NULL);
	CLEANUP_JSON cJSON *response = NULL;

	const cJSON *connections = json_member(app->json, "connections");
	if (body == NULL || !add_configured(applier, app, body) ||
		(connections != NULL &&
			!json_add(body, "connections", cJSON_Duplicate(connections, true))))
		return no_memory(error);
	if (session_post(&applier->session, body, &response, error) != ERROR_NONE)
		return error->class;

	const cJSON *version = json_member(response, "version");
	applier->versions[app - applier->stack.apps] =
		cJSON_IsNumber(version) ? (int64_t)version->valuedouble : 0;
	return ERROR_NONE;
}

/* ---- checks ---- */

/* Prints what is wrong with the inputs of a unit, each with its place in the file. */
static void show_problem(
	const struct applier *applier, const struct stack_unit *unit, const struct error *error)
{
	const cJSON *faults = json_member(applier->session.problem, "errors"), *fault;
	char place[YAML_NAME_MAX + JSON_POINTER_SIZE];
	bool any = false;

	cJSON_ArrayForEach (fault, faults) {
		const char *pointer = json_member_string(fault, "place");
		stack_place(&applier->stack, unit, pointer != NULL ? pointer : "", place,
			sizeof(place));
		show_text(stderr, place);
		fprintf(stderr, ": %s/%s: ", unit->app->id, unit->workflow);
		show_fault(stderr, "", fault);
		any = true;
	}

	if (any)
		return;
	stack_place(&applier->stack, unit, "/inputs", place, sizeof(place));
	show_text(stderr, place);
	fprintf(stderr, ": %s/%s: ", unit->app->id, unit->workflow);
	show_text(stderr, error->message);
	fputc('\n', stderr);
}

/* *ret_valid: false where faults were printed. */
static enum error_class validate(struct applier *applier, const struct stack_unit *unit,
	bool *ret_valid, struct error *error)
{
	CLEANUP_JSON cJSON *body = stack_unit_body(unit, "validate");
	CLEANUP_JSON cJSON *response = NULL;

	if (body == NULL || !add_configured(applier, unit->app, body))
		return no_memory(error);
	if (session_post(&applier->session, body, &response, error) == ERROR_NONE)
		return ERROR_NONE;
	if (command_exit_status(error->class) != EX_USAGE)
		return error->class;
	show_problem(applier, unit, error);
	*ret_valid = false;
	return ERROR_NONE;
}

/* Checks all of it before anything changes. */
static enum error_class check_all(struct applier *applier, struct error *error)
{
	bool valid = true;

	for (size_t i = 0; i < applier->stack.app_count; i++)
		if (read_app(applier, i, error) != ERROR_NONE)
			return error->class;
	for (size_t i = 0; i < applier->stack.unit_count; i++)
		if (validate(applier, &applier->stack.units[i], &valid, error) != ERROR_NONE)
			return error->class;
	if (valid)
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_INPUT, "%s is not valid", applier->stack.file.name);
	return error_remedy(error, NULL,
		"Correct the places above and run the command again. Nothing was configured or "
		"started.");
}

/* ---- the plan ---- */

static void note_member(
	const cJSON *member, const cJSON *configured, const char *kind, size_t *count)
{
	const cJSON *now = json_member(configured, member->string);

	if (now != NULL && cJSON_Compare(now, member, true) != 0)
		return;
	printf("%s%s.", (*count)++ > 0 ? ", " : "", kind);
	show_text(stdout, member->string);
}

/* Whether the app has a secret of this name. */
static bool has_secret(const cJSON *configured, const char *name)
{
	const cJSON *entry;

	cJSON_ArrayForEach (entry, json_member(configured, "secrets")) {
		if (cJSON_IsString(entry) && strcmp(entry->valuestring, name) == 0)
			return true;
	}
	return false;
}

/* A plan is made with what the file configures; the value of a secret that an app has not got is
 * unknown in it. */
static void show_unconfigured(const struct applier *applier, const struct stack_app *app)
{
	static const char *const kinds[] = { "config", "env", "connections" };
	const size_t index = (size_t)(app - applier->stack.apps);
	const cJSON *member, *configured = applier->configured[index];
	size_t count = 0;

	printf("%-24s to configure: ", app->id);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		cJSON_ArrayForEach (member, json_member(app->json, kinds[i])) {
			note_member(member, json_member(configured, kinds[i]), kinds[i], &count);
		}
	cJSON_ArrayForEach (member, applier->secrets[index]) {
		if (!has_secret(configured, member->string))
			note_member(member, NULL, "secret", &count);
	}
	printf("%s\n", count == 0 ? "nothing" : "");
}

static enum error_class plan_unit(struct applier *applier, const struct stack_unit *unit,
	cJSON *list, bool *clear, struct error *error)
{
	CLEANUP_JSON cJSON *body = stack_unit_body(unit, "plan");
	CLEANUP_JSON cJSON *status = NULL;
	char name[FOLLOWED_NAME_MAX];

	if (body == NULL || !add_configured(applier, unit->app, body))
		return no_memory(error);
	if (stack_plan_ask(&applier->session, body, &status, error) != ERROR_NONE)
		return error->class;
	text_format(name, sizeof(name), "%s/%s", unit->app->id, unit->workflow);
	if (!applier->options->json)
		*clear = stack_plan_show(name, status, stdout) && *clear;
	return json_append(list, json_take(&status)) ? ERROR_NONE : no_memory(error);
}

static int show_plan(struct applier *applier)
{
	CLEANUP_JSON cJSON *list = cJSON_CreateArray();
	struct error error;
	bool clear = true;

	for (size_t i = 0; i < applier->stack.app_count && !applier->options->json; i++)
		show_unconfigured(applier, &applier->stack.apps[i]);
	for (size_t i = 0; i < applier->stack.unit_count; i++)
		if (plan_unit(applier, unit_of(applier, i), list, &clear, &error) != ERROR_NONE)
			return command_fail(&error);
	if (applier->options->json)
		show_json(stdout, list);
	return clear ? EX_OK : EX_STEP_FAILED;
}

/* ---- starting ---- */

static bool add_after(const struct applier *applier, const struct stack_unit *unit, cJSON *body)
{
	cJSON *list = unit->after_count > 0 ? cJSON_AddArrayToObject(body, "after") : NULL;

	for (size_t i = 0; i < unit->after_count; i++) {
		const struct stack_unit *other = &applier->stack.units[unit->after[i]];
		cJSON *item = cJSON_CreateObject();
		if (list == NULL || !json_append(list, item) ||
			!json_add(item, "appId", cJSON_CreateString(other->app->id)) ||
			!json_add(item, "workflowId", cJSON_CreateString(other->workflow)))
			return false;
	}
	return true;
}

static enum error_class start(struct applier *applier, size_t position, struct error *error)
{
	const struct stack_unit *unit = unit_of(applier, position);
	const int64_t version = applier->versions[unit->app - applier->stack.apps];
	CLEANUP_JSON cJSON *body = stack_unit_body(unit, "start");

	/* What another client has configured since is not what the file says. */
	if (body == NULL || !add_after(applier, unit, body) ||
		!json_add(body, "configVersion", json_integer(version)) ||
		(applier->options->replace && !json_add(body, "replace", cJSON_CreateTrue())))
		return no_memory(error);
	return followed_start(&applier->session, &applier->followed[position], body, error);
}

static enum error_class start_all(struct applier *applier, struct error *error)
{
	for (size_t i = 0; i < applier->stack.unit_count; i++) {
		const struct stack_unit *unit = unit_of(applier, i);
		followed_init(&applier->followed[i], unit->app->id, unit->workflow);
		if (followed_look(&applier->session, &applier->followed[i], error) != ERROR_NONE)
			return error->class;
		if (!applier->options->replace &&
			followed_check(&applier->session, &applier->followed[i],
				json_member(unit->json, "inputs"), error) != ERROR_NONE)
			return error->class;
	}

	for (size_t i = 0; i < applier->stack.app_count; i++, applier->stored++)
		if (configure(applier, &applier->stack.apps[i], error) != ERROR_NONE)
			return error->class;
	for (size_t i = 0; i < applier->stack.unit_count; i++)
		if (start(applier, i, error) != ERROR_NONE)
			return error->class;
	return ERROR_NONE;
}

static bool any_failed(const struct applier *applier)
{
	for (size_t i = 0; i < applier->stack.unit_count; i++)
		if (applier->followed[i].failed)
			return true;
	return false;
}

/* Starts again what was made from what has changed since; *ret_any: whether there was something. */
static enum error_class start_stale(struct applier *applier, bool *ret_any, struct error *error)
{
	*ret_any = false;
	for (size_t i = 0; i < applier->stack.unit_count; i++) {
		struct followed *followed = &applier->followed[i];
		if (!followed_is_stale(followed))
			continue;
		*ret_any = true;
		if (!applier->options->json)
			printf("%s was made from what has changed since: again\n", followed->name);
		if (start(applier, i, error) != ERROR_NONE)
			return error->class;
	}
	return ERROR_NONE;
}

static enum error_class follow(struct applier *applier, struct error *error)
{
	for (int round = 0; round < ROUNDS_MAX; round++) {
		bool again = false;
		if (followed_wait(&applier->session, applier->followed, applier->stack.unit_count,
			    applier->options->json, error) != ERROR_NONE)
			return error->class;
		if (any_failed(applier) || start_stale(applier, &again, error) != ERROR_NONE)
			return any_failed(applier) ? ERROR_NONE : error->class;
		if (!again)
			return ERROR_NONE;
	}
	error_set(error, ERROR_CONFLICT_OURS, "what the apps offer one another changes each time");
	return error_remedy(error, NULL,
		"See which outputs differ with 'slipway status APP WORKFLOW'; a value that changes "
		"with each run cannot go round.");
}

/* ---- the end ---- */

static const char *outcome_of(const struct followed *followed)
{
	if (followed->failed)
		return "failed";
	return followed_is_unchanged(followed) ? "unchanged" : "changed";
}

static void show_outcomes(const struct applier *applier)
{
	size_t changed = 0;

	for (size_t i = 0; i < applier->stack.unit_count; i++) {
		const struct followed *followed = &applier->followed[i];
		changed += followed_is_unchanged(followed) ? 0 : 1;
		printf("%s: %s\n", followed->name, outcome_of(followed));
		if (followed->failed)
			followed_show_failures(followed, stdout);
	}
	printf("%s %s after %.1f s%s\n", applier->stack.file.name,
		any_failed(applier) ? "has ended in error" : "is done",
		(double)(clock_monotonic_ms() - applier->started_at) / 1000,
		changed == 0 ? ": unchanged" : "");
}

static enum error_class print_outcomes(const struct applier *applier, struct error *error)
{
	CLEANUP_JSON cJSON *json = cJSON_CreateObject();
	cJSON *list = cJSON_AddArrayToObject(json, "workflows");

	for (size_t i = 0; i < applier->stack.unit_count; i++) {
		const struct followed *followed = &applier->followed[i];
		cJSON *item = cJSON_CreateObject();
		if (list == NULL || !json_append(list, item) ||
			!json_add(item, "appId", cJSON_CreateString(followed->app)) ||
			!json_add(item, "workflowId", cJSON_CreateString(followed->workflow)) ||
			!json_add(item, "deploymentId", cJSON_CreateString(followed->deployment)) ||
			!json_add(item, "outcome",
				cJSON_CreateString(applier->options->detach
						? "started"
						: outcome_of(followed))))
			return no_memory(error);
	}
	show_json(stdout, json);
	return ERROR_NONE;
}

/* Returns how many there are. */
static size_t show_started(const struct applier *applier, FILE *stream)
{
	size_t started = 0;

	for (size_t i = 0; i < applier->stack.unit_count; i++) {
		if (applier->followed[i].deployment[0] == '\0')
			continue;
		fprintf(stream, "%s: deployment %s\n", applier->followed[i].name,
			applier->followed[i].deployment);
		started++;
	}
	return started;
}

/* What the command has done, and what not, where it ends before all are started. */
static void show_progress(const struct applier *applier)
{
	const size_t started = show_started(applier, stderr);

	if (applier->stored > 0) {
		fprintf(stderr, "Stored: config, env and secrets of");
		for (size_t i = 0; i < applier->stored; i++)
			fprintf(stderr, " %s", applier->stack.apps[i].id);
		fprintf(stderr, ".\n");
	}
	if (started > 0 && started < applier->stack.unit_count) {
		fprintf(stderr, "Not started:");
		for (size_t i = 0; i < applier->stack.unit_count; i++)
			if (applier->followed[i].deployment[0] == '\0')
				fprintf(stderr, " %s", applier->followed[i].name);
		fprintf(stderr, ".\n");
	}
	if (started == 0)
		fprintf(stderr, "Nothing was %sstarted.\n",
			applier->stored == 0 ? "configured or " : "");
	else
		fprintf(stderr,
			"What was started goes on at the server; 'slipway apply -f %s' again goes "
			"on from there.\n",
			applier->options->file);
}

/* What was started goes on without us. */
static int fail_started(const struct applier *applier, const struct error *error)
{
	int status = EX_STEP_FAILED;

	if (session_interrupted() == 0)
		status = command_fail(error);
	show_progress(applier);
	return session_interrupted() != 0 ? 128 + session_interrupted() : status;
}

static int apply(struct applier *applier)
{
	struct error error;

	session_catch_interrupts(&applier->session);
	if (start_all(applier, &error) != ERROR_NONE)
		return fail_started(applier, &error);
	if (!applier->options->detach && follow(applier, &error) != ERROR_NONE)
		return fail_started(applier, &error);

	if (applier->options->json) {
		if (print_outcomes(applier, &error) != ERROR_NONE)
			return command_fail(&error);
	} else if (applier->options->detach) {
		(void)show_started(applier, stdout);
	} else {
		show_outcomes(applier);
	}
	return any_failed(applier) ? EX_STEP_FAILED : EX_OK;
}

/* ---- the command ---- */

static int execute_checked(struct applier *applier)
{
	CLEANUP_JSON cJSON *workflows = NULL;
	struct error error;

	if (stack_read(&applier->stack, applier->options->file, &error) != ERROR_NONE ||
		session_get(&applier->session, "/api/workflows", NULL, &workflows, &error) !=
			ERROR_NONE ||
		stack_order(&applier->stack, workflows, &error) != ERROR_NONE) {
		stack_show_faults(&applier->stack, stderr);
		return command_fail(&error);
	}
	if (check_all(applier, &error) != ERROR_NONE)
		return command_fail(&error);
	return applier->options->plan ? show_plan(applier) : apply(applier);
}

static int execute(void *options)
{
	static struct applier applier;
	struct error error;

	applier.options = options;
	applier.started_at = clock_monotonic_ms();
	if (session_open(&applier.session, &applier.options->settings, &error) != ERROR_NONE)
		return command_fail(&error);
	int status = execute_checked(&applier);
	for (size_t i = 0; i < STACK_APPS_MAX; i++) {
		json_clear(&applier.secrets[i]);
		json_clear(&applier.configured[i]);
	}

	followed_release(applier.followed, STACK_UNITS_MAX);
	stack_release(&applier.stack);
	session_close(&applier.session);
	return status;
}

const struct command command_apply = {
	.name = "apply",
	.summary = "Make a stack of apps as a file describes it",
	.about =
		"Makes a stack of apps as a file describes it: checks all of it, configures the "
		"apps, starts their workflows and waits until all are done. What stands there "
		"already is left as it is, so the same file may be applied again. The server keeps "
		"the order that references and 'after' give. Exit status 64 if the file or an "
		"input "
		"is invalid: then nothing was changed. Exit status 1 if a step ended in error.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.programs = SETTINGS_CLI,
	.execute = execute,
};
