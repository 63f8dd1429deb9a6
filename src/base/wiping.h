/*
 * Memory that is wiped before it is given back, for the libraries through which secrets go: cJSON, libcurl, OpenSSL.
 * What is freed would otherwise stand in the process until something else is written there.
 */
#ifndef SLIPWAY_BASE_WIPING_H
#define SLIPWAY_BASE_WIPING_H

#include <stddef.h>

/* As free, realloc, calloc and strdup of the C library, but that what they give back is wiped; it is allocated by these
 * or by malloc. */
void wiping_free(void *memory);
void *wiping_realloc(void *memory, size_t size);
void *wiping_calloc(size_t count, size_t size);
char *wiping_strdup(const char *text);

#endif
