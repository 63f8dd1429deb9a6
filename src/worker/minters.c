/*
 * An order is good for one process: where that has ended, the keeper writes another. To make a
 * token twice does no harm.
 */
#include "worker/minters.h"

#include <string.h>

#include "base/clock.h"
#include "provider/provider.h"
#include "worker/mint_order.h"

#define TRIES_MAX      8
#define SIGNATURES_MAX 2

/* A minter that nobody has taken over gives up before. */
#define PATIENCE_MS (PROVIDER_CALL_MS + 15000)

/* Whoever asks waits no longer, for its turn and its token. */
#define GIVE_UP_MS INT64_C(120000)

/* ---- the processes ---- */

static int live(void *context, int channel)
{
	struct minter_place *place = context;
	struct minters *minters = place->minters;

	minters->leave(minters->context);
	return minter_run(minters->settings, &place->handover, channel);
}

/* Both halves are there before the process is, and one is left after it. */
static void renew_key(struct minter_place *place)
{
	if (place->child.pid == 0)
		handover_begin(&place->handover);
}

static void forget_private_half(struct minter_place *place)
{
	sodium_memzero(place->handover.private_key, sizeof(place->handover.private_key));
}

static struct minter_place *add_place(struct minters *minters)
{
	struct minter_place *place = &minters->places[minters->count++];

	*place = (struct minter_place){ .minters = minters,
		.child = { .name = "minter",
			.live = live,
			.context = place,
			.loop = minters->loop,
			.patience_ms = PATIENCE_MS } };
	return place;
}

enum error_class minters_open(struct minters *minters, struct error *error)
{
	struct minter_place *place = add_place(minters);

	renew_key(place);
	enum error_class class = child_link_start(&place->child, error);
	forget_private_half(place);
	return class;
}

void minters_check(struct minters *minters)
{
	if (minters->are_closed)
		return;
	if (minters->are_scarce && minters->count < MINTERS_MAX)
		add_place(minters);
	minters->are_scarce = false;
	for (size_t i = 0; i < minters->count; i++) {
		renew_key(&minters->places[i]);
		child_link_check(&minters->places[i].child);
		forget_private_half(&minters->places[i]);
	}
	loop_wake(minters->loop, &minters->turn);
}

void minters_renew(struct minters *minters)
{
	for (size_t i = 0; i < minters->count; i++) {
		child_link_stop(&minters->places[i].child, true);
		minters->places[i].child.restart_at = 0;
	}
	minters_check(minters);
}

void minters_close(struct minters *minters)
{
	minters->are_closed = true;
	for (size_t i = 0; i < minters->count; i++)
		child_link_stop(&minters->places[i].child, true);
	if (minters->loop != NULL)
		loop_wake(minters->loop, &minters->turn);
}

/* ---- whose turn it is ---- */

/* The first that is free: it is likely to have the token already. NULL where all are closed, or
 * none became free in time. Every tick wakes whoever waits. */
static struct minter_place *take(struct minters *minters, int64_t give_up_at)
{
	while (!minters->are_closed && clock_monotonic_ms() < give_up_at) {
		for (size_t i = 0; i < minters->count; i++) {
			struct minter_place *place = &minters->places[i];
			if (place->is_taken || place->child.pid == 0)
				continue;
			place->is_taken = true;
			return place;
		}
		minters->are_scarce = true;
		loop_wait_in(&minters->turn);
	}
	return NULL;
}

static void give_back(struct minter_place *place)
{
	place->is_taken = false;
	loop_wake(place->minters->loop, &place->minters->turn);
}

/* ---- orders ---- */

static enum error_class ask_once(struct minter_place *place, struct keeper_link *keeper,
	struct opening *opening, struct arena *arena, struct reply *ret_reply, bool *ret_lost,
	struct error *error)
{
	char key[HANDOVER_KEY_SIZE];

	*ret_lost = false;
	memcpy(key, place->handover.key, sizeof(key));
	opening->key = key;
	opening->skew_seconds = place->minters->skew_seconds;
	enum error_class class = keeper_link_ask(keeper, opening, arena, ret_reply, error);
	if (class != ERROR_NONE || ret_reply->class != NULL)
		return class;
	const struct minting minting = { ret_reply->text != NULL ? ret_reply->text : "" };
	/* The keeper may have taken longer than that process has lived. */
	*ret_lost = memcmp(key, place->handover.key, sizeof(key)) != 0;
	return *ret_lost ? ERROR_NONE
			 : child_link_ask(&place->child, &minting_record, &minting, arena,
				   ret_reply, ret_lost, error);
}

/* A clock that is further off is not followed: whoever says so may be a minter that was taken over,
 * and what is signed by it would be good on another day. */
static enum error_class correct_clock(
	struct minters *minters, const struct opening *opening, int64_t skew, struct error *error)
{
	if (skew >= -MINT_SKEW_MAX && skew <= MINT_SKEW_MAX) {
		minters->skew_seconds = skew;
		return ERROR_NONE;
	}
	error_set(error, ERROR_AUTH_EXPIRED,
		"the clocks of %s and of this machine differ by more than a day",
		opening->provider);
	return error_remedy(
		error, NULL, "Set the clock of this machine, then trigger the step again.");
}

static bool wants_signature(const struct reply *reply, bool is_lost)
{
	return !is_lost && reply->class == NULL && reply->wants_signature;
}

enum error_class minters_ask(struct minters *minters, struct keeper_link *keeper,
	struct opening *opening, struct arena *arena, struct reply *ret_reply, struct error *error)
{
	const int64_t give_up_at = clock_monotonic_ms() + GIVE_UP_MS;
	int signatures = 0, losses = 0;

	for (int tries = 0; tries < TRIES_MAX; tries++) {
		bool is_lost;
		struct minter_place *place = take(minters, give_up_at);
		if (place == NULL)
			break;
		*ret_reply = (struct reply){ .class = NULL };
		enum error_class class =
			ask_once(place, keeper, opening, arena, ret_reply, &is_lost, error);
		give_back(place);
		if (class != ERROR_NONE)
			return class;
		losses += is_lost ? 1 : 0;
		if (wants_signature(ret_reply, is_lost) && signatures++ < SIGNATURES_MAX)
			class = correct_clock(minters, opening, ret_reply->skew_seconds, error);
		else if (!is_lost)
			return ERROR_NONE;
		if (class != ERROR_NONE)
			return class;
	}
	/* Who has ended one may end the next: that is not waited for without end. */
	return error_set(error, losses > 0 ? ERROR_INTERNAL : ERROR_STORE_UNAVAILABLE,
		losses > 0 ? "the minter, which makes tokens of apps, has ended while it did so"
			   : "the worker has no minter now, which makes tokens of apps");
}
