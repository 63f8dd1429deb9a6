/*
 * What has no reply in it is best effort: the supervisor may not reach Redis either, and says so in
 * its log. Secrets come from the keeper, sealed for one question.
 */
#include "worker/backend.h"

#include <string.h>

#include "base/redact.h"
#include "core/run_log.h"
#include "core/secret.h"
#include "provider/providers.h"
#include "store/needs.h"
#include "store/payload.h"
#include "worker/desk.h"
#include "worker/handover.h"

static enum error_class ask_for(const struct attempt *attempt, const struct ask *ask,
	struct reply *ret_reply, struct error *error)
{
	return desk_ask(attempt->desk, ask, attempt->arena, ret_reply, error);
}

/* ---- what is written ---- */

static enum error_class backend_save(void *backend, const char *checkpoint, struct error *error)
{
	const struct ask ask = { .kind = ASK_SAVE, .checkpoint = checkpoint };
	struct reply reply;
	return ask_for(backend, &ask, &reply, error);
}

static enum error_class backend_ledger_write(
	void *backend, const struct ledger_change *change, struct error *error)
{
	const struct ask ask = { .kind = ASK_SAVE,
		.checkpoint = change->checkpoint,
		.field = change->field,
		.value = change->value,
		.replaces = change->replaces };
	struct reply reply;
	return ask_for(backend, &ask, &reply, error);
}

