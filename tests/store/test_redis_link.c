/*
 * One connection for all coroutines of a process: their commands go out together, each gets its own
 * replies, and a connection that fails says of each command whether it may have taken effect.
 *
 * covers: src/store/redis_link.c, src/store/redis.c, src/store/redis_reply.c
 */
#include <hiredis/hiredis.h>
#include <malloc.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/text.h"
#include "harness/store.h"
#include "store/functions.h"
#include "store/keys.h"
#include "store/redis_reply.h"

#define MANY 40

static struct redis *redis;
static struct loop *loop;

static void setup(void)
{
	struct error error;
	redis = store_open();
	ck_assert_int_eq(loop_new(&loop, &error), ERROR_NONE);
	redis_join(redis, loop);
}

static void teardown(void)
{
	store_close(redis);
	loop_free(loop);
	coroutines_release();
}

/* What a coroutine has asked, and got. */
struct question {
	char text[32], answer[32];
	enum error_class class;
	bool is_script, is_done;
	const char *blocks; /* for how many seconds it waits in Redis; NULL: not at all */
};

static void ask_script(struct question *question, struct error *error)
{
	static const char *const keys[] = { KEY_APPS_PREFIX "default" };
	const struct script_call call = { SCRIPT_PROBE, 1, keys, 0, NULL };
	CLEANUP_REPLY struct redisReply *reply = NULL;
	question->class = script_call(redis, &call, &reply, error);
}

static void ask_echo(struct question *question, struct error *error)
{
	const char *const echo[] = { "ECHO", question->text };
	const char *const block[] = { "BLPOP", "nothing-is-here", question->blocks };
	const struct redis_words words[] = { { 2, echo, NULL }, { 3, block, NULL } };
	struct redisReply *replies[2];
	size_t count = question->blocks != NULL ? 2 : 1;

	question->class = redis_batch(redis, count, words, replies, error);
	if (question->class != ERROR_NONE)
		return;
	text_copy(question->answer, sizeof(question->answer), reply_text(replies[0]));
	for (size_t i = 0; i < count; i++)
		reply_free(replies[i]);
}

static void ask(void *context)
{
	struct question *question = context;
	struct error error;

	if (question->is_script)
		ask_script(question, &error);
	else
		ask_echo(question, &error);
	question->is_done = true;
}

static void start(struct question *question, int number)
{
	question->is_done = false;
	text_format(question->text, sizeof(question->text), "text-%d", number);
	ck_assert(coroutine_start(ask, question));
}

static void turn_until_done(const struct question *questions, size_t count)
{
	for (size_t i = 0; i < count; i++)
		while (!questions[i].is_done)
			loop_turn(loop, 1000);
}

START_TEST(test_each_coroutine_gets_its_own_replies)
{
	struct question questions[MANY] = { 0 };
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < MANY; i++) {
			questions[i].is_script = i % 3 == 0;
			questions[i].is_done = false;
			start(&questions[i], i);
		}
		turn_until_done(questions, MANY);
		for (int i = 0; i < MANY; i++) {
			ck_assert_int_eq(questions[i].class, ERROR_NONE);
			if (!questions[i].is_script)
				ck_assert_str_eq(questions[i].answer, questions[i].text);
		}
	}
}
END_TEST

/* One connection was opened for all of them, and its checks were made once. */
static int checks;

static enum error_class count_check(struct redis *checked, struct error *error)
{
	const char *const words[] = { "PING" };
	checks++;
	return redis_tell(checked, 1, words, error);
}

START_TEST(test_the_first_opens_the_connection_and_the_others_wait_for_it)
{
	struct question questions[MANY] = { 0 };
	checks = 0;
	redis_on_connect(redis, count_check);
	for (int i = 0; i < MANY; i++)
		start(&questions[i], i);
	turn_until_done(questions, MANY);
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(questions[i].class, ERROR_NONE);
	ck_assert_int_eq(checks, 1);
}
END_TEST

static enum error_class refuse_check(struct redis *checked, struct error *error)
{
	(void)checked;
	checks++;
	return error_set(error, ERROR_STORE_UNAVAILABLE, "not this one");
}

START_TEST(test_a_connection_that_is_refused_by_its_check_is_used_by_nobody)
{
	struct question questions[3] = { 0 };
	checks = 0;
	redis_on_connect(redis, refuse_check);
	for (int i = 0; i < 3; i++)
		start(&questions[i], i);
	turn_until_done(questions, 3);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(questions[i].class, ERROR_STORE_UNAVAILABLE);
	ck_assert_int_eq(checks, 1); /* those that waited for it would wait for one each */
	redis_on_connect(redis, NULL);
	start(&questions[0], 0);
	turn_until_done(questions, 1);
	ck_assert_int_eq(questions[0].class, ERROR_NONE);
}
END_TEST

