/*
 * What the references of an input may make of it.
 *
 * covers: src/core/input.c src/core/reference.c
 */
#include <string.h>

#include "core/input.h"
#include "harness/json_text.h"
#include "harness/suite.h"
#include "slipway/field.h"

static struct arena arena;
static struct error error;
static cJSON *input;

static void set_up(void)
{
	arena_init(&arena, 0);
	memset(&error, 0, sizeof(error));
	input = NULL;
}

static void tear_down(void)
{
	cJSON_Delete(input);
	arena_release(&arena);
}

struct any {
	struct string_list list;
	struct string_list few;
	const char *value;
};
static const struct field any_fields[] = {
	{ STRINGS_FIELD("list", struct any, list), .description = "Any number" },
	{ STRINGS_FIELD("few", struct any, few), .maximum = 2, .description = "Two at the most" },
	{ JSON_FIELD("value", struct any, value), .description = "Anything" },
};

static enum action_result run_nothing(
	struct action_context *context, const void *unused_input, void *checkpoint, void *output)
{
	(void)context;
	(void)unused_input;
	(void)checkpoint;
	(void)output;
	return ACTION_DONE;
}

static const struct action_definition action = { .id = "test.any",
	.summary = "Takes anything",
	.input = RECORD(struct any, any_fields),
	.run = run_nothing };
static const struct step_definition steps[] = {
	{ .id = "any", .action = &action, .input_key = "any" }
};
static const struct workflow_definition workflow = {
	.id = "expansion", .summary = "One step", .steps = steps, .step_count = ARRAY_LEN(steps)
};

static cJSON *parsed(const char *text)
{
	cJSON *json;
	ck_assert_msg(json_parse(text, strlen(text), JSON_LIMITS_WIDE, &json, &error) == ERROR_NONE,
		"%s in %.80s", error.message, text);
	return json;
}

/* A text of count bytes. */
static char *letters(size_t count)
{
	char *text = arena_allocate(&arena, count + 1);
	ck_assert_ptr_nonnull(text);
	memset(text, 'x', count);
	return text;
}

/* An array with the same item count times. */
static const char *repeated(const char *item, size_t count)
{
	size_t length = strlen(item);
	char *text = arena_allocate(&arena, count * (length + 1) + 2);
	ck_assert_ptr_nonnull(text);
	text[0] = '[';
	for (size_t i = 0; i < count; i++) {
		memcpy(text + 1 + i * (length + 1), item, length);
		text[(i + 1) * (length + 1)] = i + 1 < count ? ',' : ']';
	}
	return text;
}

/* Builds the input of the step from {"any": {member: value}}, with the config given. */
static enum error_class build(
	const char *member, const char *value, const char *config, struct reference_budget *budget)
{
	cJSON *inputs = parsed(arena_format(&arena, J("{'any':{'%s':%s}}"), member, value));
	cJSON *values = parsed(config);
	const struct input_sources sources = { .workflow = &workflow,
		.step = &steps[0],
		.trigger_inputs = inputs,
		.config = values,
		.budget = budget };
	cJSON_Delete(input);
	input = NULL;
	enum error_class class = input_build(&sources, &input, &error);
	cJSON_Delete(inputs);
	cJSON_Delete(values);
	return class;
}

static void assert_too_large(const char *place, const char *message)
{
	ck_assert_int_eq(error.class, ERROR_PAYLOAD_TOO_LARGE);
	ck_assert_str_eq(error.place, place);
	ck_assert_msg(strstr(error.message, message) != NULL, "%s", error.message);
}

START_TEST(test_what_references_stand_for_counts_as_often_as_they_are_named)
{
	const char *config = arena_format(&arena, J("{'b':'%s'}"), letters(60000));
	ck_assert_int_eq(build("value", repeated(J("'${config.b}'"), 3), config, NULL), ERROR_NONE);
	build("value", repeated(J("'${config.b}'"), 4000), config, NULL);
	assert_too_large("/inputs/any/value/3",
		"with ${config.b} resolved, the input is larger than 262144 bytes");
	build("value", repeated(J("'a ${config.b}'"), 4000), config, NULL);
	assert_too_large("/inputs/any/value/3",
		"with ${config.b} resolved, the input is larger than 262144 bytes");
	build("value", J("'${config.b}${config.b}${config.b}${config.b}${config.b}'"), config,
		NULL);
	assert_too_large("/inputs/any/value",
		"with ${config.b} resolved, the input is larger than 262144 bytes");
}
END_TEST

START_TEST(test_the_values_of_an_input_are_counted_with_those_that_are_put_in)
{
	const char *config = arena_format(&arena, J("{'l':%s}"), repeated("1", 1000));
	ck_assert_int_eq(build("value", repeated(J("'${config.l}'"), 4), config, NULL), ERROR_NONE);
	build("value", repeated(J("'${config.l}'"), 5), config, NULL);
	assert_too_large("/inputs/any/value/4",
		"with ${config.l} resolved, the input has more than 4096 values");
}
END_TEST

