/*
 * A result is worth some patience: what it says was done at a provider, and without it the run
 * would be repeated.
 */
#include "worker/result.h"

#include "base/clock.h"
#include "worker/attempt_log.h"

const struct run_write result_release = { .kind = RUN_RELEASE };

enum error_class result_commit(const struct result *result, const struct result_retries *retries,
	struct arena *arena, struct error *error)
{
	struct run ended;
	bool unknown = false;
	enum error_class class =
		run_write_told(result->redis, result->lease, result->write, arena, &ended, error);

	for (int tries = 1; class != ERROR_NONE && class != ERROR_LEASE_LOST &&
		tries < retries->tries_max && clock_monotonic_ms() < retries->give_up_at;
		tries++) {
		unknown |= class == ERROR_OUTCOME_UNKNOWN;
		clock_sleep_ms(retries->pause_ms);
		class = run_write_told(
			result->redis, result->lease, result->write, arena, &ended, error);
	}

	const struct attempt_end end = { .run = result->run,
		.write = result->write,
		.ended = class == ERROR_NONE ? &ended : NULL,
		.unknown = class == ERROR_LEASE_LOST && unknown,
		.attempt_ms = clock_monotonic_ms() - result->claimed_at };
	attempt_log(&end);
	return class;
}
