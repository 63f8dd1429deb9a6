/*
 * The parts of a private Slipway: the processes and files in one folder.
 */
#ifndef SLIPWAY_CLI_DEV_H
#define SLIPWAY_CLI_DEV_H

#include <limits.h>
#include <sys/types.h>

#include "base/arena.h"

#define DEV_WORDS_MAX 32

/* One server process. */
struct dev_process {
	const char *name;
	pid_t pid; /* 0: not running */
	char log[512];
};

/*
 * Starts a program (found in PATH, or in /usr/sbin, or by its own path) with its output in
 * DIR/log/NAME.log. It gets a process group of its own, so that Ctrl-C reaches only dev, and ends
 * when dev dies.
 */
enum error_class dev_process_start(struct dev_process *process, const char *folder,
	const char *name, const char *const words[DEV_WORDS_MAX],
	struct error *error) SLIPWAY_MUST_CHECK;

/* Sends SIGTERM, and SIGKILL if that has no effect in time; waits for the end. */
void dev_process_stop(struct dev_process *process);

/* Whether it has ended; reaps it if so. */
bool dev_process_ended(struct dev_process *process);

/* Makes an error of what happened to it and the last lines of its log. */
enum error_class dev_process_blame(
	const struct dev_process *process, const char *what, struct error *error);

/* Finds the folder of our programs, and that of the web page: `client` if it is not NULL. */
enum error_class dev_programs_find(const char *client, char ret_programs[PATH_MAX],
	char ret_client[PATH_MAX], struct error *error) SLIPWAY_MUST_CHECK;

/* Writes an embedded file with each @NAME@ replaced; replacements alternates names and values,
 * ended by NULL. */
enum error_class dev_file_write(const char *path, const char *embedded_name,
	const char *const *replacements, struct error *error) SLIPWAY_MUST_CHECK;

/* Writes a small file that only this user may read. */
enum error_class dev_secret_write(
	const char *path, const char *text, struct error *error) SLIPWAY_MUST_CHECK;

/* Writes DIR/conf/users.acl for the private Redis, with a new password for each user in a file of
 * its own. */
enum error_class dev_users_write(const char *folder, struct error *error) SLIPWAY_MUST_CHECK;

/* The path of the file with a Redis user's password. */
void dev_password_path(const char *folder, const char *user, char path[PATH_MAX]);

/* Enables the default user of the private Redis, which starts with it disabled. False: Redis does
 * not respond yet, or is still loading. */
bool dev_redis_open(const char *folder);

/* Loads the functions of this build into it, as its operator: slipway-api may not. */
enum error_class dev_functions_load(const char *folder, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Whether the worker with this pid has reported to the private Redis. Its log cannot tell: the log
 * level may be off, and it has the lines of earlier workers.
 */
bool dev_worker_reports(const char *folder, pid_t pid);

/* Creates a folder; one that exists is fine. */
enum error_class dev_folder_make(const char *path, struct error *error) SLIPWAY_MUST_CHECK;

/* Removes a file, or a folder with its contents; one that does not exist is fine. */
enum error_class dev_folder_remove(const char *path, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Locks the folder for this process and those that it starts, until the last of them has ended.
 * Writes nothing if it is locked. Errors: CONFLICT_OURS: another slipway dev is using it, and is
 * named; NOT_READY: processes of a dead one have not ended yet, so try again.
 */
enum error_class dev_folder_lock(const char *folder, struct error *error) SLIPWAY_MUST_CHECK;

/* What is removed of an earlier start: nothing; the state about emulated resources; everything. */
enum dev_fresh { DEV_FRESH_NOTHING, DEV_FRESH_EMULATED, DEV_FRESH_ALL };

/*
 * Prepares the locked folder for a start with emulated or real providers: removes what `fresh`
 * says, and refuses state that belongs to the other kind. Errors: INVALID_INPUT.
 */
enum error_class dev_folder_begin(const char *folder, enum dev_fresh fresh, bool emulated,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Whether a process listens on this port of loopback. */
bool dev_port_answers(int port);

/* The first of two consecutive free ports of loopback; 0 if there are none. */
int dev_ports_find(void);

#endif
