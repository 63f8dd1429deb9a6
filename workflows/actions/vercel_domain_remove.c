/*
 * vercel.domain-remove: takes the domains that this app put on its projects off them again. A domain that stands on
 * another project by now is not touched.
 *
 * The ledger's id is project/domain; entries of older versions name only the domain, and then each project of the app
 * is asked.
 *
 * API: https://vercel.com/docs/rest-api/reference/endpoints/projects (domains).
 */
#include <string.h>

#include "actions.h"
#include "slipway/provider.h"
#include "vercel_removal.h"

struct input {
	const char *confirm;
};
static const struct field input_fields[] = {
	{ STRING_FIELD("confirm", struct input, confirm), .required = true, .maximum = 64,
		.description = "The appId once more, to show that the removal is meant" },
};

static const struct field checkpoint_fields[] = {
	{ INTEGER_FIELD("removed", struct removal_counts, removed) },
	{ INTEGER_FIELD("left", struct removal_counts, left) },
};

static const struct field output_fields[] = {
	{ INTEGER_FIELD("removed", struct removal_counts, removed), .description = "How many domains are gone" },
	{ INTEGER_FIELD("left", struct removal_counts, left),
		.description = "How many were left, for this app had not added them" },
};

/* A domain that is not there, or whose project is not, is gone as well. */
static bool take_off(struct action_context *context, const char *project, const char *domain)
{
	struct provider_answer answer;
	const struct provider_request request = { .method = HTTP_DELETE,
		.path = "/v9/projects/{idOrName}/domains/{domain}",
		.parameters = { project, domain },
		.expect = { 404 } };
	return provider_call(context, &vercel, &request, &answer);
}

static bool take_off_everywhere(struct action_context *context, const char *domain, bool *ret_gone)
{
	const struct owned_resource *projects;
	size_t count;
	if (!action_ledger(context, "vercel", "project", &projects, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!take_off(context, projects[i].id, domain))
			return false;
	*ret_gone = count > 0;
	if (count == 0)
		action_log(context, "left the domain %s: the app has no project on which it could stand", domain);
	return true;
}

static bool remove_domain(struct action_context *context, const struct owned_resource *resource, bool *ret_gone)
{
	const char *slash = strchr(resource->id, '/');
	if (slash == NULL)
		return take_off_everywhere(context, resource->key, ret_gone);
	*ret_gone = take_off(
		context, action_format(context, "%.*s", (int)(slash - resource->id), resource->id), resource->key);
	return *ret_gone;
}

static enum action_result run(
	struct action_context *context, const void *raw_input, void *raw_checkpoint, void *raw_output)
{
	static const struct removal domains = { "domain", remove_domain };
	const struct input *input = raw_input;
	struct removal_counts *counts = raw_checkpoint;
	if (!removal_run(context, &domains, input->confirm, counts))
		return action_failed(context);
	*(struct removal_counts *)raw_output = *counts;
	return action_done(context);
}

const struct action_definition vercel_domain_remove = {
	.id = "vercel.domain-remove",
	.summary = "Takes the domains that this app added off their Vercel projects",
	.input = RECORD(struct input, input_fields),
	.checkpoint = RECORD(struct removal_counts, checkpoint_fields),
	.output = RECORD(struct removal_counts, output_fields),
	.run = run,
};
