/*
 * What the calls to Vercel name.
 *
 * API: https://vercel.com/docs/rest-api.
 */
#include "provider/vercel_calls.h"

#include "base/text.h"

#define PROJECT "/v9/projects/{idOrName}"

/* clang-format off */
/* Of a deployment, and of the project that shows it. */
#define GIVES_DEPLOYMENT { CALL_PART("/id", NAMES_DEPLOYMENT) }
#define GIVES_PROJECT \
	{ CALL_PART("/id", NAMES_PROJECT) }, \
	{ CALL_PART("/targets/production/id", NAMES_DEPLOYMENT) }, \
	{ CALL_PART("/link/repoId", NAMES_REPOSITORY_ID) }

const struct call_row vercel_calls[] = {
	{ CALL(GET, "/v2/user"), .unscoped = true },
	{ CALL_OF(GET, "/v2/teams/{teamId}", NAMES_SCOPE) },
	{ CALL(GET, "/v5/user/tokens/current"), .unscoped = true },
	{ CALL(GET, "/v1/integrations/git-namespaces"), .unscoped = true },

	{ CALL(GET, "/v10/projects") },
	{ CALL(POST, "/v11/projects"),
		.body = { { CALL_PART("/name", NAMES_PROJECT), .required = true },
			{ CALL_PART("/gitRepository/repo", NAMES_FULL_NAME) } },
		.gives = { GIVES_PROJECT } },
	{ CALL_OF(GET, PROJECT, NAMES_PROJECT), .gives = { GIVES_PROJECT } },
	{ CALL_OF(DELETE, PROJECT, NAMES_PROJECT) },
	{ CALL_OF(POST, PROJECT "/link", NAMES_PROJECT),
		.body = { { CALL_PART("/repo", NAMES_FULL_NAME), .required = true } } },
	{ CALL_OF(DELETE, PROJECT "/link", NAMES_PROJECT) },

	{ CALL_OF(GET, "/v10/projects/{idOrName}/env", NAMES_PROJECT) },
	{ CALL_OF(POST, "/v10/projects/{idOrName}/env", NAMES_PROJECT) },
	{ CALL_OF(PATCH, PROJECT "/env/{id}", NAMES_PROJECT, NAMES_NOTHING) },
	{ CALL_OF(DELETE, PROJECT "/env/{id}", NAMES_PROJECT, NAMES_NOTHING) },

	{ CALL_OF(GET, PROJECT "/domains", NAMES_PROJECT) },
	{ CALL_OF(POST, "/v10/projects/{idOrName}/domains", NAMES_PROJECT),
		.body = { { CALL_PART("/name", NAMES_DOMAIN), .required = true },
			{ CALL_PART("/redirect", NAMES_DOMAIN) } } },
	{ CALL_OF(GET, PROJECT "/domains/{domain}", NAMES_PROJECT, NAMES_DOMAIN) },
	{ CALL_OF(PATCH, PROJECT "/domains/{domain}", NAMES_PROJECT, NAMES_DOMAIN),
		.body = { { CALL_PART("/redirect", NAMES_DOMAIN) } } },
	{ CALL_OF(DELETE, PROJECT "/domains/{domain}", NAMES_PROJECT, NAMES_DOMAIN) },
	{ CALL_OF(POST, PROJECT "/domains/{domain}/verify", NAMES_PROJECT, NAMES_DOMAIN) },
	{ CALL_OF(GET, "/v6/domains/{domain}/config", NAMES_DOMAIN),
		.query = { { CALL_PART("projectIdOrName", NAMES_PROJECT) } } },

	{ CALL(GET, "/v7/deployments"),
		.query = { { CALL_PART("projectId", NAMES_PROJECT), .required = true } },
		.gives = { { CALL_PART("/deployments/*/uid", NAMES_DEPLOYMENT) },
			{ CALL_PART("/deployments/*/id", NAMES_DEPLOYMENT) } } },
	/* Without a project, one of that name is made. */
	{ CALL(POST, "/v13/deployments"),
		.body = { { CALL_PART("/project", NAMES_PROJECT), .otherwise = "/name",
				.required = true },
			{ CALL_PART("/gitSource/repoId", NAMES_REPOSITORY_ID) },
			{ CALL_PART("/deploymentId", NAMES_DEPLOYMENT) } },
		.gives = { GIVES_DEPLOYMENT } },
	{ CALL_OF(GET, "/v13/deployments/{idOrUrl}", NAMES_DEPLOYMENT),
		.gives = { GIVES_DEPLOYMENT } },
	{ CALL_OF(PATCH, "/v12/deployments/{id}/cancel", NAMES_DEPLOYMENT) },
	/* Vercel takes one of the project only. */
	{ CALL_OF(POST, "/v10/projects/{projectId}/promote/{deploymentId}",
		NAMES_PROJECT, NAMES_NOTHING) },
	{ .path = NULL },
};
/* clang-format on */

const char *const vercel_plain_query[] = { "forceNew", "from", "limit", "production", "provider",
	"redirects", "sha", "skipAutoDetectionConfirmation", "state", "target", "until", "upsert",
	"verified", NULL };

bool vercel_is_id(enum call_name names, const char *text)
{
	if (names != NAMES_PROJECT || text_has_prefix(text, "prj_"))
		return names == NAMES_PROJECT;
	for (; *text != '\0'; text++)
		if (*text >= 'A' && *text <= 'Z')
			return true;
	return false;
}
