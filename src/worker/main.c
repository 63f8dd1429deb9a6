/*
 * slipway-worker: a supervisor over executor processes that run the actions.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/json.h"
#include "base/log.h"
#include "base/process.h"
#include "core/secret.h"
#include "http/client.h"
#include "provider/providers.h"
#include "store/layout.h"
#include "store/redis.h"
#include "worker/run_limits.h"
#include "worker/supervisor.h"

const char *argp_program_version = "slipway-worker " SLIPWAY_VERSION;

/* Without them no worker could tell what another one has written from what anybody has. */
static const struct error *no_keys(struct error *error)
{
	error_set(error, ERROR_INVALID_INPUT,
		"SLIPWAY_SECRETS_KEYS is not set: workers know each other by keys that are made of "
		"it");
	error_remedy(error, NULL,
		"Make one with 'slipway key FILE', and give all workers that file as "
		"SLIPWAY_SECRETS_KEYS_FILE.");
	return error;
}

/* All of it, between settings that are begun and settings that are released. */
static int run(struct settings *settings)
{
	struct error error;

	if (settings_load(settings, &error) != ERROR_NONE ||
		secret_keys_check(NULL, settings->secrets_keys, &error) != ERROR_NONE ||
		run_limits_check(settings->run_limits, &error) != ERROR_NONE) {
		log_error("settings", &error);
		return EX_CONFIG;
	}

	if (settings->print_config) {
		settings_print(settings, stdout);
		return 0;
	}

	process_hide();
	log_init("slipway-worker", log_level_by_name(settings->log_level));
	if (settings->url_with_password != NULL)
		log_write(LOG_WARNING, SETTINGS_PASSWORD_WARNING, "setting",
			settings->url_with_password, NULL);
	if (redis_check_settings(settings, &error) != ERROR_NONE) {
		log_error("settings", &error);
		return EX_CONFIG;
	}

	if (settings->secrets_keys == NULL) {
		log_error("settings", no_keys(&error));
		return EX_CONFIG;
	}

	/* Once, and not in each executor. */
	enum error_class class = http_prepare(&error);
	if (class == ERROR_NONE)
		class = supervisor_run(settings, &error);
	if (class != ERROR_NONE)
		log_error("stopped", &error);
	if (class != ERROR_NONE && layout_refused(&error))
		return EX_CONFIG;
	return class == ERROR_NONE ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct settings settings;

	process_without_core();
	log_init("slipway-worker", LOG_INFO);
	if (sodium_init() < 0)
		return 1;
	json_wipe_freed();
	settings_init(&settings, SETTINGS_WORKER, providers_introduce());
	const struct argp_child parsers[] = { { settings_argp(&settings), 0, NULL, 0 },
		{ NULL, 0, NULL, 0 } };
	const struct argp parser = { .doc = "Takes actions off Slipway's queue and runs them.",
		.children = parsers };
	argp_parse(&parser, argc, argv, 0, NULL, &settings);

	int status = run(&settings);
	settings_release(&settings);
	return status;
}
