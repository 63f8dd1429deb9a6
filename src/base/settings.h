/*
 * The settings of all programs, as rows of one kind: they parse flags, environment and file, print --print-config, and
 * make the reference that `slipway settings` gives. SLIPWAY_REDIS_URL in the environment or the file is --redis-url as
 * a flag.
 *
 * A new setting is a member here and a row in settings_table.c; one of a provider is both in the provider's own file.
 * docs/operations.md and conf/slipway.conf show people those that matter to them.
 *
 * Flags go over the environment, that over the file, that over the defaults. A secret is never a flag; beside its
 * own name it may be given as <NAME>_FILE, the path of a file that holds it (a systemd credential, say). Once read,
 * secrets are wiped from the environment and remembered for redaction.
 */
#ifndef SLIPWAY_BASE_SETTINGS_H
#define SLIPWAY_BASE_SETTINGS_H

#include <argp.h>
#include <stddef.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/setting.h"

/* Which program takes a setting; a mask. */
enum settings_program {
	SETTINGS_API = 1,
	SETTINGS_WORKER = 2,
	SETTINGS_CLI = 4,
	SETTINGS_ALL = 7,
};

#define SETTINGS_MAX       64  /* rows, over all tables */
#define SETTINGS_PARTS_MAX 8   /* providers */
#define SETTINGS_PART_SIZE 128 /* bytes of the struct of one */

/* The settings of a provider, which base does not know: rows over a struct of the provider's own. */
struct settings_part {
	const struct setting *rows;
	size_t count;
	/* What single rows cannot say, such as settings that belong together; NULL: nothing. */
	enum error_class (*check)(const void *part, struct error *error);
};

/* The first members of a struct settings_part; does not compile where the struct is larger than SETTINGS_PART_SIZE. */
#define SETTINGS_PART(struct_type, table)                                                                              \
	.rows = (table),                                                                                               \
	.count = ARRAY_LEN(table) + 0 * sizeof(char[sizeof(struct_type) <= SETTINGS_PART_SIZE ? 1 : -1])

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
	int64_t outage_seconds;    /* 0: nobody waits, each failure is an attempt */
	bool allow_loopback;       /* url_get may reach loopback addresses, and providers may be plain http there */
	const char *record_folder; /* NULL: exchanges with providers are not recorded */

	const char *url; /* of the endpoint, for the command line */

	/* Of the providers: part_values[i] is the struct that parts[i] describes. */
	const struct settings_part *const *parts; /* ended by NULL; NULL: there are none */
	_Alignas(max_align_t) char part_values[SETTINGS_PARTS_MAX][SETTINGS_PART_SIZE];

	/* Of the loading itself. */
	unsigned programs; /* mask of settings_program */
	const char *config_path;
	bool config_required;                   /* it was named by --config, so it must exist */
	bool print_config;                      /* --print-config was given */
	const char *url_with_password;          /* the setting that has one in it, to be warned of; NULL: none */
	const char *flags[SETTINGS_MAX];        /* by index of the row; NULL: not given. Borrowed from argv */
	const char *secret_files[SETTINGS_MAX]; /* by index of the row; NULL: it was given otherwise */
	bool from_environment[SETTINGS_MAX];    /* a secret that cannot be read a second time */
	struct arena arena;
};

/* Begins with nothing loaded, for a mask of settings_program and the parts of the providers (ended by NULL, at most
 * SETTINGS_PARTS_MAX, borrowed). Release with settings_release in any case. */
void settings_init(struct settings *settings, unsigned programs, const struct settings_part *const *parts);

/* The struct that this part describes; a zeroed one where the settings have no such part. */
const void *settings_part(const struct settings *settings, const struct settings_part *part);

/* The argp parser of the flags of these settings: pass it as a child, with the settings as its input. Owned by
 * the function, valid until its next call. */
const struct argp *settings_argp(const struct settings *settings);

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

/* Writes the rows of all programs as a Markdown table. */
void settings_print_reference(const struct settings *settings, FILE *stream);

/* Wipes and frees. */
void settings_release(struct settings *settings);

#endif
