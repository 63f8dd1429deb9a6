/*
 * Starts and stops the servers of a private Slipway. Each is told to end by PR_SET_PDEATHSIG when
 * its parent dies, so a killed `slipway dev` leaves nothing running.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/dev.h"

#define STOP_MS    35000 /* above the worker's grace */
#define TAIL_BYTES 400

/* In the child. nginx is in /usr/sbin, which is not in everybody's PATH. */
static _Noreturn void become(const char *const words[DEV_WORDS_MAX], int log, pid_t dev)
{
	/* execvp wants pointers to mutable strings, which it does not change. */
	char *arguments[DEV_WORDS_MAX + 1] = { NULL };
	char path[1024];

	memcpy(arguments, words, DEV_WORDS_MAX * sizeof(words[0]));
	if (arguments[0] == NULL)
		_exit(127);

	/* Not SIGKILL: nginx's master process would leave its workers behind. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != dev)
		_exit(1);
	setpgid(0, 0);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	const char *search = getenv("PATH");
	text_format(path, sizeof(path), "%s:/usr/sbin:/sbin",
		search != NULL ? search : "/usr/bin:/bin");
	setenv("PATH", path, 1);
	execvp(arguments[0], arguments);
	dprintf(STDERR_FILENO, "cannot start %s: %s\n", arguments[0], strerror(errno));
	_exit(127);
}

enum error_class dev_process_start(struct dev_process *process, const char *folder,
	const char *name, const char *const words[DEV_WORDS_MAX], struct error *error)
{
	pid_t dev = getpid();

	process->name = name;
	text_format(process->log, sizeof(process->log), "%s/log/%s.log", folder, name);
	int log = open(process->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log < 0)
		return error_set(error, ERROR_INVALID_INPUT, "cannot write %s: %s", process->log,
			strerror(errno));
	process->pid = fork();
	if (process->pid == 0)
		become(words, log, dev);
	close(log);
	if (process->pid < 0) {
		process->pid = 0;
		return error_set(
			error, ERROR_INTERNAL, "cannot start %s: %s", name, strerror(errno));
	}

	return ERROR_NONE;
}

bool dev_process_ended(struct dev_process *process)
{
	if (process->pid > 0 && waitpid(process->pid, NULL, WNOHANG) == process->pid)
		process->pid = 0;
	return process->pid == 0;
}

void dev_process_stop(struct dev_process *process)
{
	int64_t give_up_at = clock_monotonic_ms() + STOP_MS;

	if (process->pid <= 0)
		return;
	kill(process->pid, SIGTERM);
	while (!dev_process_ended(process)) {
		if (clock_monotonic_ms() > give_up_at)
			kill(process->pid, SIGKILL);
		clock_sleep_ms(10);
	}
}

enum error_class dev_process_blame(
	const struct dev_process *process, const char *what, struct error *error)
{
	char tail[TAIL_BYTES + 1] = "";
	FILE *log = fopen(process->log, "re");

	if (log != NULL) {
		if (fseek(log, -TAIL_BYTES, SEEK_END) != 0)
			rewind(log);
		size_t length = fread(tail, 1, TAIL_BYTES, log);
		tail[length] = '\0';
		fclose(log);
	}

	error_set(error, ERROR_INTERNAL, "%s %s; its log ends with: %s", process->name, what,
		tail[0] != '\0' ? tail : "(empty)");
	return error_remedy(error, NULL, "Its log is %s.", process->log);
}
