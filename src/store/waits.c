/*
 * Words for what heartbeats and the queue tell of a run. All times are by the clock of Redis, and
 * as instants: a status that is read again says the same while nothing has changed.
 */
#include "store/waits.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "core/workflow.h"
#include "store/run_eval.h"
#include "store/workers.h"

#define QUEUED_QUIET_MS 1000 /* usually a worker takes a run within milliseconds */
#define AHEAD_MAX       100
#define ENTRIES_SIZE    ((size_t)WORKFLOW_STEPS_MAX * 48)
#define TAKEOVER_MS     2000 /* from the end of a lease, at most */

/* Who is running, as the heartbeats say. */
struct fleet {
	size_t alive, executors, busy;
	char last[128];  /* the one that was heard of last; "": none ever was */
	int64_t last_at; /* when */
	int64_t now;
};

/* The last heartbeat of one worker. */
struct lookup {
	const char *name;
	int64_t at; /* 0: there is none */
	int64_t now;
};

static void count_worker(void *context, const struct worker_heartbeat *beat, int64_t age_ms)
{
	struct fleet *fleet = context;

	if (age_ms <= WORKER_ABSENT_MS) {
		fleet->alive++;
		fleet->executors += beat->executors;
		fleet->busy += beat->busy;
	}
	if (age_ms != WORKER_NEVER_MS && fleet->now - age_ms > fleet->last_at) {
		fleet->last_at = fleet->now - age_ms;
		text_copy(fleet->last, sizeof(fleet->last), beat->name);
	}
}

static void find_worker(void *context, const struct worker_heartbeat *beat, int64_t age_ms)
{
	struct lookup *lookup = context;

	if (strcmp(beat->name, lookup->name) == 0 && age_ms != WORKER_NEVER_MS)
		lookup->at = lookup->now - age_ms;
}

/* Leaves the run as it is if there was no memory for the detail. */
static void explain(struct run *run, const char *reason, const char *detail)
{
	if (detail == NULL)
		return;
	run->reason = reason;
	run->detail = detail;
}

static bool is_in(const struct run *run, const char *phase)
{
	return run_is_live(run) && strcmp(run->phase, phase) == 0;
}

/* ---- queued ---- */

/* Since when it stands on the queue: the id of its entry begins with that. One that workers of
 * other builds have declined has no entry meanwhile. */
static bool is_queued_long(const struct run *run)
{
	int64_t since = run->entry[0] != '\0' ? strtoll(run->entry, NULL, 10) : run->queued_at;

	return is_in(run, "queued") && run->now - since > QUEUED_QUIET_MS;
}

static const char *describe_absence(const struct fleet *fleet, struct arena *arena)
{
	char at[CLOCK_TEXT_SIZE];

	if (fleet->last[0] == '\0')
		return "no worker is running; it begins when one is started";
	clock_format(fleet->last_at, at);
	return arena_format(arena,
		"no worker is running: the last one, %s, was last heard of at %s; it begins when "
		"one "
		"is started",
		fleet->last, at);
}

static const char *describe_turn(const struct fleet *fleet, int64_t ahead, struct arena *arena)
{
	char place[64];

	if (ahead > AHEAD_MAX)
		text_format(place, sizeof(place), "more than %d runs are before it", AHEAD_MAX);
	else if (ahead == 0)
		text_copy(place, sizeof(place), "it is next");
	else
		text_format(place, sizeof(place), "%lld run%s before it", (long long)ahead,
			ahead == 1 ? " is" : "s are");
	return arena_format(arena, "%s; %s%zu executor%s of %zu worker%s %s", place,
		fleet->busy >= fleet->executors && fleet->executors > 1 ? "all " : "",
		fleet->executors, fleet->executors == 1 ? "" : "s", fleet->alive,
		fleet->alive == 1 ? "" : "s",
		fleet->busy < fleet->executors  ? "take runs in turn"
			: fleet->executors == 1 ? "is busy"
						: "are busy");
}

