/*
 * The parts of a private Slipway: processes and files below one folder.
 */
#ifndef SLIPWAY_CLI_DEV_H
#define SLIPWAY_CLI_DEV_H

#include <limits.h>
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

/* The folder of our programs, and that of the web page: `client` where it is not NULL. */
enum error_class dev_programs_find(const char *client, char ret_programs[PATH_MAX], char ret_client[PATH_MAX],
	struct error *error) SLIPWAY_MUST_CHECK;

/* Writes a template's bytes with each @NAME@ replaced; names and values stand in turn, ended by NULL. */
enum error_class dev_file_write(const char *path, const char *embedded_name, const char *const *replacements,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Writes a small file that only this user may read. */
enum error_class dev_secret_write(const char *path, const char *text, struct error *error) SLIPWAY_MUST_CHECK;

/* Writes DIR/conf/users.acl for the private Redis, with a new password for each user in a file of its own. */
enum error_class dev_users_write(const char *folder, struct error *error) SLIPWAY_MUST_CHECK;

/* Where the password of a user of Redis stands. */
void dev_password_path(const char *folder, const char *user, char path[PATH_MAX]);

/* Lets the default user into the private Redis, which starts without him; false where Redis does not answer yet. */
bool dev_redis_open(const char *folder);

/*
 * Whether the worker with this pid has reported to the private Redis. Its log would be no sign: it may be told to write
 * nothing, and what an earlier worker wrote is still there.
 */
bool dev_worker_reports(const char *folder, pid_t pid);

/* Makes a folder, and is content where it is there. */
enum error_class dev_folder_make(const char *path, struct error *error) SLIPWAY_MUST_CHECK;

/* Removes a file, or a folder and all that is in it; content where it is not there. */
enum error_class dev_folder_remove(const char *path, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Takes the folder for this process and what it starts, until the last of them has ended. Writes nothing where somebody
 * else has it. Errors: CONFLICT_OURS: a slipway dev that lives has it, and is named; NOT_READY: one that is gone left
 * processes that have not ended yet, so ask again.
 */
enum error_class dev_folder_lock(const char *folder, struct error *error) SLIPWAY_MUST_CHECK;

/* What of an earlier start is removed: nothing; what stand-ins for providers made; all of it. */
enum dev_fresh { DEV_FRESH_NOTHING, DEV_FRESH_EMULATED, DEV_FRESH_ALL };

/*
 * Makes the locked folder ready for a start with stand-ins (emulated) or with real providers: removes what `fresh`
 * says, and refuses to go on with what the other kind made. Errors: INVALID_INPUT.
 */
enum error_class dev_folder_begin(
	const char *folder, enum dev_fresh fresh, bool emulated, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether somebody listens on this port of loopback. */
bool dev_port_answers(int port);

/* Two free ports of loopback, one after the other; 0 where there are none. */
int dev_ports_find(void);

#endif
