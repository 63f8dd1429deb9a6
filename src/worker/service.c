/*
 * An executor blocks while it waits for a reply, so it has one question under way, and log lines
 * before it, of which no more are read until some are answered; one that says more is killed. A
 * coroutine may outlive the executor that asked: then nobody is told.
 */
#include "worker/service.h"

#include <limits.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "core/workflow.h"
#include "worker/alarm.h"
#include "worker/answers.h"
#include "worker/belief.h"
#include "worker/clean_up.h"
#include "worker/dispatch.h"
#include "worker/result.h"

#define ASKED_MAX      16             /* questions of one executor under way */
#define LAST_LINES_MAX 300            /* of one that has ended; an app keeps no more events */
#define WRITE_PAUSE_MS 500            /* while Redis is away */
#define LEAVE_MS       INT64_C(10000) /* that one takes to end after its last run */

/* ---- questions ---- */

/* It lies in its own arena. */
struct question {
	struct supervisor *supervisor;
	size_t index;
	uint64_t generation; /* of the executor */
	struct report report;
	const char *input; /* of the run; NULL: nothing asks for it */
	size_t mints;      /* of the attempt, see struct asker */
	struct ask ask;
	struct arena arena;
};

static void question_free(struct question *question)
{
	struct arena arena = question->arena;
	arena_release(&arena);
}

/* Whether what it may have depends on what its run's input says. */
static bool asks_by_input(const char *kind)
{
	return strcmp(kind, ASK_SECRET) == 0 || strcmp(kind, ASK_NEEDS) == 0 ||
		strcmp(kind, ASK_OUTPUT) == 0;
}

static struct question *question_new(const struct slot *slot, const char *text, size_t length)
{
	struct arena arena;
	struct error error;

	arena_init(&arena, 0);
	struct question *question = arena_allocate(&arena, sizeof(*question));
	if (question == NULL ||
		message_read(&ask_record, text, length, &arena, &question->ask, &error) !=
			ERROR_NONE) {
		arena_release(&arena);
		return NULL;
	}

	question->supervisor = slot->supervisor;
	question->index = slot->index;
	question->generation = slot->generation;
	question->report = slot->report;
	/* The run may be another one when it is answered. */
	question->input = slot->input != NULL && asks_by_input(question->ask.kind)
		? arena_string(&arena, slot->input)
		: NULL;
	question->arena = arena;
	return question;
}

/* What it has said before stands; there may be more than the log would bear. */
static void kill_talker(struct slot *slot, const char *why)
{
	slot->is_cut_off = true;
	log_write(LOG_ERROR, "executor killed", "why", why, "run", slot->report.run_id, NULL);
	prefork_kill(&slot->supervisor->prefork, slot->index);
}

/* ---- sending ---- */

static void watch_again(struct slot *slot)
{
	const uint32_t events =
		(slot->asked < ASKED_MAX ? EPOLLIN : 0) | (slot->writes ? EPOLLOUT : 0);

	if (slot->is_watched && slot->events != events)
		loop_change(slot->supervisor->loop, &slot->watch, events);
	slot->events = events;
}

static void send_all(struct slot *slot)
{
	slot->writes = channel_flush(&slot->channel) == CHANNEL_FULL;
	watch_again(slot);
}

static void send_reply(struct slot *slot, const struct reply *reply)
{
	struct error error;

	if (message_put(&slot->channel, &reply_record, reply, &error) != ERROR_NONE)
		kill_talker(slot, "no memory for a reply to it");
	else
		send_all(slot);
}

/* ---- answering, in coroutines ---- */

static bool expects_reply(const char *kind)
{
	return strcmp(kind, ASK_LOG) != 0;
}

/* Once for each attempt: who asks for one thing asks for a thousand. */
static void alarm_once(
	const struct question *question, struct slot *slot, const struct reply *reply)
{
	const struct run_name name = lease_name(&question->report.lease);
	struct error refusal;

	if (slot->has_alarmed || slot->generation != question->generation)
		return;
	slot->has_alarmed = true;
	reply_failure(reply, &refusal);
	alarm_raise(question->supervisor->redis, &name, question->report.request, ALARM_REFUSED,
		&refusal);
}

