/*
 * Keeps the leases and deadlines of executors, and cleans up after those that died. It never runs an action,
 * so a bad action cannot take it down.
 */
#include "worker/supervisor.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/prefork.h"
#include "base/text.h"
#include "core/secret.h"
#include "store/queue.h"
#include "store/reaper.h"
#include "store/workers.h"
#include "worker/attempt_log.h"
#include "worker/executor.h"
#include "worker/outcome.h"
#include "worker/report.h"

#define REDIS_TIMEOUT_MS 1500
#define TICK_MS          250
#define CANCEL_CHECK_MS  1000
#define HEARTBEAT_MS     5000
#define REAP_ROUNDS      20 /* of 100 runs each, in one tick */
#define WRITE_TRIES      5
#define WORKER_NAME_SIZE 96
#define OWED_MAX         PREFORK_CHILDREN_MAX

/* Why the supervisor killed an executor; decides what becomes of its run. */
enum verdict {
	VERDICT_NONE,    /* it crashed, or left by itself */
	VERDICT_TIMEOUT, /* past the attempt's deadline */
	VERDICT_CANCELLED,
	VERDICT_NOT_OURS, /* the lease is lost, or could not be renewed: its run is handed back, once Redis is there */
};

struct slot {
	struct notice notice;
	int64_t deadline_at; /* monotonic, as all below */
	int64_t renewed_at;
	int64_t cancel_checked_at;
	enum verdict verdict;
	char judged[TOKEN_SIZE]; /* the lease that the verdict is about */
};

struct supervisor {
	struct settings *settings;
	uint64_t stamp; /* of the files with credentials, as they were read */
	char name[WORKER_NAME_SIZE];
	struct redis *redis;
	struct prefork prefork;
	struct slot slots[PREFORK_CHILDREN_MAX];
	struct tenure *tenures; /* by slot; shared with the executors */
	int64_t heartbeat_at, tidied_at;
	struct lease owed[OWED_MAX]; /* runs to hand back, for Redis was away when it was due */
	size_t owed_count;
	bool redis_lost;  /* so that each loss is logged once */
	bool tick_failed; /* Redis failed in this tick: it is asked no more until the next */
};

static int64_t lease_ms(const struct supervisor *supervisor)
{
	return supervisor->settings->lease_seconds * 1000;
}

/* Logs the first of a row of failures, and the end of the row. */
static void record_redis_state(struct supervisor *supervisor, const struct error *error)
{
	if (error != NULL && !supervisor->redis_lost)
		log_error("redis", error);
	if (error == NULL && supervisor->redis_lost)
		log_write(LOG_INFO, "redis is back", NULL);
	supervisor->redis_lost = error != NULL;
}

/* What is known here of the run that an executor has; only what is logged of it. */
static void slot_run(const struct slot *slot, struct run *run)
{
	const struct run_name name = lease_name(&slot->notice.lease);
	run_init(run, &name);
	run->id = slot->notice.run_id;
	run->request = slot->notice.request;
	run->attempt = slot->notice.attempt;
}

/* ---- executors that work ---- */

static void kill_executor(struct supervisor *supervisor, size_t index, enum verdict verdict, const char *why)
{
	struct slot *slot = &supervisor->slots[index];

	slot->verdict = verdict;
	atomic_store(&supervisor->tenures[index].at, 0);
	text_copy(slot->judged, sizeof(slot->judged), slot->notice.lease.token);
	struct run run;
	struct log_line line;
	slot_run(slot, &run);
	run_line(&line, LOG_WARNING, "executor killed", &run);
	log_text(&line, "why", why);
	log_end(&line);
	prefork_kill(&supervisor->prefork, index);
}

/* While Redis is away, each further question would take its time-out. A run whose key is broken is its own affair: the
 * others are renewed, and the reaper goes on. */
static void note_tick(struct supervisor *supervisor, enum error_class class)
{
	if (class == ERROR_STORE_UNAVAILABLE || class == ERROR_OUTCOME_UNKNOWN)
		supervisor->tick_failed = true;
}

