/*
 * What production of a Vercel project shows.
 *
 * API: https://vercel.com/docs/rest-api/reference/endpoints/projects.
 */
#include "vercel_production.h"

#include "slipway/provider.h"

static const struct field target_fields[] = {
	{ STRING_FIELD("id", struct production_target, id) },
	{ INTEGER_FIELD("createdAt", struct production_target, created_at) },
};
static const struct record target_record = RECORD(struct production_target, target_fields);

struct targets {
	const void *production;
};
static const struct field targets_fields[] = {
	{ OBJECT_FIELD("production", struct targets, production), .record = &target_record },
};
const struct record production_targets_record = RECORD(struct targets, targets_fields);

const struct production_target *production_target(const void *raw_targets)
{
	const struct targets *targets = raw_targets;
	const struct production_target *production = targets != NULL ? targets->production : NULL;
	return production != NULL && production->id != NULL ? production : NULL;
}

static const struct field project_fields[] = {
	{ BOOLEAN_FIELD("autoAssignCustomDomains", struct production_project, assigns),
		.fallback = "true" },
	{ OBJECT_FIELD("targets", struct production_project, targets),
		.record = &production_targets_record },
};
static const struct record project_record = RECORD(struct production_project, project_fields);

bool production_read(
	struct action_context *context, const char *id, struct production_project *ret_project)
{
	struct provider_response response;
	const struct provider_request request = { .path = "/v9/projects/{idOrName}",
		.parameters = { id } };
	return provider_call(context, &vercel, &request, &response) &&
		provider_decode(context, &response, &project_record, ret_project);
}

bool production_find(struct action_context *context, const char *project, const char **ret_id)
{
	struct production_project found;

	if (!production_read(context, project, &found))
		return false;
	const struct production_target *production = production_target(found.targets);
	*ret_id = production != NULL ? production->id : NULL;
	return true;
}
