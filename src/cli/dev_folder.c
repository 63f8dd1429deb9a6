/*
 * The folder of a private Slipway: who is using it, whether its contents may be removed, and
 * whether its state is about emulated or real providers. Only this folder knows which resources
 * exist at real providers, so nothing is removed before the lock is held, and never by default.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/dev.h"
#include "slipway/field.h"

#define LOCK      "lock"      /* the pid of the slipway dev that is using the folder */
#define PROVIDERS "providers" /* whether its state is about emulated or real providers */
#define WORD_MAX  32

/* Everything that slipway dev creates in its folder, except the lock and the providers file. */
static const char *const made[] = { "redis", "conf", "log", "nginx-body", "nginx-fastcgi",
	"nginx-proxy", "nginx-scgi", "nginx-uwsgi", "nginx.pid", "api.sock", "redis.sock" };

static void path_of(char path[PATH_MAX], const char *folder, const char *name)
{
	text_format(path, PATH_MAX, "%s/%s", folder, name);
}

/* The first line of a small file; "" if it does not exist. */
static void read_word(const char *path, char word[WORD_MAX])
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = file >= 0 ? read(file, word, WORD_MAX - 1) : 0;
	if (file >= 0)
		close(file);
	word[length > 0 ? length : 0] = '\0';
	word[strcspn(word, "\n")] = '\0';
}

/* ---- the lock ---- */

/* The pid may have been reused: it is a slipway dev only if the process has our name. */
static bool is_one_of_us(int64_t pid)
{
	char path[PATH_MAX], name[WORD_MAX], own[WORD_MAX];
	text_format(path, sizeof(path), "/proc/%lld/comm", (long long)pid);
	read_word(path, name);
	read_word("/proc/self/comm", own);
	return name[0] != '\0' && strcmp(name, own) == 0;
}

static enum error_class refuse_held(const char *folder, const char *path, struct error *error)
{
	char word[WORD_MAX];
	int64_t pid;

	read_word(path, word);
	if (text_to_integer(word, &pid) && is_one_of_us(pid)) {
		error_set(error, ERROR_CONFLICT_OURS,
			"slipway dev with pid %lld is using the folder %s", (long long)pid, folder);
		return error_remedy(error, NULL,
			"Stop it (Ctrl-C in its terminal, or kill %lld), or give another folder "
			"with --dir and another port with --port; for make run: DIR=FOLDER PORT=N.",
			(long long)pid);
	}

	error_set(error, ERROR_NOT_READY,
		"processes of an earlier slipway dev are still running in the folder %s", folder);
	return error_remedy(
		error, NULL, "Wait until they have ended, or give another folder with --dir.");
}

enum error_class dev_folder_lock(const char *folder, struct error *error)
{
	char path[PATH_MAX];

	path_of(path, folder, LOCK);

	/* No O_CLOEXEC: the started processes hold the lock too, so that it lasts until the last of
	 * them has ended. */
	int lock = open(path, O_RDWR | O_CREAT, 0600);
	if (lock < 0)
		return error_set(
			error, ERROR_INVALID_INPUT, "cannot write %s: %s", path, strerror(errno));
	if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
		close(lock);
		return refuse_held(folder, path, error);
	}

	/* Kept open until the program ends. */
	if (ftruncate(lock, 0) == 0 && dprintf(lock, "%d\n", (int)getpid()) > 0)
		return ERROR_NONE;
	return error_set(error, ERROR_INVALID_INPUT, "cannot write %s: %s", path, strerror(errno));
}

/* ---- its contents ---- */

static bool has_state(const char *folder)
{
	char path[PATH_MAX];
	path_of(path, folder, "redis");
	return access(path, F_OK) == 0;
}

/* Without the providers file, the state may be about either kind. */
static bool is_emulated(const char *folder)
{
	char path[PATH_MAX], word[WORD_MAX];
	path_of(path, folder, PROVIDERS);
	read_word(path, word);
	return strcmp(word, "emulated") == 0;
}

/* Only slipway dev writes this configuration of Redis. */
static enum error_class check_ours(const char *folder, struct error *error)
{
	char path[PATH_MAX];
	bool empty = true;

	for (size_t i = 0; i < ARRAY_LEN(made); i++) {
		path_of(path, folder, made[i]);
		empty = empty && access(path, F_OK) != 0;
	}

	path_of(path, folder, "conf/redis.conf");
	if (empty || access(path, F_OK) == 0)
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_INPUT,
		"the folder %s was not made by slipway dev, so nothing in it is removed", folder);
	return error_remedy(
		error, NULL, "Give another folder with --dir, or start without --fresh.");
}

/* conf is removed last: it identifies the folder as ours if the removal is interrupted. */
static enum error_class clear(const char *folder, struct error *error)
{
	char path[PATH_MAX];

	if (check_ours(folder, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < ARRAY_LEN(made); i++) {
		path_of(path, folder, made[i]);
		if (strcmp(made[i], "conf") != 0 && dev_folder_remove(path, error) != ERROR_NONE)
			return error->class;
	}

	path_of(path, folder, PROVIDERS);
	if (dev_folder_remove(path, error) != ERROR_NONE)
		return error->class;
	path_of(path, folder, "conf");
	return dev_folder_remove(path, error);
}

static enum error_class refuse_providers(const char *folder, bool emulated, struct error *error)
{
	if (emulated)
		error_set(error, ERROR_INVALID_INPUT,
			"the folder %s may have state about resources at real providers; the "
			"emulators do not know those",
			folder);
	else
		error_set(error, ERROR_INVALID_INPUT,
			"the folder %s has state about emulated resources; real providers do not "
			"know those",
			folder);
	return error_remedy(error, NULL,
		"Give another folder with --dir, or remove the state of this one with --fresh; for "
		"make run: DIR=FOLDER, or FRESH=1.");
}

enum error_class dev_folder_begin(
	const char *folder, enum dev_fresh fresh, bool emulated, struct error *error)
{
	char path[PATH_MAX];
	bool clears =
		fresh == DEV_FRESH_ALL || (fresh == DEV_FRESH_EMULATED && is_emulated(folder));
	if (clears && clear(folder, error) != ERROR_NONE)
		return error->class;
	if (has_state(folder) && is_emulated(folder) != emulated)
		return refuse_providers(folder, emulated, error);
	path_of(path, folder, PROVIDERS);
	return dev_secret_write(path, emulated ? "emulated\n" : "real\n", error);
}
