/*
 * One owner for each thing at a provider, over all apps: a key beside the ledgers. It lies in no app's slot, so it is
 * written by a script of its own, before the row of the ledger, and removed after it. What dies in between leaves a key
 * without a row: whoever looks into that app's ledger sees it, and takes the thing over some minutes later.
 */
#ifndef SLIPWAY_STORE_OWNERS_H
#define SLIPWAY_STORE_OWNERS_H

#include "base/identifier.h"
#include "store/redis.h"

#define OWNER_PREFIX "slipway:owner:"

struct owned_thing {
	const char *provider, *type, *id;
};

/*
 * Claims the thing for the app. holder is "" where it is the app's from now on, or where it and the app that has it
 * both say that they share it; else the app that has it.
 */
enum error_class owner_claim(struct redis *redis, const struct owned_thing *thing, const char *app, bool shared,
	char holder[IDENTIFIER_SIZE], struct error *error) SLIPWAY_MUST_CHECK;

/* The app that has it, "" where none has; changes nothing. */
enum error_class owner_look(struct redis *redis, const struct owned_thing *thing, char holder[IDENTIFIER_SIZE],
	struct error *error) SLIPWAY_MUST_CHECK;

/* Another app that shares it, and still has it in its ledger; "" where none does. */
enum error_class owner_sharer(struct redis *redis, const struct owned_thing *thing, const char *app,
	char sharer[IDENTIFIER_SIZE], struct error *error) SLIPWAY_MUST_CHECK;

/* The app has it no longer; the first that shares it has it then. Fine where it is another's. */
enum error_class owner_release(
	struct redis *redis, const struct owned_thing *thing, const char *app, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Whether the claim that this key is has no row in the ledger of the app that it names, though one would be written by
 * now; with repair it is released.
 */
enum error_class owner_verify_claim(
	struct redis *redis, const char *key, bool repair, bool *ret_astray, struct error *error) SLIPWAY_MUST_CHECK;

/* Who looks at the rows of a ledger. */
struct owner_visitor {
	/* Called for each row whose thing is not the app's: another app's, or nobody's (""). */
	void (*found)(void *context, const char *field, const char *holder);
	void *context; /* borrowed */
};

/* Looks whether the app is the owner of all that its ledger has; with repair it claims what nobody has. */
enum error_class owner_verify_rows(struct redis *redis, const char *app, bool repair,
	const struct owner_visitor *visitor, struct error *error) SLIPWAY_MUST_CHECK;

#endif
