/*
 * github.workflow: starts a GitHub Actions workflow and waits for its run and, if asked, for the
 * commit that it pushes.
 *
 * A dispatch is a side effect without a natural key. Newer servers return the id of the run. If a
 * server does not, or the response is lost, the run is the oldest dispatched one on the branch that
 * is newer than the newest run before the dispatch; the id of that run is stored, with the intent,
 * before the dispatch. The dispatch is sent again only if no run appears.
 *
 * API: https://docs.github.com/rest/actions/workflows, /rest/actions/workflow-runs,
 * /rest/branches/branches.
 */
#include "actions.h"
#include "actions/github_enable.h"
#include "actions/github_head.h"
#include "actions/github_names.h"
#include "actions/github_runs.h"
#include "slipway/provider.h"

#define WORKFLOW_FOLDER  ".github/workflows/"
#define WORKFLOW_PATTERN "^(\\.github/workflows/)?[A-Za-z0-9._-]{1,200}$"
#define WORKFLOW_FORM    "the name of a file in " WORKFLOW_FOLDER ", such as setup.yml, or an id"
#define APPEAR_BUDGET_MS 300000 /* for the run to appear after GitHub accepted the dispatch */
/* For the commit to appear on the branch after the run succeeded */
#define COMMIT_BUDGET_MS      120000
#define APPEAR_CHECK_MS       2000
#define PERSON_CHECK_MS       60000
#define CHECK_MIN_MS          5000
#define CHECK_MAX_MS          30000
#define MILLISECONDS_A_MINUTE 60000

struct input {
	const char *repository, *workflow, *ref;
	struct string_map inputs;
	bool commit_expected;
	int64_t timeout_minutes;
};
static const struct field input_fields[] = {
	{ STRING_FIELD("repository", struct input, repository), .required = true,
		.pattern = REPOSITORY_PATTERN, .form = REPOSITORY_FORM,
		.description = "Repository of the workflow, as owner/name" },
	{ STRING_FIELD("workflow", struct input, workflow), .required = true,
		.pattern = WORKFLOW_PATTERN, .form = WORKFLOW_FORM,
		.description = "File name of the workflow, such as setup.yml, or its id" },
	{ STRING_FIELD("ref", struct input, ref), .pattern = BRANCH_PATTERN, .form = BRANCH_FORM,
		.maximum = BRANCH_MAX,
		.description = "Branch to run it on; the default branch if absent" },
	{ MAP_FIELD("inputs", struct input, inputs), .maximum = 25,
		.description =
			"Inputs of the workflow, all as strings; older servers accept at most 10" },
	{ BOOLEAN_FIELD("commitExpected", struct input, commit_expected),
		.description = "Wait until the branch has a new commit" },
	{ INTEGER_FIELD("timeoutMinutes", struct input, timeout_minutes), .minimum = 1,
		.maximum = 340, .fallback = "60", .description = "Limit for the run, in minutes" },
};

struct checkpoint {
	const char *ref, *head_before;
	int64_t newest_before;    /* the highest id of the runs before the dispatch */
	int64_t requested_age_ms; /* age of our run when the dispatch was sent last */
	int64_t run_id;
	int64_t succeeded_age_ms; /* age of our run when we first saw that the workflow succeeded;
				     0: not yet */
	bool asked, taken;        /* the dispatch was sent; GitHub accepted it */
	bool enabling;            /* the workflow was off, and what we may was done about it */
};
static const struct field checkpoint_fields[] = {
	{ STRING_FIELD("ref", struct checkpoint, ref) },
	{ STRING_FIELD("headBefore", struct checkpoint, head_before) },
	{ INTEGER_FIELD("newestBefore", struct checkpoint, newest_before) },
	{ INTEGER_FIELD("askedMs", struct checkpoint, requested_age_ms) },
	{ INTEGER_FIELD("runId", struct checkpoint, run_id) },
	{ INTEGER_FIELD("succeededMs", struct checkpoint, succeeded_age_ms) },
	{ BOOLEAN_FIELD("enabling", struct checkpoint, enabling) },
	{ BOOLEAN_FIELD("asked", struct checkpoint, asked) },
	{ BOOLEAN_FIELD("taken", struct checkpoint, taken) },
};

