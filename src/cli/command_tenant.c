/*
 * slipway tenant: what tenants may use of their budgets, and what they do. It reads Redis itself,
 * for no token shows other tenants; the budgets are those of its own setting, which is to be the
 * same as slipway-api's.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/open_redis.h"
#include "cli/show.h"
#include "store/budgets.h"

struct options {
	struct settings settings; /* first: see command.h */
	const char *what, *tenant;
	bool json;
};

static bool is_word(const char *text, const char *word)
{
	return text != NULL && strcmp(text, word) == 0;
}

static void check_options(void *raw_options, struct argp_state *state)
{
	const struct options *options = raw_options;
	const bool shows = is_word(options->what, "show");

	if (!shows && !is_word(options->what, "list"))
		argp_error(state, "say what to do: 'list' or 'show TENANT'");
	if (shows != (options->tenant != NULL))
		argp_error(state, shows ? "say which TENANT to show" : "'list' shows all tenants");
}

static const struct option_row option_rows[] = {
	{ ARGUMENT("ACTION", struct options, what) },
	{ ARGUMENT("TENANT", struct options, tenant), .identifier = true },
	{ FLAG_OPTION("json", 'j', struct options, json, "Print a line of JSON for each tenant") },
	{ .type = OPTION_END },
};

/* Without a budget only apps are counted all the same. */
static bool is_counted(const struct tenant_use *use, enum budget budget)
{
	return budget == BUDGET_APPS || use->budgets.most[budget] != BUDGET_NONE;
}

static cJSON *budget_json(const struct tenant_use *use, enum budget budget)
{
	CLEANUP_JSON cJSON *json = cJSON_CreateObject();
	const int64_t most = use->budgets.most[budget];

	if (json == NULL ||
		!json_add(json, "budget",
			most != BUDGET_NONE ? json_integer(most) : cJSON_CreateNull()) ||
		!json_add(json, "used",
			is_counted(use, budget) ? json_integer(use->used[budget])
						: cJSON_CreateNull()))
		return NULL;
	return json_take(&json);
}

static enum error_class print_json(const struct tenant_use *use, struct error *error)
{
	CLEANUP_JSON cJSON *json = cJSON_CreateObject();
	bool complete = json != NULL && json_add(json, "tenant", cJSON_CreateString(use->tenant));

	for (size_t i = 0; complete && i < BUDGET_COUNT; i++)
		complete = json_add(
			json, budget_name((enum budget)i), budget_json(use, (enum budget)i));
	if (!complete)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a tenant");
	show_json(stdout, json);
	return ERROR_NONE;
}

/* Such as `3 of 10`; `3` without a budget, and `-` where nothing is counted. */
static void format_use(const struct tenant_use *use, enum budget budget, char *text, size_t size)
{
	const int64_t most = use->budgets.most[budget];

	text_copy(text, size, "-");
	if (is_counted(use, budget))
		text_format(text, size, "%lld", (long long)use->used[budget]);
	if (most != BUDGET_NONE)
		text_append(text, size, " of %lld", (long long)most);
}

static void print_row(const struct tenant_use *use)
{
	char text[64];

	show_column(stdout, use->tenant, 16);
	for (size_t i = 0; i < BUDGET_COUNT; i++) {
		format_use(use, (enum budget)i, text, sizeof(text));
		show_column(stdout, text, 16);
	}
	putchar('\n');
}

static void print_lines(const struct tenant_use *use)
{
	char text[64];

	for (size_t i = 0; i < BUDGET_COUNT; i++) {
		format_use(use, (enum budget)i, text, sizeof(text));
		show_column(stdout, budget_title((enum budget)i), 18);
		printf("%s\n", text);
	}
}

static void print_head(void)
{
	show_column(stdout, "TENANT", 16);
	for (size_t i = 0; i < BUDGET_COUNT; i++)
		show_column(stdout, budget_title((enum budget)i), 16);
	putchar('\n');
}

static enum error_class show(
	struct redis *redis, const struct options *options, const char *tenant, struct error *error)
{
	struct tenant_use use;

	if (tenant_use_read(redis, options->settings.budgets, tenant, &use, error) != ERROR_NONE)
		return error->class;
	if (options->json)
		return print_json(&use, error);
	if (options->tenant != NULL)
		print_lines(&use);
	else
		print_row(&use);
	return ERROR_NONE;
}

static enum error_class list(
	struct redis *redis, const struct options *options, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const char *const *names;
	size_t count;
	bool complete;

	if (tenants_list(redis, &arena, &names, &count, &complete, error) != ERROR_NONE)
		return error->class;
	if (!options->json && count == 0)
		printf("No tenant has an app, or has used anything.\n");
	else if (!options->json)
		print_head();
	for (size_t i = 0; i < count; i++)
		if (show(redis, options, names[i], error) != ERROR_NONE)
			return error->class;
	if (!complete)
		fprintf(stderr,
			"slipway: there are more than %zu tenants: 'slipway tenant show TENANT' "
			"shows each of the others\n",
			TENANTS_LISTED_MAX);
	return ERROR_NONE;
}

static int execute(void *raw_options)
{
	const struct options *options = raw_options;
	struct error error;
	struct redis *redis;

	if (budgets_check(options->settings.budgets, &error) != ERROR_NONE ||
		open_store(&options->settings, "tenant", &redis, &error) != ERROR_NONE)
		return command_fail(&error);
	enum error_class class = options->tenant != NULL
		? show(redis, options, options->tenant, &error)
		: list(redis, options, &error);
	redis_free(redis);
	return class == ERROR_NONE ? EX_OK : command_fail(&error);
}

const struct command command_tenant = {
	.name = "tenant",
	.summary = "Show what tenants use of their budgets",
	.about = "'list' shows all tenants that have apps or have used anything, 'show TENANT' "
		 "one. What is used of a budget is counted where it is set, by SLIPWAY_BUDGETS: "
		 "give this command the setting that slipway-api has.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.programs = SETTINGS_CLI,
	.asks_redis = true,
	.check = check_options,
	.execute = execute,
};
