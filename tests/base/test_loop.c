/*
 * The event loop and its coroutines: who is called when, and what becomes of those that end,
 * overflow or are not wanted any more.
 *
 * covers: src/base/loop.c, src/base/coroutine.c
 */
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "harness/suite.h"

#define MANY 300

static struct loop *loop;
static struct coroutine_list queue;
static char told[64]; /* a letter for each thing that has happened */

static void setup(void)
{
	struct error error;
	ck_assert_int_eq(loop_new(&loop, &error), ERROR_NONE);
	queue = (struct coroutine_list){ NULL, NULL };
	told[0] = '\0';
}

static void teardown(void)
{
	loop_free(loop);
	coroutines_release();
}

static void tell(char letter)
{
	size_t length = strlen(told);
	ck_assert_uint_lt(length, sizeof(told) - 1);
	told[length] = letter;
	told[length + 1] = '\0';
}

static void tell_letter(void *context)
{
	tell(*(const char *)context);
}

static void tell_and_wait(void *context)
{
	char letter = *(const char *)context;
	tell(letter);
	loop_wait_in(&queue);
	tell((char)(letter - 'a' + 'A'));
}

START_TEST(test_those_that_wait_go_on_in_their_order_when_they_are_woken)
{
	ck_assert(coroutine_start(tell_and_wait, "a"));
	ck_assert(coroutine_start(tell_and_wait, "b"));
	tell('-');
	loop_wake(loop, &queue);
	ck_assert_str_eq(told, "ab-"); /* not at once, but in a turn, on the stack of main */
	loop_turn(loop, 0);
	ck_assert_str_eq(told, "ab-AB");
	loop_turn(loop, 0);
	ck_assert_str_eq(told, "ab-AB");
}
END_TEST

static void wait_twice(void *context)
{
	(void)context;
	loop_wait_in(&queue);
	tell('1');
	loop_wait_in(&queue);
	tell('2');
}

/* Else a coroutine that waits in a loop would keep its process busy for ever. */
START_TEST(test_one_that_waits_again_is_not_woken_by_the_same_call)
{
	ck_assert(coroutine_start(wait_twice, NULL));
	loop_wake(loop, &queue);
	loop_turn(loop, 0);
	ck_assert_str_eq(told, "1");
	loop_wake(loop, &queue);
	loop_turn(loop, 0);
	ck_assert_str_eq(told, "12");
}
END_TEST

static int sum;

/* Its locals are on its own stack, whatever others do between. */
static void add_after_wait(void *context)
{
	volatile int mine[64];
	for (int i = 0; i < 64; i++)
		mine[i] = *(const int *)context;
	loop_wait_in(&queue);
	for (int i = 0; i < 64; i++)
		sum += mine[i];
}

START_TEST(test_many_have_stacks_of_their_own_and_leave_them_to_the_next)
{
	static int numbers[MANY];
	for (int round = 0; round < 3; round++) {
		sum = 0;
		for (int i = 0; i < MANY; i++) {
			numbers[i] = i;
			ck_assert(coroutine_start(add_after_wait, &numbers[i]));
		}
		loop_wake(loop, &queue);
		loop_turn(loop, 0);
		ck_assert_int_eq(sum, 64 * MANY * (MANY - 1) / 2);
	}
}
END_TEST

static void start_waiting(int count)
{
	static const int number = 1;
	for (int i = 0; i < count; i++)
		ck_assert(coroutine_start(add_after_wait, (void *)&number));
}

static void wake_all(void)
{
	loop_wake(loop, &queue);
	loop_turn(loop, 0);
}

static void look_six_times(size_t given_back[6])
{
	start_waiting(5);
	given_back[0] = coroutines_release_idle();
	wake_all();
	given_back[1] = coroutines_release_idle(); /* there was a time when all were needed */

	start_waiting(2);
	wake_all();
	start_waiting(1);
	given_back[2] = coroutines_release_idle();
	wake_all();
	given_back[3] = coroutines_release_idle();
	given_back[4] = coroutines_release_idle();
	given_back[5] = coroutines_release_idle();
}

/* The loop looks by itself every second: where it has done so meanwhile, once more. */
START_TEST(test_stacks_that_nobody_needed_since_the_last_look_are_given_back)
{
	static const size_t expected[] = { 0, 0, 3, 1, 1, 0 };
	size_t given_back[6];
	struct error error;
	int64_t began_at;
	do {
		coroutines_release();
		loop_free(loop);
		ck_assert_int_eq(loop_new(&loop, &error), ERROR_NONE);
		began_at = clock_monotonic_ms();
		loop_turn(loop, 0); /* the first turn looks */
		look_six_times(given_back);
	} while (clock_monotonic_ms() - began_at >= 1000);
	for (size_t i = 0; i < 6; i++)
		ck_assert_uint_eq(given_back[i], expected[i]);
}
END_TEST

START_TEST(test_who_waits_meanwhile_keeps_its_stack)
{
	sum = 0;
	start_waiting(3);
	coroutines_release_idle();
	wake_all();
	coroutines_release();
	start_waiting(MANY);
	coroutines_release_idle();
	coroutines_release();
	wake_all();
	ck_assert_int_eq(sum, 64 * (3 + MANY));
}
END_TEST

#if !defined(__SANITIZE_ADDRESS__)
static int go_down(int depth)
{
	volatile char frame[4096];
	memset((char *)frame, depth, sizeof(frame));
	return depth == 0 ? frame[0] : go_down(depth - 1) + frame[1];
}

