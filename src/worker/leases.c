/*
 * Neither a cancel nor the end of the worker cuts off a request that may change something at a
 * provider: what it makes would be in the ledger as pending at best, and whoever runs the step
 * next, a moment later, might not find it and make it again. Such a request may end, and its action
 * say what it has made; no other one is sent, and what was to be made by it is taken back. Who does
 * not end by that is killed.
 *
 * The time limits are checked without Redis, so that one that hangs never keeps an executor at work
 * beyond its lease. One call is under way for all leases at any time: what it learns of a run that
 * has ended meanwhile is of no interest.
 */
#include "worker/leases.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "core/run_log.h"

#define CANCEL_CHECK_MS 1000
#define LAST_SHARE      5 /* of the grace: in the last fifth no request is sent any more */
/* For how long a run may go on that is cancelled: until it ends at its next call, which may have to
 * wait for a turn, or until a request has ended that changes something. */
#define ENDS_WITHIN_MS   1500
#define CHANGE_WITHIN_MS 10000

static void kill_executor(
	struct supervisor *supervisor, size_t index, enum kill_reason reason, const char *why)
{
	struct slot *slot = &supervisor->slots[index];
	struct run run;
	struct log_line line;

	slot->kill_reason = reason;
	atomic_store(&supervisor->shared[index]->lease_until, 0);
	text_copy(slot->killed_token, sizeof(slot->killed_token), slot->report.lease.token);
	slot_run(slot, &run);
	run_line(&line, LOG_WARNING, "executor killed", &run);
	log_text(&line, "why", why);
	log_end(&line);
	prefork_kill(&supervisor->prefork, index);
}

static bool is_at_work(const struct slot *slot)
{
	return slot->report.busy && slot->kill_reason == KILL_NONE;
}

/* A lease that has not been renewed for two thirds of its time may soon be taken over: stop before
 * that. */
static void check_time_limits(struct supervisor *supervisor, size_t index)
{
	const struct slot *slot = &supervisor->slots[index];
	int64_t now = clock_monotonic_ms();

	if (!is_at_work(slot))
		return;
	if (now >= slot->deadline_at)
		kill_executor(supervisor, index, KILL_TIMEOUT, "attempt deadline exceeded");
	else if (slot->kill_at != 0 && now >= slot->kill_at)
		kill_executor(supervisor, index, KILL_CANCELLED, "cancelled, and it has not ended");
	else if (now - slot->renewed_at > supervisor_lease_ms(supervisor) * 2 / 3)
		kill_executor(supervisor, index, KILL_LEASE_LOST, "lease not renewed in time");
}

/* Soon all are killed that have not ended. */
static void check_end(struct supervisor *supervisor)
{
	const struct prefork *prefork = &supervisor->prefork;

	if (!prefork->stopping || supervisor->has_closed ||
		clock_monotonic_ms() < prefork->kill_at - prefork->grace_ms / LAST_SHARE)
		return;
	for (size_t i = 0; i < prefork->count; i++)
		atomic_store(&supervisor->shared[i]->closed, true);
	supervisor->has_closed = true;
	log_write(LOG_INFO, "no further calls to providers", "why", "the grace period ends soon",
		NULL);
}

/* ---- renewals ---- */

/* One call: which leases, of whom. */
struct round {
	struct supervisor *supervisor;
	int64_t began_at; /* monotonic */
	struct renewal renewals[PREFORK_CHILDREN_MAX];
	size_t slots[PREFORK_CHILDREN_MAX];
	size_t count;
};

_Static_assert(PREFORK_CHILDREN_MAX <= RENEWALS_MAX, "all leases go into one call");

static void add(struct round *round, size_t index, int64_t lease_ms)
{
	const struct slot *slot = &round->supervisor->slots[index];

	round->renewals[round->count] =
		(struct renewal){ .lease = slot->report.lease, .lease_ms = lease_ms };
	round->slots[round->count++] = index;
}

/* Those that are due, and a second after the last look all others too. */
static void choose(struct round *round, bool looks)
{
	const struct supervisor *supervisor = round->supervisor;
	const int64_t lease_ms = supervisor_lease_ms(supervisor);

	for (size_t i = 0; i < supervisor->prefork.count; i++) {
		const struct slot *slot = &supervisor->slots[i];
		if (!is_at_work(slot))
			continue;
		if (round->began_at - slot->renewed_at >= lease_ms / 3)
			add(round, i, lease_ms);
		else if (looks)
			add(round, i, RENEWAL_LOOK);
	}
}

static void cancel(struct supervisor *supervisor, size_t index)
{
	struct slot *slot = &supervisor->slots[index];
	struct executor_shared *shared = supervisor->shared[index];
	struct run run;
	struct log_line line;

	if (slot->kill_at != 0)
		return;
	atomic_store(&shared->closed, true);
	int64_t within_ms = atomic_load(&shared->changing) ? CHANGE_WITHIN_MS : ENDS_WITHIN_MS;
	slot->kill_at = clock_monotonic_ms() + within_ms;
	slot_run(slot, &run);
	run_line(&line, LOG_INFO, "run is cancelled", &run);
	log_number(&line, "killed_in_ms", within_ms);
	log_end(&line);
}

static void apply(const struct round *round, const struct renewal *renewal, size_t index)
{
	struct supervisor *supervisor = round->supervisor;
	struct slot *slot = &supervisor->slots[index];

	if (!is_at_work(slot) || strcmp(slot->report.lease.token, renewal->lease.token) != 0)
		return;
	if (renewal->state == RENEWED_LOST) {
		kill_executor(supervisor, index, KILL_LEASE_LOST, "lease lost");
		return;
	}

	if (renewal->state != RENEWED_BROKEN && renewal->lease_ms != RENEWAL_LOOK) {
		slot->renewed_at = round->began_at;
		atomic_store(&supervisor->shared[index]->lease_until,
			round->began_at + renewal->lease_ms);
	}
	if (renewal->state == RENEWED_CANCEL)
		cancel(supervisor, index);
}

static void renew(void *context)
{
	struct supervisor *supervisor = context;
	static struct round round; /* there is one at a time */
	struct error error;

	round.supervisor = supervisor;
	round.count = 0;
	round.began_at = clock_monotonic_ms();
	bool looks = round.began_at - supervisor->looked_at >= CANCEL_CHECK_MS;
	choose(&round, looks);
	if (looks)
		supervisor->looked_at = round.began_at;
	if (round.count > 0) {
		enum error_class class =
			runs_renew(supervisor->redis, round.renewals, round.count, &error);
		for (size_t i = 0; class == ERROR_NONE && i < round.count; i++)
			apply(&round, &round.renewals[i], round.slots[i]);
		supervisor_record_redis(supervisor, class != ERROR_NONE ? &error : NULL);
	}

	supervisor->is_renewing = false;
	supervisor_leave(supervisor);
}

void leases_check(struct supervisor *supervisor)
{
	for (size_t i = 0; i < supervisor->prefork.count; i++)
		check_time_limits(supervisor, i);
	check_end(supervisor);
	if (supervisor->is_renewing)
		return;
	supervisor->is_renewing = true;
	if (!supervisor_start(supervisor, renew, supervisor))
		supervisor->is_renewing = false;
}
