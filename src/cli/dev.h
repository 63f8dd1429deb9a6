/*
 * The parts of a private Slipway: processes and files below one folder.
 */
#ifndef SLIPWAY_CLI_DEV_H
#define SLIPWAY_CLI_DEV_H

#include <sys/types.h>

#include "base/arena.h"

#define DEV_WORDS_MAX 32

/* One server that runs below the folder. */
struct dev_process {
	const char *name;
	pid_t pid; /* 0: not running */
	char log[512];
};

/*
 * Starts a program (found in PATH, or in /usr/sbin, or by its own path) with its output in DIR/log/NAME.log. It gets a
 * process group of its own, so that Ctrl-C reaches dev alone, and dies with dev.
 */
enum error_class dev_process_start(struct dev_process *process, const char *folder, const char *name,
	const char *const words[DEV_WORDS_MAX], struct error *error) SLIPWAY_MUST_CHECK;

/* SIGTERM, and SIGKILL where that is not obeyed in time; waits for the end. */
void dev_process_stop(struct dev_process *process);

/* Whether it has ended; its end is collected then. */
bool dev_process_ended(struct dev_process *process);

/* Adds the last lines of its log to an error, so that the cause is seen at once. */
enum error_class dev_process_blame(const struct dev_process *process, const char *what, struct error *error);

/* Writes a template's bytes with each @NAME@ replaced; names and values stand in turn, ended by NULL. */
enum error_class dev_file_write(const char *path, const char *embedded_name, const char *const *replacements,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Writes a small file that only this user may read. */
enum error_class dev_secret_write(const char *path, const char *text, struct error *error) SLIPWAY_MUST_CHECK;

/* Makes a folder, and is content where it is there. */
enum error_class dev_folder_make(const char *path, struct error *error) SLIPWAY_MUST_CHECK;

/* Removes a folder and all that is in it. */
void dev_folder_remove(const char *path);

/* Whether somebody listens on this port of loopback. */
bool dev_port_answers(int port);

/* Two free ports of loopback, one after the other; 0 where there are none. */
int dev_ports_find(void);

#endif
