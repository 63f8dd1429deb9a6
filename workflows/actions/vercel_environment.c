/*
 * vercel.environment: a project's environment variables, each with its targets and type. Those that are not named are
 * left alone; those that are readable and equal are not written again.
 *
 * API: https://vercel.com/docs/rest-api/reference/endpoints/projects (env). An answer of success may carry failed
 * ones. Values stand in no output, checkpoint or log.
 */
#include <string.h>

#include "actions.h"
#include "slipway/provider.h"

static const char *const types[] = { "plain", "encrypted", "sensitive", NULL };
static const char *const targets[] = { "production", "preview", "development", NULL };

struct variable {
	const char *key, *value, *type, *git_branch, *comment;
	struct string_list target;
};
static const struct field variable_fields[] = {
	{ STRING_FIELD("key", struct variable, key), .required = true, .pattern = "^[A-Za-z_][A-Za-z0-9_]{0,255}$",
		.description = "Name of the variable" },
	{ STRING_FIELD("value", struct variable, value), .required = true, .description = "Its value" },
	{ STRING_FIELD("type", struct variable, type), .values = types, .fallback = "encrypted",
		.description = "How Vercel keeps it; sensitive is never shown again" },
	{ STRINGS_FIELD("targets", struct variable, target), .values = targets,
		.fallback = "[\"production\",\"preview\",\"development\"]", .description = "Where it is set" },
	{ STRING_FIELD("gitBranch", struct variable, git_branch), .maximum = 250,
		.description = "Only for this branch's previews" },
	{ STRING_FIELD("comment", struct variable, comment), .maximum = 500, .description = "A note beside it" },
};
static const struct record variable_record = RECORD(struct variable, variable_fields);

struct input {
	const char *project;
	struct object_list variables;
};
static const struct field input_fields[] = {
	{ STRING_FIELD("project", struct input, project), .required = true, .maximum = 100,
		.description = "Id or name of the project" },
	{ OBJECTS_FIELD("variables", struct input, variables), .record = &variable_record, .maximum = 100,
		.description = "The variables to set" },
};

struct output {
	struct string_list keys;
	int64_t changed, updated_at;
};
static const struct field output_fields[] = {
	{ STRINGS_FIELD("keys", struct output, keys), .description = "Names of the variables that are set" },
	{ INTEGER_FIELD("changed", struct output, changed), .description = "How many were written this time" },
	{ INTEGER_FIELD("updatedAt", struct output, updated_at),
		.description = "When a variable of the project was last changed, in milliseconds" },
};

/* ---- what Vercel answers ---- */

struct listed {
	const char *key, *value, *type, *git_branch;
	const char *target; /* JSON: an array, or a string on older projects */
	int64_t updated_at;
};
static const struct field listed_fields[] = {
	{ STRING_FIELD("key", struct listed, key), .required = true },
	{ STRING_FIELD("value", struct listed, value) },
	{ STRING_FIELD("type", struct listed, type) },
	{ STRING_FIELD("gitBranch", struct listed, git_branch) },
	{ JSON_FIELD("target", struct listed, target) },
	{ INTEGER_FIELD("updatedAt", struct listed, updated_at) },
};
static const struct record listed_record = RECORD(struct listed, listed_fields);

struct listing {
	struct object_list envs;
};
static const struct field listing_fields[] = {
	{ OBJECTS_FIELD("envs", struct listing, envs), .record = &listed_record },
};
static const struct record listing_record = RECORD(struct listing, listing_fields);

struct failure_detail {
	const char *code, *message, *key, *env_var_key;
};
static const struct field failure_detail_fields[] = {
	{ STRING_FIELD("code", struct failure_detail, code) },
	{ STRING_FIELD("message", struct failure_detail, message) },
	{ STRING_FIELD("key", struct failure_detail, key) },
	{ STRING_FIELD("envVarKey", struct failure_detail, env_var_key) },
};
static const struct record failure_detail_record = RECORD(struct failure_detail, failure_detail_fields);

struct failure {
	const void *error;
};
static const struct field failure_fields[] = {
	{ OBJECT_FIELD("error", struct failure, error), .record = &failure_detail_record },
};
static const struct record failure_record = RECORD(struct failure, failure_fields);

struct written {
	struct object_list failed;
};
static const struct field written_fields[] = {
	{ OBJECTS_FIELD("failed", struct written, failed), .record = &failure_record },
};
static const struct record written_record = RECORD(struct written, written_fields);

/* What we send: the same as the input but for the name of one member. */
static const struct field upsert_fields[] = {
	{ STRING_FIELD("key", struct variable, key) },
	{ STRING_FIELD("value", struct variable, value) },
	{ STRING_FIELD("type", struct variable, type) },
	{ STRINGS_FIELD("target", struct variable, target) },
	{ STRING_FIELD("gitBranch", struct variable, git_branch) },
	{ STRING_FIELD("comment", struct variable, comment) },
};
static const struct record upsert_record = RECORD(struct variable, upsert_fields);

/* ---- the difference ---- */

static bool list_variables(struct action_context *context, const struct input *input, struct listing *ret_listing)
{
	struct provider_answer answer;
	const struct provider_request request = { .path = "/v10/projects/{idOrName}/env",
		.parameters = { input->project } };
	return provider_call(context, &vercel, &request, &answer) &&
		provider_decode(context, &answer, &listing_record, ret_listing);
}

