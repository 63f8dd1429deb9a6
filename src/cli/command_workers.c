/*
 * slipway workers: prints the living workers and what they have, and compares it with what the
 * endpoint has. It reads Redis directly, so that it works while the endpoint is down.
 */
#include <stdio.h>
#include <string.h>

#include "base/record.h"
#include "cli/command.h"
#include "cli/endpoint.h"
#include "cli/open_redis.h"
#include "cli/show.h"
#include "core/digest.h"
#include "store/workers.h"

struct options {
	struct settings settings; /* first: see command.h */
	bool json;
};

/* What is printed. */
struct workers {
	struct arena arena;
	struct worker_rows rows;
	const cJSON *endpoint; /* its list of workflows; NULL: it could not be asked */
};

/* ---- what the endpoint has ---- */

/* The digest of the workflow there; NULL: it has none, or could not be asked. */
static const char *find_at_endpoint(const struct workers *workers, const char *id)
{
	const cJSON *workflow;

	cJSON_ArrayForEach (workflow, workers->endpoint) {
		const char *name = json_member_string(workflow, "id");
		if (name != NULL && strcmp(name, id) == 0)
			return json_member_string(workflow, "definition");
	}

	return NULL;
}

static bool is_alive(const struct worker_row *row)
{
	return row->age_ms <= WORKER_SILENT_MS;
}

/* Whether all other living workers that have the workflow have the same. */
static bool is_everywhere(const struct workers *workers, const struct string_pair *workflow)
{
	for (size_t i = 0; i < workers->rows.count; i++) {
		const struct worker_row *row = &workers->rows.items[i];
		const char *digest = definitions_find(&row->definitions, workflow->name, NULL);
		if (is_alive(row) && row->definitions.count > 0 &&
			(digest == NULL || strcmp(digest, workflow->value) != 0))
			return false;
	}

	return true;
}

/* How the workflow of a worker compares; "" where all have the same. */
static const char *compare(const struct workers *workers, const struct string_pair *workflow)
{
	const char *wanted = find_at_endpoint(workers, workflow->name);

	if (workers->endpoint != NULL && wanted == NULL)
		return "the endpoint does not have it";
	if (wanted != NULL && strcmp(wanted, workflow->value) != 0)
		return "the endpoint has another definition";
	return is_everywhere(workers, workflow) ? "" : "other workers differ";
}

/* Whether a living worker has the workflow as the endpoint has it. */
static bool is_held(const struct workers *workers, const char *id, const char *digest)
{
	for (size_t i = 0; i < workers->rows.count; i++) {
		const struct worker_row *row = &workers->rows.items[i];
		const char *own = definitions_find(&row->definitions, id, NULL);
		if (is_alive(row) && own != NULL && strcmp(own, digest) == 0)
			return true;
	}

	return false;
}

/* ---- for people ---- */

static void print_worker(const struct workers *workers, const struct worker_row *row)
{
	show_text(stdout, row->beat.name);
	printf("  build ");
	show_text(stdout, row->beat.version);
	printf("  %zu of %zu executors busy  since ", row->beat.busy, row->beat.executors);
	show_text(stdout, row->beat.started_at[0] != '\0' ? row->beat.started_at : "(unknown)");
	printf("\n");
	for (size_t i = 0; i < row->beat.running.count; i++) {
		printf("  runs ");
		show_text(stdout, row->beat.running.items[i]);
		printf("\n");
	}

	for (size_t i = 0; i < row->definitions.count; i++) {
		const struct string_pair *workflow = &row->definitions.items[i];
		if (strchr(workflow->name, '.') != NULL)
			continue;
		const char *difference = compare(workers, workflow);
		printf("  has ");
		show_text(stdout, workflow->name);
		printf(" ");
		show_text(stdout, workflow->value);
		printf("%s%s\n", difference[0] != '\0' ? "  ! " : "", difference);
	}

	if (row->definitions.count == 0)
		printf("  takes no runs: it is stopping, or has just started\n");
}

static void print_all(const struct workers *workers)
{
	size_t alive = 0;
	const cJSON *workflow;

	for (size_t i = 0; i < workers->rows.count; i++)
		if (is_alive(&workers->rows.items[i])) {
			print_worker(workers, &workers->rows.items[i]);
			alive++;
		}
	if (alive == 0)
		printf("No worker is running: triggered steps stay queued. Start "
		       "slipway-worker.\n");

	cJSON_ArrayForEach (workflow, workers->endpoint) {
		const char *id = json_member_string(workflow, "id"),
			   *digest = json_member_string(workflow, "definition");
		if (alive == 0 || id == NULL || digest == NULL || is_held(workers, id, digest))
			continue;
		printf("No worker has '");
		show_text(stdout, id);
		printf("' as the endpoint has it (definition ");
		show_text(stdout, digest);
		printf("): its steps that differ wait as no_worker_for_version. Start a worker of "
		       "the endpoint's build.\n");
	}
}

/* ---- for programs ---- */