START_TEST(test_redis_that_ends_and_comes_back_costs_only_what_was_under_way)
{
	struct question waiting[2] = { { .blocks = "0" }, { .is_script = true } }, next = { 0 };
	redis = store_open_own(redis);
	redis_join(redis, loop);
	start(&next, 0);
	turn_until_done(&next, 1);
	start(&waiting[0], 1);
	start(&waiting[1], 2); /* behind the other: Redis has it, and does not answer */
	loop_turn(loop, 0);
	store_restart();
	turn_until_done(waiting, 2);
	ck_assert_int_eq(waiting[0].class, ERROR_STORE_UNAVAILABLE); /* it has only read */

	next = (struct question){ .is_script = true };
	start(&next, 3);
	turn_until_done(&next, 1);
	ck_assert_int_eq(next.class, ERROR_NONE);
}
END_TEST

/* Nobody has a command under way when it is closed: the next one opens another. */
START_TEST(test_a_connection_that_was_closed_while_idle_costs_nobody_anything)
{
	struct question question = { .is_script = true };
	redis = store_open_own(redis);
	redis_join(redis, loop);
	start(&question, 0);
	turn_until_done(&question, 1);
	store_restart();
	loop_turn(loop, 1000); /* sees that it was closed */
	question = (struct question){ .is_script = true };
	start(&question, 1);
	turn_until_done(&question, 1);
	ck_assert_int_eq(question.class, ERROR_NONE);
}
END_TEST

/* ---- a peer that only listens ---- */

static struct sockaddr_un address;

static int listen_alone(void)
{
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	address.sun_family = AF_UNIX;
	text_format(
		address.sun_path, sizeof(address.sun_path), "/tmp/slipway-link-%d", (int)getpid());
	unlink(address.sun_path);
	ck_assert_int_eq(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listener, 16), 0);
	return listener;
}

static void connect_alone(int timeout_ms)
{
	char url[sizeof(address.sun_path) + 8];
	struct error error;
	redis_free(redis);
	text_format(url, sizeof(url), "unix://%s", address.sun_path);
	ck_assert_int_eq(redis_new(url, NULL, "t", timeout_ms, &redis, &error), ERROR_NONE);
	redis_join(redis, loop);
}

/* On a local socket nothing has to be waited for. */
static void turn(void)
{
	for (int i = 0; i < 3; i++)
		loop_turn(loop, 0);
}

static void answer(int peer, const char *replies)
{
	char bytes[65536];
	turn();
	ck_assert_int_gt(read(peer, bytes, sizeof(bytes)), 0);
	ck_assert_int_eq(write(peer, replies, strlen(replies)), (ssize_t)strlen(replies));
	turn();
}

/* The commands that are called once it is connected are under way then. */
static int accept_and_answer(int listener, const char *replies)
{
	int peer;
	turn();
	peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(peer, 0);
	answer(peer, replies);
	return peer;
}

static size_t count_of(const char *text, const char *part)
{
	size_t count = 0;
	for (; (text = strstr(text, part)) != NULL; text += strlen(part))
		count++;
	return count;
}

START_TEST(test_the_commands_of_a_turn_go_out_together)
{
	struct question questions[MANY] = { 0 };
	static char bytes[16384];
	int listener = listen_alone();
	connect_alone(60000);
	for (int i = 0; i < MANY; i++)
		start(&questions[i], i);
	int peer = accept_and_answer(listener, "+OK\r\n"); /* CLIENT SETNAME */
	ssize_t length = read(peer, bytes, sizeof(bytes) - 1);
	ck_assert_int_gt(length, 0);
	ck_assert_uint_eq(count_of(bytes, "ECHO"), MANY);
	close(peer); /* all are told, and all freed */
	turn_until_done(questions, MANY);
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(questions[i].class, ERROR_STORE_UNAVAILABLE);
	close(listener);
	unlink(address.sun_path);
}
END_TEST

/* What has been sent may have taken effect; what has not, has not. */
START_TEST(test_a_script_is_in_doubt_only_where_it_was_sent)
{
	struct question questions[2] = { { .is_script = true }, { .is_script = true } };
	int listener = listen_alone();
	connect_alone(60000);
	start(&questions[0], 0);
	int peer = accept_and_answer(listener, "+OK\r\n"); /* CLIENT SETNAME */
	start(&questions[1], 1);
	close(peer);
	close(listener);
	unlink(address.sun_path);
	turn_until_done(questions, 2);
	ck_assert_int_eq(questions[0].class, ERROR_OUTCOME_UNKNOWN);
	ck_assert_int_eq(questions[1].class, ERROR_STORE_UNAVAILABLE);
}
END_TEST

