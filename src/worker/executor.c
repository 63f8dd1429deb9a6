/*
 * The loop of an executor: wait for a run, run the attempt, say how it ended. A new process
 * replaces it after a number of actions, or after a fault. It has no connection to Redis: what an
 * action needs of the store it asks the supervisor.
 */
#include "worker/executor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/resources.h"
#include "base/text.h"
#include "core/workflow.h"
#include "worker/attempt.h"
#include "worker/decline.h"
#include "worker/desk.h"
#include "worker/sandbox.h"

#define MEMORY_MAX       ((size_t)512 << 20)
#define DESCRIPTORS_MAX  256
#define DESCRIPTORS_LEFT 64 /* more open descriptors than this were leaked by an action */

struct executor {
	const struct settings *settings;
	struct executor_shared *shared;
	struct desk desk;
	struct http_client *client;
	sigset_t mask; /* while it waits for a run: SIGTERM gets through */
	int64_t actions;
	bool leaves; /* it takes no run after the one that it had */
};

static volatile sig_atomic_t stop_requested;

static void on_terminate(int signal_number)
{
	(void)signal_number;
	stop_requested = 1;
}

/* ---- one run ---- */

/* In this order, and the other way round where the supervisor closes it: so the supervisor finds it
 * under way, or it is not sent. */
static bool begin_request(void *context, bool changes)
{
	struct executor_shared *shared = context;
	atomic_store(&shared->changing, changes);
	return !atomic_load(&shared->closed);
}

/* What only reads ends at once where it is closed. */
static bool may_go_on(void *context)
{
	const struct executor_shared *shared = context;
	bool is_open = !atomic_load(&shared->closed) || atomic_load(&shared->changing);
	return is_open && clock_monotonic_ms() < atomic_load(&shared->lease_until);
}

static void end_request(void *context)
{
	struct executor_shared *shared = context;
	atomic_store(&shared->changing, false);
}

static enum error_class read_claim(
	const struct job *job, struct claim *ret_claim, struct error *error)
{
	const struct run_name name = { job->tenant, job->app, job->workflow, job->step };
	struct run *run = &ret_claim->run;

	run_init(run, &name);
	run->id = job->run_id;
	run->request = job->request;
	run->worker = job->worker;
	run->input = job->input;
	run->checkpoint = job->checkpoint;
	run->outage_seen = job->outage_seen;
	run->attempt = job->attempt;
	run->attempts = job->attempts;
	run->now = job->now;
	run->queued_at = job->queued_at;
	run->run_deadline = job->run_deadline;
	run->outage_at = job->outage_at;
	run->outage_ms = job->outage_ms;
	run->paused_ms = job->paused_ms;
	lease_set_name(&ret_claim->lease, &name);
	text_copy(ret_claim->lease.token, TOKEN_SIZE, job->token);
	ret_claim->ledger = NULL;
	return json_parse(
		job->ledger, strlen(job->ledger), JSON_LIMITS_WIDE, &ret_claim->ledger, error);
}

static bool is_last(const struct executor *executor);

static void tell_result(struct executor *executor, const struct run_write *write)
{
	const struct error *failure = write->failure;
	const struct job_failure met = {
		.class = failure != NULL ? error_class_facts(failure->class)->name : "",
		.message = failure != NULL ? failure->message : "",
		.place = failure != NULL ? failure->place : "",
		.provider = failure != NULL ? failure->provider : "",
		.request_id = failure != NULL ? failure->request_id : "",
		.http_status = failure != NULL ? failure->http_status : 0
	};
	executor->leaves = is_last(executor);
	const struct ask ask = { .kind = ASK_RESULT,
		.leaves = executor->leaves,
		.write = write->kind,
		.checkpoint = write->checkpoint,
		.phase = write->phase,
		.reason = write->reason,
		.detail = write->detail,
		.delay_ms = write->delay_ms,
		.status = write->status,
		.output = write->output,
		.error = write->error,
		.gives = write->gives,
		.outage = write->outage,
		.outage_ms = write->outage_ms,
		.outage_seen = write->outage_seen,
		.failure = failure != NULL ? &met : NULL };

	if (!desk_tell(&executor->desk, &ask) && !executor->desk.is_gone)
		executor->desk.is_gone =
			true; /* too large: this process ends as if it had crashed */
}

