/*
 * A hash by app, and one timer for all: it looks through them four times a second, for thousands of
 * timers of their own would stand in the way of all others.
 */
#include "api/holds.h"

#include <stdlib.h>
#include <string.h>
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/clock.h"
#include "base/text.h"

#define TICK_MS 250

TAILQ_HEAD(hold_list, hold);

struct watched_app {
	char id[APP_MEMBER_SIZE]; /* tenant:app */
	struct hold_list holds;
	UT_hash_handle hh;
};

struct holds {
	struct loop *loop;
	struct loop_timer tick;
	struct hold_list all;
	struct watched_app *apps; /* a hash by id; NULL: there is none */
	size_t count, most;
	bool is_stopped;
	void (*on_first)(void *context);
	void *on_first_context;
};

static void set_due(struct hold *hold)
{
	hold->is_due = true;
	if (!hold->is_parked)
		return;
	hold->is_parked = false;
	hold->wake(hold->context);
}

/* At each tick; none sets off another one from within. */
static void look_at_all(void *context)
{
	struct holds *holds = context;
	int64_t now = clock_monotonic_ms();
	struct hold *hold;

	for (hold = TAILQ_FIRST(&holds->all); hold != NULL; hold = TAILQ_NEXT(hold, entry))
		if (hold->end_at <= now || hold->look_at <= now)
			set_due(hold);
	if (holds->count > 0)
		loop_set_timer(holds->loop, &holds->tick, now + TICK_MS);
}

enum error_class holds_new(struct loop *loop, struct holds **ret_holds, struct error *error)
{
	struct holds *holds = calloc(1, sizeof(*holds));

	if (holds == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for held requests");
	holds->loop = loop;
	holds->tick = (struct loop_timer){ .due = look_at_all, .context = holds };
	TAILQ_INIT(&holds->all);

	*ret_holds = holds;
	return ERROR_NONE;
}

void holds_free(struct holds *holds)
{
	if (holds != NULL)
		loop_clear_timer(holds->loop, &holds->tick);
	free(holds);
}

void holds_limit(struct holds *holds, size_t most)
{
	holds->most = most;
}

bool holds_is_empty(const struct holds *holds)
{
	return holds->count == 0;
}

void holds_on_first(struct holds *holds, void (*call)(void *context), void *context)
{
	holds->on_first = call;
	holds->on_first_context = context;
}

void holds_changed(struct holds *holds, const char *app)
{
	struct watched_app *watched;
	struct hold *hold;

	if (app[0] == '\0') {
		for (hold = TAILQ_FIRST(&holds->all); hold != NULL; hold = TAILQ_NEXT(hold, entry))
			set_due(hold);
		return;
	}
	HASH_FIND_STR(holds->apps, app, watched);
	hold = watched != NULL ? TAILQ_FIRST(&watched->holds) : NULL;
	for (; hold != NULL; hold = TAILQ_NEXT(hold, of_app))
		set_due(hold);
}

void holds_stop(struct holds *holds)
{
	holds->is_stopped = true;
	holds_changed(holds, "");
}

/* ---- one of them ---- */

/* NULL: no memory. */
static struct watched_app *watch_app(struct holds *holds, const char *id)
{
	struct watched_app *app;

	HASH_FIND_STR(holds->apps, id, app);
	if (app != NULL || (app = calloc(1, sizeof(*app))) == NULL)
		return app;
	text_copy(app->id, sizeof(app->id), id);
	TAILQ_INIT(&app->holds);
	HASH_ADD_STR(holds->apps, id, app);
	if (app->hh.tbl != NULL)
		return app;
	free(app);
	return NULL;
}

static void begin(struct holds *holds, struct hold *hold, const char *id, int64_t seconds)
{
	struct watched_app *app = watch_app(holds, id);

	if (app == NULL)
		return;
	*hold = (struct hold){
		.holds = holds, .app = app, .end_at = clock_monotonic_ms() + seconds * 1000
	};
	TAILQ_INSERT_TAIL(&holds->all, hold, entry);
	TAILQ_INSERT_TAIL(&app->holds, hold, of_app);
	holds->count++;
	if (holds->count > 1)
		return;
	loop_set_timer(holds->loop, &holds->tick, clock_monotonic_ms() + TICK_MS);
	if (holds->on_first != NULL)
		holds->on_first(holds->on_first_context);
}

bool hold_watch(struct holds *holds, struct hold *hold, const char *app, int64_t seconds)
{
	if (hold->holds == NULL && !holds->is_stopped && holds->count < holds->most)
		begin(holds, hold, app, seconds);
	hold->is_due = false;
	hold->look_at = INT64_MAX;
	hold->may_wait = hold->holds != NULL && !hold_is_over(hold);
	return hold->may_wait;
}

bool hold_is_over(const struct hold *hold)
{
	return hold->holds->is_stopped || hold->end_at <= clock_monotonic_ms();
}

void hold_follow(struct hold *hold, const struct hold *first)
{
	hold->is_due = hold_is_over(hold);
	hold->look_at = first->look_at;
}

void hold_look_after(struct hold *hold, int64_t milliseconds)
{
	hold->look_at = clock_monotonic_ms() + milliseconds;
}

void hold_park(struct hold *hold, void (*wake)(void *context), void *context)
{
	hold->wake = wake;
	hold->context = context;
	hold->is_parked = true;
	if (hold->is_due)
		set_due(hold);
}

const char *hold_watched(const struct hold *hold)
{
	return hold->holds != NULL ? hold->app->id : "";
}

void hold_end(struct hold *hold)
{
	struct holds *holds = hold->holds;

	if (holds == NULL)
		return;
	TAILQ_REMOVE(&holds->all, hold, entry);
	TAILQ_REMOVE(&hold->app->holds, hold, of_app);
	if (TAILQ_EMPTY(&hold->app->holds)) {
		HASH_DEL(holds->apps, hold->app);
		free(hold->app);
	}
	holds->count--;
	if (holds->count == 0)
		loop_clear_timer(holds->loop, &holds->tick);
	*hold = (struct hold){ .holds = NULL };
}