#define SHORT_MS 200

static bool any_is_done(const struct question *questions, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (questions[i].is_done)
			return true;
	return false;
}

/* Asks all of them, and takes what they have sent. A machine that stands still may be late by
 * itself until then, and they have failed: then once more. */
static int ask_in_time(int listener, struct question *questions, int count)
{
	char bytes[65536];
	for (;;) {
		connect_alone(SHORT_MS);
		for (int i = 0; i < count; i++)
			start(&questions[i], i);
		turn();
		int peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		ck_assert_int_ge(peer, 0);
		ck_assert_int_gt(read(peer, bytes, sizeof(bytes)), 0); /* CLIENT SETNAME */
		if (write(peer, "+OK\r\n", 5) == 5)
			turn();
		if (!any_is_done(questions, (size_t)count)) {
			ck_assert_int_gt(read(peer, bytes, sizeof(bytes)), 0);
			return peer;
		}
		close(peer);
		turn_until_done(questions, (size_t)count);
	}
}

START_TEST(test_one_that_does_not_answer_in_time_takes_all_that_wait_behind_it)
{
	struct question questions[3] = { 0 };
	int listener = listen_alone();
	int peer = ask_in_time(listener, questions, 2);
	redis_fail_fast(redis, 60000);
	turn_until_done(questions, 2);
	ck_assert_int_eq(questions[0].class, ERROR_STORE_UNAVAILABLE);
	ck_assert_int_eq(questions[1].class, ERROR_STORE_UNAVAILABLE);
	start(&questions[2], 2); /* fails at once: it does not wait for the same */
	ck_assert(questions[2].is_done);
	ck_assert_int_eq(questions[2].class, ERROR_STORE_UNAVAILABLE);
	close(peer);
	close(listener);
	unlink(address.sun_path);
}
END_TEST

/* Whatever its process has done meanwhile: what has come in time is not late. */
START_TEST(test_a_process_that_was_busy_takes_what_has_come_in_time)
{
	struct question questions[2] = { 0 };
	int listener = listen_alone();
	int peer = ask_in_time(listener, questions, 2);
	ck_assert_int_eq(write(peer, "$6\r\ntext-0\r\n$6\r\ntext-1\r\n", 24), 24);
	clock_sleep_ms(2L * SHORT_MS);
	turn_until_done(questions, 2);
	ck_assert_int_eq(questions[0].class, ERROR_NONE);
	ck_assert_str_eq(questions[1].answer, "text-1");
	close(peer);
	close(listener);
	unlink(address.sun_path);
}
END_TEST

/* A reply that takes longer than one may wait, and keeps coming. */
START_TEST(test_a_reply_that_keeps_coming_is_not_late)
{
	struct question question = { 0 };
	int listener = listen_alone();
	int peer = ask_in_time(listener, &question, 1);
	ck_assert_int_eq(write(peer, "$6\r\n", 4), 4);
	for (int i = 0; i < 6; i++) {
		clock_sleep_ms(SHORT_MS / 3);
		loop_turn(loop, 0);
		ck_assert(!question.is_done);
		ck_assert_int_eq(write(peer, &"text-0"[i], 1), 1);
	}
	ck_assert_int_eq(write(peer, "\r\n", 2), 2);
	turn_until_done(&question, 1);
	ck_assert_int_eq(question.class, ERROR_NONE);
	ck_assert_str_eq(question.answer, "text-0");
	close(peer);
	close(listener);
	unlink(address.sun_path);
}
END_TEST

/* A reply to what was asked on a connection before says nothing of the one that is being opened. */
START_TEST(test_a_late_refusal_does_not_close_what_another_opens)
{
	struct question questions[3] = { 0 };
	int listener = listen_alone();
	connect_alone(60000);
	start(&questions[0], 0);
	int first = accept_and_answer(listener, "+OK\r\n"); /* CLIENT SETNAME */
	start(&questions[1], 1);
	answer(first, "-READONLY You can't write against a read only replica.\r\n");
	ck_assert_int_eq(questions[0].class, ERROR_STORE_UNAVAILABLE);

	start(&questions[2], 2);
	turn();
	int second = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(second, 0);
	ck_assert_int_eq(write(first, "-READONLY x\r\n", 13), 13);
	turn();
	ck_assert_int_eq(questions[1].class, ERROR_STORE_UNAVAILABLE);
	answer(second, "+OK\r\n"); /* CLIENT SETNAME */
	answer(second, "$6\r\ntext-2\r\n");
	turn_until_done(&questions[2], 1);
	ck_assert_int_eq(questions[2].class, ERROR_NONE);
	close(first);
	close(second);
	close(listener);
	unlink(address.sun_path);
}
END_TEST

