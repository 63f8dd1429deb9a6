/*
 * Decides what a failure means for the run: wait, another attempt, or the end. Only the class of
 * the error counts, never its words.
 */
#include "worker/outcome.h"

#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/redact.h"
#include "base/text.h"
#include "core/error_json.h"

#define DELAY_FIRST_MS    2000
#define DELAY_LAST_MS     60000
#define DELAY_MIN_MS      200
#define RATE_LIMIT_MS     60000  /* where the provider does not say how long */
#define NOT_READY_MS      5000   /* where it does not say how long to wait */
#define STORE_MS          2000   /* where Redis was away: it is back, as this is written in it */
#define OUTAGE_LOOK_MS    300000 /* the longest without a look, whatever the provider says */
#define LAST_CALL_MS      180000 /* how long the last call may be held back */
#define SETTLING_MAX_MS   900000
#define RATE_LIMIT_SPREAD 2000 /* so that waiting runs do not all come back at once */
#define UNKNOWN_ATTEMPTS  3    /* unclassified errors rarely go away: at most two retries */

/* Before the attempt after this one: random up to a bound that doubles from 2 s to 60 s. */
static int64_t retry_delay_ms(int64_t attempt)
{
	int64_t bound = DELAY_FIRST_MS;
	for (int64_t i = 1; i < attempt && bound < DELAY_LAST_MS; i++)
		bound *= 2;
	if (bound > DELAY_LAST_MS)
		bound = DELAY_LAST_MS;
	return DELAY_MIN_MS + (int64_t)randombytes_uniform((uint32_t)bound);
}

/* About as long as it has lasted; the provider may ask for more. The last call comes at the end of
 * the time or, if others ask then whether it is back, when they know. */
static int64_t outage_delay_ms(const struct error *failure, const struct run_progress *progress)
{
	int64_t delay = progress->outage_ms, left = progress->outage_max_ms - progress->outage_ms;

	delay = delay < DELAY_FIRST_MS  ? DELAY_FIRST_MS
		: delay > DELAY_LAST_MS ? DELAY_LAST_MS
					: delay;
	delay = delay * 3 / 4 + (int64_t)randombytes_uniform((uint32_t)delay / 2);
	int64_t asked =
		failure->retry_after_ms < OUTAGE_LOOK_MS ? failure->retry_after_ms : OUTAGE_LOOK_MS;
	int64_t allowed = asked > 0 ? asked + (int64_t)randombytes_uniform(RATE_LIMIT_SPREAD) : 0;
	if (progress->was_refused && left < delay)
		return allowed;
	if (delay < asked)
		delay = allowed;
	return delay < left ? delay : left;
}

/* Redis, or the part of the worker that has the keys, was away: nothing is wrong with the run, nor
 * with its provider. Requests are refused with these, but no run ends with them. */
static bool is_of_store(enum error_class class)
{
	return class == ERROR_STORE_UNAVAILABLE || class == ERROR_STORE_FULL ||
		class == ERROR_OUTCOME_UNKNOWN;
}

static void wait_for_store(struct run_write *ret_write)
{
	ret_write->kind = RUN_WAIT;
	ret_write->phase = "waiting";
	ret_write->reason = error_class_facts(ERROR_STORE_UNAVAILABLE)->name;
	ret_write->delay_ms = STORE_MS + (int64_t)randombytes_uniform(STORE_MS);
}

static int64_t wait_delay_ms(const struct error *failure)
{
	int64_t usual = failure->class == ERROR_NOT_READY ? NOT_READY_MS : RATE_LIMIT_MS;
	int64_t asked = failure->retry_after_ms > 0 ? failure->retry_after_ms : usual;
	return asked + (int64_t)randombytes_uniform(RATE_LIMIT_SPREAD);
}

static bool may_try_again(const struct error *failure, int64_t attempt, int64_t attempts)
{
	bool unknown = failure->class == ERROR_INTERNAL || failure->class == ERROR_STORE_REFUSED;

	if (unknown && attempts > UNKNOWN_ATTEMPTS)
		attempts = UNKNOWN_ATTEMPTS;
	return error_class_facts(failure->class)->retryable && attempt < attempts;
}

/* A new resource becomes ready within minutes, or hardly ever. */
static bool waits(const struct error *failure, const struct run_progress *progress)
{
	return failure->class == ERROR_RATE_LIMITED ||
		(failure->class == ERROR_NOT_READY && progress->age_ms < SETTLING_MAX_MS);
}

/* The provider itself is broken, or cannot be reached: what it says of a request that it understood
 * is none. */
static bool is_outage(const struct error *failure, const struct run_progress *progress)
{
	bool broken = failure->http_status >= 500 || failure->retry_after_ms > 0;

	return progress->outage_max_ms > 0 && failure->provider[0] != '\0' &&
		(failure->class == ERROR_NETWORK ||
			(failure->class == ERROR_TIMEOUT && progress->hung) ||
			(failure->class == ERROR_PROVIDER_UNAVAILABLE && broken));
}