static void answer_in_coroutine(void *context)
{
	struct question *question = context;
	struct supervisor *supervisor = question->supervisor;
	struct slot *slot = &supervisor->slots[question->index];
	const struct asker asker = { .redis = supervisor->redis,
		.batch = &supervisor->batch,
		.lease = &question->report.lease,
		.run_id = question->report.run_id,
		.request = question->report.request,
		.macs = supervisor->macs,
		.input_digest = question->report.input_digest,
		.worker = supervisor->name,
		.input = question->input,
		.keeper = &supervisor->keeper,
		.minters = &supervisor->minters,
		.connections = &supervisor->connections,
		.heeds_outages = supervisor->settings->outage_seconds > 0,
		.mints = question->mints };
	struct reply reply = { .class = NULL };

	if (answer_ask(&asker, &question->ask, &question->arena, &reply))
		alarm_once(question, slot, &reply);
	if (slot->generation == question->generation) {
		slot->asked--;
		if (expects_reply(question->ask.kind)) {
			slot->is_waiting = false;
			send_reply(slot, &reply);
		}
		loop_call_at_end(supervisor->loop, &slot->hook);
	}
	question_free(question);
	supervisor_leave(supervisor);
}

/* Repeated for as long as the lease lasts: what it says was done at a provider. */
static void commit_in_coroutine(void *context)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct question *question = context;
	struct supervisor *supervisor = question->supervisor;
	const struct slot slot = { .report = question->report };
	const struct result_retries retries = { .tries_max = INT_MAX,
		.pause_ms = WRITE_PAUSE_MS,
		.give_up_at = clock_monotonic_ms() + supervisor_lease_ms(supervisor),
		.end_at = &supervisor->prefork.kill_at,
		.loop = supervisor->loop };
	struct error failure, error;
	struct run_write write;
	struct run run;

	slot_run(&slot, &run);
	ask_write(&question->ask, &failure, &write);
	const struct signer signer = { supervisor->macs, &question->report.lease,
		question->report.run_id, question->report.input_digest };
	const struct result result = { &supervisor->batch, &question->report.lease, &run,
		question->report.claimed_at, &write };
	enum error_class class = belief_sign(&signer, &write, &arena, &error);
	if (class == ERROR_NONE)
		class = result_commit(&result, &retries, &arena, &error);
	if (class != ERROR_NONE)
		log_error("result not written", &error);
	if (supervisor_is_cut_off(class) || class == ERROR_OUT_OF_MEMORY)
		release_later(supervisor, &question->report.lease);
	question_free(question);
	supervisor_leave(supervisor);
}

/* ---- what comes in ---- */

/* The executor is free at once: its next run is taken while this result is being written. */
static void take_result(struct slot *slot, struct question *question)
{
	struct supervisor *supervisor = slot->supervisor;
	const bool is_written = strcmp(question->ask.kind, ASK_RESULT) == 0;

	slot->is_ready =
		!question->ask.leaves && slot->given < supervisor->settings->executor_actions;
	slot->leave_by = slot->is_ready ? 0 : clock_monotonic_ms() + LEAVE_MS;
	supervisor->prefork.children[slot->index].has_spoken = true;
	memset(&slot->report, 0, sizeof(slot->report));
	if (!is_written || !supervisor_start(supervisor, commit_in_coroutine, question))
		question_free(question);
	dispatch_wake(supervisor);
}

/* What one has said that has ended is taken at once, so that the result of its run is heard, which
 * stands behind the lines of its log. */
static bool may_take_more(const struct slot *slot)
{
	return slot->asked < ASKED_MAX || slot->has_ended;
}

