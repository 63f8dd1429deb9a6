/*
 * Calls in a dry run. What an earlier step has yet to make is known by its name, which that step
 * has put into the ledger, or by an unknown value in the path or the query.
 */
#include "action/dry_run_call.h"

#include <string.h>

#include "base/redact.h"
#include "base/unknown.h"

#define AFTER_ROOM 8 /* at first */

/* Room for one step more; false where memory is short. Bounded by the references of an input. */
static bool grow_after(struct step_dry_run *dry_run, struct arena *arena)
{
	size_t room = dry_run->after_room > 0 ? 2 * dry_run->after_room : AFTER_ROOM;

	if (dry_run->after_count < dry_run->after_room)
		return true;
	const char **after = arena_allocate_array(arena, room, sizeof(*after));
	if (after == NULL)
		return false;

	for (size_t i = 0; i < dry_run->after_count; i++)
		after[i] = dry_run->after[i];
	dry_run->after = after;
	dry_run->after_room = room;
	return true;
}

void dry_run_note_step(struct step_dry_run *dry_run, struct arena *arena, const char *step)
{
	if (step == NULL || step[0] == '\0')
		return;
	for (size_t i = 0; i < dry_run->after_count; i++)
		if (strcmp(dry_run->after[i], step) == 0)
			return;
	if (grow_after(dry_run, arena))
		dry_run->after[dry_run->after_count++] = step;
}

/* ---- what a call is about ---- */

/* The first unknown in its path or its query. */
static bool find_unknown(const struct provider_request *request, struct unknown *ret_unknown)
{
	for (size_t i = 0; i < PROVIDER_PARAMETERS; i++)
		if (unknown_find(request->parameters[i], ret_unknown))
			return true;
	for (size_t i = 0; i < PROVIDER_PARAMETERS && request->query[i].name != NULL; i++)
		if (unknown_find(request->query[i].value, ret_unknown))
			return true;
	return false;
}

/* A repository is named by two parameters, all else by one. */
static bool is_about(const struct provider_request *request, const char *key)
{
	const char *const *names = request->parameters;
	size_t length = names[0] != NULL ? strlen(names[0]) : 0;

	if (length == 0)
		return false;
	if (strcasecmp(names[0], key) == 0)
		return true;
	return names[1] != NULL && strncasecmp(names[0], key, length) == 0 && key[length] == '/' &&
		strcasecmp(names[1], key + length + 1) == 0;
}

/* Notes the step that the call has to wait for; false where there is none. */
static bool find_awaited(struct action_context *context, const struct provider *provider,
	const struct provider_request *request)
{
	struct step_dry_run *dry_run = context->dry_run;
	struct unknown unknown;

	for (size_t i = 0; i < dry_run->planned_count; i++) {
		const struct planned_resource *planned = &dry_run->planned[i];
		if (strcmp(planned->provider, provider->id) != 0 ||
			!is_about(request, planned->key))
			continue;
		dry_run->awaited = planned->step;
		dry_run->awaited_is_new = true;
		return true;
	}

	if (!find_unknown(request, &unknown))
		return false;
	dry_run->awaited = arena_string(context->arena, unknown.step);
	dry_run->awaited_is_new = unknown.is_new;
	return true;
}

/* ---- counting ---- */

static size_t place_of(const struct step_dry_run *dry_run, const struct provider *provider)
{
	size_t at = 0;
	while (at < DRY_RUN_PROVIDERS_MAX - 1 && dry_run->calls[at].provider != NULL &&
		strcmp(dry_run->calls[at].provider, provider->id) != 0)
		at++;
	return at;
}

bool dry_run_sends(struct action_context *context, const struct provider *provider,
	const struct provider_request *request)
{
	struct step_dry_run *dry_run = context->dry_run;
	size_t at = place_of(dry_run, provider);

	if (dry_run->calls[at].provider == NULL)
		dry_run->calls[at].remaining = -1;
	dry_run->calls[at].provider = provider->id;
	dry_run->assumed = false;
	bool reads = request->method == HTTP_GET, awaits = find_awaited(context, provider, request);
	if (awaits)
		dry_run_note_step(dry_run, context->arena, dry_run->awaited);
	dry_run->calls[at].reads += reads && !awaits ? 1 : 0;
	dry_run->calls[at].unsent += reads && awaits ? 1 : 0;
	return reads && !awaits;
}

