/*
 * Provider calls as actions make them: within the rate limiter, in a dry run reads only, each
 * logged, and the failure of each kept so that the action's error can tell which response it comes
 * from.
 */
#include <string.h>

#include "action/context.h"
#include "action/dry_run_call.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/record.h"
#include "base/redact.h"
#include "base/text.h"
#include "provider/allowance.h"

/* Names the limiter that the call has to pass: "0123456789abcdef" or
 * "0123456789abcdef:POST:/v13/deployments". */
static void limiter_name(const struct provider *provider, const char *credential,
	const struct provider_request *request, char name[LIMITER_NAME_SIZE])
{
	text_copy(name, LIMITER_NAME_SIZE, credential);
	if (provider->limits_by_endpoint)
		text_append(name, LIMITER_NAME_SIZE, ":%s:%s", http_method_name(request->method),
			request->path);
}

#define HANGS_MS 10000 /* a response that takes so long is no slow one */

static bool waits_for_outages(const struct action_context *context)
{
	return context->settings->outage_seconds > 0;
}

/* Where calls of several apps have failed, one run at a time asks whether the provider is back. */
static bool refuse_down(struct action_context *context, const struct provider *provider,
	const struct call_admission *admission)
{
	error_set(&context->error, ERROR_PROVIDER_UNAVAILABLE,
		admission->worker_only ? "%s cannot be reached from this worker: the calls of "
					 "several apps have failed"
				       : "%s is down: the calls of several apps have failed",
		provider->name);
	if (!admission->worker_only && admission->status > 0)
		text_append(context->error.message, sizeof(context->error.message),
			", the last with status %d", admission->status);
	text_copy(context->error.provider, sizeof(context->error.provider), provider->id);
	context->error.retry_after_ms = admission->down_ms;
	context->was_refused = true;
	return false;
}

/* A provider whose limit was reached, or that is down, is not called: the first worker to see it
 * has told all others until when. */
static bool admit_call(struct action_context *context, const struct provider *provider,
	const struct provider_request *request, const char *limiter,
	struct call_admission *ret_admission)
{
	bool by_endpoint = provider->limits_by_endpoint;

	context->backend->admit(context->backend_data, provider->id, limiter, ret_admission);
	if (ret_admission->down_ms > 0 && waits_for_outages(context))
		return refuse_down(context, provider, ret_admission);
	if (ret_admission->limited_ms <= 0)
		return true;
	error_set(&context->error, ERROR_RATE_LIMITED, "%s's rate limit%s%s%s%s is reached",
		provider->name, by_endpoint ? " for " : "",
		by_endpoint ? http_method_name(request->method) : "", by_endpoint ? " " : "",
		by_endpoint ? request->path : "");
	text_copy(context->error.provider, sizeof(context->error.provider), provider->id);
	context->error.retry_after_ms = ret_admission->limited_ms;
	return false;
}

/* False where it is not the call's turn yet: the run then waits in the queue, not in a process. */
static bool await_turn(struct action_context *context, const struct provider *provider,
	const char *credential, int64_t spacing_ms)
{
	struct call_turn turn;

	context->backend->throttle(
		context->backend_data, provider->id, credential, spacing_ms, &turn);
	context->for_turn = !turn.granted;
	if (turn.granted) {
		if (turn.wait_ms > 0)
			clock_sleep_ms(turn.wait_ms);
		return true;
	}

	error_set(&context->error, ERROR_RATE_LIMITED,
		"waiting for a write slot of %s, which allows one change every %lld ms; runs "
		"before it: %lld",
		provider->name, (long long)spacing_ms, (long long)turn.ahead);
	text_copy(context->error.provider, sizeof(context->error.provider), provider->id);
	context->error.retry_after_ms = turn.wait_ms;
	return false;
}

/* Calls by an old name keep working until somebody else takes the name: say so once per attempt. */
static void log_redirect(struct action_context *context, const struct provider *provider,
	const struct provider_request *request)
{
	const char *const *names = request->parameters;
	if (context->redirect_logged)
		return;
	context->redirect_logged = true;
	action_log(context, "%s redirects %s of %s%s%s: it was renamed or moved; use its new name",
		provider->name, request->path, names[0] != NULL ? names[0] : "it",
		names[0] != NULL && names[1] != NULL ? "/" : "",
		names[0] != NULL && names[1] != NULL ? names[1] : "");
}