struct output {
	int64_t run_id;
	const char *url, *ref, *head_commit;
	bool committed;
};
static const struct field output_fields[] = {
	{ INTEGER_FIELD("runId", struct output, run_id), .description = "GitHub's id of the run" },
	{ STRING_FIELD("url", struct output, url), .description = "Page of the run" },
	{ STRING_FIELD("ref", struct output, ref), .description = "Branch that it ran on" },
	{ STRING_FIELD("headCommit", struct output, head_commit),
		.description = "Commit at the head of the branch after the run" },
	{ BOOLEAN_FIELD("committed", struct output, committed),
		.description = "Whether the head has changed since before the run" },
};

/* ---- what GitHub returns ---- */

struct repository {
	const char *default_branch;
};
static const struct field repository_fields[] = {
	{ STRING_FIELD("default_branch", struct repository, default_branch), .required = true },
};
static const struct record repository_record = RECORD(struct repository, repository_fields);

struct dispatched {
	int64_t run_id;
};
static const struct field dispatched_fields[] = { { INTEGER_FIELD(
	"workflow_run_id", struct dispatched, run_id) } };
static const struct record dispatched_record = RECORD(struct dispatched, dispatched_fields);

/* ---- what we send ---- */

struct dispatch_request {
	const char *ref;
	struct string_map inputs;
	bool return_run_details; /* since February 2026; Enterprise Servers may not know it */
};
static const struct field dispatch_fields[] = {
	{ STRING_FIELD("ref", struct dispatch_request, ref) },
	{ MAP_FIELD("inputs", struct dispatch_request, inputs) },
	{ BOOLEAN_FIELD("return_run_details", struct dispatch_request, return_run_details),
		.omit_zero = true },
};
static const struct record dispatch_record = RECORD(struct dispatch_request, dispatch_fields);

/* ---- read ---- */

/* As GitHub's paths take it: people give the file with its folder, too. */
static const char *workflow_of(const struct input *input)
{
	size_t length = strlen(WORKFLOW_FOLDER);
	return strncmp(input->workflow, WORKFLOW_FOLDER, length) == 0 ? input->workflow + length
								      : input->workflow;
}

/* Leaves *ret_branch NULL if GitHub shows no such repository. */
static bool find_default_branch(
	struct action_context *context, const struct input *input, const char **ret_branch)
{
	struct provider_response response;
	struct repository repository;
	struct provider_request request = { .path = "/repos/{owner}/{repo}", .expect = { 404 } };

	if (!split_repository(context, input->repository, request.parameters) ||
		!provider_call(context, &github, &request, &response))
		return false;
	if (response.status == 404)
		return true;
	if (!provider_decode(context, &response, &repository_record, &repository))
		return false;
	*ret_branch = repository.default_branch;
	return true;
}

/* The dispatch started nothing, and is sent again once the workflow may run. */
static enum action_result switch_on(
	struct action_context *context, const struct input *input, struct checkpoint *checkpoint)
{
	checkpoint->asked = false;
	return workflow_enable(
		context, input->repository, workflow_of(input), &checkpoint->enabling);
}

/* A workflow that was committed a moment ago, by whom ever, is known a little later; one of a fork
 * is not known until it may run. */
static enum action_result miss_workflow(
	struct action_context *context, const struct input *input, struct checkpoint *checkpoint)
{
	bool exists;

	checkpoint->asked = false;
	if (action_run_age_ms(context) < VISIBLE_BUDGET_MS)
		return action_wait(context, APPEAR_CHECK_MS, "GitHub to find workflow %s in %s",
			input->workflow, input->repository);
	if (!workflow_file_exists(context, input->repository, workflow_of(input), &exists))
		return action_failed(context);
	if (exists)
		return switch_on(context, input, checkpoint);
	action_fail(context, ERROR_NOT_FOUND,
		"GitHub finds no workflow %s in %s, or the token cannot see it", input->workflow,
		input->repository);
	return action_remedy(context,
		provider_page(context, &github, "/%s/actions", input->repository),
		"Put the workflow on the default branch, allow Actions there, and trigger the step "
		"again.");
}

/* ---- dispatch ---- */

static bool send_dispatch(struct action_context *context, const struct input *input,
	const char *ref, bool with_details, struct provider_response *response)
{
	const struct dispatch_request body = { ref, input->inputs, with_details };
	struct provider_request request = { .method = HTTP_POST,
		.path = "/repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches",
		.body_record = &dispatch_record,
		.body = &body,
		.expect = { 400, 404, 422 } };

	if (!split_repository(context, input->repository, request.parameters))
		return false;
	request.parameters[2] = workflow_of(input);
	return provider_call(context, &github, &request, response);
}

