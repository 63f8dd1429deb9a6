/*
 * What the coroutines of a process trigger in one turn goes out in one call (store/triggers.h). To
 * each of them it looks as if it had sent its trigger alone.
 */
#ifndef SLIPWAY_API_TOGETHER_H
#define SLIPWAY_API_TOGETHER_H

#include <sys/queue.h>

#include "base/loop.h"
#include "store/triggers.h"

struct together_part;

/* One per process. */
struct together {
	struct redis *redis; /* in the loop */
	struct loop *loop;
	struct loop_hook hook;
	STAILQ_HEAD(together_parts, together_part) parts;
	size_t waiting; /* of them */
	size_t calls;   /* under way */
	bool is_called; /* one of those that wait was told to make a call */
};

/* Begins an empty one. Both are borrowed. */
void together_init(struct together *together, struct redis *redis, struct loop *loop);

/* As run_trigger, in a coroutine of the loop. */
enum error_class together_trigger(struct together *together, const struct trigger *trigger,
	struct arena *arena, struct trigger_result *ret_result,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
