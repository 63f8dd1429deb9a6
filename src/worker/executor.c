/*
 * The loop of an executor: take an entry, claim its run, run the attempt, write the result. A fresh process
 * replaces it after a number of actions, or after a fault.
 */
#include "worker/executor.h"

#include <errno.h>
#include <fcntl.h>
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
#include "store/queue.h"
#include "worker/attempt.h"
#include "worker/attempt_log.h"

#define REDIS_TIMEOUT_MS 3000
#define BLOCK_MS         1000 /* below the time-out of the connection */
#define PAUSE_MS         500  /* while Redis is away */
#define MEMORY_MAX       ((size_t)512 << 20)
#define DESCRIPTORS_MAX  256
#define DESCRIPTORS_LEFT 64 /* an executor that holds more has been left some by an action */

struct executor {
	const struct settings *settings;
	const char *worker;
	char consumer[128];
	int channel;
	struct tenure *tenure;
	struct redis *redis;
	struct http_client *client;
	bool took_due; /* the last entry was of a run that was begun before */
};

static volatile sig_atomic_t stop_requested;

static void on_terminate(int signal_number)
{
	(void)signal_number;
	stop_requested = 1;
}

/* ---- one entry ---- */

/* The step that an entry names. Entries may have been put there by hand: nothing in them is trusted. */
static const struct step_definition *find_step(const struct queue_entry *entry, const char **ret_why)
{
	if (!run_name_valid(&entry->name) || !identifier_valid(entry->run_id)) {
		*ret_why = "app, workflow, action and run must be there and be valid ids";
		return NULL;
	}

	const struct workflow_definition *workflow = workflow_find(entry->name.workflow);
	if (workflow == NULL) {
		*ret_why = "this worker knows no such workflow";
		return NULL;
	}

	const struct step_definition *step = workflow_step(workflow, entry->name.step);
	if (step == NULL)
		*ret_why = "the workflow has no such step";
	return step;
}

/* False where the supervisor is gone: then nobody renews the lease, and the process had better end. */
static bool tell_supervisor(const struct executor *executor, const struct notice *notice)
{
	return prefork_send(executor->channel, notice, sizeof(*notice));
}

static bool tenure_lasts(const void *context)
{
	const struct tenure *tenure = context;
	return clock_monotonic_ms() < atomic_load(&tenure->at);
}

/* Writes how the attempt ended, again and again while Redis is away: the supervisor stops us when the lease is in
 * danger, and a write that did take effect is refused the second time. */
static void settle(const struct executor *executor, const struct claim *claim, int64_t claimed_at,
	const struct run_write *write, struct arena *arena)
{
	struct error error;
	struct run ended;
	int64_t give_up = clock_monotonic_ms() + executor->settings->lease_seconds * 1000;
	bool unknown = false;
	enum error_class class = run_write_told(executor->redis, &claim->lease, write, arena, &ended, &error);

	while (class != ERROR_NONE && class != ERROR_LEASE_LOST && clock_monotonic_ms() < give_up) {
		unknown |= class == ERROR_OUTCOME_UNKNOWN;
		clock_sleep_ms(PAUSE_MS);
		class = run_write_told(executor->redis, &claim->lease, write, arena, &ended, &error);
	}

	if (class != ERROR_NONE)
		log_error("result not written", &error);
	const struct attempt_end end = { &claim->run, write, class == ERROR_NONE ? &ended : NULL,
		class == ERROR_LEASE_LOST && unknown, clock_monotonic_ms() - claimed_at };
	attempt_log(&end);
}

static void hand_back(
	const struct executor *executor, const struct claim *claim, int64_t claimed_at, struct arena *arena)
{
	const struct run_write release = { .kind = RUN_RELEASE };
	settle(executor, claim, claimed_at, &release, arena);
}

static int64_t attempt_time_ms(const struct step_definition *step, const struct run *run)
{
	int64_t attempt = (int64_t)step_attempt_timeout_s(step) * 1000;
	int64_t left = run->run_deadline - run->now;
	return left < attempt ? left : attempt;
}

static bool run_claimed(const struct executor *executor, const struct step_definition *step, const struct claim *claim,
	int64_t claimed_at, struct arena *arena)
{
	struct error error;
	struct run_write write;
	struct notice notice;

	memset(&notice, 0, sizeof(notice));
	notice.busy = true;
	notice.lease = claim->lease;
	notice.claimed_at = claimed_at;
	notice.time_left_ms = attempt_time_ms(step, &claim->run);
	notice.attempt = claim->run.attempt;
	notice.attempts = claim->run.attempts;
	text_copy(notice.run_id, sizeof(notice.run_id), claim->run.id);
	text_copy(notice.request, sizeof(notice.request), claim->run.request);
	if (!tell_supervisor(executor, &notice))
		return false;
	const struct attempt attempt = { .settings = executor->settings,
		.redis = executor->redis,
		.client = executor->client,
		.step = step,
		.claim = claim,
		.deadline_at = clock_monotonic_ms() + notice.time_left_ms,
		.arena = arena };
	enum error_class class = attempt_run(&attempt, &write, &error);
	if (class == ERROR_NONE)
		settle(executor, claim, claimed_at, &write, arena);
	else
		log_error("attempt failed", &error);

	/* Lost as far as this process can tell, which may have slept: it has stopped, and did not crash. */
	if (class == ERROR_LEASE_LOST)
		hand_back(executor, claim, claimed_at, arena);
	memset(&notice, 0, sizeof(notice));
	return tell_supervisor(executor, &notice);
}

