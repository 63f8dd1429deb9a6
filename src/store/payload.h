/*
 * What is cached for an app: inputs, config, env, secrets.
 */
#ifndef SLIPWAY_STORE_PAYLOAD_H
#define SLIPWAY_STORE_PAYLOAD_H

#include "base/json.h"
#include "store/keys.h"
#include "store/redis.h"

#define PAYLOAD_MAX ((size_t)256 * 1024) /* bytes of each part, as JSON */

/* All owned; payload_release, or declared as CLEANUP_PAYLOAD. Never NULL after payload_read: an app without a payload
 * has empty objects. */
struct payload {
	cJSON *inputs, *config, *env;
	cJSON *secrets;  /* name -> what core/secret.h has sealed */
	int64_t version; /* 0: nothing is cached */
};

/* What is cached for the app; all empty where nothing is. */
enum error_class payload_read(
	struct redis *redis, const char *app, struct payload *ret_payload, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Merges changes (each may be NULL) as RFC 7396 says and stores the whole; repeats where somebody else was faster.
 * *ret_payload is what stands there then; where that is what stood there before, the version stays. ERROR_INVALID_INPUT
 * where a part grows beyond PAYLOAD_MAX.
 */
enum error_class payload_merge(struct redis *redis, const char *app, const struct payload *changes,
	int64_t retention_seconds, struct payload *ret_payload, struct error *error) SLIPWAY_MUST_CHECK;

/* The same in memory alone: what would stand there. On failure the payload is to be released all the same. */
enum error_class payload_apply(
	struct payload *payload, const struct payload *changes, struct error *error) SLIPWAY_MUST_CHECK;

/* The sealed secret of this name, in the arena; NULL where the app has none. */
enum error_class payload_secret(struct redis *redis, const char *app, const char *name, struct arena *arena,
	const char **ret_sealed, struct error *error) SLIPWAY_MUST_CHECK;

/* On a local: releases it at the end of the block. */
#define CLEANUP_PAYLOAD CLEANUP(payload_release)
#define PAYLOAD_EMPTY   ((struct payload){ .version = 0 })

/* Frees; a payload of NULLs is fine. */
void payload_release(struct payload *payload);

#endif
