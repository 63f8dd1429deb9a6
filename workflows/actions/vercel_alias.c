/*
 * Where people find what was deployed: of several domains of a project, the one that Vercel itself
 * would choose.
 */
#include <string.h>

#include "slipway/provider.h"
#include "vercel_pages.h"
#include "vercel_readiness.h"

struct domain {
	const char *name;
};
static const struct field domain_fields[] = { { STRING_FIELD("name", struct domain, name),
	.required = true } };
static const struct record domain_record = RECORD(struct domain, domain_fields);

static bool is_of_vercel(const char *name)
{
	static const char suffix[] = ".vercel.app";
	size_t length = strlen(name), suffix_length = sizeof(suffix) - 1;
	return length > suffix_length && strcmp(name + length - suffix_length, suffix) == 0;
}

static const char *better_name(const char *one, const char *other)
{
	if (one == NULL || is_of_vercel(one) != is_of_vercel(other))
		return one != NULL && !is_of_vercel(one) ? one : other;
	return strlen(other) < strlen(one) ? other : one;
}

static bool find_domain(struct action_context *context, const char *project, const char **ret_name)
{
	struct object_list list;
	const struct provider_request request = { .path = "/v9/projects/{idOrName}/domains",
		.parameters = { project },
		.query = { { "production", "true" }, { "redirects", "false" },
			{ "verified", "true" }, { "limit", "100" } },
		.expect = { 404 } };

	*ret_name = NULL;
	if (!pages_read(context, &request, "domains", &domain_record, &list))
		return false;
	const struct domain *domains = list.items;
	for (size_t i = 0; i < list.count; i++)
		*ret_name = better_name(*ret_name, domains[i].name);
	return true;
}

bool deployment_alias(struct action_context *context, const char *project,
	const struct deployment *deployment, const char **ret_alias)
{
	const char *name = NULL;
	if (deployment_is_production(deployment) && !find_domain(context, project, &name))
		return false;
	for (size_t i = 0, known = name != NULL; !known && i < deployment->alias.count; i++)
		name = better_name(name, deployment->alias.items[i]);
	*ret_alias = name != NULL ? action_format(context, "https://%s", name)
				  : deployment_url(context, deployment);
	return true;
}