/* Returns whether the executor may go on. */
static bool run_entry(const struct executor *executor, const struct queue_entry *entry, struct arena *arena)
{
	struct error error;
	struct claim claim;
	const char *why = NULL;
	const struct step_definition *step = find_step(entry, &why);

	if (step == NULL) {
		log_write(LOG_WARNING, "entry buried", "entry", entry->id, "why", why, NULL);
		if (queue_dead_letter(executor->redis, entry, why, &error) != ERROR_NONE)
			log_error("entry not buried", &error);
		return true;
	}

	bool go_on = true;

	/* From before the claim: the lease never lasts longer than we believe. */
	int64_t now = clock_monotonic_ms();
	const struct claimant claimant = { executor->worker, executor->settings->lease_seconds * 1000 };
	atomic_store(&executor->tenure->at, now + claimant.lease_ms);
	if (run_claim(executor->redis, entry, &claimant, arena, &claim, &error) != ERROR_NONE) {
		log_error("claim", &error);
		return true;
	}

	if (!claim.taken) {
		run_ended_log(&claim.run, -1);
		return true;
	}

	/* What arrived together with the word to stop is not begun. */
	if (stop_requested)
		hand_back(executor, &claim, now, arena);
	else
		go_on = run_claimed(executor, step, &claim, now, arena);
	claim_release(&claim);
	return go_on;
}

/* ---- the loop ---- */

/* What was begun before goes before what is new, but for every second entry: runs that come due again and again, more
 * than all executors can look at, would let nothing new begin. */
static enum error_class reserve(struct executor *executor, struct arena *arena, bool *ret_found,
	struct queue_entry *ret_entry, struct error *error)
{
	enum error_class class = ERROR_NONE;

	*ret_found = false;
	if (executor->took_due)
		class = queue_reserve(executor->redis, executor->consumer, 0, arena, ret_found, ret_entry, error);
	executor->took_due = false;
	if (class == ERROR_STORE_UNAVAILABLE || *ret_found)
		return class;
	class = queue_take_due(executor->redis, arena, ret_found, ret_entry, error);
	executor->took_due = *ret_found;
	if (class == ERROR_STORE_UNAVAILABLE || *ret_found)
		return class;
	return queue_reserve(executor->redis, executor->consumer, BLOCK_MS, arena, ret_found, ret_entry, error);
}

static bool run_next(struct executor *executor, int64_t *ret_actions)
{
	struct error error;
	struct arena arena;
	struct queue_entry entry;
	bool found = false, go_on = true;

	arena_init(&arena, 0);
	if (reserve(executor, &arena, &found, &entry, &error) != ERROR_NONE) {
		/* The supervisor logs that Redis is away, once for all. */
		if (error.class != ERROR_STORE_UNAVAILABLE)
			log_error("queue", &error);
		clock_sleep_ms(PAUSE_MS);
	} else if (found) {
		go_on = run_entry(executor, &entry, &arena);
		++*ret_actions;
	}

	arena_release(&arena);
	return go_on;
}

/* What one action takes too much of must be its own loss: memory that is refused is an error or a crash of this
 * process, where the machine would choose another one. */
static void limit_resources(void)
{
	const struct rlimit descriptors = { DESCRIPTORS_MAX, DESCRIPTORS_MAX };
	setrlimit(RLIMIT_NOFILE, &descriptors);
	resources_limit_memory(MEMORY_MAX);
}

/* Whether an action has left descriptors open: the next one would run out of them. */
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
	if (redis_from_settings(executor->settings, executor->consumer, REDIS_TIMEOUT_MS, &executor->redis, error) !=
		ERROR_NONE)
		return error->class;
	if (http_client_new(&executor->client, error) != ERROR_NONE)
		return error->class;
	http_client_guard(executor->client, tenure_lasts, executor->tenure);
	return ERROR_NONE;
}

int executor_run(const struct settings *settings, const char *worker, size_t index, int channel, struct tenure *tenure)
{
	struct error error;
	struct executor executor = { .settings = settings, .worker = worker, .channel = channel, .tenure = tenure };

	limit_resources();

	/* A wait for the queue goes on, for BLOCK_MS at most; what it still brings is handed back. */
	struct sigaction terminate = { .sa_handler = on_terminate };
	sigaction(SIGTERM, &terminate, NULL);
	text_format(executor.consumer, sizeof(executor.consumer), "%s-%zu", worker, index);
	int status = 1;
	if (executor_open(&executor, &error) == ERROR_NONE) {
		int64_t actions = 0;
		bool go_on = true;
		while (go_on && !stop_requested && actions < settings->executor_actions)
			go_on = run_next(&executor, &actions) && !descriptors_left(&executor);
		status = 0;
	} else {
		log_error("executor cannot start", &error);
	}

	http_client_free(executor.client);
	redis_free(executor.redis);
	return status;
}
