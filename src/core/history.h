/*
 * What stays readable of runs and deployments that have ended, and of what changed meanwhile: as it
 * stands in Redis, and as clients see it. Sealed texts are shown to nobody: only their places.
 */
#ifndef SLIPWAY_CORE_HISTORY_H
#define SLIPWAY_CORE_HISTORY_H

#include "base/json.h"
#include "core/deployment.h"
#include "slipway/field.h"

/* A run that has ended. Texts are "" where the entry has no such field, numbers 0. */
struct ended_run {
	const char *workflow, *step, *id, *deployment;
	const char *status, *reason;
	const char *digest;     /* of the input */
	const char *definition; /* digest of the step's definition */
	const char *request, *actor;
	const char *failures; /* lines "attempt time class message", the last one first */
	const char *input, *output, *error; /* JSON */
	int64_t attempt, crashes, queued_at, started_at, finished_at;
};
extern const struct record ended_run_fields;

/* The run as an object of GET /api/apps/{app}/history. resources is the list of what it made, which
 * this takes over. *ret_json is the caller's. */
enum error_class ended_run_json(const struct ended_run *run, const char *app, cJSON *resources,
	cJSON **ret_json, struct error *error) SLIPWAY_MUST_CHECK;

/* The deployment as an object of GET /api/apps/{app}/deployments: that of deployment_status, and
 * with what it was started. *ret_json is the caller's. */
enum error_class deployment_json(const struct deployment *deployment, cJSON **ret_json,
	struct error *error) SLIPWAY_MUST_CHECK;

/* A change of a run or a deployment, or a line that an action logged. */
struct app_event {
	const char *workflow, *step, *run, *event, *detail;
	int64_t at;
};
extern const struct record app_event_fields;

/* The event as an object of GET /api/apps/{app}/events. *ret_json is the caller's. */
enum error_class app_event_json(
	const struct app_event *event, cJSON **ret_json, struct error *error) SLIPWAY_MUST_CHECK;

#endif
