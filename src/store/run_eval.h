/*
 * Scripts on a run: most of them work on the same eight keys, whatever else they are given.
 */
#ifndef SLIPWAY_STORE_RUN_EVAL_H
#define SLIPWAY_STORE_RUN_EVAL_H

#include "store/keys.h"
#include "store/redis.h"

/*
 * Runs a script on a run: its KEYS are the run's own, as run.lua names them, and behind them those of the call. As
 * redis_eval otherwise. Without workflow and step, it is a script on the app alone.
 */
enum error_class run_eval(struct redis *redis, const struct run_name *name, const struct script_call *call,
	struct redisReply **ret_reply, struct error *error) SLIPWAY_MUST_CHECK;

#endif
