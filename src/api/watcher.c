/*
 * Whatever it may have missed, because its connection was lost or nothing was held, is made good by
 * one rule: once it knows again from where on it reads, all that are held are looked at.
 */
#include "api/watcher.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/changes.h"

/* What changes in a row is told together: a busy server would wake us for each change. */
#define PAUSE_MS      2
#define LONG_PAUSE_MS 500 /* Redis cannot be reached */

struct watcher {
	struct loop *loop;
	struct redis *redis;
	struct holds *holds;
	struct loop_timer timer;
	struct coroutine_list waiting; /* the watcher, while it waits for no reply */
	char position[STREAM_ID_SIZE];
	bool is_positioned;
	bool is_failing; /* and that has been logged */
	bool is_stopping, has_ended;
};

static void wake(void *context)
{
	struct watcher *watcher = context;
	loop_wake(watcher->loop, &watcher->waiting);
}

static void pause_for(struct watcher *watcher, int64_t milliseconds)
{
	loop_set_timer(watcher->loop, &watcher->timer, clock_monotonic_ms() + milliseconds);
	loop_wait_in(&watcher->waiting);
	loop_clear_timer(watcher->loop, &watcher->timer);
}

static void take_change(void *context, const char *app)
{
	struct watcher *watcher = context;
	holds_changed(watcher->holds, app);
}

static enum error_class look(struct watcher *watcher, struct error *error)
{
	if (watcher->is_positioned)
		return changes_read(watcher->redis, watcher->position, WATCHER_WAIT_MS, take_change,
			watcher, error);
	if (changes_position(watcher->redis, watcher->position, error) != ERROR_NONE)
		return error->class;
	watcher->is_positioned = true;
	holds_changed(watcher->holds, "");
	return ERROR_NONE;
}

/* Held requests are kept while Redis is away: they have nothing to tell. */
static void fail(struct watcher *watcher, const struct error *error)
{
	watcher->is_positioned = false;
	if (!watcher->is_failing && !watcher->is_stopping)
		log_error("changes cannot be read: held requests wait for their time", error);
	watcher->is_failing = true;
}

static void watch(void *context)
{
	struct watcher *watcher = context;
	struct error error;

	while (!watcher->is_stopping) {
		if (holds_is_empty(watcher->holds)) {
			watcher->is_positioned = false;
			loop_wait_in(&watcher->waiting);
			continue;
		}
		bool failed = look(watcher, &error) != ERROR_NONE;
		if (failed)
			fail(watcher, &error);
		else
			watcher->is_failing = false;
		if (!watcher->is_stopping)
			pause_for(watcher, failed ? LONG_PAUSE_MS : PAUSE_MS);
	}
	watcher->has_ended = true;
}

enum error_class watcher_start(struct loop *loop, struct redis *redis, struct holds *holds,
	struct watcher **ret_watcher, struct error *error)
{
	struct watcher *watcher = calloc(1, sizeof(*watcher));

	if (watcher == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to wait for changes");
	watcher->loop = loop;
	watcher->redis = redis;
	watcher->holds = holds;
	watcher->timer = (struct loop_timer){ .due = wake, .context = watcher };
	holds_on_first(holds, wake, watcher);
	if (!coroutine_start(watch, watcher)) {
		free(watcher);
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to wait for changes");
	}

	*ret_watcher = watcher;
	return ERROR_NONE;
}

void watcher_stop(struct watcher *watcher)
{
	if (watcher == NULL)
		return;
	watcher->is_stopping = true;
	wake(watcher);
	redis_interrupt(watcher->redis);
	while (!watcher->has_ended)
		loop_turn(watcher->loop, 100);
	holds_on_first(watcher->holds, NULL, NULL);
	free(watcher);
}
