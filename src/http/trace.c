/*
 * Writes an exchange as a JSON file, each under a name of its own, with an arena of its own: an
 * attempt must not fail because its recording was short of memory.
 */
#include "http/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/redact.h"
#include "base/text.h"

#define CUT "***"

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "out of memory for the trace of an exchange");
}

/* ---- cutting ---- */

/* Name endings of members whose values are secret, in requests and in responses. */
static const char *const secret_ends[] = { "value", "token", "secret", "key", "password", "pem" };

/* `more`: whole names beside those, ended by NULL. */
static bool is_secret_name(const char *name, const char *const *more)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < ARRAY_LEN(secret_ends); i++) {
		size_t end = strlen(secret_ends[i]);
		if (length >= end && strcasecmp(name + length - end, secret_ends[i]) == 0)
			return true;
	}

	for (size_t i = 0; more != NULL && more[i] != NULL; i++)
		if (strcasecmp(name, more[i]) == 0)
			return true;
	return false;
}

static bool cut_value(cJSON *parent, const cJSON *item)
{
	cJSON *cut = cJSON_CreateString(CUT);
	if (cut != NULL && cJSON_ReplaceItemInObjectCaseSensitive(parent, item->string, cut))
		return true;
	cJSON_Delete(cut);
	return false;
}

/* Depth is bounded by json_parse. False where memory is short: the tree must
 * not be written then. */
// NOLINTNEXTLINE(misc-no-recursion)
static bool cut_tree(cJSON *json, const char *const *secret_members)
{
	if (cJSON_IsString(json))
		redact_text(json->valuestring);
	for (cJSON *item = json->child, *next; item != NULL; item = next) {
		next = item->next;
		bool secret = item->string != NULL &&
			is_secret_name(item->string, secret_members) && !cJSON_IsNull(item);
		if (secret ? !cut_value(json, item) : !cut_tree(item, secret_members))
			return false;
	}

	for (cJSON *item = json->child; item != NULL; item = item->next)
		if (item->string != NULL)
			redact_text(item->string);
	return true;
}

/* A string of any bytes: without secrets, and UTF-8. */
static cJSON *cut_string(struct arena *arena, const char *bytes, size_t length)
{
	char *text = arena_copy(arena, bytes, length);
	if (text == NULL)
		return NULL;
	redact_text(text);
	text_make_valid(text, strlen(text));
	return cJSON_CreateString(text);
}

/* Where the members cannot be told apart, a secret cannot be told from the rest. Not even why is
 * told: that may be the name of a member, which some providers make of a secret. */
static cJSON *describe_broken(struct arena *arena, size_t length)
{
	const char *text =
		arena_format(arena, "(left out: %zu bytes that are no valid JSON)", length);
	return text != NULL ? cJSON_CreateString(text) : NULL;
}

static cJSON *cut_body(
	struct arena *arena, const struct http_record *record, const char *text, size_t length)
{
	cJSON *json;
	struct error why;

	if (length == 0)
		return cJSON_CreateNull();
	enum error_class class = json_parse(text, length, JSON_LIMITS_WIDE, &json, &why);
	if (class == ERROR_OUT_OF_MEMORY)
		return NULL;
	size_t blank = strspn(text, " \t\r\n");
	if (class != ERROR_NONE && (text[blank] == '{' || text[blank] == '['))
		return describe_broken(arena, length);
	if (class != ERROR_NONE)
		return cut_string(arena, text, length);
	if (cut_tree(json, record->secret_members))
		return json;
	cJSON_Delete(json);
	return NULL;
}

/* ---- the record ---- */

static bool add_text(struct arena *arena, cJSON *object, const char *name, const char *text)
{
	return json_add(object, name, cut_string(arena, text, strlen(text)));
}

static cJSON *request_headers(struct arena *arena, const struct http_request *request)
{
	cJSON *headers = cJSON_CreateObject();
	bool complete = headers != NULL;

	for (size_t i = 0; complete && i < HTTP_HEADERS_MAX && request->headers[i] != NULL; i++) {
		const char *line = request->headers[i];
		size_t length = strcspn(line, ":");
		const char *name = arena_copy(arena, line, length);
		complete = name != NULL;
		if (!complete || strcasecmp(name, "Authorization") == 0)
			continue;
		const char *value = line + length + strspn(line + length, ": ");
		complete = add_text(arena, headers, name, value);
	}

	if (complete)
		return headers;
	cJSON_Delete(headers);
	return NULL;
}