static bool same_text(const char *one, const char *two)
{
	return strcmp(one != NULL ? one : "", two != NULL ? two : "") == 0;
}

/* Each target name is one of three words that hold no other: looking for the quoted word is exact. */
static bool same_targets(struct action_context *context, const struct variable *variable, const char *listed)
{
	if (listed == NULL)
		return false;
	for (const char *const *target = targets; *target != NULL; target++) {
		const char *quoted = action_format(context, "\"%s\"", *target);
		bool wished = false, there = quoted != NULL && strstr(listed, quoted) != NULL;
		for (size_t i = 0; i < variable->target.count; i++)
			wished = wished || strcmp(variable->target.items[i], *target) == 0;
		if (wished != there)
			return false;
	}
	return true;
}

/* Only plain values are shown; of the others nobody can tell but by writing them. */
static bool stands_already(
	struct action_context *context, const struct variable *variable, const struct listing *listing)
{
	const struct listed *listed = listing->envs.items;
	for (size_t i = 0; i < listing->envs.count; i++)
		if (strcmp(listed[i].key, variable->key) == 0 && same_text(listed[i].type, "plain") &&
			strcmp(variable->type, "plain") == 0 && same_text(listed[i].value, variable->value) &&
			same_text(listed[i].git_branch, variable->git_branch) &&
			same_targets(context, variable, listed[i].target))
			return true;
	return false;
}

static int64_t newest(const struct listing *listing)
{
	const struct listed *listed = listing->envs.items;
	int64_t updated_at = 0;
	for (size_t i = 0; i < listing->envs.count; i++)
		if (listed[i].updated_at > updated_at)
			updated_at = listed[i].updated_at;
	return updated_at;
}

/* ---- writing ---- */

static enum action_result fail_partly(struct action_context *context, const struct written *written)
{
	const struct failure *failures = written->failed.items;
	const struct failure_detail *first = failures[0].error;
	const char *key = first == NULL ? NULL : first->env_var_key != NULL ? first->env_var_key : first->key;
	action_fail(context, ERROR_INVALID_INPUT, "Vercel did not take %zu of the variables; the first, %s: %s",
		written->failed.count, key != NULL ? key : "(no name)",
		first != NULL && first->message != NULL ? first->message : "(no message)");
	return action_remedy(context, NULL, "Correct the variable and trigger the step again; the others stand.");
}

static enum action_result write_variables(
	struct action_context *context, const struct input *input, const struct variable *changed, size_t count)
{
	struct provider_answer answer;
	struct written written;
	const struct provider_request request = { .method = HTTP_POST,
		.path = "/v10/projects/{idOrName}/env",
		.parameters = { input->project },
		.query = { { "upsert", "true" } },
		.body_record = &upsert_record,
		.body = changed,
		.body_count = count };
	if (!provider_call(context, &vercel, &request, &answer) ||
		!provider_decode(context, &answer, &written_record, &written))
		return action_failed(context);
	return written.failed.count > 0 ? fail_partly(context, &written) : ACTION_DONE;
}

static enum action_result check_variables(struct action_context *context, const struct input *input)
{
	const struct variable *variables = input->variables.items;
	for (size_t i = 0; i < input->variables.count; i++) {
		if (strcmp(variables[i].type, "sensitive") != 0)
			continue;
		for (size_t j = 0; j < variables[i].target.count; j++) {
			if (strcmp(variables[i].target.items[j], "development") != 0)
				continue;
			action_fail(context, ERROR_INVALID_INPUT,
				"%s: Vercel keeps no sensitive variable for development", variables[i].key);
			return action_remedy(context, NULL,
				"Name its targets without development, or give that one as a variable of type "
				"encrypted.");
		}
	}
	return ACTION_DONE;
}

static enum action_result run(struct action_context *context, const void *raw_input, void *checkpoint, void *raw_output)
{
	const struct input *input = raw_input;
	struct output *output = raw_output;
	struct listing listing;
	const struct variable *variables = input->variables.items;
	size_t count = input->variables.count, changed = 0;
	struct variable *changes = action_allocate(context, count, sizeof(*changes));
	const char **keys = action_allocate(context, count, sizeof(*keys));
	(void)checkpoint; /* an upsert may be repeated */
	if (changes == NULL || keys == NULL)
		return action_fail(context, ERROR_OUT_OF_MEMORY, "no memory for %zu variables", count);
	if (check_variables(context, input) != ACTION_DONE || !list_variables(context, input, &listing))
		return action_failed(context);
	for (size_t i = 0; i < count; i++) {
		keys[i] = variables[i].key;
		if (!stands_already(context, &variables[i], &listing))
			changes[changed++] = variables[i];
	}
	if (changed > 0) {
		if (write_variables(context, input, changes, changed) != ACTION_DONE)
			return action_failed(context);
		if (!list_variables(context, input, &listing))
			return action_failed(context);
		action_log(context, "wrote %zu of %zu variables", changed, count);
	}
	*output = (struct output){ { keys, count }, (int64_t)changed, newest(&listing) };
	return action_done(context);
}

const struct action_definition vercel_environment = {
	.id = "vercel.environment",
	.summary = "Sets the project's environment variables",
	.input = RECORD(struct input, input_fields),
	.output = RECORD(struct output, output_fields),
	.run = run,
};
