/*
 * A deployment as it stands in Redis, and as clients see it: one execution of a whole workflow for
 * one app, which the server drives.
 */
#ifndef SLIPWAY_CORE_DEPLOYMENT_H
#define SLIPWAY_CORE_DEPLOYMENT_H

#include "base/json_write.h"
#include "slipway/field.h"

/* The step id under which the deployment of a workflow is stored: no valid id, so no step has it.
 */
#define DEPLOYMENT_STEP_ID "_deployment"

/* The hash of one workflow of one app. Texts are "" where the hash has no such field, numbers 0;
 * times are milliseconds by the clock of Redis. */
struct deployment {
	const char *app, *workflow; /* whose it is; set by whoever reads */
	const char *id;             /* deploymentId; "": there is none */
	const char *status;         /* running, done, error */
	const char *reason;         /* cancelled, or "" */
	const char *definition;     /* digest of the workflow that it was started with */
	const char *digest;         /* of the inputs of all steps */
	const char *inputs;     /* JSON: given with the start; secrets are sealed or are names */
	const char *configured; /* JSON: the inputs that were configured for the app then */
	const char *after;      /* deployments that come before, app:workflow:deployment */
	const char *plan;       /* JSON: what it is to find as a plan did; see dry_run_input */
	const char *steps;      /* their ids, with spaces between */
	const char *cancel;     /* not "": somebody wants it to end */
	const char *request, *actor;
	int64_t version, started_at, retried_at, finished_at;
};

/* The fields of the hash: what clients are shown is made of, and the rest. */
#define DEPLOYMENT_SHOWN_MAX 16
extern const struct record deployment_shown, deployment_hidden;

/* No deployment: all texts "", all numbers 0. */
void deployment_init(struct deployment *deployment, const char *app, const char *workflow);

/* Whether there is one that is running. */
bool deployment_is_live(const struct deployment *deployment);

/* The deployment object of the HTTP contract; JSON null where it has no status, that is where there
 * is none. *ret_json is the caller's. */
enum error_class deployment_status(const struct deployment *deployment, cJSON **ret_json,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Writes the same. */
enum error_class deployment_status_write(const struct deployment *deployment,
	struct json_writer *writer, struct error *error) SLIPWAY_MUST_CHECK;

#endif
