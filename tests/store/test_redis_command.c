/*
 * Commands in the text that Redis reads.
 */
#include <string.h>

#include "base/text.h"
#include "harness/suite.h"
#include "slipway/field.h"
#include "store/redis_command.h"

#define TEXT_MAX 4096

static char text[TEXT_MAX];
static size_t lengths[REDIS_WORDS_MAX];

/* It must have room in what was measured. */
static const char *text_of(const struct redis_words *command)
{
	const size_t most = command_measure(command, lengths);
	const size_t length = command_put(text, command, lengths);

	ck_assert_uint_le(length, most);
	ck_assert_uint_lt(length, sizeof(text));
	text[length] = '\0';
	return text;
}

START_TEST(test_each_word_stands_behind_its_length)
{
	static const char *const words[] = { "HSET", "key", "", "of ten\r\n.." };
	const struct redis_words command = { ARRAY_LEN(words), words, NULL };

	ck_assert_str_eq(text_of(&command),
		"*4\r\n$4\r\nHSET\r\n$3\r\nkey\r\n$0\r\n\r\n$10\r\nof ten\r\n..\r\n");
}
END_TEST

START_TEST(test_the_words_of_a_tail_are_the_last)
{
	static const char *const words[] = { "HMGET", "key" };
	struct redis_tail tail = { .count = 0 };
	const struct redis_words command = { ARRAY_LEN(words), words, &tail };

	ck_assert_str_eq(text_of(&command), "*2\r\n$5\r\nHMGET\r\n$3\r\nkey\r\n");
	ck_assert(redis_tail_add(&tail, "status"));
	ck_assert(redis_tail_add(&tail, "phase"));
	ck_assert_str_eq(text_of(&command),
		"*4\r\n$5\r\nHMGET\r\n$3\r\nkey\r\n$6\r\nstatus\r\n$5\r\nphase\r\n");
}
END_TEST

/* What has no room is left out whole, and what stands there stays. */
START_TEST(test_a_tail_takes_no_more_than_it_has_room_for)
{
	static const char *const words[] = { "HMGET" };
	struct redis_tail tail = { .count = 0 };
	const struct redis_words command = { ARRAY_LEN(words), words, &tail };
	char word[REDIS_TAIL_MAX + 1], expected[TEXT_MAX];

	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	ck_assert(!redis_tail_add(&tail, word));
	while (redis_tail_add(&tail, "status")) {}
	ck_assert_uint_gt(tail.count, 10);
	ck_assert_uint_le(tail.length, sizeof(tail.text));

	text_format(expected, sizeof(expected), "*%zu\r\n$5\r\nHMGET\r\n", 1 + tail.count);
	for (size_t i = 0; i < tail.count; i++)
		ck_assert(text_append(expected, sizeof(expected), "$6\r\nstatus\r\n"));
	ck_assert_str_eq(text_of(&command), expected);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_each_word_stands_behind_its_length,
		test_the_words_of_a_tail_are_the_last,
		test_a_tail_takes_no_more_than_it_has_room_for, NULL };
	return suite_main("redis_command", tests, NULL, NULL);
}
