/*
 * Memory that is released all at once: what belongs to one request or one attempt. Wiped on release, for it may
 * hold secrets. Not for sharing between threads; there are none.
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
	size_t limit;   /* bytes that may be handed out in all */
	bool exhausted; /* an allocation has failed: what was made of it may be incomplete */
};

#define ARENA_LIMIT ((size_t)64 << 20)

/*
 * On a local: the arena is released at the end of the block.
 *
 *	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
 */
#define CLEANUP_ARENA CLEANUP(arena_release)
#define ARENA_EMPTY   ((struct arena){ .limit = ARENA_LIMIT })

/* Takes no memory yet, so it cannot fail; limit 0 means ARENA_LIMIT. */
void arena_init(struct arena *arena, size_t limit);

/* Wipes and frees all of it. An arena of zeros, or one released before, is fine. */
void arena_release(struct arena *arena);

/* Zeroed memory, aligned for any type. NULL where memory or the limit is short; a size of 0 gives a valid
 * pointer to nothing. */
void *arena_allocate(struct arena *arena, size_t size) SLIPWAY_MUST_CHECK;

/* The same for an array; NULL as well where count * size overflows. */
void *arena_allocate_array(struct arena *arena, size_t count, size_t size) SLIPWAY_MUST_CHECK;

/* A copy of length bytes with a NUL behind it. NULL where memory is short. */
char *arena_copy(struct arena *arena, const char *bytes, size_t length) SLIPWAY_MUST_CHECK;

/* A copy of a string. NULL where memory is short, and for NULL. */
char *arena_string(struct arena *arena, const char *text) SLIPWAY_MUST_CHECK;

/* A formatted string. NULL where memory is short. */
char *arena_format(struct arena *arena, const char *format, ...) SLIPWAY_FORMAT(2, 3) SLIPWAY_MUST_CHECK;
char *arena_format_list(struct arena *arena, const char *format, va_list arguments)
	SLIPWAY_FORMAT(2, 0) SLIPWAY_MUST_CHECK;

#endif
