/* Looks, writes down its intent, creates, records: the shape of every action that makes something,
 * and no more. */
#include "faults/object.h"

#include "slipway/provider.h"

struct input {
	const char *name;
};
static const struct field input_fields[] = {
	{ STRING_FIELD("name", struct input, name), .required = true,
		.description = "What it is called" },
};

struct checkpoint {
	bool intent;
};
static const struct field checkpoint_fields[] = {
	{ BOOLEAN_FIELD("intent", struct checkpoint, intent) },
};

struct output {
	const char *id;
};
static const struct field output_fields[] = {
	{ STRING_FIELD("id", struct output, id) },
};
static const struct record output_record = RECORD(struct output, output_fields);

static enum action_result finish(struct action_context *context, const char *name,
	const struct provider_response *answer, struct output *output)
{
	if (!provider_decode(context, answer, &output_record, output))
		return action_failed(context);
	const struct ledger_resource resource = { .provider = "github",
		.type = "object",
		.key = name,
		.id = output->id,
		.created = true };
	return ledger_put(context, &resource) ? action_done(context) : action_failed(context);
}

static enum action_result run(
	struct action_context *context, const void *raw, void *checkpoint, void *output)
{
	const struct input *input = raw;
	struct provider_response answer;
	const struct provider_request look = {
		.path = "/objects/{name}", .parameters = { input->name }, .expect = { 404 }
	};
	const struct provider_request create = {
		.method = HTTP_POST, .path = "/objects/{name}", .parameters = { input->name }
	};
	if (!provider_call(context, &github, &look, &answer))
		return action_failed(context);
	if (answer.status != 404)
		return finish(context, input->name, &answer, output);
	((struct checkpoint *)checkpoint)->intent = true;
	if (!action_save(context) || !provider_call(context, &github, &create, &answer))
		return action_failed(context);
	return finish(context, input->name, &answer, output);
}

static const struct call_row calls[] = {
	{ CALL_OF(GET, "/objects/{name}", NAMES_NOTHING) },
	{ CALL_OF(POST, "/objects/{name}", NAMES_NOTHING) },
	{ .path = NULL },
};

static const struct string_pair permissions[] = { { "metadata", "read" }, { NULL, NULL } };

/* The same with one short attempt: for what goes wrong at once. */
const struct action_definition object_once = {
	.id = "faults.once",
	.summary = "Makes one object, or fails at once",
	.input = RECORD(struct input, input_fields),
	.checkpoint = RECORD(struct checkpoint, checkpoint_fields),
	.output = RECORD(struct output, output_fields),
	.run = run,
	.other_provider = "github",
	.permissions = permissions,
	.calls = calls,
	.attempt_timeout_s = 5,
	.max_attempts = 1,
};

const struct action_definition object = {
	.id = "faults.object",
	.summary = "Makes one object",
	.input = RECORD(struct input, input_fields),
	.checkpoint = RECORD(struct checkpoint, checkpoint_fields),
	.output = RECORD(struct output, output_fields),
	.run = run,
	.other_provider = "github",
	.permissions = permissions,
	.calls = calls,
	.attempt_timeout_s = 30,
};
