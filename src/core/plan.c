/*
 * The records of a plan's input and output, and the step that all workflows share. What a plan does is in the
 * action layer, where providers can be asked.
 */
#include "core/plan.h"

static const struct field question_fields[] = {
	{ STRING_FIELD("id", struct plan_question, id), .required = true, .description = "The step" },
	{ JSON_FIELD("input", struct plan_question, input), .description = "Its input" },
	{ JSON_FIELD("error", struct plan_question, error), .description = "What is wrong with its input" },
};
static const struct record question_record = RECORD(struct plan_question, question_fields);

static const struct field input_fields[] = {
	{ OBJECTS_FIELD("steps", struct plan_input, steps), .required = true, .record = &question_record,
		.description = "The steps that are planned" },
};
const struct record plan_input_record = RECORD(struct plan_input, input_fields);

static const struct field answer_fields[] = {
	{ STRING_FIELD("id", struct plan_answer, id), .description = "The step" },
	{ STRING_FIELD("action", struct plan_answer, action), .description = "Its action" },
	{ STRING_FIELD("change", struct plan_answer, change),
		.description = "create, update, remove, adopt, nothing, blocked or conflict" },
	{ STRING_FIELD("text", struct plan_answer, text),
		.description = "What would be done, or why nothing can be said" },
	{ STRINGS_FIELD("differences", struct plan_answer, differences), .description = "What is other than asked" },
	{ JSON_FIELD("error", struct plan_answer, error), .description = "What stands in the way" },
};
static const struct record answer_record = RECORD(struct plan_answer, answer_fields);

static const struct field calls_fields[] = {
	{ STRING_FIELD("provider", struct plan_calls, provider), .description = "The provider" },
	{ INTEGER_FIELD("looked", struct plan_calls, looked), .description = "Calls that the plan made" },
	{ INTEGER_FIELD("writes", struct plan_calls, writes),
		.description = "Calls that the steps would make besides, at the least" },
	{ INTEGER_FIELD("remaining", struct plan_calls, remaining),
		.description = "What is left of the provider's rate limit; -1: it does not say" },
};
static const struct record calls_record = RECORD(struct plan_calls, calls_fields);

static const struct field output_fields[] = {
	{ OBJECTS_FIELD("steps", struct plan_output, steps), .record = &answer_record, .required = true,
		.description = "What each step would do" },
	{ OBJECTS_FIELD("calls", struct plan_output, calls), .record = &calls_record, .required = true,
		.description = "What it costs of the providers' rate limits" },
};
const struct record plan_output_record = RECORD(struct plan_output, output_fields);

static const struct action_definition plan_action = {
	.id = "slipway.plan",
	.summary = "Looks at what every step would do, and changes nothing",
	.input = RECORD(struct plan_input, input_fields),
	.output = RECORD(struct plan_output, output_fields),
	.run = plan_run,
};

const struct step_definition plan_step = { .id = PLAN_STEP_ID, .action = &plan_action };