static void take_question(struct slot *slot, struct question *question)
{
	const char *kind = question->ask.kind;

	if (slot->is_waiting) {
		question_free(question);
		kill_talker(slot, "it says more while it waits for a reply");
		return;
	}
	/* Once in its life: no run is given to one that leaves. */
	if (strcmp(kind, ASK_READY) == 0 && slot->given == 0) {
		slot->is_ready = true;
		question_free(question);
		dispatch_wake(slot->supervisor);
		return;
	}
	if (!slot->report.busy) {
		question_free(question);
		kill_talker(slot, "it asks for something without a run");
		return;
	}
	if (strcmp(kind, ASK_RESULT) == 0 || strcmp(kind, ASK_NOTHING) == 0) {
		take_result(slot, question);
		return;
	}
	if (slot->has_ended && slot->asked == LAST_LINES_MAX) {
		question_free(question);
		return;
	}
	slot->asked++;
	slot->is_waiting = expects_reply(kind);
	slot->mints += strcmp(kind, ASK_MINT) == 0;
	question->mints = slot->mints;
	if (supervisor_start(slot->supervisor, answer_in_coroutine, question))
		return;
	slot->asked--;
	question_free(question);
	kill_talker(slot, "no memory to answer it");
}

static void take_frames(struct slot *slot)
{
	const char *text;
	size_t length;

	while (!slot->is_cut_off && may_take_more(slot) &&
		channel_take(&slot->channel, &text, &length)) {
		struct question *question = question_new(slot, text, length);
		if (question == NULL)
			kill_talker(slot, "it said something that cannot be read");
		else
			take_question(slot, question);
	}
	watch_again(slot);
}

static void unwatch(struct slot *slot)
{
	if (slot->is_watched)
		loop_unwatch(slot->supervisor->loop, &slot->watch);
	slot->is_watched = false;
}

static void on_channel(void *context, uint32_t events)
{
	struct slot *slot = context;

	if ((events & EPOLLOUT) != 0)
		send_all(slot);
	if ((events & ~(uint32_t)EPOLLOUT) == 0)
		return;
	enum channel_state state = channel_read(&slot->channel);
	if (state == CHANNEL_SHORT)
		kill_talker(slot, "no memory for what it says");
	if (state != CHANNEL_OPEN && state != CHANNEL_FULL)
		unwatch(slot);
	take_frames(slot);
}

static void on_answered(void *context)
{
	take_frames(context);
}

void service_open(struct slot *slot, int channel)
{
	struct error error;

	slot->generation++;
	channel_init(&slot->channel, channel);
	slot->watch = (struct loop_watch){ channel, on_channel, slot };
	slot->hook = (struct loop_hook){ .call = on_answered, .context = slot };
	slot->events = EPOLLIN;
	slot->given = slot->leave_by = 0;
	slot->asked = 0;
	slot->writes = slot->is_waiting = slot->is_cut_off = slot->has_ended = false;
	slot->is_watched =
		loop_watch(slot->supervisor->loop, &slot->watch, EPOLLIN, &error) == ERROR_NONE;
	if (!slot->is_watched)
		kill_talker(slot, "nobody could hear it");
}

void service_close(struct slot *slot)
{
	slot->asked = 0;
	slot->has_ended = true;
	while (channel_read(&slot->channel) == CHANNEL_OPEN)
		take_frames(slot);
	take_frames(slot);
	unwatch(slot);
	loop_forget(slot->supervisor->loop, &slot->hook);
	channel_release(&slot->channel);
	arena_release(&slot->arena);
	slot->input = NULL;
	slot->generation++;
}

/* ---- giving runs ---- */

void service_check(struct supervisor *supervisor)
{
	const int64_t now = clock_monotonic_ms();

	for (size_t i = 0; i < supervisor->prefork.count; i++) {
		struct slot *slot = &supervisor->slots[i];
		if (slot->leave_by != 0 && now > slot->leave_by && !slot->is_cut_off)
			kill_talker(slot, "it stays after its last run");
	}
}