/* "2026-11-28 14:05 UTC", so long from now; by the clock of this machine, for people. */
static void write_time(int64_t from_now_ms, char text[CLOCK_TEXT_SIZE])
{
	clock_format(clock_wall_ms() + from_now_ms, text);
	text[strlen("2026-11-28T14:05")] = '\0';
	text[strlen("2026-11-28")] = ' ';
}

/* What waits for a limit says until when. One that opens too late for the run is no wait. */
static void tell_limit(struct error *failure, const struct run_progress *progress)
{
	char time[CLOCK_TEXT_SIZE];

	if (failure->class != ERROR_RATE_LIMITED || failure->retry_after_ms <= 0)
		return;
	write_time(failure->retry_after_ms, time);
	if (failure->retry_after_ms < progress->left_ms) {
		text_append(failure->message, sizeof(failure->message), "; until %s UTC", time);
		return;
	}

	failure->class = ERROR_PLAN_LIMIT;
	text_append(failure->message, sizeof(failure->message),
		"; it opens at %s UTC, which the run may not wait for", time);
	error_remedy(failure, NULL,
		"Trigger the step again after %s UTC, or raise the limit in the plan.", time);
}

/* What it met itself, for the breaker does not know it. */
static void tell_seen(struct error *failure, const struct run_progress *progress)
{
	if (progress->was_refused && progress->seen[0] != '\0')
		text_append(failure->message, sizeof(failure->message), "; this run last saw: %s",
			progress->seen);
}

/* Whether the run waits for its provider. What has waited for too long, or would until its
 * deadline, has failed. */
static bool wait_for_provider(
	struct error *failure, const struct run_progress *progress, struct run_write *ret_write)
{
	int64_t delay = outage_delay_ms(failure, progress),
		most = progress->outage_max_ms + (progress->was_refused ? LAST_CALL_MS : 0);
	bool over = progress->outage_ms >= most || delay >= progress->left_ms;
	char time[CLOCK_TEXT_SIZE];

	tell_seen(failure, progress);
	if (over && progress->outage_since_ms <= progress->lost_ms)
		return false;
	write_time(-progress->outage_since_ms, time);
	text_append(failure->message, sizeof(failure->message), "; %s since %s UTC",
		over ? "waited" : "waiting", time);
	if (over)
		return false;

	ret_write->kind = RUN_WAIT;
	ret_write->phase = "waiting";
	ret_write->reason = "provider_down";
	ret_write->delay_ms = delay;
	ret_write->outage = true;
	ret_write->outage_ms = progress->lost_ms;
	return true;
}

/* A call that changes something is not repeated for an hour, but does not end an outage. */
static bool goes_on_down(const struct error *failure, const struct run_progress *progress)
{
	return progress->outage_max_ms > 0 && failure->class == ERROR_TIMEOUT &&
		failure->provider[0] != '\0' && failure->http_status == 0;
}

static void write_retry(const struct error *failure, const struct run_progress *progress,
	struct run_write *ret_write)
{
	int64_t delay = retry_delay_ms(progress->attempt);

	ret_write->kind = RUN_RETRY;
	ret_write->delay_ms = delay > failure->retry_after_ms ? delay : failure->retry_after_ms;
	ret_write->outage = goes_on_down(failure, progress);
	ret_write->outage_ms = progress->lost_ms;
}

#define SEEN_SIZE 201 /* it is shown with other words */

/* What the call met is kept: what follows may not be sent. */
static const char *copy_seen(
	const struct error *failure, const struct run_progress *progress, struct arena *arena)
{
	char seen[SEEN_SIZE];

	if (progress->was_refused)
		return NULL;
	text_copy(seen, sizeof(seen), failure->message);
	return arena_string(arena, seen);
}

enum error_class failure_write(const struct error *failure, const struct run_progress *progress,
	struct arena *arena, struct run_write *ret_write, struct error *error)
{
	struct error *shown = arena_allocate(arena, sizeof(*shown));

	if (shown == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for an error");
	*shown = *failure;
	redact_error(shown);
	tell_limit(shown, progress);
	failure = shown;
	*ret_write = (struct run_write){ .reason = error_class_facts(failure->class)->name,
		.detail = shown->message,
		.failure = shown };

	if (waits(failure, progress)) {
		ret_write->kind = RUN_WAIT;
		ret_write->phase = "waiting";
		ret_write->delay_ms = wait_delay_ms(failure);
		return ERROR_NONE;
	}

	if (is_of_store(failure->class)) {
		wait_for_store(ret_write);
		return ERROR_NONE;
	}

	bool outage = is_outage(failure, progress);
	ret_write->outage_seen = copy_seen(failure, progress, arena);
	if (outage && wait_for_provider(shown, progress, ret_write))
		return ERROR_NONE;

	if (!outage && may_try_again(failure, progress->attempt, progress->attempts)) {
		write_retry(failure, progress, ret_write);
		return ERROR_NONE;
	}

	ret_write->kind = RUN_FINISH;
	ret_write->status = "error";
	ret_write->output = "{}";
	return error_print(shown, arena, &ret_write->error, error);
}
