/*
 * Reads the commit at the head of a branch. Several actions wait until a new repository has one.
 */
#include "actions/github_head.h"

#include "actions/github_names.h"
#include "slipway/provider.h"

static const struct field commit_fields[] = { { STRING_FIELD("sha", struct commit, sha),
	.required = true } };
const struct record commit_record = RECORD(struct commit, commit_fields);

struct branch {
	const void *commit;
};
static const struct field branch_fields[] = {
	{ OBJECT_FIELD("commit", struct branch, commit), .required = true,
		.record = &commit_record },
};
static const struct record branch_record = RECORD(struct branch, branch_fields);

bool branch_head(struct action_context *context, const char *repository, const char *branch,
	const char **ret_sha)
{
	struct provider_response response;
	struct branch found;
	struct provider_request request = { .path = "/repos/{owner}/{repo}/branches/{branch}",
		.expect = { 404, 409 } };

	*ret_sha = NULL;
	if (!split_repository(context, repository, request.parameters))
		return false;
	request.parameters[2] = branch;
	if (!provider_call(context, &github, &request, &response))
		return false;
	if (response.status >= 400)
		return true;
	if (!provider_decode(context, &response, &branch_record, &found))
		return false;
	*ret_sha = ((const struct commit *)found.commit)->sha;
	return true;
}
