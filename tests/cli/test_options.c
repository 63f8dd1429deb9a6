/*
 * The table of a command line: where values go, and which command lines are refused.
 *
 * covers: src/cli/options.c
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/options.h"
#include "harness/suite.h"

struct options {
	const char *app, *step, *input, *fresh;
	struct option_list set;
	int64_t port;
	bool json, checked;
};
static const struct option_row rows[] = {
	{ ARGUMENT("APP", struct options, app), .required = true, .identifier = true },
	{ ARGUMENT("STEP", struct options, step), .identifier = true },
	{ TEXT_OPTION("input", 'i', struct options, input, "A file"), .value = "FILE" },
	{ TEXT_OPTION("fresh", 0, struct options, fresh, "Without a letter"), .value = "WHAT",
		.fallback = "all" },
	{ LIST_OPTION("set", 's', struct options, set, "More than once"), .value = "NAME=VALUE" },
	{ INTEGER_OPTION("port", 'p', struct options, port, "A port"), .value = "N", .minimum = 1,
		.maximum = 65535 },
	{ FLAG_OPTION("json", 'j', struct options, json, "JSON") },
	{ .type = OPTION_END },
};

static void check_options(void *raw_options, struct argp_state *state)
{
	struct options *options = raw_options;

	options->checked = true;
	if (options->input != NULL && strcmp(options->input, "refused") == 0)
		argp_error(state, "the check says no");
}

#define WORDS(...) ((char *[]){ "slipway test", __VA_ARGS__, NULL })

static struct options parse(char **words)
{
	struct options options = { .port = 8080 };
	int count = 0;

	while (words[count] != NULL)
		count++;
	options_parse(rows, "Tests.", NULL, check_options, count, words, &options);
	return options;
}

/* The exit status of a program with these words; 0 where they are accepted. What it prints is kept
 * from the log. */
static int status_of(char **words)
{
	int status;
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
		parse(words);
		_exit(EX_OK);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(test_values_go_into_their_members)
{
	const struct options options = parse(WORDS(
		"docs", "--json", "-p", "90", "--input=x", "--set", "A=1", "-s", "B=2", "greet"));

	ck_assert_str_eq(options.app, "docs");
	ck_assert_str_eq(options.step, "greet");
	ck_assert_str_eq(options.input, "x");
	ck_assert_int_eq(options.port, 90);
	ck_assert_uint_eq(options.set.count, 2);
	ck_assert_str_eq(options.set.items[0], "A=1");
	ck_assert_str_eq(options.set.items[1], "B=2");
	ck_assert(options.json);
	ck_assert(options.checked);
}
END_TEST

START_TEST(test_what_is_not_given_keeps_its_default)
{
	const struct options options = parse(WORDS("docs"));

	ck_assert_int_eq(options.port, 8080);
	ck_assert_ptr_null(options.step);
	ck_assert_ptr_null(options.fresh);
	ck_assert(!options.json);
}
END_TEST

START_TEST(test_an_option_without_its_value_means_its_fallback)
{
	ck_assert_str_eq(parse(WORDS("docs", "--fresh")).fresh, "all");
	ck_assert_str_eq(parse(WORDS("docs", "--fresh=emulated")).fresh, "emulated");
}
END_TEST

START_TEST(test_wrong_command_lines_are_usage_errors)
{
	char *many[3 + 2 * (OPTION_LIST_MAX + 1)] = { "slipway test", "docs" };

	for (size_t i = 0; i <= OPTION_LIST_MAX; i++) {
		many[2 + 2 * i] = "-s";
		many[3 + 2 * i] = "A=1";
	}
	ck_assert_int_eq(status_of(WORDS("docs")), EX_OK);
	ck_assert_int_eq(status_of((char *[]){ "slipway test", NULL }), EX_USAGE);
	ck_assert_int_eq(status_of(WORDS("no/id")), EX_USAGE);
	ck_assert_int_eq(status_of(WORDS("docs", "no/id")), EX_USAGE);
	ck_assert_int_eq(status_of(WORDS("docs", "greet", "more")), EX_USAGE);
	ck_assert_int_eq(status_of(WORDS("docs", "--port", "0")), EX_USAGE);
	ck_assert_int_eq(status_of(WORDS("docs", "--port", "65536")), EX_USAGE);
	ck_assert_int_eq(status_of(WORDS("docs", "--port", "90x")), EX_USAGE);
	ck_assert_int_eq(status_of(WORDS("docs", "--input")), EX_USAGE);
	ck_assert_int_eq(status_of(WORDS("docs", "--nothing")), EX_USAGE);
	ck_assert_int_eq(status_of(WORDS("docs", "-i", "refused")), EX_USAGE);
	ck_assert_int_eq(status_of(many), EX_USAGE);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_values_go_into_their_members,
		test_what_is_not_given_keeps_its_default,
		test_an_option_without_its_value_means_its_fallback,
		test_wrong_command_lines_are_usage_errors,
		NULL,
	};
	return suite_main("options", tests, NULL, NULL);
}
