/*
 * The queue: a stream with one consumer group.
 */
#ifndef SLIPWAY_STORE_QUEUE_H
#define SLIPWAY_STORE_QUEUE_H

#include "store/runs.h"

/* One entry, as read. Texts lie in the arena; "" where the entry has no such field. */
struct queue_entry {
	const char *id;
	struct run_name name;
	const char *run_id;
	const char *held; /* all of it, for people */
};

/*
 * An entry of a run that was begun before and has come due, wherever it stands on the queue: such a run goes before new
 * ones. Where the queue is short, another may have read the entry; then its claim finds it stale.
 */
enum error_class queue_take_due(struct redis *redis, struct arena *arena, bool *ret_found,
	struct queue_entry *ret_entry, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Waits at most block_ms, or with 0 not at all, for an entry that no worker has read. *ret_found tells whether there
 * was one. The group is made where it is missing. block_ms must be well below the connection's time-out.
 */
enum error_class queue_reserve(struct redis *redis, const char *consumer, int block_ms, struct arena *arena,
	bool *ret_found, struct queue_entry *ret_entry, struct error *error) SLIPWAY_MUST_CHECK;

/* Some of the queue's entries, oldest first; all in the arena. */
struct queue_page {
	const struct queue_entry *entries;
	size_t count;
};

/* At most 200 entries from an id on: "-" for the first, "(<id>" for what comes after one. */
enum error_class queue_list(struct redis *redis, const char *from, struct arena *arena, struct queue_page *ret_page,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Takes an entry that cannot be run off the queue and keeps it under slipway:{0}:dead with the reason. */
enum error_class queue_dead_letter(struct redis *redis, const struct queue_entry *entry, const char *reason,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Forgets a consumer that reads no more; its entries that were read and not claimed go with it, which the reaper
 * notices. */
enum error_class queue_leave(struct redis *redis, const char *consumer, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether the entry is on the queue and no run has it: put there by hand, or left by a state that Redis went back from.
 */
enum error_class queue_is_orphaned(
	struct redis *redis, const struct queue_entry *entry, bool *ret_astray, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Buries entries that have been on the queue for longer than kept_ms and that no run has, whoever has read them; looks
 * at the oldest 200, and puts the runs of the others back into the index of live ones where they are missing. And
 * forgets consumers of workers that are long gone: idle for a day, with nothing read.
 */
enum error_class queue_tidy(struct redis *redis, int64_t kept_ms, struct error *error) SLIPWAY_MUST_CHECK;

#endif