void dry_run_note_budget(struct step_dry_run *dry_run, const struct provider *provider,
	int64_t remaining, int64_t expires_at)
{
	for (size_t i = 0; i < DRY_RUN_PROVIDERS_MAX && dry_run->calls[i].provider != NULL; i++) {
		if (strcmp(dry_run->calls[i].provider, provider->id) != 0)
			continue;
		if (remaining >= 0)
			dry_run->calls[i].remaining = remaining;
		if (expires_at > 0)
			dry_run->calls[i].expires_at = expires_at;
	}
}

/* ---- calls that are not sent ---- */

void dry_run_refuse_change(struct action_context *context, enum http_method method, bool updates,
	const char *path, const char *whom)
{
	static const char *const changes[] = {
		[HTTP_GET] = "nothing",
		[HTTP_POST] = "create",
		[HTTP_PUT] = "update",
		[HTTP_PATCH] = "update",
		[HTTP_DELETE] = "remove",
	};
	struct step_dry_run *dry_run = context->dry_run;

	error_set(&context->error, ERROR_INTERNAL, "a dry run changes nothing");
	if (dry_run->change != NULL)
		return;
	dry_run->change = updates ? "update" : changes[method];
	dry_run->request = arena_format(context->arena, "%s %s%s%s", http_method_name(method), path,
		whom[0] != '\0' ? " of " : "", whom);
}

/* A token can be made for what is not there yet, but must not name it. */
static bool may_call(struct action_context *context, const struct provider_request *request,
	const struct provider_exchange *exchange, bool awaits)
{
	struct provider_exchange own = *exchange;
	struct provider_grant grant = *exchange->grant;

	grant.one_repository = grant.one_repository && !awaits;
	own.grant = &grant;
	if (provider_check_grant(&own, request, &context->error) == ERROR_NONE)
		return true;
	redact_error(&context->error);
	return false;
}

static bool expects(const struct provider_request *request, int status)
{
	for (size_t i = 0; i < PROVIDER_PARAMETERS; i++)
		if (request->expect[i] == status)
			return true;
	return false;
}

static bool answer_read(struct action_context *context, const struct provider_request *request,
	struct provider_response *ret_response)
{
	struct step_dry_run *dry_run = context->dry_run;
	bool shows_nothing = request->when_new != NULL || expects(request, 404);

	if (!dry_run->awaited_is_new || !shows_nothing) {
		error_set(&context->error, ERROR_NEEDS_NOT_DONE, "it is not known yet");
		return false;
	}

	const char *body = request->when_new != NULL ? request->when_new : "";
	*ret_response = (struct provider_response){ .status = request->when_new != NULL ? 200 : 404,
		.body = body,
		.body_length = strlen(body),
		.code = "",
		.message = "",
		.request_id = "",
		.limit_remaining = -1 };
	dry_run->assumed = true;
	return true;
}

bool dry_run_answer(struct action_context *context, const struct provider_request *request,
	const struct provider_exchange *exchange, struct provider_response *ret_response)
{
	const struct provider *provider = exchange->provider;
	bool awaits = find_awaited(context, provider, request);

	memset(&context->refusal, 0, sizeof(context->refusal));
	context->late = false;
	if (!may_call(context, request, exchange, awaits))
		return false;
	if (request->method == HTTP_GET)
		return answer_read(context, request, ret_response);
	const char *path = request_path(request, context->arena);
	context->dry_run->calls[place_of(context->dry_run, provider)].writes++;
	dry_run_refuse_change(context, request->method, request->updates,
		path != NULL ? path : request->path, provider->name);
	return false;
}

bool provider_is_to_be_made(const struct action_context *context)
{
	return context->dry_run != NULL && context->dry_run->assumed;
}

const char *action_unknown(struct action_context *context, const char *what)
{
	const struct step_dry_run *dry_run = context->dry_run;
	bool awaits = dry_run != NULL && dry_run->awaited != NULL;
	return unknown_format(context->arena, awaits && dry_run->awaited_is_new,
		awaits ? dry_run->awaited : "", what);
}
