/*
 * The settings of all programs, in one table: it parses flags, environment and file, prints --print-config, and
 * makes the reference in docs/. SLIPWAY_REDIS_URL in the environment or the file is --redis-url as a flag.
 *
 * Flags go over the environment, that over the file, that over the defaults. A secret is never a flag; beside its
 * own name it may be given as <NAME>_FILE, the path of a file that holds it (a systemd credential, say). Once read,
 * secrets are wiped from the environment and remembered for redaction.
 */
#ifndef SLIPWAY_BASE_SETTINGS_H
#define SLIPWAY_BASE_SETTINGS_H

#include <argp.h>
#include <stdio.h>

#include "base/arena.h"

/* Which program takes a setting; a mask. */
enum settings_program {
	SETTINGS_API = 1,
	SETTINGS_WORKER = 2,
	SETTINGS_CLI = 4,
	SETTINGS_ALL = 7,
};

#define SETTINGS_MAX 32

/* For the log, with the name of the setting. */
#define SETTINGS_PASSWORD_WARNING                                                                                      \
	"a URL has a password in it; give it in a file, as SLIPWAY_REDIS_PASSWORD_FILE, where nobody comes upon it"

struct settings {
	const char *redis_url;  /* unix:///path or redis://[user:password@]host[:port][/database] */
	const char *redis_user; /* NULL: that of the URL */
	const char *redis_password;
	int64_t retention_days;
	const char *log_level;

	const char *listen;
	int64_t processes;
	bool development;

	const char *secrets_public_key; /* see core/secret.h; NULL: no secrets are taken */
	const char *secrets_keys;       /* private ones, separated by spaces; NULL: none can be opened */

	int64_t executors;
	int64_t lease_seconds;
	int64_t grace_seconds;
	int64_t executor_actions;
	bool allow_loopback; /* url_get may reach loopback addresses, and providers may be plain http there */
	const char *github_url;
	const char *github_token;
	const char *github_app_id, *github_installation_id, *github_app_key_file; /* all three, or none counts */
	int64_t github_write_spacing_ms;
	const char *vercel_url;
	const char *vercel_token;
	const char *vercel_team;
	const char *record_folder; /* NULL: exchanges with providers are not recorded */

	const char *url; /* of the endpoint, for the command line */

	/* Of the loading itself. */
	unsigned programs; /* mask of settings_program */
	const char *config_path;
	bool config_required;                   /* it was named by --config, so it must exist */
	bool print_config;                      /* --print-config was given */
	const char *url_with_password;          /* the setting that has one in it, to be warned of; NULL: none */
	const char *flags[SETTINGS_MAX];        /* by index of the table; NULL: not given. Borrowed from argv */
	const char *secret_files[SETTINGS_MAX]; /* by index of the table; NULL: it was given otherwise */
	bool from_environment[SETTINGS_MAX];    /* a secret that cannot be read a second time */
	struct arena arena;
};

/* Begins with nothing loaded, for a mask of settings_program. Release with settings_release in any case. */
void settings_init(struct settings *settings, unsigned programs);

/* The argp parser of the flags of these programs: pass it as a child, with the settings as its input. Owned by
 * the function, valid until its next call. */
const struct argp *settings_argp(unsigned programs);

/* Takes flags, environment, file and defaults together. Errors name the setting and where it came from. */
enum error_class settings_load(struct settings *settings, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether settings that were read again can be used. */
typedef enum error_class settings_check(const struct settings *settings, struct error *error);

/*
 * Reads the secrets again, from the files in which they stood; what came by the environment stays. After an error,
 * also one of check (NULL: none), the settings are as they were.
 */
enum error_class settings_reload(
	struct settings *settings, settings_check *check, struct error *error) SLIPWAY_MUST_CHECK;

/* A number that is another one when any file was changed or replaced that secrets come from. */
uint64_t settings_stamp(const struct settings *settings);

/* Writes KEY=value lines of this program's settings with a comment each; secrets as ***. */
void settings_print(const struct settings *settings, FILE *stream);

/* Writes the table as Markdown, for docs/settings.md. */
void settings_print_reference(FILE *stream);

/* Wipes and frees. */
void settings_release(struct settings *settings);

#endif
