/*
 * The cached payload of an app: inputs, config, env, secrets, and the connections that it names.
 */
#ifndef SLIPWAY_STORE_PAYLOAD_H
#define SLIPWAY_STORE_PAYLOAD_H

#include "base/json.h"
#include "core/secret.h"
#include "store/keys.h"
#include "store/redis.h"

#define PAYLOAD_MAX ((size_t)256 * 1024) /* bytes of each part, as JSON */

/* Owns its trees: use payload_release or CLEANUP_PAYLOAD. They are never NULL after payload_read:
 * an app without a payload has empty objects. */
struct payload {
	cJSON *inputs, *config, *env;
	cJSON *secrets;     /* name -> sealed value or shared one, see core/secret.h */
	cJSON *connections; /* slot, such as a provider -> name of a connection of the tenant */
	cJSON *wishes;      /* name -> how a secret was asked for that we have made for the app */
	/* Of changes only: as secrets, those that the app gets if it has none of that name. */
	cJSON *generated;
	const char *budgets; /* of changes only: of the tenant, as budgets_print; NULL: none */
	int64_t version;     /* 0: nothing is cached */
	int64_t changed_at;  /* as it was read: a payload that was lost, or expired, and another
				one in its place may have the same version */
	size_t size;         /* bytes of it in Redis, as it was read */
	bool is_shared;      /* it has shared secrets: they change without its version */
};

/* Reads the payload of the app; empty if nothing is cached. With a shared secret stands its sealed
 * value; where there is none any more, the app has no such secret. */
enum error_class payload_read(struct redis *redis, const struct app_name *app,
	struct payload *ret_payload, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Merges changes (each may be NULL) as RFC 7396 says and stores the result; retries if somebody
 * else changed the payload meanwhile. *ret_payload is the stored result; if nothing changed, the
 * version stays. ERROR_INVALID_INPUT if a part grows beyond PAYLOAD_MAX, or if a shared secret is
 * asked for by the name of one that the app has of its own. A wish is kept with the value that was
 * made for it, and goes where that is replaced by another one or deleted. Where a budget has no
 * room for it, nothing is stored: see budget_refuse.
 */
enum error_class payload_merge(struct redis *redis, const struct app_name *app,
	const struct payload *changes, int64_t retention_seconds, struct payload *ret_payload,
	struct error *error) SLIPWAY_MUST_CHECK;

/* The same in memory only. Release the payload even after a failure. */
enum error_class payload_apply(struct payload *payload, const struct payload *changes,
	struct error *error) SLIPWAY_MUST_CHECK;

/* A sealed secret, and for whom and as what it was sealed. In the arena. */
struct stored_secret {
	struct secret_name name;
	const char *sealed; /* NULL: the app has none */
};

/* The secret of this name, of the app or shared. */
enum error_class payload_secret(struct redis *redis, const struct secret_name *name,
	struct arena *arena, struct stored_secret *ret_secret,
	struct error *error) SLIPWAY_MUST_CHECK;

/* On a local: releases it at the end of the block. */
#define CLEANUP_PAYLOAD CLEANUP(payload_release)
#define PAYLOAD_EMPTY   ((struct payload){ .version = 0 })

/* Empty objects, as of an app without a payload. False if memory is short: then it has no trees. */
bool payload_make_empty(struct payload *payload) SLIPWAY_MUST_CHECK;

/* A copy of all of it, to be released by itself. False if memory is short: then it has no trees. */
bool payload_copy(struct payload *ret_copy, const struct payload *payload) SLIPWAY_MUST_CHECK;

/* Frees the trees; they may be NULL. */
void payload_release(struct payload *payload);

#endif
