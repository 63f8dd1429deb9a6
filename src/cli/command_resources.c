/*
 * slipway resources: prints the ledger of an app. It reads Redis directly, so that it works while
 * the endpoint is down.
 */
#include <stdio.h>
#include <string.h>

#include "base/record.h"
#include "cli/command.h"
#include "cli/open_redis.h"
#include "cli/show.h"
#include "core/resource.h"
#include "store/keys.h"
#include "store/ledger.h"

struct options {
	struct settings settings; /* first: see command.h */
	const char *app, *tenant;
	bool json;
};

static void show_resource(const struct resource *resource)
{
	show_column(stdout, resource->provider, 6);
	show_column(stdout, resource->type, 12);
	show_column(stdout, resource->key, 24);
	show_column(stdout, resource->id, 16);
	show_column(stdout, resource->state, 7);
	show_column(stdout, resource->at, 24);
	show_text(stdout, resource->url != NULL ? resource->url : "");
	putchar('\n');
}

static enum error_class print_list(
	const cJSON *ledger, bool json, struct arena *arena, struct error *error)
{
	CLEANUP_JSON cJSON *list = cJSON_CreateArray();
	const cJSON *item;
	bool complete = list != NULL;

	cJSON_ArrayForEach (item, ledger) {
		struct resource resource = { .provider = NULL };
		cJSON *encoded;
		/* A row that was damaged by a manual edit is reported, and hides none of the
		 * others. */
		if (resource_read(item->string, cJSON_GetStringValue(item), arena, &resource,
			    error) != ERROR_NONE) {
			fprintf(stderr, "slipway: the ledger row '%s' is unreadable: %s\n",
				item->string, error->message);
			continue;
		}
		if (!json)
			show_resource(&resource);
		else
			complete = complete &&
				record_encode(&resource_record, &resource, &encoded, error) ==
					ERROR_NONE &&
				json_append(list, encoded);
	}

	if (!complete)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the list");
	if (json)
		show_json(stdout, list);
	return ERROR_NONE;
}

static enum error_class show(const struct options *options, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_JSON cJSON *ledger = NULL;
	const struct app_name app = { options->tenant != NULL ? options->tenant : TENANT_DEFAULT,
		options->app };
	struct redis *redis;

	if (open_store(&options->settings, "resources", &redis, error) != ERROR_NONE)
		return error->class;
	enum error_class class = ledger_read(redis, &app, &ledger, error);
	redis_free(redis);
	if (class != ERROR_NONE || print_list(ledger, options->json, &arena, error) != ERROR_NONE)
		return error->class;

	if (!options->json && cJSON_GetArraySize(ledger) == 0)
		printf("Slipway knows of nothing that '%s' has at a provider.\n", options->app);
	return ERROR_NONE;
}

static const struct option_row option_rows[] = {
	{ ARGUMENT("APP", struct options, app), .required = true, .identifier = true },
	{ TEXT_OPTION("tenant", 't', struct options, tenant,
		  "Whose app it is, if not that of 'default'"),
		.value = "ID", .identifier = true },
	{ FLAG_OPTION("json", 'j', struct options, json, "Print a list of objects as JSON") },
	{ .type = OPTION_END },
};

static int execute(void *raw_options)
{
	const struct options *options = raw_options;
	struct error error;

	return show(options, &error) == ERROR_NONE ? EX_OK : command_fail(&error);
}

const struct command command_resources = {
	.name = "resources",
	.summary = "Show what an app has at providers",
	.about = "Prints what an app has at providers: type, name, id, whether Slipway created or "
		 "adopted it, since when, and by which run. For a pending resource it is not known "
		 "yet whether the provider created it; the next run of its step or a teardown "
		 "finds out. Reads Redis directly.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.programs = SETTINGS_CLI,
	.asks_redis = true,
	.execute = execute,
};
