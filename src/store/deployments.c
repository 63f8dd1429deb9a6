/*
 * Deployments as scripts: makes the arguments of each, and reads its reply. The rules are in
 * scripts/start.lua, stop.lua, skip.lua and dependants.lua.
 */
#include "store/deployments.h"

#include <string.h>

#include "base/identifier.h"
#include "base/record.h"
#include "core/error_json.h"
#include "core/signed_text.h"
#include "store/budgets.h"
#include "store/run_eval.h"
#include "store/runs.h"

/* With what a step ends that only the build before had. */
#define STEP_GONE                                                                                  \
	"the workflow no longer has this step: another build went on with the deployment; "
#define STEP_GONE_UNBEGUN STEP_GONE "the run had not begun, and nothing was done"
#define STEP_GONE_BEGUN   STEP_GONE "what the run made stays, and may be half done"

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a deployment");
}

static struct run_name deployment_name(const struct run_name *workflow)
{
	return (struct run_name){ workflow->tenant, workflow->app, workflow->workflow,
		DEPLOYMENT_STEP_ID };
}

bool deployment_take_field(
	struct deployment *deployment, const char *name, const char *value, struct arena *arena)
{
	return record_take(&deployment_shown, deployment, name, value, arena) &&
		record_take(&deployment_hidden, deployment, name, value, arena);
}

enum error_class deployment_take(const struct redisReply *hash, const char *app,
	const char *workflow, struct arena *arena, struct deployment *ret_deployment,
	struct error *error)
{
	bool complete = true;

	deployment_init(ret_deployment, arena_string(arena, app), arena_string(arena, workflow));
	for (size_t i = 0; complete && i + 1 < reply_count(hash); i += 2)
		complete = deployment_take_field(ret_deployment, reply_text(reply_item(hash, i)),
			reply_text(reply_item(hash, i + 1)), arena);
	return complete && ret_deployment->app != NULL && ret_deployment->workflow != NULL
		? ERROR_NONE
		: no_memory(error);
}

/* The index of the script's word among those that it may say. */
static enum error_class find_word(const struct redisReply *reply, const char *const *words,
	size_t count, size_t *ret_index, struct error *error)
{
	const char *word = reply_text(reply_item(reply, 0));

	for (*ret_index = 0; *ret_index < count; ++*ret_index)
		if (strcmp(words[*ret_index], word) == 0)
			return ERROR_NONE;
	return error_set(error, ERROR_INTERNAL, "a script of deployments answered '%.40s'", word);
}

/* ---- start and retry ---- */

static bool add_texts(cJSON *object, const struct start_step *step, const char *run)
{
	const struct string_pair texts[] = {
		{ "step", step->id },
		{ "run", run },
		{ "input", step->input },
		{ "digest", step->digest },
		{ "definition", step->definition },
		{ "outputs", step->outputs },
		{ "needs", step->needs },
		{ "uses", step->uses },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (!json_add(object, texts[i].name, cJSON_CreateString(texts[i].value)))
			return false;
	return true;
}

static cJSON *step_to_json(const struct start_step *step)
{
	CLEANUP_JSON cJSON *object = cJSON_CreateObject();
	char run[RUN_ID_SIZE];

	run_id_make(run);
	if (object == NULL || !add_texts(object, step, run) ||
		!json_add(object, "keep", cJSON_CreateBool(step->keep)) ||
		!json_add(object, "run_ms", json_integer(step->run_ms)) ||
		!json_add(object, "attempts", json_integer(step->attempts)))
		return NULL;
	return json_take(&object);
}

static const char *print_steps(const struct start *start, struct arena *arena)
{
	CLEANUP_JSON cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; list != NULL && i < start->step_count; i++)
		if (!json_append(list, step_to_json(&start->steps[i])))
			return NULL;
	return list != NULL ? json_print(arena, list) : NULL;
}

