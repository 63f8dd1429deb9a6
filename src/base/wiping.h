/*
 * An allocator that wipes memory before freeing it, for the libraries that handle secrets: cJSON,
 * libcurl, OpenSSL. Otherwise freed secrets would stay in memory until they are overwritten.
 */
#ifndef SLIPWAY_BASE_WIPING_H
#define SLIPWAY_BASE_WIPING_H

#include <stddef.h>

/* As free, realloc, calloc and strdup of the C library, but memory is wiped before it is freed.
 * They work on memory from these functions or from malloc. */
void wiping_free(void *memory);
void *wiping_realloc(void *memory, size_t size);
void *wiping_calloc(size_t count, size_t size);
char *wiping_strdup(const char *text);

#endif