static void renew(struct supervisor *supervisor, size_t index, int64_t now)
{
	struct slot *slot = &supervisor->slots[index];
	struct error error;
	bool cancel = false;
	enum error_class class =
		run_renew(supervisor->redis, &slot->notice.lease, lease_ms(supervisor), &cancel, &error);

	if (class == ERROR_NONE) {
		slot->renewed_at = now;
		atomic_store(&supervisor->tenures[index].at, now + lease_ms(supervisor));
	}

	if (cancel)
		kill_executor(supervisor, index, VERDICT_CANCELLED, "cancelled");
	else if (class == ERROR_LEASE_LOST)
		kill_executor(supervisor, index, VERDICT_NOT_OURS, "the lease is lost");
	else
		note_tick(supervisor, class);
	if (class != ERROR_LEASE_LOST)
		record_redis_state(supervisor, class != ERROR_NONE ? &error : NULL);
}

static void check_cancel(struct supervisor *supervisor, size_t index, int64_t now)
{
	struct slot *slot = &supervisor->slots[index];
	struct error error;
	bool cancel = false;
	slot->cancel_checked_at = now;
	enum error_class class = run_wants_cancel(supervisor->redis, &slot->notice.lease, &cancel, &error);
	note_tick(supervisor, class);
	if (class == ERROR_NONE && cancel)
		kill_executor(supervisor, index, VERDICT_CANCELLED, "cancelled");
}

/*
 * What needs no Redis, for all executors before any that does: while Redis hangs, each question to it takes its time.
 * A lease that could not be renewed for two thirds of its time may be another's soon: stop before it is.
 */
static void judge_slot(struct supervisor *supervisor, size_t index)
{
	const struct slot *slot = &supervisor->slots[index];
	int64_t now = clock_monotonic_ms();
	if (!slot->notice.busy || slot->verdict != VERDICT_NONE)
		return;
	if (now >= slot->deadline_at)
		kill_executor(supervisor, index, VERDICT_TIMEOUT, "past the attempt's deadline");
	else if (now - slot->renewed_at > lease_ms(supervisor) * 2 / 3)
		kill_executor(supervisor, index, VERDICT_NOT_OURS, "the lease could not be renewed");
}

static void watch_slot(struct supervisor *supervisor, size_t index)
{
	const struct slot *slot = &supervisor->slots[index];
	int64_t now = clock_monotonic_ms();
	if (!slot->notice.busy || slot->verdict != VERDICT_NONE || supervisor->tick_failed)
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
	if (length != sizeof(struct notice))
		return;
	memcpy(&slot->notice, bytes, length);
	slot->renewed_at = slot->notice.claimed_at;
	slot->cancel_checked_at = clock_monotonic_ms();
	slot->deadline_at = slot->notice.claimed_at + slot->notice.time_left_ms;
}

/* ---- executors that are gone ---- */

/* What cannot be handed back now, and is no crash. Where there is no room the lease runs out, as for a crash. */
static void owe(struct supervisor *supervisor, const struct lease *lease)
{
	if (supervisor->owed_count < OWED_MAX)
		supervisor->owed[supervisor->owed_count++] = *lease;
}

/* Hands back what is owed. It is fenced by its lease: what was taken over meanwhile is left as it is. */
static void pay(struct supervisor *supervisor)
{
	const struct run_write release = { .kind = RUN_RELEASE };
	struct arena arena;

	arena_init(&arena, 0);
	while (supervisor->owed_count > 0 && !supervisor->tick_failed) {
		struct error error;
		struct run ended;
		const struct lease *lease = &supervisor->owed[supervisor->owed_count - 1];
		enum error_class class = run_write_told(supervisor->redis, lease, &release, &arena, &ended, &error);
		if (class == ERROR_NONE)
			run_ended_log(&ended, -1);
		note_tick(supervisor, class);
		if (supervisor->tick_failed)
			record_redis_state(supervisor, &error);
		else
			supervisor->owed_count--;
	}

	arena_release(&arena);
}

static void log_attempt(const struct slot *slot, const struct run_write *write, const struct run *ended, bool unknown)
{
	struct run run;
	slot_run(slot, &run);
	const struct attempt_end end = { &run, write, ended, unknown, clock_monotonic_ms() - slot->notice.claimed_at };
	attempt_log(&end);
}

