/*
 * Words for what heartbeats and the queue tell of a run. All times are by the clock of Redis, and
 * as instants: a status that is read again says the same while nothing has changed.
 */
#include "store/waits.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/unset.h"
#include "core/workflow.h"
#include "slipway/action.h"
#include "store/run_eval.h"
#include "store/workers.h"

#define QUEUED_QUIET_MS 1000 /* usually a worker takes a run within milliseconds */
#define AHEAD_MAX       100
#define LEFT_TO_OTHERS                                                                             \
	"it is left to a worker of another build, which has the definition of its step, and "      \
	"begins when that has a free executor"
#define NAMES_SIZE  ((size_t)WORKFLOW_STEPS_MAX * (MEMBER_SIZE + 80))
#define TAKEOVER_MS 2000 /* from the end of a lease, at most */

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

static size_t count_workers(const struct redisReply *beats, int64_t now)
{
	struct fleet fleet = { .now = now };

	workers_each(beats, now, count_worker, &fleet);
	return fleet.alive;
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

/* One that workers of other builds have declined does not stand on the queue meanwhile. */
static bool is_queued_long(const struct run *run)
{
	int64_t since = run->ready_at > 0 ? run->ready_at : run->queued_at;

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
	char names[NAMES_SIZE];
};

/* By the name of its action; "-" where this build has no such step. */
static const char *provider_of(const struct run_name *name)
{
	const struct workflow_definition *workflow = workflow_find(name->workflow);
	const struct step_definition *step =
		workflow != NULL ? workflow_step(workflow, name->step) : NULL;

	return step != NULL ? step->action->id : "-";
}

/* One that only waits for a worker of its own build is not before or behind others. */
static void add_place(struct places *places, struct run *run)
{
	char member[MEMBER_SIZE];

	own_name_make(member, &run->name);
	if (run->ready_at == 0 || places->count == WORKFLOW_STEPS_MAX ||
		!text_append(places->names, sizeof(places->names), "%s %s ", member,
			provider_of(&run->name)))
		return;
	places->runs[places->count++] = run;
}

/* Another one lives that has its definition. Whether anything else is before it there, nobody
 * knows. */
static bool is_left_to_others(const struct run *run)
{
	return run->ready_at == 0 && run->due > 0 && run->reason[0] == '\0';
}

/* The reply has three items for a run: see turn.lua. */
static void explain_place(struct run *run, const struct redisReply *reply, size_t first,
	const struct fleet *fleet, struct arena *arena)
{
	const int64_t ahead = reply_integer(reply_item(reply, first));
	const char *reason = reply_text(reply_item(reply, first + 1));
	const char *held_by = reply_text(reply_item(reply, first + 2));

	if (ahead < 0)
		return;
	const char *detail = describe_turn(fleet, ahead, arena);
	if (reason[0] == '\0')
		explain(run, "turn", detail);
	else if (strcmp(reason, "paused") == 0)
		explain(run, "paused", arena_string(arena, held_by));
	else
		explain(run, "turn", arena_format(arena, "%s; %s", held_by, detail));
}

static void explain_places(struct redis *redis, const struct places *places,
	const struct fleet *fleet, struct arena *arena)
{
	const int64_t most = AHEAD_MAX;
	const struct script_argument arguments[] = { { "runs", .text = places->names },
		{ "most", .integer = &most } };
	const struct script_call call = { SCRIPT_TURN, 0, NULL, ARRAY_LEN(arguments), arguments };
	CLEANUP_REPLY struct redisReply *reply = NULL;
	struct error ignored;

	if (places->count == 0 ||
		run_eval(redis, &places->runs[0]->name, &call, &reply, &ignored) != ERROR_NONE)
		return;
	for (size_t i = 0; i < places->count && 3 * i + 2 < reply_count(reply); i++)
		explain_place(places->runs[i], reply, 3 * i, fleet, arena);
}

static void explain_queued(struct redis *redis, struct run *runs, size_t count,
	const struct fleet *fleet, struct arena *arena)
{
	UNSET struct places places; /* its names are too many bytes to set them all */

	places.count = 0;
	places.names[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		if (!is_queued_long(&runs[i]))
			continue;
		if (fleet->alive == 0)
			explain(&runs[i], "no_worker", describe_absence(fleet, arena));
		else if (is_left_to_others(&runs[i]))
			explain(&runs[i], "turn", LEFT_TO_OTHERS);
		else
			add_place(&places, &runs[i]);
	}

	explain_places(redis, &places, fleet, arena);
}

/* ---- executing ---- */

/* Who takes over looks at the leases all the time: of one that is not running yet nobody can say
 * when.
 */
static const char *describe_silence(
	const struct run *run, int64_t heard_at, size_t alive, struct arena *arena)
{
	char since[CLOCK_TEXT_SIZE] = "", until[CLOCK_TEXT_SIZE];
	const bool ends = run->cancel[0] != '\0';

	clock_format(heard_at, since);
	clock_format(run->lease_until + TAKEOVER_MS, until);
	const char *silence = arena_format(arena, "its worker %s %s%s", run->worker,
		heard_at > 0 ? "has not been heard of since " : "is not running any more",
		heard_at > 0 ? since : "");
	if (alive == 0)
		return arena_format(arena,
			"%s, and no other is running: %s when a worker is started", silence,
			ends ? "the run is cancelled" : "the run is taken over");
	return arena_format(arena, "%s; unless it is back before, %s by %s", silence,
		ends ? "the run is cancelled" : "another worker takes the run over", until);
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
		explain(run, "worker_silent",
			describe_silence(run, worker.at, count_workers(beats, run->now), arena));
	else if (run->cancel[0] != '\0')
		explain(run, "cancelling",
			"a cancel was asked for; its worker ends it within seconds");
}

static bool any_is_queued_long(const struct run *runs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_queued_long(&runs[i]))
			return true;
	return false;
}

void waits_explain(struct redis *redis, struct run *runs, size_t count,
	const struct redisReply *beats, struct arena *arena)
{
	struct fleet fleet = { .now = count > 0 ? runs[0].now : 0 };

	if (reply_is_error(beats))
		return;
	for (size_t i = 0; i < count; i++)
		if (is_in(&runs[i], "executing"))
			explain_executing(&runs[i], beats, arena);
	if (!any_is_queued_long(runs, count))
		return;
	workers_each(beats, fleet.now, count_worker, &fleet);
	explain_queued(redis, runs, count, &fleet, arena);
}
