/*
 * Blocks in a list, the newest in front. Release wipes every one, because attempts keep opened
 * secrets in them.
 */
#include "base/arena.h"

#include <sodium.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nearly all requests take less than half of one, and have one each while they wait. */
#define BLOCK_SIZE ((size_t)4 << 10)
#define ALIGNMENT  alignof(max_align_t)
#ifdef __SANITIZE_ADDRESS__
#define SPARE_MAX 0 /* it is to see what is used after it was released */
#else
#define SPARE_MAX 64
#endif

struct arena_block {
	struct arena_block *next;
	size_t capacity;
	size_t used;
	alignas(max_align_t) unsigned char bytes[];
};

/* For more than that at a time the C library takes an instruction that is slow to begin. */
#define CLEARED_AT_ONCE ((size_t)2 << 10)

/* Sets to zero, also what nobody reads again. */
static void clear(unsigned char *bytes, size_t size)
{
	for (size_t part; size > 0; bytes += part, size -= part) {
		part = size < CLEARED_AT_ONCE ? size : CLEARED_AT_ONCE;
		sodium_memzero(bytes, part);
	}
}

void arena_init(struct arena *arena, size_t limit)
{
	*arena = (struct arena){ .limit = limit != 0 ? limit : ARENA_LIMIT };
}

/* Blocks of the usual size, for the next ones: each malloc of that size makes the C library tidy up
 * all that is free. */
static struct arena_block *spare;
static size_t spare_count;

static void block_put_away(struct arena_block *block)
{
	if (block->capacity != BLOCK_SIZE || spare_count == SPARE_MAX) {
		free(block);
		return;
	}
	block->next = spare;
	spare = block;
	spare_count++;
}

static struct arena_block *block_take(size_t capacity)
{
	struct arena_block *block = spare;

	if (block == NULL || capacity != BLOCK_SIZE)
		return malloc(sizeof(*block) + capacity);
	spare = block->next;
	spare_count--;
	return block;
}

void arenas_give_back(void)
{
	while (spare != NULL)
		free(block_take(BLOCK_SIZE));
}

void arena_release(struct arena *arena)
{
	for (struct arena_block *block = arena->blocks, *next; block != NULL; block = next) {
		next = block->next;
		clear(block->bytes, block->used);
		block_put_away(block);
	}
	arena->blocks = NULL;
	arena->used = 0;
}

static struct arena_block *block_add(struct arena *arena, size_t size)
{
	size_t capacity = size > BLOCK_SIZE ? size : BLOCK_SIZE;
	struct arena_block *block = block_take(capacity);

	if (block == NULL)
		return NULL;
	block->next = arena->blocks;
	block->capacity = capacity;
	block->used = 0;
	arena->blocks = block;
	return block;
}

static void *fail(struct arena *arena)
{
	arena->exhausted = true;
	return NULL;
}

void *arena_allocate(struct arena *arena, size_t size)
{
	if (size > arena->limit - arena->used)
		return fail(arena);
	size_t rounded = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	struct arena_block *block = arena->blocks;
	if (block == NULL || block->capacity - block->used < rounded) {
		block = block_add(arena, rounded);
		if (block == NULL)
			return fail(arena);
	}

	unsigned char *memory = block->bytes + block->used;
	block->used += rounded;
	arena->used += size;
	clear(memory, size);
	return memory;
}

void *arena_allocate_array(struct arena *arena, size_t count, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes))
		return fail(arena);
	return arena_allocate(arena, bytes);
}

char *arena_copy(struct arena *arena, const char *bytes, size_t length)
{
	if (length == SIZE_MAX)
		return fail(arena);
	char *copy = arena_allocate(arena, length + 1);
	if (copy != NULL && length > 0)
		memcpy(copy, bytes, length);
	return copy;
}

char *arena_string(struct arena *arena, const char *text)
{
	return text != NULL ? arena_copy(arena, text, strlen(text)) : NULL;
}

char *arena_format_list(struct arena *arena, const char *format, va_list arguments)
{
	va_list again;

	va_copy(again, arguments);
	int length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0)
		return NULL;
	char *text = arena_allocate(arena, (size_t)length + 1);
	if (text != NULL)
		vsnprintf(text, (size_t)length + 1, format, arguments);
	return text;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *text = arena_format_list(arena, format, arguments);
	va_end(arguments);
	return text;
}
