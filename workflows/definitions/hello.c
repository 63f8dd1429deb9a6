/*
 * hello: the smallest complete workflow, of two steps. The second uses the output of the first.
 */
#include "actions.h"
#include "slipway/workflow.h"

static const struct step_definition steps[] = {
	{ .id = "greet", .action = &note, .input_key = "greet" },
	{ .id = "repeat",
		.action = &note,
		.input_key = "repeat",
		.bind = BIND({ .field = "text",
			.value = "again: ${step.greet.text}",
			.overridable = true }) },
};

const struct workflow_definition hello = {
	.id = "hello",
	.summary = "Notes a text, and repeats it",
	.steps = steps,
	.step_count = ARRAY_LEN(steps),
};
