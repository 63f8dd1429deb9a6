/*
 * A worker that cannot execute a run says why, in the run's status, and names a worker that can.
 * The list of workers is read once a second at most, however many runs are declined.
 */
#include "worker/decline.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/digest.h"
#include "core/workflow.h"

#define DIRECTORY_MS 1000

const struct step_definition *step_of(const struct run_name *name)
{
	const struct workflow_definition *workflow = workflow_find(name->workflow);
	return workflow != NULL ? workflow_step(workflow, name->step) : NULL;
}

/* ---- who has it ---- */

static enum error_class refresh(
	struct redis *redis, struct worker_directory *directory, struct error *error)
{
	int64_t now = clock_monotonic_ms();

	if (directory->read_at != 0 && now - directory->read_at < DIRECTORY_MS)
		return ERROR_NONE;
	directory->rows = (struct worker_rows){ NULL, 0 };
	directory->read_at = 0;
	arena_release(&directory->arena); /* of a zeroed arena, it does nothing */
	arena_init(&directory->arena, 0);
	if (workers_read(redis, &directory->arena, &directory->rows, error) != ERROR_NONE)
		return error->class;
	directory->read_at = now;
	return ERROR_NONE;
}

/* Whether a living worker has the step as the run wants it. */
static bool has_holder(const struct worker_rows *rows, const struct taken *taken)
{
	for (size_t i = 0; i < rows->count; i++) {
		const struct worker_row *row = &rows->items[i];
		const char *digest =
			definitions_find(&row->definitions, taken->name.workflow, taken->name.step);
		if (row->age_ms <= WORKER_SILENT_MS && digest != NULL &&
			strcmp(digest, taken->definition) == 0)
			return true;
	}

	return false;
}

/* ---- what the status says ---- */

/* What this build has in place of the definition. */
static const char *describe_own(const struct taken *taken, struct arena *arena)
{
	char definition[DEFINITION_SIZE];
	const struct workflow_definition *workflow = workflow_find(taken->name.workflow);
	const struct step_definition *step = step_of(&taken->name);

	if (workflow == NULL)
		return "no such workflow";
	if (step == NULL)
		return "no such step";
	step_digest(workflow, step, definition);
	return arena_format(arena, "definition %s", definition);
}

/* It names the build and not this worker: others of its build say the same, so that the status does
 * not change each time. */
static const char *describe_missing(const struct taken *taken, struct arena *arena)
{
	const char *own = describe_own(taken, arena);

	if (own == NULL)
		return NULL;
	return arena_format(arena,
		"no running worker has definition %s of the step '%s' of '%s'; build %s has %s. "
		"Start a worker of the build that accepted it, or cancel the run and trigger the "
		"step again.",
		taken->definition[0] != '\0' ? taken->definition : "(none)", taken->name.step,
		taken->name.workflow, SLIPWAY_VERSION, own);
}

static enum error_class decline(struct redis *redis, struct worker_directory *directory,
	const struct taken *taken, struct arena *arena, struct error *error)
{
	if (refresh(redis, directory, error) != ERROR_NONE)
		return error->class;
	const bool is_held = has_holder(&directory->rows, taken);
	const struct decline declined = {
		.reason = is_held ? NULL : "no_worker_for_version",
		.detail = is_held ? "left to a worker of another build"
				  : describe_missing(taken, arena),
	};
	if (declined.detail == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to decline a run");
	return run_decline(redis, &taken->name, taken->run_id, &declined, error);
}

void decline_taken(struct redis *redis, struct worker_directory *directory,
	const struct taken *taken, struct arena *arena)
{
	struct error error;

	if (decline(redis, directory, taken, arena, &error) != ERROR_NONE) {
		log_error("run of another build not declined", &error);
		return;
	}

	log_write(LOG_DEBUG, "run left to a worker of another build", "run", taken->run_id,
		"definition", taken->definition, NULL);
}
