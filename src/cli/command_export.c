/*
 * slipway export: an app as a stack file, from which `slipway apply` makes it again on another
 * Slipway. Values of secrets are in no response, so the file refers to files that have them.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/export_inputs.h"
#include "cli/session.h"
#include "cli/show.h"

#define TEARDOWN "teardown"

struct options {
	struct settings settings; /* first: see command.h */
	const char *app, *workflow;
	bool adopt;
};

/* An export under way. */
struct export
{
	const struct options *options;
	struct session session;
	cJSON *units;   /* workflow to {"inputs", "after"} */
	cJSON *secrets; /* name to file */
	bool incomplete;
};

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a stack");
}

static enum error_class get_list(struct export *export, const char *list, const char *after,
	cJSON **ret_json, struct error *error)
{
	char path[160];
	const struct string_pair query[] = { { "limit", "200" },
		{ after != NULL ? "after" : NULL, after }, { NULL, NULL } };

	text_format(path, sizeof(path), "/api/apps/%s/%s", export->options->app, list);
	return session_get(&export->session, path, query, ret_json, error);
}

/* ---- deployments ---- */

/* Says what the file lacks. */
static void warn(struct export *export, const char *what, const char *name, const char *rest)
{
	fprintf(stderr, "slipway: %s '", what);
	show_text(stderr, name);
	fprintf(stderr, "'%s\n", rest);
	export->incomplete = true;
}

/* What comes before it within the app can be named in a file of this app alone. */
static bool add_after(struct export *export, const cJSON *deployment, cJSON *unit)
{
	const cJSON *other;
	cJSON *after = NULL;

	cJSON_ArrayForEach (other, json_member(deployment, "after")) {
		const char *app = json_member_string(other, "appId"),
			   *workflow = json_member_string(other, "workflowId");
		char name[160];
		if (app == NULL || workflow == NULL)
			continue;
		text_format(name, sizeof(name), "%s/%s", app, workflow);
		if (strcmp(app, export->options->app) != 0) {
			warn(export, "it comes after", name,
				": add that app to the file, and its name to 'after'");
			continue;
		}
		if (after == NULL)
			after = cJSON_AddArrayToObject(unit, "after");
		if (after == NULL || !json_append(after, cJSON_CreateString(name)))
			return false;
	}
	return true;
}

static enum error_class add_unit(
	struct export *export, cJSON *deployment, const char *workflow, struct error *error)
{
	CLEANUP_JSON cJSON *unit = cJSON_CreateObject();
	cJSON *inputs;

	if (cJSON_IsNull(json_member(deployment, "inputs")) ||
		cJSON_IsNull(json_member(deployment, "configured")))
		warn(export, "inputs of", workflow, " were too large to be kept: add them by hand");
	if (export_inputs(deployment, &inputs, error) != ERROR_NONE)
		return error->class;
	if (unit == NULL || !json_add(unit, "inputs", inputs) ||
		!export_secrets(inputs, export->secrets) || !add_after(export, deployment, unit) ||
		!json_add(export->units, workflow, json_take(&unit)))
		return no_memory(error);
	return ERROR_NONE;
}

/* A teardown is no part of what is to be done again, unless it is asked for. */
static bool is_wanted(const struct export *export, const char *workflow)
{
	if (workflow == NULL || json_member(export->units, workflow) != NULL)
		return false;
	if (export->options->workflow != NULL)
		return strcmp(workflow, export->options->workflow) == 0;
	return strcmp(workflow, TEARDOWN) != 0;
}

static enum error_class add_page(struct export *export, cJSON *page, struct error *error)
{
	cJSON *deployment;

	cJSON_ArrayForEach (deployment, json_member(page, "deployments")) {
		const char *workflow = json_member_string(deployment, "workflowId");
		if (is_wanted(export, workflow) &&
			add_unit(export, deployment, workflow, error) != ERROR_NONE)
			return error->class;
	}
	return ERROR_NONE;
}

/* The list has the last deployment of each workflow first. */
static enum error_class read_deployments(struct export *export, struct error *error)
{
	CLEANUP_JSON cJSON *page = NULL;
	const char *after = NULL;

	do {
		cJSON *next;
		if (get_list(export, "deployments", after, &next, error) != ERROR_NONE)
			return error->class;
		json_clear(&page);
		page = next;
		if (add_page(export, page, error) != ERROR_NONE)
			return error->class;
		after = json_member_string(page, "next");
	} while (after != NULL);

	if (cJSON_GetArraySize(export->units) > 0)
		return ERROR_NONE;
	error_set(error, ERROR_NOT_FOUND, "'%s' has no deployment that could be done again",
		export->options->app);
	return error_remedy(error, NULL, "'slipway deployments %s' lists what it has had.",
		export->options->app);
}

/* ---- adoption ---- */

static enum error_class adopt(struct export *export, struct error *error)
{
	CLEANUP_JSON cJSON *workflows = NULL, *resources = NULL;
	const cJSON *workflow;

	if (session_get(&export->session, "/api/workflows", NULL, &workflows, error) !=
			ERROR_NONE ||
		get_list(export, "resources", NULL, &resources, error) != ERROR_NONE)
		return error->class;
	cJSON_ArrayForEach (workflow, json_member(workflows, "workflows")) {
		const char *id = json_member_string(workflow, "id");
		cJSON *unit = id != NULL ? json_member_mutable(export->units, id) : NULL;
		if (unit != NULL &&
			!export_adoption(workflow, json_member(resources, "resources"),
				json_member_mutable(unit, "inputs")))
			return no_memory(error);
	}
	return ERROR_NONE;
}

