/*
 * slipway export: an app as a stack file, from which `slipway apply` makes it again on another
 * Slipway. Values of secrets are in no response, so the file refers to files that have them.
 */
#include <stdio.h>
#include <string.h>

#include "base/identifier.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/export_inputs.h"
#include "cli/export_secrets.h"
#include "cli/export_text.h"
#include "cli/session.h"
#include "cli/show.h"

#define TEARDOWN "teardown"

struct options {
	struct settings settings; /* first: see command.h */
	const char *app, *workflow;
	bool adopt;
};

/* An export under way. The objects have members for workflows or names of secrets. */
struct export
{
	const struct options *options;
	struct session session;
	cJSON *deployments; /* workflow to its last deployment */
	cJSON *units;       /* workflow to {"inputs", "after"} */
	cJSON *names;       /* of secrets that the file has */
	cJSON *taken;       /* of secrets that the app has or refers to */
	bool incomplete;
};

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a stack");
}

/* ---- deployments ---- */

/* A teardown is no part of what is to be done again, unless it is asked for. */
static bool is_wanted(const struct export *export, const char *workflow)
{
	if (workflow == NULL || json_member(export->deployments, workflow) != NULL)
		return false;
	if (export->options->workflow != NULL)
		return strcmp(workflow, export->options->workflow) == 0;
	return strcmp(workflow, TEARDOWN) != 0;
}

/* Moves those that are wanted and were not there yet. */
static bool take_deployments(struct export *export, cJSON *list)
{
	for (cJSON *deployment = list != NULL ? list->child : NULL, *next; deployment != NULL;
		deployment = next) {
		char workflow[IDENTIFIER_SIZE];
		const char *id = json_member_string(deployment, "workflowId");
		next = deployment->next;
		if (!is_wanted(export, id))
			continue;
		text_copy(workflow, sizeof(workflow), id);
		if (!json_add(export->deployments, workflow,
			    cJSON_DetachItemViaPointer(list, deployment)))
			return false;
	}
	return true;
}

/* The last deployment of each workflow, which the list may have lost; and from the list those that
 * have expired. */
static enum error_class read_deployments(struct export *export, struct error *error)
{
	CLEANUP_JSON cJSON *app = NULL, *list = NULL;
	char path[IDENTIFIER_SIZE + 32];

	text_format(path, sizeof(path), "/api/apps/%s", export->options->app);
	enum error_class class = session_get(&export->session, path, NULL, &app, error);
	if (class != ERROR_NONE && class != ERROR_NOT_FOUND)
		return class;
	if (session_get_all(&export->session, export->options->app, "deployments", &list, error) !=
		ERROR_NONE)
		return error->class;
	if (!take_deployments(export, json_member_mutable(app, "deployments")) ||
		!take_deployments(export, list))
		return no_memory(error);

	if (cJSON_GetArraySize(export->deployments) > 0)
		return ERROR_NONE;
	error_set(error, ERROR_NOT_FOUND, "'%s' has no deployment that could be done again",
		export->options->app);
	return error_remedy(error, NULL, "'slipway deployments %s' lists what it has had.",
		export->options->app);
}

/* ---- units ---- */

/* Says what the file lacks. */
static void warn(struct export *export, const char *what, const char *name, const char *rest)
{
	fprintf(stderr, "slipway: %s '", what);
	show_text(stderr, name);
	fprintf(stderr, "'%s\n", rest);
	export->incomplete = true;
}

/* Why the file cannot say that something comes after this one; NULL: it can. */
static const char *outside(const struct export *export, const char *app, const char *workflow)
{
	if (strcmp(app, export->options->app) != 0)
		return ": add that app to the file, and its name to 'after'";
	if (json_member(export->deployments, workflow) == NULL)
		return ", which is not exported: left out, so start this when that is done";
	return NULL;
}

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
		const char *why = outside(export, app, workflow);
		if (why != NULL) {
			warn(export, "it comes after", name, why);
			continue;
		}
		if (after == NULL)
			after = cJSON_AddArrayToObject(unit, "after");
		if (after == NULL || !json_append(after, cJSON_CreateString(name)))
			return false;
	}
	return true;
}

/* A text that was sealed becomes one secret, which has no references. What was given with the start
 * stands in for what was configured at the same place. */
static void tell_references(struct export *export, const cJSON *deployment)
{
	const cJSON *entry, *reference;

	cJSON_ArrayForEach (entry, json_member(deployment, "sealedReferences")) {
		char name[JSON_POINTER_SIZE + IDENTIFIER_SIZE], rest[512] = " has";
		const char *place = json_member_string(entry, "place");
		cJSON_ArrayForEach (reference, json_member(entry, "references")) {
			const char *text = cJSON_GetStringValue(reference);
			if (text != NULL && strstr(rest, text) == NULL)
				text_append(rest, sizeof(rest), " %s", text);
		}
		text_append(rest, sizeof(rest),
			" beside text that was secret, which the file does not keep: write them "
			"into "
			"the value, around a ${secret.NAME} for what is secret");
		text_format(
			name, sizeof(name), "%s%s", deployment->string, place != NULL ? place : "");
		warn(export, "the value at", name, rest);
	}
}

