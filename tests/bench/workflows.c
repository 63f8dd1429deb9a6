/*
 * The workflows of the benchmark's build: of instant steps, so that what is measured is Slipway and
 * nothing else; and one step that keeps an executor busy.
 */
#include <time.h>

#include "actions.h"
#include "slipway/workflow.h"

/* ---- an action that keeps its executor busy ---- */

struct input {
	int64_t seconds, milliseconds;
};
static const struct field input_fields[] = {
	{ INTEGER_FIELD("seconds", struct input, seconds), .required = true, .minimum = 0,
		.maximum = 600, .description = "For how long" },
	{ INTEGER_FIELD("milliseconds", struct input, milliseconds), .minimum = 0, .maximum = 999,
		.description = "And so much more" },
};

static enum action_result run(
	struct action_context *context, const void *raw_input, void *checkpoint, void *output)
{
	const struct input *input = raw_input;
	struct timespec left = { .tv_sec = (time_t)input->seconds,
		.tv_nsec = (long)input->milliseconds * 1000000 };
	(void)checkpoint;
	(void)output;
	while (nanosleep(&left, &left) != 0)
		continue;
	return action_done(context);
}

static const struct action_definition busy = {
	.id = "bench.busy",
	.summary = "Keeps its executor busy",
	.input = RECORD(struct input, input_fields),
	.run = run,
	.max_attempts = 1,
};

/* ---- the workflows ---- */

extern const struct workflow_definition hello;

static const struct step_definition busy_steps[] = {
	{ .id = "busy", .action = &busy, .input_key = "busy" },
};
static const struct workflow_definition busy_workflow = {
	.id = "busy",
	.summary = "Keeps an executor busy",
	.steps = busy_steps,
	.step_count = ARRAY_LEN(busy_steps),
};

/* clang-format off */
#define REPEAT(name, before)                                                             \
	{ .id = name,                                                                    \
		.action = &note,                                                         \
		.bind = BIND({ .field = "text", .value = "${step." before ".text}" }) }
/* clang-format on */

/* Each step needs the one before it. */
static const struct step_definition six_steps[] = {
	{ .id = "s1", .action = &note, .input_key = "s1" },
	REPEAT("s2", "s1"),
	REPEAT("s3", "s2"),
	REPEAT("s4", "s3"),
	REPEAT("s5", "s4"),
	REPEAT("s6", "s5"),
};
static const struct workflow_definition six = {
	.id = "six",
	.summary = "Six instant steps in a row",
	.steps = six_steps,
	.step_count = ARRAY_LEN(six_steps),
};

/* As many steps as the workflow site has. */
static const struct step_definition eleven_steps[] = {
	{ .id = "s1", .action = &note, .input_key = "s1" },
	REPEAT("s2", "s1"),
	REPEAT("s3", "s1"),
	REPEAT("s4", "s1"),
	REPEAT("s5", "s1"),
	REPEAT("s6", "s1"),
	REPEAT("s7", "s1"),
	REPEAT("s8", "s1"),
	REPEAT("s9", "s1"),
	REPEAT("s10", "s1"),
	REPEAT("s11", "s1"),
};
static const struct workflow_definition eleven = {
	.id = "eleven",
	.summary = "Eleven instant steps",
	.steps = eleven_steps,
	.step_count = ARRAY_LEN(eleven_steps),
};

const struct workflow_definition *const workflows[] = {
	&busy_workflow,
	&eleven,
	&hello,
	&six,
	NULL,
};
