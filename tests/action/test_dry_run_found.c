/*
 * What a plan is told: what it keeps for people has an end, and the digest behind it has none.
 *
 * covers: src/action/dry_run_found.c src/action/dry_run_call.c
 */
#include <string.h>

#include "action/dry_run_call.h"
#include "action/dry_run_found.h"
#include "harness/json_text.h"
#include "harness/suite.h"
#include "harness/trial.h"

static struct trial trial;

static void setup(void)
{
	trial_begin(&trial);
	trial.planned = true;
}

static void teardown(void)
{
	trial_end(&trial);
}

struct input {
	int64_t count, length; /* of differences, and of the text of the last one */
	const char *end;       /* of that text */
	const char *value;     /* that is found for the last one; NULL: nothing is */
	bool fails;            /* with that text */
};
static const struct field input_fields[] = {
	{ INTEGER_FIELD("count", struct input, count) },
	{ INTEGER_FIELD("length", struct input, length), .fallback = "1" },
	{ STRING_FIELD("end", struct input, end), .fallback = "" },
	{ STRING_FIELD("value", struct input, value) },
	{ BOOLEAN_FIELD("fails", struct input, fails) },
};

static enum action_result run(
	struct action_context *context, const void *raw_input, void *checkpoint, void *output)
{
	const struct input *input = raw_input;
	char *text = action_allocate(context, (size_t)input->length + 1, 1);
	(void)checkpoint;
	(void)output;

	memset(text, 'x', (size_t)input->length);
	for (int64_t i = 1; i < input->count; i++) {
		action_difference(context, "%lld is different", (long long)i);
		action_found(context, "the same");
	}

	if (input->fails)
		return action_fail(context, ERROR_CONFLICT_FOREIGN, "%s%s", text, input->end);
	action_difference(context, "%s%s", text, input->end);
	action_found(context, input->value);
	return action_done(context);
}

static const struct action_definition action = {
	.id = "trial.tell",
	.input = RECORD(struct input, input_fields),
	.run = run,
};

static const char *found_with(const char *input, enum action_result result)
{
	static char found[4][DIGEST_SIZE];
	static size_t next;
	char *copy = found[next++ % ARRAY_LEN(found)];

	ck_assert_int_eq(trial_attempt(&trial, &action, input), result);
	memcpy(copy, trial_found(&trial), DIGEST_SIZE);
	return copy;
}

START_TEST(test_what_is_told_is_in_the_digest)
{
	static const struct {
		const char *one, *other;
	} pairs[] = {
		{ "{'count':1,'value':'a'}", "{'count':1,'value':'b'}" },
		{ "{'count':1,'value':''}", "{'count':1}" },
		{ "{'count':1}", "{'count':2}" },
		{ "{'count':65}", "{'count':66}" },
		{ "{'count':900,'end':'a'}", "{'count':900,'end':'b'}" },
		{ "{'count':900,'value':'a'}", "{'count':900,'value':'b'}" },
		{ "{'count':1,'length':5000,'end':'a'}", "{'count':1,'length':5000,'end':'b'}" },
	};
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		const char *one = found_with(pairs[i].one, ACTION_DONE);
		ck_assert_uint_eq(strlen(one), DIGEST_SIZE - 1);
		ck_assert_str_ne(one, found_with(pairs[i].other, ACTION_DONE));
		ck_assert_str_eq(one, found_with(pairs[i].one, ACTION_DONE));
	}
}
END_TEST

START_TEST(test_what_of_a_failure_is_cut_is_in_the_digest)
{
	const char *one = found_with("{'fails':true,'length':5000,'end':'a'}", ACTION_FAILED);
	const char *other = found_with("{'fails':true,'length':5000,'end':'b'}", ACTION_FAILED);
	ck_assert_str_ne(one, other);
	/* A plan has the whole of a shorter one. */
	ck_assert_str_eq(found_with("{'fails':true}", ACTION_FAILED), "");
}
END_TEST

START_TEST(test_what_is_cut_is_counted_and_marked)
{
	int64_t more;

	(void)found_with("{'count':70,'end':'!'}", ACTION_DONE);
	ck_assert_uint_eq(dry_run_differences(&trial.dry_run, &more).count, 64);
	ck_assert_int_eq(more, 6);
	ck_assert_str_eq(trial_difference(&trial, 63), "64 is different");
	(void)found_with("{'count':64,'end':'!'}", ACTION_DONE);
	ck_assert_uint_eq(dry_run_differences(&trial.dry_run, &more).count, 64);
	ck_assert_int_eq(more, 0);

	(void)found_with("{'count':1,'length':1020,'end':'éééé'}", ACTION_DONE);
	ck_assert_str_eq(trial_difference(&trial, 0) + 1019, "x…");
	(void)found_with("{'count':1,'length':1019,'end':'éééé'}", ACTION_DONE);
	ck_assert_uint_eq(strlen(trial_difference(&trial, 0)), 1024);
	ck_assert_str_eq(trial_difference(&trial, 0) + 1018, "xé…");
	(void)found_with("{'count':1,'length':1023,'end':'!'}", ACTION_DONE);
	ck_assert_str_eq(trial_difference(&trial, 0) + 1022, "x!");
}
END_TEST

START_TEST(test_no_value_is_kept_in_clear)
{
	const char *found = found_with("{'count':1,'value':'hush-hush'}", ACTION_DONE);
	ck_assert_ptr_null(strstr(found, "hush"));
	ck_assert_str_eq(trial_difference(&trial, 0), "x");
	ck_assert_str_eq(trial_difference(&trial, 1), "");
}
END_TEST

/* A step may take values from any number of other apps. */
START_TEST(test_no_step_that_is_waited_for_is_left_out)
{
	(void)found_with("{'count':1}", ACTION_DONE);
	for (size_t i = 0; i < 200; i++)
		dry_run_note_step(&trial.dry_run, &trial.attempt_arena,
			arena_format(&trial.attempt_arena, "app%zu.site.repo", i / 2));
	ck_assert_uint_eq(trial.dry_run.after_count, 100);
	ck_assert_str_eq(trial.dry_run.after[0], "app0.site.repo");
	ck_assert_str_eq(trial.dry_run.after[99], "app99.site.repo");
}
END_TEST

START_TEST(test_a_run_tells_nobody)
{
	trial.planned = false;
	ck_assert_str_eq(found_with("{'count':3,'value':'a'}", ACTION_DONE), "");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_what_is_told_is_in_the_digest,
		test_what_of_a_failure_is_cut_is_in_the_digest,
		test_what_is_cut_is_counted_and_marked, test_no_value_is_kept_in_clear,
		test_no_step_that_is_waited_for_is_left_out, test_a_run_tells_nobody, NULL };
	return suite_main("what a plan is told", tests, setup, teardown);
}
