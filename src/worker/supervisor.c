/*
 * The life of the worker: its executors, its credentials, and what is due at each tick. It never
 * runs an action, so a bad action cannot take it down; and whatever it does with Redis is done in
 * coroutines, so a slow Redis cannot keep it from anything else.
 */
#include "worker/supervisor.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "core/secret.h"
#include "slipway/field.h"
#include "store/functions.h"
#include "store/layout.h"
#include "store/queue.h"
#include "store/reaper.h"
#include "store/workers.h"
#include "worker/attempt_log.h"
#include "worker/clean_up.h"
#include "worker/credentials.h"
#include "worker/dispatch.h"
#include "worker/executor.h"
#include "worker/leases.h"
#include "worker/reserve.h"
#include "worker/run_limits.h"
#include "worker/sandbox.h"
#include "worker/service.h"
#include "worker/supervision.h"

#define REDIS_TIMEOUT_MS 1500
#define TICK_MS          250
#define HEARTBEAT_MS     2000 /* see WORKER_ABSENT_MS */
#define FUNCTIONS_MS     2000
#define REAP_ROUNDS      20 /* of 100 runs each, in one tick */

/* ---- what its parts share ---- */

int64_t supervisor_lease_ms(const struct supervisor *supervisor)
{
	return supervisor->settings->lease_seconds * 1000;
}

void supervisor_record_redis(struct supervisor *supervisor, const struct error *error)
{
	/* That Redis holds the state of another version is found out after the connection was lost.
	 */
	bool refused = error != NULL && layout_refused(error);
	if (error != NULL && (!supervisor->redis_lost || refused != supervisor->layout_refused))
		log_error("redis", error);
	if (error == NULL && supervisor->redis_lost) {
		log_write(LOG_INFO, "redis is back", NULL);
		supervisor->loaded_at = 0;
	}
	supervisor->redis_lost = error != NULL;
	supervisor->layout_refused = refused;
}

bool supervisor_start(struct supervisor *supervisor, coroutine_main *main, void *context)
{
	supervisor->coroutines++;
	if (coroutine_start(main, context))
		return true;
	supervisor->coroutines--;
	return false;
}

void supervisor_leave(struct supervisor *supervisor)
{
	supervisor->coroutines--;
}

bool supervisor_is_cut_off(enum error_class class)
{
	return class == ERROR_STORE_UNAVAILABLE || class == ERROR_OUTCOME_UNKNOWN;
}

void slot_run(const struct slot *slot, struct run *run)
{
	const struct run_name name = lease_name(&slot->report.lease);
	run_init(run, &name);
	run->id = slot->report.run_id;
	run->request = slot->report.request;
	run->attempt = slot->report.attempt;
}

/* ---- executors ---- */

static void on_started(void *context, size_t index, int channel)
{
	struct supervisor *supervisor = context;
	service_open(&supervisor->slots[index], channel);
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
	service_close(slot);
	slot_run(slot, &run);
	run_line(&line, level, "executor ended", &run);
	log_number(&line, "executor_pid", pid);
	log_text(&line, "how", how);
	log_end(&line);
	if (slot->report.busy)
		clean_up_after(supervisor, slot);
	memset(&slot->report, 0, sizeof(slot->report));
	slot->kill_reason = KILL_NONE;
	slot->is_ready = false;
}

/* ---- credentials that were replaced ---- */

static enum error_class check_settings(const struct settings *settings, struct error *error)
{
	if (secret_keys_check(NULL, settings->secrets_keys, error) != ERROR_NONE)
		return error->class;
	return run_limits_check(settings->run_limits, error);
}

/* Where the keys lie never changes: a coroutine that waits for Redis has borrowed them. */
static enum error_class renew_macs(struct supervisor *supervisor, struct error *error)
{
	const char *private_keys = supervisor->settings->secrets_keys;

	return private_keys != NULL ? mac_keys_renew(supervisor->macs, private_keys, error)
				    : ERROR_NONE;
}

/* Executors are replaced as they finish: a running action keeps the credentials
 * that it began with. */
