/*
 * note: returns the text that it is given. This is the smallest complete action: read it first.
 */
#include <string.h>

#include "actions.h"

struct input {
	const char *text;
};
static const struct field input_fields[] = {
	{ STRING_FIELD("text", struct input, text), .required = true, .minimum = 1, .maximum = 1000,
		.description = "Text to note" },
};

struct output {
	const char *text;
	int64_t length;
};
static const struct field output_fields[] = {
	{ STRING_FIELD("text", struct output, text), .description = "The text" },
	{ INTEGER_FIELD("length", struct output, length),
		.description = "Length of the text in bytes" },
};

static enum action_result run(
	struct action_context *context, const void *raw_input, void *checkpoint, void *raw_output)
{
	const struct input *input = raw_input;
	struct output *output = raw_output;
	(void)checkpoint; /* no checkpoint: this action changes nothing */
	output->text = input->text;
	output->length = (int64_t)strlen(input->text);
	action_log(context, "noted: %s", input->text);
	return action_done(context);
}

const struct action_definition note = {
	.id = "note",
	.summary = "Notes a text",
	.input = RECORD(struct input, input_fields),
	.output = RECORD(struct output, output_fields),
	.run = run,
};
