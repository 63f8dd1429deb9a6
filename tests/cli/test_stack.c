/*
 * Stack files: what a valid one becomes, in which order, and what is wrong with others, where.
 *
 * covers: src/cli/stack_file.c src/cli/stack_graph.c
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/input_file.h"
#include "cli/stack.h"
#include "harness/suite.h"

static struct stack stack;
static struct error error;

/* Two steps, the second of which needs the first; and three without needs. */
static const char workflows_text[] =
	"{\"workflows\":[{\"id\":\"two\",\"steps\":["
	"{\"id\":\"a\",\"inputKey\":\"a\",\"needs\":[]},"
	"{\"id\":\"b\",\"inputKey\":\"b\",\"needs\":[\"a\"],\"bound\":{\"t\":\"${step.a.v}\"}}]},"
	"{\"id\":\"flat\",\"steps\":["
	"{\"id\":\"x\",\"inputKey\":\"x\",\"needs\":[]},{\"id\":\"y\","
	"\"inputKey\":null,\"needs\":[]},"
	"{\"id\":\"z\",\"inputKey\":\"x\",\"needs\":[]}]}]}";

static enum error_class read_text(const char *text)
{
	char path[] = "/tmp/slipway-test-stack-XXXXXX";
	int file = mkstemp(path);

	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(write(file, text, strlen(text)), (ssize_t)strlen(text));
	close(file);
	stack_release(&stack);
	memset(&stack, 0, sizeof(stack));
	enum error_class class = stack_read(&stack, path, &error);
	unlink(path);
	if (class != ERROR_NONE)
		return class;
	CLEANUP_JSON cJSON *workflows = cJSON_Parse(workflows_text);
	return stack_order(&stack, workflows, &error);
}

static void assert_order(const char *text, const char *order)
{
	char names[300] = "";

	ck_assert_msg(read_text(text) == ERROR_NONE, "%s: %s %s", text, error.message,
		stack.faults.list[0].message);
	for (size_t i = 0; i < stack.unit_count; i++)
		text_append(names, sizeof(names), "%s%s/%s", i > 0 ? " " : "",
			stack.units[stack.order[i]].app->id, stack.units[stack.order[i]].workflow);
	ck_assert_str_eq(names, order);
}

/* One fault at the line and column, with the words. */
static void assert_fault(const char *text, const char *place, const char *words)
{
	char where[400];

	ck_assert_msg(read_text(text) == ERROR_INVALID_INPUT, "not refused: %s", text);
	ck_assert_msg(stack.faults.count == 1, "%s: %zu faults, the first: %s %s", text,
		stack.faults.count, stack.faults.list[0].message, error.message);
	yaml_place(&stack.file, stack.faults.list[0].place, where, sizeof(where));
	const char *colon = strchr(where, ':');
	ck_assert_ptr_nonnull(colon);
	ck_assert_msg(strcmp(colon + 1, place) == 0, "%s: at %s, not %s: %s", text, where, place,
		stack.faults.list[0].message);
	ck_assert_msg(strstr(stack.faults.list[0].message, words) != NULL, "%s: %s", text,
		stack.faults.list[0].message);
}

START_TEST(test_order)
{
	assert_order("apps: {one: {workflow: two}, other: {workflow: flat}}", "one/two other/flat");
	/* By a reference, which may stand deep in an input. */
	assert_order("apps:\n  one: {workflow: two, inputs: {b: {list: [{t: "
		     "\"x${app.other.flat.y.url}\"}]}}}\n  other: {workflow: flat}\n",
		"other/flat one/two");
	/* By after: an app, or one workflow of it. */
	assert_order("apps:\n  one: {workflow: two, after: [other]}\n  other: {workflow: flat}\n",
		"other/flat one/two");
	assert_order(
		"apps:\n  one:\n    workflows:\n      two: {after: [one/flat]}\n      flat: {}\n",
		"one/flat one/two");
	/* Apps need each other, their steps do not go round. */
	assert_order("apps:\n"
		     "  one: {workflow: two, inputs: {b: {t: \"${app.other.two.a.v}\"}}}\n"
		     "  other: {workflow: two, inputs: {a: {t: \"${app.one.two.a.v}\"}}}\n"
		     "  third: {workflow: flat, inputs: {x: {t: \"${app.other.two.b.v}\"}}}\n",
		"one/two other/two third/flat");
	/* b needs a only for a value that the file replaces. */
	assert_order("apps:\n  one: {workflow: two, inputs: {b: {t: x}, a: {t: "
		     "\"${app.one.two.b.v}\"}}}\n",
		"one/two");
	/* An app that the file does not have is somebody else's. */
	assert_order("apps:\n  one: {workflow: two, inputs: {a: {t: \"${app.far.two.a.v}\"}}}\n",
		"one/two");
}
END_TEST

