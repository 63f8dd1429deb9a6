/*
 * Secrets that the apps of a tenant share by name. The api cannot open what is sealed, so it cannot
 * give another app a copy: the value is sealed once, for the tenant and the name, and the payloads
 * of apps have references to it.
 */
#ifndef SLIPWAY_STORE_SHARED_SECRETS_H
#define SLIPWAY_STORE_SHARED_SECRETS_H

#include "base/arena.h"
#include "base/json.h"
#include "store/redis.h"

#define SHARED_SECRETS_MAX 1000 /* of a tenant */

/* A value for a shared secret. Borrowed. */
struct shared_secret {
	const char *name, *sealed;
	bool anew; /* it replaces the one that is there */
};

/* Stores the value, unless there is one already that it does not replace. ERROR_INVALID_INPUT if
 * the tenant has too many. */
enum error_class shared_secret_store(struct redis *redis, const char *tenant,
	const struct shared_secret *secret, struct error *error) SLIPWAY_MUST_CHECK;

/* The sealed value, in the arena; NULL if there is none. */
enum error_class shared_secret_read(struct redis *redis, const char *tenant, const char *name,
	struct arena *arena, const char **ret_sealed, struct error *error) SLIPWAY_MUST_CHECK;

/* Adds to each reference among an app's secrets the sealed value, so that another value is another
 * input; removes those that have none. *ret_found says whether there was any. */
enum error_class shared_secrets_resolve(struct redis *redis, const char *tenant, cJSON *secrets,
	bool *ret_found, struct error *error) SLIPWAY_MUST_CHECK;

#endif
