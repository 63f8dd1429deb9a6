/*
 * Secrets that Slipway makes, as configure is asked for them:
 * {"generate": {"length": 32, "alphabet": "hex"}, "shared": "name", "anew": true}.
 */
#ifndef SLIPWAY_CORE_GENERATED_SECRET_H
#define SLIPWAY_CORE_GENERATED_SECRET_H

#include "base/arena.h"
#include "base/json.h"

/* Borrowed from the arena. */
struct generated_secret {
	const char *alphabet; /* its characters */
	size_t length;        /* of the secret, in characters */
	const char *shared;   /* the name that apps share it by; NULL: it is the app's own */
	bool anew;            /* replaces the one that is there */
};

/* Reads and checks what is asked for. ERROR_INVALID_REQUEST with the place below `place`, also
 * where so few secrets are possible that one could be guessed. */
enum error_class generated_secret_read(const cJSON *json, const char *place, struct arena *arena,
	struct generated_secret *ret_secret, struct error *error) SLIPWAY_MUST_CHECK;

/* Makes a random one, in the arena, which wipes it; NULL if there is no memory. */
const char *generated_secret_make(const struct generated_secret *secret, struct arena *arena);

#endif