static void reload(struct supervisor *supervisor)
{
	struct error error;

	supervisor->stamp = settings_stamp(supervisor->settings);
	if (settings_reload(supervisor->settings, check_settings, &error) != ERROR_NONE ||
		redis_readdress(supervisor->redis, supervisor->settings, &error) != ERROR_NONE ||
		redis_readdress(supervisor->bell, supervisor->settings, &error) != ERROR_NONE) {
		/* The keeper has its own. */
		settings_forget(supervisor->settings, "SLIPWAY_SECRETS_KEYS");
		credentials_forget(supervisor->settings);
		log_error("credentials not read again, the previous ones stay in use", &error);
		return;
	}

	/* Where the keeper stays as it is, MACs are by the keys that it has. */
	if (!supervisor->keeper.child.is_only) {
		log_write(LOG_INFO, "credentials read again", NULL);
		if (renew_macs(supervisor, &error) != ERROR_NONE)
			log_error("keys of MACs not read again, the previous ones stay in use",
				&error);
	}
	keeper_link_renew(&supervisor->keeper);
	minters_renew(&supervisor->minters);
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

	/* Executors that were there before may not read the new file. */
	const uint64_t stamp = sandbox_stamp();
	if (stamp == supervisor->sandbox_stamp)
		return;
	supervisor->sandbox_stamp = stamp;
	log_write(
		LOG_INFO, "executors are replaced", "why", "the resolver's files are others", NULL);
	minters_renew(&supervisor->minters);
	prefork_replace(&supervisor->prefork);
}

/* ---- every tick ---- */

static enum error_class reap(struct supervisor *supervisor, struct error *error)
{
	static const struct reap_listener listener = { .told = reaped_log };
	size_t count = 100;

	for (int round = 0; round < REAP_ROUNDS && count >= 100; round++)
		if (runs_reap(supervisor->redis, supervisor_lease_ms(supervisor), &listener, &count,
			    error) != ERROR_NONE)
			return error->class;
	return ERROR_NONE;
}

static enum error_class sweep(struct supervisor *supervisor, struct error *error)
{
	return queue_sweep(supervisor->redis, supervisor->settings->retention_days * 86400, error);
}

/* Whether it is due; then it counts as done. */
static bool take_due(int64_t *done_at, int64_t interval_ms)
{
	int64_t now = clock_monotonic_ms();

	if (*done_at != 0 && now - *done_at < interval_ms)
		return false;
	*done_at = now;
	return true;
}

/* At once where others are to count on it no more. */
static enum error_class send_heartbeat(struct supervisor *supervisor, struct error *error)
{
	const struct lease *running[PREFORK_CHILDREN_MAX];
	struct heartbeat_state state = { .executors = supervisor->prefork.count,
		.running = running,
		.draining = supervisor->prefork.stopping };

	if (state.draining && !supervisor->heartbeat.drains)
		supervisor->heartbeat_at = 0;
	supervisor->heartbeat.drains = state.draining;
	if (!take_due(&supervisor->heartbeat_at, HEARTBEAT_MS))
		return ERROR_NONE;
	for (size_t i = 0; i < supervisor->prefork.count; i++)
		if (supervisor->slots[i].report.busy)
			running[state.running_count++] = &supervisor->slots[i].report.lease;
	return heartbeat_send(supervisor->redis, &supervisor->heartbeat, &state, error);
}

/* Nothing waits for the tidying, which finds what nothing else would find: once per lease time is
 * enough. */
static enum error_class tidy(struct supervisor *supervisor, struct error *error)
{
	return take_due(&supervisor->tidied_at, supervisor_lease_ms(supervisor))
		? workers_tidy(supervisor->redis, error)
		: ERROR_NONE;
}

/* As often as others tell how many executors they have; at once where Redis is back. */
static enum error_class renew_reserve(struct supervisor *supervisor, struct error *error)
{
	if (!take_due(&supervisor->reserved_at, HEARTBEAT_MS))
		return ERROR_NONE;
	enum error_class class = reserve_renew(supervisor, error);
	if (supervisor_is_cut_off(class))
		supervisor->reserved_at = 0;
	return class;
}

/* Whoever deletes a run that is being run leaves it counted, and what has a limit would be held by
 * that for ever. */
static enum error_class recount(struct supervisor *supervisor, struct error *error)
{
	const int64_t every_ms = supervisor_lease_ms(supervisor);

	return reserve_limits_runs(supervisor) && take_due(&supervisor->recounted_at, every_ms)
		? reserve_recount(supervisor, every_ms, error)
		: ERROR_NONE;
}

/* For slipway-api, whose Redis user may not. Again and again, for somebody may have emptied Redis;
 * at once where a call of ours has met that. */
static enum error_class load_functions(struct supervisor *supervisor, struct error *error)
{
	if (functions_missed() != supervisor->functions_missed)
		supervisor->loaded_at = 0;
	supervisor->functions_missed = functions_missed();
	return take_due(&supervisor->loaded_at, FUNCTIONS_MS)
		? functions_load(supervisor->redis, NULL, error)
		: ERROR_NONE;
}

typedef enum error_class house_part(struct supervisor *, struct error *);

