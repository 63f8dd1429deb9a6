/*
 * slipway history: the runs of an app that have ended, with what each made and why it failed.
 */
#include <stdio.h>

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

static void show_failure(const cJSON *failure)
{
	const cJSON *attempt = json_member(failure, "attempt");
	const char *class = json_member_string(failure, "class");

	printf("    ");
	if (attempt != NULL)
		printf("attempt %d, ", (int)cJSON_GetNumberValue(attempt));
	show_text(stdout, class != NULL ? class : "error");
	printf(": ");
	show_text(stdout, json_member_string(failure, "message"));
	putchar('\n');
}

static void show_details(const cJSON *run)
{
	const cJSON *entry, *error = json_member(run, "error");

	cJSON_ArrayForEach (entry, json_member(run, "failures")) {
		show_failure(entry);
	}
	if (cJSON_IsObject(error))
		show_failure(error);
	cJSON_ArrayForEach (entry, json_member(run, "resources")) {
		printf("    ");
		listing_column(entry, "state", 0);
		listing_column(entry, "type", 0);
		show_text(stdout, json_member_string(entry, "key"));
		putchar('\n');
	}
}

static void show_run(const cJSON *run)
{
	const char *finished = json_member_string(run, "finishedAt");

	listing_column(run, "finishedAt", 24);
	listing_column(run, "workflowId", 12);
	listing_column(run, "actionId", 12);
	listing_column(run, "status", 5);
	listing_column(run, "runId", 32);
	show_age(stdout, clock_parse(finished));
	show_output(stdout, json_member(run, "output"));
	putchar('\n');
	show_details(run);
}

static int execute(void *raw_options)
{
	const struct options *options = raw_options;
	const struct listing listing = { .settings = &options->settings,
		.app = options->app,
		.list = "history",
		.member = "runs",
		.workflow = options->workflow,
		.status = options->status,
		.limit = options->limit,
		.json = options->json,
		.none = "No such run of this app has ended.",
		.show = show_run };

	return listing_print(&listing);
}

static const struct option_row option_rows[] = {
	{ ARGUMENT("APP", struct options, app), .required = true, .identifier = true },
	{ TEXT_OPTION("workflow", 'w', struct options, workflow, "Only those of this workflow"),
		.value = "WORKFLOW", .identifier = true },
	{ TEXT_OPTION("status", 's', struct options, status, "Only done or error"),
		.value = "STATUS" },
	{ INTEGER_OPTION("limit", 'n', struct options, limit, "Print at most so many (50)"),
		.value = "N", .minimum = 1, .maximum = LISTING_MAX },
	{ FLAG_OPTION("json", 'j', struct options, json,
		"Print one JSON object per line, with inputs and outputs") },
	{ .type = OPTION_END },
};

const struct command command_history = {
	.name = "history",
	.summary = "List the runs of an app that have ended",
	.about = "Lists the runs of an app that have ended, the last one first: what each made, "
		 "and why attempts of it failed.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.defaults = &defaults,
	.programs = SETTINGS_CLI,
	.execute = execute,
};
