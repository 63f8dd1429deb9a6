/*
 * Vercel's deployments as several actions see them: how they are listed, and when one can be used.
 */
#ifndef WORKFLOWS_VERCEL_READINESS_H
#define WORKFLOWS_VERCEL_READINESS_H

#include "slipway/action.h"

/* What we write into a deployment, to find it again. */
struct deployment_meta {
	const char *run_id, *app;
};
extern const struct record deployment_meta_record;

/* A list has uid, created and state where a single one has id, createdAt and readyState. */
struct deployment {
	const char *id, *uid, *name, *project_id, *target, *url, *ready_state, *state, *ready_substate,
		*ready_state_reason, *error_message, *inspector_url;
	const char *alias_assigned; /* a boolean, or the time */
	const char *checks_conclusion;
	int64_t created_at, created;
	const void *alias_error, *meta; /* struct alias_error, struct deployment_meta */
	struct string_list alias;
};
extern const struct record deployment_record;

/* Its id, its state ("" where it has none) and its time in milliseconds, whichever of their names they came under. */
const char *deployment_id(const struct deployment *deployment);
const char *deployment_state(const struct deployment *deployment);
int64_t deployment_created(const struct deployment *deployment);

/* Whether this run began it. */
bool deployment_is_of_run(const struct action_context *context, const struct deployment *deployment);

/* The last ones of the project with the target, the newest first; only those of the commit where sha is not NULL. */
bool deployments_list(struct action_context *context, const char *project, const char *target, const char *sha,
	struct object_list *ret_list) SLIPWAY_MUST_CHECK;

/* One by its id. */
bool deployment_get(
	struct action_context *context, const char *id, struct deployment *ret_deployment) SLIPWAY_MUST_CHECK;

/* Writes it into the app's ledger. */
bool deployment_own(struct action_context *context, const char *id, bool created) SLIPWAY_MUST_CHECK;

/* ACTION_DONE where it is built; else a wait at the pace of Vercel's own command line, or the failure. */
enum action_result deployment_built(struct action_context *context, const struct deployment *deployment);

/* ACTION_DONE where it is built, passed its checks and has its addresses; else as deployment_built. */
enum action_result deployment_live(struct action_context *context, const struct deployment *deployment);

/* https:// and where it answers; of the addresses of its project the last, NULL where it has none. */
const char *deployment_url(struct action_context *context, const struct deployment *deployment);
const char *deployment_alias(struct action_context *context, const struct deployment *deployment);

#endif
