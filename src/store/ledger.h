/*
 * What an app has at providers: a hash, provider:type:key -> JSON of an entry. Workers write it with their runs.
 */
#ifndef SLIPWAY_STORE_LEDGER_H
#define SLIPWAY_STORE_LEDGER_H

#include "base/json.h"
#include "store/redis.h"

/* A reply of HGETALL as an object of strings. *ret_ledger is the caller's. */
enum error_class ledger_decode(
	const struct redisReply *hash, cJSON **ret_ledger, struct error *error) SLIPWAY_MUST_CHECK;

/* The ledger of an app; empty where it has nothing. *ret_ledger is the caller's. */
enum error_class ledger_read(
	struct redis *redis, const char *app, cJSON **ret_ledger, struct error *error) SLIPWAY_MUST_CHECK;

#endif
