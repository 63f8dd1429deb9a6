/*
 * The records of a dry run's input and output, and the steps that all workflows share. What a dry
 * run does is in the action layer, where providers can be asked.
 */
#include "core/dry_run.h"

static const struct field step_fields[] = {
	{ STRING_FIELD("id", struct dry_run_input_step, id), .required = true,
		.description = "The step" },
	{ JSON_FIELD("input", struct dry_run_input_step, input), .description = "Its input" },
	{ JSON_FIELD("error", struct dry_run_input_step, error),
		.description = "What is wrong with its input" },
};
static const struct record step_record = RECORD(struct dry_run_input_step, step_fields);

static const struct field effect_fields[] = {
	{ STRING_FIELD("id", struct dry_run_effect, id), .description = "The step" },
	{ STRING_FIELD("action", struct dry_run_effect, action), .description = "Its action" },
	{ STRING_FIELD("change", struct dry_run_effect, change),
		.description = "create, update, remove, adopt, nothing, undecided, blocked or "
			       "conflict" },
	{ STRING_FIELD("text", struct dry_run_effect, text),
		.description = "What would be done, or why nothing can be said" },
	{ STRING_FIELD("kind", struct dry_run_effect, kind),
		.description = "Kind of what it would create or adopt, such as repository" },
	{ STRING_FIELD("name", struct dry_run_effect, name), .description = "The name of that" },
	{ BOOLEAN_FIELD("gone", struct dry_run_effect, gone),
		.description = "Whether the app had that already, and it is not there any more" },
	{ STRINGS_FIELD("after", struct dry_run_effect, after),
		.description = "The steps whose results would tell more; one of another app as "
			       "APP.WORKFLOW.STEP" },
	{ STRINGS_FIELD("differences", struct dry_run_effect, differences),
		.description = "What is other than asked" },
	{ INTEGER_FIELD("moreDifferences", struct dry_run_effect, more_differences),
		.description = "How many further differences are not listed" },
	{ JSON_FIELD("error", struct dry_run_effect, error),
		.description = "What stands in the way" },
	{ STRING_FIELD("seen", struct dry_run_effect, seen),
		.description = "A digest of its input and of all that it has found" },
};
static const struct record effect_record = RECORD(struct dry_run_effect, effect_fields);

static const struct field input_fields[] = {
	{ OBJECTS_FIELD("steps", struct dry_run_input, steps), .required = true,
		.record = &step_record, .description = "The steps that are planned" },
	{ STRING_FIELD("expect", struct dry_run_input, expect),
		.description = "The hash of an earlier plan: another one is an error" },
	{ OBJECTS_FIELD("before", struct dry_run_input, before), .record = &effect_record,
		.description = "What that plan saw" },
	{ STRINGS_FIELD("secrets", struct dry_run_input, secrets),
		.description = "Secrets that the app is to have by then" },
};
const struct record dry_run_input_record = RECORD(struct dry_run_input, input_fields);

static const struct field calls_fields[] = {
	{ STRING_FIELD("provider", struct dry_run_calls, provider), .description = "The provider" },
	{ INTEGER_FIELD("looked", struct dry_run_calls, reads),
		.description = "Calls that the plan made" },
	{ INTEGER_FIELD("writes", struct dry_run_calls, writes),
		.description = "Calls that the steps would make besides, at the least" },
	{ INTEGER_FIELD("needed", struct dry_run_calls, needed),
		.description = "Calls that a run of all steps makes, at the least" },
	{ INTEGER_FIELD("remaining", struct dry_run_calls, remaining),
		.description = "What is left of the provider's rate limit; -1: it does not say" },
	{ STRING_FIELD("warning", struct dry_run_calls, warning),
		.description =
			"What will stop runs soon, such as a token that ends in the next 14 days, "
			"or a rate limit that has fewer calls left than are needed" },
};
static const struct record calls_record = RECORD(struct dry_run_calls, calls_fields);

static const struct field output_fields[] = {
	{ OBJECTS_FIELD("steps", struct dry_run_output, steps), .record = &effect_record,
		.required = true, .description = "What each step would do" },
	{ OBJECTS_FIELD("calls", struct dry_run_output, calls), .record = &calls_record,
		.required = true, .description = "What it costs of the providers' rate limits" },
	{ STRING_FIELD("hash", struct dry_run_output, hash),
		.description = "What the plan saw, as a hash: another one has the same where its "
			       "inputs are the same and nothing has changed" },
};
const struct record dry_run_output_record = RECORD(struct dry_run_output, output_fields);

static const struct action_definition dry_run_action = {
	.id = "slipway.plan",
	.summary = "Looks at what every step would do, and changes nothing",
	.input = RECORD(struct dry_run_input, input_fields),
	.output = RECORD(struct dry_run_output, output_fields),
	.run = dry_run_execute,
};

const struct step_definition dry_run_step = { .id = DRY_RUN_STEP_ID, .action = &dry_run_action };
const struct step_definition dry_run_guard = { .id = DRY_RUN_GUARD_ID, .action = &dry_run_action };

bool step_is_dry_run(const struct step_definition *step)
{
	return step == &dry_run_step || step == &dry_run_guard;
}