/* What is at fault, by a phrase in the refusal; the last row is for all others. */
static const struct refusal_reason {
	const char *text, *member, *remedy;
} reasons[] = {
	{ "input", "inputs",
		"Give the inputs that the workflow's 'on: workflow_dispatch' has on that branch, "
		"and all that it requires." },
	{ "No ref found", "ref", "Give a branch that the repository has." },
	{ "", "workflow",
		"The workflow has to have 'on: workflow_dispatch' on that branch; a push has to "
		"bring it there." },
};

/* The inputs are wrong for good; of a fresh repository anything else may only be late. */
static enum action_result refuse_dispatch(struct action_context *context, const struct input *input,
	struct checkpoint *checkpoint, const struct provider_response *response)
{
	const struct refusal_reason *reason = reasons;

	while (reason->text[0] != '\0' && strcasestr(response->message, reason->text) == NULL)
		reason++;
	if (reason != reasons && provider_is_late(context)) {
		checkpoint->asked = false;
		return action_wait(context, APPEAR_CHECK_MS,
			"GitHub to be ready to start workflow %s in %s", input->workflow,
			input->repository);
	}

	action_fail(context, ERROR_INVALID_INPUT, "GitHub refuses to start workflow %s in %s: %s",
		input->workflow, input->repository, response->message);
	action_remedy(context, provider_page(context, &github, "/%s/actions", input->repository),
		"%s", reason->remedy);
	return action_remedy_input(context, reason->member);
}

/* Stores the intent, then sends the request that starts a run. */
static enum action_result dispatch(
	struct action_context *context, const struct input *input, struct checkpoint *checkpoint)
{
	struct provider_response response;
	struct dispatched dispatched = { 0 };

	checkpoint->asked = true;
	checkpoint->requested_age_ms = action_run_age_ms(context);
	if (!action_save(context))
		return action_failed(context);
	if (!send_dispatch(context, input, checkpoint->ref, true, &response)) {
		checkpoint->asked = !provider_made_nothing(context);
		return action_error(context)->http_status == 403 &&
				workflow_is_off(action_error(context)->message)
			? switch_on(context, input, checkpoint)
			: action_failed(context);
	}

	/* An older server that refuses return_run_details has started nothing: send it again
	 * without. */
	if (response.status >= 400 && strstr(response.message, "return_run_details") != NULL &&
		!send_dispatch(context, input, checkpoint->ref, false, &response))
		return action_failed(context);
	if (response.status == 404)
		return miss_workflow(context, input, checkpoint);
	if (response.status >= 400 && workflow_is_off(response.message))
		return switch_on(context, input, checkpoint);
	if (response.status >= 400)
		return refuse_dispatch(context, input, checkpoint, &response);
	checkpoint->taken = true;
	if (response.body_length > 0 &&
		!provider_decode(context, &response, &dispatched_record, &dispatched))
		return action_failed(context);
	checkpoint->run_id = dispatched.run_id;
	action_log(context, "started workflow %s in %s on branch %s", input->workflow,
		input->repository, checkpoint->ref);
	return action_wait(
		context, APPEAR_CHECK_MS, "the run of workflow %s to appear", input->workflow);
}

static enum action_result miss_branch(
	struct action_context *context, const struct input *input, const char *branch)
{
	const char *name = branch != NULL ? branch : "(default)";
	if (provider_is_late(context))
		return action_wait(context, APPEAR_CHECK_MS, "branch %s of %s to become visible",
			name, input->repository);
	action_fail(context, ERROR_NOT_FOUND,
		"GitHub shows no repository %s with branch %s: it does not exist, or the token "
		"cannot see it",
		input->repository, name);
	return action_remedy_input(context, branch != NULL ? "ref" : "repository");
}

/* Records the head and the newest run before the dispatch, then sends it. */
static enum action_result begin(
	struct action_context *context, const struct input *input, struct checkpoint *checkpoint)
{
	struct workflow_runs before;
	bool known;

	checkpoint->ref = input->ref;
	if (input->ref == NULL && !find_default_branch(context, input, &checkpoint->ref))
		return action_failed(context);
	if (checkpoint->ref != NULL &&
		!branch_head(context, input->repository, checkpoint->ref, &checkpoint->head_before))
		return action_failed(context);
	/* In a plan: a repository that is yet to be made has no runs that could be ours. */
	if (checkpoint->head_before == NULL && provider_is_to_be_made(context))
		return dispatch(context, input, checkpoint);
	if (checkpoint->head_before == NULL)
		return miss_branch(context, input, checkpoint->ref);
	enum action_result foreseen = action_is_planned(context)
		? workflow_foresee(context, input->repository, workflow_of(input))
		: ACTION_DONE;
	if (foreseen != ACTION_DONE)
		return foreseen;
	if (!runs_list(context, input->repository, workflow_of(input), checkpoint->ref, &known,
		    &before))
		return action_failed(context);
	if (!known)
		return miss_workflow(context, input, checkpoint);
	checkpoint->newest_before = runs_newest(&before);
	return dispatch(context, input, checkpoint);
}