/* A fork may take five minutes until it can be worked on, and then come other steps */
#define RECENT_MS 600000

/* How long ago the app made what the call is about; -1 where it did not. Repositories are named by
 * two parameters. */
static int64_t made_ms_ago(struct action_context *context, const struct provider *provider,
	const struct provider_request *request)
{
	const char *const *names = request->parameters;
	if (names[0] == NULL)
		return -1;
	int64_t ago = context_made_ms_ago(context, provider->id, names[0]);
	const char *pair =
		names[1] != NULL ? arena_format(context->arena, "%s/%s", names[0], names[1]) : NULL;
	return ago >= 0 || pair == NULL ? ago : context_made_ms_ago(context, provider->id, pair);
}

/* Kept for the error of the action, which may fail because of this call. */
static void record_refusal(struct action_context *context, const struct provider *provider,
	bool answered, const struct provider_response *response)
{
	struct error *refusal = &context->refusal;

	memset(refusal, 0, sizeof(*refusal));
	if (answered && response->status < 400)
		return;
	const struct error *error = &context->error;
	if (answered)
		error_exchange(refusal, provider->id, response->status, response->code,
			response->request_id);
	else
		error_exchange(refusal, provider->id, error->http_status, error->provider_code,
			error->request_id);
}

/* A call that changes something may have been done, however long its response takes. */
static bool hangs(const struct action_context *context, const struct provider_request *request)
{
	return context->error.class == ERROR_TIMEOUT && request->method == HTTP_GET &&
		clock_monotonic_ms() - context->called_at >= HANGS_MS;
}

/* Broken, or not to be reached. */
static bool is_down(const struct error *error)
{
	return error->class == ERROR_NETWORK ||
		(error->class == ERROR_PROVIDER_UNAVAILABLE && error->http_status >= 500);
}

/* For all runs: that a call found the provider down, or up again. A refusal is an answer as well.
 */
static void report_health(struct action_context *context, const struct provider *provider,
	const char *limiter, bool watched, bool answered)
{
	const struct error *error = &context->error;
	const struct call_health health = {
		.answered = answered || (!context->met_outage && error->http_status > 0),
		.unreachable = error->class == ERROR_NETWORK,
		.status = error->http_status,
		.retry_ms = error->retry_after_ms,
	};

	if (waits_for_outages(context) && (context->met_outage || (health.answered && watched)))
		context->backend->report_outage(
			context->backend_data, provider->id, limiter, &health);
}

static void report_call(struct action_context *context, const struct provider *provider,
	const char *limiter, const struct call_admission *admission, bool answered)
{
	bool limited = !answered && context->error.class == ERROR_RATE_LIMITED;

	report_health(context, provider, limiter, admission->watched, answered);
	if (limited || admission->probing)
		context->backend->report_limit(context->backend_data, provider->id, limiter,
			limited ? context->error.retry_after_ms : 0);
}

static void log_call(void *data, const struct provider_call_facts *facts)
{
	const struct action_context *context = data;
	struct log_line line;

	log_begin(&line, LOG_DEBUG, "call");
	log_text(&line, "tenant", context->tenant);
	log_text(&line, "app", context->app);
	log_text(&line, "run", context->run_id);
	log_text(&line, "request", context->request);
	log_text(&line, "provider", facts->provider);
	log_text(&line, "method", http_method_name(facts->method));
	log_text(&line, "path", facts->path);
	if (facts->status != 0)
		log_number(&line, "provider_status", facts->status);
	else
		log_text(&line, "class", error_class_facts(facts->class)->name);
	log_text(&line, "provider_request", facts->request_id);
	log_number(&line, "ms", facts->took_ms);
	log_end(&line);
}

/* With what a call is sent. */
struct prepared_call {
	struct provider_access access;
	struct provider_grant grant;
	struct credential_notice notice;
	struct provider_exchange exchange; /* points to the others */
};

