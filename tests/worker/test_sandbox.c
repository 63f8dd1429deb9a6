/*
 * What a process in a sandbox may still do, and that all else is refused.
 *
 * covers: src/worker/sandbox.c src/worker/file_wall.c
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/suite.h"
#include "harness/tries.h"
#include "slipway/field.h"
#include "worker/file_wall.h"
#include "worker/sandbox.h"

static char folder[] = "/tmp/slipway-sandbox-XXXXXX";
static char secret[64], record[64];
static pid_t sibling;

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(secret, sizeof(secret), "%s/secret", folder);
	snprintf(record, sizeof(record), "%s/record", folder);
	FILE *file = fopen(secret, "we");
	ck_assert_ptr_nonnull(file);
	fputs("a secret\n", file);
	fclose(file);
	ck_assert_int_eq(mkdir(record, 0700), 0);
	sibling = fork();
	if (sibling == 0)
		for (;;)
			pause();
}

static void tear_down(void)
{
	kill(sibling, SIGKILL);
	waitpid(sibling, NULL, 0);
	char words[128];
	snprintf(words, sizeof(words), "%s/kept", record);
	unlink(words);
	rmdir(record);
	unlink(secret);
	rmdir(folder);
}

/* Neither a build without a sandbox nor valgrind, which is in the process itself, can show it. */
static bool is_here(void)
{
#ifdef SLIPWAY_NO_SANDBOX
	return false;
#else
	return !suite_under_valgrind();
#endif
}

/* In a process of its own, in a sandbox; ends with 0 where all is well. */
static int in_sandbox(const struct sandbox *sandbox, int (*body)(void))
{
	int status;
	struct error error;

	fflush(NULL);
	const pid_t pid = fork();
	if (pid == 0) {
		if (sandbox_enter(sandbox, &error) != ERROR_NONE) {
			fprintf(stderr, "%s\n", error.message);
			_exit(99);
		}
		_exit(body());
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* ---- what is refused ---- */

static int try_all(void)
{
	const struct tries_aim aim = { .file = secret,
		.folder = folder,
		.socket = secret,
		.supervisor = getppid(),
		.sibling = sibling };
	int failed = 0;

	for (const struct attempted *one = tries; one->name != NULL; one++) {
		const int result = one->try(&aim);
		if (tries_is_refusal(result))
			continue;
		fprintf(stderr, "not refused: %s: %s\n", one->name, strerror(result));
		failed = 1;
	}
	return failed;
}

START_TEST(all_that_a_hostile_action_tries_is_refused)
{
	static const struct sandbox bare = { .writes = NULL };
	if (!is_here() || file_wall_version() < 1)
		return;
	ck_assert_int_eq(in_sandbox(&bare, try_all), 0);
}
END_TEST

/* ---- what is allowed ---- */

static int look_up(void)
{
	struct addrinfo *found, hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	if (getaddrinfo("localhost", "443", &hints, &found) != 0)
		return 1;
	freeaddrinfo(found);
	return 0;
}

static int read_system(void)
{
	static const char *const paths[] = { "/etc/hosts", "/etc/resolv.conf", "/dev/null" };
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		const int file = open(paths[i], O_RDONLY | O_CLOEXEC);
		if (file < 0 && errno != ENOENT)
			return 1;
		close(file);
	}
	return 0;
}

static void *of_thread(void *context)
{
	*(int *)context = look_up();
	return NULL;
}

static int start_thread(void)
{
	pthread_t thread;
	int status = 1;
	if (pthread_create(&thread, NULL, of_thread, &status) != 0)
		return 1;
	return pthread_join(thread, NULL) != 0 ? 1 : status;
}

static int know_limits(void)
{
	struct rlimit limit;
	return getrlimit(RLIMIT_NOFILE, &limit) != 0 || getrlimit(RLIMIT_CORE, &limit) != 0 ||
		limit.rlim_max != 0;
}

static int do_work(void)
{
	return look_up() + 2 * read_system() + 4 * start_thread() + 8 * know_limits();
}

START_TEST(what_an_action_needs_is_allowed)
{
	static const struct sandbox bare = { .writes = NULL };
	if (is_here())
		ck_assert_int_eq(in_sandbox(&bare, do_work), 0);
}
END_TEST

static int crash(void)
{
	abort();
}

START_TEST(a_crash_is_a_crash)
{
	static const struct sandbox bare = { .writes = NULL };
	if (is_here())
		ck_assert_int_eq(in_sandbox(&bare, crash), 1000 + SIGABRT);
}
END_TEST

/* As a trace is written. */
static int keep_record(void)
{
	char partial[96], path[96];
	snprintf(partial, sizeof(partial), "%s/kept.part", record);
	snprintf(path, sizeof(path), "%s/kept", record);
	const int file = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (file < 0 || write(file, "kept", 4) != 4 || close(file) != 0 ||
		rename(partial, path) != 0)
		return 1;
	return open(secret, O_RDONLY | O_CLOEXEC) >= 0 || rename(path, secret) == 0 ? 2 : 0;
}

START_TEST(records_are_written_to_their_folder_and_nowhere_else)
{
	const struct sandbox writing = { .writes = record };
	if (is_here() && file_wall_version() >= 1)
		ck_assert_int_eq(in_sandbox(&writing, keep_record), 0);
}
END_TEST

START_TEST(what_is_lacking_is_said)
{
	const bool is_complete = is_here() && file_wall_version() >= 1;
	if (!suite_under_valgrind())
		ck_assert_int_eq(sandbox_weakness() == NULL, is_complete);
	ck_assert_uint_eq(sandbox_stamp(), sandbox_stamp());
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { all_that_a_hostile_action_tries_is_refused,
		what_an_action_needs_is_allowed, a_crash_is_a_crash,
		records_are_written_to_their_folder_and_nowhere_else, what_is_lacking_is_said,
		NULL };
	return suite_main("sandbox", tests, set_up, tear_down);
}