/* A key that a hand has broken stops what needs it, and nothing else. Gives the first error. */
static enum error_class keep_house(struct supervisor *supervisor, struct error *error)
{
	static house_part *const parts[] = { renew_reserve, load_functions, release_pending, reap,
		sweep, send_heartbeat, tidy, recount };
	struct error found;

	error->class = ERROR_NONE;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (parts[i](supervisor, &found) == ERROR_NONE)
			continue;
		if (error->class == ERROR_NONE)
			*error = found;
		if (supervisor_is_cut_off(found.class))
			break;
	}
	return error->class;
}

static void keep_house_in_coroutine(void *context)
{
	struct supervisor *supervisor = context;
	struct error error;
	enum error_class class = keep_house(supervisor, &error);

	supervisor_record_redis(supervisor, class != ERROR_NONE ? &error : NULL);
	supervisor->is_housekeeping = false;
	supervisor_leave(supervisor);
}

static void start_housekeeping(struct supervisor *supervisor)
{
	if (supervisor->is_housekeeping)
		return;
	supervisor->is_housekeeping = true;
	if (!supervisor_start(supervisor, keep_house_in_coroutine, supervisor))
		supervisor->is_housekeeping = false;
}

/* Nothing new is begun then: the end waits for what is under way. */
static bool is_over(const struct supervisor *supervisor)
{
	for (size_t i = 0; i < supervisor->prefork.count; i++)
		if (supervisor->prefork.children[i].pid > 0)
			return false;
	return supervisor->prefork.stopping;
}

/* Without keys this worker is of no use: whoever started it gives them to another one. */
static void watch_keeper(struct supervisor *supervisor)
{
	child_link_check(&supervisor->keeper.child);
	if (supervisor->keeper.child.is_spent && !supervisor->prefork.stopping)
		kill(getpid(), SIGTERM);
}

static void on_tick(void *context)
{
	struct supervisor *supervisor = context;

	if (is_over(supervisor)) {
		minters_close(&supervisor->minters);
		return;
	}
	watch_files(supervisor);
	watch_keeper(supervisor);
	minters_check(&supervisor->minters);
	leases_check(supervisor);
	service_check(supervisor);
	start_housekeeping(supervisor);
	dispatch_check(supervisor);
}

/* ---- its life ---- */

/* Whoever has a run to write gets the time for it, also where no executor is left. */
static bool is_busy(const void *context)
{
	const struct supervisor *supervisor = context;
	return supervisor->coroutines > 0;
}

/* In an executor, and in a minter, which has none. */
static void leave_shared_of_others(struct supervisor *supervisor, size_t index)
{
	for (size_t i = 0; i < (size_t)supervisor->settings->executors; i++)
		if (i != index)
			munmap(supervisor->shared[i], sizeof(struct executor_shared));
}

/* In a child: what is the supervisor's own. */
static void leave_secrets(struct supervisor *supervisor)
{
	settings_forget(supervisor->settings, "SLIPWAY_REDIS_PASSWORD");
	/* None are there; whoever brings them back by mistake gives them to no executor. */
	settings_forget(supervisor->settings, "SLIPWAY_SECRETS_KEYS");
	credentials_forget(supervisor->settings);
	redis_forget_password(supervisor->redis);
	redis_forget_password(supervisor->bell);
}

static void leave_as_minter(void *context)
{
	struct supervisor *supervisor = context;

	leave_shared_of_others(supervisor, PREFORK_CHILDREN_MAX);
	leave_secrets(supervisor);
}

/* Nothing of the supervisor's is open in an executor but the channel and the standard streams: also
 * not its connections to Redis. */
static int run_child(void *context, size_t index, int channel)
{
	struct supervisor *supervisor = context;

	close_range(STDERR_FILENO + 1, (unsigned)channel - 1, 0);
	close_range((unsigned)channel + 1, ~0U, 0);
	leave_shared_of_others(supervisor, index);
	leave_secrets(supervisor);
	return executor_run(supervisor->settings, channel, supervisor->shared[index]);
}

static void deregister(void *context)
{
	struct supervisor *supervisor = context;
	struct error error;

	if (worker_leave(supervisor->redis, supervisor->name, &error) != ERROR_NONE)
		supervisor_record_redis(supervisor, &error);
	supervisor_leave(supervisor);
}

