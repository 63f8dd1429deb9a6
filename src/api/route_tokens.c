/*
 * POST /api/tokens: makes a browser token, for minutes, one app and some modes. A server of
 * somebody else's calls it with a token of its own, and gives the browser of a person what is made
 * here.
 */
#include <sodium.h>
#include <string.h>

#include "api/authorise.h"
#include "api/body.h"
#include "api/mode.h"
#include "api/route.h"
#include "base/clock.h"
#include "base/record.h"
#include "base/text.h"
#include "store/tokens.h"

#define MINUTE_MS INT64_C(60000)
#define MODES_MAX 16

struct wish {
	const char *app;
	int64_t minutes;
	struct string_list modes;
};
static const struct field wish_fields[] = {
	{ STRING_FIELD("appId", struct wish, app), .required = true, .pattern = IDENTIFIER_PATTERN,
		.description = "The app that it is for" },
	{ INTEGER_FIELD("minutes", struct wish, minutes), .required = true, .minimum = 1,
		.maximum = TOKEN_MINUTES_MAX, .description = "How long it lasts" },
	{ STRINGS_FIELD("modes", struct wish, modes), .required = true, .minimum = 1,
		.maximum = MODES_MAX, .description = "The modes that it is for" },
};
static const struct record wish_record = RECORD(struct wish, wish_fields);

/* Each mode that it is for must be one that its maker may use himself. */
static enum error_class take_mode(
	const struct token *maker, const char *name, struct token *token, struct error *error)
{
	const struct mode *mode = mode_find(name);
	char what[32];

	if (mode == NULL) {
		error_set(error, ERROR_INVALID_REQUEST, "this is no mode");
		return error_at(error, "/modes");
	}
	text_format(what, sizeof(what), "the mode %s", mode->name);
	if (caller_check_role(maker, mode->role, what, error) != ERROR_NONE)
		return error->class;
	if (mode->role > token->role)
		token->role = mode->role;
	if (!text_append(token->modes, sizeof(token->modes), "%s%s",
		    token->modes[0] != '\0' ? " " : "", mode->name))
		return error_set(error, ERROR_INVALID_REQUEST, "these are too many modes");
	return ERROR_NONE;
}

static enum error_class fill(const struct token *maker, const struct wish *wish,
	struct token *token, struct error *error)
{
	*token = (struct token){ .role = ROLE_NONE };
	if (token_is_browser(maker) || maker->id[0] == '\0') {
		error_set(error, ERROR_NOT_ALLOWED,
			"a browser token is made with a token of slipway token create");
		return error->class;
	}
	if (caller_check_app(maker, wish->app, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < wish->modes.count; i++)
		if (take_mode(maker, wish->modes.items[i], token, error) != ERROR_NONE)
			return error->class;
	text_copy(token->tenant, sizeof(token->tenant), maker->tenant);
	text_copy(token->app, sizeof(token->app), wish->app);
	text_copy(token->label, sizeof(token->label), maker->label);
	text_copy(token->maker, sizeof(token->maker), maker->id);
	return ERROR_NONE;
}

static enum error_class show(
	const struct token *token, const char *text, struct response *response, struct error *error)
{
	CLEANUP_JSON cJSON *json = cJSON_CreateObject();
	char expires[CLOCK_TEXT_SIZE];

	clock_format(token->expires_at, expires);
	if (json == NULL || !json_add(json, "token", cJSON_CreateString(text)) ||
		!json_add(json, "appId", cJSON_CreateString(token->app)) ||
		!json_add(json, "expiresAt", cJSON_CreateString(expires)))
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a token");
	return response_json(response, 201, json_take(&json), error);
}

static enum error_class handle_tokens(const struct service *service, const struct request *request,
	struct response *response, struct error *error)
{
	CLEANUP_JSON cJSON *body = NULL;
	char text[TOKEN_TEXT_SIZE];
	struct wish wish;
	struct token token;

	if (body_parse(request, &body, error) != ERROR_NONE)
		return error->class;
	response_subject(response, body);
	if (record_decode(&wish_record, body, RECORD_STRICT, "", service->arena, &wish, error) !=
		ERROR_NONE) {
		error->class =
			error->class == ERROR_INVALID_INPUT ? ERROR_INVALID_REQUEST : error->class;
		return error->class;
	}
	if (fill(service->caller, &wish, &token, error) != ERROR_NONE)
		return error->class;

	token_make(&token, service->caller->id, text);
	enum error_class class =
		token_store(service->redis, &token, wish.minutes * MINUTE_MS, error);
	if (class == ERROR_NONE)
		class = show(&token, text, response, error);
	sodium_memzero(text, sizeof(text));
	return class;
}

const struct route route_tokens = {
	.method = "POST", .path = "/api/tokens", .role = ROLE_DEPLOY, .handle = handle_tokens
};
