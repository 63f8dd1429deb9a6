/*
 * Where the fields of a workflow come from, as GET /api/workflows says it.
 *
 * covers: src/api/asks.c
 */
#include <stdio.h>
#include <string.h>

#include "api/asks.h"
#include "harness/json_text.h"
#include "harness/suite.h"

struct form {
	const char *name, *kind, *note, *password;
};
static const struct field fields[] = {
	{ STRING_FIELD("name", struct form, name), .required = true, .description = "Its name" },
	{ STRING_FIELD("kind", struct form, kind), .required = true, .fallback = "plain" },
	{ STRING_FIELD("note", struct form, note) },
	{ STRING_FIELD("password", struct form, password), .required = true, .secret = true },
};

static enum action_result run_nothing(
	struct action_context *context, const void *input, void *checkpoint, void *output)
{
	(void)context;
	(void)input;
	(void)checkpoint;
	(void)output;
	return ACTION_DONE;
}

static const struct action_definition action = { .id = "test.form",
	.summary = "Takes a form",
	.input = RECORD(struct form, fields),
	.output = RECORD(struct form, fields),
	.run = run_nothing };

static cJSON *asks;

/* Describes a workflow of these steps. */
static void describe(const struct step_definition *steps, size_t count)
{
	const struct workflow_definition workflow = {
		.id = "asks", .summary = "Asks", .steps = steps, .step_count = count
	};
	asks = asks_describe(&workflow);
	ck_assert_ptr_nonnull(asks);
}

static void tear_down(void)
{
	cJSON_Delete(asks);
	asks = NULL;
}

static void assert_ask(int index, const char *expected)
{
	char *text = cJSON_PrintUnformatted(cJSON_GetArrayItem(asks, index));
	ck_assert_str_eq(text, expected);
	cJSON_free(text);
}

START_TEST(test_a_person_is_asked_for_what_is_required_and_comes_from_nowhere)
{
	const struct step_definition steps[] = {
		{ .id = "one", .action = &action, .input_key = "first", .optional = true }
	};
	describe(steps, 1);
	ck_assert_int_eq(cJSON_GetArraySize(asks), 2);
	assert_ask(0,
		J("{'actionId':'one','inputKey':'first','field':'name','title':'Its name',"
		  "'secret':false,'optional':true,'source':'given'}"));
	assert_ask(1,
		J("{'actionId':'one','inputKey':'first','field':'password','title':'',"
		  "'secret':true,'optional':true,'source':'given'}"));
}
END_TEST

/* Source, from and configured of the entry. */
static const char *origin_of(int index)
{
	static char text[256];
	const cJSON *ask = cJSON_GetArrayItem(asks, index);
	char *configured = cJSON_PrintUnformatted(json_member(ask, "configured"));
	const char *from = json_member_string(ask, "from");

	snprintf(text, sizeof(text), "%s %s %s", json_member_string(ask, "source"),
		from != NULL ? from : "-", configured);
	cJSON_free(configured);
	return text;
}

START_TEST(test_what_is_bound_says_where_it_comes_from)
{
	static const char *const cases[][2] = {
		{ "plain", "bound - []" },
		{ "a ${step.zero.name}", "step zero []" },
		{ "${app.docs.site.deployment.url}", "app docs.site.deployment []" },
		{ "${config.site.name}", "config - [\"config.site.name\"]" },
		{ "${env.NAME}", "env - [\"env.NAME\"]" },
		{ "${config.name|slug}-${env.STAGE}", "derived - [\"config.name\",\"env.STAGE\"]" },
		{ "${config.name|default:x|slug}", "derived - []" },
		{ "${step.zero.name|slug}", "derived zero []" },
		{ "${step.zero.name}-${config.name}", "step zero [\"config.name\"]" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct step_definition steps[] = { { .id = "zero", .action = &action },
			{ .id = "one",
				.action = &action,
				.input_key = "first",
				.bind = BIND({ .field = "note", .value = cases[i][0] }) } };
		describe(&steps[1], 1);
		ck_assert_int_eq(cJSON_GetArraySize(asks), 3);
		ck_assert_str_eq(origin_of(1), cases[i][1]);
		ck_assert_str_eq(
			json_member_string(cJSON_GetArrayItem(asks, 1), "value"), cases[i][0]);
		tear_down();
	}
	const struct step_definition steps[] = { { .id = "one",
		.action = &action,
		.bind = BIND({ .field = "password", .value = "${secret.KEY}" }) } };
	describe(steps, 1);
	ck_assert_str_eq(origin_of(1), "secret - [\"secret.KEY\"]");
}
END_TEST

START_TEST(test_a_field_of_an_input_that_steps_share_is_asked_for_once)
{
	const struct binding *name = BIND({ .field = "name", .value = "x" });
	const struct step_definition steps[] = {
		{ .id = "one", .action = &action, .input_key = "first", .bind = name },
		{ .id = "two", .action = &action, .input_key = "first" },
		{ .id = "three", .action = &action, .input_key = "first", .bind = name },
		{ .id = "four", .action = &action, .input_key = "other", .bind = name },
	};
	describe(steps, ARRAY_LEN(steps));
	ck_assert_int_eq(cJSON_GetArraySize(asks), 4);
	/* The second step has only what a person gives. */
	assert_ask(0,
		J("{'actionId':'two','inputKey':'first','field':'name','title':'Its name',"
		  "'secret':false,'optional':false,'source':'given'}"));
	ck_assert_str_eq(json_member_string(cJSON_GetArrayItem(asks, 2), "source"), "bound");
	ck_assert_str_eq(json_member_string(cJSON_GetArrayItem(asks, 2), "inputKey"), "other");
}
END_TEST

START_TEST(test_the_workflows_of_this_program_are_described)
{
	for (size_t i = 0; workflows[i] != NULL; i++) {
		asks = asks_describe(workflows[i]);
		ck_assert_ptr_nonnull(asks);
		tear_down();
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_a_person_is_asked_for_what_is_required_and_comes_from_nowhere,
		test_what_is_bound_says_where_it_comes_from,
		test_a_field_of_an_input_that_steps_share_is_asked_for_once,
		test_the_workflows_of_this_program_are_described, NULL
	};
	return suite_main("asks", tests, NULL, tear_down);
}
