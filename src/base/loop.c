/*
 * epoll with timers in a sorted list: nearly all are set for the same time from now, so the place
 * of a new one is at or near its end.
 */
#include "base/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/resources.h"

#define IDLE_MS 1000

struct loop {
	int epoll;
	struct epoll_event events[LOOP_EVENTS_MAX];
	int event_count;                            /* of this turn */
	TAILQ_HEAD(loop_timers, loop_timer) timers; /* the earliest first */
	struct coroutine_list woken;
	struct loop_hook *hooks; /* to call at the end of this turn */
	struct loop_hook *next;  /* of the next one */
	int64_t looked_at;       /* for stacks that nobody needs, monotonic */
};

enum error_class loop_new(struct loop **ret_loop, struct error *error)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (loop == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for an event loop");
	TAILQ_INIT(&loop->timers);
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0) {
		free(loop);
		return error_set(
			error, ERROR_INTERNAL, "cannot make an event loop: %s", strerror(errno));
	}

	*ret_loop = loop;
	return ERROR_NONE;
}

void loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	if (loop->epoll >= 0)
		close(loop->epoll);
	free(loop);
}

void loop_leave(struct loop *loop)
{
	close(loop->epoll);
	loop->epoll = -1;
}

/* ---- descriptors ---- */

enum error_class loop_watch(
	struct loop *loop, struct loop_watch *watch, uint32_t events, struct error *error)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, watch->fd, &event) == 0)
		return ERROR_NONE;
	return error_set(error, ERROR_INTERNAL, "cannot watch a socket: %s", strerror(errno));
}

void loop_change(struct loop *loop, struct loop_watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };
	epoll_ctl(loop->epoll, EPOLL_CTL_MOD, watch->fd, &event);
}

void loop_unwatch(struct loop *loop, struct loop_watch *watch)
{
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
	for (int i = 0; i < loop->event_count; i++)
		if (loop->events[i].data.ptr == watch)
			loop->events[i].data.ptr = NULL;
}

/* ---- timers ---- */

void loop_clear_timer(struct loop *loop, struct loop_timer *timer)
{
	if (timer->is_set)
		TAILQ_REMOVE(&loop->timers, timer, entry);
	timer->is_set = false;
}

void loop_set_timer(struct loop *loop, struct loop_timer *timer, int64_t at)
{
	loop_clear_timer(loop, timer);
	timer->at = at;
	timer->is_set = true;

	struct loop_timer *before = TAILQ_LAST(&loop->timers, loop_timers);
	while (before != NULL && before->at > at)
		before = TAILQ_PREV(before, loop_timers, entry);
	if (before != NULL)
		TAILQ_INSERT_AFTER(&loop->timers, before, timer, entry);
	else
		TAILQ_INSERT_HEAD(&loop->timers, timer, entry);
}

static void call_timers(struct loop *loop)
{
	int64_t now = clock_monotonic_ms();
	struct loop_timer *timer;

	while ((timer = TAILQ_FIRST(&loop->timers)) != NULL && timer->at <= now) {
		loop_clear_timer(loop, timer);
		timer->due(timer->context);
	}
}

/* ---- coroutines ---- */

void loop_wait_in(struct coroutine_list *list)
{
	coroutine_list_add(list, coroutine_current());
	coroutine_yield();
}

void loop_wake(struct loop *loop, struct coroutine_list *list)
{
	coroutine_list_move(&loop->woken, list);
}

struct sleeper {
	struct loop *loop;
	struct coroutine_list list; /* the one that sleeps */
};

static void wake_sleeper(void *context)
{
	struct sleeper *sleeper = context;
	loop_wake(sleeper->loop, &sleeper->list);
}

void loop_sleep_ms(struct loop *loop, int64_t milliseconds)
{
	struct sleeper sleeper = { .loop = loop };
	struct loop_timer timer = { .due = wake_sleeper, .context = &sleeper };

	if (loop == NULL) {
		clock_sleep_ms(milliseconds);
		return;
	}
	loop_set_timer(loop, &timer, clock_monotonic_ms() + milliseconds);
	loop_wait_in(&sleeper.list);
}

static void resume_woken(struct loop *loop)
{
	struct coroutine *coroutine;

	while ((coroutine = coroutine_list_take(&loop->woken)) != NULL)
		coroutine_resume(coroutine);
}

/* ---- a turn ---- */

static void ask_for(struct loop_hook **hooks, struct loop_hook *hook)
{
	if (hook->asked)
		return;
	hook->asked = true;
	hook->next = *hooks;
	*hooks = hook;
}

void loop_call_at_end(struct loop *loop, struct loop_hook *hook)
{
	ask_for(&loop->hooks, hook);
}

void loop_call_next(struct loop *loop, struct loop_hook *hook)
{
	ask_for(&loop->next, hook);
}

static void forget(struct loop_hook **place, const struct loop_hook *hook)
{
	while (*place != NULL && *place != hook)
		place = &(*place)->next;
	if (*place != NULL)
		*place = hook->next;
}

void loop_forget(struct loop *loop, struct loop_hook *hook)
{
	forget(&loop->hooks, hook);
	forget(&loop->next, hook);
	hook->asked = false;
}

/* Those that were asked for in the turn before are due in this one. */
static void take_next(struct loop *loop)
{
	struct loop_hook *hook;

	while ((hook = loop->next) != NULL) {
		loop->next = hook->next;
		hook->asked = false;
		loop_call_at_end(loop, hook);
	}
}

static void call_hooks(struct loop *loop)
{
	while (loop->hooks != NULL) {
		struct loop_hook *hook = loop->hooks;
		loop->hooks = hook->next;
		hook->asked = false;
		hook->call(hook->context);
	}
}

/* Until nobody has anything to do: what is sent may fail, and wake others. */
static void settle(struct loop *loop)
{
	do {
		resume_woken(loop);
		call_hooks(loop);
	} while (loop->woken.first != NULL || loop->hooks != NULL);
}

/* What a rush has taken, once it is over. */
static void give_back_idle(struct loop *loop)
{
	int64_t now = clock_monotonic_ms();

	if (now - loop->looked_at < IDLE_MS)
		return;
	loop->looked_at = now;
	if (coroutines_release_idle() == 0)
		return;
	arenas_give_back();
	resources_give_back();
}

static int time_to_wait(const struct loop *loop, int64_t most_ms)
{
	int64_t left = loop->next != NULL ? 0 : most_ms;
	const struct loop_timer *first = TAILQ_FIRST(&loop->timers);

	if (first != NULL && first->at - clock_monotonic_ms() < left)
		left = first->at - clock_monotonic_ms();
	return left > 0 ? (int)left : 0;
}

void loop_turn(struct loop *loop, int64_t most_ms)
{
	settle(loop); /* what was woken since the last turn */
	int count =
		epoll_wait(loop->epoll, loop->events, LOOP_EVENTS_MAX, time_to_wait(loop, most_ms));

	loop->event_count = count > 0 ? count : 0;
	for (int i = 0; i < loop->event_count; i++) {
		struct loop_watch *watch = loop->events[i].data.ptr;
		if (watch != NULL)
			watch->ready(watch->context, loop->events[i].events);
	}
	loop->event_count = 0;
	call_timers(loop);
	take_next(loop);
	settle(loop);
	give_back_idle(loop);
}
