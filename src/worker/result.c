/*
 * A result is worth some patience: what it says was done at a provider, and without it the run
 * would be repeated.
 */
#include "worker/result.h"

#include "base/clock.h"
#include "worker/attempt_log.h"

const struct run_write result_release = { .kind = RUN_RELEASE };

static bool may_try(const struct result_retries *retries, int tries)
{
	int64_t now = clock_monotonic_ms();
	bool is_over = retries->end_at != NULL && *retries->end_at != 0 && now >= *retries->end_at;

	return !is_over && tries < retries->tries_max && now < retries->give_up_at;
}

enum error_class result_commit(const struct result *result, const struct result_retries *retries,
	struct arena *arena, struct error *error)
{
	struct run ended;
	bool unknown = false;
	enum error_class class =
		batch_write(result->batch, result->lease, result->write, arena, &ended, error);

	for (int tries = 1;
		class != ERROR_NONE && class != ERROR_LEASE_LOST && may_try(retries, tries);
		tries++) {
		unknown |= class == ERROR_OUTCOME_UNKNOWN;
		loop_sleep_ms(retries->loop, retries->pause_ms);
		class = batch_write(
			result->batch, result->lease, result->write, arena, &ended, error);
	}

	const struct attempt_end end = { .run = result->run,
		.write = result->write,
		.ended = class == ERROR_NONE ? &ended : NULL,
		.unknown = class == ERROR_LEASE_LOST && unknown,
		.attempt_ms = clock_monotonic_ms() - result->claimed_at };
	attempt_log(&end);
	return class;
}
