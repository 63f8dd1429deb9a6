/*
 * The workflows of the fault suite's build: some of the product's, and its own.
 */

#include "faults/builds.h"
#include "faults/misbehave.h"
#include "faults/object.h"
#include "slipway/workflow.h"

extern const struct workflow_definition fork_and_deploy, hello, site;

static const struct step_definition steps[] = {
	{ .id = "object", .action = &object, .input_key = "object" },
	{ .id = "once", .action = &object_once, .input_key = "once" },
	{ .id = "misbehave", .action = &misbehave, .input_key = "misbehave" },
};

/* Four steps, each of which makes an object: two need the first, and the last needs both. */
static const struct step_definition chain_steps[] = {
	{ .id = "base", .action = &object, .input_key = "base" },
	{ .id = "left", .action = &object, .input_key = "left", .needs = NEEDS("base") },
	{ .id = "right", .action = &object, .input_key = "right", .needs = NEEDS("base") },
	{ .id = "top", .action = &object, .input_key = "top", .needs = NEEDS("left", "right") },
};

static const struct workflow_definition chain = {
	.id = "chain",
	.summary = "Makes four objects that need one another",
	.steps = chain_steps,
	.step_count = ARRAY_LEN(chain_steps),
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
	&fork_and_deploy,
	&faults,
	&chain,
	&builds,
	&builds_renamed,
	NULL,
};
