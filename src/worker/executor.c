/*
 * The loop of an executor: take a queue entry, claim its run, run the attempt, write the result. A
 * new process replaces it after a number of actions, or after a fault.
 */
#include "worker/executor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/prefork.h"
#include "base/resources.h"
#include "base/text.h"
#include "core/workflow.h"
#include "store/layout.h"
#include "store/queue.h"
#include "worker/attempt.h"
#include "worker/attempt_log.h"
#include "worker/decline.h"
#include "worker/result.h"

#define REDIS_TIMEOUT_MS 3000
#define BLOCK_MS         1000 /* below the time-out of the connection */
#define PAUSE_MS         500  /* while Redis is away */
#define MEMORY_MAX       ((size_t)512 << 20)
#define DESCRIPTORS_MAX  256
#define DESCRIPTORS_LEFT 64 /* more open descriptors than this were leaked by an action */

struct executor {
	const struct settings *settings;
	const char *worker;
	char consumer[128];
	int channel;
	struct lease_expiry *expiry;
	struct redis *redis;
	struct http_client *client;
	struct worker_directory directory;
	bool took_due; /* the last entry was of a run that had begun before */
};

static volatile sig_atomic_t stop_requested;

static void on_terminate(int signal_number)
{
	(void)signal_number;
	stop_requested = 1;
}

/* ---- one entry ---- */

/* Entries may have been added manually, so nothing in them is trusted. */
static bool entry_valid(const struct queue_entry *entry)
{
	return run_name_valid(&entry->name) && identifier_valid(entry->run_id);
}

static void dead_letter(
	const struct executor *executor, const struct queue_entry *entry, const char *why)
{
	struct error error;

	log_write(LOG_WARNING, "entry dead-lettered", "entry", entry->id, "why", why, NULL);
	if (queue_dead_letter(executor->redis, entry, why, &error) != ERROR_NONE)
		log_error("entry not dead-lettered", &error);
}

/* False where the supervisor is gone: nothing renews the lease any more, so the process ends. */
static bool report_status(const struct executor *executor, const struct report *report)
{
	return prefork_send(executor->channel, report, sizeof(*report));
}

static bool lease_lasts(const void *context)
{
	const struct lease_expiry *expiry = context;
	return clock_monotonic_ms() < atomic_load(&expiry->at);
}

/* The supervisor stops us when the lease is in danger, so the write may be
 * repeated for that long. */
static void commit_result(const struct executor *executor, const struct claim *claim,
	int64_t claimed_at, const struct run_write *write, struct arena *arena)
{
	const struct result result = { executor->redis, &claim->lease, &claim->run, claimed_at,
		write };
	const struct result_retries retries = { .tries_max = INT_MAX,
		.pause_ms = PAUSE_MS,
		.give_up_at = clock_monotonic_ms() + executor->settings->lease_seconds * 1000 };
	struct error error;

	if (result_commit(&result, &retries, arena, &error) != ERROR_NONE)
		log_error("result not written", &error);
}

static int64_t attempt_time_ms(const struct step_definition *step, const struct run *run)
{
	int64_t attempt = (int64_t)step_attempt_timeout_s(step) * 1000;
	int64_t left = run->run_deadline - run->now;
	return left < attempt ? left : attempt;
}

static bool execute_run(const struct executor *executor, const struct step_definition *step,
	const struct claim *claim, int64_t claimed_at, struct arena *arena)
{
	struct error error;
	struct run_write write;
	struct report report;

	memset(&report, 0, sizeof(report));
	report.busy = true;
	report.lease = claim->lease;
	report.claimed_at = claimed_at;
	report.time_left_ms = attempt_time_ms(step, &claim->run);
	report.attempt = claim->run.attempt;
	report.attempts = claim->run.attempts;
	text_copy(report.run_id, sizeof(report.run_id), claim->run.id);
	text_copy(report.request, sizeof(report.request), claim->run.request);
	if (!report_status(executor, &report))
		return false;
	const struct attempt attempt = { .settings = executor->settings,
		.redis = executor->redis,
		.client = executor->client,
		.step = step,
		.claim = claim,
		.deadline_at = clock_monotonic_ms() + report.time_left_ms,
		.arena = arena };
	enum error_class class = attempt_execute(&attempt, &write, &error);
	if (class == ERROR_NONE)
		commit_result(executor, claim, claimed_at, &write, arena);
	else
		log_error("attempt failed", &error);

	/* The process may have been suspended past its lease; it stopped in an orderly way, so this
	 * is no crash. */
	if (class == ERROR_LEASE_LOST)
		commit_result(executor, claim, claimed_at, &result_release, arena);
	memset(&report, 0, sizeof(report));
	return report_status(executor, &report);
}

/* Returns whether the executor may go on. */
static bool claim_and_execute(const struct executor *executor, const struct step_definition *step,
	const struct queue_entry *entry, struct arena *arena)
{
	struct error error;
	struct claim claim;
	bool go_on = true;

	/* Taken before the claim, so the lease never expires earlier than we believe. */
	int64_t now = clock_monotonic_ms();
	const struct claimant claimant = { executor->worker,
		executor->settings->lease_seconds * 1000 };
	atomic_store(&executor->expiry->at, now + claimant.lease_ms);
	if (run_claim(executor->redis, entry, &claimant, arena, &claim, &error) != ERROR_NONE) {
		log_error("claim", &error);
		return true;
	}

	if (!claim.taken) {
		run_ended_log(&claim.run, -1);
		return true;
	}

	/* A run that was claimed while SIGTERM arrived is not started. */
	if (stop_requested)
		commit_result(executor, &claim, now, &result_release, arena);
	else
		go_on = execute_run(executor, step, &claim, now, arena);
	claim_release(&claim);
	return go_on;
}

