/*
 * Enables a workflow, or tells a person where to do it. In a fork GitHub disables workflows for
 * safety, because the person who forks has not read them. An input that names a workflow asks for
 * it explicitly.
 *
 * API: https://docs.github.com/rest/actions/workflows, /rest/actions/permissions,
 * /rest/repos/contents.
 */
#include "actions/github_enable.h"

#include "actions/github_names.h"
#include "slipway/provider.h"

#define TAKES_EFFECT_MS 3000
#define PERSON_CHECK_MS 30000

struct workflow {
	const char *state;
};
static const struct field workflow_fields[] = { { STRING_FIELD("state", struct workflow, state) } };
static const struct record workflow_record = RECORD(struct workflow, workflow_fields);

struct allowance {
	bool enabled;
};
static const struct field allowance_fields[] = { { BOOLEAN_FIELD(
	"enabled", struct allowance, enabled) } };
static const struct record allowance_record = RECORD(struct allowance, allowance_fields);

bool workflow_is_off(const char *message)
{
	/* Each has a space, so it does not match a name in the message. */
	static const char *const texts[] = { "disabled workflow", "been disabled", "is disabled",
		"are disabled", "not enabled" };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strcasestr(message, texts[i]) != NULL)
			return true;
	return false;
}

bool workflow_file_exists(struct action_context *context, const char *repository,
	const char *workflow, bool *ret_exists)
{
	struct provider_response response;
	struct provider_request request = { .path = "/repos/{owner}/{repo}/contents/{path}",
		.expect = { 404 } };

	*ret_exists = false;
	if (workflow[strspn(workflow, "0123456789")] == '\0')
		return true;
	if (!split_repository(context, repository, request.parameters))
		return false;
	request.parameters[2] = action_format(context, ".github/workflows/%s", workflow);
	if (!provider_call(context, &github, &request, &response))
		return false;
	*ret_exists = response.status != 404;
	return true;
}

/* Sends a call that the credential may not be allowed to make: *ret_did is then false. Returns
 * false if the call failed. */
static bool try_call(struct action_context *context, const struct provider_request *request,
	struct provider_response *response, bool *ret_did)
{
	bool answered = provider_call(context, &github, request, response);
	enum error_class class = action_error(context)->class;

	*ret_did = answered && response->status < 300;
	return answered || class == ERROR_SCOPE_MISSING || class == ERROR_APP_NOT_INSTALLED;
}

/* What was created longer ago and has Actions off, people have switched off since. */
#define NEW_MS 3600000

static bool is_new(struct action_context *context, const char *repository)
{
	int64_t made_ms_ago =
		ledger_age_ms(context, "github", "repository", repository_key(context, repository));
	return made_ms_ago >= 0 && made_ms_ago < NEW_MS;
}

/* Whether Actions are disabled; *ret_off is also false if the credential may not know. */
static bool look_at_actions(struct action_context *context, const char *repository,
	const struct string_pair *permissions, bool *ret_off)
{
	struct provider_response response;
	struct allowance allowance = { true };
	struct provider_request request = { .path = "/repos/{owner}/{repo}/actions/permissions",
		.permissions = permissions,
		.expect = { 403, 404 } };
	bool told;

	*ret_off = false;
	if (!split_repository(context, repository, request.parameters) ||
		!try_call(context, &request, &response, &told))
		return false;
	if (told && !provider_decode(context, &response, &allowance_record, &allowance))
		return false;
	*ret_off = told && !allowance.enabled;
	return true;
}

/* *ret_state stays NULL if GitHub does not say. */
static bool look_at_workflow(struct action_context *context, const char *repository,
	const char *workflow, const char **ret_state)
{
	struct provider_response response;
	struct workflow found = { NULL };
	struct provider_request request = {
		.path = "/repos/{owner}/{repo}/actions/workflows/{workflow_id}",
		.expect = { 403, 404 }
	};
	bool told;

	if (!split_repository(context, repository, request.parameters))
		return false;
	request.parameters[2] = workflow;
	if (!try_call(context, &request, &response, &told))
		return false;
	if (told && !provider_decode(context, &response, &workflow_record, &found))
		return false;
	*ret_state = found.state;
	return true;
}

static bool is_switched_off(const char *state)
{
	return state != NULL && strcmp(state, "disabled_manually") == 0;
}

const struct string_pair github_enable_permissions[] = { { "administration", "write" },
	{ "metadata", "read" }, { NULL, NULL } };

/* All of Actions. */
static bool allow_actions(struct action_context *context, const char *repository, bool *ret_did)
{
	struct provider_response response;
	const struct allowance body = { true };
	struct provider_request request = { .method = HTTP_PUT,
		.path = "/repos/{owner}/{repo}/actions/permissions",
		.permissions = github_enable_permissions,
		.body_record = &allowance_record,
		.body = &body,
		.expect = { 403, 404, 409 } };
	bool off;

	*ret_did = false;
	if (!is_new(context, repository))
		return true;
	if (!look_at_actions(context, repository, github_enable_permissions, &off) ||
		!split_repository(context, repository, request.parameters))
		return false;
	return !off || try_call(context, &request, &response, ret_did);
}

/* The one workflow. */
static bool enable(
	struct action_context *context, const char *repository, const char *workflow, bool *ret_did)
{
	struct provider_response response;
	const char *state;
	struct provider_request request = { .method = HTTP_PUT,
		.path = "/repos/{owner}/{repo}/actions/workflows/{workflow_id}/enable",
		.expect = { 403, 404, 409, 422 } };

	*ret_did = false;
	if (!split_repository(context, repository, request.parameters) ||
		!look_at_workflow(context, repository, workflow, &state))
		return false;
	request.parameters[2] = workflow;
	return is_switched_off(state) || try_call(context, &request, &response, ret_did);
}

static enum action_result wait_for_click(
	struct action_context *context, const char *repository, const char *workflow)
{
	const char *page = provider_page(context, &github, "/%s/actions", repository);
	return action_wait_for_person(context, PERSON_CHECK_MS,
		"GitHub Actions are off for %s in %s: open %s and enable it there. The step "
		"continues by itself.",
		workflow, repository, page != NULL ? page : "its Actions page");
}

enum action_result workflow_enable(
	struct action_context *context, const char *repository, const char *workflow, bool *tried)
{
	bool allowed = false, enabled = false;

	if (!*tried &&
		(!allow_actions(context, repository, &allowed) ||
			!enable(context, repository, workflow, &enabled)))
		return action_failed(context);
	*tried = true;
	if (!allowed && !enabled)
		return wait_for_click(context, repository, workflow);
	action_log(context, "allowed %s of %s to run", enabled ? workflow : "Actions", repository);
	return action_wait(
		context, TAKES_EFFECT_MS, "GitHub to let %s of %s run", workflow, repository);
}

enum action_result workflow_foresee(
	struct action_context *context, const char *repository, const char *workflow)
{
	static const struct string_pair permissions[] = { { "administration", "read" },
		{ "metadata", "read" }, { NULL, NULL } };
	const char *state;
	bool off;

	if (!look_at_actions(context, repository, permissions, &off) ||
		!look_at_workflow(context, repository, workflow, &state))
		return action_failed(context);
	if ((off && !is_new(context, repository)) || is_switched_off(state))
		return wait_for_click(context, repository, workflow);

	if (off)
		action_difference(
			context, "GitHub Actions are off in %s, and would be allowed", repository);
	if (state != NULL && strcmp(state, "active") != 0)
		action_difference(
			context, "workflow %s is off (%s), and would be enabled", workflow, state);
	return ACTION_DONE;
}
