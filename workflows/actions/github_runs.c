/* The runs of a workflow of GitHub Actions, as GitHub lists them. */
#include "actions/github_runs.h"

#include "actions/github_names.h"
#include "slipway/provider.h"

static const struct field workflow_run_fields[] = {
	{ INTEGER_FIELD("id", struct workflow_run, id), .required = true },
	{ STRING_FIELD("status", struct workflow_run, status) },
	{ STRING_FIELD("conclusion", struct workflow_run, conclusion) },
	{ STRING_FIELD("html_url", struct workflow_run, html_url) },
};
const struct record workflow_run_record = RECORD(struct workflow_run, workflow_run_fields);

static const struct field listing_fields[] = {
	{ OBJECTS_FIELD("workflow_runs", struct workflow_runs, runs),
		.record = &workflow_run_record },
};
static const struct record listing_record = RECORD(struct workflow_runs, listing_fields);

bool runs_list(struct action_context *context, const char *repository, const char *workflow,
	const char *ref, bool *ret_known, struct workflow_runs *ret_runs)
{
	struct provider_response response;
	struct provider_request request = {
		.path = "/repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs",
		.query = { { "event", "workflow_dispatch" }, { "branch", ref },
			{ "per_page", "100" } },
		.expect = { 404 }
	};

	if (!split_repository(context, repository, request.parameters))
		return false;
	request.parameters[2] = workflow;
	if (!provider_call(context, &github, &request, &response))
		return false;
	*ret_known = response.status != 404;
	return !*ret_known || provider_decode(context, &response, &listing_record, ret_runs);
}

int64_t runs_oldest_after(const struct workflow_runs *listing, int64_t id)
{
	const struct workflow_run *runs = listing->runs.items;
	int64_t found = 0;
	for (size_t i = 0; i < listing->runs.count; i++)
		if (runs[i].id > id && (found == 0 || runs[i].id < found))
			found = runs[i].id;
	return found;
}

int64_t runs_newest(const struct workflow_runs *listing)
{
	const struct workflow_run *runs = listing->runs.items;
	int64_t newest = 0;
	for (size_t i = 0; i < listing->runs.count; i++)
		newest = runs[i].id > newest ? runs[i].id : newest;
	return newest;
}