static enum error_class read_start_result(const struct redisReply *reply,
	const struct run_name *name, struct arena *arena, struct start_result *result,
	struct error *error)
{
	static const char *const words[] = {
		[START_NEW] = "new",
		[START_SAME] = "same",
		[START_CONFLICT] = "conflict",
		[START_NONE] = "none",
		[START_BUSY] = "busy",
		[START_CHANGED] = "changed",
		[START_RING] = "ring",
		[START_FORGOTTEN] = "forgotten",
		[START_OVER] = "over",
	};
	const struct redisReply *differing = reply_item(reply, 3);
	size_t outcome;

	if (find_word(reply, words, ARRAY_LEN(words), &outcome, error) != ERROR_NONE)
		return error->class;
	result->outcome = (enum start_outcome)outcome;
	if (result->outcome == START_OVER)
		return budget_refuse(differing, error);
	result->differing_count = 0;
	for (size_t i = 0; i < reply_count(differing) && i < WORKFLOW_STEPS_MAX; i++)
		result->differing[result->differing_count++] =
			arena_string(arena, reply_text(reply_item(differing, i)));
	if (arena->exhausted)
		return no_memory(error);
	return deployment_take(
		reply_item(reply, 2), name->app, name->workflow, arena, &result->deployment, error);
}

enum error_class deployment_start(struct redis *redis, const struct start *start,
	struct arena *arena, struct start_result *ret_result, struct error *error)
{
	const struct run_name name = deployment_name(&start->name);
	const int64_t hold_ms = DEPLOYMENT_HOLD_MS;
	char id[RUN_ID_SIZE];
	const char *steps = print_steps(start, arena);
	const struct script_argument arguments[] = {
		{ "app", .text = name.app },
		{ "workflow", .text = name.workflow },
		{ "what", .text = start->retry ? "retry" : "start" },
		{ "deployment", .text = start->retry ? start->deployment : id },
		{ "start", .text = start->id },
		{ "seen", .text = start->seen },
		{ "digest", .text = start->digest },
		{ "definition", .text = start->definition },
		{ "inputs", .text = start->inputs },
		{ "configured", .text = start->configured },
		{ "after", .text = start->after },
		{ "plan", .text = start->plan },
		{ "force", .text = start->force ? "1" : "" },
		{ "steps", .text = steps },
		{ "unbegun", .text = error_text(arena, ERROR_CANCELLED, STEP_GONE_UNBEGUN) },
		{ "begun", .text = error_text(arena, ERROR_CANCELLED, STEP_GONE_BEGUN) },
		{ "hold_ms", .integer = &hold_ms },
		{ "retention", .integer = &start->retention_seconds },
		{ "request", .text = start->request },
		{ "actor", .text = start->actor },
		{ "replaces", .text = start->replaces ? "1" : "" },
		{ "budgets", .text = start->budgets },
	};
	const struct script_call call = { SCRIPT_START, 0, NULL, ARRAY_LEN(arguments), arguments };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (steps == NULL || arena->exhausted)
		return no_memory(error);
	run_id_make(id);
	if (run_eval(redis, &name, &call, &reply, error) != ERROR_NONE)
		return error->class;
	return read_start_result(reply, &name, arena, ret_result, error);
}

enum error_class deployment_find_request(struct redis *redis, const struct run_name *workflow,
	const char *id, bool retry, struct arena *arena, struct start_result *ret_result,
	struct error *error)
{
	const struct run_name name = deployment_name(workflow);
	const struct script_argument arguments[] = {
		{ "what", .text = retry ? "retry" : "start" },
		{ "start", .text = id },
	};
	const struct script_call call = { SCRIPT_KNOWN, 0, NULL, ARRAY_LEN(arguments), arguments };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (run_eval(redis, &name, &call, &reply, error) != ERROR_NONE)
		return error->class;
	return read_start_result(reply, &name, arena, ret_result, error);
}

/* ---- the rest ---- */

