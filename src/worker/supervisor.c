/*
 * Keeps the leases and deadlines of executors, and cleans up after those that died. It never runs
 * an action, so a bad action cannot take it down.
 */
#include "worker/supervisor.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/prefork.h"
#include "base/text.h"
#include "core/secret.h"
#include "store/layout.h"
#include "store/queue.h"
#include "store/reaper.h"
#include "store/workers.h"
#include "worker/attempt_log.h"
#include "worker/executor.h"
#include "worker/heartbeat.h"
#include "worker/outcome.h"
#include "worker/report.h"
#include "worker/result.h"

#define REDIS_TIMEOUT_MS 1500
#define TICK_MS          250
#define CANCEL_CHECK_MS  1000
#define HEARTBEAT_MS     2000 /* see WORKER_ABSENT_MS */
#define REAP_ROUNDS      20   /* of 100 runs each, in one tick */
#define WRITE_TRIES      5
#define WRITE_PAUSE_MS   100
#define WORKER_NAME_SIZE 96
#define UNRELEASED_MAX   PREFORK_CHILDREN_MAX

/* Why the supervisor killed an executor; decides what becomes of its run. */
enum kill_reason {
	KILL_NONE, /* it was not killed: it crashed, or ended by itself */
	KILL_TIMEOUT,
	KILL_CANCELLED,
	KILL_LEASE_LOST, /* or not renewed in time: the run is released once Redis can be reached */
};

struct slot {
	struct report report;
	int64_t deadline_at; /* monotonic, as all below */
	int64_t renewed_at;
	int64_t cancel_checked_at;
	enum kill_reason kill_reason;
	char killed_token[TOKEN_SIZE]; /* the lease that the executor was killed for */
};

struct supervisor {
	struct settings *settings;
	uint64_t stamp; /* of the files with credentials, as they were read */
	char name[WORKER_NAME_SIZE];
	struct redis *redis;
	struct prefork prefork;
	struct slot slots[PREFORK_CHILDREN_MAX];
	struct lease_expiry *expiries; /* by slot; shared with the executors */
	struct heartbeat heartbeat;
	int64_t heartbeat_at, tidied_at;
	struct lease unreleased[UNRELEASED_MAX]; /* of runs to release once Redis can be reached */
	size_t unreleased_count;
	bool redis_lost;     /* so that each loss is logged once */
	bool layout_refused; /* by the last error */
	bool tick_failed; /* Redis could not be reached in this tick: no further command until the
			     next */
};

static int64_t lease_ms(const struct supervisor *supervisor)
{
	return supervisor->settings->lease_seconds * 1000;
}

/* Logs when Redis is lost, and when it is back. */
static void record_redis_state(struct supervisor *supervisor, const struct error *error)
{
	/* That Redis holds the state of another version is found out after the connection was lost.
	 */
	bool refused = error != NULL && layout_refused(error);
	if (error != NULL && (!supervisor->redis_lost || refused != supervisor->layout_refused))
		log_error("redis", error);
	if (error == NULL && supervisor->redis_lost)
		log_write(LOG_INFO, "redis is back", NULL);
	supervisor->redis_lost = error != NULL;
	supervisor->layout_refused = refused;
}

/* The run of an executor, as far as it is needed for the log. */
static void slot_run(const struct slot *slot, struct run *run)
{
	const struct run_name name = lease_name(&slot->report.lease);
	run_init(run, &name);
	run->id = slot->report.run_id;
	run->request = slot->report.request;
	run->attempt = slot->report.attempt;
}

/* ---- executors at work ---- */

static void kill_executor(
	struct supervisor *supervisor, size_t index, enum kill_reason reason, const char *why)
{
	struct slot *slot = &supervisor->slots[index];

