/*
 * Written straight into one place, as most of what slipway-api sends are words that it sends with
 * each request.
 */
#include "store/redis_command.h"

#include <string.h>

#define NUMBER_MAX 21               /* digits, and what ends a line */
#define HEAD_MAX   (1 + NUMBER_MAX) /* a letter and a number */

/* A line of a letter and a number; gives its end. */
static char *put_head(char *to, char letter, size_t number)
{
	char digits[NUMBER_MAX];
	size_t count = 0;

	do {
		digits[count++] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	*to++ = letter;
	while (count > 0)
		*to++ = digits[--count];
	*to++ = '\r';
	*to++ = '\n';
	return to;
}

static char *put_word(char *to, const char *word, size_t length)
{
	to = put_head(to, '$', length);
	memcpy(to, word, length);
	to += length;
	*to++ = '\r';
	*to++ = '\n';
	return to;
}

size_t command_measure(const struct redis_words *command, size_t *lengths)
{
	size_t most = HEAD_MAX + (command->tail != NULL ? command->tail->length : 0);

	for (size_t i = 0; i < command->count; i++) {
		lengths[i] = strlen(command->words[i]);
		most += HEAD_MAX + lengths[i] + 2;
	}
	return most;
}

size_t command_put(char *text, const struct redis_words *command, const size_t *lengths)
{
	const struct redis_tail *tail = command->tail;
	char *to = put_head(text, '*', command->count + (tail != NULL ? tail->count : 0));

	for (size_t i = 0; i < command->count; i++)
		to = put_word(to, command->words[i], lengths[i]);
	if (tail != NULL) {
		memcpy(to, tail->text, tail->length);
		to += tail->length;
	}
	return (size_t)(to - text);
}

bool redis_tail_add(struct redis_tail *tail, const char *word)
{
	const size_t length = strlen(word);

	if (HEAD_MAX + length + 2 > sizeof(tail->text) - tail->length)
		return false;
	tail->length = (size_t)(put_word(tail->text + tail->length, word, length) - tail->text);
	tail->count++;
	return true;
}