START_TEST(test_depth_is_counted_from_where_the_value_is_put)
{
	static const char config[] = "{\"d\":[[[[[[[[[[1]]]]]]]]]]}";
	ck_assert_int_eq(build("value", J("[[[[[[[[[[[[[[[[[[['${config.d}']]]]]]]]]]]]]]]]]]]"),
				 config, NULL),
		ERROR_NONE);
	build("value", J("[[[[[[[[[[[[[[[[[[[[['${config.d}']]]]]]]]]]]]]]]]]]]]]"), config, NULL);
	ck_assert_int_eq(error.class, ERROR_PAYLOAD_TOO_LARGE);
	ck_assert_ptr_nonnull(
		strstr(error.message, "with ${config.d} resolved, the input is more than 32 deep"));
}
END_TEST

START_TEST(test_an_input_that_is_too_large_as_it_was_sent_names_no_reference)
{
	build("value", arena_format(&arena, J("'%s'"), letters(262144)), "{}", NULL);
	assert_too_large("/inputs/any", "the input is larger than 262144 bytes");
	ck_assert_ptr_null(strstr(error.message, "put in"));
}
END_TEST

/* The config has no such value: where the references came first, the error would be theirs. */
START_TEST(test_the_shape_is_checked_before_any_value_is_put_in)
{
	ck_assert_int_eq(
		build("few", repeated(J("'${config.none}'"), 3), "{}", NULL), ERROR_INVALID_INPUT);
	ck_assert_str_eq(error.place, "/inputs/any/few");
	ck_assert_int_eq(
		build("list", J("{'a':'${config.none}'}"), "{}", NULL), ERROR_INVALID_INPUT);
	ck_assert_str_eq(error.place, "/inputs/any/list");
	ck_assert_int_eq(build("typo", J("'${config.none}'"), "{}", NULL), ERROR_INVALID_INPUT);
	ck_assert_str_eq(error.place, "/inputs/any/typo");
	/* A whole list may come of a reference, and is checked when it is there. */
	ck_assert_int_eq(build("few", J("'${config.l}'"), J("{'l':['a','b']}"), NULL), ERROR_NONE);
	ck_assert_int_eq(build("few", J("'${config.l}'"), J("{'l':['a','b','c']}"), NULL),
		ERROR_INVALID_INPUT);
	ck_assert_str_eq(error.place, "/inputs/any/few");
}
END_TEST

START_TEST(test_inputs_that_are_kept_together_share_one_budget)
{
	struct reference_budget budget = REFERENCE_BUDGET;
	const char *config = arena_format(&arena, J("{'b':'%s'}"), letters(100000));
	ck_assert_int_eq(build("value", J("'${config.b}'"), config, &budget), ERROR_NONE);
	ck_assert_int_eq(build("value", J("'${config.b}'"), config, &budget), ERROR_NONE);
	build("value", J("'${config.b}'"), config, &budget);
	assert_too_large("/inputs/any/value",
		"with ${config.b} resolved, the input is larger than 262144 bytes");
}
END_TEST

static enum error_class look_up_long(void *context, const struct reference *reference,
	cJSON **ret_value, struct error *ret_error)
{
	(void)reference;
	(void)ret_error;
	*ret_value = cJSON_CreateString(context);
	return ERROR_NONE;
}

START_TEST(test_what_a_worker_puts_in_counts_too)
{
	const char *text =
		arena_format(&arena, J("{'value':%s}"), repeated(J("'${step.a.b}'"), 4000));
	cJSON *json = cJSON_Parse(text);
	ck_assert_int_eq(
		input_put_values(json, &action.input, look_up_long, letters(100000), &error),
		ERROR_PAYLOAD_TOO_LARGE);
	cJSON_Delete(json);
	ck_assert_str_eq(error.place, "/input/value/2");
	ck_assert_ptr_nonnull(strstr(error.message, "with ${step.a.b} resolved"));
}
END_TEST

START_TEST(test_a_digest_of_many_secrets_needs_no_more_than_a_few_digits_of_each)
{
	char digest[DIGEST_SIZE], other[DIGEST_SIZE];
	cJSON *json = parsed(repeated(J("'${secret.s}'"), 4000));
	cJSON *secrets = parsed(arena_format(&arena, J("{'s':'%s'}"), letters(60000)));
	cJSON *others = parsed(arena_format(&arena, J("{'s':'%s'}"), letters(60001)));
	ck_assert_int_eq(input_digest(json, secrets, digest, &error), ERROR_NONE);
	ck_assert_int_eq(input_digest(json, others, other, &error), ERROR_NONE);
	ck_assert_str_ne(digest, other);
	cJSON_Delete(json);
	cJSON_Delete(secrets);
	cJSON_Delete(others);
}
END_TEST

