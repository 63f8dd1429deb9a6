/*
 * The rows of all settings: the table of those that belong to no provider, and behind it the parts
 * of the providers.
 */
#include "base/setting.h"
#include "base/settings.h"

/* One row per setting; those of a provider stand in its own file. */
static const struct setting table[] = {
	{ URL_SETTING("SLIPWAY_REDIS_URL", struct settings, redis_url),
		.fallback = "redis://127.0.0.1:6379", .programs = SETTINGS_ALL,
		.description = "Where Redis is: unix:///path/to.sock or "
			       "redis://[user@]host[:port][/database]" },
	{ TEXT_SETTING("SLIPWAY_REDIS_USER", struct settings, redis_user), .programs = SETTINGS_ALL,
		.description = "User to log in to Redis as; goes over one in the URL" },
	{ SECRET_SETTING("SLIPWAY_REDIS_PASSWORD", struct settings, redis_password),
		.programs = SETTINGS_ALL, .description = "Password of the Redis user" },
	{ INTEGER_SETTING("SLIPWAY_RETENTION_DAYS", struct settings, retention_days),
		.fallback = "365", .minimum = 1, .maximum = 3650, .programs = SETTINGS_ALL,
		.description = "How long finished runs are remembered after the last change; what "
			       "an app owns, always" },
	{ TEXT_SETTING("SLIPWAY_LOG_LEVEL", struct settings, log_level), .fallback = "info",
		.programs = SETTINGS_API | SETTINGS_WORKER,
		.description = "Least level that is logged: debug, info, warning, error" },

	{ TEXT_SETTING("SLIPWAY_LISTEN", struct settings, listen), .programs = SETTINGS_API,
		.description =
			"Unix socket to listen on; without it the socket is file descriptor 0" },
	{ INTEGER_SETTING("SLIPWAY_PROCESSES", struct settings, processes), .fallback = "2",
		.minimum = 1, .maximum = 256, .programs = SETTINGS_API,
		.description = "Number of handler processes" },
	{ TEXT_SETTING("SLIPWAY_ORIGINS", struct settings, origins), .programs = SETTINGS_API,
		.description = "Origins of other sites whose pages may call the API, such as "
			       "'https://app.example.com', separated by spaces" },
	{ TEXT_SETTING("SLIPWAY_TENANT", struct settings, tenant), .fallback = "default",
		.programs = SETTINGS_API,
		.description = "Whose the apps are of requests without a token: for development" },

	{ TEXT_SETTING("SLIPWAY_BUDGETS", struct settings, budgets),
		.programs = SETTINGS_API | SETTINGS_CLI,
		.description =
			"How much a tenant may use, such as 'requests=600 live=50 acme.live=200': "
			"requests a minute, bytes, apps, live runs, starts a day" },

	{ TEXT_SETTING("SLIPWAY_SECRETS_PUBLIC_KEY", struct settings, secrets_public_key),
		.programs = SETTINGS_API,
		.description = "Public key that secrets of apps are sealed with, from 'slipway "
			       "key'; without it none are taken" },
	{ SECRET_SETTING("SLIPWAY_SECRETS_KEYS", struct settings, secrets_keys),
		.programs = SETTINGS_WORKER,
		.description = "Private keys that open the secrets of apps, from 'slipway key'; "
			       "several are separated by spaces" },

	{ INTEGER_SETTING("SLIPWAY_EXECUTORS", struct settings, executors), .fallback = "16",
		.minimum = 1, .maximum = 256, .programs = SETTINGS_WORKER,
		.description = "Number of actions that one worker runs at a time" },
	{ INTEGER_SETTING("SLIPWAY_LEASE_SECONDS", struct settings, lease_seconds),
		.fallback = "30", .minimum = 2, .maximum = 600, .programs = SETTINGS_WORKER,
		.description = "How long a worker may be silent before its runs are taken over" },
	{ INTEGER_SETTING("SLIPWAY_GRACE_SECONDS", struct settings, grace_seconds),
		.fallback = "25", .maximum = 600, .programs = SETTINGS_WORKER,
		.description = "How long a worker that is told to stop lets its actions finish" },
	{ INTEGER_SETTING("SLIPWAY_EXECUTOR_ACTIONS", struct settings, executor_actions),
		.fallback = "1000", .minimum = 1, .maximum = 1000000, .programs = SETTINGS_WORKER,
		.description =
			"Number of actions after which an executor is replaced by a fresh one" },
	{ TEXT_SETTING("SLIPWAY_RUN_LIMITS", struct settings, run_limits),
		.programs = SETTINGS_WORKER,
		.description = "How many runs are run at a time, such as 'tenant=20 app=2 "
			       "vercel.deployment=3': of each tenant, of each app, of an action; "
			       "without 'tenant=' one executor is left to other tenants" },
	{ INTEGER_SETTING("SLIPWAY_OUTAGE_SECONDS", struct settings, outage_seconds),
		.fallback = "3600", .maximum = 86400, .programs = SETTINGS_WORKER,
		.description = "How long a run waits for a provider that is down; 0: not, each "
			       "failure is an attempt" },
	{ BOOLEAN_SETTING("SLIPWAY_ALLOW_LOOPBACK", struct settings, allow_loopback),
		.fallback = "no", .programs = SETTINGS_WORKER,
		.description = "Let actions reach this machine's own addresses, by plain http too: "
			       "for development" },
	{ TEXT_SETTING("SLIPWAY_RECORD", struct settings, record_folder),
		.programs = SETTINGS_WORKER,
		.description = "Folder in which each exchange with a provider is kept as a file, "
			       "secrets cut out: for debugging" },

	{ URL_SETTING("SLIPWAY_URL", struct settings, url), .fallback = "http://127.0.0.1:8080",
		.programs = SETTINGS_CLI,
		.description = "Where the endpoint answers, for the command line" },
	{ SECRET_SETTING("SLIPWAY_TOKEN", struct settings, token), .programs = SETTINGS_CLI,
		.description = "Token that the endpoint is called with; without it the one that "
			       "'slipway login' keeps" },
	{ TEXT_SETTING("SLIPWAY_CA_FILE", struct settings, ca_file), .programs = SETTINGS_CLI,
		.description = "File with the certificates of the authorities that the endpoint's "
			       "may be of, instead of the system's" },
};