/* The dispatch was sent, but the id of its run is not known. */
static enum action_result find_run(
	struct action_context *context, const struct input *input, struct checkpoint *checkpoint)
{
	struct workflow_runs after;
	bool known;
	int64_t waited = action_run_age_ms(context) - checkpoint->requested_age_ms;

	if (!runs_list(context, input->repository, workflow_of(input), checkpoint->ref, &known,
		    &after))
		return action_failed(context);
	if (known)
		checkpoint->run_id = runs_oldest_after(&after, checkpoint->newest_before);
	if (checkpoint->run_id != 0)
		return action_wait(context, 0, "run %lld of workflow %s",
			(long long)checkpoint->run_id, input->workflow);
	if (checkpoint->taken && waited < APPEAR_BUDGET_MS)
		return action_wait(context, APPEAR_CHECK_MS, "the run of workflow %s to appear",
			input->workflow);
	if (!checkpoint->taken && waited < provider_lost_response_ms(context))
		return action_wait(context, CHECK_MIN_MS,
			"a run of workflow %s, whose dispatch may have been lost", input->workflow);
	if (!checkpoint->taken)
		return dispatch(context, input, checkpoint);
	action_fail(context, ERROR_TIMEOUT,
		"GitHub accepted the dispatch of workflow %s in %s, but shows no run after %d "
		"minutes",
		input->workflow, input->repository, APPEAR_BUDGET_MS / MILLISECONDS_A_MINUTE);
	return action_remedy(context,
		provider_page(context, &github, "/%s/actions", input->repository),
		"Check the runs of the repository. Triggering the step again starts a new run.");
}

/* ---- follow ---- */

static const struct ending {
	const char *conclusion, *text;
	enum error_class class;
} endings[] = {
	{ "failure", "failed", ERROR_BUILD_FAILED },
	{ "cancelled", "was cancelled at GitHub", ERROR_CANCELLED },
	{ "timed_out", "exceeded a time limit of GitHub or of the workflow", ERROR_BUILD_FAILED },
	{ "startup_failure", "could not start: the workflow file is invalid", ERROR_BUILD_FAILED },
	{ "stale", "became stale: no runner picked it up", ERROR_BUILD_FAILED },
	{ "skipped", "was skipped: no job's condition was met", ERROR_BUILD_FAILED },
	{ "", "ended with an unknown conclusion", ERROR_BUILD_FAILED },
};

static enum action_result fail_run(
	struct action_context *context, const struct input *input, const struct workflow_run *found)
{
	const struct ending *ending = endings;
	while (ending->conclusion[0] != '\0' && strcmp(ending->conclusion, found->conclusion) != 0)
		ending++;
	action_fail(context, ending->class, "run %lld of workflow %s in %s %s (%s)",
		(long long)found->id, input->workflow, input->repository, ending->text,
		found->conclusion);
	return action_remedy(context, found->html_url,
		"Check the log of the run, fix the cause, then trigger the step again.");
}

/* The run succeeded: done, or done once the branch has the expected commit. */
static enum action_result finish(struct action_context *context, const struct input *input,
	struct checkpoint *checkpoint, const struct workflow_run *found, struct output *output)
{
	const char *head;
	int64_t age = action_run_age_ms(context);

	if (!branch_head(context, input->repository, checkpoint->ref, &head))
		return action_failed(context);
	bool committed = head != NULL && checkpoint->head_before != NULL &&
		strcmp(head, checkpoint->head_before) != 0;
	if (checkpoint->succeeded_age_ms == 0)
		checkpoint->succeeded_age_ms = age > 0 ? age : 1;
	if (input->commit_expected && !committed &&
		age - checkpoint->succeeded_age_ms < COMMIT_BUDGET_MS)
		return action_wait(context, APPEAR_CHECK_MS,
			"the commit of run %lld to appear on branch %s", (long long)found->id,
			checkpoint->ref);
	if (input->commit_expected && !committed) {
		action_fail(context, ERROR_CHECK_FAILED,
			"run %lld of workflow %s succeeded, but pushed no commit to branch %s of "
			"%s",
			(long long)found->id, input->workflow, checkpoint->ref, input->repository);
		return action_remedy(context, found->html_url,
			"Check what the run did. If it had nothing to commit, trigger the step "
			"with \"commitExpected\": false.");
	}