	slot->kill_reason = reason;
	atomic_store(&supervisor->expiries[index].at, 0);
	text_copy(slot->killed_token, sizeof(slot->killed_token), slot->report.lease.token);
	struct run run;
	struct log_line line;
	slot_run(slot, &run);
	run_line(&line, LOG_WARNING, "executor killed", &run);
	log_text(&line, "why", why);
	log_end(&line);
	prefork_kill(&supervisor->prefork, index);
}

/* Stop talking to Redis for this tick once it times out: each further command would take as long. A
 * corrupt key affects only its own run. */
static void record_failure(struct supervisor *supervisor, enum error_class class)
{
	if (class == ERROR_STORE_UNAVAILABLE || class == ERROR_OUTCOME_UNKNOWN)
		supervisor->tick_failed = true;
}

static void renew(struct supervisor *supervisor, size_t index, int64_t now)
{
	struct slot *slot = &supervisor->slots[index];
	struct error error;
	bool cancel = false;
	enum error_class class = run_renew(
		supervisor->redis, &slot->report.lease, lease_ms(supervisor), &cancel, &error);

	if (class == ERROR_NONE) {
		slot->renewed_at = now;
		atomic_store(&supervisor->expiries[index].at, now + lease_ms(supervisor));
	}

	if (cancel)
		kill_executor(supervisor, index, KILL_CANCELLED, "cancelled");
	else if (class == ERROR_LEASE_LOST)
		kill_executor(supervisor, index, KILL_LEASE_LOST, "lease lost");
	else
		record_failure(supervisor, class);
	if (class != ERROR_LEASE_LOST)
		record_redis_state(supervisor, class != ERROR_NONE ? &error : NULL);
}

static void check_cancel(struct supervisor *supervisor, size_t index, int64_t now)
{
	struct slot *slot = &supervisor->slots[index];
	struct error error;
	bool cancel = false;
	slot->cancel_checked_at = now;
	enum error_class class =
		run_wants_cancel(supervisor->redis, &slot->report.lease, &cancel, &error);
	record_failure(supervisor, class);
	if (class == ERROR_NONE && cancel)
		kill_executor(supervisor, index, KILL_CANCELLED, "cancelled");
}

/*
 * The checks that need no Redis come first for all executors: while Redis hangs, each command takes
 * until its time-out. A lease that has not been renewed for two thirds of its time may soon be
 * taken over: stop before that.
 */
static void check_time_limits(struct supervisor *supervisor, size_t index)
{
	const struct slot *slot = &supervisor->slots[index];
	int64_t now = clock_monotonic_ms();
	if (!slot->report.busy || slot->kill_reason != KILL_NONE)
		return;
	if (now >= slot->deadline_at)
		kill_executor(supervisor, index, KILL_TIMEOUT, "attempt deadline exceeded");
	else if (now - slot->renewed_at > lease_ms(supervisor) * 2 / 3)
		kill_executor(supervisor, index, KILL_LEASE_LOST, "lease not renewed in time");
}

static void check_lease(struct supervisor *supervisor, size_t index)
{
	const struct slot *slot = &supervisor->slots[index];
	int64_t now = clock_monotonic_ms();
	if (!slot->report.busy || slot->kill_reason != KILL_NONE || supervisor->tick_failed)
		return;
	if (now - slot->renewed_at >= lease_ms(supervisor) / 3)
		renew(supervisor, index, now);
	else if (now - slot->cancel_checked_at >= CANCEL_CHECK_MS)
		check_cancel(supervisor, index, now);
}

static void on_message(void *context, size_t index, const char *bytes, size_t length)
{
	struct supervisor *supervisor = context;
	struct slot *slot = &supervisor->slots[index];
	if (length != sizeof(struct report))
		return;
	memcpy(&slot->report, bytes, length);
	slot->renewed_at = slot->report.claimed_at;
	slot->cancel_checked_at = clock_monotonic_ms();
	slot->deadline_at = slot->report.claimed_at + slot->report.time_left_ms;
}

/* ---- executors that have ended ---- */