/* Writes for a dead executor. Redis may be away for a moment; after that its run is handed back when it is
 * there. */
static void write_for(
	struct supervisor *supervisor, const struct slot *slot, const struct run_write *write, struct arena *arena)
{
	struct error error;
	struct run ended;
	int64_t began = clock_monotonic_ms();
	bool unknown = false;
	enum error_class class = run_write_told(supervisor->redis, &slot->notice.lease, write, arena, &ended, &error);

	for (int tries = 1; tries < WRITE_TRIES && class != ERROR_NONE && class != ERROR_LEASE_LOST; tries++) {
		/* It hangs, which this or another one has met: those that end in the same moment wait no time-out each.
		 */
		if (supervisor->redis_lost && clock_monotonic_ms() - began >= REDIS_TIMEOUT_MS)
			break;
		unknown |= class == ERROR_OUTCOME_UNKNOWN;
		clock_sleep_ms(100);
		class = run_write_told(supervisor->redis, &slot->notice.lease, write, arena, &ended, &error);
	}

	log_attempt(slot, write, class == ERROR_NONE ? &ended : NULL, class == ERROR_LEASE_LOST && unknown);
	if (class == ERROR_NONE || class == ERROR_LEASE_LOST)
		return;
	log_error("run to be handed back later", &error);
	record_redis_state(supervisor, &error);
	owe(supervisor, &slot->notice.lease);
}

static void write_failure(
	struct supervisor *supervisor, const struct slot *slot, enum error_class class, const char *message)
{
	struct arena arena;
	struct error failure, error;
	struct failure_texts texts;
	struct run_write write;
	const struct run_progress progress = { slot->notice.attempt, slot->notice.attempts, 0 };

	arena_init(&arena, 0);
	error_set(&failure, class, "%s", message);
	if (failure_write(&failure, &progress, &arena, &texts, &write, &error) == ERROR_NONE)
		write_for(supervisor, slot, &write, &arena);
	arena_release(&arena);
}

static void hand_back(struct supervisor *supervisor, const struct slot *slot)
{
	struct arena arena;
	arena_init(&arena, 0);
	write_for(supervisor, slot, &(struct run_write){ .kind = RUN_RELEASE }, &arena);
	arena_release(&arena);
}

/* A lease of no length runs out at once: the reaper counts a crash and queues the run anew. */
static void give_up_lease(struct supervisor *supervisor, const struct slot *slot)
{
	struct error error;
	bool cancel;
	if (run_renew(supervisor->redis, &slot->notice.lease, 0, &cancel, &error) != ERROR_NONE)
		log_error("run left to its lease", &error);
}