	*output = (struct output){ found->id, found->html_url, checkpoint->ref, head, committed };
	return action_done(context);
}

/* The run is queued, in progress, or waiting for a person. */
static enum action_result wait_for_run(struct action_context *context, const struct input *input,
	const struct checkpoint *checkpoint, const struct workflow_run *found)
{
	int64_t waited = action_run_age_ms(context) - checkpoint->requested_age_ms;
	int64_t delay = waited / 6 < CHECK_MIN_MS ? CHECK_MIN_MS : waited / 6;
	bool person = strcmp(found->status, "waiting") == 0 ||
		strcmp(found->status, "action_required") == 0 ||
		(found->conclusion != NULL && strcmp(found->conclusion, "action_required") == 0);

	if (waited >= input->timeout_minutes * MILLISECONDS_A_MINUTE) {
		action_fail(context, ERROR_TIMEOUT,
			"run %lld of workflow %s in %s is still %s after %lld minutes",
			(long long)found->id, input->workflow, input->repository, found->status,
			(long long)input->timeout_minutes);
		return action_remedy(context, found->html_url,
			"Check the run. Triggering the step again starts a new one.");
	}

	if (person)
		return action_wait_for_person(context, PERSON_CHECK_MS,
			"Approve run %lld of workflow %s in %s: %s", (long long)found->id,
			input->workflow, input->repository,
			found->html_url != NULL ? found->html_url : "");
	return action_wait(context, delay < CHECK_MAX_MS ? delay : CHECK_MAX_MS,
		"run %lld of workflow %s, which is %s", (long long)found->id, input->workflow,
		found->status);
}

static enum action_result follow(struct action_context *context, const struct input *input,
	struct checkpoint *checkpoint, struct output *output)
{
	struct provider_response response;
	struct workflow_run found;
	struct provider_request request = { .path = "/repos/{owner}/{repo}/actions/runs/{run_id}",
		.expect = { 404 } };

	if (!split_repository(context, input->repository, request.parameters))
		return action_failed(context);
	request.parameters[2] = action_format(context, "%lld", (long long)checkpoint->run_id);
	if (!provider_call(context, &github, &request, &response))
		return action_failed(context);
	if (response.status == 404 &&
		action_run_age_ms(context) - checkpoint->requested_age_ms < VISIBLE_BUDGET_MS)
		return action_wait(context, APPEAR_CHECK_MS, "run %s to become visible",
			request.parameters[2]);
	if (response.status == 404)
		return action_fail(context, ERROR_NOT_FOUND,
			"run %s of workflow %s in %s no longer exists", request.parameters[2],
			input->workflow, input->repository);
	if (!provider_decode(context, &response, &workflow_run_record, &found))
		return action_failed(context);
	found.status = found.status != NULL ? found.status : "queued";
	bool ended = strcmp(found.status, "completed") == 0 && found.conclusion != NULL &&
		strcmp(found.conclusion, "action_required") != 0;
	if (!ended)
		return wait_for_run(context, input, checkpoint, &found);
	if (strcmp(found.conclusion, "success") == 0 || strcmp(found.conclusion, "neutral") == 0)
		return finish(context, input, checkpoint, &found, output);
	return fail_run(context, input, &found);
}

static enum action_result run(struct action_context *context, const void *raw_input,
	void *raw_checkpoint, void *raw_output)
{
	const struct input *input = raw_input;
	struct checkpoint *checkpoint = raw_checkpoint;

	((struct output *)raw_output)->ref = input->ref;
	if (!checkpoint->asked)
		return begin(context, input, checkpoint);
	if (checkpoint->run_id == 0)
		return find_run(context, input, checkpoint);
	return follow(context, input, checkpoint, raw_output);
}

static const struct string_pair permissions[] = { { "actions", "write" }, { "contents", "read" },
	{ "metadata", "read" }, { NULL, NULL } };

const struct action_definition github_workflow_run = {
	.id = "github.workflow",
	.summary = "Starts a GitHub Actions workflow and waits until its run succeeds",
	.input = RECORD(struct input, input_fields),
	.checkpoint = RECORD(struct checkpoint, checkpoint_fields),
	.output = RECORD(struct output, output_fields),
	.run = run,
	.permissions = permissions,
	.more_permissions = github_enable_permissions,
	.one_repository = true,
	.run_timeout_s = 8 * 3600, /* timeoutMinutes, and what comes before the run */
};