START_TEST(test_removal_goes_the_other_way)
{
	const struct stack_app *apps[STACK_APPS_MAX];

	ck_assert_int_eq(read_text("apps:\n  one: {workflows: {two: {after: [other]}, flat: {}}}\n"
				   "  other: {workflow: flat}\n"),
		ERROR_NONE);
	stack_removal_order(&stack, apps);
	ck_assert_str_eq(apps[0]->id, "one");
	ck_assert_str_eq(apps[1]->id, "other");
}
END_TEST

START_TEST(test_rings)
{
	assert_fault("apps:\n  one: {workflow: two, inputs: {a: {t: \"${app.one.two.b.v}\"}}}\n",
		"2:37", "one.two.");
	assert_fault("apps:\n  one: {workflow: two, inputs: {b: {u: x}, a: {t: "
		     "\"${app.one.two.b.v}\"}}}\n",
		"2:48", "one.two.");
	assert_fault("apps:\n  one: {workflow: two, inputs: {a: {t: \"${step.a.v}\"}}}\n", "2:37",
		"one.two.a -> one.two.a");
	assert_fault("apps:\n  one: {workflow: two, after: [other]}\n"
		     "  other: {workflow: flat, after: [one]}\n",
		"2:24", "one.two.a -> other.flat.x -> one.two.a");
	assert_fault("apps:\n  one: {workflow: two, after: [one]}\n", "2:32", "after itself");
}
END_TEST

START_TEST(test_members)
{
	assert_fault("[]", "1:1", "it must be a map");
	assert_fault("app: {}\napps: {a: {workflow: two}}", "1:1", "there is no member 'app' here");
	assert_fault("apps: {}", "1:1", "there are no apps");
	assert_fault("apps: []", "1:1", "'apps' must be a map");
	assert_fault("apps:\n  a: two\n", "2:3", "it must be a map");
	assert_fault("apps:\n  a.b: {workflow: two}\n", "2:3", "cannot name an app");
	assert_fault("apps:\n  a: {workflow: two, input: {}}\n", "2:22",
		"'input' here: write one of workflow, workflows, inputs");
	assert_fault("apps:\n  a: {inputs: {}}\n", "2:3", "needs either 'workflow: NAME'");
	assert_fault("apps:\n  a: {workflow: two, workflows: {flat: {}}}\n", "2:3", "either");
	assert_fault(
		"apps:\n  a: {workflows: {flat: {}}, inputs: {}}\n", "2:3", "beside 'workflows'");
	assert_fault("apps:\n  a: {workflows: {}}\n", "2:7", "empty");
	assert_fault("apps:\n  a: {workflow: [two]}\n", "2:7", "'workflow' must be a text");
	assert_fault("apps:\n  a: {workflow: two, after: b}\n", "2:22", "'after' must be a list");
	assert_fault(
		"apps:\n  a: {workflow: two, after: [b]}\n", "2:30", "'b' is not in this file");
	assert_fault("apps:\n  a: {workflow: two, after: [1]}\n", "2:30", "a list of names");
	assert_fault("apps:\n  a: {workflow: three}\n", "2:7", "write one of two, flat");
	assert_fault("apps:\n  a: {workflow: two, env: {PORT: 80}}\n", "2:28", "quotation marks");
	assert_fault("apps:\n  a: {workflow: two, secrets: {TOKEN: clear}}\n", "2:32", "@FILE");
	assert_fault("apps:\n  a: {workflow: two, inputs: {a: {t: \"${app.b.two.a.v}\"}}}\n"
		     "  b: {workflow: flat}\n",
		"2:35", "'b' runs no workflow 'two' in this file");
}
END_TEST

START_TEST(test_faults_are_named_all_at_once)
{
	ck_assert_int_eq(read_text("apps:\n  a: {workflw: two}\n  b: {workflow: 7, config: []}\n"),
		ERROR_INVALID_INPUT);
	ck_assert_uint_eq(stack.faults.count, 4);
}
END_TEST

START_TEST(test_a_list_in_the_place_of_a_map_is_named)
{
	ck_assert_int_eq(read_text("apps:\n  a: {workflow: hello, env: [b], secrets: [c]}\n"),
		ERROR_INVALID_INPUT);
	ck_assert_uint_eq(stack.faults.count, 2);
}
END_TEST

static void teardown(void)
{
	stack_release(&stack);
}

int main(void)
{
	const TTest *const tests[] = { test_order, test_removal_goes_the_other_way, test_rings,
		test_members, test_faults_are_named_all_at_once,
		test_a_list_in_the_place_of_a_map_is_named, NULL };
	return suite_main("stack", tests, NULL, teardown);
}