START_TEST(test_a_peer_that_talks_nonsense_is_left)
{
	static const char *const nonsense[] = { "+OK\r\nHTTP/1.1 400 Bad Request\r\n\r\n",
		"+OK\r\n+a\r\n+b\r\n", "?", "+OK\r\n$99999999999999999999\r\n" };
	int listener = listen_alone();
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		struct question question = { .is_script = true };
		connect_alone(60000);
		start(&question, 0);
		int peer = accept_and_answer(listener, nonsense[i]);
		turn();
		close(peer);
		turn_until_done(&question, 1);
		ck_assert_int_ne(question.class, ERROR_NONE);
	}
	close(listener);
	unlink(address.sun_path);
}
END_TEST

START_TEST(test_where_nobody_listens_nothing_is_in_doubt)
{
	struct question questions[3] = { { .is_script = true }, { .is_script = true },
		{ .is_script = false } };
	int listener = listen_alone();
	close(listener);
	connect_alone(60000);
	for (int i = 0; i < 3; i++)
		start(&questions[i], i);
	turn_until_done(questions, 3);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(questions[i].class, ERROR_STORE_UNAVAILABLE);
	unlink(address.sun_path);
}
END_TEST

/* Lengths of one digit and of more, and around what a command of usual size may have. */
START_TEST(test_words_of_any_length_arrive_as_they_are)
{
	static const size_t lengths[] = { 0, 1, 9, 10, 99, 100, 999, 1000, 4000, 4096, 70000, 0,
		3 };
	static char texts[ARRAY_LEN(lengths)][70001];
	const char *push[ARRAY_LEN(lengths) + 2] = { "RPUSH", "words" };
	const char *const range[] = { "LRANGE", "words", "0", "-1" };
	struct redisReply *reply;
	struct error error;

	redis_join(redis, NULL);
	for (size_t count = 1; count <= ARRAY_LEN(lengths); count++) {
		memset(texts[count - 1], (int)('a' + count), lengths[count - 1]);
		push[count + 1] = texts[count - 1];
		ck_assert_int_eq(
			redis_tell(redis, 2, (const char *const[]){ "DEL", "words" }, &error),
			ERROR_NONE);
		ck_assert_int_eq(redis_tell(redis, count + 2, push, &error), ERROR_NONE);
		ck_assert_int_eq(redis_command(redis, 4, range, &reply, &error), ERROR_NONE);
		ck_assert_uint_eq(reply_count(reply), count);
		for (size_t i = 0; i < count; i++)
			ck_assert_str_eq(reply_text(reply_item(reply, i)), texts[i]);
		reply_free(reply);
	}
}
END_TEST

/* Of all types, one in the other: each part is what it was, and is freed once (or valgrind says
 * so). */
START_TEST(test_replies_of_every_kind)
{
	static const char script[] = "return { 'a', 7, false, {}, { 'b', false, { -1 } }, '', "
				     "redis.error_reply('ERR e'), redis.status_reply('OK') }";
	const char *const words[] = { "EVAL", script, "0" };
	struct redisReply *reply;
	struct error error;

	redis_join(redis, NULL);
	for (int round = 0; round < 2; round++) {
		ck_assert_int_eq(redis_command(redis, 3, words, &reply, &error), ERROR_NONE);
		ck_assert_uint_eq(reply_count(reply), 8);
		ck_assert_str_eq(reply_text(reply_item(reply, 0)), "a");
		ck_assert_int_eq(reply_integer(reply_item(reply, 1)), 7);
		ck_assert(reply_is_nil(reply_item(reply, 2)));
		ck_assert_uint_eq(reply_count(reply_item(reply, 3)), 0);
		const struct redisReply *list = reply_item(reply, 4);
		ck_assert_uint_eq(reply_count(list), 3);
		ck_assert_str_eq(reply_text(reply_item(list, 0)), "b");
		ck_assert(reply_is_nil(reply_item(list, 1)));
		ck_assert_int_eq(reply_integer(reply_item(reply_item(list, 2), 0)), -1);
		ck_assert(!reply_is_nil(reply_item(reply, 5)));
		ck_assert_str_eq(reply_text(reply_item(reply, 5)), "");
		ck_assert(reply_is_error(reply_item(reply, 6)));
		ck_assert_str_eq(reply_text(reply_item(reply, 7)), "OK");
		reply_free(reply);
	}
	reply_free(NULL);
}
END_TEST

