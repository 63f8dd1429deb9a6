/*
 * Feeds a request to the api with a Redis that is scripted: method and path, query, body, and what
 * Redis replies, so that both sides of a handler meet what nobody expects. Whatever comes, there is
 * a response of a status that HTTP has, its body is JSON, and a problem says in words what is
 * wrong. One that is refused for what it says has not reached Redis with a change.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "api/request.h"
#include "base/text.h"
#include "core/secret.h"
#include "fuzz/claims.h"
#include "fuzz/scripted_redis.h"
#include "provider/providers.h"

static struct settings settings;
static struct secret_key_pair keys;

int LLVMFuzzerInitialize(int *count, char ***words)
{
	(void)count;
	(void)words;
	CLAIM(sodium_init() >= 0, "no libsodium");
	settings_init(&settings, SETTINGS_API, providers_introduce());
	secret_key_make(&keys);
	settings.development = true;
	settings.tenant = "default";
	settings.retention_days = 1;
	settings.redis_url = "unix:///nowhere";
	settings.secrets_public_key = keys.public_key;
	return 0;
}

static bool is_problem(const struct response *response)
{
	return response->content_type != NULL &&
		strcmp(response->content_type, "application/problem+json") == 0;
}

static void claim_problem(const struct response *response)
{
	CLEANUP_JSON cJSON *json = NULL;
	struct error error;
	static const char *const members[] = { "title", "detail", "class" };

	CLAIM(json_parse(buffer_text(&response->body), response->body.length, JSON_LIMITS_WIDE,
		      &json, &error) == ERROR_NONE,
		"no JSON: %s", buffer_text(&response->body));
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		CLAIM(json_member_string(json, members[i]) != NULL, "no %s: %s", members[i],
			buffer_text(&response->body));
	CLAIM(text_is_shown(json_member_string(json, "detail")), "it cannot be shown: %s",
		json_member_string(json, "detail"));
	const cJSON *status = json_member(json, "status");
	CLAIM(status != NULL && status->valueint == response->status, "another status: %s",
		buffer_text(&response->body));
}

static void claim_response(const struct response *response)
{
	const char *type = response->content_type;
	char head[RESPONSE_HEAD_SIZE];

	CLAIM(!response->held, "it is held");
	CLAIM(response->status >= 200 && response->status <= 599, "status %d", response->status);
	CLAIM(response->class == ERROR_NONE || is_problem(response), "an error is no problem: %s",
		buffer_text(&response->body));
	CLAIM(response->class != ERROR_INTERNAL || response->status == 500, "status %d",
		response->status);
	if (is_problem(response))
		claim_problem(response);
	else if (type != NULL && text_has_prefix(type, "application/json"))
		claim_object(buffer_text(&response->body), response->body.length);
	CLAIM(text_is_valid(buffer_text(&response->body)), "the body is no UTF-8");
	response_head(response, head);
	size_t length = strlen(head);
	CLAIM(length > 4 && strcmp(head + length - 4, "\r\n\r\n") == 0 &&
			strstr(head, "\r\n\r\n") == head + length - 4,
		"the head has no end: %s", head);
}

/* One with authorization meets a server that asks for a token. */
static void send(const char *method, const char *path, const char *authorization, const char *query,
	const char *body)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct redis *redis = NULL;
	struct response response;
	struct error error;

	CLAIM(redis_from_settings(&settings, "fuzz", 100, &redis, &error) == ERROR_NONE, "%s",
		error.message);
	const struct service service = { .settings = &settings, .redis = redis, .arena = &arena };
	const struct request request = { .id = "",
		.method = method,
		.path = path,
		.query = query,
		.host = "",
		.authorization = authorization,
		.origin = "",
		.content_type = "application/json",
		.content_encoding = "",
		.if_none_match = "",
		.body = body,
		.body_length = strlen(body) };
	settings.development = authorization[0] == '\0';
	response_init(&response);
	request_handle(&service, &request, &response);
	claim_response(&response);
	response_release(&response);
	redis_free(redis);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *texts[4];
	char method[16];

	input_split(data, size, texts, 4);
	/* "GET /api/apps", perhaps with a blank and an Authorization, the query, the body, the
	 * replies. */
	size_t word = strcspn(texts[0], " ");
	text_format(method, sizeof(method), "%.*s", (int)word, texts[0]);
	char *path = texts[0] + word + (texts[0][word] == ' ' ? 1 : 0);
	const size_t replies = size - (size_t)(texts[3] - texts[0]);
	scripted_redis_begin(texts[3], replies);
	char *authorization = path + strcspn(path, " ");
	if (*authorization != '\0')
		*authorization++ = '\0';
	send(method, path, authorization, texts[1], texts[2]);
	scripted_redis_end();
	redact_forget(0);
	free(texts[0]);
	return 0;
}
