/* One order after the other, so tokens lie in the provider's own store, for whoever comes next. */
#include "worker/minter.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/resources.h"
#include "http/client.h"
#include "provider/connected.h"
#include "provider/providers.h"
#include "worker/mint_order.h"
#include "worker/sandbox.h"
#include "worker/serve.h"

#define MEMORY_MAX   ((size_t)512 << 20)
#define SKEW_SECONDS 30 /* of the clock, for which a signature is still good */

static const struct field minting_fields[] = {
	{ STRING_FIELD("order", struct minting, order), .required = true },
};
const struct record minting_record = RECORD(struct minting, minting_fields);

struct minter {
	const struct settings *settings;
	const struct handover *handover;
	struct http_client *client;
};

/* One order, as it is carried out. */
struct minting_state {
	const struct minter *minter;
	struct mint_order order;
	const struct mint_wish *wish;
	struct connection connection;
	struct provider_access access;
	struct arena *arena;
	bool is_shown; /* the signature, to the provider, whose clock is known since */
	bool wants_signature;
	int64_t skew_seconds; /* for that one */
};

/* ---- what it is asked with ---- */

/* Only the first answer tells by which clock it would be good. */
static enum error_class show(
	void *data, int64_t skew_seconds, const char **ret_signed, struct error *error)
{
	struct minting_state *state = data;

	if (state->is_shown && llabs(skew_seconds - state->order.skew_seconds) >= SKEW_SECONDS) {
		state->wants_signature = true;
		state->skew_seconds = skew_seconds;
		return error_set(
			error, ERROR_NOT_READY, "the signature is not of the provider's time");
	}
	state->is_shown = true;
	*ret_signed = state->order.signature;
	return ERROR_NONE;
}

static enum error_class read_order(
	struct minting_state *state, const char *text, size_t length, struct error *error)
{
	struct arena *arena = state->arena;
	struct minting minting;
	const char *opened;

	if (message_read(&minting_record, text, length, arena, &minting, error) != ERROR_NONE ||
		handover_open(state->minter->handover, minting.order, arena, &opened, error) !=
			ERROR_NONE ||
		message_read(&mint_order_record, opened, strlen(opened), arena, &state->order,
			error) != ERROR_NONE)
		return error->class;
	state->wish = state->order.wish;
	return state->wish != NULL ? ERROR_NONE
				   : error_set(error, ERROR_INTERNAL, "an order without a wish");
}

static enum error_class open_access(
	struct minting_state *state, const struct provider *provider, struct error *error)
{
	const struct mint_order *order = &state->order;
	const bool is_stored = order->record[0] != '\0';

	if (is_stored &&
		connection_read(order->tenant, order->name, order->record, state->arena,
			&state->connection, error) != ERROR_NONE)
		return error->class;
	state->access = connected_access(
		provider, state->minter->settings, is_stored ? &state->connection : NULL, NULL);
	state->access.app.sign = show;
	state->access.app.sign_data = state;
	return ERROR_NONE;
}

static void log_call(void *data, const struct provider_call_facts *facts)
{
	const struct minting_state *state = data;
	struct log_line line;

	log_begin(&line, LOG_DEBUG, "call");
	log_text(&line, "tenant", state->order.tenant);
	log_text(&line, "connection", state->order.name);
	log_text(&line, "provider", facts->provider);
	log_text(&line, "path", facts->path);
	log_number(&line, "provider_status", facts->status);
	log_text(&line, "provider_request", facts->request_id);
	log_number(&line, "ms", facts->took_ms);
	log_end(&line);
}

/* ---- making one ---- */

static enum error_class make(struct minting_state *state, const struct provider *provider,
	struct reply *reply, struct error *error)
{
	const struct mint_wish *wish = state->wish;
	const int64_t left_ms =
		wish->time_left_ms < PROVIDER_CALL_MS ? wish->time_left_ms : PROVIDER_CALL_MS;
	const bool is_narrow = wish->repository[0] != '\0';
	struct string_pair *permissions = arena_allocate_array(
		state->arena, wish->permissions.count + 1, sizeof(*permissions));
	if (permissions == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a token");
	for (size_t i = 0; i < wish->permissions.count; i++)
		permissions[i] = wish->permissions.items[i];
	permissions[wish->permissions.count] = (struct string_pair){ NULL, NULL };
	const struct provider_grant grant = { .permissions = permissions,
		.one_repository = is_narrow,
		.made_ago_ms = wish->made_ago_ms,
		.may_be_missing = wish->missing };
	const struct provider_exchange exchange = { .client = state->minter->client,
		.provider = provider,
		.access = &state->access,
		.arena = state->arena,
		.deadline_at = clock_monotonic_ms() + left_ms,
		.settings = state->minter->settings,
		.grant = &grant,
		.record_failed = log_error,
		.called = log_call,
		.called_data = state };
	const struct provider_request request = {
		.path = is_narrow ? "/repos/{owner}/{repo}" : "/",
		.parameters = { wish->owner, wish->repository },
	};
	const char *token;

	if (wish->page) {
		reply->page = provider->grant_page(&exchange);
		return ERROR_NONE;
	}
	if (wish->checks)
		return provider->check_grant(&exchange, &request, error);
	if (provider->mint(&exchange, &request, wish->refresh, &token, error) != ERROR_NONE)
		return error->class;
	return handover_seal(wish->key, token, state->arena, &reply->text, error);
}

/* A reply that wants a signature is none of the order's: that is given once more. */
static enum error_class answer(void *context, const char *text, size_t length, struct arena *arena,
	struct reply *reply, struct error *error)
{
	struct minting_state state = { .minter = context, .arena = arena };

	if (read_order(&state, text, length, error) != ERROR_NONE)
		return error->class;
	const struct provider *provider = provider_find(state.order.provider);
	if (provider == NULL || provider->mint == NULL)
		return error_set(error, ERROR_INTERNAL, "an order for a provider without apps");
	if (open_access(&state, provider, error) != ERROR_NONE)
		return error->class;
	enum error_class class = make(&state, provider, reply, error);
	if (!state.wants_signature)
		return class;
	*reply = (struct reply){ .wants_signature = true, .skew_seconds = state.skew_seconds };
	return ERROR_NONE;
}

int minter_run(const struct settings *settings, const struct handover *handover, int channel)
{
	const struct sandbox sandbox = { .writes = settings->record_folder };
	struct minter minter = { .settings = settings, .handover = handover };
	struct error error;

	resources_limit_memory(MEMORY_MAX);
	enum error_class class = http_client_new(&minter.client, &error);
	if (class == ERROR_NONE)
		class = sandbox_enter(&sandbox, &error);
	if (class == ERROR_NONE)
		serve(channel, answer, &minter);
	else
		log_error("minter cannot start", &error);
	http_client_free(minter.client);
	return class == ERROR_NONE ? 0 : 1;
}
