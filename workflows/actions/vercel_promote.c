/*
 * vercel.promote: makes an existing production build, such as a staged or an older deployment, the
 * project's production deployment. Nothing is built.
 *
 * Natural key: the project's production deployment. Promoting the same one twice changes nothing.
 *
 * API: https://vercel.com/docs/rest-api/reference/endpoints/projects.
 */
#include <string.h>

#include "actions.h"
#include "slipway/provider.h"
#include "vercel_production.h"
#include "vercel_readiness.h"

#define BUDGET_MS 600000
#define TRY_MS    3000

struct input {
	const char *project, *deployment;
};
static const struct field input_fields[] = {
	{ STRING_FIELD("project", struct input, project), .required = true, .minimum = 1,
		.maximum = 100, .description = "Id of the project" },
	{ STRING_FIELD("deployment", struct input, deployment), .required = true, .minimum = 1,
		.maximum = 100, .description = "Id of the deployment, such as dpl_..." },
};

struct checkpoint {
	bool asked;
	int64_t sent_age_ms;      /* age of the run when we requested it */
	int64_t began_age_ms;     /* age of the run when the ten minutes began; 0: not yet */
	bool accepted;            /* Vercel has accepted a request */
	const char *request_seen; /* time of the last request that the project showed before ours */
	const char *previous;     /* the production deployment before */
	struct deployment_watch watch;
};
static const struct field checkpoint_fields[] = {
	{ BOOLEAN_FIELD("asked", struct checkpoint, asked) },
	{ INTEGER_FIELD("sentAge", struct checkpoint, sent_age_ms) },
	{ INTEGER_FIELD("began", struct checkpoint, began_age_ms) },
	{ BOOLEAN_FIELD("accepted", struct checkpoint, accepted) },
	{ STRING_FIELD("requestSeen", struct checkpoint, request_seen) },
	{ STRING_FIELD("previous", struct checkpoint, previous) },
	DEPLOYMENT_WATCH_FIELDS(struct checkpoint, watch),
};

struct output {
	const char *deployment, *previous;
};
static const struct field output_fields[] = {
	{ STRING_FIELD("deployment", struct output, deployment),
		.description = "Id of the production deployment now" },
	{ STRING_FIELD("previous", struct output, previous),
		.description = "Id of the production deployment before; absent if nothing had to "
			       "be done" },
};

/* ---- what Vercel returns for the project ---- */

/* The last request to move the production domains, by anybody. */
struct alias_request {
	const char *to, *status, *requested_at;
};
static const struct field alias_request_fields[] = {
	{ STRING_FIELD("toDeploymentId", struct alias_request, to) },
	{ STRING_FIELD("jobStatus", struct alias_request, status) },
	{ SCALAR_FIELD("requestedAt", struct alias_request, requested_at) },
};
static const struct record alias_request_record =
	RECORD(struct alias_request, alias_request_fields);

struct project {
	const char *id, *name;
	const void *targets, *request;
};
static const struct field project_fields[] = {
	{ STRING_FIELD("id", struct project, id), .required = true },
	{ STRING_FIELD("name", struct project, name), .required = true },
	{ OBJECT_FIELD("targets", struct project, targets), .record = &production_targets_record },
	{ OBJECT_FIELD("lastAliasRequest", struct project, request),
		.record = &alias_request_record },
};
static const struct record project_record = RECORD(struct project, project_fields);

static bool read_project(
	struct action_context *context, const struct input *input, struct project *ret_project)
{
	struct provider_response response;
	const struct provider_request request = { .path = "/v9/projects/{idOrName}",
		.parameters = { input->project } };
	return provider_call(context, &vercel, &request, &response) &&
		provider_decode(context, &response, &project_record, ret_project);
}

static const char *production_of(const struct project *project)
{
	const struct production_target *production = production_target(project->targets);
	return production != NULL ? production->id : "";
}

static const char *requested_at(const struct project *project)
{
	const struct alias_request *request = project->request;
	return request != NULL && request->requested_at != NULL ? request->requested_at : "";
}

/* ---- request ---- */

/* Only a deployment of this project that was built for production can be promoted without a new
 * build. */
static enum action_result check_deployment(struct action_context *context,
	const struct input *input, const struct project *project, struct checkpoint *checkpoint)
{
	struct deployment deployment;

	if (!deployment_get(context, input->deployment, &deployment))
		return action_failed(context);
	if (deployment.project_id != NULL && strcmp(deployment.project_id, project->id) != 0) {
		action_fail(context, ERROR_INVALID_INPUT,
			"deployment %s does not belong to the Vercel project %s", input->deployment,
			project->name);
		action_remedy(context, NULL, "Give the id of a deployment of that project.");
		return action_remedy_input(context, "deployment");
	}

	if (deployment.target == NULL || strcmp(deployment.target, "production") != 0) {
		action_fail(context, ERROR_INVALID_INPUT,
			"deployment %s was built for %s, not for production", input->deployment,
			deployment.target != NULL ? deployment.target : "preview");
		action_remedy(context, deployment.inspector_url,
			"Give a deployment that was built for production, or deploy the commit to "
			"production.");
		return action_remedy_input(context, "deployment");
	}

	return deployment_built(context, &deployment, &checkpoint->watch);
}

