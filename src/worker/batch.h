/*
 * What the coroutines of the supervisor write about runs, and that it takes others: all of a turn
 * goes out in one call (store/work.h). To each of them it looks as if it had made a call alone.
 */
#ifndef SLIPWAY_WORKER_BATCH_H
#define SLIPWAY_WORKER_BATCH_H

#include <sys/queue.h>

#include "base/loop.h"
#include "store/work.h"

struct batch_part;

/* One per supervisor. */
struct batch {
	struct redis *redis; /* in the loop */
	struct loop *loop;
	struct loop_hook hook;
	struct loop_timer timer; /* of what may wait a while */
	STAILQ_HEAD(batch_parts, batch_part) parts;
	size_t count;   /* of the parts */
	size_t calls;   /* under way */
	bool is_called; /* one of those that wait was told to make a call */
};

/* Begins an empty one. Both are borrowed; without a loop each makes its own call. */
void batch_init(struct batch *batch, struct redis *redis, struct loop *loop);

/* As run_write_told, in a coroutine. */
enum error_class batch_write(struct batch *batch, const struct lease *lease,
	const struct run_write *write, struct arena *arena, struct run *ret_ended,
	struct error *error) SLIPWAY_MUST_CHECK;

/* As queue_take, in a coroutine. */
enum error_class batch_take(struct batch *batch, const struct take *take, struct arena *arena,
	struct taken_list *ret_list, struct error *error) SLIPWAY_MUST_CHECK;

#endif
