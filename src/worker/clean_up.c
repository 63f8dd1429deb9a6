/*
 * Each run that lost its executor is cleaned up in a coroutine of its own, so none waits for
 * another. The lease fences each write: a run that was taken over meanwhile stays as it is.
 */
#include "worker/clean_up.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "worker/alarm.h"
#include "worker/attempt_log.h"
#include "worker/outcome.h"
#include "worker/result.h"

#define WRITE_TRIES    5
#define WRITE_PAUSE_MS 100

/* ---- releasing later ---- */

void release_later(struct supervisor *supervisor, const struct lease *lease)
{
	if (supervisor->unreleased_count < UNRELEASED_MAX)
		supervisor->unreleased[supervisor->unreleased_count++] = *lease;
}

enum error_class release_pending(struct supervisor *supervisor, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;

	while (supervisor->unreleased_count > 0) {
		struct run ended;
		const struct lease lease = supervisor->unreleased[--supervisor->unreleased_count];
		enum error_class class = batch_write(
			&supervisor->batch, &lease, &result_release, &arena, &ended, error);
		if (class == ERROR_NONE)
			run_ended_log(&ended, -1);
		if (!supervisor_is_cut_off(class))
			continue;
		release_later(supervisor, &lease);
		return class;
	}

	return ERROR_NONE;
}

/* ---- writing without an executor ---- */

/* Redis may be away for a moment; after that the run is released when it is back. */
static void commit(struct supervisor *supervisor, const struct result *result, struct arena *arena)
{
	const struct result_retries retries = { .tries_max = WRITE_TRIES,
		.pause_ms = WRITE_PAUSE_MS,
		.give_up_at = INT64_MAX,
		.loop = supervisor->loop };
	struct error error;
	enum error_class class = result_commit(result, &retries, arena, &error);

	if (class == ERROR_NONE || class == ERROR_LEASE_LOST)
		return;
	log_error("run is released later", &error);
	supervisor_record_redis(supervisor, &error);
	release_later(supervisor, result->lease);
}

void release_unbegun(struct supervisor *supervisor, const struct claim *claim, int64_t taken_at)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const struct result result = { &supervisor->batch, &claim->lease, &claim->run, taken_at,
		&result_release };

	commit(supervisor, &result, &arena);
}

void refuse_claim(struct supervisor *supervisor, const struct claim *claim, int64_t taken_at,
	const struct error *refusal)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const struct run_progress progress = { .attempt = claim->run.attempt,
		.attempts = claim->run.attempts };
	struct run_write write;
	struct error error;

	if (failure_write(refusal, &progress, &arena, &write, &error) != ERROR_NONE)
		write = result_release;
	const struct result result = { &supervisor->batch, &claim->lease, &claim->run, taken_at,
		&write };
	alarm_raise(supervisor->redis, &claim->run.name, claim->run.request, ALARM_NOT_BELIEVED,
		refusal);
	commit(supervisor, &result, &arena);
}

/* ---- cleaning up ---- */

/* A copy: the slot has another executor soon. */
struct ended {
	struct supervisor *supervisor;
	struct slot slot;
	bool stopping; /* it had been told to end, or had not begun the run */
};

static void commit_result(
	const struct ended *ended, const struct run_write *write, struct arena *arena)
{
	const struct slot *slot = &ended->slot;
	struct run run;

	slot_run(slot, &run);
	const struct result result = { &ended->supervisor->batch, &slot->report.lease, &run,
		slot->report.claimed_at, write };
	commit(ended->supervisor, &result, arena);
}

static void commit_failure(const struct ended *ended, enum error_class class, const char *message)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct error failure, error;
	struct run_write write;
	const struct report *report = &ended->slot.report;
	const struct run_progress progress = { .attempt = report->attempt,
		.attempts = report->attempts };

	error_set(&failure, class, "%s", message);
	if (failure_write(&failure, &progress, &arena, &write, &error) == ERROR_NONE)
		commit_result(ended, &write, &arena);
}

static void release(const struct ended *ended)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	commit_result(ended, &result_release, &arena);
}

/* A lease of 0 ms expires at once: the reaper counts a crash and queues the run again. */
static void expire_lease(const struct ended *ended)
{
	struct error error;
	bool cancel;

	if (run_renew(ended->supervisor->redis, &ended->slot.report.lease, 0, &cancel, &error) !=
		ERROR_NONE)
		log_error("lease not given up, it runs out", &error);
}

static void clean_up(const struct ended *ended)
{
	const struct slot *slot = &ended->slot;

	/* The executor had moved on to another run when the kill arrived: release that run without
	 * a penalty. */
	if (slot->kill_reason != KILL_NONE &&
		strcmp(slot->killed_token, slot->report.lease.token) != 0) {
		release(ended);
		return;
	}

	switch (slot->kill_reason) {
	case KILL_TIMEOUT:
		commit_failure(
			ended, ERROR_TIMEOUT, "the attempt took longer than its deadline allows");
		return;
	case KILL_CANCELLED:
		commit_failure(ended, ERROR_CANCELLED, RUN_STOPPED_MESSAGE);
		return;
	case KILL_LEASE_LOST:
		release_later(ended->supervisor, &slot->report.lease);
		return;
	case KILL_NONE:
		if (ended->stopping)
			release(ended);
		else
			expire_lease(ended);
		return;
	}
}

static void clean_up_in_coroutine(void *context)
{
	struct ended *ended = context;
	struct supervisor *supervisor = ended->supervisor;

	clean_up(ended);
	free(ended);
	supervisor_leave(supervisor);
}

static bool has_begun(const struct supervisor *supervisor, const struct slot *slot)
{
	return atomic_load(&supervisor->shared[slot->index]->begun) == slot->number;
}

/* Where memory is short, the lease runs out as after a crash. */
void clean_up_after(struct supervisor *supervisor, const struct slot *slot)
{
	struct ended *ended = calloc(1, sizeof(*ended));

	if (ended != NULL)
		*ended = (struct ended){ supervisor, *slot,
			supervisor->prefork.stopping || !has_begun(supervisor, slot) };
	if (ended == NULL || !supervisor_start(supervisor, clean_up_in_coroutine, ended)) {
		log_write(LOG_ERROR, "no memory to clean up after an executor, its lease runs out",
			"run", slot->report.run_id, NULL);
		free(ended);
	}
}
