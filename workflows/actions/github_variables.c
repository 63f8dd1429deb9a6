/*
 * github.variables: sets variables of a repository for GitHub Actions. Other variables are not
 * touched, and a variable that already has the value is not written again.
 *
 * Natural key: owner/name and the name of the variable, in which GitHub ignores case. Each write
 * may safely be repeated. Variables are deleted with their repository, so there is no action to
 * undo them.
 *
 * API: https://docs.github.com/rest/actions/variables.
 */
#include "actions.h"
#include "actions/github_names.h"
#include "slipway/provider.h"

#define PAGE_ITEMS    30 /* GitHub's maximum */
#define PAGES_MAX     20
#define VARIABLES_MAX 100
#define VALUE_MAX     49152
#define CHECK_MS      2000

struct variable {
	const char *name, *value;
};
static const struct field variable_fields[] = {
	{ STRING_FIELD("name", struct variable, name), .required = true, .pattern = SETTING_PATTERN,
		.form = SETTING_FORM,
		.description = "Name of the variable; GitHub writes it in upper case" },
	{ STRING_FIELD("value", struct variable, value), .required = true, .maximum = VALUE_MAX,
		.description = "Value of the variable; everyone who can see the repository's "
			       "workflows can read it" },
};
static const struct record variable_record = RECORD(struct variable, variable_fields);

struct input {
	const char *repository;
	struct object_list variables;
};
static const struct field input_fields[] = {
	{ STRING_FIELD("repository", struct input, repository), .required = true,
		.pattern = REPOSITORY_PATTERN, .form = REPOSITORY_FORM,
		.description = "The repository, as owner/name" },
	{ OBJECTS_FIELD("variables", struct input, variables), .required = true,
		.record = &variable_record, .maximum = VARIABLES_MAX,
		.description = "The variables to set" },
};

/* Written by this run so far. */
struct counts {
	int64_t created, updated, unchanged;
};
static const struct field checkpoint_fields[] = {
	{ INTEGER_FIELD("created", struct counts, created) },
	{ INTEGER_FIELD("updated", struct counts, updated) },
};
static const struct field output_fields[] = {
	{ INTEGER_FIELD("created", struct counts, created), .incidental = true,
		.description = "Number of variables that did not exist before" },
	{ INTEGER_FIELD("updated", struct counts, updated), .incidental = true,
		.description = "Number of variables that had a different value" },
	{ INTEGER_FIELD("unchanged", struct counts, unchanged), .incidental = true,
		.description = "Number of variables that already had the value" },
};

/* ---- what GitHub returns ---- */

static const struct field listed_fields[] = {
	{ STRING_FIELD("name", struct variable, name), .required = true },
	{ STRING_FIELD("value", struct variable, value) },
};
static const struct record listed_record = RECORD(struct variable, listed_fields);

struct listing {
	struct object_list variables;
};
static const struct field listing_fields[] = {
	{ OBJECTS_FIELD("variables", struct listing, variables), .required = true,
		.record = &listed_record },
};
static const struct record listing_record = RECORD(struct listing, listing_fields);

/* ---- read ---- */

/* A repository that was just created may be invisible. */
static enum action_result miss_repository(struct action_context *context, const struct input *input)
{
	if (provider_is_late(context))
		return action_wait(context, CHECK_MS, "%s to become visible", input->repository);
	action_fail(context, ERROR_NOT_FOUND,
		"GitHub shows no variables of %s: the repository does not exist, or the token "
		"cannot access its variables",
		input->repository);
	action_remedy(context, NULL,
		"Check the name of the repository, and give the token the permission variables: "
		"write.");
	return action_remedy_input(context, "repository");
}

