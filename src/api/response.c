/*
 * Responses as JSON, and errors as problem documents (RFC 9457). A document is made of the error's
 * class, place and remedy; no handler writes one itself.
 */
#include <string.h>

#include "api/origins.h"
#include "base/text.h"

#define LINES_MAX 7 /* that response_head adds */

void response_init(struct response *response)
{
	memset(response, 0, sizeof(*response));
	response->status = 200;
	buffer_init(&response->body, RESPONSE_MAX);
}

void response_release(struct response *response)
{
	buffer_release(&response->body);
}

/* Of a head, as their parts. */
struct lines {
	const char *parts[LINES_MAX * 3];
	size_t count;
};

static void add_line(struct lines *lines, const char *name, const char *value)
{
	lines->parts[lines->count++] = name;
	lines->parts[lines->count++] = value;
	lines->parts[lines->count++] = "\r\n";
}

void response_head(const struct response *response, char head[RESPONSE_HEAD_SIZE])
{
	const bool has_length = response->status != 304 && response->status != 204;
	char status[INTEGER_TEXT_SIZE], wait[INTEGER_TEXT_SIZE], length[INTEGER_TEXT_SIZE];
	struct lines lines = { .count = 0 };

	add_line(&lines, "Status: ", text_of_integer(status, response->status));
	if (response->content_type != NULL)
		add_line(&lines, "Content-Type: ", response->content_type);
	if (response->etag[0] != '\0')
		add_line(&lines, "ETag: ", response->etag);
	if (response->retry_after_seconds > 0)
		add_line(&lines,
			"Retry-After: ", text_of_integer(wait, response->retry_after_seconds));
	if (response->allow[0] != '\0')
		add_line(&lines, "Allow: ", response->allow);
	if (response->status == 401)
		add_line(&lines, "WWW-Authenticate: ", "Bearer");
	if (has_length)
		add_line(&lines, "Content-Length: ",
			text_of_integer(length, (int64_t)response->body.length));
	text_join(head, RESPONSE_HEAD_SIZE, lines.parts, lines.count);
	origins_head(response, head, RESPONSE_HEAD_SIZE);
	const size_t used = strlen(head);
	text_copy(head + used, RESPONSE_HEAD_SIZE - used, "\r\n");
}

/* The rest of what has its JSON in the body. */
static enum error_class fill(
	struct response *response, int status, bool complete, struct error *error)
{
	if (!complete || !buffer_append_string(&response->body, "\n")) {
		buffer_release(&response->body);
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the response");
	}
	/* What Redis holds is written by us, but may have been spoiled since. */
	text_make_valid(response->body.bytes, response->body.length);
	response->status = status;
	response->content_type = "application/json";
	return ERROR_NONE;
}

enum error_class response_json(
	struct response *response, int status, cJSON *json, struct error *error)
{
	char *text = json != NULL ? cJSON_PrintUnformatted(json) : NULL;

	cJSON_Delete(json);
	buffer_release(&response->body);
	/* With room for what ends it. */
	bool complete = text != NULL && buffer_room(&response->body, strlen(text) + 1) != NULL &&
		buffer_append_string(&response->body, text);
	cJSON_free(text);
	return fill(response, status, complete, error);
}

enum error_class response_written(struct response *response, int status,
	const struct json_writer *writer, struct error *error)
{
	return fill(response, status, writer->complete, error);
}

static bool add_text(cJSON *object, const char *name, const char *text)
{
	return text == NULL || text[0] == '\0' || json_add(object, name, cJSON_CreateString(text));
}

static bool add_remedy(cJSON *document, const struct error *problem)
{
	const char *text = problem->remedy[0] != '\0' ? problem->remedy
						      : error_class_facts(problem->class)->remedy;
	if (text == NULL)
		return true;
	cJSON *remedy = cJSON_AddObjectToObject(document, "remedy");
	return remedy != NULL && add_text(remedy, "text", text) &&
		add_text(remedy, "url", problem->remedy_url) &&
		add_text(remedy, "inputKey", problem->remedy_input);
}

cJSON *problem_place(const char *step, const struct error *fault)
{
	CLEANUP_JSON cJSON *entry = cJSON_CreateObject();

	if (entry == NULL || !add_text(entry, "actionId", step) ||
		!add_text(entry, "place", fault->place) ||
		!add_text(entry, "message", fault->message) ||
		(step != NULL && !add_remedy(entry, fault)))
		return NULL;
	return json_take(&entry);
}

/* `errors` with the place of the error, where it has one. */
static bool add_place(cJSON *document, const struct error *problem)
{
	if (problem->place[0] == '\0')
		return true;
	cJSON *errors = cJSON_AddArrayToObject(document, "errors");
	return errors != NULL && json_append(errors, problem_place(NULL, problem));
}

static cJSON *problem_document(
	const struct error *problem, const cJSON *needs, const cJSON *current)
{
	const struct error_class_facts *facts = error_class_facts(problem->class);
	CLEANUP_JSON cJSON *document = cJSON_CreateObject();

	if (document == NULL || !add_text(document, "type", "about:blank") ||
		!add_text(document, "title", facts->title) ||
		!json_add(document, "status", json_integer(facts->http_status)) ||
		!add_text(document, "class", facts->name) ||
		!add_text(document, "detail", problem->message) || !add_place(document, problem) ||
		!add_remedy(document, problem) ||
		(needs != NULL && !json_add(document, "needs", cJSON_Duplicate(needs, true))) ||
		(current != NULL && !json_add(document, "current", cJSON_Duplicate(current, true))))
		return NULL;
	return json_take(&document);
}

/* Takes the document over; NULL: memory was short. */
static void send_problem(struct response *response, const struct error *problem, cJSON *document)
{
	struct error failure;

	response->class = problem->class;

	/* A handler may have set these before it failed. */
	response->etag[0] = '\0';
	response->content_type = NULL;
	if (response_json(response, error_class_facts(problem->class)->http_status, document,
		    &failure) != ERROR_NONE)
		response->status = 503; /* no memory even for that: a response without a body */
	else
		response->content_type = "application/problem+json";
	if (response->status == 503 || response->status == 429)
		response->retry_after_seconds =
			problem->retry_after_ms > 1000 ? (problem->retry_after_ms + 999) / 1000 : 1;
}

void response_problem(struct response *response, const struct error *problem, const cJSON *needs,
	const cJSON *current)
{
	send_problem(response, problem, problem_document(problem, needs, current));
}

void response_faults(struct response *response, const struct error *problem, const cJSON *errors)
{
	CLEANUP_JSON cJSON *document = problem_document(problem, NULL, NULL);

	if (document != NULL && !json_add(document, "errors", cJSON_Duplicate(errors, true)))
		json_clear(&document);
	send_problem(response, problem, json_take(&document));
}