/* ---- the file ---- */

static bool add_part(cJSON *app, const cJSON *payload, const char *name)
{
	const cJSON *part = json_member(payload, name);

	return cJSON_GetArraySize(part) == 0 || json_add(app, name, cJSON_Duplicate(part, true));
}

/* One workflow stands in the app itself, several below `workflows`. */
static bool add_units(struct export *export, cJSON *app)
{
	cJSON *unit = export->units->child;

	if (unit->next != NULL)
		return json_add(app, "workflows", cJSON_Duplicate(export->units, true));
	if (!json_add(app, "workflow", cJSON_CreateString(unit->string)))
		return false;
	cJSON *member;
	cJSON_ArrayForEach (member, unit) {
		if (!json_add(app, member->string, cJSON_Duplicate(member, true)))
			return false;
	}
	return true;
}

static cJSON *make_stack(struct export *export, const cJSON *payload)
{
	CLEANUP_JSON cJSON *stack = cJSON_CreateObject();
	cJSON *apps = stack != NULL ? cJSON_AddObjectToObject(stack, "apps") : NULL;
	cJSON *app = apps != NULL ? cJSON_AddObjectToObject(apps, export->options->app) : NULL;
	const cJSON *name;

	if (app == NULL || !add_units(export, app) || !add_part(app, payload, "config") ||
		!add_part(app, payload, "env"))
		return NULL;
	cJSON_ArrayForEach (name, json_member(payload, "secrets")) {
		char reference[160];
		CLEANUP_JSON cJSON *text = NULL;
		text_format(reference, sizeof(reference), "${secret.%s}",
			cJSON_IsString(name) ? name->valuestring : "");
		text = cJSON_CreateString(reference);
		if (text == NULL || !export_secrets(text, export->secrets))
			return NULL;
	}
	if (cJSON_GetArraySize(export->secrets) > 0 &&
		!json_add(app, "secrets", cJSON_Duplicate(export->secrets, true)))
		return NULL;
	return json_take(&stack);
}

/* As YAML takes it: indented by spaces. No string has a raw tab. */
static bool print_stack(const cJSON *stack)
{
	char *text = cJSON_Print(stack);
	bool begins = true;

	for (const char *next = text; next != NULL && *next != '\0'; next++) {
		if (*next == '\t')
			fputs(begins ? "  " : " ", stdout);
		else
			putchar(*next);
		begins = *next == '\n' || (begins && *next == '\t');
	}
	putchar('\n');
	cJSON_free(text);
	return text != NULL;
}

static void tell_secrets(const struct export *export)
{
	const cJSON *secret;

	if (cJSON_GetArraySize(export->secrets) == 0)
		return;
	fprintf(stderr,
		"slipway: before it is applied, put the value of each secret into "
		"a file "
		"beside it:");
	cJSON_ArrayForEach (secret, export->secrets) {
		fprintf(stderr, " ");
		show_text(stderr, secret->valuestring + 1);
	}
	fprintf(stderr, "\n");
}

static enum error_class run(struct export *export, struct error *error)
{
	CLEANUP_JSON cJSON *body = cJSON_CreateObject(), *payload = NULL, *stack = NULL;

	if (body == NULL || export->units == NULL || export->secrets == NULL ||
		!json_add(body, "mode", cJSON_CreateString("configure")) ||
		!json_add(body, "appId", cJSON_CreateString(export->options->app)))
		return no_memory(error);
	if (session_open(&export->session, export->options->settings.url, error) != ERROR_NONE ||
		read_deployments(export, error) != ERROR_NONE ||
		session_post(&export->session, body, &payload, error) != ERROR_NONE)
		return error->class;
	if (export->options->adopt && adopt(export, error) != ERROR_NONE)
		return error->class;
	stack = make_stack(export, payload);
	if (stack == NULL || !print_stack(stack))
		return no_memory(error);
	tell_secrets(export);
	return ERROR_NONE;
}

static int execute(void *raw_options)
{
	struct export export = { .options = raw_options,
		.session = SESSION_EMPTY,
		.units = cJSON_CreateObject(),
		.secrets = cJSON_CreateObject() };
	struct error error;
	int status = EX_OK;

	if (run(&export, &error) != ERROR_NONE)
		status = command_fail(&error);
	else if (export.incomplete)
		status = EX_STEP_FAILED;
	session_close(&export.session);
	cJSON_Delete(export.units);
	cJSON_Delete(export.secrets);
	return status;
}

static const struct option_row option_rows[] = {
	{ ARGUMENT("APP", struct options, app), .required = true, .identifier = true },
	{ TEXT_OPTION("workflow", 'w', struct options, workflow,
		  "Only this workflow (all that were deployed, but no teardown)"),
		.value = "WORKFLOW", .identifier = true },
	{ FLAG_OPTION("adopt", 'a', struct options, adopt,
		"Have it adopt what the app has at providers now") },
	{ .type = OPTION_END },
};

const struct command command_export = {
	.name = "export",
	.summary = "Print an app as a stack file, to make it again elsewhere",
	.about = "Prints an app as a stack file: its workflows with the inputs of "
		 "their last "
		 "deployments, its config, env and secrets. 'slipway apply -f "
		 "FILE' makes it again "
		 "on another Slipway. Values of secrets cannot be read: the file "
		 "names files that "
		 "have to have them. Exits with 1 where something had to be left "
		 "out.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.programs = SETTINGS_CLI,
	.execute = execute,
};