/* Nothing was sent, so nothing of an earlier call is said of this one. */
static bool refuse_call(struct action_context *context)
{
	context->for_turn = context->met_outage = context->hung = context->was_refused = false;
	context->late = false;
	memset(&context->refusal, 0, sizeof(context->refusal));
	context->error.unsent = true;
	redact_error(&context->error);
	return false;
}

static bool expects_absence(const struct provider_request *request)
{
	for (size_t i = 0; i < PROVIDER_PARAMETERS; i++)
		if (request->expect[i] == 404)
			return true;
	return false;
}

/* What a token for the call has to be for. A plan makes nothing: it only looks. */
static struct provider_grant grant_for(const struct action_context *context,
	const struct provider_request *request, int64_t made_ago_ms)
{
	const struct action_definition *action = context->action;
	const bool reads = request->method == HTTP_GET, is_look = context->dry_run != NULL && reads;

	return (struct provider_grant){
		.permissions =
			request->permissions != NULL ? request->permissions : action->permissions,
		.one_repository = !action->makes_repositories || is_look,
		.made_ago_ms = made_ago_ms < 0 ? 0 : made_ago_ms + 1,
		.may_be_missing = !action->one_repository && (reads || expects_absence(request)),
	};
}

/* False where the run has no connection to the provider. */
static bool prepare_call(struct action_context *context, const struct provider *provider,
	const struct provider_request *request, struct prepared_call *call)
{
	const struct action_definition *action = context->action;
	int64_t made_ago_ms = made_ms_ago(context, provider, request),
		age_ms = action_run_age_ms(context);
	bool made_lately = made_ago_ms >= 0 && made_ago_ms < RECENT_MS;

	if (!context_access(context, provider, &call->access))
		return refuse_call(context);
	call->notice = (struct credential_notice){ .expires_at = 0 };
	call->grant = grant_for(context, request, made_ago_ms);
	call->exchange = (struct provider_exchange){ .client = context->client,
		.provider = provider,
		.access = &call->access,
		.arena = context->arena,
		.deadline_at = context->deadline_at,
		.settings = context->settings,
		.calls = action->calls,
		.findings = &context->findings,
		.key_of_id = context_key_of_id,
		.key_data = context,
		.input = &action->input,
		.made_lately = made_lately,
		.late_for_ms = made_ago_ms < age_ms ? made_ago_ms : age_ms,
		.grant = &call->grant,
		.notice = &call->notice,
		.record_failed = log_error,
		.called = log_call,
		.called_data = context };
	return true;
}

/* What the response, or its absence, says to this action and to all other runs. */
static void note_response(struct action_context *context, const struct prepared_call *call,
	const struct provider_request *request, bool answered,
	const struct provider_response *response)
{
	const struct provider *provider = call->exchange.provider;

	context->late = answered ? response->late : context->error.class == ERROR_NOT_READY;
	if (answered && response->redirected)
		log_redirect(context, provider, request);
	if (answered && context->dry_run != NULL)
		dry_run_note_budget(context->dry_run, provider, response->limit_remaining,
			call->notice.expires_at);
	if (!answered)
		redact_error(&context->error);
	record_refusal(context, provider, answered, response);
}

static void note_cut_off(struct action_context *context, bool answered)
{
	context->cut_off |= !answered && context->error.class == ERROR_LEASE_LOST;
}

static bool send_call(struct action_context *context, const struct provider_request *request,
	struct prepared_call *call, struct provider_response *response)
{
	const struct provider *provider = call->exchange.provider;
	const struct provider_access *access = &call->access;
	char credential[CREDENTIAL_SIZE], limiter[LIMITER_NAME_SIZE];
	struct call_admission admission;

	credential_name(access, credential);
	limiter_name(provider, credential, request, limiter);

