/*
 * Workflows that are compiled twice: as they were, and, with FAULTS_VARIANT, as they are after an
 * update that renames a field, an output and a workflow, and removes a step.
 */
#include "faults/builds.h"

#ifdef FAULTS_VARIANT
#define FIELD_NAME    "title"
#define OUTPUT_NAME   "reference"
#define WORKFLOW_NAME "builds-after"
#define REMOVED_STEP
#else
#define FIELD_NAME    "name"
#define OUTPUT_NAME   "id"
#define WORKFLOW_NAME "builds-before"
#define REMOVED_STEP  { .id = "removed", .action = &constant, .input_key = "removed" },
#endif

#define WAIT_MS 150

struct data {
	const char *text;
};
struct checkpoint {
	bool waited;
};

static const struct field changed_input[] = {
	{ STRING_FIELD(FIELD_NAME, struct data, text), .required = true, .description = "A text" },
};
static const struct field changed_output[] = {
	{ STRING_FIELD(OUTPUT_NAME, struct data, text), .description = "The same text" },
};
static const struct field constant_fields[] = {
	{ STRING_FIELD("text", struct data, text), .required = true, .description = "A text" },
};
static const struct field checkpoint_fields[] = {
	{ BOOLEAN_FIELD("waited", struct checkpoint, waited) },
};

/* Waits once, so that each run is on the queue twice, and the second time perhaps among others. */
static enum action_result run(
	struct action_context *context, const void *input, void *raw_checkpoint, void *output)
{
	struct checkpoint *checkpoint = raw_checkpoint;

	if (!checkpoint->waited) {
		checkpoint->waited = true;
		return action_wait(context, WAIT_MS, "the other builds");
	}

	((struct data *)output)->text = ((const struct data *)input)->text;
	return action_done(context);
}

static const struct action_definition changed = {
	.id = "faults.changed",
	.summary = "Gives back its text, by a name that depends on the build",
	.input = RECORD(struct data, changed_input),
	.checkpoint = RECORD(struct checkpoint, checkpoint_fields),
	.output = RECORD(struct data, changed_output),
	.run = run,
	.max_attempts = 1,
};

static const struct action_definition constant = {
	.id = "faults.constant",
	.summary = "Gives back its text",
	.input = RECORD(struct data, constant_fields),
	.checkpoint = RECORD(struct checkpoint, checkpoint_fields),
	.output = RECORD(struct data, constant_fields),
	.run = run,
	.max_attempts = 1,
};

static const struct step_definition steps[] = {
	{ .id = "changed", .action = &changed, .input_key = "changed" },
	{ .id = "constant", .action = &constant, .input_key = "constant" },
	{ .id = "needs",
		.action = &constant,
		.bind = BIND({ .field = "text", .value = "${step.changed." OUTPUT_NAME "}" }) },
	REMOVED_STEP
};

const struct workflow_definition builds = {
	.id = "builds",
	.summary = "Has a step that changes, one that does not, and one that is removed",
	.steps = steps,
	.step_count = ARRAY_LEN(steps),
};

static const struct step_definition renamed_steps[] = {
	{ .id = "constant", .action = &constant, .input_key = "constant" },
};

const struct workflow_definition builds_renamed = {
	.id = WORKFLOW_NAME,
	.summary = "Is renamed",
	.steps = renamed_steps,
	.step_count = ARRAY_LEN(renamed_steps),
};