/* No crash is counted for this run. Where there is no room the lease runs out, as for a crash. */
static void release_later(struct supervisor *supervisor, const struct lease *lease)
{
	if (supervisor->unreleased_count < UNRELEASED_MAX)
		supervisor->unreleased[supervisor->unreleased_count++] = *lease;
}

/* The lease fences each write: a run that was taken over meanwhile stays as it is. */
static void release_pending(struct supervisor *supervisor)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;

	while (supervisor->unreleased_count > 0 && !supervisor->tick_failed) {
		struct error error;
		struct run ended;
		const struct lease *lease =
			&supervisor->unreleased[supervisor->unreleased_count - 1];
		enum error_class class = run_write_told(
			supervisor->redis, lease, &result_release, &arena, &ended, &error);
		if (class == ERROR_NONE)
			run_ended_log(&ended, -1);
		record_failure(supervisor, class);
		if (supervisor->tick_failed)
			record_redis_state(supervisor, &error);
		else
			supervisor->unreleased_count--;
	}
}

/* Redis may be away for a moment; after that the run is released when it is back. Where another
 * executor has found it hanging already, one time-out is enough: several may end in the same
 * moment. */
static void commit_result(struct supervisor *supervisor, const struct slot *slot,
	const struct run_write *write, struct arena *arena)
{
	const struct lease *lease = &slot->report.lease;
	const struct result_retries retries = { .tries_max = WRITE_TRIES,
		.pause_ms = WRITE_PAUSE_MS,
		.give_up_at = supervisor->redis_lost ? clock_monotonic_ms() + REDIS_TIMEOUT_MS
						     : INT64_MAX };
	struct error error;
	struct run run;

	slot_run(slot, &run);
	const struct result result = { supervisor->redis, lease, &run, slot->report.claimed_at,
		write };
	enum error_class class = result_commit(&result, &retries, arena, &error);
	if (class == ERROR_NONE || class == ERROR_LEASE_LOST)
		return;
	log_error("run is released later", &error);
	record_redis_state(supervisor, &error);
	release_later(supervisor, lease);
}

static void commit_failure(struct supervisor *supervisor, const struct slot *slot,
	enum error_class class, const char *message)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct error failure, error;
	struct run_write write;
	const struct run_progress progress = { .attempt = slot->report.attempt,
		.attempts = slot->report.attempts };

	error_set(&failure, class, "%s", message);
	if (failure_write(&failure, &progress, &arena, &write, &error) == ERROR_NONE)
		commit_result(supervisor, slot, &write, &arena);
}

static void release(struct supervisor *supervisor, const struct slot *slot)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	commit_result(supervisor, slot, &result_release, &arena);
}

/* A lease of 0 ms expires at once: the reaper counts a crash and queues the run again. */
static void expire_lease(struct supervisor *supervisor, const struct slot *slot)
{
	struct error error;
	bool cancel;
	if (run_renew(supervisor->redis, &slot->report.lease, 0, &cancel, &error) != ERROR_NONE)
		log_error("lease not given up, it runs out", &error);
}

static void clean_up_after(struct supervisor *supervisor, const struct slot *slot)
{
	/* The executor had moved on to another run when the kill arrived: release that run without
	 * a penalty. */
	if (slot->kill_reason != KILL_NONE &&
		strcmp(slot->killed_token, slot->report.lease.token) != 0) {
		release(supervisor, slot);
		return;
	}

	switch (slot->kill_reason) {
	case KILL_TIMEOUT:
		commit_failure(supervisor, slot, ERROR_TIMEOUT,
			"the attempt took longer than its deadline allows");
		return;
	case KILL_CANCELLED:
		commit_failure(supervisor, slot, ERROR_CANCELLED, RUN_STOPPED_MESSAGE);
		return;
	case KILL_LEASE_LOST:
		release_later(supervisor, &slot->report.lease);
		return;
	case KILL_NONE:
		if (supervisor->prefork.stopping)
			release(supervisor, slot);
		else
			expire_lease(supervisor, slot);
		return;
	}
}

