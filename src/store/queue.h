/*
 * The queue of runs: a Redis stream with one consumer group.
 */
#ifndef SLIPWAY_STORE_QUEUE_H
#define SLIPWAY_STORE_QUEUE_H

#include "store/runs.h"

/* One entry as it was read. Texts are in the arena; "" if the entry does not have the field. */
struct queue_entry {
	const char *id;
	struct run_name name;
	const char *run_id;
	const char *definition; /* digest of the step's definition, as the run has it */
	const char *held;       /* all of it, for people */
};

/*
 * Takes the entry of a run that was started before and is due again, wherever it is on the queue:
 * such runs go before new ones. On a short queue another worker may have read the same entry; the
 * claim then finds it stale.
 */
enum error_class queue_take_due(struct redis *redis, struct arena *arena, bool *ret_found,
	struct queue_entry *ret_entry, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Waits up to block_ms (0: does not wait) for an entry that no worker has read. *ret_found tells
 * whether there was one. Creates the group if it is missing. block_ms must be well below the
 * connection's timeout.
 */
enum error_class queue_reserve(struct redis *redis, const char *consumer, int block_ms,
	struct arena *arena, bool *ret_found, struct queue_entry *ret_entry,
	struct error *error) SLIPWAY_MUST_CHECK;

/* A page of the queue, oldest entry first; in the arena. */
struct queue_page {
	const struct queue_entry *entries;
	size_t count;
};

/* Lists up to 200 entries: from "-" for the first page, from "(<id>" for those after an id. */
enum error_class queue_list(struct redis *redis, const char *from, struct arena *arena,
	struct queue_page *ret_page, struct error *error) SLIPWAY_MUST_CHECK;

/* Moves an entry that cannot be run from the queue to slipway:{0}:dead, with the reason. */
enum error_class queue_dead_letter(struct redis *redis, const struct queue_entry *entry,
	const char *reason, struct error *error) SLIPWAY_MUST_CHECK;

/* Removes a consumer that no longer reads. Entries that it read but did not claim lose their
 * reader; the reaper queues them again. */
enum error_class queue_leave(
	struct redis *redis, const char *consumer, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether the entry is on the queue but no run refers to it: added manually, or left over after a
 * Redis rollback.
 */
enum error_class queue_is_orphaned(struct redis *redis, const struct queue_entry *entry,
	bool *ret_astray, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Dead-letters entries older than kept_ms that no run refers to, whoever has read them. Looks at
 * the oldest 200 entries, and adds the runs of the others to the index of live runs if they are
 * missing there. Also removes consumers of workers that are long gone: idle for a day, with nothing
 * pending.
 */
enum error_class queue_tidy(
	struct redis *redis, int64_t kept_ms, struct error *error) SLIPWAY_MUST_CHECK;

#endif