struct workflow_json {
	const char *id, *definition, *difference;
};
static const struct field workflow_fields[] = {
	{ STRING_FIELD("id", struct workflow_json, id) },
	{ STRING_FIELD("definition", struct workflow_json, definition) },
	{ STRING_FIELD("difference", struct workflow_json, difference) },
};
static const struct record workflow_record = RECORD(struct workflow_json, workflow_fields);

struct worker_json {
	const char *name, *build, *started_at;
	int64_t executors, age_ms;
	struct string_list running;
	struct object_list workflows;
};
static const struct field worker_fields[] = {
	{ STRING_FIELD("name", struct worker_json, name) },
	{ STRING_FIELD("build", struct worker_json, build) },
	{ STRING_FIELD("startedAt", struct worker_json, started_at) },
	{ INTEGER_FIELD("executors", struct worker_json, executors) },
	{ INTEGER_FIELD("ageMs", struct worker_json, age_ms) },
	{ STRINGS_FIELD("running", struct worker_json, running), .required = true },
	{ OBJECTS_FIELD("workflows", struct worker_json, workflows), .required = true,
		.record = &workflow_record },
};
static const struct record worker_record = RECORD(struct worker_json, worker_fields);

static struct object_list list_workflows(struct workers *workers, const struct worker_row *row)
{
	struct workflow_json *items =
		arena_allocate_array(&workers->arena, row->definitions.count, sizeof(*items));
	size_t count = 0;

	for (size_t i = 0; items != NULL && i < row->definitions.count; i++) {
		const struct string_pair *workflow = &row->definitions.items[i];
		const char *difference = compare(workers, workflow);
		if (strchr(workflow->name, '.') == NULL)
			items[count++] = (struct workflow_json){ workflow->name, workflow->value,
				difference[0] != '\0' ? difference : NULL };
	}

	return (struct object_list){ items, count };
}

static enum error_class print_json(struct workers *workers, struct error *error)
{
	CLEANUP_JSON cJSON *list = cJSON_CreateArray();
	bool complete = list != NULL;

	for (size_t i = 0; complete && i < workers->rows.count; i++) {
		const struct worker_row *row = &workers->rows.items[i];
		const struct worker_heartbeat *beat = &row->beat;
		cJSON *encoded;
		if (!is_alive(row))
			continue;
		const struct worker_json json = { beat->name, beat->version, beat->started_at,
			(int64_t)beat->executors, row->age_ms, beat->running,
			list_workflows(workers, row) };
		complete = record_encode(&worker_record, &json, &encoded, error) == ERROR_NONE &&
			json_append(list, encoded);
	}

	if (!complete || workers->arena.exhausted)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the list");
	show_json(stdout, list);
	return ERROR_NONE;
}

/* ---- the command ---- */

static enum error_class read_workers(
	const struct options *options, struct workers *workers, struct error *error)
{
	struct redis *redis;

	if (open_store(&options->settings, "workers", &redis, error) != ERROR_NONE)
		return error->class;
	enum error_class class = workers_read(redis, &workers->arena, &workers->rows, error);
	redis_free(redis);
	return class;
}

/* Without it, workers are compared with each other only. */
static void ask_endpoint(const struct options *options, cJSON **ret_response)
{
	CLEANUP_ENDPOINT struct endpoint endpoint = ENDPOINT_EMPTY;
	struct error error;

	if (endpoint_open(&endpoint, &options->settings, &error) == ERROR_NONE &&
		endpoint_get(&endpoint, "/api/workflows", NULL, ret_response, &error) == ERROR_NONE)
		return;
	fprintf(stderr, "slipway: the endpoint is left out of the comparison: ");
	show_text(stderr, error.message);
	fprintf(stderr, "\n");
}

static int execute(void *raw_options)
{
	const struct options *options = raw_options;
	CLEANUP_JSON cJSON *response = NULL;
	struct workers workers = { .endpoint = NULL };
	struct error error;

	arena_init(&workers.arena, 0);
	enum error_class class = read_workers(options, &workers, &error);
	if (class == ERROR_NONE) {
		ask_endpoint(options, &response);
		workers.endpoint = json_member(response, "workflows");
		if (options->json)
			class = print_json(&workers, &error);
		else
			print_all(&workers);
	}

	arena_release(&workers.arena);
	return class == ERROR_NONE ? EX_OK : command_fail(&error);
}

static const struct option_row option_rows[] = {
	{ FLAG_OPTION("json", 'j', struct options, json, "Print a list of objects as JSON") },
	{ .type = OPTION_END },
};

const struct command command_workers = {
	.name = "workers",
	.summary = "Show which workers are running and what they have",
	.about =
		"Prints each running worker: its build, its executors, what it runs, since when it "
		"is running, and the digests of its workflows. '!' marks a workflow that the "
		"endpoint or other workers do not have so: a worker leaves runs of such steps to "
		"others. Reads Redis directly, and asks the endpoint if it can be reached.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.programs = SETTINGS_CLI,
	.asks_redis = true,
	.execute = execute,
};