static void on_ended(void *context, size_t index, pid_t pid, int status)
{
	struct supervisor *supervisor = context;
	struct slot *slot = &supervisor->slots[index];
	char how[48];

	text_format(how, sizeof(how), WIFSIGNALED(status) ? "signal %d" : "exit %d",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	bool expected =
		slot->kill_reason != KILL_NONE || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
	enum log_level level = expected ? LOG_DEBUG : LOG_ERROR;
	struct run run;
	struct log_line line;
	slot_run(slot, &run);
	run_line(&line, level, "executor ended", &run);
	log_number(&line, "executor_pid", pid);
	log_text(&line, "how", how);
	log_end(&line);
	if (slot->report.busy)
		clean_up_after(supervisor, slot);
	*slot = (struct slot){ .kill_reason = KILL_NONE };
}

/* ---- credentials that were replaced ---- */

static enum error_class connect_redis(struct supervisor *supervisor, struct error *error)
{
	struct redis *fresh;
	if (redis_from_settings(supervisor->settings, supervisor->name, REDIS_TIMEOUT_MS, &fresh,
		    error) != ERROR_NONE)
		return error->class;
	layout_require(fresh);
	redis_free(supervisor->redis);
	supervisor->redis = fresh;
	return ERROR_NONE;
}

static enum error_class check_settings(const struct settings *settings, struct error *error)
{
	return secret_keys_check(NULL, settings->secrets_keys, error);
}

/* Executors are replaced as they finish: a running action keeps the credentials
 * that it began with. */
static void reload(struct supervisor *supervisor)
{
	struct error error;

	supervisor->stamp = settings_stamp(supervisor->settings);
	if (settings_reload(supervisor->settings, check_settings, &error) != ERROR_NONE ||
		connect_redis(supervisor, &error) != ERROR_NONE) {
		log_error("credentials not read again, the previous ones stay in use", &error);
		return;
	}

	log_write(LOG_INFO, "credentials read again", NULL);
	prefork_replace(&supervisor->prefork);
}

static void on_hangup(void *context)
{
	reload(context);
}

static void watch_files(struct supervisor *supervisor)
{
	if (settings_stamp(supervisor->settings) != supervisor->stamp)
		reload(supervisor);
}

/* ---- every tick ---- */

static void reap(struct supervisor *supervisor)
{
	static const struct reap_listener listener = { .told = reaped_log };
	struct error error;
	size_t count = 100;
	enum error_class class = ERROR_NONE;
	for (int round = 0; round < REAP_ROUNDS && count >= 100 && class == ERROR_NONE; round++)
		class = runs_reap(
			supervisor->redis, lease_ms(supervisor), &listener, &count, &error);
	record_redis_state(supervisor, class != ERROR_NONE ? &error : NULL);
}

static void send_heartbeat(struct supervisor *supervisor)
{
	const struct lease *running[PREFORK_CHILDREN_MAX];
	struct heartbeat_state state = { .executors = supervisor->prefork.count,
		.running = running,
		.draining = supervisor->prefork.stopping };
	struct error error;

	for (size_t i = 0; i < supervisor->prefork.count; i++)
		if (supervisor->slots[i].report.busy)
			running[state.running_count++] = &supervisor->slots[i].report.lease;
	supervisor->heartbeat_at = clock_monotonic_ms();
	if (heartbeat_send(supervisor->redis, &supervisor->heartbeat, &state, &error) != ERROR_NONE)
		record_redis_state(supervisor, &error);
}

/* Finds what nothing else would find. Nothing waits for it, so once per lease time is enough. */
static void tidy(struct supervisor *supervisor)
{
	struct error error;
	supervisor->tidied_at = clock_monotonic_ms();
	if (queue_tidy(supervisor->redis, lease_ms(supervisor), &error) != ERROR_NONE ||
		workers_tidy(supervisor->redis, &error) != ERROR_NONE)
		record_redis_state(supervisor, &error);
}

static void on_tick(void *context)
{
	struct supervisor *supervisor = context;

	supervisor->tick_failed = false;
	watch_files(supervisor);
	for (size_t i = 0; i < supervisor->prefork.count; i++)
		check_time_limits(supervisor, i);
	release_pending(supervisor);
	for (size_t i = 0; i < supervisor->prefork.count; i++)
		check_lease(supervisor, i);
	if (supervisor->tick_failed)
		return;
	reap(supervisor);
	if (clock_monotonic_ms() - supervisor->heartbeat_at >= HEARTBEAT_MS ||
		supervisor->heartbeat_at == 0)
		send_heartbeat(supervisor);
	if (clock_monotonic_ms() - supervisor->tidied_at >= lease_ms(supervisor) ||
		supervisor->tidied_at == 0)
		tidy(supervisor);
}

static int run_child(void *context, size_t index, int channel)
{
	struct supervisor *supervisor = context;
	/* The connection belongs to the supervisor: the child closes its copy of the socket. */
	redis_disconnect(supervisor->redis);
	return executor_run(supervisor->settings, supervisor->name, index, channel,
		&supervisor->expiries[index]);
}

static void deregister(struct supervisor *supervisor)
{
	struct error error;

	for (size_t i = 0; i < supervisor->prefork.count; i++) {
		char consumer[WORKER_NAME_SIZE + 8];
		text_format(consumer, sizeof(consumer), "%s-%zu", supervisor->name, i);
		if (queue_leave(supervisor->redis, consumer, &error) != ERROR_NONE)
			break;
	}

	if (worker_leave(supervisor->redis, supervisor->name, &error) != ERROR_NONE)
		record_redis_state(supervisor, &error);
}

/* Zeroed: no executor holds a lease yet. Mapped for as long as the process lives. */
static enum error_class share_expiries(struct supervisor *supervisor, struct error *error)
{
	size_t size = (size_t)supervisor->settings->executors * sizeof(struct lease_expiry);
	void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return error_set(
			error, ERROR_OUT_OF_MEMORY, "no memory to share with the executors");
	supervisor->expiries = shared;
	return ERROR_NONE;
}

enum error_class supervisor_run(struct settings *settings, struct error *error)
{
	static struct supervisor supervisor;
	char host[64] = "worker";

	gethostname(host, sizeof(host) - 1);
	supervisor.settings = settings;
	text_format(supervisor.name, sizeof(supervisor.name), "%s-%d", host, (int)getpid());
	heartbeat_init(&supervisor.heartbeat, supervisor.name);
	if (share_expiries(&supervisor, error) != ERROR_NONE)
		return error->class;
	if (connect_redis(&supervisor, error) != ERROR_NONE)
		return error->class;
	/* A Redis that cannot be reached yet is waited for; another layout will not change by
	 * itself. */
	if (layout_check(supervisor.redis, error) != ERROR_NONE && layout_refused(error))
		return error->class;

	supervisor.stamp = settings_stamp(settings);
	supervisor.prefork = (struct prefork){
		.context = &supervisor,
		.count = (size_t)settings->executors,
		.grace_ms = settings->grace_seconds * 1000,
		.tick_ms = TICK_MS,
		.child = run_child,
		.message = on_message,
		.ended = on_ended,
		.tick = on_tick,
		.hangup = on_hangup,
	};
	log_write(LOG_INFO, "started", "worker", supervisor.name, NULL);
	enum error_class class = prefork_run(&supervisor.prefork, error);
	deregister(&supervisor);
	redis_free(supervisor.redis);
	log_write(LOG_INFO, "stopped", "worker", supervisor.name, NULL);
	return class;
}
