/*
 * The workflows of the fault suite's build: all of the product's, and one of its own.
 */

#include "faults/misbehave.h"
#include "faults/object.h"
#include "slipway/workflow.h"

extern const struct workflow_definition hello, site;

static const struct step_definition steps[] = {
	{ .id = "object", .action = &object, .input_key = "object" },
	{ .id = "once", .action = &object_once, .input_key = "once" },
	{ .id = "misbehave", .action = &misbehave, .input_key = "misbehave" },
};

static const struct workflow_definition faults = {
	.id = "faults",
	.summary = "Makes an object, or does to its process what no action should",
	.steps = steps,
	.step_count = ARRAY_LEN(steps),
};

const struct workflow_definition *const workflows[] = {
	&hello,
	&site,
	&faults,
	NULL,
};
