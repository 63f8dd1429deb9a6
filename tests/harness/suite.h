/*
 * The main function of a test program: one suite, one case, the listed tests.
 */
#ifndef TESTS_HARNESS_SUITE_H
#define TESTS_HARNESS_SUITE_H

#include <check.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>

/* For what must succeed: a busy machine may stand still for seconds. No test waits for it to pass.
 */
#define PATIENCE_MS 20000

/* Valgrind takes up to fifty times as long. What is large only to show that it takes no long time
 * or little memory need not be so there: without it and under the sanitizers it is. */
static inline bool suite_under_valgrind(void)
{
	return getenv("UNDER_VALGRIND") != NULL;
}

/* Runs the tests (ended by NULL), each in a process of its own; setup and teardown may be NULL.
 * Returns the exit status. */
static inline int suite_main(
	const char *name, const TTest *const *tests, void (*setup)(void), void (*teardown)(void))
{
	if (sodium_init() < 0)
		return EXIT_FAILURE;
	/* As the programs do: a peer that goes away is an error of write. */
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigaction(SIGPIPE, &ignore, NULL);
	Suite *suite = suite_create(name);
	TCase *test_case = tcase_create(name);
	tcase_set_timeout(test_case, 60);
	tcase_add_checked_fixture(test_case, setup, teardown);
	for (; *tests != NULL; tests++)
		tcase_add_test(test_case, *tests);
	suite_add_tcase(suite, test_case);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