/* Only what a run refers to is left to workers of another build: an entry that was added manually
 * would be dropped with nobody told. */
static bool is_orphaned(const struct executor *executor, const struct queue_entry *entry)
{
	struct error error;
	bool orphaned = false;

	if (queue_is_orphaned(executor->redis, entry, &orphaned, &error) != ERROR_NONE)
		log_error("entry not looked up", &error);
	return orphaned;
}

static bool execute_entry(
	struct executor *executor, const struct queue_entry *entry, struct arena *arena)
{
	if (!entry_valid(entry)) {
		dead_letter(executor, entry, "app, workflow, action and run must be valid ids");
		return true;
	}

	const struct step_definition *step = entry_step(entry);
	if (step != NULL)
		return claim_and_execute(executor, step, entry, arena);
	if (is_orphaned(executor, entry))
		dead_letter(executor, entry, "no run has this entry");
	else
		decline_entry(executor->redis, &executor->directory, entry, arena);
	return true;
}

/* ---- the loop ---- */

/* Runs that have begun take precedence over new ones, but only for every second entry: otherwise
 * more waiting runs than executors can handle would keep new runs from starting. */
static enum error_class reserve(struct executor *executor, struct arena *arena, bool *ret_found,
	struct queue_entry *ret_entry, struct error *error)
{
	enum error_class class = ERROR_NONE;

	*ret_found = false;
	if (executor->took_due)
		class = queue_reserve(
			executor->redis, executor->consumer, 0, arena, ret_found, ret_entry, error);
	executor->took_due = false;
	if (class == ERROR_STORE_UNAVAILABLE || *ret_found)
		return class;
	class = queue_take_due(executor->redis, arena, ret_found, ret_entry, error);
	executor->took_due = *ret_found;
	if (class == ERROR_STORE_UNAVAILABLE || *ret_found)
		return class;
	return queue_reserve(
		executor->redis, executor->consumer, BLOCK_MS, arena, ret_found, ret_entry, error);
}

static bool execute_next(struct executor *executor, int64_t *ret_actions)
{
	struct error error;
	struct arena arena;
	struct queue_entry entry;
	bool found = false, go_on = true;

	arena_init(&arena, 0);
	if (reserve(executor, &arena, &found, &entry, &error) != ERROR_NONE) {
		/* The supervisor logs that Redis is away, once for all executors. */
		if (error.class != ERROR_STORE_UNAVAILABLE)
			log_error("queue", &error);
		clock_sleep_ms(PAUSE_MS);
	} else if (found) {
		go_on = execute_entry(executor, &entry, &arena);
		++*ret_actions;
	}

	arena_release(&arena);
	return go_on;
}

/* Cap memory and descriptors per executor, so a runaway action fails here instead of waking the OOM
 * killer. */
static void limit_resources(void)
{
	const struct rlimit descriptors = { DESCRIPTORS_MAX, DESCRIPTORS_MAX };
	setrlimit(RLIMIT_NOFILE, &descriptors);
	resources_limit_memory(MEMORY_MAX);
}

/* Whether actions have leaked descriptors: the next one would run out of them. */
static bool descriptors_left(const struct executor *executor)
{
	int lowest_free = fcntl(executor->channel, F_DUPFD_CLOEXEC, 0);
	if (lowest_free < 0)
		return errno == EMFILE;
	close(lowest_free);
	return lowest_free > DESCRIPTORS_LEFT;
}

static enum error_class executor_open(struct executor *executor, struct error *error)
{
	if (redis_from_settings(executor->settings, executor->consumer, REDIS_TIMEOUT_MS,
		    &executor->redis, error) != ERROR_NONE)
		return error->class;
	layout_require(executor->redis);
	if (http_client_new(&executor->client, error) != ERROR_NONE)
		return error->class;
	http_client_guard(executor->client, lease_lasts, executor->expiry);
	return ERROR_NONE;
}

int executor_run(const struct settings *settings, const char *worker, size_t index, int channel,
	struct lease_expiry *expiry)
{
	struct error error;
	struct executor executor = {
		.settings = settings, .worker = worker, .channel = channel, .expiry = expiry
	};

	limit_resources();

	/* A blocking read of the queue continues for up to BLOCK_MS; an entry that it still returns
	 * is released. */
	struct sigaction terminate = { .sa_handler = on_terminate };
	sigaction(SIGTERM, &terminate, NULL);
	text_format(executor.consumer, sizeof(executor.consumer), "%s-%zu", worker, index);
	int status = 1;
	if (executor_open(&executor, &error) == ERROR_NONE) {
		int64_t actions = 0;
		bool go_on = true;
		while (go_on && !stop_requested && actions < settings->executor_actions)
			go_on = execute_next(&executor, &actions) && !descriptors_left(&executor);
		status = 0;
	} else {
		log_error("executor cannot start", &error);
	}

	arena_release(&executor.directory.arena);
	http_client_free(executor.client);
	redis_free(executor.redis);
	return status;
}
