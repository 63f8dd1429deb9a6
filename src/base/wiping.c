/* Wipes the whole block that the allocator gave out: it may be larger than what was asked for. */
#include "base/wiping.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void wiping_free(void *memory)
{
	if (memory != NULL)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

/* Always in another place: realloc would leave the old one as it is. */
void *wiping_realloc(void *memory, size_t size)
{
	size_t old = memory != NULL ? malloc_usable_size(memory) : 0;
	void *moved = malloc(size);
	if (moved == NULL)
		return NULL;
	if (memory != NULL)
		memcpy(moved, memory, old < size ? old : size);
	wiping_free(memory);
	return moved;
}

void *wiping_calloc(size_t count, size_t size)
{
	return calloc(count, size);
}

char *wiping_strdup(const char *text)
{
	return strdup(text);
}
