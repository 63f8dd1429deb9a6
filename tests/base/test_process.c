/*
 * A process that has secrets is hidden from others of its user, and what libraries free is wiped.
 *
 * covers: src/base/process.c src/base/wiping.c
 */
#include "base/process.h"

#include <malloc.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/wiping.h"
#include "harness/suite.h"

/* 0 where this process can be looked into neither live nor dead; the sanitizer of leaks has to look
 * into it live. */
static int look(void)
{
	struct rlimit core;
	getrlimit(RLIMIT_CORE, &core);
#if defined(__SANITIZE_ADDRESS__)
	return core.rlim_cur != 0 || core.rlim_max != 0;
#else
	return core.rlim_cur != 0 || core.rlim_max != 0 || prctl(PR_GET_DUMPABLE) != 0;
#endif
}

START_TEST(test_a_process_with_secrets_is_hidden_and_so_are_its_children)
{
	process_hide();
	ck_assert_int_eq(look(), 0);
	pid_t child = fork();
	if (child == 0)
		_exit(look());
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

/* Whether the block that was at this address, and is freed, still has the text somewhere behind the
 * allocator's own. A sanitizer would rightly ask what we look for there. */
__attribute__((no_sanitize("address"))) static bool still_there(
	const void *freed, const char *text, size_t size)
{
	char copy[4096];
	const volatile char *bytes = freed;
	for (size_t i = 0; i < size; i++)
		copy[i] = bytes[i];
	return memmem(copy, size, text, strlen(text)) != NULL;
}

START_TEST(test_what_is_freed_is_wiped)
{
	static const char secret[] = "hush-hush-hush";
	char *first = wiping_calloc(64, 16);
	size_t size = malloc_usable_size(first);
	memcpy(first + 512, secret, sizeof(secret));
	volatile uintptr_t old = (uintptr_t)first;
	char *second = wiping_realloc(first, 2048);
	ck_assert_str_eq(second + 512, secret);
	ck_assert(!still_there((const void *)old, secret, size));
	/* Smaller again: what is beyond the end goes as well. */
	memcpy(second + 1500, secret, sizeof(secret));
	size = malloc_usable_size(second);
	old = (uintptr_t)second;
	char *third = wiping_realloc(second, 16);
	ck_assert(!still_there((const void *)old, secret, size));
	wiping_free(third);
	char *copy = wiping_strdup("abcdefghijklmnopqrstuvwxyz hush-hush-hush");
	size = malloc_usable_size(copy);
	old = (uintptr_t)copy;
	wiping_free(copy);
	ck_assert(!still_there((const void *)old, secret, size));
	wiping_free(NULL);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_a_process_with_secrets_is_hidden_and_so_are_its_children,
		test_what_is_freed_is_wiped, NULL
	};
	return suite_main("process", tests, NULL, NULL);
}
