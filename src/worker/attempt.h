/*
 * One attempt at a claimed run: input and checkpoint in, the action, what is to be written out.
 */
#ifndef SLIPWAY_WORKER_ATTEMPT_H
#define SLIPWAY_WORKER_ATTEMPT_H

#include "base/settings.h"
#include "core/workflow.h"
#include "http/client.h"
#include "store/runs.h"

struct attempt {
	const struct settings *settings;
	struct desk *desk;
	struct http_client *client;
	const struct step_definition *step;
	const struct claim *claim;
	int64_t deadline_at;   /* monotonic */
	struct arena *arena;   /* of all that the attempt allocates */
	struct opened *opened; /* set by the attempt, as all below */
	struct credential *credentials;
	struct needs *needs;
	bool awaits_need;  /* a step that it needs is running */
	bool awaits_build; /* another build has what it refers to */
};

/*
 * Runs the action. *ret_write is what to write about it; its texts lie in the arena. On an error
 * there is nothing to write: the lease was lost, or memory was short and the lease will expire.
 */
enum error_class attempt_execute(const struct attempt *attempt, struct run_write *ret_write,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