static void clean_up_after(struct supervisor *supervisor, const struct slot *slot)
{
	/* It had gone on to another run before the blow fell: that one is not to blame. */
	if (slot->verdict != VERDICT_NONE && strcmp(slot->judged, slot->notice.lease.token) != 0) {
		hand_back(supervisor, slot);
		return;
	}

	switch (slot->verdict) {
	case VERDICT_TIMEOUT:
		write_failure(supervisor, slot, ERROR_TIMEOUT, "the attempt took longer than its deadline allows");
		return;
	case VERDICT_CANCELLED:
		write_failure(supervisor, slot, ERROR_CANCELLED, RUN_STOPPED_MESSAGE);
		return;
	case VERDICT_NOT_OURS:
		owe(supervisor, &slot->notice.lease);
		return;
	case VERDICT_NONE:
		if (supervisor->prefork.stopping)
			hand_back(supervisor, slot);
		else
			give_up_lease(supervisor, slot);
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
	bool expected = slot->verdict != VERDICT_NONE || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
	enum log_level level = expected ? LOG_DEBUG : LOG_ERROR;
	struct run run;
	struct log_line line;
	slot_run(slot, &run);
	run_line(&line, level, "executor ended", &run);
	log_number(&line, "executor_pid", pid);
	log_text(&line, "how", how);
	log_end(&line);
	if (slot->notice.busy)
		clean_up_after(supervisor, slot);
	*slot = (struct slot){ .verdict = VERDICT_NONE };
}

/* ---- credentials that were replaced ---- */

static enum error_class connect_redis(struct supervisor *supervisor, struct error *error)
{
	struct redis *fresh;
	if (redis_from_settings(supervisor->settings, supervisor->name, REDIS_TIMEOUT_MS, &fresh, error) != ERROR_NONE)
		return error->class;
	redis_free(supervisor->redis);
	supervisor->redis = fresh;
	return ERROR_NONE;
}

static enum error_class check_settings(const struct settings *settings, struct error *error)
{
	return secret_keys_check(NULL, settings->secrets_keys, error);
}

/* Executors are replaced as they finish: an action that is under way keeps the credentials that it began with. */
static void reload(struct supervisor *supervisor)
{
	struct error error;

	supervisor->stamp = settings_stamp(supervisor->settings);
	if (settings_reload(supervisor->settings, check_settings, &error) != ERROR_NONE ||
		connect_redis(supervisor, &error) != ERROR_NONE) {
		log_error("credentials not read again, the ones before stay in use", &error);
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
		class = runs_reap(supervisor->redis, lease_ms(supervisor), &listener, &count, &error);
	record_redis_state(supervisor, class != ERROR_NONE ? &error : NULL);
}

static size_t busy_count(const struct supervisor *supervisor)
{
	size_t count = 0;
	for (size_t i = 0; i < supervisor->prefork.count; i++)
		count += supervisor->slots[i].notice.busy ? 1 : 0;
	return count;
}

static void beat(struct supervisor *supervisor)
{
	struct error error;
	struct worker_heartbeat beat = { supervisor->name, SLIPWAY_VERSION, supervisor->prefork.count,
		busy_count(supervisor) };
	supervisor->heartbeat_at = clock_monotonic_ms();
	if (worker_heartbeat(supervisor->redis, &beat, &error) != ERROR_NONE)
		record_redis_state(supervisor, &error);
}

/* What nobody else would come upon. Once a lease is often enough: nothing waits for it. */
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
		judge_slot(supervisor, i);
	pay(supervisor);
	for (size_t i = 0; i < supervisor->prefork.count; i++)
		watch_slot(supervisor, i);
	if (supervisor->tick_failed)
		return;
	reap(supervisor);
	if (clock_monotonic_ms() - supervisor->heartbeat_at >= HEARTBEAT_MS || supervisor->heartbeat_at == 0)
		beat(supervisor);
	if (clock_monotonic_ms() - supervisor->tidied_at >= lease_ms(supervisor) || supervisor->tidied_at == 0)
		tidy(supervisor);
}

static int run_child(void *context, size_t index, int channel)
{
	struct supervisor *supervisor = context;
	/* The supervisor's connection is its own: the child closes its copy of the socket. */
	redis_disconnect(supervisor->redis);
	return executor_run(supervisor->settings, supervisor->name, index, channel, &supervisor->tenures[index]);
}

static void leave(struct supervisor *supervisor)
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

/* Zeroed: nobody holds a lease yet. Mapped for as long as the process lives. */
static enum error_class share_tenures(struct supervisor *supervisor, struct error *error)
{
	size_t size = (size_t)supervisor->settings->executors * sizeof(struct tenure);
	void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to share with the executors");
	supervisor->tenures = shared;
	return ERROR_NONE;
}

enum error_class supervisor_run(struct settings *settings, struct error *error)
{
	static struct supervisor supervisor;
	char host[64] = "worker";

	gethostname(host, sizeof(host) - 1);
	supervisor.settings = settings;
	text_format(supervisor.name, sizeof(supervisor.name), "%s-%d", host, (int)getpid());
	if (share_tenures(&supervisor, error) != ERROR_NONE)
		return error->class;
	if (connect_redis(&supervisor, error) != ERROR_NONE)
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
	leave(&supervisor);
	redis_free(supervisor.redis);
	log_write(LOG_INFO, "stopped", "worker", supervisor.name, NULL);
	return class;
}