static void tell_nothing(struct executor *executor)
{
	const struct ask nothing = { .kind = ASK_NOTHING, .leaves = true };

	executor->leaves = true;
	desk_tell(&executor->desk, &nothing);
}

static void execute(struct executor *executor, const struct job *job, const struct claim *claim,
	struct arena *arena)
{
	struct error error;
	struct run_write write = { .kind = RUN_RELEASE };
	const struct attempt attempt = { .settings = executor->settings,
		.desk = &executor->desk,
		.client = executor->client,
		.step = step_of(&claim->run.name),
		.claim = claim,
		.deadline_at = clock_monotonic_ms() + job->time_left_ms,
		.arena = arena };
	enum error_class class = attempt.step != NULL
		? attempt_execute(&attempt, &write, &error)
		: error_set(&error, ERROR_LEASE_LOST, "this build has no such step");

	/* That it ends where it is to end is no failure. */
	if (class != ERROR_NONE &&
		!(class == ERROR_LEASE_LOST && atomic_load(&executor->shared->closed)))
		log_error("attempt failed", &error);
	/* The process may have been suspended past its lease; it stopped in an orderly way, so this
	 * is no crash. */
	if (class == ERROR_LEASE_LOST)
		write = (struct run_write){ .kind = RUN_RELEASE };
	if (class == ERROR_NONE || class == ERROR_LEASE_LOST)
		tell_result(executor, &write);
	else
		tell_nothing(executor);
}

static void execute_next(struct executor *executor)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct error error;
	struct job job;
	struct claim claim = { .ledger = NULL };

	if (!desk_wait_job(&executor->desk, &executor->mask, &arena, &job))
		return;
	atomic_store(&executor->shared->begun, job.number);
	executor->actions++;
	if (read_claim(&job, &claim, &error) == ERROR_NONE) {
		execute(executor, &job, &claim, &arena);
		claim_release(&claim);
		return;
	}

	log_error("run not begun", &error);
	executor->desk.is_gone = true;
}

/* ---- the loop ---- */

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
	int lowest_free = fcntl(executor->desk.channel.fd, F_DUPFD_CLOEXEC, 0);
	if (lowest_free < 0)
		return errno == EMFILE;
	close(lowest_free);
	return lowest_free > DESCRIPTORS_LEFT;
}

/* One that came amid the action has not been delivered. */
static bool is_pending_terminate(void)
{
	sigset_t pending;
	return sigpending(&pending) == 0 && sigismember(&pending, SIGTERM) == 1;
}

static bool is_told_to_end(void)
{
	return stop_requested || is_pending_terminate();
}

/* Whether it takes no run after the one that it has. */
static bool is_last(const struct executor *executor)
{
	return is_told_to_end() || executor->actions >= executor->settings->executor_actions ||
		descriptors_left(executor);
}

/* SIGTERM is heard between two runs only: while it waits for one. */
static void hear_terminate(struct executor *executor)
{
	struct sigaction terminate = { .sa_handler = on_terminate };
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &executor->mask);
	sigdelset(&executor->mask, SIGTERM);
	sigaction(SIGTERM, &terminate, NULL);
}

int executor_run(const struct settings *settings, int channel, struct executor_shared *shared)
{
	static const struct ask ready = { .kind = ASK_READY };
	struct executor executor = { .settings = settings, .shared = shared };
	const struct http_guard guard = { begin_request, may_go_on, end_request, shared };
	const struct sandbox sandbox = { .writes = settings->record_folder };
	struct error error;
	int status = 1;

	limit_resources();
	hear_terminate(&executor);
	desk_init(&executor.desk, channel);
	if (http_client_new(&executor.client, &error) == ERROR_NONE &&
		sandbox_enter(&sandbox, &error) == ERROR_NONE) {
		http_client_guard(executor.client, &guard);
		desk_tell(&executor.desk, &ready);
		while (!executor.desk.is_gone && !executor.leaves && !is_told_to_end())
			execute_next(&executor);
		status = executor.desk.is_gone ? 1 : 0;
	} else {
		log_error("executor cannot start", &error);
	}

	http_client_free(executor.client);
	desk_release(&executor.desk);
	return status;
}
