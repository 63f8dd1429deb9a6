/*
 * What an operator sees of the queue, and what he holds on it: tenants, workflows and providers
 * that are paused.
 */
#ifndef SLIPWAY_STORE_LANES_H
#define SLIPWAY_STORE_LANES_H

#include "store/redis.h"

#define LANES_MAX 200 /* that are shown */

/* The runs of one app that nobody has begun. Texts are in the arena. */
struct lane {
	const char *tenant, *app;
	int64_t count;
	int64_t since;       /* when its first run was queued; 0: not known */
	const char *held_by; /* why nothing of it is taken; "": it takes its turns */
};

/* A name with a text: what is paused and the note of it, or what is being run and how often. */
struct lane_note {
	const char *name, *text;
};

struct lanes {
	struct lane *items; /* first those that take their turns, in that order */
	size_t count;       /* LANES_MAX or less */
	int64_t all;        /* how many apps there are in all */
	int64_t begun;      /* runs that were begun and are due again */
	struct lane_note *paused, *running;
	size_t paused_count, running_count;
	int64_t now;
};

/* Reads who waits on the queue, and for what; all of it is in the arena. */
enum error_class lanes_read(struct redis *redis, struct arena *arena, struct lanes *ret_lanes,
	struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Pauses what is named, or lets it go on if the note is NULL: nothing of it is taken off the queue
 * meanwhile. The kind is `tenant`, `workflow` or `provider`; the note JSON with by, at and reason.
 * *ret_changed is false if it was not paused.
 */
enum error_class lanes_pause(struct redis *redis, const char *kind, const char *name,
	const char *note, bool *ret_changed, struct error *error) SLIPWAY_MUST_CHECK;

#endif
