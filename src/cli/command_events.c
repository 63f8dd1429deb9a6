/*
 * slipway events: what changed of an app's runs, and what its actions logged.
 */
#include <stdio.h>

#include "cli/command.h"
#include "cli/listing.h"
#include "cli/show.h"

struct options {
	struct settings settings; /* first: see command.h */
	const char *app, *workflow;
	int64_t limit;
	bool json;
};
static const struct options defaults = { .limit = LISTING_DEFAULT };

static void show_event(const cJSON *event)
{
	listing_column(event, "at", 24);
	listing_column(event, "workflowId", 12);
	listing_column(event, "actionId", 12);
	listing_column(event, "event", 10);
	show_text(stdout, json_member_string(event, "detail"));
	putchar('\n');
}

static int execute(void *raw_options)
{
	const struct options *options = raw_options;
	const struct listing listing = { .settings = &options->settings,
		.app = options->app,
		.list = "events",
		.member = "events",
		.workflow = options->workflow,
		.limit = options->limit,
		.json = options->json,
		.none = "There are no such events of this app.",
		.show = show_event };

	return listing_print(&listing);
}

static const struct option_row option_rows[] = {
	{ ARGUMENT("APP", struct options, app), .required = true, .identifier = true },
	{ TEXT_OPTION("workflow", 'w', struct options, workflow, "Only those of this workflow"),
		.value = "WORKFLOW", .identifier = true },
	{ INTEGER_OPTION("limit", 'n', struct options, limit, "Print at most so many (50)"),
		.value = "N", .minimum = 1, .maximum = LISTING_MAX },
	{ FLAG_OPTION("json", 'j', struct options, json, "Print one JSON object per line") },
	{ .type = OPTION_END },
};

const struct command command_events = {
	.name = "events",
	.summary = "List what changed of an app, and what its actions logged",
	.about = "Lists changes of an app's runs and deployments, and what its actions logged, the "
		 "last one first.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.defaults = &defaults,
	.programs = SETTINGS_CLI,
	.execute = execute,
};