static enum error_class backend_owner(void *backend, const struct owner_question *question,
	const char **ret_holder, struct error *error)
{
	const struct ask ask = { .kind = ASK_OWNER,
		.what = question->what,
		.provider = question->provider,
		.type = question->type,
		.id = question->id,
		.shared = question->shared };
	struct reply reply;

	if (ask_for(backend, &ask, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_holder = reply.text != NULL ? reply.text : "";
	return ERROR_NONE;
}

/* It is written in its order with all else, and nobody waits for it. */
static void backend_log(void *backend, const char *line)
{
	const struct attempt *attempt = backend;
	const struct ask ask = { .kind = ASK_LOG, .log = line };
	desk_tell(attempt->desk, &ask);
}

/* ---- connections ---- */

/* Redacted until the attempt ends. */
struct credential {
	const char *text;
	struct credential *next;
};

static enum error_class hide(struct attempt *attempt, const char *text, struct error *error)
{
	struct credential *credential = arena_allocate(attempt->arena, sizeof(*credential));

	if (credential == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a credential");
	if (redact_add(text, error) != ERROR_NONE)
		return error->class;
	*credential = (struct credential){ text, attempt->credentials };
	attempt->credentials = credential;
	return ERROR_NONE;
}

void backend_forget_credentials(struct attempt *attempt)
{
	for (; attempt->credentials != NULL; attempt->credentials = attempt->credentials->next)
		redact_remove(attempt->credentials->text);
	for (size_t i = 0; providers[i] != NULL; i++)
		if (providers[i]->forget != NULL)
			providers[i]->forget();
}

static enum error_class read_connection(struct attempt *attempt, const struct reply *reply,
	struct found_connection *ret_found, struct error *error)
{
	struct connection *connection = arena_allocate(attempt->arena, sizeof(*connection));

	if (connection == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a connection");
	if (connection_read(attempt->claim->run.name.tenant, reply->name, reply->record,
		    attempt->arena, connection, error) != ERROR_NONE)
		return error->class;
	ret_found->connection = connection;
	return ERROR_NONE;
}

static enum error_class open_credential(struct attempt *attempt, const struct reply *reply,
	const struct handover *handover, const char **ret_text, struct error *error)
{
	if (reply->text == NULL)
		return ERROR_NONE;
	if (handover_open(handover, reply->text, attempt->arena, ret_text, error) != ERROR_NONE)
		return error->class;
	return hide(attempt, *ret_text, error);
}

static enum error_class backend_connection(void *backend, const char *provider, const char *slot,
	struct found_connection *ret_found, struct error *error)
{
	struct attempt *attempt = backend;
	struct handover handover;
	struct reply reply;

	*ret_found = (struct found_connection){ .connection = NULL };
	handover_begin(&handover);
	const struct ask ask = {
		.kind = ASK_CONNECTION, .provider = provider, .name = slot, .key = handover.key
	};
	enum error_class class = ask_for(attempt, &ask, &reply, error);
	if (class == ERROR_NONE && reply.record != NULL && reply.name != NULL)
		class = read_connection(attempt, &reply, ret_found, error);
	if (class == ERROR_NONE)
		class = open_credential(attempt, &reply, &handover, &ret_found->credential, error);
	handover_end(&handover);
	return class;
}

/* The page is no secret. */
static enum error_class backend_mint(void *backend, const char *provider, const char *slot,
	const struct mint_question *question, const char **ret_text, struct error *error)
{
	struct attempt *attempt = backend;
	struct handover handover;
	struct reply reply;

	*ret_text = NULL;
	handover_begin(&handover);
	const struct ask ask = { .kind = ASK_MINT,
		.provider = provider,
		.name = slot,
		.owner = question->owner,
		.repository = question->repository,
		.permissions = question->permissions,
		.refresh = question->refresh,
		.made_ago_ms = question->made_ago_ms,
		.wants_page = question->page,
		.checks = question->checks,
		.may_be_missing = question->missing,
		.time_left_ms = question->time_left_ms,
		.key = handover.key };
	enum error_class class = ask_for(attempt, &ask, &reply, error);
	if (class == ERROR_NONE && question->page)
		*ret_text = reply.page;
	else if (class == ERROR_NONE && !question->checks)
		class = open_credential(attempt, &reply, &handover, ret_text, error);
	handover_end(&handover);
	if (class == ERROR_NONE && *ret_text == NULL && !question->page && !question->checks)
		return error_set(error, ERROR_INTERNAL, "the minter has made nothing");
	return class;
}

/* ---- limiters ---- */

/* If it cannot be asked, let the call through; the provider enforces its own limit. */
static void backend_admit(void *backend, const char *provider, const char *credential,
	struct call_admission *ret_admission)
{
	const struct ask ask = {
		.kind = ASK_ADMIT, .provider = provider, .credential = credential
	};
	struct reply found;
	struct error ignored;

	*ret_admission = (struct call_admission){ 0 };
	if (ask_for(backend, &ask, &found, &ignored) == ERROR_NONE)
		*ret_admission = (struct call_admission){ found.wait_ms, found.down_ms,
			(int)found.response_status, found.worker_only, found.probing,
			found.watched };
}

static void backend_throttle(void *backend, const char *provider, const char *credential,
	int64_t spacing_ms, struct call_turn *ret_turn)
{
	const struct ask ask = { .kind = ASK_THROTTLE,
		.provider = provider,
		.credential = credential,
		.spacing_ms = spacing_ms };
	struct reply turn;
	struct error ignored;

	*ret_turn = (struct call_turn){ .granted = true };
	if (ask_for(backend, &ask, &turn, &ignored) == ERROR_NONE)
		*ret_turn = (struct call_turn){ turn.wait_ms, turn.granted, turn.ahead };
}

static void log_blocked(const struct attempt *attempt, const char *provider, const char *credential,
	int64_t blocked_ms)
{
	struct log_line line;
	run_line(&line, LOG_WARNING, "limiter blocks", &attempt->claim->run);
	log_text(&line, "provider", provider);
	log_text(&line, "credential", credential);
	log_number(&line, "blocked_ms", blocked_ms);
	log_end(&line);
}

/* Best effort: other workers will hit the limit themselves, and an unreported probe expires. */
static void backend_report_limit(
	void *backend, const char *provider, const char *credential, int64_t blocked_ms)
{
	const struct ask ask = { .kind = ASK_LIMIT,
		.provider = provider,
		.credential = credential,
		.blocked_ms = blocked_ms };
	struct reply reply;
	struct error ignored;

	if (ask_for(backend, &ask, &reply, &ignored) != ERROR_NONE)
		log_error("limiter", &ignored);
	if (blocked_ms > 0)
		log_blocked(backend, provider, credential, blocked_ms);
}

/* Best effort: others will see it themselves. */
static void backend_report_outage(void *backend, const char *provider, const char *credential,
	const struct call_health *health)
{
	const struct ask ask = { .kind = ASK_HEALTH,
		.provider = provider,
		.credential = credential,
		.answered = health->answered,
		.unreachable = health->unreachable,
		.response_status = health->status,
		.retry_ms = health->retry_ms };
	struct reply reply;
	struct error ignored;

	if (ask_for(backend, &ask, &reply, &ignored) != ERROR_NONE)
		log_error("limiter", &ignored);
}

/* ---- outputs ---- */

enum error_class backend_output_of(const struct attempt *attempt, const struct run_name *name,
	const char **ret_output, const char **ret_status, struct error *error)
{
	const struct ask ask = {
		.kind = ASK_OUTPUT, .app = name->app, .workflow = name->workflow, .step = name->step
	};
	struct reply reply;

	if (ask_for(attempt, &ask, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_output = reply.text;
	*ret_status = reply.status != NULL ? reply.status : "";
	return ERROR_NONE;
}

static enum error_class backend_output(
	void *backend, const struct run_name *name, const char **ret_output, struct error *error)
{
	const char *status;
	return backend_output_of(backend, name, ret_output, &status, error);
}

enum error_class backend_needs(
	const struct attempt *attempt, struct needs *needs, struct error *error)
{
	const char *names[NEEDS_MAX];
	const struct ask ask = {
		.kind = ASK_NEEDS, .needs = { names, needs->count }, .uses = needs->uses
	};
	struct reply reply;

	for (size_t i = 0; i < needs->count; i++)
		names[i] = arena_format(attempt->arena, "%s %s %s", needs->names[i].app,
			needs->names[i].workflow, needs->names[i].step);
	if (attempt->arena->exhausted)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for what it needs");
	if (ask_for(attempt, &ask, &reply, error) != ERROR_NONE)
		return error->class;

	needs->missing = NULL;
	for (size_t i = 0; i < needs->count; i++)
		needs->outputs[i] = i < reply.outputs.count ? reply.outputs.items[i] : NULL;
	if (reply.missing > 0 && (size_t)reply.missing <= needs->count) {
		needs->missing = &needs->names[reply.missing - 1];
		needs->missing_status = reply.status != NULL ? reply.status : "";
	}
	return ERROR_NONE;
}

/* ---- secrets ---- */

/* A secret of the app that was opened in the attempt. */
struct opened {
	const char *name, *value;
	struct opened *next;
};

/* Redacts it from all output until the attempt ends. */
static enum error_class remember(
	struct attempt *attempt, const char *name, const char *value, struct error *error)
{
	struct opened *opened = arena_allocate(attempt->arena, sizeof(*opened));
	const char *copy = arena_string(attempt->arena, name);

	if (opened == NULL || copy == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a secret");
	if (redact_add(value, error) != ERROR_NONE)
		return error->class;
	*opened = (struct opened){ copy, value, attempt->opened };
	attempt->opened = opened;
	return ERROR_NONE;
}

void backend_forget(void *backend)
{
	struct attempt *attempt = backend;

	for (; attempt->opened != NULL; attempt->opened = attempt->opened->next)
		redact_remove(attempt->opened->value);
}

static enum error_class refuse_missing(const struct reference *reference, struct error *error)
{
	error_set(error, ERROR_INVALID_INPUT, "the app has no secret '%s' any more",
		reference->parts[0]);
	return error_remedy(
		error, NULL, "Set it with mode 'configure', then trigger the step again.");
}

/* From the keeper: a secret of the app, or one that it shares, or one that a client gave in clear
 * text in this input. */
static enum error_class ask_secret(const struct attempt *attempt, const struct reference *reference,
	const struct handover *handover, const char **ret_value, struct error *error)
{
	const bool is_sealed = reference->kind == REFERENCE_SEALED;
	const struct ask ask = { .kind = ASK_SECRET,
		.name = is_sealed ? NULL : reference->parts[0],
		.sealed = is_sealed ? arena_copy(attempt->arena, reference->text, reference->length)
				    : NULL,
		.key = handover->key };
	struct reply reply;

	if (is_sealed && ask.sealed == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a secret");
	if (ask_for(attempt, &ask, &reply, error) != ERROR_NONE)
		return error->class;
	if (reply.text == NULL)
		return refuse_missing(reference, error);
	return handover_open(handover, reply.text, attempt->arena, ret_value, error);
}

static enum error_class open_secret(struct attempt *attempt, const struct reference *reference,
	const char **ret_value, struct error *error)
{
	const bool is_named = reference->kind == REFERENCE_SECRET;
	struct handover handover;

	handover_begin(&handover);
	enum error_class class = ask_secret(attempt, reference, &handover, ret_value, error);
	handover_end(&handover);
	if (class != ERROR_NONE)
		return class;
	return remember(
		attempt, is_named ? reference->parts[0] : SECRET_INPUT_NAME, *ret_value, error);
}

/* A named secret is opened once per attempt, for an input may name it hundreds of times. */
enum error_class backend_secret(
	void *backend, const struct reference *reference, cJSON **ret_value, struct error *error)
{
	struct attempt *attempt = backend;
	const char *value = NULL;

	for (const struct opened *opened = attempt->opened; opened != NULL; opened = opened->next)
		if (reference->kind == REFERENCE_SECRET &&
			strcmp(opened->name, reference->parts[0]) == 0)
			value = opened->value;
	if (value == NULL && open_secret(attempt, reference, &value, error) != ERROR_NONE)
		return error->class;
	*ret_value = cJSON_CreateString(value);
	return *ret_value != NULL ? ERROR_NONE
				  : error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a secret");
}

const struct action_backend attempt_backend = {
	.save = backend_save,
	.ledger_write = backend_ledger_write,
	.owner = backend_owner,
	.log = backend_log,
	.output = backend_output,
	.secret = backend_secret,
	.forget = backend_forget,
	.connection = backend_connection,
	.mint = backend_mint,
	.admit = backend_admit,
	.throttle = backend_throttle,
	.report_limit = backend_report_limit,
	.report_outage = backend_report_outage,
};
