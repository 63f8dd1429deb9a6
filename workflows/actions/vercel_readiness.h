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
		*ready_state_reason, *error_message, *error_link, *inspector_url;
	const char *alias_assigned; /* a boolean, or the time */
	const char *checks_conclusion;
	int64_t created_at, created;
	const void *alias_error, *meta, *git_source, *checks; /* structs of their own */
	struct string_list alias;
};
extern const struct record deployment_record;

/* Its id, its state ("" where it has none) and its time in milliseconds, whichever of their names they came under. */
const char *deployment_id(const struct deployment *deployment);
const char *deployment_state(const struct deployment *deployment);
int64_t deployment_created(const struct deployment *deployment);

/* Whether this run began it. */
bool deployment_is_of_run(const struct action_context *context, const struct deployment *deployment);

/* The last ones of the project with the target, the newest first; only those of the commit where sha is not NULL, and
 * only those in the state where that is not NULL. */
bool deployments_list(struct action_context *context, const char *project, const char *target, const char *sha,
	const char *state, struct object_list *ret_list) SLIPWAY_MUST_CHECK;

/* One by its id. */
bool deployment_get(
	struct action_context *context, const char *id, struct deployment *ret_deployment) SLIPWAY_MUST_CHECK;

/* Writes it into the app's ledger. */
bool deployment_own(struct action_context *context, const char *id, bool created) SLIPWAY_MUST_CHECK;

/* What an action remembers of the deployment that it waits for, in its checkpoint. */
struct deployment_watch {
	const char *id;
	const char *state;    /* in which it was seen last */
	int64_t since_age_ms; /* age of the run when it was seen so first */
	bool promoted;        /* we have asked Vercel to make it production */
};
#define DEPLOYMENT_WATCH_FIELDS(struct_type, member)                                                                   \
	{ STRING_FIELD("id", struct_type, member.id) }, { STRING_FIELD("state", struct_type, member.state) },          \
		{ INTEGER_FIELD("stateSince", struct_type, member.since_age_ms) },                                     \
	{                                                                                                              \
		BOOLEAN_FIELD("promoted", struct_type, member.promoted)                                                \
	}

/* What was asked for; sha is NULL where it may be any commit. */
struct deployment_options {
	const char *project, *target, *sha;
	bool promote; /* where Vercel leaves it staged, make it production */
};
#define DEPLOYMENT_PROMOTE_FIELD(struct_type, member)                                                                  \
	{                                                                                                              \
		BOOLEAN_FIELD("promote", struct_type, member),                                                         \
			.description = "Make it production also where Vercel "                                         \
				       "leaves it staged, such as after an "                                           \
				       "Instant Rollback"                                                              \
	}

/*
 * ACTION_DONE where it is built; else a wait at the pace of Vercel's own command line, or the failure. One that stays
 * in a state for too long is given up, and cancelled where this run began it.
 */
enum action_result deployment_built(
	struct action_context *context, const struct deployment *deployment, struct deployment_watch *watch);

/*
 * Looks at the deployment of the watch: ACTION_DONE where it is what was wished, is built, passed its checks and has
 * its addresses; else as deployment_built. Production that was rolled back, or whose domains Vercel does not assign,
 * shows another deployment: then it is promoted where that is wished, else it fails and says so. That Vercel does not
 * answer for a while says nothing of the deployment.
 */
enum action_result deployment_follow(struct action_context *context, const struct deployment_options *options,
	struct deployment_watch *watch, struct deployment *ret_deployment);

/* https:// and where this deployment, and no other, answers. */
const char *deployment_url(struct action_context *context, const struct deployment *deployment);

/*
 * https:// and where people find it: the shortest of its project's production domains, one of their own before those of
 * vercel.app, as Vercel itself chooses; for a preview, of its own addresses. The addresses that Vercel makes for each
 * deployment, branch and team may be behind a login, and these domains are not. Never absent: it ends with
 * deployment_url. False where the call failed.
 */
bool deployment_alias(struct action_context *context, const char *project, const struct deployment *deployment,
	const char **ret_alias) SLIPWAY_MUST_CHECK;

#endif
