/*
 * What the calls to GitHub name. Whatever is below a repository is that repository's.
 *
 * API: https://docs.github.com/rest.
 */
#include "provider/github_calls.h"

#define REPOSITORY "/repos/{owner}/{repo}"
#define OF_IT      NAMES_OWNER, NAMES_REPOSITORY

/* clang-format off */
const struct call_row github_calls[] = {
	{ CALL(GET, "/user"), .gives = { { CALL_PART("/login", NAMES_OWNER) } } },
	{ CALL(GET, "/user/orgs") },
	{ CALL(GET, "/user/repos") },
	{ CALL(POST, "/user/repos"), .of_account = true,
		.body = { { CALL_PART("/name", NAMES_REPOSITORY), .required = true } } },
	{ CALL(GET, "/installation/repositories") },
	{ CALL_OF(GET, "/orgs/{org}", NAMES_OWNER_OF) },
	{ CALL_OF(GET, "/orgs/{org}/actions/permissions", NAMES_OWNER_OF) },
	{ CALL_OF(POST, "/orgs/{org}/repos", NAMES_OWNER),
		.body = { { CALL_PART("/name", NAMES_REPOSITORY), .required = true } } },
	{ CALL_OF(PUT, "/orgs/{org}/teams/{team_slug}" REPOSITORY,
		NAMES_OWNER_OF, NAMES_NOTHING, OF_IT) },

	{ CALL_OF(GET, REPOSITORY, OF_IT), .gives = { { CALL_PART("/id", NAMES_REPOSITORY_ID) } } },
	/* A new name would be one of no owner, and is refused. */
	{ CALL_OF(PATCH, REPOSITORY, OF_IT),
		.body = { { CALL_PART("/name", NAMES_REPOSITORY) } } },
	{ CALL_OF(DELETE, REPOSITORY, OF_IT) },
	{ CALL_OF(GET, REPOSITORY "/forks", OF_IT) },
	{ CALL_OF(POST, REPOSITORY "/forks", OF_IT), .of_account = true,
		.body = { { CALL_PART("/organization", NAMES_OWNER) },
			{ CALL_PART("/name", NAMES_REPOSITORY), .required = true } } },
	{ CALL_OF(POST, "/repos/{template_owner}/{template_repo}/generate", OF_IT),
		.of_account = true,
		.body = { { CALL_PART("/owner", NAMES_OWNER) },
			{ CALL_PART("/name", NAMES_REPOSITORY), .required = true } } },

	{ CALL_OF(GET, REPOSITORY "/collaborators", OF_IT) },
	{ CALL_OF(GET, REPOSITORY "/invitations", OF_IT) },
	{ CALL_OF(GET, REPOSITORY "/teams", OF_IT) },
	{ CALL_OF(PUT, REPOSITORY "/collaborators/{username}", OF_IT, NAMES_NOTHING) },

	{ CALL_OF(GET, REPOSITORY "/branches/{branch}", OF_IT, NAMES_NOTHING) },
	{ CALL_OF(GET, REPOSITORY "/branches/{branch}/protection", OF_IT, NAMES_NOTHING) },
	{ CALL_OF(PUT, REPOSITORY "/branches/{branch}/protection", OF_IT, NAMES_NOTHING) },
	{ CALL_OF(GET, REPOSITORY "/rules/branches/{branch}", OF_IT, NAMES_NOTHING) },
	{ CALL_OF(GET, REPOSITORY "/rulesets", OF_IT) },
	{ CALL_OF(POST, REPOSITORY "/rulesets", OF_IT) },
	{ CALL_OF(GET, REPOSITORY "/rulesets/{ruleset_id}", OF_IT, NAMES_NOTHING) },
	{ CALL_OF(PUT, REPOSITORY "/rulesets/{ruleset_id}", OF_IT, NAMES_NOTHING) },

	{ CALL_OF(GET, REPOSITORY "/commits", OF_IT) },
	{ CALL_OF(GET, REPOSITORY "/commits/{ref}", OF_IT, NAMES_NOTHING) },
	{ CALL_OF(GET, REPOSITORY "/contents/{path}", OF_IT, NAMES_NOTHING) },
	{ CALL_OF(GET, REPOSITORY "/git/trees/{tree_sha}", OF_IT, NAMES_NOTHING) },
	{ CALL_OF(POST, REPOSITORY "/git/trees", OF_IT) },
	{ CALL_OF(POST, REPOSITORY "/git/commits", OF_IT) },
	{ CALL_OF(PATCH, REPOSITORY "/git/refs/{ref}", OF_IT, NAMES_NOTHING) },

	{ CALL_OF(GET, REPOSITORY "/actions/permissions", OF_IT) },
	{ CALL_OF(PUT, REPOSITORY "/actions/permissions", OF_IT) },
	{ CALL_OF(GET, REPOSITORY "/actions/runs/{run_id}", OF_IT, NAMES_NOTHING) },
	{ CALL_OF(GET, REPOSITORY "/actions/workflows/{workflow_id}", OF_IT, NAMES_NOTHING) },
	{ CALL_OF(PUT, REPOSITORY "/actions/workflows/{workflow_id}/enable",
		OF_IT, NAMES_NOTHING) },
	{ CALL_OF(GET, REPOSITORY "/actions/workflows/{workflow_id}/runs", OF_IT, NAMES_NOTHING) },
	{ CALL_OF(POST, REPOSITORY "/actions/workflows/{workflow_id}/dispatches",
		OF_IT, NAMES_NOTHING) },
	{ CALL_OF(GET, REPOSITORY "/actions/secrets/public-key", OF_IT) },
	{ CALL_OF(PUT, REPOSITORY "/actions/secrets/{secret_name}", OF_IT, NAMES_NOTHING) },
	{ CALL_OF(GET, REPOSITORY "/actions/variables", OF_IT) },
	{ CALL_OF(POST, REPOSITORY "/actions/variables", OF_IT) },
	{ CALL_OF(PATCH, REPOSITORY "/actions/variables/{name}", OF_IT, NAMES_NOTHING) },
	{ .path = NULL },
};
/* clang-format on */

const char *const github_plain_query[] = { "branch", "event", "includes_parents", "page",
	"per_page", "recursive", "sha", NULL };