/* Zeroed: no executor holds a lease yet. Mapped for as long as the process lives. */
static enum error_class share_with_executors(struct supervisor *supervisor, struct error *error)
{
	for (size_t i = 0; i < (size_t)supervisor->settings->executors; i++) {
		void *page = mmap(NULL, sizeof(struct executor_shared), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (page == MAP_FAILED)
			return error_set(error, ERROR_OUT_OF_MEMORY,
				"no memory to share with the executors");
		supervisor->shared[i] = page;
	}
	return ERROR_NONE;
}

/* A Redis that cannot be reached yet is waited for; another layout will not change by itself. */
static enum error_class check_layout(const struct supervisor *supervisor, struct error *error)
{
	struct redis *redis;

	if (redis_from_settings(supervisor->settings, supervisor->name, REDIS_TIMEOUT_MS, &redis,
		    error) != ERROR_NONE)
		return error->class;
	bool refused = layout_check(redis, error) != ERROR_NONE && layout_refused(error);
	redis_free(redis);
	return refused ? error->class : ERROR_NONE;
}

static enum error_class set_up(struct supervisor *supervisor, struct error *error)
{
	char host[64] = "worker";

	gethostname(host, sizeof(host) - 1);
	text_format(supervisor->name, sizeof(supervisor->name), "%s-%d", host, (int)getpid());
	heartbeat_init(&supervisor->heartbeat, supervisor->name);
	supervisor->stamp = settings_stamp(supervisor->settings);
	supervisor->sandbox_stamp = sandbox_stamp();
	for (size_t i = 0; i < PREFORK_CHILDREN_MAX; i++)
		supervisor->slots[i] = (struct slot){ .supervisor = supervisor, .index = i };
	if (share_with_executors(supervisor, error) != ERROR_NONE ||
		check_layout(supervisor, error) != ERROR_NONE ||
		loop_new(&supervisor->loop, error) != ERROR_NONE ||
		mac_keys_new(supervisor->settings->secrets_keys, &supervisor->macs, error) !=
			ERROR_NONE ||
		keeper_link_open(&supervisor->keeper, supervisor->settings, supervisor->loop,
			error) != ERROR_NONE ||
		redis_from_settings(supervisor->settings, supervisor->name, REDIS_TIMEOUT_MS,
			&supervisor->redis, error) != ERROR_NONE)
		return error->class;
	redis_join(supervisor->redis, supervisor->loop);
	batch_init(&supervisor->batch, supervisor->redis, supervisor->loop);
	layout_require(supervisor->redis);
	if (dispatch_open(supervisor, error) != ERROR_NONE)
		return error->class;
	supervisor->minters = (struct minters){ .settings = supervisor->settings,
		.loop = supervisor->loop,
		.leave = leave_as_minter,
		.context = supervisor };
	return minters_open(&supervisor->minters, error);
}

static enum error_class supervise(struct supervisor *supervisor, struct error *error)
{
	supervisor->prefork = (struct prefork){
		.context = supervisor,
		.count = (size_t)supervisor->settings->executors,
		.grace_ms = supervisor->settings->grace_seconds * 1000,
		.tick_ms = TICK_MS,
		.loop = supervisor->loop,
		.child = run_child,
		.started = on_started,
		.ended = on_ended,
		.tick = on_tick,
		.hangup = on_hangup,
		.busy = is_busy,
	};
	log_write(LOG_INFO, "started", "worker", supervisor->name, NULL);
	if (sandbox_weakness() != NULL)
		log_write(LOG_WARNING, "sandbox is weak", "why", sandbox_weakness(), NULL);
	enum error_class class = prefork_run(&supervisor->prefork, error);

	/* Nobody is left for whom they make something. */
	minters_close(&supervisor->minters);
	if (!supervisor_start(supervisor, deregister, supervisor))
		log_write(LOG_WARNING, "no memory to leave the list of workers", NULL);
	while (supervisor->coroutines > 0)
		loop_turn(supervisor->loop, TICK_MS);
	log_write(LOG_INFO, "stopped", "worker", supervisor->name, NULL);
	return class;
}

enum error_class supervisor_run(struct settings *settings, struct error *error)
{
	static struct supervisor supervisor;

	supervisor.settings = settings;
	enum error_class class = set_up(&supervisor, error);
	if (class == ERROR_NONE)
		class = supervise(&supervisor, error);
	if (class == ERROR_NONE && supervisor.keeper.child.is_spent)
		class = error_set(error, ERROR_INTERNAL,
			"the keeper has ended, and its keys came by the environment: start the "
			"worker again, or give it SLIPWAY_SECRETS_KEYS_FILE");
	keeper_link_close(&supervisor.keeper);
	connections_forget(&supervisor.connections);
	dispatch_close(&supervisor);
	redis_free(supervisor.redis);
	loop_free(supervisor.loop);
	coroutines_release();
	mac_keys_free(supervisor.macs);
	return class;
}
