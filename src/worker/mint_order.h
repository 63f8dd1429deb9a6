/*
 * What a minter is told to do: the app's JSON Web Token, with the one token that it may ask for by
 * it. The keeper writes it and seals it to the minter, so nobody between them reads or changes it.
 */
#ifndef SLIPWAY_WORKER_MINT_ORDER_H
#define SLIPWAY_WORKER_MINT_ORDER_H

#include "core/connection.h"
#include "slipway/field.h"
#include "worker/keeper.h"

/* Seconds by which the clock of what is signed is corrected at most: a JWT of another day would be
 * good long after whoever had it signed is gone. Certificates bear no worse clock in any case. */
#define MINT_SKEW_MAX INT64_C(86400)

/* What an executor wishes: see struct mint_question. Texts are "" where it names none. */
struct mint_wish {
	const char *owner, *repository;
	struct string_map permissions;
	bool refresh, page, checks, missing;
	int64_t made_ago_ms, time_left_ms;
	const char *key; /* to answer to */
};
extern const struct record mint_wish_record;

/* The connection stands in it as it was sealed; record is "" for that of the settings. */
struct mint_order {
	const char *signature; /* JWT */
	int64_t skew_seconds;  /* of the clock, by which it was signed */
	const char *provider, *tenant, *name, *record;
	const void *wish; /* a struct mint_wish, of which nothing is more than the step may have */
};
extern const struct record mint_order_record;

/*
 * What the run of the opening may have of its wish, before anything is signed for it. What the
 * step's action calls says its definition, whatever is wished: ERROR_NOT_ALLOWED for other
 * permissions, for what is no name of a repository, for one that the connection (NULL: that of the
 * settings) does not list, for all repositories where the action works in one, and for a signature
 * of another day. A plan gets to read alone, whatever its steps' actions may.
 */
enum error_class mint_wish_check(const struct opening *opening, const struct connection *connection,
	struct arena *arena, struct mint_wish *ret_wish, struct error *error) SLIPWAY_MUST_CHECK;

/* The order for that, as text in the arena. */
enum error_class mint_order_write(const struct opening *opening, const struct mint_wish *wish,
	const char *signature, struct arena *arena, const char **ret_order,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