/* A list of which only the beginning has come, when the connection ends. */
START_TEST(test_a_reply_that_is_cut_off_is_freed_as_far_as_it_came)
{
	struct question question = { 0 };
	int listener = listen_alone();
	connect_alone(60000);
	start(&question, 1);
	int peer = accept_and_answer(listener, "+OK\r\n"); /* CLIENT SETNAME */
	answer(peer, "*3\r\n$1\r\na\r\n*2\r\n$-1\r\n");
	close(peer);
	turn_until_done(&question, 1);
	ck_assert_int_eq(question.class, ERROR_STORE_UNAVAILABLE);
	close(listener);
	unlink(address.sun_path);
}
END_TEST

/* Lists in a list, with more parts than there is room for when their heads come. */
START_TEST(test_long_lists_have_all_their_parts)
{
	static const char script[] =
		"local all = {}; for i = 1, 200 do all[i] = i % 9 == 0 and {} or i end; "
		"all[65] = {}; for i = 1, 129 do all[65][i] = 'part ' .. i end; "
		"return all";
	const char *const words[] = { "EVAL", script, "0" };
	char part[32];
	struct redisReply *reply;
	struct error error;

	redis_join(redis, NULL);
	ck_assert_int_eq(redis_command(redis, 3, words, &reply, &error), ERROR_NONE);
	ck_assert_uint_eq(reply_count(reply), 200);
	for (size_t i = 0; i < 200; i++)
		ck_assert_int_eq(reply_integer(reply_item(reply, i)),
			i == 64 || i % 9 == 8 ? 0 : (int64_t)i + 1);
	ck_assert_uint_eq(reply_count(reply_item(reply, 8)), 0);
	const struct redisReply *list = reply_item(reply, 64);
	ck_assert_uint_eq(reply_count(list), 129);
	for (size_t i = 0; i < 129; i++) {
		text_format(part, sizeof(part), "part %zu", i + 1);
		ck_assert_str_eq(reply_text(reply_item(list, i)), part);
	}
	reply_free(reply);
}
END_TEST

/* Ten bytes that promise two gigabytes of parts cost what ten bytes may. */
START_TEST(test_a_list_takes_memory_for_the_parts_that_come)
{
	static const char text[] = "*316800000\r\n*2147483647\r\n$-1\r\n:1\r\n";
	redisContext context = { .reader = redisReaderCreate() };
	void *reply = NULL;
	ck_assert_ptr_nonnull(context.reader);
	replies_make_compact(&context);
	const struct mallinfo2 before = mallinfo2();
	ck_assert_int_eq(redisReaderFeed(context.reader, text, strlen(text)), REDIS_OK);
	ck_assert_int_eq(redisReaderGetReply(context.reader, &reply), REDIS_OK);
	ck_assert_ptr_null(reply);
	const struct mallinfo2 now = mallinfo2();
	ck_assert_uint_lt(now.hblkhd + now.uordblks, before.hblkhd + before.uordblks + 65536);
	redisReaderFree(context.reader);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_each_coroutine_gets_its_own_replies,
		test_the_first_opens_the_connection_and_the_others_wait_for_it,
		test_a_connection_that_is_refused_by_its_check_is_used_by_nobody,
		test_redis_that_ends_and_comes_back_costs_only_what_was_under_way,
		test_a_connection_that_was_closed_while_idle_costs_nobody_anything,
		test_the_commands_of_a_turn_go_out_together,
		test_a_script_is_in_doubt_only_where_it_was_sent,
		test_one_that_does_not_answer_in_time_takes_all_that_wait_behind_it,
		test_a_process_that_was_busy_takes_what_has_come_in_time,
		test_a_reply_that_keeps_coming_is_not_late,
		test_a_late_refusal_does_not_close_what_another_opens,
		test_a_peer_that_talks_nonsense_is_left,
		test_where_nobody_listens_nothing_is_in_doubt,
		test_words_of_any_length_arrive_as_they_are, test_replies_of_every_kind,
		test_a_reply_that_is_cut_off_is_freed_as_far_as_it_came,
		test_long_lists_have_all_their_parts,
		test_a_list_takes_memory_for_the_parts_that_come, NULL };
	return store_suite_main("redis_link", tests, setup, teardown);
}
