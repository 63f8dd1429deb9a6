/*
 * Entries of the streams of an app as JSON. What somebody has damaged by hand is shown as null: it
 * must hide none of the others.
 */
#include "core/history.h"

#include <string.h>

#include "base/clock.h"
#include "base/record.h"
#include "base/text.h"
#include "core/secret_input.h"

static const struct field run_fields[] = {
	{ STRING_FIELD("workflow", struct ended_run, workflow) },
	{ STRING_FIELD("action", struct ended_run, step) },
	{ STRING_FIELD("run", struct ended_run, id) },
	{ STRING_FIELD("deployment", struct ended_run, deployment) },
	{ STRING_FIELD("status", struct ended_run, status) },
	{ STRING_FIELD("reason", struct ended_run, reason) },
	{ STRING_FIELD("digest", struct ended_run, digest) },
	{ STRING_FIELD("definition", struct ended_run, definition) },
	{ STRING_FIELD("request", struct ended_run, request) },
	{ STRING_FIELD("actor", struct ended_run, actor) },
	{ STRING_FIELD("failures", struct ended_run, failures) },
	{ STRING_FIELD("input", struct ended_run, input) },
	{ STRING_FIELD("output", struct ended_run, output) },
	{ STRING_FIELD("error", struct ended_run, error) },
	{ INTEGER_FIELD("attempt", struct ended_run, attempt) },
	{ INTEGER_FIELD("crashes", struct ended_run, crashes) },
	{ INTEGER_FIELD("queued_at", struct ended_run, queued_at) },
	{ INTEGER_FIELD("started_at", struct ended_run, started_at) },
};
const struct record ended_run_fields = RECORD(struct ended_run, run_fields);

static const struct field event_fields[] = {
	{ STRING_FIELD("workflow", struct app_event, workflow) },
	{ STRING_FIELD("action", struct app_event, step) },
	{ STRING_FIELD("run", struct app_event, run) },
	{ STRING_FIELD("event", struct app_event, event) },
	{ STRING_FIELD("detail", struct app_event, detail) },
};
const struct record app_event_fields = RECORD(struct app_event, event_fields);

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a list");
}

static cJSON *text_json(const char *text)
{
	return text[0] != '\0' ? cJSON_CreateString(text) : cJSON_CreateNull();
}

static cJSON *time_json(int64_t time_ms)
{
	char text[CLOCK_TEXT_SIZE];

	if (time_ms == 0)
		return cJSON_CreateNull();
	clock_format(time_ms, text);
	return cJSON_CreateString(text);
}

struct named_text {
	const char *name, *text;
};

static bool add_texts(cJSON *object, const struct named_text *texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!json_add(object, texts[i].name, text_json(texts[i].text)))
			return false;
	return true;
}

/* The object in the text; JSON null where there is none. */
static enum error_class parse_object(const char *text, cJSON **ret_json, struct error *error)
{
	enum error_class class = json_parse(text, strlen(text), JSON_LIMITS_WIDE, ret_json, error);

	if (class == ERROR_OUT_OF_MEMORY)
		return class;
	if (class == ERROR_NONE && cJSON_IsObject(*ret_json))
		return ERROR_NONE;
	if (class == ERROR_NONE)
		cJSON_Delete(*ret_json);
	*ret_json = cJSON_CreateNull();
	return *ret_json != NULL ? ERROR_NONE : no_memory(error);
}

static enum error_class add_object(
	cJSON *json, const char *name, const char *text, struct error *error)
{
	cJSON *object;

	if (parse_object(text, &object, error) != ERROR_NONE)
		return error->class;
	return json_add(json, name, object) ? ERROR_NONE : no_memory(error);
}

/* Adds what was given, without sealed texts, whose places below it are added to one list, and the
 * references beside them to the other one (NULL: to none). */
static enum error_class add_given(cJSON *json, const char *name, const char *text, cJSON *places,
	cJSON *references, struct error *error)
{
	CLEANUP_JSON cJSON *given = NULL;
	char place[32];

	text_format(place, sizeof(place), "/%s", name);
	if (places == NULL)
		return no_memory(error);
	if (parse_object(text, &given, error) != ERROR_NONE ||
		(references != NULL &&
			secret_input_references(given, place, references, error) != ERROR_NONE) ||
		secret_input_hide(given, place, places, error) != ERROR_NONE)
		return error->class;
	return json_add(json, name, json_take(&given)) ? ERROR_NONE : no_memory(error);
}

/* ---- runs ---- */

/* Takes the next word of a line; "" at its end. */
static const char *take_word(char **line)
{
	char *word = *line;
	size_t length = strcspn(word, " ");

	*line = word + length + (word[length] == ' ' ? 1 : 0);
	word[length] = '\0';
	return word;
}

static cJSON *failure_json(char *line)
{
	CLEANUP_JSON cJSON *json = cJSON_CreateObject();
	int64_t attempt = 0, at = 0;

	if (!text_to_integer(take_word(&line), &attempt) || !text_to_integer(take_word(&line), &at))
		attempt = at = 0;
	const char *class = take_word(&line);
	if (json != NULL && json_add(json, "attempt", json_integer(attempt)) &&
		json_add(json, "at", time_json(at > 0 ? at : 0)) &&
		json_add(json, "class", text_json(class)) &&
		json_add(json, "message", cJSON_CreateString(line)))
		return json_take(&json);
	return NULL;
}

#define FAILURES_SHOWN_MAX 32