static enum error_class add_unit(struct export *export, cJSON *deployment, struct error *error)
{
	CLEANUP_JSON cJSON *unit = cJSON_CreateObject();
	cJSON *inputs;

	if (cJSON_IsNull(json_member(deployment, "inputs")) ||
		cJSON_IsNull(json_member(deployment, "configured")))
		warn(export, "inputs of", deployment->string,
			" were too large to be kept: add them by hand");
	tell_references(export, deployment);
	if (export_inputs(deployment, export->taken, &inputs, error) != ERROR_NONE)
		return error->class;
	if (unit == NULL || !json_add(unit, "inputs", inputs) ||
		!export_secrets_note(inputs, export->names) ||
		!add_after(export, deployment, unit) ||
		!json_add(export->units, deployment->string, json_take(&unit)))
		return no_memory(error);
	return ERROR_NONE;
}

/* The one whose workflow comes next by its name, "" at the beginning; NULL: there are no more. */
static cJSON *deployment_behind(const struct export *export, const char *last)
{
	cJSON *found = NULL, *deployment;

	cJSON_ArrayForEach (deployment, export->deployments) {
		if (strcmp(deployment->string, last) > 0 &&
			(found == NULL || strcmp(deployment->string, found->string) < 0))
			found = deployment;
	}
	return found;
}

/* No name is made up that the app has for another secret. */
static bool note_taken(struct export *export, const cJSON *payload)
{
	const cJSON *name;

	cJSON_ArrayForEach (name, json_member(payload, "secrets")) {
		if (!cJSON_IsString(name) ||
			!json_add(export->names, name->valuestring, cJSON_CreateTrue()) ||
			!json_add(export->taken, name->valuestring, cJSON_CreateTrue()))
			return false;
	}
	return export_secrets_note(export->deployments, export->taken);
}

/* Sorted, so that the same app gives the same file. */
static enum error_class add_units(struct export *export, const cJSON *payload, struct error *error)
{
	cJSON *deployment = NULL;

	if (!note_taken(export, payload))
		return no_memory(error);
	while ((deployment = deployment_behind(
			export, deployment != NULL ? deployment->string : "")) != NULL)
		if (add_unit(export, deployment, error) != ERROR_NONE)
			return error->class;
	return ERROR_NONE;
}

/* ---- what the server has ---- */

/* What only another build has is exported all the same: that other build may take the file. */
static void tell_unknown(const struct export *export, const cJSON *workflows)
{
	const cJSON *unit, *workflow;

	cJSON_ArrayForEach (unit, export->units) {
		bool known = false;
		cJSON_ArrayForEach (workflow, workflows) {
			const char *id = json_member_string(workflow, "id");
			known = known || (id != NULL && strcmp(id, unit->string) == 0);
		}
		if (!known)
			fprintf(stderr,
				"slipway: this server does not have the workflow '%s': apply it "
				"where there is one, or export the others with --workflow\n",
				unit->string);
	}
}

static enum error_class adopt(struct export *export, const cJSON *workflows, struct error *error)
{
	CLEANUP_JSON cJSON *resources = NULL;
	const cJSON *workflow;

	if (session_get_all(&export->session, export->options->app, "resources", &resources,
		    error) != ERROR_NONE)
		return error->class;
	cJSON_ArrayForEach (workflow, workflows) {
		const char *id = json_member_string(workflow, "id");
		cJSON *unit = id != NULL ? json_member_mutable(export->units, id) : NULL;
		if (unit != NULL &&
			!export_adoption(workflow, resources, json_member_mutable(unit, "inputs")))
			return no_memory(error);
	}
	return ERROR_NONE;
}

static enum error_class compare_with_server(struct export *export, struct error *error)
{
	CLEANUP_JSON cJSON *response = NULL;

	if (session_get(&export->session, "/api/workflows", NULL, &response, error) != ERROR_NONE)
		return error->class;
	const cJSON *workflows = json_member(response, "workflows");
	tell_unknown(export, workflows);
	return export->options->adopt ? adopt(export, workflows, error) : ERROR_NONE;
}

/* ---- the file ---- */

static bool add_part(cJSON *app, const cJSON *payload, const char *name)
{
	const cJSON *part = json_member(payload, name);

	return cJSON_GetArraySize(part) == 0 || json_add(app, name, cJSON_Duplicate(part, true));
}

/* One workflow stands in the app itself, several below `workflows`. */
static bool put_units(const struct export *export, cJSON *app)
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