enum error_class deployment_stop(struct redis *redis, const struct run_name *workflow,
	const char *id, struct arena *arena, enum stop_outcome *ret_outcome,
	struct deployment *ret_deployment, struct error *error)
{
	static const char *const words[] = {
		[STOP_CANCELLED] = "cancelled",
		[STOP_CANCELLING] = "cancelling",
		[STOP_NOTHING] = "nothing",
		[STOP_OTHER] = "other",
	};
	const struct run_name name = deployment_name(workflow);
	const struct script_argument arguments[] = {
		{ "app", .text = name.app },
		{ "workflow", .text = name.workflow },
		{ "deployment", .text = id },
		{ "unbegun", .text = error_text(arena, ERROR_CANCELLED, RUN_CANCELLED_MESSAGE) },
		{ "begun", .text = error_text(arena, ERROR_CANCELLED, RUN_STOPPED_MESSAGE) },
	};
	const struct script_call call = { SCRIPT_STOP, 0, NULL, ARRAY_LEN(arguments), arguments };
	CLEANUP_REPLY struct redisReply *reply = NULL;
	size_t outcome;

	if (arena->exhausted)
		return no_memory(error);
	if (run_eval(redis, &name, &call, &reply, error) != ERROR_NONE ||
		find_word(reply, words, ARRAY_LEN(words), &outcome, error) != ERROR_NONE)
		return error->class;
	*ret_outcome = (enum stop_outcome)outcome;
	return deployment_take(
		reply_item(reply, 2), name.app, name.workflow, arena, ret_deployment, error);
}

enum error_class deployment_read(struct redis *redis, const struct run_name *workflow,
	struct arena *arena, struct deployment *ret_deployment, struct error *error)
{
	const struct run_name name = deployment_name(workflow);
	char key[KEY_SIZE];
	const char *const words[] = { "HGETALL", key };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	run_key_make(key, &name);
	if (redis_command(redis, ARRAY_LEN(words), words, &reply, error) != ERROR_NONE)
		return error->class;
	return deployment_take(reply, name.app, name.workflow, arena, ret_deployment, error);
}

enum error_class run_skip(struct redis *redis, const struct skip *skip, struct arena *arena,
	struct run *ret_run, struct error *error)
{
	const struct run_name *name = &skip->name;
	char run[RUN_ID_SIZE];
	const char *gives = arena_format(arena, "%s " OUTPUT_GIVEN, skip->gives);
	const struct script_argument arguments[] = {
		{ "app", .text = name->app },
		{ "workflow", .text = name->workflow },
		{ "step", .text = name->step },
		{ "run", .text = run },
		{ "output", .text = skip->output },
		{ "gives", .text = gives },
		{ "definition", .text = skip->definition },
		{ "outputs", .text = skip->outputs },
		{ "digest", .text = skip->digest },
		{ "needs", .text = skip->needs },
		{ "uses", .text = skip->uses },
		{ "attempts", .integer = &skip->attempts },
		{ "run_ms", .integer = &skip->run_ms },
		{ "retention", .integer = &skip->retention_seconds },
		{ "request", .text = skip->request },
		{ "actor", .text = skip->actor },
		{ "budgets", .text = skip->budgets },
	};
	const struct script_call call = { SCRIPT_SKIP, 0, NULL, ARRAY_LEN(arguments), arguments };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (gives == NULL)
		return no_memory(error);

	run_id_make(run);
	if (run_eval(redis, name, &call, &reply, error) != ERROR_NONE ||
		run_told(ret_run, name, reply, arena, error) != ERROR_NONE)
		return error->class;
	const char *word = reply_text(reply_item(reply, 0));
	if (strcmp(word, "given") == 0)
		return ERROR_NONE;
	if (strcmp(word, "over") == 0)
		return budget_refuse(reply_item(reply, 3), error);
	if (strcmp(word, "done") == 0) {
		error_set(error, ERROR_RUN_CONFLICT,
			"'%s' of '%s' is done already: it has a result", name->step, name->app);
		return error_remedy(
			error, NULL, "Keep that result, or run the step again with another input.");
	}
	error_set(error, ERROR_RUN_CONFLICT, "a worker executes '%s' of '%s' (run %s)", name->step,
		name->app, ret_run->id);
	return error_remedy(error, NULL, "Cancel it first, or wait until it has ended.");
}
