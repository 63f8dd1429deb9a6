/*
 * Runs scripts on a run: most of them take the same eight keys before any others.
 */
#ifndef SLIPWAY_STORE_RUN_EVAL_H
#define SLIPWAY_STORE_RUN_EVAL_H

#include "store/functions.h"
#include "store/keys.h"

/*
 * Runs a script on a run: its KEYS are the run's own, as named in run.lua, followed by those of the
 * call. Otherwise as script_call. Without workflow and step, only the app's keys are meaningful.
 */
enum error_class run_eval(struct redis *redis, const struct run_name *name,
	const struct script_call *call, struct redisReply **ret_reply,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