/* Those that decide what Slipway does next; the id of the exchange has a member of its own. */
static cJSON *answer_headers(struct arena *arena, const struct http_record *record)
{
	const struct http_response *response = record->response;
	cJSON *headers = cJSON_CreateObject();
	bool complete = headers != NULL;

	if (complete && response->retry_after_ms > 0)
		complete = json_add(
			headers, "retry-after", json_integer(response->retry_after_ms / 1000));
	if (complete && response->limit_remaining >= 0)
		complete = json_add(
			headers, "x-ratelimit-remaining", json_integer(response->limit_remaining));
	for (size_t i = 0; complete && i < HTTP_KEPT_MAX; i++)
		if (response->kept[i].name != NULL &&
			response->kept[i].name != record->request_id_header)
			complete = add_text(
				arena, headers, response->kept[i].name, response->kept[i].value);
	if (complete)
		return headers;
	cJSON_Delete(headers);
	return NULL;
}

static bool add_request(struct arena *arena, cJSON *json, const struct http_record *record)
{
	const struct http_request *request = record->request;
	const char *body = request->body != NULL ? request->body : "";
	return add_text(arena, json, "provider", record->provider) &&
		add_text(arena, json, "method", http_method_name(request->method)) &&
		add_text(arena, json, "url", request->url) &&
		json_add(json, "requestHeaders", request_headers(arena, request)) &&
		json_add(json, "requestBody", cut_body(arena, record, body, strlen(body)));
}

static bool add_answer(struct arena *arena, cJSON *json, const struct http_record *record)
{
	const struct http_response *response = record->response;

	if (response == NULL)
		return json_add(json, "status", json_integer(0)) &&
			add_text(arena, json, "error", record->failure->message) &&
			json_add(json, "responseBody", cJSON_CreateNull());
	return json_add(json, "status", json_integer(response->status)) &&
		json_add(json, "responseHeaders", answer_headers(arena, record)) &&
		add_text(arena, json, "requestId",
			http_response_header(response, record->request_id_header)) &&
		json_add(json, "responseBody",
			cut_body(arena, record, buffer_text(&response->body),
				response->body.length));
}

/* The text of the file; NULL where memory is short. */
static const char *print_record(
	struct arena *arena, const struct http_record *record, const char *at)
{
	cJSON *json = cJSON_CreateObject();
	const char *text = NULL;
	if (json != NULL && add_text(arena, json, "at", at) && add_request(arena, json, record) &&
		add_answer(arena, json, record) &&
		json_add(json, "tookMs", json_integer(record->took_ms)))
		text = json_print(arena, json);
	cJSON_Delete(json);
	return text;
}

/* ---- the file ---- */

static enum error_class cannot_write(const char *path, struct error *error)
{
	return error_set(error, ERROR_INTERNAL,
		"cannot write the trace %s: %s; allow the worker to write to that folder, or unset "
		"SLIPWAY_RECORD",
		path, strerror(errno));
}

static bool write_whole(int file, const char *text)
{
	for (size_t length = strlen(text); length > 0;) {
		ssize_t written = write(file, text, length);
		if (written < 0 && errno != EINTR)
			return false;
		text += written > 0 ? written : 0;
		length -= written > 0 ? (size_t)written : 0;
	}
	return true;
}

static enum error_class write_file(
	const char *path, const char *text, struct arena *arena, struct error *error)
{
	const char *partial = arena_format(arena, "%s.part", path);

	if (partial == NULL)
		return no_memory(error);
	int file = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file < 0)
		return cannot_write(path, error);
	bool written = write_whole(file, text);
	written = close(file) == 0 && written;
	if (written && rename(partial, path) == 0)
		return ERROR_NONE;
	enum error_class class = cannot_write(path, error);
	unlink(partial);
	return class;
}

/* 2026-11-24T22:30:00.123Z is 20261124T223000.123Z in the name of a file. */
static const char *make_path(struct arena *arena, const char *folder, const char *at)
{
	static unsigned long sequence;
	char time[CLOCK_TEXT_SIZE];
	size_t length = 0;
	for (; *at != '\0'; at++)
		if (*at != '-' && *at != ':')
			time[length++] = *at;
	time[length] = '\0';
	return arena_format(arena, "%s/%s-%d-%06lu.json", folder, time, (int)getpid(), ++sequence);
}

static enum error_class write_record(const char *folder, const struct http_record *record,
	struct arena *arena, struct error *error)
{
	char at[CLOCK_TEXT_SIZE];
	clock_format(clock_wall_ms() - record->took_ms, at);
	const char *path = make_path(arena, folder, at);
	const char *text = path != NULL ? print_record(arena, record, at) : NULL;
	return text != NULL ? write_file(path, text, arena, error) : no_memory(error);
}

enum error_class http_record_write(
	const char *folder, const struct http_record *record, struct error *error)
{
	/* An arena of its own: one that was refused memory ends the attempt that it belongs to. */
	struct arena arena;
	size_t known = redact_count();

	if (record->token != NULL && redact_add(record->token, error) != ERROR_NONE)
		return error->class;
	arena_init(&arena, 0);
	enum error_class class = write_record(folder, record, &arena, error);
	arena_release(&arena);
	redact_forget(known);
	return class;
}
