/*
 * vercel.environment: sets environment variables of a project, each with its targets and type.
 * Other variables are not touched, or removed if prune is set. Variables that are already as
 * desired are not written again. For a value that Vercel does not show, the ledger has a
 * fingerprint of what was written, and when.
 *
 * Two entries are the same variable if they have the same name and branch, and share a target. New
 * variables, and those that already have the desired targets and type, are written by one upsert.
 * Others are changed by id, because an upsert would keep targets that are no longer desired.
 *
 * API: https://vercel.com/docs/rest-api/reference/endpoints/projects (env). A successful response
 * may list variables that failed. Values appear in no output, checkpoint or log.
 */
#include <string.h>
#include <time.h>

#include "actions.h"
#include "slipway/provider.h"
#include "vercel_variables.h"

struct input {
	const char *project;
	struct object_list variables;
	bool prune;
};
static const struct field input_fields[] = {
	{ STRING_FIELD("project", struct input, project), .required = true, .maximum = 100,
		.description = "Id or name of the project" },
	{ OBJECTS_FIELD("variables", struct input, variables), .record = &variable_record,
		.maximum = 100, .description = "The variables to set" },
	{ BOOLEAN_FIELD("prune", struct input, prune), .fallback = "false",
		.description = "Remove all other variables of the project (with another name, "
			       "target or branch), except those of Vercel and of integrations" },
};

struct checkpoint {
	int64_t removed; /* so far, because removed variables are no longer listed */
};
static const struct field checkpoint_fields[] = {
	{ INTEGER_FIELD("removed", struct checkpoint, removed) },
};

struct output {
	struct string_list keys;
	int64_t changed, created, updated, unchanged, removed, updated_at;
};
static const struct field output_fields[] = {
	{ STRINGS_FIELD("keys", struct output, keys),
		.description = "Names of the variables of the input" },
	{ INTEGER_FIELD("changed", struct output, changed), .incidental = true,
		.description = "Number of variables written by this run" },
	{ INTEGER_FIELD("created", struct output, created), .incidental = true,
		.description = "Number of those that did not exist before" },
	{ INTEGER_FIELD("updated", struct output, updated), .incidental = true,
		.description = "Number of those that existed before" },
	{ INTEGER_FIELD("unchanged", struct output, unchanged), .incidental = true,
		.description = "Number of variables that were already as desired" },
	{ INTEGER_FIELD("removed", struct output, removed), .incidental = true,
		.description = "Number of variables removed" },
	{ INTEGER_FIELD("updatedAt", struct output, updated_at),
		.description = "When a variable of the project was last changed, in milliseconds "
			       "since 1970" },
};

/* ---- what Vercel returns ---- */

struct pagination {
	const char *next;
};
static const struct field pagination_fields[] = { { SCALAR_FIELD(
	"next", struct pagination, next) } };
static const struct record pagination_record = RECORD(struct pagination, pagination_fields);