static enum action_result give_up(
	struct action_context *context, const struct project *project, const char *why)
{
	action_fail(context, ERROR_TIMEOUT,
		"the deployment is still not in production for %s after ten minutes: %s",
		project->name, why);
	return action_remedy(context, "https://vercel.com/dashboard",
		"Check the project's deployments, then trigger the step again.");
}

/* Counts from the first request, and again from the first one that Vercel accepted: the run may
 * have waited for the build, for a rate limit or for another promotion before that. */
static bool is_late(const struct action_context *context, const struct checkpoint *checkpoint)
{
	return action_run_age_ms(context) - checkpoint->began_age_ms > BUDGET_MS;
}

static enum action_result ask(struct action_context *context, const struct input *input,
	const struct project *project, struct checkpoint *checkpoint)
{
	struct provider_response response;
	const struct provider_request request = { .method = HTTP_POST,
		.path = "/v10/projects/{projectId}/promote/{deploymentId}",
		.parameters = { project->id, input->deployment },
		.expect = { 409 } };
	enum action_result fit = check_deployment(context, input, project, checkpoint);

	if (fit != ACTION_DONE)
		return fit;
	int64_t age = action_run_age_ms(context);
	*checkpoint = (struct checkpoint){ .asked = true,
		.sent_age_ms = age,
		.began_age_ms = checkpoint->began_age_ms != 0 ? checkpoint->began_age_ms
			: age > 0                             ? age
							      : 1,
		.accepted = checkpoint->accepted,
		.request_seen = requested_at(project),
		.previous = production_of(project) };
	if (!action_save(context))
		return action_failed(context);
	if (!provider_call(context, &vercel, &request, &response)) {
		checkpoint->asked = !provider_made_nothing(context);
		if (!checkpoint->asked && !checkpoint->accepted)
			checkpoint->began_age_ms = 0;
		return action_failed(context);
	}

	if (response.status == 409) {
		checkpoint->asked = false;
		return is_late(context, checkpoint)
			? give_up(context, project, response.message)
			: action_wait(
				  context, TRY_MS, "another promotion in %s to end", project->name);
	}

	if (!checkpoint->accepted && age > 0)
		checkpoint->began_age_ms = age;
	checkpoint->accepted = true;
	action_log(context, "promoting %s to production in %s", input->deployment, project->name);
	return action_wait(context, TRY_MS, "%s to become the production deployment of %s",
		input->deployment, project->name);
}

/* ---- waiting ---- */

static enum action_result finish(struct action_context *context, const struct input *input,
	const struct checkpoint *checkpoint, struct output *output)
{
	bool moved = checkpoint->previous != NULL && checkpoint->previous[0] != '\0';
	*output = (struct output){ input->deployment, moved ? checkpoint->previous : NULL };
	return action_done(context);
}

/* After our request: it shows in the project, is in progress or has failed; or it was lost. */
static enum action_result wait_more(struct action_context *context, const struct input *input,
	const struct project *project, struct checkpoint *checkpoint, struct output *output)
{
	const struct alias_request *request = project->request;
	const char *seen = checkpoint->request_seen != NULL ? checkpoint->request_seen : "";
	bool shows = request != NULL && request->to != NULL &&
		strcmp(request->to, input->deployment) == 0 &&
		strcmp(requested_at(project), seen) != 0;
	const char *status = shows && request->status != NULL ? request->status : "";

	/* If the project names no production deployment, its last request tells whether it
	 * succeeded. */
	if (strcmp(status, "succeeded") == 0 && production_of(project)[0] == '\0')
		return finish(context, input, checkpoint, output);
	if (strcmp(status, "failed") == 0 || strcmp(status, "skipped") == 0) {
		action_fail(context, ERROR_BUILD_FAILED,
			"Vercel did not promote %s in %s: the request has the status %s",
			input->deployment, project->name, status);
		return action_remedy(context, "https://vercel.com/dashboard",
			"Check the deployment and its domains, then trigger the step again.");
	}

	if (is_late(context, checkpoint))
		return give_up(context, project, shows ? status : "Vercel shows no such request");
	if (!shows &&
		action_run_age_ms(context) - checkpoint->sent_age_ms >
			provider_lost_response_ms(context))
		return ask(context, input, project, checkpoint);
	return action_wait(context, TRY_MS, "%s to become the production deployment of %s",
		input->deployment, project->name);
}

static enum action_result run(struct action_context *context, const void *raw_input,
	void *raw_checkpoint, void *raw_output)
{
	const struct input *input = raw_input;
	struct checkpoint *checkpoint = raw_checkpoint;
	struct project project;

	if (!read_project(context, input, &project))
		return action_failed(context);
	if (strcmp(production_of(&project), input->deployment) == 0)
		return finish(context, input, checkpoint, raw_output);
	return checkpoint->asked ? wait_more(context, input, &project, checkpoint, raw_output)
				 : ask(context, input, &project, checkpoint);
}

const struct action_definition vercel_promote = {
	.id = "vercel.promote",
	.summary = "Promotes a deployment to production without building it again",
	.input = RECORD(struct input, input_fields),
	.checkpoint = RECORD(struct checkpoint, checkpoint_fields),
	.output = RECORD(struct output, output_fields),
	.reuse = ACTION_LOOK_AGAIN,
	.run = run,
	.run_timeout_s = 4 * 3600, /* it may be built first */
};