	/* The turn first: a call that waits for one must not be the probe of a blocked provider. */
	context->for_turn = context->met_outage = context->hung = context->was_refused = false;
	context->called_at = clock_monotonic_ms();
	if (request->method != HTTP_GET && access->write_spacing_ms > 0 &&
		!await_turn(context, provider, credential, access->write_spacing_ms))
		return false;
	if (!admit_call(context, provider, request, limiter, &admission))
		return false;
	context->called_at = clock_monotonic_ms();
	bool answered =
		provider_send(&call->exchange, request, response, &context->error) == ERROR_NONE;
	note_cut_off(context, answered);
	context->hung = !answered && hangs(context, request);
	context->met_outage = context->hung || (!answered && is_down(&context->error));
	note_response(context, call, request, answered, response);
	report_call(context, provider, limiter, &admission, answered);
	return answered;
}

/* The read that shows whether a change would be refused; false where it cannot be asked. */
static bool send_foreseeing(struct action_context *context, const struct provider *provider,
	const struct provider_request *request, struct provider_response *response)
{
	struct provider_request read;
	struct prepared_call call;

	if (provider->foresee == NULL || context->dry_run->change != NULL ||
		!provider->foresee(request, &read) || !dry_run_sends(context, provider, &read))
		return false;
	return prepare_call(context, provider, &read, &call) &&
		send_call(context, &read, &call, response) && response->status < 300;
}

/* What can be known of a change without making it. Where that cannot be asked, it is not known. */
static bool would_be_taken(struct action_context *context, const struct provider *provider,
	const struct provider_request *request)
{
	struct provider_response response;
	struct error ignored;
	CLEANUP_JSON cJSON *json = NULL;

	if (!send_foreseeing(context, provider, request, &response) ||
		json_parse(response.body, response.body_length, JSON_LIMITS_WIDE, &json,
			&ignored) != ERROR_NONE ||
		provider->foreseen(request, json, &context->error) == ERROR_NONE)
		return true;
	text_copy(context->error.provider, sizeof(context->error.provider), provider->id);
	if (record_field(&context->action->input, context->error.remedy_input) == NULL)
		context->error.remedy_input[0] = '\0';
	redact_error(&context->error);
	return false;
}

/* Before it takes a turn of a limiter: it will not be sent. */
static bool is_allowed(struct action_context *context, const struct prepared_call *call,
	const struct provider_request *request)
{
	return allowance_check(&call->exchange, request, context->dry_run != NULL,
		       &context->error) == ERROR_NONE ||
		refuse_call(context);
}

bool provider_call(struct action_context *context, const struct provider *provider,
	const struct provider_request *request, struct provider_response *response)
{
	struct prepared_call call;

	if (context_is_short_of_memory(context) || !prepare_call(context, provider, request, &call))
		return false;
	if (!is_allowed(context, &call, request))
		return false;
	if (context->dry_run == NULL || dry_run_sends(context, provider, request))
		return send_call(context, request, &call, response);
	return (request->method == HTTP_GET || would_be_taken(context, provider, request)) &&
		dry_run_answer(context, request, &call.exchange, response);
}

bool provider_is_late(const struct action_context *context)
{
	return context->late;
}

bool provider_made_nothing(const struct action_context *context)
{
	const struct error *error = &context->error;
	/* Our own limiter may have refused the call without asking the provider: then there is no
	 * status. */
	bool turned_away = error->class == ERROR_PROVIDER_UNAVAILABLE && error->http_status == 0 &&
		error->retry_after_ms > 0;
	return error->unsent || turned_away || error->class == ERROR_RATE_LIMITED ||
		error->class == ERROR_NOT_ALLOWED ||
		(error->http_status >= 400 && error->http_status < 500);
}

#define SHOWS_AFTER_MS 10000 /* a change may take a moment to become visible */

int64_t provider_lost_response_ms(const struct action_context *context)
{
	return PROVIDER_CALL_MS + context->settings->lease_seconds * 1000 + SHOWS_AFTER_MS;
}

const char *provider_scope(struct action_context *context, const struct provider *provider)
{
	struct provider_access access;

	if (!context_access(context, provider, &access))
		return NULL;
	return access.scope != NULL && access.scope[0] != '\0' ? access.scope : NULL;
}

