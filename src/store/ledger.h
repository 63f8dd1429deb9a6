/*
 * Reads the ledger: what an app has at providers, a hash of provider:type:key -> row as JSON.
 * Workers write it as part of their runs.
 */
#ifndef SLIPWAY_STORE_LEDGER_H
#define SLIPWAY_STORE_LEDGER_H

#include "base/json.h"
#include "core/run.h"
#include "store/redis.h"

/* Turns a reply to HGETALL into an object of strings. The caller owns *ret_ledger. */
enum error_class ledger_decode(
	const struct redisReply *hash, cJSON **ret_ledger, struct error *error) SLIPWAY_MUST_CHECK;

/* The ledger of an app; empty if it has nothing. The caller owns *ret_ledger. */
enum error_class ledger_read(struct redis *redis, const struct app_name *app, cJSON **ret_ledger,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