/* The attempts that failed and were followed by another, the first one first. */
static cJSON *failures_json(const char *failures)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_JSON cJSON *list = cJSON_CreateArray();
	char *rest = arena_string(&arena, failures), *lines[FAILURES_SHOWN_MAX];
	size_t count = 0;

	if (rest == NULL || list == NULL)
		return NULL;
	while (count < FAILURES_SHOWN_MAX && (lines[count] = strtok_r(rest, "\n", &rest)) != NULL)
		count++;
	while (count > 0)
		if (!json_append(list, failure_json(lines[--count])))
			return NULL;
	return json_take(&list);
}

static bool add_run_facts(cJSON *json, const struct ended_run *run, const char *app)
{
	const struct named_text texts[] = {
		{ "workflowId", run->workflow },
		{ "appId", app },
		{ "actionId", run->step },
		{ "runId", run->id },
		{ "deploymentId", run->deployment },
		{ "status", run->status },
		{ "reason", run->reason },
		{ "digest", run->digest },
		{ "definition", run->definition },
		{ "requestId", run->request },
		{ "actor", run->actor },
	};

	/* It is unsaid where an older build has put into the list what a newer one has ended. */
	return add_texts(json, texts, ARRAY_LEN(texts)) &&
		json_add(json, "attempt", json_integer(run->attempt > 0 ? run->attempt : 1)) &&
		json_add(json, "crashes", json_integer(run->crashes)) &&
		json_add(json, "queuedAt", time_json(run->queued_at)) &&
		json_add(json, "startedAt", time_json(run->started_at)) &&
		json_add(json, "finishedAt", time_json(run->finished_at));
}

enum error_class ended_run_json(const struct ended_run *run, const char *app, cJSON *resources,
	cJSON **ret_json, struct error *error)
{
	CLEANUP_JSON cJSON *json = cJSON_CreateObject();

	if (json == NULL) {
		cJSON_Delete(resources);
		return no_memory(error);
	}
	if (!json_add(json, "resources", resources) || !add_run_facts(json, run, app) ||
		!json_add(json, "failures", failures_json(run->failures)))
		return no_memory(error);
	cJSON *places = cJSON_AddArrayToObject(json, "sealed");
	if (add_given(json, "input", run->input, places, NULL, error) != ERROR_NONE ||
		add_object(json, "output", run->output, error) != ERROR_NONE ||
		add_object(json, "error", run->error, error) != ERROR_NONE)
		return error->class;
	*ret_json = json_take(&json);
	return ERROR_NONE;
}

/* ---- deployments ---- */

static cJSON *words_json(const char *words)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_JSON cJSON *list = cJSON_CreateArray();
	char *rest = arena_string(&arena, words);

	if (rest == NULL || list == NULL)
		return NULL;
	for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL;)
		if (!json_append(list, cJSON_CreateString(word)))
			return NULL;
	return json_take(&list);
}

/* {appId, workflowId} of app:workflow:_deployment, as a start takes it. */
static cJSON *after_json(const char *after)
{
	CLEANUP_JSON cJSON *list = words_json(after);
	CLEANUP_JSON cJSON *objects = cJSON_CreateArray();
	const cJSON *word;

	cJSON_ArrayForEach (word, list) {
		char *workflow = strchr(word->valuestring, ':');
		cJSON *object = workflow != NULL ? cJSON_CreateObject() : NULL;
		if (workflow == NULL)
			continue;
		*workflow++ = '\0';
		workflow[strcspn(workflow, ":")] = '\0';
		if (!json_append(objects, object) ||
			!json_add(object, "appId", cJSON_CreateString(word->valuestring)) ||
			!json_add(object, "workflowId", cJSON_CreateString(workflow)))
			return NULL;
	}
	return list != NULL ? json_take(&objects) : NULL;
}

enum error_class deployment_json(
	const struct deployment *deployment, cJSON **ret_json, struct error *error)
{
	CLEANUP_JSON cJSON *json = NULL;

	if (deployment_status(deployment, &json, error) != ERROR_NONE)
		return error->class;
	if (!json_add(json, "digest", text_json(deployment->digest)) ||
		!json_add(json, "requestId", text_json(deployment->request)) ||
		!json_add(json, "steps", words_json(deployment->steps)) ||
		!json_add(json, "after", after_json(deployment->after)))
		return no_memory(error);
	cJSON *places = cJSON_AddArrayToObject(json, "sealed");
	cJSON *references = cJSON_AddArrayToObject(json, "sealedReferences");
	if (references == NULL)
		return no_memory(error);
	if (add_given(json, "inputs", deployment->inputs, places, references, error) !=
			ERROR_NONE ||
		add_given(json, "configured", deployment->configured, places, references, error) !=
			ERROR_NONE)
		return error->class;
	*ret_json = json_take(&json);
	return ERROR_NONE;
}

/* ---- events ---- */

enum error_class app_event_json(
	const struct app_event *event, cJSON **ret_json, struct error *error)
{
	CLEANUP_JSON cJSON *json = cJSON_CreateObject();
	const struct named_text texts[] = {
		{ "workflowId", event->workflow },
		{ "actionId", event->step },
		{ "runId", event->run },
		{ "event", event->event },
		{ "detail", event->detail },
	};

	if (json == NULL || !json_add(json, "at", time_json(event->at)) ||
		!add_texts(json, texts, ARRAY_LEN(texts)))
		return no_memory(error);
	*ret_json = json_take(&json);
	return ERROR_NONE;
}