bool service_is_idle(const struct slot *slot)
{
	return slot->is_ready && !slot->report.busy && slot->kill_reason == KILL_NONE &&
		!slot->is_cut_off;
}

static int64_t attempt_time_ms(const struct step_definition *step, const struct run *run)
{
	int64_t attempt = (int64_t)step_attempt_timeout_s(step) * 1000;
	int64_t left = run->run_deadline - run->now;
	return left < attempt ? left : attempt;
}

static void fill_report(struct slot *slot, const struct step_definition *step,
	const struct claim *claim, const char *input_digest, int64_t taken_at)
{
	struct report *report = &slot->report;

	memset(report, 0, sizeof(*report));
	report->busy = true;
	report->lease = claim->lease;
	report->claimed_at = taken_at;
	report->time_left_ms = attempt_time_ms(step, &claim->run);
	report->attempt = claim->run.attempt;
	report->attempts = claim->run.attempts;
	text_copy(report->input_digest, sizeof(report->input_digest), input_digest);
	text_copy(report->run_id, sizeof(report->run_id), claim->run.id);
	text_copy(report->request, sizeof(report->request), claim->run.request);
	slot->mints = 0;
	slot->has_alarmed = false;
	slot->renewed_at = taken_at;
	slot->kill_at = 0;
	slot->deadline_at = clock_monotonic_ms() + report->time_left_ms;
}

/* For what no executor is believed. Most inputs refer to nothing. */
static enum error_class keep_input(struct slot *slot, const char *input, struct error *error)
{
	arena_release(&slot->arena);
	arena_init(&slot->arena, 0);
	slot->input = NULL;
	if (strstr(input, "${") == NULL)
		return ERROR_NONE;
	slot->input = arena_string(&slot->arena, input);
	return slot->input != NULL
		? ERROR_NONE
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for an input");
}

static enum error_class put_job(
	struct slot *slot, const struct claim *claim, struct arena *arena, struct error *error)
{
	const struct run *run = &claim->run;
	const struct job job = { .tenant = run->name.tenant,
		.app = run->name.app,
		.workflow = run->name.workflow,
		.step = run->name.step,
		.token = claim->lease.token,
		.run_id = run->id,
		.request = run->request,
		.worker = run->worker,
		.input = run->input,
		.checkpoint = run->checkpoint,
		.outage_seen = run->outage_seen,
		.attempt = run->attempt,
		.attempts = run->attempts,
		.now = run->now,
		.queued_at = run->queued_at,
		.run_deadline = run->run_deadline,
		.outage_at = run->outage_at,
		.outage_ms = run->outage_ms,
		.paused_ms = run->paused_ms,
		.time_left_ms = slot->report.time_left_ms,
		.number = slot->number,
		.ledger = json_print(arena, claim->ledger) };

	if (job.ledger == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a ledger");
	return message_put(&slot->channel, &job_record, &job, error);
}

/* It is idle: what its last run has left there is nobody's. */
static void share_lease(const struct slot *slot, int64_t until)
{
	struct executor_shared *shared = slot->supervisor->shared[slot->index];

	atomic_store(&shared->changing, false);
	atomic_store(&shared->closed, false);
	atomic_store(&shared->lease_until, until);
}

void service_give(struct slot *slot, const struct step_definition *step, const struct claim *claim,
	const char *input_digest, int64_t taken_at)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct supervisor *supervisor = slot->supervisor;
	struct error error;

	slot->number++;
	slot->given++;
	fill_report(slot, step, claim, input_digest, taken_at);
	share_lease(slot, taken_at + supervisor_lease_ms(supervisor));
	if (keep_input(slot, claim->run.input, &error) == ERROR_NONE &&
		put_job(slot, claim, &arena, &error) == ERROR_NONE) {
		send_all(slot);
		return;
	}

	log_error("run not given to an executor", &error);
	memset(&slot->report, 0, sizeof(slot->report));
	release_unbegun(supervisor, claim, taken_at);
}
