/*
 * Two rows in Redis: one that changes, written each time, and the definitions, which never change
 * while the process lives and are written once.
 */
#include "worker/heartbeat.h"

#include "core/digest.h"
#include "store/workers.h"

void heartbeat_init(struct heartbeat *heartbeat, const char *worker)
{
	*heartbeat = (struct heartbeat){ .worker = worker };
	clock_format(clock_wall_ms(), heartbeat->started_at);
}

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a heartbeat");
}

static enum error_class send_beat(struct redis *redis, const struct heartbeat *heartbeat,
	const struct heartbeat_state *state, struct arena *arena, struct error *error)
{
	const char **running = arena_allocate_array(arena, state->running_count, sizeof(*running));

	for (size_t i = 0; running != NULL && i < state->running_count; i++) {
		const struct lease *lease = state->running[i];
		running[i] = arena_format(arena, "%s %s %s %s", lease->tenant, lease->app,
			lease->workflow, lease->step);
	}

	if (running == NULL || arena->exhausted)
		return no_memory(error);
	const struct worker_heartbeat beat = { heartbeat->worker, SLIPWAY_VERSION, state->executors,
		state->running_count, heartbeat->started_at, { running, state->running_count },
		state->draining };
	return worker_heartbeat(redis, &beat, error);
}

/* While it drains it takes no run, so others must not count on what it has. */
static enum error_class publish(struct redis *redis, struct heartbeat *heartbeat, bool draining,
	struct arena *arena, struct error *error)
{
	struct string_map definitions = { NULL, 0 };
	const bool again = heartbeat->published && !draining;

	if (!draining && !definitions_list(arena, &definitions))
		return no_memory(error);
	if (worker_publish(redis, heartbeat->worker, &definitions, again, error) != ERROR_NONE)
		return error->class;
	heartbeat->published = true;
	return ERROR_NONE;
}

enum error_class heartbeat_send(struct redis *redis, struct heartbeat *heartbeat,
	const struct heartbeat_state *state, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;

	if (send_beat(redis, heartbeat, state, &arena, error) != ERROR_NONE)
		return error->class;
	return publish(redis, heartbeat, state->draining, &arena, error);
}
