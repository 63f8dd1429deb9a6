/*
 * The failpoints of the fault suite's build. A test arms one by a file: the folder
 * SLIPWAY_FAILPOINTS_DIR, the point's name, and in it what is to happen. The first process that
 * comes there takes the file away, so that one process is hit once. Every point that is passed
 * leaves a file below seen/, so that a test knows them all.
 */
#include "base/failpoint.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An executor is stopped with its supervisor, as a machine that sleeps does it: else the lease
 * would be renewed. */
static void stop_all(void)
{
	char path[64], own[32] = "", parent[32] = "";
	FILE *file = fopen("/proc/self/comm", "re");
	if (file != NULL) {
		if (fgets(own, sizeof(own), file) == NULL)
			own[0] = '\0';
		fclose(file);
	}
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)getppid());
	file = fopen(path, "re");
	if (file != NULL) {
		if (fgets(parent, sizeof(parent), file) == NULL)
			parent[0] = '\0';
		fclose(file);
	}
	if (strcmp(own, parent) == 0)
		kill(getppid(), SIGSTOP);
	raise(SIGSTOP);
}

/* What the file says, and whether this process is the one that took it. */
static bool take(const char *path, char *what, size_t size)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return false;
	ssize_t length = read(file, what, size - 1);
	close(file);
	what[length > 0 ? length : 0] = '\0';
	return unlink(path) == 0;
}

bool failpoint(const char *where, const char *what)
{
	const char *folder = getenv("SLIPWAY_FAILPOINTS_DIR");
	char path[512], action[16];
	if (folder == NULL)
		return false;
	snprintf(path, sizeof(path), "%s/seen/%s.%s", folder, where, what);
	int seen = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (seen >= 0)
		close(seen);
	snprintf(path, sizeof(path), "%s/%s.%s", folder, where, what);
	if (!take(path, action, sizeof(action)))
		return false;
	if (strcmp(action, "kill") == 0)
		raise(SIGKILL);
	if (strcmp(action, "stop") == 0)
		stop_all();
	return strcmp(action, "error") == 0;
}

bool failpoints(const char *where, const char *names)
{
	char name[64];
	bool failed = false;

	while (*names != '\0') {
		size_t length = strcspn(names, " ");
		snprintf(name, sizeof(name), "%.*s", (int)length, names);
		failed |= failpoint(where, name);
		names += length + strspn(names + length, " ");
	}
	return failed;
}