static const struct variable *find(const struct variable *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcasecmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

/* Fills ret_existing[i] with the listed variable of that name, or leaves it NULL. */
static void match_listed(const struct input *input, const struct listing *listing,
	const struct variable **ret_existing)
{
	const struct variable *desired = input->variables.items;
	for (size_t i = 0; i < input->variables.count; i++)
		if (ret_existing[i] == NULL)
			ret_existing[i] = find(listing->variables.items, listing->variables.count,
				desired[i].name);
}

static enum action_result read_variables(struct action_context *context, const struct input *input,
	const struct variable **ret_existing)
{
	struct provider_response response;
	struct listing listing = { { NULL, PAGE_ITEMS } };
	struct provider_request request = { .path = "/repos/{owner}/{repo}/actions/variables",
		.when_new = "{\"variables\":[]}",
		.expect = { 404 } };

	if (!split_repository(context, input->repository, request.parameters))
		return action_failed(context);
	request.query[0] = (struct string_pair){ "per_page", "30" };
	for (int page = 1; page <= PAGES_MAX && listing.variables.count == PAGE_ITEMS; page++) {
		request.query[1] =
			(struct string_pair){ "page", action_format(context, "%d", page) };
		if (!provider_call(context, &github, &request, &response))
			return action_failed(context);
		if (response.status == 404)
			return miss_repository(context, input);
		if (!provider_decode(context, &response, &listing_record, &listing))
			return action_failed(context);
		match_listed(input, &listing, ret_existing);
	}

	return ACTION_DONE;
}

/* ---- write ---- */

static bool update(
	struct action_context *context, const struct input *input, const struct variable *variable)
{
	struct provider_response response;
	struct provider_request request = { .method = HTTP_PATCH,
		.path = "/repos/{owner}/{repo}/actions/variables/{name}",
		.body_record = &variable_record,
		.body = variable };

	if (!split_repository(context, input->repository, request.parameters))
		return false;
	request.parameters[2] = variable->name;
	return provider_call(context, &github, &request, &response);
}

/* *ret_created is false if the variable already exists: somebody else, or an earlier attempt,
 * created it. */
static bool create(struct action_context *context, const struct input *input,
	const struct variable *variable, bool *ret_created)
{
	struct provider_response response;
	struct provider_request request = { .method = HTTP_POST,
		.path = "/repos/{owner}/{repo}/actions/variables",
		.body_record = &variable_record,
		.body = variable,
		.expect = { 409 } };

	if (!split_repository(context, input->repository, request.parameters) ||
		!provider_call(context, &github, &request, &response))
		return false;
	*ret_created = response.status != 409;
	return true;
}

/* Writes the variable, and counts what was done; existing is NULL if GitHub has
 * none of that name. */
static bool write_variable(struct action_context *context, const struct input *input,
	const struct variable *variable, const struct variable *existing, struct counts *counts)
{
	bool created = false;
	if (existing == NULL && !create(context, input, variable, &created))
		return false;
	if (!created && !update(context, input, variable))
		return false;
	counts->created += created ? 1 : 0;
	counts->updated += created ? 0 : 1;
	return true;
}

static bool is_equal(const struct variable *variable, const struct variable *existing)
{
	return existing != NULL && existing->value != NULL &&
		strcmp(existing->value, variable->value) == 0;
}

static void validate(const void *raw_input, struct input_check *check)
{
	const struct input *input = raw_input;
	const struct variable *list = input->variables.items;

	for (size_t i = 0; i < input->variables.count; i++) {
		const char *wrong = setting_name_problem(list[i].name);
		if (wrong == NULL && find(list, i, list[i].name) != NULL)
			wrong = "is given twice: GitHub ignores case";
		if (wrong == NULL)
			continue;
		const struct input_fault fault = { "variables", "name", i, "Choose another name." };
		input_fault(check, &fault, "variable name %s %s", list[i].name, wrong);
	}
}

/* For plans: before the first write, which ends a dry run. */
static void report_differences(struct action_context *context, const struct input *input,
	const struct variable *const *existing)
{
	const struct variable *variables = input->variables.items;
	for (size_t i = 0; i < input->variables.count; i++) {
		if (is_equal(&variables[i], existing[i]))
			continue;
		action_difference(context, "%s: %s", variables[i].name,
			existing[i] == NULL ? "does not exist" : "has a different value");
		action_found(context, existing[i] != NULL ? existing[i]->value : NULL);
	}
}

static enum action_result run(struct action_context *context, const void *raw_input,
	void *raw_checkpoint, void *raw_output)
{
	const struct input *input = raw_input;
	struct counts *counts = raw_checkpoint;
	const struct variable *variables = input->variables.items;
	size_t count = input->variables.count;
	const struct variable **existing =
		action_allocate(context, count, sizeof(const struct variable *));

	if (existing == NULL)
		return action_failed(context);
	enum action_result result = read_variables(context, input, existing);
	if (result != ACTION_DONE)
		return result;
	report_differences(context, input, existing);
	for (size_t i = 0; i < count; i++)
		if (!is_equal(&variables[i], existing[i]) &&
			!write_variable(context, input, &variables[i], existing[i], counts))
			return action_failed(context);
	long long written = counts->created + counts->updated;
	if (written > 0)
		action_log(context, "wrote %lld of %zu variables to %s", written, count,
			input->repository);
	counts->unchanged = (int64_t)count - written;
	*(struct counts *)raw_output = *counts;
	return action_done(context);
}

/* GitHub's API description does not list the name of this permission:
 * https://github.com/github/rest-api-description/issues/5437. GitHub's documentation says
 * "variables", which is accepted but grants nothing:
 * https://github.com/fullsend-ai/fullsend/issues/997. */
static const struct string_pair permissions[] = { { "actions_variables", "write" },
	{ "metadata", "read" }, { NULL, NULL } };

const struct action_definition github_variables = {
	.id = "github.variables",
	.summary = "Sets GitHub Actions variables of a repository",
	.input = RECORD(struct input, input_fields),
	.checkpoint = RECORD(struct counts, checkpoint_fields),
	.output = RECORD(struct counts, output_fields),
	.reuse = ACTION_LOOK_AGAIN,
	.validate = validate,
	.run = run,
	.permissions = permissions,
	.one_repository = true,
};