#define NO_PART SETTINGS_PARTS_MAX

/* The row with this index over all tables, and of which part it is, NO_PART included; NULL behind
 * the last one. */
static const struct setting *find_row(
	const struct settings *settings, size_t index, size_t *ret_part)
{
	*ret_part = NO_PART;
	if (index < ARRAY_LEN(table))
		return &table[index];
	index -= ARRAY_LEN(table);

	for (size_t i = 0;
		settings->parts != NULL && settings->parts[i] != NULL && i < SETTINGS_PARTS_MAX;
		i++) {
		*ret_part = i;
		if (index < settings->parts[i]->count)
			return &settings->parts[i]->rows[index];
		index -= settings->parts[i]->count;
	}

	return NULL;
}

const struct setting *setting_at(const struct settings *settings, size_t index)
{
	size_t part;
	return find_row(settings, index, &part);
}

const void *setting_value(const struct settings *settings, size_t index)
{
	size_t part;
	const struct setting *setting = find_row(settings, index, &part);
	return (part == NO_PART ? (const char *)settings : settings->part_values[part]) +
		setting->offset;
}

void *setting_target(struct settings *settings, size_t index)
{
	size_t part;
	const struct setting *setting = find_row(settings, index, &part);
	return (part == NO_PART ? (char *)settings : settings->part_values[part]) + setting->offset;
}

const void *settings_part(const struct settings *settings, const struct settings_part *part)
{
	_Alignas(max_align_t) static const char unset[SETTINGS_PART_SIZE];

	for (size_t i = 0;
		settings->parts != NULL && settings->parts[i] != NULL && i < SETTINGS_PARTS_MAX;
		i++)
		if (settings->parts[i] == part)
			return settings->part_values[i];
	return unset;
}
