/*
 * The settings of all programs, as tables of rows. The rows drive the parsing of flags, environment
 * and file,
 * --print-config, and the reference that `slipway settings` prints. SLIPWAY_REDIS_URL in the
 * environment or the file is
 * --redis-url as a flag.
 *
 * To add a setting, add a member here and a row in settings_table.c; for a provider's setting, add
 * both in the provider's file. If operators should know it, add it to docs/operations.md and
 * conf/slipway.conf.
 *
 * Flags override the environment, which overrides the file, which overrides the defaults. A secret
 * is never a flag; it can also be given as <NAME>_FILE, the path of a file that holds it, such as a
 * systemd credential. Once read, secrets are wiped from the environment and remembered for
 * redaction.
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

#define SETTINGS_MAX       64  /* rows, across all tables */
#define SETTINGS_PARTS_MAX 8   /* providers */
#define SETTINGS_PART_SIZE 128 /* bytes of a provider's struct */

/* The settings of a provider: rows over the provider's own struct, which base does not know. */
struct settings_part {
	const struct setting *rows;
	size_t count;
	/* Checks what single rows cannot express, such as settings that belong together. NULL:
	 * nothing to check. */
	enum error_class (*check)(const void *part, struct error *error);
};

/* The first members of a struct settings_part; does not compile if the struct is larger than
 * SETTINGS_PART_SIZE. */
#define SETTINGS_PART(struct_type, table)                                                          \
	.rows = (table),                                                                           \
	.count = ARRAY_LEN(table) +                                                                \
		0 * sizeof(char[sizeof(struct_type) <= SETTINGS_PART_SIZE ? 1 : -1])

/* For the log, with the name of the setting. */
#define SETTINGS_PASSWORD_WARNING                                                                  \
	"a URL has a password in it; give it in a file, as SLIPWAY_REDIS_PASSWORD_FILE, where "    \
	"nobody comes upon it"

struct settings {
	const char *redis_url;  /* unix:///path or redis://[user:password@]host[:port][/database] */
	const char *redis_user; /* NULL: the one in the URL */
	const char *redis_password;
	int64_t retention_days;
	const char *log_level;

	const char *listen;
	int64_t processes;
	const char *origins; /* of other sites, see api/origins.h; NULL: none */
	bool development;    /* answers without a token: a flag of slipway-api, no setting */
	const char *tenant;  /* whose a request without a token is */

	const char *secrets_public_key; /* see core/secret.h; NULL: no secrets are taken */
	/* private ones, separated by spaces; NULL: no secret can be opened */
	const char *secrets_keys;

	int64_t executors;
	int64_t lease_seconds;
	int64_t grace_seconds;
	int64_t executor_actions;
	const char *budgets;    /* of tenants: see core/budget.h; NULL: none */
	const char *run_limits; /* of runs at a time: see worker/run_limits.h; NULL: none */
	int64_t outage_seconds; /* 0: do not wait, each failure uses up an attempt */
	bool allow_loopback; /* requests may go to loopback addresses, and providers there may use
				plain http */
	const char *record_folder; /* NULL: exchanges with providers are not recorded */

	const char *url;     /* of the API, for the command line */
	const char *token;   /* that it is called with; NULL: the one that slipway login keeps */
	const char *ca_file; /* authorities that its certificate may be of; NULL: the system's */

	/* The providers' settings: part_values[i] is the struct that parts[i] describes. */
	const struct settings_part *const *parts; /* NULL-terminated; NULL: there are none */
	_Alignas(max_align_t) char part_values[SETTINGS_PARTS_MAX][SETTINGS_PART_SIZE];

	/* State of loading. */
	unsigned programs; /* mask of settings_program */
	const char *config_path;
	bool config_required;          /* it was given by --config, so it must exist */
	bool print_config;             /* --print-config was given */
	const char *url_with_password; /* the setting to warn about; NULL: none */
	/* by index of the row; NULL: not given. Borrowed from argv */
	const char *flags[SETTINGS_MAX];
	const char *secret_files[SETTINGS_MAX]; /* by index of the row; NULL: not from a file */
	bool from_environment[SETTINGS_MAX];    /* a secret that cannot be read again */
	struct settings_rooms *rooms;           /* of texts that were read again; in the arena */
	struct arena arena;
};

/* Prepares settings with nothing loaded, for a mask of settings_program and the parts of the
 * providers (NULL-terminated, at most SETTINGS_PARTS_MAX, borrowed). Always release with
 * settings_release. */
void settings_init(
	struct settings *settings, unsigned programs, const struct settings_part *const *parts);

/* The struct that this part describes; a zeroed one if the settings do not have the part. */
const void *settings_part(const struct settings *settings, const struct settings_part *part);

/* An argp parser for the flags of these settings: use it as a child, with the settings as its
 * input. Owned by the function and valid until the next call. */
const struct argp *settings_argp(const struct settings *settings);

/* Combines flags, environment, file and defaults. Errors name the setting and where its value came
 * from. */
enum error_class settings_load(struct settings *settings, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether reloaded settings can be used. */
typedef enum error_class settings_check(const struct settings *settings, struct error *error);

/*
 * Reads the secrets again from their files; values from the environment stay. After an error,
 * including one of check (may be NULL), the settings are unchanged. A text that is replaced is
 * wiped or written over: whoever borrowed it has to take it anew.
 */
enum error_class settings_reload(
	struct settings *settings, settings_check *check, struct error *error) SLIPWAY_MUST_CHECK;

/* Wipes a secret, which is NULL from then on and redacted no longer; NULL: all of them.
 * settings_reload() brings back those that came from files. */
void settings_forget(struct settings *settings, const char *name);

/* Whether that secret came by the environment, and so cannot be read again. */
bool settings_came_once(const struct settings *settings, const char *name);

/* A number that changes when a file with secrets is changed or replaced. */
uint64_t settings_stamp(const struct settings *settings);

/* Prints this program's settings as commented KEY=value lines; secrets as ***. */
void settings_print(const struct settings *settings, FILE *stream);

/* Prints the settings of all programs as a Markdown table. */
void settings_print_reference(const struct settings *settings, FILE *stream);

/* Wipes and frees. */
void settings_release(struct settings *settings);

#endif
