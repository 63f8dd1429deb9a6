/*
 * Makes sure that each resource at a provider has one owner among all apps: a key beside the
 * ledgers. The key is not in any app's hash slot, so a separate script writes it before the ledger
 * row and removes it after. A crash in between leaves a key without a row; the next app that claims
 * the resource sees that in the owner's ledger, and takes it over after some minutes.
 */
#ifndef SLIPWAY_STORE_OWNERS_H
#define SLIPWAY_STORE_OWNERS_H

#include "store/keys.h"
#include "store/redis.h"

#define OWNER_PREFIX "slipway:owner:"

/* An owner is named tenant:app, for tenants may be at the same provider's. Whether it is one of
 * this tenant's apps: to all others its name is not told. */
bool owner_is_of(const char *owner, const char *tenant);

struct owned_thing {
	const char *provider, *type, *id;
};

/*
 * Claims the resource for the app. holder is "" if the app now owns it, or if it and the owner both
 * share it, which those of one tenant may; otherwise it is the owner.
 */
enum error_class owner_claim(struct redis *redis, const struct owned_thing *thing,
	const struct app_name *app, bool shared, char holder[APP_MEMBER_SIZE],
	struct error *error) SLIPWAY_MUST_CHECK;

/* Reads the owner, "" if there is none. */
enum error_class owner_look(struct redis *redis, const struct owned_thing *thing,
	char holder[APP_MEMBER_SIZE], struct error *error) SLIPWAY_MUST_CHECK;

/* Another app of the tenant that shares it and still has it in its ledger; "" if there is none. */
enum error_class owner_sharer(struct redis *redis, const struct owned_thing *thing,
	const struct app_name *app, char sharer[APP_MEMBER_SIZE],
	struct error *error) SLIPWAY_MUST_CHECK;

/* Gives up the app's ownership; the first app that shares the resource becomes the owner. Does
 * nothing if another app owns it. */
enum error_class owner_release(struct redis *redis, const struct owned_thing *thing,
	const struct app_name *app, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Whether the owner in this key has no ledger row for it, although the row should have been written
 * by now; with repair, releases it.
 */
enum error_class owner_verify_claim(struct redis *redis, const char *key, bool repair,
	bool *ret_astray, struct error *error) SLIPWAY_MUST_CHECK;

/* Gets the faults that owner_verify_rows finds. */
struct owner_visitor {
	/* Called for each row whose resource has another owner, or none (""). */
	void (*found)(void *context, const char *field, const char *holder);
	void *context; /* borrowed */
};

/* Checks that the app owns all that is in its ledger; with repair, claims what nobody owns. */
enum error_class owner_verify_rows(struct redis *redis, const struct app_name *app, bool repair,
	const struct owner_visitor *visitor, struct error *error) SLIPWAY_MUST_CHECK;

#endif