/* *secrets is taken over. */
static cJSON *make_stack(const struct export *export, const cJSON *payload, cJSON **secrets)
{
	CLEANUP_JSON cJSON *stack = cJSON_CreateObject();
	cJSON *apps = stack != NULL ? cJSON_AddObjectToObject(stack, "apps") : NULL;
	cJSON *app = apps != NULL ? cJSON_AddObjectToObject(apps, export->options->app) : NULL;

	if (app == NULL || !put_units(export, app) || !add_part(app, payload, "config") ||
		!add_part(app, payload, "env") || !add_part(app, payload, "connections"))
		return NULL;
	if (cJSON_GetArraySize(*secrets) > 0 && !json_add(app, "secrets", json_take(secrets)))
		return NULL;
	return json_take(&stack);
}

/* Several requests may have made what apply cannot send in one. */
static void tell_large(struct export *export, const cJSON *payload)
{
	char name[2 * IDENTIFIER_SIZE];
	const cJSON *unit;

	cJSON_ArrayForEach (unit, export->units) {
		if (export_text_fits(json_member(payload, "config"), json_member(payload, "env"),
			    json_member(unit, "inputs")))
			continue;
		text_format(name, sizeof(name), "%s/%s", export->options->app, unit->string);
		warn(export, "config, env and inputs of", name,
			" are too large for one request, which 'slipway apply' sends: configure a "
			"part of it before, and take that out of the file");
	}
}

/* Prints the files, or the names of those that are to be generated, behind the words. */
static void tell_some(const cJSON *secrets, bool files, const char *words)
{
	const cJSON *secret;
	bool any = false;

	cJSON_ArrayForEach (secret, secrets) {
		if (cJSON_IsString(secret) != files)
			continue;
		fprintf(stderr, "%s ", any ? "" : words);
		show_text(stderr, files ? secret->valuestring + 1 : secret->string);
		any = true;
	}
	if (any)
		fputc('\n', stderr);
}

static void tell_secrets(const cJSON *secrets)
{
	tell_some(secrets, true,
		"slipway: before it is applied, put the value of each secret into a file beside "
		"it:");
	tell_some(secrets, false,
		"slipway: Slipway has made these, and makes other values where it is applied; "
		"write \"@FILE\" for one that has to stay the same:");
}

static enum error_class read_app(struct export *export, cJSON **ret_payload, struct error *error)
{
	CLEANUP_JSON cJSON *body = cJSON_CreateObject();

	if (body == NULL || !json_add(body, "mode", cJSON_CreateString("configure")) ||
		!json_add(body, "appId", cJSON_CreateString(export->options->app)))
		return no_memory(error);
	if (session_open(&export->session, &export->options->settings, error) != ERROR_NONE ||
		read_deployments(export, error) != ERROR_NONE)
		return error->class;
	return session_post(&export->session, body, ret_payload, error);
}

static enum error_class run(struct export *export, struct error *error)
{
	CLEANUP_JSON cJSON *payload = NULL, *stack = NULL, *secrets = NULL;

	if (export->deployments == NULL || export->units == NULL || export->names == NULL ||
		export->taken == NULL)
		return no_memory(error);
	if (read_app(export, &payload, error) != ERROR_NONE ||
		add_units(export, payload, error) != ERROR_NONE ||
		compare_with_server(export, error) != ERROR_NONE)
		return error->class;

	tell_large(export, payload);
	secrets = export_secrets(export->names, json_member(payload, "generated"));
	if (secrets == NULL)
		return no_memory(error);
	tell_secrets(secrets);
	stack = make_stack(export, payload, &secrets);
	return stack != NULL && export_text_print(stack, stdout) ? ERROR_NONE : no_memory(error);
}

static int execute(void *raw_options)
{
	struct export export = { .options = raw_options,
		.session = SESSION_EMPTY,
		.deployments = cJSON_CreateObject(),
		.units = cJSON_CreateObject(),
		.names = cJSON_CreateObject(),
		.taken = cJSON_CreateObject() };
	struct error error;
	int status = EX_OK;

	if (run(&export, &error) != ERROR_NONE)
		status = command_fail(&error);
	else if (export.incomplete)
		status = EX_STEP_FAILED;
	session_close(&export.session);
	cJSON_Delete(export.deployments);
	cJSON_Delete(export.units);
	cJSON_Delete(export.names);
	cJSON_Delete(export.taken);
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
	.about = "Prints an app as a stack file: its workflows with the inputs of their last "
		 "deployments, its config, env and secrets. 'slipway apply -f FILE' makes it again "
		 "on another Slipway. Values of secrets cannot be read: the file names files that "
		 "have to have them, or says how to make those that Slipway has made. Exits with 1 "
		 "where something had to be left out.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.programs = SETTINGS_CLI,
	.execute = execute,
};
