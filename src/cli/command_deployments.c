/*
 * slipway deployments: the deployments of an app, those that are live first.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/show.h"

struct options {
	struct settings settings; /* first: see command.h */
	const char *app, *workflow, *status;
	int64_t limit;
	bool json;
};
static const struct options defaults = { .limit = LISTING_DEFAULT };

static void show_deployment(const cJSON *deployment)
{
	const char *reason = json_member_string(deployment, "reason"),
		   *finished = json_member_string(deployment, "finishedAt");

	listing_column(deployment, "workflowId", 16);
	show_column(stdout, reason != NULL ? reason : json_member_string(deployment, "status"), 10);
	listing_column(deployment, "startedAt", 24);
	listing_column(deployment, "finishedAt", 24);
	listing_column(deployment, "deploymentId", 32);
	if (finished != NULL)
		show_age(stdout, clock_parse(finished));
	putchar('\n');
}

static int execute(void *raw_options)
{
	const struct options *options = raw_options;
	const struct listing listing = { .settings = &options->settings,
		.app = options->app,
		.list = "deployments",
		.member = "deployments",
		.workflow = options->workflow,
		.status = options->status,
		.limit = options->limit,
		.json = options->json,
		.none = "There are no such deployments of this app.",
		.show = show_deployment };

	return listing_print(&listing);
}

static const struct option_row option_rows[] = {
	{ ARGUMENT("APP", struct options, app), .required = true, .identifier = true },
	{ TEXT_OPTION("workflow", 'w', struct options, workflow, "Only those of this workflow"),
		.value = "WORKFLOW", .identifier = true },
	{ TEXT_OPTION("status", 's', struct options, status, "Only running, done or error"),
		.value = "STATUS" },
	{ INTEGER_OPTION("limit", 'n', struct options, limit, "Print at most so many (50)"),
		.value = "N", .minimum = 1, .maximum = LISTING_MAX },
	{ FLAG_OPTION("json", 'j', struct options, json, "Print one JSON object per line") },
	{ .type = OPTION_END },
};

const struct command command_deployments = {
	.name = "deployments",
	.summary = "List the deployments of an app",
	.about = "Lists the deployments of an app: workflow, outcome, start, end and id. Those "
		 "that are live come first, then the others, the last one first.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.defaults = &defaults,
	.programs = SETTINGS_CLI,
	.execute = execute,
};
