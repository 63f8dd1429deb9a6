/*
 * The digest of a definition changes with all that decides what a run means, and with nothing else.
 *
 * covers: src/core/digest.c, src/core/definition_memory.c
 */
#include <string.h>

#include "core/definition_memory.h"
#include "core/dry_run.h"
#include "harness/suite.h"

struct record_data {
	const char *name, *other;
	struct object_list parts;
};

/* A definition that a test can change before it takes the digest. */
struct definition {
	struct field part_fields[1], fields[3];
	struct record parts;
	struct action_definition action;
	struct step_definition steps[2];
	struct workflow_definition workflow;
};

static struct definition one, two;

static const struct binding bindings[] = { { .field = "name", .value = "${step.first.name}" },
	{ .field = NULL } };
static const char *const needs[] = { "first", NULL };

static void make(struct definition *made)
{
	*made = (struct definition){
		.part_fields = { { STRING_FIELD("size", struct record_data, name) } },
		.fields = { { STRING_FIELD("name", struct record_data, name), .maximum = 20,
				    .description = "The name", .fallback = "docs" },
			{ STRING_FIELD("other", struct record_data, other) },
			{ OBJECTS_FIELD("parts", struct record_data, parts) } },
		.action = { .id = "test.nothing", .summary = "Does nothing" },
	};
	made->parts = (struct record){ made->part_fields, 1, sizeof(struct record_data) };
	made->fields[2].record = &made->parts;
	made->action.input = made->action.output = made->action.checkpoint =
		(struct record){ made->fields, 3, sizeof(struct record_data) };
	made->steps[0] = (struct step_definition){
		.id = "first", .action = &made->action, .input_key = "first"
	};
	made->steps[1] = (struct step_definition){
		.id = "second", .action = &made->action, .needs = needs, .bind = bindings
	};
	made->workflow = (struct workflow_definition){ "test", "A test", made->steps, 2 };
}

static void setup(void)
{
	make(&one);
	make(&two);
}

static bool same_step(size_t index)
{
	char first[DEFINITION_SIZE], second[DEFINITION_SIZE];

	step_digest(&one.workflow, &one.steps[index], first);
	step_digest(&two.workflow, &two.steps[index], second);
	ck_assert_uint_eq(strlen(first), DEFINITION_SIZE - 1);
	return strcmp(first, second) == 0;
}

static bool same_workflow(void)
{
	char first[DEFINITION_SIZE], second[DEFINITION_SIZE];

	workflow_digest(&one.workflow, first);
	workflow_digest(&two.workflow, second);
	return strcmp(first, second) == 0;
}

static bool same_plan(void)
{
	char first[DEFINITION_SIZE], second[DEFINITION_SIZE];

	step_digest(&one.workflow, &dry_run_step, first);
	step_digest(&two.workflow, &dry_run_step, second);
	return strcmp(first, second) == 0;
}

/* Asserts that the change is another definition, and puts it right again. */
#define CHANGES(change)                                                                            \
	do {                                                                                       \
		make(&two);                                                                        \
		change;                                                                            \
		ck_assert_msg(!same_step(1), "%s is the same step", #change);                      \
		ck_assert_msg(!same_workflow(), "%s is the same workflow", #change);               \
		ck_assert_msg(!same_plan(), "%s is the same plan", #change);                       \
	} while (0)

START_TEST(test_same_definitions_have_one_digest)
{
	ck_assert(same_step(0) && same_step(1) && same_workflow() && same_plan());
	two.fields[0].description = "Another description";
	two.fields[0].form = "other words";
	two.action.summary = two.workflow.summary = "Another summary";
	two.action.max_attempts = 9;
	ck_assert(same_step(0) && same_step(1) && same_workflow() && same_plan());
}
END_TEST

START_TEST(test_what_a_run_means_is_in_the_digest)
{
	CHANGES(two.fields[0].name = "title");
	CHANGES(two.fields[0].required = true);
	CHANGES(two.fields[0].secret = true);
	CHANGES(two.fields[0].maximum = 21);
	CHANGES(two.fields[0].fallback = NULL);
	CHANGES(two.fields[0].type = FIELD_SCALAR);
	CHANGES(two.fields[0].pattern = "^a$");
	CHANGES(two.fields[0].values = NEEDS("a", "b"));
	CHANGES(two.fields[0].clear_where = ((struct string_pair){ "other", "plain" }));
	CHANGES(two.part_fields[0].name = "bytes");
	CHANGES(two.action.checkpoint.count = 2);
	CHANGES(two.action.output.count = 2);
	CHANGES(two.action.id = "test.something");
	CHANGES(two.workflow.id = "renamed");
	CHANGES(two.steps[1].id = "renamed");
	CHANGES(two.steps[1].input_key = "second");
	CHANGES(two.steps[1].needs = NULL);
	CHANGES(two.steps[1].optional = true);
	CHANGES(two.steps[1].bind = BIND({ .field = "name", .value = "${step.first.other}" }));
	CHANGES(two.steps[1].bind = BIND(
			{ .field = "name", .value = "${step.first.name}", .overridable = true }));
}
END_TEST

START_TEST(test_texts_do_not_run_together)
{
	one.fields[0].values = NEEDS("ab", "c");
	CHANGES(two.fields[0].values = NEEDS("a", "bc"));
	one.steps[1].needs = NEEDS("ab");
	CHANGES(two.steps[1].needs = NEEDS("a", "b"));
	one.fields[0].fallback = "";
	CHANGES(two.fields[0].fallback = NULL);
}
END_TEST

START_TEST(test_a_removed_step_leaves_the_others_as_they_are)
{
	two.workflow.step_count = 1;
	ck_assert(same_step(0));
	ck_assert(!same_workflow());
	ck_assert(!same_plan());
}
END_TEST

START_TEST(test_all_compiled_in_steps_differ)
{
	static char digests[256][DEFINITION_SIZE];
	size_t count = 0;

	for (size_t i = 0; workflows[i] != NULL; i++)
		for (size_t j = 0; j < workflows[i]->step_count; j++) {
			ck_assert_uint_lt(count, ARRAY_LEN(digests));
			step_digest(workflows[i], &workflows[i]->steps[j], digests[count]);
			for (size_t k = 0; k < count; k++)
				ck_assert_str_ne(digests[k], digests[count]);
			count++;
		}
}
END_TEST

/* In any order, more of them than there are places, and each again. */
START_TEST(test_what_is_remembered_is_what_is_made)
{
	char made[DEFINITION_SIZE], known[DEFINITION_SIZE];

	for (int round = 0; round < 3; round++)
		for (size_t i = 0; workflows[i] != NULL; i++) {
			const struct workflow_definition *workflow = workflows[i];
			workflow_digest(workflow, made);
			workflow_digest_known(workflow, known);
			ck_assert_str_eq(made, known);
			for (size_t j = 0; j < workflow->step_count + 2; j++) {
				const struct step_definition *step = j < workflow->step_count
					? &workflow->steps[j]
					: j == workflow->step_count ? &dry_run_step
								    : &dry_run_guard;
				step_digest(workflow, step, made);
				step_digest_known(workflow, step, known);
				ck_assert_str_eq(made, known);
			}
		}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_same_definitions_have_one_digest,
		test_what_a_run_means_is_in_the_digest, test_texts_do_not_run_together,
		test_a_removed_step_leaves_the_others_as_they_are,
		test_all_compiled_in_steps_differ, test_what_is_remembered_is_what_is_made, NULL };
	return suite_main("digest", tests, setup, NULL);
}
