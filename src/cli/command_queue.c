/*
 * slipway queue: who waits on the queue, and for what; pauses a tenant, a workflow or a provider.
 * It works on Redis directly, so that it works while the endpoint is down.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/open_redis.h"
#include "cli/show.h"
#include "store/lanes.h"

struct options {
	struct settings settings; /* first: see command.h */
	const char *what, *kind, *name, *reason, *by;
	bool json;
};

static bool is_word(const char *text, const char *word)
{
	return text != NULL && strcmp(text, word) == 0;
}

static void check_options(void *raw_options, struct argp_state *state)
{
	const struct options *options = raw_options;
	bool pauses = is_word(options->what, "pause"), resumes = is_word(options->what, "resume");

	if (options->what != NULL && !pauses && !resumes)
		argp_error(state, "'%s' is neither 'pause' nor 'resume'", options->what);
	if ((pauses || resumes) && options->name == NULL)
		argp_error(state,
			"say what to %s: 'tenant', 'workflow' or 'provider', and its NAME",
			options->what);
	if (options->kind != NULL && !is_word(options->kind, "tenant") &&
		!is_word(options->kind, "workflow") && !is_word(options->kind, "provider"))
		argp_error(state, "'%s' is neither 'tenant' nor 'workflow' nor 'provider'",
			options->kind);
	if (pauses && options->reason == NULL)
		argp_error(
			state, "--reason is missing: the status of each run that waits shows it");
}

static const struct option_row option_rows[] = {
	{ ARGUMENT("ACTION", struct options, what) },
	{ ARGUMENT("KIND", struct options, kind) },
	{ ARGUMENT("NAME", struct options, name), .identifier = true },
	{ TEXT_OPTION("reason", 'r', struct options, reason,
		  "Why it is paused, for whoever waits: no secrets"),
		.value = "TEXT" },
	{ TEXT_OPTION("by", 0, struct options, by, "Who pauses it; default: your login name"),
		.value = "NAME" },
	{ FLAG_OPTION("json", 'j', struct options, json, "Print what there is as JSON") },
	{ .type = OPTION_END },
};

/* ---- pause and resume ---- */

static const char *print_note(const struct options *options, struct arena *arena)
{
	CLEANUP_JSON cJSON *note = cJSON_CreateObject();
	const char *login = options->by != NULL ? options->by : getlogin();
	char at[CLOCK_TEXT_SIZE];

	clock_format(clock_wall_ms(), at);
	if (note == NULL ||
		!json_add(note, "by", cJSON_CreateString(login != NULL ? login : "an operator")) ||
		!json_add(note, "at", cJSON_CreateString(at)) ||
		!json_add(note, "reason", cJSON_CreateString(options->reason)))
		return NULL;
	return json_print(arena, note);
}

static enum error_class pause_or_resume(struct redis *redis, const struct options *options,
	struct arena *arena, struct error *error)
{
	const bool pauses = is_word(options->what, "pause");
	const char *note = pauses ? print_note(options, arena) : NULL;
	bool changed;

	if (pauses && note == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the reason");
	if (lanes_pause(redis, options->kind, options->name, note, &changed, error) != ERROR_NONE)
		return error->class;
	if (pauses)
		printf("The %s '%s' is paused: no run of it is taken until 'slipway queue resume "
		       "%s %s'. What is being run goes on.\n",
			options->kind, options->name, options->kind, options->name);
	else
		printf("The %s '%s' %s.\n", options->kind, options->name,
			changed ? "goes on" : "was not paused");
	return ERROR_NONE;
}

/* ---- the list ---- */

static bool add_notes(cJSON *whole, const char *member, const struct lane_note *notes, size_t count)
{
	CLEANUP_JSON cJSON *list = cJSON_CreateObject();
	bool complete = list != NULL;

	for (size_t i = 0; complete && i < count; i++) {
		cJSON *value = cJSON_Parse(notes[i].text);
		complete = json_add(list, notes[i].name,
			value != NULL ? value : cJSON_CreateString(notes[i].text));
	}

	return complete && json_add(whole, member, json_take(&list));
}

static cJSON *lane_json(const struct lane *lane)
{
	CLEANUP_JSON cJSON *json = cJSON_CreateObject();
	char since[CLOCK_TEXT_SIZE] = "";

	clock_format(lane->since, since);
	if (json == NULL || !json_add(json, "tenant", cJSON_CreateString(lane->tenant)) ||
		!json_add(json, "appId", cJSON_CreateString(lane->app)) ||
		!json_add(json, "queued", json_integer(lane->count)) ||
		!json_add(json, "since",
			lane->since > 0 ? cJSON_CreateString(since) : cJSON_CreateNull()) ||
		!json_add(json, "heldBy",
			lane->held_by[0] != '\0' ? cJSON_CreateString(lane->held_by)
						 : cJSON_CreateNull()))
		return NULL;
	return json_take(&json);
}

static enum error_class print_json(const struct lanes *lanes, struct error *error)
{
	CLEANUP_JSON cJSON *whole = cJSON_CreateObject();
	CLEANUP_JSON cJSON *list = cJSON_CreateArray();
	bool complete = whole != NULL && list != NULL;