/* Runs whose place in the queue is asked for. */
struct places {
	struct run *runs[WORKFLOW_STEPS_MAX];
	size_t count;
	char entries[ENTRIES_SIZE];
};

/* One that only waits for a worker of its own build is not before or behind others. */
static void add_place(struct places *places, struct run *run)
{
	if (run->entry[0] == '\0' || places->count == WORKFLOW_STEPS_MAX ||
		!text_append(places->entries, sizeof(places->entries), "%s%s",
			places->count > 0 ? " " : "", run->entry))
		return;
	places->runs[places->count++] = run;
}

static void explain_places(struct redis *redis, const struct places *places,
	const struct fleet *fleet, struct arena *arena)
{
	static const char *const keys[] = { KEY_DUE };
	const int64_t most = AHEAD_MAX;
	const struct script_argument arguments[] = { { "entries", .text = places->entries },
		{ "most", .integer = &most } };
	const struct script_call call = { SCRIPT_TURN, ARRAY_LEN(keys), keys, ARRAY_LEN(arguments),
		arguments };
	CLEANUP_REPLY struct redisReply *reply = NULL;
	struct error ignored;

	if (places->count == 0 ||
		run_eval(redis, &places->runs[0]->name, &call, &reply, &ignored) != ERROR_NONE)
		return;
	for (size_t i = 0; i < places->count && i < reply_count(reply); i++) {
		int64_t ahead = reply_integer(reply_item(reply, i));
		if (ahead >= 0)
			explain(places->runs[i], "turn", describe_turn(fleet, ahead, arena));
	}
}

static void explain_queued(struct redis *redis, struct run *runs, size_t count,
	const struct fleet *fleet, struct arena *arena)
{
	struct places places = { .count = 0, .entries = "" };

	for (size_t i = 0; i < count; i++) {
		if (!is_queued_long(&runs[i]))
			continue;
		if (fleet->alive == 0)
			explain(&runs[i], "no_worker", describe_absence(fleet, arena));
		else
			add_place(&places, &runs[i]);
	}

	explain_places(redis, &places, fleet, arena);
}

/* ---- executing ---- */

static const char *describe_silence(const struct run *run, int64_t heard_at, struct arena *arena)
{
	char since[CLOCK_TEXT_SIZE] = "", until[CLOCK_TEXT_SIZE];

	clock_format(heard_at, since);
	clock_format(run->lease_until + TAKEOVER_MS, until);
	return arena_format(arena, "its worker %s %s%s; unless it is back before, %s by %s",
		run->worker,
		heard_at > 0 ? "has not been heard of since " : "is not running any more",
		heard_at > 0 ? since : "",
		run->cancel[0] != '\0' ? "the run is cancelled"
				       : "another worker takes the run over",
		until);
}

/* A lease that ran out is proof as well, whatever the heartbeats say: its worker could not renew
 * it. */
static void explain_executing(struct run *run, const struct redisReply *beats, struct arena *arena)
{
	struct lookup worker = { run->worker, 0, run->now };

	if (run->lease_until == 0)
		return;
	workers_each(beats, run->now, find_worker, &worker);
	if (run->now - worker.at > WORKER_ABSENT_MS || run->lease_until < run->now)
		explain(run, "worker_silent", describe_silence(run, worker.at, arena));
	else if (run->cancel[0] != '\0')
		explain(run, "cancelling",
			"a cancel was asked for; its worker ends it within seconds");
}

void waits_explain(struct redis *redis, struct run *runs, size_t count,
	const struct redisReply *beats, struct arena *arena)
{
	struct fleet fleet = { .now = count > 0 ? runs[0].now : 0 };

	if (reply_is_error(beats))
		return;
	workers_each(beats, fleet.now, count_worker, &fleet);
	for (size_t i = 0; i < count; i++)
		if (is_in(&runs[i], "executing"))
			explain_executing(&runs[i], beats, arena);
	explain_queued(redis, runs, count, &fleet, arena);
}
