/*
 * vercel.domain-remove: removes the domains that this app added from its projects. A domain that is
 * now on another project is not touched.
 *
 * The id in the ledger is project/domain. Entries of older versions have only the domain; for
 * those, it is removed from each project of the app.
 *
 * API: https://vercel.com/docs/rest-api/reference/endpoints/projects (domains).
 */
#include <string.h>

#include "actions.h"
#include "actions/removal.h"
#include "slipway/domain.h"
#include "slipway/provider.h"

static void log_removed(struct action_context *context, const char *name)
{
	char shown[DOMAIN_SHOWN_SIZE];
	domain_show(name, shown);
	action_log(context, "removed domain %s", shown);
}

/* 404 means that the domain or its project no longer exists: also done. */
static bool take_off(struct action_context *context, const char *project, const char *domain)
{
	struct provider_response response;
	const struct provider_request request = { .method = HTTP_DELETE,
		.path = "/v9/projects/{idOrName}/domains/{domain}",
		.parameters = { project, domain },
		.expect = { 404 } };
	return provider_call(context, &vercel, &request, &response);
}

static bool take_off_everywhere(
	struct action_context *context, const char *domain, const char **ret_left)
{
	const struct ledger_resource *projects;
	size_t count;

	if (!ledger_list(context, "vercel", "project", &projects, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		if (projects[i].id[0] != '\0' && !take_off(context, projects[i].id, domain))
			return false;
	*ret_left = count > 0 ? NULL : "the app has no project that could have it";
	return true;
}

struct domain {
	int64_t created_at;
};
static const struct field domain_fields[] = { { INTEGER_FIELD(
	"createdAt", struct domain, created_at) } };
static const struct record domain_record = RECORD(struct domain, domain_fields);

/* It was requested for the project in `source`, and the response was lost. */
static enum action_result remove_pending(
	struct action_context *context, const struct ledger_resource *owned, const char **ret_left)
{
	struct provider_response response;
	struct domain domain;
	const struct provider_request request = {
		.path = "/v9/projects/{idOrName}/domains/{domain}",
		.parameters = { owned->source, owned->key },
		.expect = { 404 }
	};

	if (!provider_call(context, &vercel, &request, &response))
		return action_failed(context);
	if (response.status == 404)
		return removal_settle(context, owned);
	if (!provider_decode(context, &response, &domain_record, &domain))
		return action_failed(context);
	if (!ledger_may_be_ours(owned, domain.created_at)) {
		*ret_left = "somebody else added it";
		return action_done(context);
	}

	if (!take_off(context, owned->source, owned->key))
		return action_failed(context);
	log_removed(context, owned->key);
	return action_done(context);
}

static enum action_result remove_domain(
	struct action_context *context, const struct ledger_resource *owned, const char **ret_left)
{
	const char *id[2];

	if (owned->pending)
		return remove_pending(context, owned, ret_left);
	bool taken = strchr(owned->id, '/') == NULL
		? take_off_everywhere(context, owned->key, ret_left)
		: removal_split(context, owned->id, id, ARRAY_LEN(id)) &&
			take_off(context, id[0], id[1]);
	if (!taken)
		return action_failed(context);
	if (*ret_left == NULL)
		log_removed(context, owned->key);
	return action_done(context);
}

static enum action_result run(
	struct action_context *context, const void *input, void *checkpoint, void *output)
{
	static const struct removal domains = {
		.provider = "vercel", .type = "domain", .remove = remove_domain
	};
	return removal_run(context, &domains, input, checkpoint, output);
}

const struct action_definition vercel_domain_remove = {
	.id = "vercel.domain-remove",
	.summary = "Removes the domains that the app added to its Vercel projects",
	.input = RECORD(struct removal_input, removal_input_fields),
	.checkpoint = RECORD(struct removal_counts, removal_counts_fields),
	.output = RECORD(struct removal_counts, removal_counts_fields),
	.run = run,
	.reuse = ACTION_ALWAYS,
};