const char *provider_page(
	struct action_context *context, const struct provider *provider, const char *format, ...)
{
	if (provider->site == NULL)
		return NULL;
	const char *site =
		provider->site(context->arena, provider->access(context->settings).base_url);
	va_list arguments;
	va_start(arguments, format);
	const char *path = arena_format_list(context->arena, format, arguments);
	va_end(arguments);
	return site != NULL && path != NULL ? arena_format(context->arena, "%s%s", site, path)
					    : NULL;
}

/* The response's body as JSON. */
static enum error_class parse_response(
	struct action_context *context, const struct provider_response *response, cJSON **ret_json)
{
	struct error *error = &context->error;
	if (json_parse(response->body, response->body_length, JSON_LIMITS_WIDE, ret_json, error) ==
		ERROR_NONE)
		return ERROR_NONE;
	return error_set(error,
		error->class == ERROR_OUT_OF_MEMORY ? error->class : ERROR_PROVIDER_UNAVAILABLE,
		"the provider's response (status %d) is not valid JSON: %s", response->status,
		error->message);
}

static bool decode_response(struct action_context *context,
	const struct provider_response *response, const struct record *record, const cJSON *json,
	void *target)
{
	struct error *error = &context->error;

	if (record_decode(record, json, RECORD_LENIENT, "", context->arena, target, error) ==
		ERROR_NONE)
		return true;
	if (error->class == ERROR_OUT_OF_MEMORY)
		return false;
	char place[sizeof(error->place)];
	text_copy(place, sizeof(place), error->place);
	error_set(error, ERROR_INTERNAL,
		"unexpected value at %s in the provider's response (status %d): %s", place,
		response->status, error->message);
	return false;
}

bool provider_decode(struct action_context *context, const struct provider_response *response,
	const struct record *record, void *ret_struct)
{
	CLEANUP_JSON cJSON *json = NULL;
	return parse_response(context, response, &json) == ERROR_NONE &&
		decode_response(context, response, record, json, ret_struct);
}

static bool decode_items(struct action_context *context, const struct provider_response *response,
	const struct record *record, const cJSON *json, struct object_list *ret_list)
{
	if (!cJSON_IsArray(json)) {
		error_set(&context->error, ERROR_INTERNAL,
			"the provider's response (status %d) is not a list", response->status);
		return false;
	}

	size_t count = (size_t)cJSON_GetArraySize(json), next = 0;
	char *items = arena_allocate_array(context->arena, count, record->size);
	if (items == NULL)
		return !context_is_short_of_memory(context);
	const cJSON *item;
	cJSON_ArrayForEach (item, json)
		if (!decode_response(
			    context, response, record, item, items + next++ * record->size))
			return false;

	*ret_list = (struct object_list){ items, count };
	return true;
}

bool provider_decode_list(struct action_context *context, const struct provider_response *response,
	const struct record *record, struct object_list *ret_list)
{
	CLEANUP_JSON cJSON *json = NULL;
	return parse_response(context, response, &json) == ERROR_NONE &&
		decode_items(context, response, record, json, ret_list);
}

int64_t provider_time(const char *text)
{
	return clock_parse(text);
}

bool url_call(struct action_context *context, const struct url_request *request,
	struct provider_response *response)
{
	if (context_is_short_of_memory(context))
		return false;

	/* A dry run calls providers only: an address that a client gave may be slow, and may act on
	 * the request. */
	if (context->dry_run != NULL) {
		context->dry_run->assumed = false;
		if (request->method != HTTP_GET)
			dry_run_refuse_change(context, request->method, false, request->url, "");
		else
			context->dry_run->unchecked =
				arena_format(context->arena, "would check %s", request->url);
		error_set(&context->error, ERROR_INTERNAL,
			"a dry run calls no address that a client gave");
		return false;
	}

	const struct provider_exchange exchange = { .client = context->client,
		.arena = context->arena,
		.deadline_at = context->deadline_at,
		.settings = context->settings,
		.called = log_call,
		.called_data = context };
	if (url_send(&exchange, request, response, &context->error) == ERROR_NONE)
		return true;
	note_cut_off(context, false);
	redact_error(&context->error);
	return false;
}

bool url_get(struct action_context *context, const char *url, struct provider_response *response)
{
	const struct url_request request = { .url = url };
	return url_call(context, &request, response);
}
