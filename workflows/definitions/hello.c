/*
 * hello: the smallest whole workflow. Two steps, of which the second needs what the first made.
 */
#include "actions.h"
#include "slipway/workflow.h"

static const struct step_definition steps[] = {
	{ .id = "greet", .action = &note, .input_key = "greet" },
	{ .id = "repeat",
		.action = &note,
		.input_key = "repeat",
		.bind = BIND({ .field = "text", .value = "again: ${step.greet.text}", .overridable = true }) },
};

const struct workflow_definition hello = {
	.id = "hello",
	.summary = "Notes a text, and repeats it",
	.steps = steps,
	.step_count = ARRAY_LEN(steps),
};
