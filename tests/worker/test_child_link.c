/*
 * A child that answers questions, and the supervisor's end of it: whatever one of them is asked or
 * answers, it holds up nobody else.
 *
 * covers: src/worker/child_link.c src/worker/serve.c
 */
#include "worker/child_link.h"

#include <string.h>
#include <unistd.h>

#include "harness/suite.h"
#include "worker/minter.h"
#include "worker/serve.h"

#define LARGE ((size_t)10 << 20) /* four times that is more than a channel keeps */

static struct loop *loop;
static struct child_link child;
static struct error error;

static void set_up(void)
{
	ck_assert_int_eq(loop_new(&loop, &error), ERROR_NONE);
}

static void tear_down(void)
{
	child_link_stop(&child, true);
	loop_free(loop);
	coroutines_release();
}

static void start(int (*live)(void *context, int channel))
{
	child = (struct child_link){ .name = "child", .live = live, .loop = loop };
	ck_assert_int_eq(child_link_start(&child, &error), ERROR_NONE);
}

/* A text of so many bytes, which the arena has. */
static const char *text_of_size(struct arena *arena, size_t size)
{
	char *text = arena_allocate(arena, size + 1);

	ck_assert_ptr_nonnull(text);
	return memset(text, 'x', size);
}

/* ---- what a coroutine asks ---- */

struct part {
	struct arena arena;
	const char *order;
	struct reply reply;
	struct error error;
	enum error_class class;
	bool is_done, is_lost;
};

static void ask(void *context)
{
	struct part *part = context;
	const struct minting minting = { part->order };

	part->class = child_link_ask(&child, &minting_record, &minting, &part->arena, &part->reply,
		&part->is_lost, &part->error);
	part->is_done = true;
}

static void begin(struct part *part, const char *order)
{
	arena_init(&part->arena, 0);
	part->order = order;
	ck_assert(coroutine_start(ask, part));
}

static void turn_until_done(const struct part *part)
{
	while (!part->is_done) {
		loop_turn(loop, 20);
		child_link_check(&child);
	}
}

/* ---- replies ---- */

/* As much as is asked for in bytes. */
static enum error_class answer_size(void *context, const char *text, size_t length,
	struct arena *arena, struct reply *reply, struct error *failure)
{
	struct minting minting;
	(void)context;

	if (message_read(&minting_record, text, length, arena, &minting, failure) != ERROR_NONE)
		return failure->class;
	reply->text = text_of_size(arena, strtoul(minting.order, NULL, 10));
	return ERROR_NONE;
}

static int live_by_size(void *context, int channel)
{
	serve(channel, answer_size, context);
	return 0;
}

START_TEST(test_a_reply_that_is_too_large_is_an_error_and_ends_nobody)
{
	struct part large = { .is_done = false }, small = { .is_done = false };

	start(live_by_size);
	const pid_t before = child.pid;
	begin(&large, "17000000");
	begin(&small, "5");
	turn_until_done(&large);
	turn_until_done(&small);
	ck_assert(!large.is_lost);
	ck_assert_ptr_nonnull(large.reply.class);
	ck_assert_ptr_null(large.reply.text);
	ck_assert(!small.is_lost);
	ck_assert_str_eq(small.reply.text, "xxxxx");
	ck_assert_int_eq(child.pid, before);
	arena_release(&large.arena);
	arena_release(&small.arena);
}
END_TEST

/* ---- questions ---- */

static enum error_class answer_shortly(void *context, const char *text, size_t length,
	struct arena *arena, struct reply *reply, struct error *failure)
{
	(void)context;
	(void)text;
	(void)arena;
	(void)failure;
	reply->ahead = (int64_t)length;
	return ERROR_NONE;
}

static int live_shortly(void *context, int channel)
{
	serve(channel, answer_shortly, context);
	return 0;
}

START_TEST(test_many_large_questions_leave_room_for_a_small_one)
{
	static struct part large[6], small;
	struct arena arena;

	arena_init(&arena, 0);
	const char *order = text_of_size(&arena, LARGE);
	start(live_shortly);
	for (size_t i = 0; i < ARRAY_LEN(large); i++)
		begin(&large[i], order);
	begin(&small, "small");
	turn_until_done(&small);
	ck_assert_msg(small.class == ERROR_NONE && !small.is_lost, "%s", small.error.message);
	ck_assert_int_lt(small.reply.ahead, 100);
	for (size_t i = 0; i < ARRAY_LEN(large); i++) {
		turn_until_done(&large[i]);
		ck_assert_msg(large[i].class == ERROR_NONE, "%s", large[i].error.message);
		ck_assert_int_gt(large[i].reply.ahead, (int64_t)LARGE);
		arena_release(&large[i].arena);
	}
	arena_release(&small.arena);
	arena_release(&arena);
}
END_TEST

/* ---- a child that somebody has taken over ---- */

static _Noreturn int live_silently(void *context, int channel)
{
	(void)context;
	(void)channel;
	for (;;)
		pause();
}

START_TEST(test_a_child_that_never_answers_is_ended)
{
	struct part first = { .is_done = false }, second = { .is_done = false };

	start(live_silently);
	child.patience_ms = 50;
	begin(&first, "");
	begin(&second, "");
	turn_until_done(&first);
	ck_assert(first.is_lost);
	turn_until_done(&second);
	ck_assert(second.is_lost);
}
END_TEST

static int live_hastily(void *context, int channel)
{
	struct channel own;
	const struct reply reply = { .text = "an answer to whatever comes" };
	struct error ignored;

	channel_init(&own, channel);
	if (message_put(&own, &reply_record, &reply, &ignored) != ERROR_NONE ||
		channel_flush(&own) != CHANNEL_OPEN)
		return 1;
	return live_silently(context, channel);
}

START_TEST(test_a_child_that_answers_before_it_is_asked_is_ended)
{
	start(live_hastily);
	while (child.pid != 0)
		loop_turn(loop, 20);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_a_reply_that_is_too_large_is_an_error_and_ends_nobody,
		test_many_large_questions_leave_room_for_a_small_one,
		test_a_child_that_never_answers_is_ended,
		test_a_child_that_answers_before_it_is_asked_is_ended, NULL };
	return suite_main("child link", tests, set_up, tear_down);
}
