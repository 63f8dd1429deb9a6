/*
 * slipway apps: all apps with the state of their deployments.
 */
#include <stdio.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/show.h"

struct options {
	struct settings settings; /* first: see command.h */
	int64_t limit;
	bool json;
};
static const struct options defaults = { .limit = LISTING_DEFAULT };

static void show_app(const cJSON *app)
{
	const cJSON *deployment;

	listing_column(app, "appId", 24);
	listing_column(app, "changedAt", 24);
	show_age(stdout, clock_parse(json_member_string(app, "changedAt")));
	cJSON_ArrayForEach (deployment, json_member(app, "deployments")) {
		printf("  ");
		show_text(stdout, json_member_string(deployment, "workflowId"));
		putchar(' ');
		show_text(stdout, json_member_string(deployment, "status"));
	}
	putchar('\n');
}

static int execute(void *raw_options)
{
	const struct options *options = raw_options;
	const struct listing listing = { .settings = &options->settings,
		.member = "apps",
		.limit = options->limit,
		.json = options->json,
		.none = "There are no apps yet.",
		.show = show_app };

	return listing_print(&listing);
}

static const struct option_row option_rows[] = {
	{ INTEGER_OPTION("limit", 'n', struct options, limit, "Print at most so many (50)"),
		.value = "N", .minimum = 1, .maximum = LISTING_MAX },
	{ FLAG_OPTION("json", 'j', struct options, json, "Print one JSON object per line") },
	{ .type = OPTION_END },
};

const struct command command_apps = {
	.name = "apps",
	.summary = "List the apps and the state of their deployments",
	.about = "Lists the apps, the one that changed last first, with the last deployment of "
		 "each workflow.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.defaults = &defaults,
	.programs = SETTINGS_CLI,
	.execute = execute,
};
