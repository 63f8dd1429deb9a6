/*
 * Straight code that waits without blocking its process: a coroutine runs on a stack of its own and
 * yields where it would have to wait; an event loop resumes it when what it waits for is there.
 *
 * There is one place at which code yields for sockets (base/loop.h), so whatever else a function
 * calls, nothing of its process changes under it between two waits. All resuming is done by the
 * loop, on the stack of main.
 */
#ifndef SLIPWAY_BASE_COROUTINE_H
#define SLIPWAY_BASE_COROUTINE_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a stack; a guard page below it turns an overflow into a crash of this process alone.
 * Only what has been used of it takes memory. */
#define COROUTINE_STACK ((size_t)512 << 10)

struct coroutine;

/* What a coroutine does; it has ended when this returns. */
typedef void coroutine_main(void *context);

/* Runs main(context) on a stack of its own, until it yields or ends. False if there was no memory
 * for a stack: then nothing has run. Not from within a coroutine. */
bool coroutine_start(coroutine_main *main, void *context);

/* Goes on with one that has yielded, until it yields again or ends. Not from within a coroutine. */
void coroutine_resume(struct coroutine *coroutine);

/* Which one this code runs in; NULL on the stack of main. */
struct coroutine *coroutine_current(void);

/* In a coroutine: returns to whoever started or resumed it. Whoever is to resume it must know of it
 * before. */
void coroutine_yield(void);

/* Coroutines that wait, in their order. Zeroed: none. One that yields can be in one list. */
struct coroutine_list {
	struct coroutine *first, *last;
};

/* Puts it at the end. */
void coroutine_list_add(struct coroutine_list *list, struct coroutine *coroutine);

/* Takes the first; NULL if there is none. */
struct coroutine *coroutine_list_take(struct coroutine_list *list);

/* Puts all of `from` at the end of list; from is empty then. */
void coroutine_list_move(struct coroutine_list *list, struct coroutine_list *from);

/* The stacks of those that have ended are kept for the next ones. Frees as many as were not needed
 * at any time since the last call, and returns their number. Not from within a coroutine. */
size_t coroutines_release_idle(void);

/* Frees all of them. */
void coroutines_release(void);

#endif
