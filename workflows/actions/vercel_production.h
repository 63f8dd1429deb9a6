/*
 * What production of a Vercel project shows, and whether new deployments get there by themselves.
 */
#ifndef WORKFLOWS_VERCEL_PRODUCTION_H
#define WORKFLOWS_VERCEL_PRODUCTION_H

#include "slipway/action.h"

/* What production of a project shows, from the member "targets" of the project; NULL if Vercel
 * names nothing. The record describes that member. */
struct production_target {
	const char *id;
	int64_t created_at;
};
extern const struct record production_targets_record;

/* Of that member, which may be NULL; NULL if Vercel names none. Lies in the targets. */
const struct production_target *production_target(const void *targets);

/* A project, as far as its production goes. */
struct production_project {
	bool assigns; /* new deployments get the production domains */
	const void *targets;
};

/* Reads it, by the id of the project. False if the call failed. */
bool production_read(struct action_context *context, const char *id,
	struct production_project *ret_project) SLIPWAY_MUST_CHECK;

/* The id of the deployment that production of the project shows; NULL if Vercel names none. False
 * if the call failed. */
bool production_find(struct action_context *context, const char *project,
	const char **ret_id) SLIPWAY_MUST_CHECK;

#endif
