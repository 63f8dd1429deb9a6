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
	struct redis *redis;
	struct http_client *client;
	const struct step_definition *step;
	const struct claim *claim;
	int64_t deadline_at;   /* monotonic */
	struct arena *arena;   /* all that the attempt makes */
	struct opened *opened; /* the attempt's own, as all below: begin with nothing */
	struct needs *needs;
	bool awaits_need; /* what it needs is running */
};

/*
 * Runs the action. *ret_write is how the run goes on; its texts lie in the arena. An error here means that there is
 * nothing to write: ERROR_LEASE_LOST, or memory was short; the lease decides then.
 */
enum error_class attempt_run(
	const struct attempt *attempt, struct run_write *ret_write, struct error *error) SLIPWAY_MUST_CHECK;

#endif