static void overflow(void *context)
{
	(void)context;
	sum = go_down((int)(2 * COROUTINE_STACK / 4096));
}

START_TEST(test_a_stack_that_overflows_ends_its_process_and_nothing_else)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		_exit(coroutine_start(overflow, NULL) ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}
END_TEST
#endif

START_TEST(test_timers_are_called_in_the_order_of_their_times)
{
	int64_t now = clock_monotonic_ms();
	struct loop_timer timers[] = { { .due = tell_letter, .context = "a" },
		{ .due = tell_letter, .context = "b" }, { .due = tell_letter, .context = "c" },
		{ .due = tell_letter, .context = "d" }, { .due = tell_letter, .context = "e" } };
	loop_set_timer(loop, &timers[2], now - 10);
	loop_set_timer(loop, &timers[0], now - 30);
	loop_set_timer(loop, &timers[1], now - 20);
	loop_set_timer(loop, &timers[3], now + 100000);
	loop_set_timer(loop, &timers[4], now - 40);
	loop_clear_timer(loop, &timers[4]);
	loop_set_timer(loop, &timers[0], now - 5); /* moved */
	loop_turn(loop, 100000);                   /* does not wait: some are due */
	ck_assert_str_eq(told, "bca");
	loop_set_timer(loop, &timers[3], now);
	loop_turn(loop, 100000);
	ck_assert_str_eq(told, "bcad");
	ck_assert(!timers[3].is_set);
}
END_TEST

static void sleep_and_tell(void *context)
{
	loop_sleep_ms(loop, 30);
	tell_letter(context);
}

START_TEST(test_who_sleeps_keeps_nobody_from_going_on)
{
	ck_assert(coroutine_start(sleep_and_tell, "z"));
	ck_assert(coroutine_start(sleep_and_tell, "y"));
	tell('-');
	while (strlen(told) < 3)
		loop_turn(loop, 1000);
	ck_assert_str_eq(told, "-zy");
	loop_sleep_ms(NULL, 1);
}
END_TEST

static struct loop_hook hook;
static int calls;

static void call_again(void *context)
{
	(void)context;
	tell('h');
	if (++calls < 3)
		loop_call_at_end(loop, &hook);
}

START_TEST(test_who_asks_again_at_the_end_of_a_turn_is_called_in_the_same_one)
{
	calls = 0;
	hook = (struct loop_hook){ .call = call_again };
	loop_call_at_end(loop, &hook);
	loop_call_at_end(loop, &hook); /* asked for twice, called once */
	loop_turn(loop, 0);
	ck_assert_str_eq(told, "hhh");
	loop_call_at_end(loop, &hook);
	loop_forget(loop, &hook);
	loop_turn(loop, 0);
	ck_assert_str_eq(told, "hhh");
}
END_TEST

static void call_next(void *context)
{
	(void)context;
	tell('n');
	loop_call_next(loop, &hook);
}

START_TEST(test_who_asks_for_the_next_turn_is_called_once_in_it_and_it_waits_for_nothing)
{
	hook = (struct loop_hook){ .call = call_next };
	loop_call_next(loop, &hook);
	loop_call_next(loop, &hook);
	int64_t began_at = clock_monotonic_ms();
	for (int i = 0; i < 3; i++)
		loop_turn(loop, 60000);
	ck_assert_str_eq(told, "nnn");
	ck_assert_int_lt(clock_monotonic_ms() - began_at, 60000);
	loop_forget(loop, &hook);
	loop_turn(loop, 0);
	ck_assert_str_eq(told, "nnn");
}
END_TEST

static struct loop_watch watches[2];

static void unwatch_other(void *context, uint32_t events)
{
	(void)events;
	tell('w');
	loop_unwatch(loop, context);
}

/* Its owner may free it then. */
START_TEST(test_what_is_unwatched_gets_no_event_that_has_come_already)
{
	int first[2], second[2];
	struct error error;
	ck_assert_int_eq(pipe(first), 0);
	ck_assert_int_eq(pipe(second), 0);
	watches[0] = (struct loop_watch){ first[0], unwatch_other, &watches[1] };
	watches[1] = (struct loop_watch){ second[0], unwatch_other, &watches[0] };
	ck_assert_int_eq(loop_watch(loop, &watches[0], EPOLLIN, &error), ERROR_NONE);
	ck_assert_int_eq(loop_watch(loop, &watches[1], EPOLLIN, &error), ERROR_NONE);
	ck_assert_int_eq(write(first[1], "x", 1), 1);
	ck_assert_int_eq(write(second[1], "x", 1), 1);
	loop_turn(loop, 1000);
	ck_assert_str_eq(told, "w");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_those_that_wait_go_on_in_their_order_when_they_are_woken,
		test_one_that_waits_again_is_not_woken_by_the_same_call,
		test_many_have_stacks_of_their_own_and_leave_them_to_the_next,
		test_stacks_that_nobody_needed_since_the_last_look_are_given_back,
		test_who_waits_meanwhile_keeps_its_stack,
#if !defined(__SANITIZE_ADDRESS__)
		test_a_stack_that_overflows_ends_its_process_and_nothing_else,
#endif
		test_who_sleeps_keeps_nobody_from_going_on,
		test_timers_are_called_in_the_order_of_their_times,
		test_who_asks_again_at_the_end_of_a_turn_is_called_in_the_same_one,
		test_who_asks_for_the_next_turn_is_called_once_in_it_and_it_waits_for_nothing,
		test_what_is_unwatched_gets_no_event_that_has_come_already,
		NULL
	};
	return suite_main("loop", tests, setup, teardown);
}
