/*
 * Vercel deployments, for the actions that need them: how to list them, and when one can be used.
 */
#ifndef WORKFLOWS_VERCEL_READINESS_H
#define WORKFLOWS_VERCEL_READINESS_H

#include "slipway/action.h"

/* What we store in a deployment, to find it again. */
struct deployment_meta {
	const char *run_id, *app;
};
extern const struct record deployment_meta_record;

/* In a list, Vercel names the id, createdAt and readyState of a deployment
 * uid, created and state. */
struct deployment {
	const char *id, *uid, *name, *project_id, *target, *url, *ready_state, *state,
		*ready_substate, *ready_state_reason, *error_message, *error_link, *inspector_url;
	const char *alias_assigned; /* a boolean, or a time */
	const char *checks_conclusion, *checks_state;
	int64_t created_at, created;
	const void *alias_error, *meta, *git_source, *checks; /* nested structs */
	struct string_list alias;
};
extern const struct record deployment_record;

/* The id, the state ("" if it has none) and the time of creation in milliseconds, under whichever
 * name they came. */
const char *deployment_id(const struct deployment *deployment);
const char *deployment_state(const struct deployment *deployment);
int64_t deployment_created(const struct deployment *deployment);

/* Whether it was built for production, not as a preview. */
bool deployment_is_production(const struct deployment *deployment);

/* Whether this run started it. */
bool deployment_is_of_run(
	const struct action_context *context, const struct deployment *deployment);

/* The latest deployments of the project with the target, the newest first. If sha or state is not
 * NULL, only those of that commit, all of them, or in that state. */
bool deployments_list(struct action_context *context, const char *project, const char *target,
	const char *sha, const char *state, struct object_list *ret_list) SLIPWAY_MUST_CHECK;

/* Reads one deployment. */
bool deployment_get(struct action_context *context, const char *id,
	struct deployment *ret_deployment) SLIPWAY_MUST_CHECK;

/* Writes it into the app's ledger. */
bool deployment_own(
	struct action_context *context, const char *id, bool created) SLIPWAY_MUST_CHECK;

/* What an action stores in its checkpoint about the deployment that it waits for. */
struct deployment_watch {
	const char *id;
	const char *state;    /* the last state that we saw */
	int64_t since_age_ms; /* age of the run when we first saw that state */
	bool promoted;        /* we have asked Vercel to promote it */
};
/* clang-format off */
#define DEPLOYMENT_WATCH_FIELDS(struct_type, member) \
	{ STRING_FIELD("id", struct_type, member.id) }, \
	{ STRING_FIELD("state", struct_type, member.state) }, \
	{ INTEGER_FIELD("stateSince", struct_type, member.since_age_ms) }, \
	{ BOOLEAN_FIELD("promoted", struct_type, member.promoted) }
/* clang-format on */

/* What was requested; sha is NULL if any commit will do. */
struct deployment_options {
	const char *project, *target, *sha;
	bool promote; /* promote it if Vercel leaves it staged */
};
/* clang-format off */
#define DEPLOYMENT_PROMOTE_FIELD(struct_type, member) \
	{ BOOLEAN_FIELD("promote", struct_type, member), \
		.description = "Promote the deployment to production if Vercel leaves it staged, " \
			       "for example after an Instant Rollback" }
/* clang-format on */

/*
 * ACTION_DONE if it is built; else waits, at the pace of Vercel's own command line, or fails. A
 * deployment that stays in a state for too long fails, and is cancelled if this run started it.
 */
enum action_result deployment_built(struct action_context *context,
	const struct deployment *deployment, struct deployment_watch *watch);

/*
 * Reads the deployment of the watch. ACTION_DONE if it is what was requested, is built, passed its
 * checks and has its domains; else as deployment_built. After a rollback, or if the automatic
 * assignment of domains is off, production shows another deployment: then it is promoted if the
 * options say so, and fails otherwise. If Vercel does not respond for a while, waits.
 */
enum action_result deployment_follow(struct action_context *context,
	const struct deployment_options *options, struct deployment_watch *watch,
	struct deployment *ret_deployment);

/*
 * For plans, before a deployment is created: fails where production is pinned, so that it would be
 * built and not be live, and the options do not promote it. ACTION_DONE otherwise, and in a run,
 * which learns it from the deployment itself.
 */
enum action_result deployment_foresee(
	struct action_context *context, const struct deployment_options *options);

/* The URL of this deployment only, with https://. */
const char *deployment_url(struct action_context *context, const struct deployment *deployment);

/*
 * The public URL, with https://. For production: the shortest of the project's production domains,
 * custom domains before those of vercel.app, as Vercel itself chooses. For a preview: the shortest
 * of its own domains. Unlike these, the URLs that Vercel creates for each deployment, branch and
 * team may require a login. Falls back to deployment_url. False if the call failed.
 */
bool deployment_alias(struct action_context *context, const char *project,
	const struct deployment *deployment, const char **ret_alias) SLIPWAY_MUST_CHECK;

#endif
