/*
 * The queue of runs: who is next. Its keys, and how tenants and apps take turns, are told in
 * scripts/ready.lua.
 */
#ifndef SLIPWAY_STORE_QUEUE_H
#define SLIPWAY_STORE_QUEUE_H

#include "store/runs.h"

#define TAKE_MAX 64 /* runs, in one call */

/* What a worker asks for. Borrowed. */
struct take {
	const char *worker;
	int64_t lease_ms;
	const char *definitions; /* of the steps that it has, as queue_definitions() lists them;
				    NULL: of all */
	const char *limits;      /* of runs at a time, as take.lua reads them; NULL: none */
	size_t want;             /* runs, at most; TAKE_MAX or less */
	bool after_begun;        /* the last one that it took had begun before */
};

enum taken_kind {
	TAKEN_RUN,         /* it is this worker's now */
	TAKEN_ENDED,       /* it was past its deadline */
	TAKEN_OTHER_BUILD, /* it was left to others: say why by run_decline() */
	TAKEN_BROKEN,      /* it cannot be run; an operator finds it, or it is looked at again */
};

/* One run that was met on the queue. Texts are in the arena. */
struct taken {
	enum taken_kind kind;
	struct run_name name;     /* all but TAKEN_BROKEN */
	struct claim claim;       /* TAKEN_RUN: claim_release() frees it */
	struct run ended;         /* TAKEN_ENDED: the facts for the log */
	const char *run_id;       /* TAKEN_OTHER_BUILD */
	const char *definition;   /* TAKEN_OTHER_BUILD: which it is of */
	const char *member, *why; /* TAKEN_BROKEN: what stood there, and what is wrong with it */
};

struct taken_list {
	struct taken *items;
	size_t count;
	bool after_begun; /* for the next call */
};

/*
 * Takes the next runs off the queue, with their leases. Never waits. There may be fewer, or none:
 * then queue_wait(). One run that is broken costs the others nothing. queue_taken_release() frees
 * the list.
 */
enum error_class queue_take(struct redis *redis, const struct take *take, struct arena *arena,
	struct taken_list *ret_list, struct error *error) SLIPWAY_MUST_CHECK;

/* Reads what take.lua gives into an empty list: of work_send. */
enum error_class taken_list_read(const struct redisReply *reply, struct arena *arena,
	struct taken_list *list, struct error *error) SLIPWAY_MUST_CHECK;

/* Frees the ledgers of all that was taken. */
void queue_taken_release(struct taken_list *list);

/* The definitions of this build for struct take, in the arena; NULL if out of memory. */
const char *queue_definitions(struct arena *arena);

/* Waits until something is queued, up to timeout_ms: well below the time-out of the connection.
 * Another worker may be faster, and a bell may go unheard: so take whatever it says. */
enum error_class queue_wait(
	struct redis *redis, int timeout_ms, struct error *error) SLIPWAY_MUST_CHECK;

/* How counts are looked at. With definitions, as in struct take, runs that were taken while there
 * was no limit are counted from now on; NULL: they are not. */
struct recount {
	bool repair; /* what is not right is put right */
	const char *definitions;
	int64_t every_ms; /* one of all that call does it in this time; 0: each */
};

/*
 * Whether as many runs are counted as being run, by what limits count, as are: a hand may have
 * deleted one. *ret_faults has what is not so, in words; the caller frees it.
 */
enum error_class queue_recount(struct redis *redis, const struct recount *recount,
	struct redisReply **ret_faults, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Looks at a page of the live runs: whether each has its place, where a hand may have deleted it.
 * Call it at each tick: it does its work once a second, whoever calls. What has not changed for so
 * long goes off the lists of apps and tenants.
 */
enum error_class queue_sweep(
	struct redis *redis, int64_t retention_seconds, struct error *error) SLIPWAY_MUST_CHECK;

#endif
