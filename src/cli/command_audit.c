/*
 * slipway audit: who changed what, or was refused it. Asks Redis itself, as slipway-admin.
 */
#include <stdio.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/open_redis.h"
#include "cli/show.h"
#include "store/audit.h"

#define DAY_MS INT64_C(86400000)

struct options {
	struct settings settings; /* first: see command.h */
	int64_t limit, cut_days;
	bool json;
};
static const struct options defaults = { .limit = LISTING_DEFAULT };

static void show_entry(const cJSON *entry)
{
	static const char *const places[] = { "appId", "workflowId", "actionId", NULL };

	listing_column(entry, "at", 24);
	listing_column(entry, "token", 16);
	listing_column(entry, "tenant", 12);
	listing_column(entry, "what", 10);
	for (const char *const *place = places; *place != NULL; place++) {
		const char *text = json_member_string(entry, *place);
		printf("%s", place != places && text != NULL ? "/" : "");
		show_text(stdout, text);
	}
	const cJSON *status = json_member(entry, "status");
	printf("  %.0f ", cJSON_IsNumber(status) ? status->valuedouble : 0.0);
	show_text(stdout, json_member_string(entry, "class"));
	if (json_member(entry, "detail") != NULL) {
		printf(": ");
		show_text(stdout, json_member_string(entry, "detail"));
	}
	putchar('\n');
}

static enum error_class print_entry(void *context, const cJSON *entry, struct error *error)
{
	const struct options *options = context;
	(void)error;

	if (options->json || !cJSON_IsObject(entry))
		show_json(stdout, entry);
	else
		show_entry(entry);
	return ERROR_NONE;
}

static enum error_class cut(struct redis *redis, int64_t days, struct error *error)
{
	int64_t count;

	if (audit_cut(redis, clock_wall_ms() - days * DAY_MS, &count, error) != ERROR_NONE)
		return error->class;
	printf("%lld entries of more than %lld days ago are removed.\n", (long long)count,
		(long long)days);
	return ERROR_NONE;
}

static int execute(void *raw_options)
{
	struct options *options = raw_options;
	struct error error;
	struct redis *redis;

	if (open_redis(&options->settings, "audit", &redis, &error) != ERROR_NONE)
		return command_fail(&error);
	enum error_class class = options->cut_days > 0
		? cut(redis, options->cut_days, &error)
		: audit_read(redis, options->limit, print_entry, options, &error);
	redis_free(redis);
	return class == ERROR_NONE ? EX_OK : command_fail(&error);
}

static const struct option_row option_rows[] = {
	{ INTEGER_OPTION("limit", 'n', struct options, limit, "Print the last so many (50)"),
		.value = "N", .minimum = 1, .maximum = LISTING_MAX },
	{ INTEGER_OPTION("cut", 'c', struct options, cut_days,
		  "Instead, remove those of more than so many days ago"),
		.value = "DAYS", .minimum = 1, .maximum = 3650 },
	{ FLAG_OPTION("json", 'j', struct options, json, "Print one JSON object per line") },
	{ .type = OPTION_END },
};

const struct command command_audit = {
	.name = "audit",
	.summary = "Show who changed what, or was refused it",
	.about = "Prints the changes that callers with a token have asked for, the last one at "
		 "the end: when, which token and tenant, what, and the outcome. This asks Redis "
		 "and not the endpoint: log in as slipway-admin, with --redis-user and "
		 "--redis-password-file.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.defaults = &defaults,
	.programs = SETTINGS_CLI,
	.asks_redis = true,
	.execute = execute,
};
