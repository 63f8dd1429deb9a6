#include "faults/misbehave.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct input {
	const char *how;
};

static const struct field input_fields[] = {
	{ STRING_FIELD("how", struct input, how), .required = true,
		.description = "segfault, memory, leave, descriptors, loop" },
};

/* The limit counts what was asked for. Filling it all would only show how slowly the machine gives
 * out pages. */
static void eat_memory(void)
{
	for (;;) {
		char *eaten = malloc((size_t)16 << 20);
		if (eaten == NULL)
			abort();
		eaten[0] = 1;
	}
}

static void leave_descriptors(void)
{
	while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) {}
}

static enum action_result run(
	struct action_context *context, const void *input, void *checkpoint, void *output)
{
	const struct input *in = input;
	volatile bool for_ever = true;
	(void)checkpoint;
	(void)output;
	if (strcmp(in->how, "segfault") == 0)
		raise(SIGSEGV);
	else if (strcmp(in->how, "memory") == 0)
		eat_memory();
	else if (strcmp(in->how, "leave") == 0)
		exit(0);
	else if (strcmp(in->how, "descriptors") == 0)
		leave_descriptors();
	else
		while (for_ever) {}
	return action_done(context);
}

const struct action_definition misbehave = {
	.id = "faults.misbehave",
	.summary = "Crashes, eats memory, never returns, or leaves descriptors open",
	.input = RECORD(struct input, input_fields),
	.run = run,
	.attempt_timeout_s = 4,
	.max_attempts = 2,
};
