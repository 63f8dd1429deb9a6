/*
 * The workflows of a build for tests of the walls around executors: an action that tries whatever a
 * hostile one would, one that says to its supervisor what a test likes, and one that holds a secret
 * for as long as a request takes.
 */
#include <string.h>
#include <unistd.h>

#include "harness/tries.h"
#include "hostile/ask.h"
#include "slipway/action.h"
#include "slipway/provider.h"
#include "slipway/workflow.h"

/* ---- hostile.try ---- */

struct try_input {
	const char *file, *folder, *socket;
	int64_t supervisor, first, second;
};
static const struct field try_input_fields[] = {
	{ STRING_FIELD("file", struct try_input, file), .required = true,
		.description = "A file that is none of the action's business" },
	{ STRING_FIELD("folder", struct try_input, folder), .required = true,
		.description = "A folder to write to" },
	{ STRING_FIELD("socket", struct try_input, socket), .required = true,
		.description = "A server's unix socket" },
	{ INTEGER_FIELD("supervisor", struct try_input, supervisor), .required = true, .minimum = 1,
		.maximum = INT32_MAX, .description = "The worker" },
	{ INTEGER_FIELD("first", struct try_input, first), .required = true, .minimum = 1,
		.maximum = INT32_MAX, .description = "An executor" },
	{ INTEGER_FIELD("second", struct try_input, second), .required = true, .minimum = 1,
		.maximum = INT32_MAX, .description = "Another one" },
};

struct try_output {
	struct string_list results;
};
static const struct field try_output_fields[] = {
	{ STRINGS_FIELD("results", struct try_output, results),
		.description = "Each attempt and what came of it: refused, or what else" },
};

static enum action_result run_try(
	struct action_context *context, const void *raw_input, void *checkpoint, void *raw_output)
{
	const struct try_input *input = raw_input;
	struct try_output *output = raw_output;
	const struct tries_aim aim = { .file = input->file,
		.folder = input->folder,
		.socket = input->socket,
		.supervisor = (pid_t)input->supervisor,
		.sibling = (pid_t)(input->first != getpid() ? input->first : input->second) };
	size_t count = 0;
	(void)checkpoint;

	while (tries[count].name != NULL)
		count++;
	const char **lines = action_allocate(context, count, sizeof(*lines));
	for (size_t i = 0; lines != NULL && i < count; i++) {
		const int result = tries[i].try(&aim);
		lines[i] = action_format(context, "%s: %s %s", tries[i].name,
			tries_is_refusal(result) ? "refused," : "NOT REFUSED,", strerror(result));
	}
	output->results = (struct string_list){ lines, lines != NULL ? count : 0 };
	return action_done(context);
}

static const struct action_definition try_all = {
	.id = "hostile.try",
	.summary = "Tries whatever is none of its business",
	.input = RECORD(struct try_input, try_input_fields),
	.output = RECORD(struct try_output, try_output_fields),
	.run = run_try,
	.max_attempts = 1,
};

/* ---- hostile.hold ---- */

struct hold_input {
	const char *url, *text;
};
static const struct field hold_input_fields[] = {
	{ STRING_FIELD("url", struct hold_input, url), .required = true,
		.description = "Asked once; the action is done when it has answered" },
	{ STRING_FIELD("text", struct hold_input, text), .required = true, .secret = true,
		.description = "What it has to send" },
};

static enum action_result run_hold(
	struct action_context *context, const void *raw_input, void *checkpoint, void *output)
{
	const struct hold_input *input = raw_input;
	const struct url_request request = {
		.method = HTTP_POST, .url = input->url, .body = input->text
	};
	struct provider_response response;
	(void)checkpoint;
	(void)output;
	return url_call(context, &request, &response) ? action_done(context)
						      : action_failed(context);
}

static const struct action_definition hold = {
	.id = "hostile.hold",
	.summary = "Has a secret while a request takes its time",
	.input = RECORD(struct hold_input, hold_input_fields),
	.run = run_hold,
	.max_attempts = 1,
};

/* ---- the workflow ---- */

extern const struct workflow_definition hello, site;

static const struct step_definition steps[] = {
	{ .id = "try", .action = &try_all, .input_key = "try" },
	{ .id = "hold", .action = &hold, .input_key = "hold" },
	{ .id = "ask", .action = &hostile_ask, .input_key = "ask" },
};
static const struct workflow_definition hostile = {
	.id = "hostile",
	.summary = "What an executor must not get away with",
	.steps = steps,
	.step_count = ARRAY_LEN(steps),
};

const struct workflow_definition *const workflows[] = { &hello, &hostile, &site, NULL };
