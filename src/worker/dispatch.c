/*
 * A coroutine takes for all that are idle, in the call that writes the results which came in the
 * same turn; while that call is under way others become idle, and another one takes for those.
 * Where the queue has no more, another one waits at the bell, on a connection of its own: a wait
 * would hold up whatever comes after it on the shared one.
 */
#include "worker/dispatch.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "core/workflow.h"
#include "store/layout.h"
#include "store/queue.h"
#include "worker/attempt_log.h"
#include "worker/belief.h"
#include "worker/clean_up.h"
#include "worker/decline.h"
#include "worker/reserve.h"
#include "worker/service.h"

#define BELL_TIMEOUT_MS 3000
#define BELL_MS         1000 /* below the time-out of the connection */
#define PAUSE_MS        500  /* while Redis is away */
#define DISPATCHERS_MAX 2    /* as many as there are calls under way (batch.c) */

static bool stops(const struct supervisor *supervisor)
{
	return supervisor->prefork.stopping;
}

static size_t count_idle(const struct supervisor *supervisor)
{
	size_t count = 0;

	for (size_t i = 0; i < supervisor->prefork.count && !stops(supervisor); i++)
		count += service_is_idle(&supervisor->slots[i]) ? 1 : 0;
	return count;
}

/* Those that nothing was asked for yet. */
static size_t count_unasked(const struct supervisor *supervisor)
{
	const size_t idle = count_idle(supervisor);
	return idle > supervisor->asked ? idle - supervisor->asked : 0;
}

/* ---- what was taken ---- */

/* The executors may have ended meanwhile. One whose definition this build has not was added by
 * hand. */
static void hand_out(struct supervisor *supervisor, struct claim *claim, int64_t taken_at)
{
	const struct step_definition *step = step_of(&claim->run.name);
	char input_digest[MAC_DIGEST_SIZE];
	struct error error;

	mac_digest(claim->run.input, input_digest);
	if (belief_check_claim(supervisor->macs, claim, input_digest, &error) != ERROR_NONE) {
		refuse_claim(supervisor, claim, taken_at, &error);
		return;
	}

	for (size_t i = 0; i < supervisor->prefork.count && !stops(supervisor) && step != NULL;
		i++) {
		if (!service_is_idle(&supervisor->slots[i]))
			continue;
		service_give(&supervisor->slots[i], step, claim, input_digest, taken_at);
		return;
	}

	release_unbegun(supervisor, claim, taken_at);
}

static void handle(
	struct supervisor *supervisor, struct taken *taken, int64_t taken_at, struct arena *arena)
{
	switch (taken->kind) {
	case TAKEN_RUN:
		hand_out(supervisor, &taken->claim, taken_at);
		return;
	case TAKEN_ENDED:
		run_ended_log(&taken->ended, -1);
		return;
	case TAKEN_OTHER_BUILD:
		decline_taken(supervisor->redis, &supervisor->directory, taken, arena);
		return;
	case TAKEN_BROKEN:
		log_write(LOG_WARNING, "run cannot be taken", "entry", taken->member, "why",
			taken->why, NULL);
		return;
	}
}

static void handle_all(struct supervisor *supervisor, struct taken_list *list, bool are_runs,
	int64_t taken_at, struct arena *arena)
{
	for (size_t i = 0; i < list->count; i++)
		if ((list->items[i].kind == TAKEN_RUN) == are_runs)
			handle(supervisor, &list->items[i], taken_at, arena);
}

/* ---- taking ---- */

