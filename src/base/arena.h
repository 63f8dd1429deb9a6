/*
 * Memory that is released all at once: everything that belongs to one request or one attempt. It
 * may hold secrets, so it is wiped on release. Not thread-safe; there are no threads.
 */
#ifndef SLIPWAY_BASE_ARENA_H
#define SLIPWAY_BASE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "slipway/error.h"

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t used;    /* bytes handed out */
	size_t limit;   /* total number of bytes that may be handed out */
	bool exhausted; /* an allocation has failed: what was built in it may be incomplete */
};

#define ARENA_LIMIT ((size_t)64 << 20)

/*
 * On a local: the arena is released at the end of the block.
 *
 *	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
 */
#define CLEANUP_ARENA CLEANUP(arena_release)
#define ARENA_EMPTY   ((struct arena){ .limit = ARENA_LIMIT })

/* Allocates nothing yet, so it cannot fail. A limit of 0 means ARENA_LIMIT. */
void arena_init(struct arena *arena, size_t limit);

/* Wipes and frees all of it. A zeroed or already released arena is fine. */
void arena_release(struct arena *arena);

/* What was released is kept for the next ones, wiped: gives that back. For when a rush is over. */
void arenas_give_back(void);

/* Zeroed memory, aligned for any type. NULL if out of memory or over the limit. A size of 0 gives a
 * valid pointer to no bytes. */
void *arena_allocate(struct arena *arena, size_t size) SLIPWAY_MUST_CHECK;

/* The same for an array; also NULL if count * size overflows. */
void *arena_allocate_array(struct arena *arena, size_t count, size_t size) SLIPWAY_MUST_CHECK;

/* A copy of length bytes, NUL-terminated. NULL if out of memory. */
char *arena_copy(struct arena *arena, const char *bytes, size_t length) SLIPWAY_MUST_CHECK;

/* A copy of a string. NULL if out of memory, and for NULL. */
char *arena_string(struct arena *arena, const char *text) SLIPWAY_MUST_CHECK;

/* A formatted string. NULL if out of memory. */
char *arena_format(struct arena *arena, const char *format, ...)
	SLIPWAY_FORMAT(2, 3) SLIPWAY_MUST_CHECK;
char *arena_format_list(struct arena *arena, const char *format, va_list arguments)
	SLIPWAY_FORMAT(2, 0) SLIPWAY_MUST_CHECK;

#endif
