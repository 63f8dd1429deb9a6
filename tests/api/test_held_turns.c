/*
 * Many that are held and get one response: how much of that is done in a turn of the loop, without
 * a server.
 *
 * covers: src/api/held.c
 */
#include <sys/socket.h>
#include <unistd.h>

#include "api/held.h"
#include "base/coroutine.h"
#include "harness/suite.h"

#define MANY (10 * (size_t)HELD_SENT_MAX + 1)

static struct loop *loop;
static struct holds *holds;
static struct held_requests *all;
static struct held_request held[MANY];
static int peers[MANY];
static size_t dues, ended, looks;
static bool has_changed;

static void on_due(void *context)
{
	(void)context;
	dues++;
}

static void on_ended(void *context, bool is_usable)
{
	ck_assert(is_usable);
	held_request_end(context);
	ended++;
}

static void handle(void *context, const struct request *request, struct response *response)
{
	(void)context;
	looks++;
	response->subject.reads = true; /* nobody logs it */
	response->held = hold_watch(holds, request->hold, request->query, 20) && !has_changed;
}

/* Every second one asks in other words. */
static void hold_for(size_t i, const char *other, int64_t seconds)
{
	const struct request request = { .id = "",
		.method = "GET",
		.path = "/",
		.query = "app",
		.host = i % 2 == 0 ? "" : other,
		.authorization = "",
		.origin = "",
		.if_none_match = "" };
	int sockets[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	peers[i] = sockets[0];
	held[i] = (struct held_request){
		.all = all, .socket = sockets[1], .number = 1, .context = &held[i]
	};
	ck_assert(hold_watch(holds, &held[i].hold, request.query, seconds) == (seconds > 0));
	ck_assert(held_request_keep(&held[i], &request));
	held_request_wait(&held[i]);
}

static void hold_one(size_t i, const char *other)
{
	hold_for(i, other, 20);
}

static void setup(void)
{
	const struct held_calls calls = { on_due, NULL, on_ended };
	struct error error;

	ck_assert_int_eq(loop_new(&loop, &error), ERROR_NONE);
	ck_assert_int_eq(holds_new(loop, &holds, &error), ERROR_NONE);
	ck_assert_int_eq(held_requests_new(loop, &calls, &all, &error), ERROR_NONE);
	holds_limit(holds, MANY);
}

static void teardown(void)
{
	for (size_t i = 0; i < MANY; i++) {
		close(peers[i]);
		close(held[i].socket);
	}
	ck_assert(holds_is_empty(holds));
	held_requests_free(all);
	holds_free(holds);
	loop_free(loop);
	coroutines_release();
}

static void look(void *context)
{
	(void)context;
	held_requests_look(all, handle, NULL);
}

static void assert_bounded(void)
{
	while (ended < MANY) {
		size_t before = ended;
		ck_assert(held_requests_have_work(all));
		loop_turn(loop, 0);
		ck_assert_uint_gt(ended, before);
		ck_assert_uint_le(ended - before, HELD_SENT_MAX);
	}
	ck_assert(!held_requests_have_work(all));
}

START_TEST(test_one_response_to_many_is_sent_in_several_turns)
{
	for (size_t i = 0; i < MANY; i++)
		hold_one(i, "");
	has_changed = true;
	holds_changed(holds, "app");
	ck_assert_uint_eq(dues, 1);
	ck_assert(coroutine_start(look, NULL));
	ck_assert_uint_eq(looks, 1);
	ck_assert_uint_le(ended, HELD_SENT_MAX);
	assert_bounded();
}
END_TEST

START_TEST(test_two_questions_share_a_turn)
{
	for (size_t i = 0; i < MANY; i++)
		hold_one(i, "other");
	has_changed = true;
	holds_changed(holds, "app");
	ck_assert_uint_eq(dues, 2);
	ck_assert(coroutine_start(look, NULL));
	ck_assert(coroutine_start(look, NULL));
	ck_assert(!held_requests_are_due(all));
	ck_assert_uint_eq(looks, 2);
	ck_assert_uint_le(ended, HELD_SENT_MAX + 1);
	assert_bounded();
}
END_TEST

START_TEST(test_a_look_without_news_is_one_for_all_and_ends_none)
{
	for (size_t i = 0; i < MANY; i++)
		hold_one(i, "");
	for (size_t i = 1; i <= 3; i++) {
		holds_changed(holds, "app");
		ck_assert(coroutine_start(look, NULL));
		ck_assert_uint_eq(looks, i);
		ck_assert(!held_requests_have_work(all));
	}
	ck_assert_uint_eq(ended, 0);
	for (size_t i = 0; i < MANY; i++)
		held_request_end(&held[i]);
}
END_TEST

START_TEST(test_at_the_end_of_the_time_of_some_the_others_are_held_on)
{
	for (size_t i = 0; i < MANY; i++)
		hold_for(i, "", i % 4 == 0 ? 0 : 20);
	holds_changed(holds, "app");
	look(NULL);
	ck_assert_uint_eq(ended, (MANY + 3) / 4);
	ck_assert(held_requests_are_due(all)); /* for they had not been looked at */
	look(NULL);
	ck_assert(!held_requests_have_work(all));
	ck_assert_uint_eq(looks, 2);
	for (size_t i = 0; i < MANY; i++)
		held_request_end(&held[i]);
	ck_assert_uint_eq(ended, (MANY + 3) / 4);
}
END_TEST

START_TEST(test_whose_time_is_over_is_looked_at_again_behind_a_look_for_another)
{
	for (size_t i = 0; i < 3; i++)
		hold_for(i, "", i == 1 ? 0 : 20);
	holds_changed(holds, "app");
	look(NULL);
	ck_assert_uint_eq(ended, 0);
	look(NULL);
	ck_assert_uint_eq(ended, 1);
	ck_assert_ptr_null(held[1].question);
	held_request_end(&held[0]);
	held_request_end(&held[2]);
}
END_TEST

START_TEST(test_where_there_is_no_coroutine_all_are_sent_at_once)
{
	for (size_t i = 0; i < MANY; i++)
		hold_one(i, "");
	has_changed = true;
	holds_changed(holds, "");
	look(NULL);
	ck_assert_uint_eq(ended, MANY);
}
END_TEST

START_TEST(test_who_is_due_and_goes_is_looked_at_by_nobody)
{
	for (size_t i = 0; i < MANY; i++)
		hold_one(i, "");
	holds_changed(holds, "app");
	ck_assert(held_requests_are_due(all));
	for (size_t i = 0; i < MANY; i++)
		held_request_end(&held[i]);
	ck_assert(!held_requests_are_due(all));
	ck_assert(!held_requests_have_work(all));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_one_response_to_many_is_sent_in_several_turns,
		test_two_questions_share_a_turn,
		test_a_look_without_news_is_one_for_all_and_ends_none,
		test_at_the_end_of_the_time_of_some_the_others_are_held_on,
		test_whose_time_is_over_is_looked_at_again_behind_a_look_for_another,
		test_where_there_is_no_coroutine_all_are_sent_at_once,
		test_who_is_due_and_goes_is_looked_at_by_nobody, NULL };
	return suite_main("held_turns", tests, setup, teardown);
}