/* How many were met; 0 where the queue has none for us now. */
static enum error_class take(
	struct supervisor *supervisor, size_t want, size_t *ret_met, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const struct take wanted = { .worker = supervisor->name,
		.lease_ms = supervisor_lease_ms(supervisor),
		.definitions = supervisor->definitions,
		.limits = reserve_limits(supervisor, &arena),
		.want = want,
		.after_begun = supervisor->after_begun };
	struct taken_list list;

	*ret_met = 0;
	if (wanted.limits == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the limits of runs");
	/* Before the claim, so the lease never expires earlier than we believe. */
	int64_t taken_at = clock_monotonic_ms();
	supervisor->asked += want;
	enum error_class class = batch_take(&supervisor->batch, &wanted, &arena, &list, error);

	supervisor->after_begun = list.after_begun;
	*ret_met = list.count;
	/* Until the runs are given out, which may wait for Redis, these executors are spoken for.
	 * The others are in no hurry. */
	handle_all(supervisor, &list, true, taken_at, &arena);
	supervisor->asked -= want;
	handle_all(supervisor, &list, false, taken_at, &arena);
	queue_taken_release(&list);
	return class;
}

/* Until nobody is idle, or the queue has no more for us. */
static enum error_class take_all(struct supervisor *supervisor, struct error *error)
{
	size_t want, met;

	do {
		want = count_unasked(supervisor);
		/* The wish stays: nobody has asked the queue since it came. */
		if (want == 0)
			return ERROR_NONE;
		supervisor->wants_take = false;
		if (take(supervisor, want, &met, error) != ERROR_NONE)
			return error->class;
	} while (met >= want || supervisor->wants_take);

	return ERROR_NONE;
}

/* That Redis is away, the supervisor logs once. */
static void pause_after(
	struct supervisor *supervisor, enum error_class class, const struct error *error)
{
	if (class == ERROR_NONE)
		return;
	if (!supervisor_is_cut_off(class))
		log_error("queue", error);
	loop_sleep_ms(supervisor->loop, PAUSE_MS);
	supervisor->wants_take = true;
}

static void dispatch(void *context)
{
	struct supervisor *supervisor = context;
	struct error error;

	pause_after(supervisor, take_all(supervisor, &error), &error);
	supervisor->dispatchers--;
	loop_call_at_end(supervisor->loop, &supervisor->dispatch_hook);
	supervisor_leave(supervisor);
}

static void wait_at_bell(void *context)
{
	struct supervisor *supervisor = context;
	struct error error;

	pause_after(supervisor, queue_wait(supervisor->bell, BELL_MS, &error), &error);
	supervisor->is_waiting = false;
	dispatch_wake(supervisor);
	supervisor_leave(supervisor);
}

/* Where there is no memory, the next tick tries again. */
static void start_dispatcher(struct supervisor *supervisor)
{
	supervisor->dispatchers++;
	if (!supervisor_start(supervisor, dispatch, supervisor))
		supervisor->dispatchers--;
}

static void start_waiting(struct supervisor *supervisor)
{
	supervisor->is_waiting = true;
	if (!supervisor_start(supervisor, wait_at_bell, supervisor))
		supervisor->is_waiting = false;
}

/* At the end of a turn, so that all that became idle in it are counted. */
static void on_end_of_turn(void *context)
{
	struct supervisor *supervisor = context;

	/* Before the first run: what it would be taken without is a limit. */
	if (!supervisor->knows_reserve || count_unasked(supervisor) == 0)
		return;
	if (supervisor->wants_take && supervisor->dispatchers < DISPATCHERS_MAX)
		start_dispatcher(supervisor);
	else if (!supervisor->wants_take && supervisor->dispatchers == 0 && !supervisor->is_waiting)
		start_waiting(supervisor);
}

void dispatch_wake(struct supervisor *supervisor)
{
	supervisor->wants_take = true;
	loop_call_at_end(supervisor->loop, &supervisor->dispatch_hook);
}

void dispatch_check(struct supervisor *supervisor)
{
	loop_call_at_end(supervisor->loop, &supervisor->dispatch_hook);
}

enum error_class dispatch_open(struct supervisor *supervisor, struct error *error)
{
	char name[WORKER_NAME_SIZE + 8];

	supervisor->dispatch_hook =
		(struct loop_hook){ .call = on_end_of_turn, .context = supervisor };
	arena_init(&supervisor->arena, 0);
	supervisor->definitions = queue_definitions(&supervisor->arena);
	if (supervisor->definitions == NULL)
		return error_set(
			error, ERROR_OUT_OF_MEMORY, "no memory for the list of definitions");
	text_format(name, sizeof(name), "%s-bell", supervisor->name);
	if (redis_from_settings(supervisor->settings, name, BELL_TIMEOUT_MS, &supervisor->bell,
		    error) != ERROR_NONE)
		return error->class;
	redis_join(supervisor->bell, supervisor->loop);
	layout_require(supervisor->bell);
	return ERROR_NONE;
}

void dispatch_close(struct supervisor *supervisor)
{
	redis_free(supervisor->bell);
	arena_release(&supervisor->directory.arena);
	arena_release(&supervisor->arena);
}