struct listing {
	struct object_list envs;
	const void *pagination;
};
static const struct field listing_fields[] = {
	{ OBJECTS_FIELD("envs", struct listing, envs), .record = &listed_record },
	{ OBJECT_FIELD("pagination", struct listing, pagination), .record = &pagination_record },
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
static const struct record failure_detail_record =
	RECORD(struct failure_detail, failure_detail_fields);

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

/* What we send: the input, except for the name of one member. */
static const struct field upsert_fields[] = {
	{ STRING_FIELD("key", struct variable, key) },
	{ STRING_FIELD("value", struct variable, value) },
	{ STRING_FIELD("type", struct variable, type) },
	{ STRINGS_FIELD("target", struct variable, target) },
	{ STRING_FIELD("gitBranch", struct variable, git_branch) },
	{ STRING_FIELD("comment", struct variable, comment) },
};
static const struct record upsert_record = RECORD(struct variable, upsert_fields);

/* The body of a PATCH that changes only the targets. */
struct retarget {
	struct string_list target;
};
static const struct field retarget_fields[] = { { STRINGS_FIELD(
	"target", struct retarget, target) } };
static const struct record retarget_record = RECORD(struct retarget, retarget_fields);

/* ---- the list ---- */

static bool list_variables(
	struct action_context *context, const struct input *input, struct listing *ret_listing)
{
	struct provider_response response;
	const struct provider_request request = { .path = "/v10/projects/{idOrName}/env",
		.parameters = { input->project },
		.when_new = "{\"envs\":[]}" };

	if (!provider_call(context, &vercel, &request, &response) ||
		!provider_decode(context, &response, &listing_record, ret_listing))
		return false;

	/* Its description has other pages, and no parameter to ask for them. What is missing here
	 * comes up as a conflict when it is written. */
	const struct pagination *pagination = ret_listing->pagination;
	if (pagination == NULL || pagination->next == NULL)
		return true;
	action_log(context, "Vercel lists only %zu of the project's variables",
		ret_listing->envs.count);
	action_difference(context,
		"Vercel lists only %zu of the project's variables: others seem not to exist",
		ret_listing->envs.count);
	return true;
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

/* ---- removing ---- */

static bool remove_variable(struct action_context *context, const struct input *input,
	const struct listed *listed, struct checkpoint *checkpoint)
{
	struct provider_response response;
	const struct provider_request request = { .method = HTTP_DELETE,
		.path = "/v9/projects/{idOrName}/env/{id}",
		.parameters = { input->project, listed->id },
		.expect = { 404 } };

	if (!provider_call(context, &vercel, &request, &response) ||
		!variable_forget(context, input->project, listed))
		return false;
	checkpoint->removed++;
	action_log(context, "removed variable %s", listed->key);
	return true;
}

static bool retarget(struct action_context *context, const struct input *input,
	const struct listed *listed, unsigned set)
{
	struct provider_response response;
	const char *names[VARIABLE_TARGETS];
	struct retarget body = { { names, 0 } };
	const struct provider_request request = { .method = HTTP_PATCH,
		.path = "/v9/projects/{idOrName}/env/{id}",
		.parameters = { input->project, listed->id },
		.body_record = &retarget_record,
		.body = &body };

	for (size_t bit = 0; variable_targets[bit] != NULL; bit++)
		if ((set & 1U << bit) != 0)
			names[body.target.count++] = variable_targets[bit];
	return provider_call(context, &vercel, &request, &response);
}

/* Listed entries that are in the way lose the targets that desired variables need. */
static bool make_room(struct action_context *context, const struct input *input,
	const struct variable_changes *changes, struct checkpoint *checkpoint)
{
	for (size_t j = 0; j < changes->listed_count; j++) {
		const struct listed *listed = &changes->listed[j];
		unsigned rest = variable_changes_rest(changes, listed);
		if (!variable_is_in_the_way(changes, listed))
			continue;
		if (rest == 0 && !remove_variable(context, input, listed, checkpoint))
			return false;
		if (rest != 0 && !retarget(context, input, listed, rest))
			return false;
	}

	return true;
}

static bool prune(struct action_context *context, const struct input *input,
	const struct variable_changes *changes, struct checkpoint *checkpoint)
{
	for (size_t j = 0; j < changes->listed_count; j++)
		if (variable_is_to_go(changes, &changes->listed[j]) &&
			!remove_variable(context, input, &changes->listed[j], checkpoint))
			return false;
	return true;
}

/* ---- writing ---- */

static bool is_conflict(const char *code)
{
	return variable_same_text(code, "ENV_CONFLICT") ||
		variable_same_text(code, "ENV_ALREADY_EXISTS");
}

static enum action_result fail_partly(struct action_context *context, const struct written *written)
{
	const struct failure *failures = written->failed.items;
	const struct failure_detail *first = failures[0].error;
	const char *key = first == NULL      ? NULL
		: first->env_var_key != NULL ? first->env_var_key
					     : first->key;
	action_fail(context, ERROR_INVALID_INPUT,
		"Vercel refused %zu of the variables; the first is %s: %s", written->failed.count,
		key != NULL ? key : "(no name)",
		first != NULL && first->message != NULL ? first->message : "(no message)");
	action_remedy(context, NULL,
		"Correct the variable, then trigger the step again. The other variables are set.");
	return action_remedy_input(context, "variables");
}

static bool all_conflict(const struct written *written)
{
	const struct failure *failures = written->failed.items;
	for (size_t i = 0; i < written->failed.count; i++) {
		const struct failure_detail *detail = failures[i].error;
		if (detail == NULL || !is_conflict(detail->code))
			return false;
	}
	return true;
}

/* After a failure, *ret_conflict (if given) tells whether it is only that some variables already
 * exist. */
static enum action_result upsert(struct action_context *context, const struct input *input,
	const struct variable *changed, size_t count, bool *ret_conflict)
{
	struct provider_response response;
	struct written written;
	const struct provider_request request = { .method = HTTP_POST,
		.path = "/v10/projects/{idOrName}/env",
		.parameters = { input->project },
		.query = { { "upsert", "true" } },
		.updates = true,
		.body_record = &upsert_record,
		.body = changed,
		.body_count = count };
	bool sent = provider_call(context, &vercel, &request, &response);

	if (!sent && ret_conflict != NULL)
		*ret_conflict = is_conflict(action_error(context)->provider_code);
	if (!sent || !provider_decode(context, &response, &written_record, &written))
		return action_failed(context);
	if (written.failed.count == 0)
		return ACTION_DONE;
	if (ret_conflict != NULL)
		*ret_conflict = all_conflict(&written);
	return fail_partly(context, &written);
}

static bool patch(struct action_context *context, const struct input *input,
	const struct variable *variable, const struct listed *listed)
{
	struct provider_response response;
	const struct provider_request request = { .method = HTTP_PATCH,
		.path = "/v9/projects/{idOrName}/env/{id}",
		.parameters = { input->project, listed->id },
		.body_record = &upsert_record,
		.body = variable };
	return provider_call(context, &vercel, &request, &response);
}

/* Variables that lose targets are patched first, because another variable may get those targets. */
static bool patch_all(struct action_context *context, const struct input *input,
	const struct variable_changes *changes, bool growing)
{
	for (size_t i = 0; i < changes->count; i++) {
		if (changes->kinds[i] != CHANGE_PATCH)
			continue;
		unsigned current = variable_listed_targets(changes->claims[i]);
		bool grows = (variable_desired_targets(&changes->variables[i]) & ~current) != 0;
		if (grows == growing &&
			!patch(context, input, &changes->variables[i], changes->claims[i]))
			return false;
	}

	return true;
}

/* Somebody else has created some, or Vercel has a different idea of what is the same variable:
 * change them by id. */
static enum action_result resolve_conflict(struct action_context *context,
	const struct input *input, const struct variable *variables, size_t count)
{
	struct listing listing;
	struct variable_changes changes;
	const struct object_list desired = { variables, count };

	if (!list_variables(context, input, &listing) ||
		!variable_changes_find(context, input->project, &desired, &listing.envs, &changes))
		return action_failed(context);
	for (size_t i = 0; i < count; i++) {
		const struct listed *listed = changes.claims[i];
		bool by_id = listed != NULL && listed->id != NULL;
		if (by_id && !patch(context, input, &variables[i], listed))
			return action_failed(context);
		if (!by_id && upsert(context, input, &variables[i], 1, NULL) != ACTION_DONE)
			return action_failed(context);
	}

	return ACTION_DONE;
}

static enum action_result write_variables(struct action_context *context, const struct input *input,
	const struct variable_changes *changes)
{
	size_t count = 0;
	bool conflict = false;
	struct variable *batch = action_allocate(context, changes->count, sizeof(*batch));

	if (batch == NULL)
		return action_fail(context, ERROR_OUT_OF_MEMORY, "out of memory for %zu variables",
			changes->count);
	if (!patch_all(context, input, changes, false) || !patch_all(context, input, changes, true))
		return action_failed(context);
	for (size_t i = 0; i < changes->count; i++)
		if (changes->kinds[i] == CHANGE_CREATE || changes->kinds[i] == CHANGE_UPSERT)
			batch[count++] = changes->variables[i];
	if (count == 0)
		return ACTION_DONE;
	enum action_result written = upsert(context, input, batch, count, &conflict);
	return conflict ? resolve_conflict(context, input, batch, count) : written;
}

/* ---- the action ---- */

static bool has_target(const struct variable *variable, const char *target)
{
	for (size_t i = 0; i < variable->target.count; i++)
		if (strcmp(variable->target.items[i], target) == 0)
			return true;
	return false;
}

/* Whether both would be set for the same branch and target. */
static bool collide(const struct variable *one, const struct variable *other)
{
	return strcmp(one->key, other->key) == 0 &&
		variable_same_text(one->git_branch, other->git_branch) &&
		(variable_desired_targets(one) & variable_desired_targets(other)) != 0;
}

static void validate_variable(
	const struct variable *variables, size_t index, struct input_check *check)
{
	const struct variable *variable = &variables[index];
	struct input_fault fault = { .member = "variables", .index = index };

	if (strcmp(variable->type, "sensitive") == 0 && has_target(variable, "development")) {
		fault.item = "targets";
		fault.remedy = "Remove development from its targets, or add a second variable of "
			       "type encrypted for it.";
		input_fault(check, &fault,
			"%s: Vercel does not support sensitive variables for development",
			variable->key);
	}

	if (variable->git_branch != NULL &&
		(has_target(variable, "production") || has_target(variable, "development"))) {
		fault.item = "targets";
		fault.remedy = "Give it the one target preview, or leave the branch out.";
		input_fault(check, &fault,
			"%s: Vercel keeps a variable of one branch for previews only",
			variable->key);
	}

	/* An empty value would not be noticed later; often a reference had no value. */
	if (variable->value[0] == '\0' && strcmp(variable->type, "plain") != 0) {
		fault.item = "value";
		fault.remedy = "Give it a value, or set its type to plain if it should be empty.";
		input_fault(check, &fault, "%s has an empty value", variable->key);
	}

	for (size_t j = 0; j < index; j++) {
		if (!collide(variable, &variables[j]))
			continue;
		fault.item = "key";
		fault.remedy = "Give it only once for each target and branch.";
		input_fault(check, &fault, "%s is given twice for the same target", variable->key);
		return;
	}
}

static void validate(const void *raw_input, struct input_check *check)
{
	const struct input *input = raw_input;
	for (size_t i = 0; i < input->variables.count; i++)
		validate_variable(input->variables.items, i, check);
}

/* Vercel does not say when a variable was removed, but earlier deployments still have it. */
static int64_t last_change(const struct listing *listing, const struct checkpoint *checkpoint)
{
	int64_t updated_at = newest(listing), now = (int64_t)time(NULL) * 1000;
	return checkpoint->removed > 0 && now > updated_at ? now : updated_at;
}

/* The variables that this run wrote now have the values that it wrote: store their fingerprints. */
static bool remember(struct action_context *context, const struct input *input,
	const struct variable_changes *before, const struct listing *listing)
{
	struct variable_changes changes;
	if (!variable_changes_find(
		    context, input->project, &input->variables, &listing->envs, &changes))
		return false;
	for (size_t i = 0; i < changes.count; i++)
		if (before->kinds[i] == CHANGE_NONE)
			changes.claims[i] = NULL;
	return variables_remember(context, input->project, &changes);
}

static enum action_result finish(struct action_context *context, const struct input *input,
	const struct variable_changes *changes, const struct checkpoint *checkpoint,
	struct listing *listing, struct output *output)
{
	const char **keys = action_allocate(context, changes->count, sizeof(*keys));
	int64_t created = variable_changes_count(changes, CHANGE_CREATE);
	int64_t unchanged = variable_changes_count(changes, CHANGE_NONE),
		changed = (int64_t)changes->count - unchanged;

	if (keys == NULL)
		return action_fail(context, ERROR_OUT_OF_MEMORY, "out of memory for %zu names",
			changes->count);
	for (size_t i = 0; i < changes->count; i++)
		keys[i] = changes->variables[i].key;
	if (changed > 0)
		action_log(
			context, "wrote %lld of %zu variables", (long long)changed, changes->count);
	if ((changed > 0 || checkpoint->removed > 0) && !list_variables(context, input, listing))
		return action_failed(context);
	if (changed > 0 && !remember(context, input, changes, listing))
		return action_failed(context);
	*output = (struct output){ .keys = { keys, changes->count },
		.changed = changed,
		.created = created,
		.updated = changed - created,
		.unchanged = unchanged,
		.removed = checkpoint->removed,
		.updated_at = last_change(listing, checkpoint) };
	return action_done(context);
}

static enum action_result run(struct action_context *context, const void *raw_input,
	void *raw_checkpoint, void *raw_output)
{
	const struct input *input = raw_input;
	struct checkpoint *checkpoint = raw_checkpoint;
	struct listing listing;
	struct variable_changes changes;

	if (!list_variables(context, input, &listing) ||
		!variable_changes_find(
			context, input->project, &input->variables, &listing.envs, &changes))
		return action_failed(context);
	variable_changes_report(context, &changes, input->prune);
	if (!make_room(context, input, &changes, checkpoint) ||
		write_variables(context, input, &changes) != ACTION_DONE)
		return action_failed(context);
	if (input->prune && !prune(context, input, &changes, checkpoint))
		return action_failed(context);
	return finish(context, input, &changes, checkpoint, &listing, raw_output);
}

const struct action_definition vercel_environment = {
	.id = "vercel.environment",
	.summary = "Sets environment variables of the project",
	.input = RECORD(struct input, input_fields),
	.checkpoint = RECORD(struct checkpoint, checkpoint_fields),
	.output = RECORD(struct output, output_fields),
	.reuse = ACTION_LOOK_AGAIN,
	.validate = validate,
	.run = run,
};