/* Each secret is read once, and stands for itself alone. */
START_TEST(test_a_digest_tells_two_secrets_apart)
{
	const char *const inputs[] = { J("['${secret.s}','${secret.s}']"),
		J("['${secret.s}','${secret.t}']"), J("['${secret.t}','${secret.s}']"),
		J("['${secret.t}','${secret.t}']") };
	char digests[4][DIGEST_SIZE];
	cJSON *secrets = parsed(J("{'s':'one','t':'two'}"));
	for (int i = 0; i < 4; i++) {
		cJSON *json = parsed(inputs[i]);
		ck_assert_int_eq(input_digest(json, secrets, digests[i], &error), ERROR_NONE);
		cJSON_Delete(json);
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(digests[i], digests[k]);
	}
	cJSON_Delete(secrets);
}
END_TEST

struct letter {
	const char *body, *type;
};
static const struct field letter_fields[] = {
	{ STRING_FIELD("body", struct letter, body), .secret = true,
		.json_where = { "type", "application/json" } },
	{ STRING_FIELD("type", struct letter, type), .fallback = "application/json" },
};
static const struct record letter_record = RECORD(struct letter, letter_fields);

#define ODD     "p\"a\\s\n${s"
#define ESCAPED "p\\\"a\\\\s\\n${s"

/* What a worker makes of a body of this type, where each reference stands for ODD. */
static const char *filled_body(const char *body, const char *type)
{
	char odd[] = ODD;
	cJSON *json = cJSON_CreateObject();
	ck_assert_ptr_nonnull(cJSON_AddStringToObject(json, "body", body));
	if (type != NULL)
		ck_assert_ptr_nonnull(cJSON_AddStringToObject(json, "type", type));
	ck_assert_int_eq(
		input_put_values(json, &letter_record, look_up_long, odd, &error), ERROR_NONE);
	const char *filled = arena_string(&arena, json_member_string(json, "body"));
	cJSON_Delete(json);
	return filled;
}

START_TEST(test_a_text_is_escaped_where_it_is_put_into_json)
{
	static const struct {
		const char *body, *type, *filled;
	} cases[] = {
		{ "{\"a\":\"${secret.X}\"}", NULL, "{\"a\":\"" ESCAPED "\"}" },
		{ "{\"a\":\"b ${step.x.y} c\"}", "Application/JSON; charset=utf-8",
			"{\"a\":\"b " ESCAPED " c\"}" },
		{ "a=${secret.X}", "text/plain", "a=" ODD },
		{ "a=${secret.X}", "application/json-seq", "a=" ODD },
		/* A whole body, and what was sealed of one, is JSON already. */
		{ "${secret.X}", NULL, ODD },
		{ "${sealed.x}\"${secret.X}\"", NULL, ODD "\"" ESCAPED "\"" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_str_eq(filled_body(cases[i].body, cases[i].type), cases[i].filled);
}
END_TEST

static const struct action_definition letter_action = { .id = "test.letter",
	.summary = "Takes a body",
	.input = RECORD(struct letter, letter_fields),
	.run = run_nothing };
static const struct step_definition letter_steps[] = {
	{ .id = "any", .action = &letter_action, .input_key = "any" }
};
static const struct workflow_definition letters_sent = {
	.id = "letters", .summary = "One step", .steps = letter_steps, .step_count = 1
};

/* Numbers and objects need no quotation marks. */
START_TEST(test_json_takes_configured_values_of_any_type)
{
	cJSON *inputs = cJSON_CreateObject();
	cJSON *config = parsed(J("{'text':'a\\\"b','number':7,'object':{'c':'d'}}"));
	ck_assert_ptr_nonnull(cJSON_AddStringToObject(cJSON_AddObjectToObject(inputs, "any"),
		"body", "[\"${config.text}\",${config.number},${config.object}]"));
	const struct input_sources sources = { .workflow = &letters_sent,
		.step = &letter_steps[0],
		.trigger_inputs = inputs,
		.config = config };
	ck_assert_int_eq(input_build(&sources, &input, &error), ERROR_NONE);
	ck_assert_str_eq(json_member_string(input, "body"), "[\"a\\\"b\",7,{\"c\":\"d\"}]");
	cJSON_Delete(inputs);
	cJSON_Delete(config);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_what_references_stand_for_counts_as_often_as_they_are_named,
		test_the_values_of_an_input_are_counted_with_those_that_are_put_in,
		test_depth_is_counted_from_where_the_value_is_put,
		test_an_input_that_is_too_large_as_it_was_sent_names_no_reference,
		test_the_shape_is_checked_before_any_value_is_put_in,
		test_inputs_that_are_kept_together_share_one_budget,
		test_what_a_worker_puts_in_counts_too,
		test_a_digest_of_many_secrets_needs_no_more_than_a_few_digits_of_each,
		test_a_digest_tells_two_secrets_apart,
		test_a_text_is_escaped_where_it_is_put_into_json,
		test_json_takes_configured_values_of_any_type, NULL
	};
	return suite_main("expansion", tests, set_up, tear_down);
}
