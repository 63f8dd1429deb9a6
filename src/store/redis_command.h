/*
 * Commands in the text that Redis reads: a line with the number of words, and for each word one
 * with its length, and itself.
 */
#ifndef SLIPWAY_STORE_REDIS_COMMAND_H
#define SLIPWAY_STORE_REDIS_COMMAND_H

#include "store/redis.h"

/* How many bytes the text has at most. Notes the length of each word, of which there are
 * REDIS_WORDS_MAX at most; those of the tail are not among them. */
size_t command_measure(const struct redis_words *command, size_t *lengths);

/* Writes the text, without a NUL; gives its length. The lengths are those that command_measure
 * noted. */
size_t command_put(char *text, const struct redis_words *command, const size_t *lengths);

#endif