	for (size_t i = 0; complete && i < lanes->count; i++)
		complete = json_append(list, lane_json(&lanes->items[i]));
	if (!complete || !json_add(whole, "apps", json_take(&list)) ||
		!json_add(whole, "appCount", json_integer(lanes->all)) ||
		!json_add(whole, "begun", json_integer(lanes->begun)) ||
		!add_notes(whole, "paused", lanes->paused, lanes->paused_count) ||
		!add_notes(whole, "running", lanes->running, lanes->running_count))
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the list");
	show_json(stdout, whole);
	return ERROR_NONE;
}

static void print_notes(const char *title, const struct lane_note *notes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		printf("%s%s  ", i == 0 ? title : "", i == 0 ? "" : "         ");
		show_column(stdout, notes[i].name, 24);
		show_text(stdout, notes[i].text);
		putchar('\n');
	}
}

static void print_lane(const struct lane *lane)
{
	char count[24];

	text_format(count, sizeof(count), "%lld", (long long)lane->count);
	show_column(stdout, lane->tenant, 10);
	show_column(stdout, lane->app, 24);
	show_column(stdout, count, 6);
	if (lane->since > 0)
		show_age(stdout, lane->since);
	if (lane->held_by[0] != '\0') {
		printf("  ");
		show_text(stdout, lane->held_by);
	}
	putchar('\n');
}

static void print_text(const struct lanes *lanes)
{
	if (lanes->all == 0)
		printf("Nothing is queued that nobody has begun.\n");
	else
		printf("TENANT      APP                       QUEUED  FIRST SINCE, AND WHAT HOLDS "
		       "IT\n");
	for (size_t i = 0; i < lanes->count; i++)
		print_lane(&lanes->items[i]);
	if (lanes->all > (int64_t)lanes->count)
		printf("and %lld more apps\n", (long long)(lanes->all - (int64_t)lanes->count));
	if (lanes->begun > 0)
		printf("%lld runs that were begun are due again, and go first.\n",
			(long long)lanes->begun);
	print_notes("paused   ", lanes->paused, lanes->paused_count);
	print_notes("running  ", lanes->running, lanes->running_count);
}

static enum error_class list(struct redis *redis, const struct options *options,
	struct arena *arena, struct error *error)
{
	struct lanes lanes;

	if (lanes_read(redis, arena, &lanes, error) != ERROR_NONE)
		return error->class;
	if (options->json)
		return print_json(&lanes, error);
	print_text(&lanes);
	return ERROR_NONE;
}

static int execute(void *raw_options)
{
	const struct options *options = raw_options;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct error error;
	struct redis *redis;

	if (open_store(&options->settings, "queue", &redis, &error) != ERROR_NONE)
		return command_fail(&error);
	enum error_class class = options->what != NULL
		? pause_or_resume(redis, options, &arena, &error)
		: list(redis, options, &arena, &error);
	redis_free(redis);
	return class == ERROR_NONE ? EX_OK : command_fail(&error);
}

const struct command command_queue = {
	.name = "queue",
	.summary = "Show who waits on the queue, and pause or resume what is held",
	.about = "Without an ACTION it shows the apps that have runs to take, in the order of "
		 "their turns, and what holds them. 'pause KIND NAME' keeps all runs of a tenant, "
		 "a workflow or a provider on the queue, until 'resume KIND NAME'; what is being "
		 "run goes on.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.programs = SETTINGS_CLI,
	.asks_redis = true,
	.check = check_options,
	.execute = execute,
};
