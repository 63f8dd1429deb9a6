/*
 * A row for each kind of question. Nothing here knows of executors, so a test can ask without one.
 */
#include "worker/answers.h"

#include <string.h>

#include "action/context.h"
#include "base/text.h"
#include "core/dry_run.h"
#include "core/workflow.h"
#include "provider/providers.h"
#include "store/limits.h"
#include "store/needs.h"
#include "store/owners.h"
#include "store/payload.h"
#include "worker/alarm.h"
#include "worker/belief.h"
#include "worker/decline.h"
#include "worker/mint_order.h"
#include "worker/referred.h"

#define PACE_HELD_MS 200 /* no process sleeps longer than this for its turn */
#define MINTS_MAX    256 /* of an attempt: a plan of the longest workflow asks for fewer */

/* A question that is being answered. */
struct answering {
	const struct asker *asker;
	const struct ask *ask;
	struct arena *arena;
	struct reply *reply;
	struct error *error;
};

static const char *text_of(const char *text)
{
	return text != NULL ? text : "";
}

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a reply");
}

/* ---- the run ---- */

static enum error_class answer_save(const struct answering *it)
{
	const struct asker *asker = it->asker;
	const struct signer signer = { asker->macs, asker->lease, asker->run_id,
		asker->input_digest };
	struct run_write write = { .kind = RUN_PROGRESS,
		.checkpoint = it->ask->checkpoint,
		.ledger_field = it->ask->field,
		.ledger_value = it->ask->value,
		.ledger_replaces = it->ask->replaces,
		.log = it->ask->log };
	struct run ended;

	if (belief_sign(&signer, &write, it->arena, it->error) != ERROR_NONE)
		return it->error->class;
	return batch_write(asker->batch, asker->lease, &write, it->arena, &ended, it->error);
}

/* What is not believed, the run fails by, and operators are told of. */
static enum error_class check_output(
	const struct answering *it, const struct run_name *name, const char *output, char *gives)
{
	const struct run_name own = lease_name(it->asker->lease);

	if (belief_check_output(it->asker->macs, name, output, gives, it->error) == ERROR_NONE)
		return ERROR_NONE;
	alarm_raise(it->asker->redis, &own, it->asker->request, ALARM_NOT_BELIEVED, it->error);
	return it->error->class;
}

static enum error_class answer_output(const struct answering *it)
{
	const struct run_name name = { it->asker->lease->tenant, text_of(it->ask->app),
		text_of(it->ask->workflow), text_of(it->ask->step) };

	struct step_output found;

	if (!run_name_valid(&name))
		return error_set(it->error, ERROR_INTERNAL, "an executor asked for no valid step");
	if (referred_check(it->asker, &name, 1, it->arena, it->error) != ERROR_NONE ||
		run_output(it->asker->redis, &name, it->arena, &found, it->error) != ERROR_NONE)
		return it->error->class;
	it->reply->text = found.output;
	it->reply->status = found.status;
	return found.output != NULL ? check_output(it, &name, found.output, found.gives)
				    : ERROR_NONE;
}

/* "app workflow step" of the asker's tenant into texts in the arena. */
static bool split_name(
	const char *text, const char *tenant, struct arena *arena, struct run_name *name)
{
	char *words = arena_string(arena, text), *rest = NULL;

	if (words == NULL)
		return false;
	name->tenant = tenant;
	name->app = strtok_r(words, " ", &rest);
	name->workflow = strtok_r(NULL, " ", &rest);
	name->step = strtok_r(NULL, " ", &rest);
	return name->app != NULL && name->workflow != NULL && name->step != NULL &&
		run_name_valid(name);
}

static enum error_class answer_needs(const struct answering *it)
{
	struct needs needs = { .uses = text_of(it->ask->uses) };
	struct reply *reply = it->reply;

	for (; needs.count < it->ask->needs.count && needs.count < NEEDS_MAX; needs.count++)
		if (!split_name(it->ask->needs.items[needs.count], it->asker->lease->tenant,
			    it->arena, &needs.names[needs.count]))
			return error_set(
				it->error, ERROR_INTERNAL, "an executor named no valid need");
	if (referred_check(it->asker, needs.names, needs.count, it->arena, it->error) != ERROR_NONE)
		return it->error->class;
	if (needs_take(it->asker->redis, it->asker->lease, &needs, it->arena, it->error) !=
		ERROR_NONE)
		return it->error->class;
	if (needs.missing != NULL) {
		reply->missing = needs.missing - needs.names + 1;
		reply->status = needs.missing_status;
		return ERROR_NONE;
	}

	for (size_t i = 0; i < needs.count; i++)
		if (check_output(it, &needs.names[i], needs.outputs[i], needs.gives[i]) !=
			ERROR_NONE)
			return it->error->class;
	const char **outputs = arena_allocate_array(it->arena, needs.count + 1, sizeof(*outputs));
	if (outputs == NULL)
		return no_memory(it->error);
	memcpy(outputs, needs.outputs, needs.count * sizeof(*outputs));
	reply->outputs = (struct string_list){ outputs, needs.count };
	return ERROR_NONE;
}

/* ---- the app ---- */

/* What the app, or all apps of its tenant, have by that name. */
static enum error_class find_secret(const struct answering *it, struct opening *opening)
{
	const struct lease *lease = it->asker->lease;
	const struct secret_name name = { lease->tenant, lease->app, it->ask->name };
	struct stored_secret secret;

	if (payload_secret(it->asker->redis, &name, it->arena, &secret, it->error) != ERROR_NONE)
		return it->error->class;
	if (secret.sealed == NULL)
		return ERROR_NONE;
	opening->reference = it->ask->name;
	opening->sealed = secret.sealed;
	opening->owner = secret.name.app;
	opening->name = secret.name.name;
	return ERROR_NONE;
}

/* The keeper looks whether the run's input refers to it. Without a text: there is none. */
static enum error_class answer_secret(const struct answering *it)
{
	const struct lease *lease = it->asker->lease;
	struct opening opening = { .tenant = lease->tenant,
		.app = lease->app,
		.workflow = lease->workflow,
		.step = lease->step,
		.input = text_of(it->asker->input),
		.reference = "",
		.owner = "",
		.name = "",
		.provider = "",
		.record = "",
		.sealed = text_of(it->ask->sealed),
		.key = text_of(it->ask->key) };

	if (it->ask->name != NULL && find_secret(it, &opening) != ERROR_NONE)
		return it->error->class;
	if (it->ask->name != NULL && opening.reference[0] == '\0')
		return ERROR_NONE;
	return keeper_link_ask(it->asker->keeper, &opening, it->arena, it->reply, it->error);
}

static bool is_word_of(const struct step_definition *step, const char *slot)
{
	return step->connection != NULL && strcmp(step->connection, slot) == 0;
}

/* By such a word any connection of the tenant could be had: it is one of the run's own step, or of
 * those that its dry run goes through. */
static bool may_name(const struct lease *lease, const char *slot)
{
	const struct run_name name = lease_name(lease);
	const struct step_definition *step = step_of(&name);
	const struct workflow_definition *workflow = workflow_find(lease->workflow);

	if (slot == NULL || step == NULL || workflow == NULL)
		return slot == NULL;
	if (!step_is_dry_run(step))
		return is_word_of(step, slot);
	for (size_t i = 0; i < workflow->step_count; i++)
		if (is_word_of(&workflow->steps[i], slot))
			return true;
	return false;
}

static enum error_class find_connection(
	const struct answering *it, struct stored_connection *ret_found)
{
	const struct lease *lease = it->asker->lease;
	const struct connection_question question = { { lease->tenant, lease->app },
		text_of(it->ask->provider), it->ask->name };

	if (provider_find(question.provider) == NULL || !may_name(lease, question.slot))
		return error_set(it->error, ERROR_INTERNAL,
			"an executor asked for no connection of its run");
	return connections_find(it->asker->connections, it->asker->redis, &question, it->arena,
		ret_found, it->error);
}

/* Of the connection, or of the settings where it has no record. */
static struct opening credential_of(
	const struct answering *it, const struct stored_connection *found)
{
	const struct lease *lease = it->asker->lease;
	const bool is_stored = found->record != NULL;

	return (struct opening){ .tenant = lease->tenant,
		.app = lease->app,
		.workflow = lease->workflow,
		.step = lease->step,
		.input = "",
		.reference = "",
		.owner = "",
		.name = is_stored ? found->connection.name : "",
		.provider = text_of(it->ask->provider),
		.record = is_stored ? found->record : "",
		.sealed = is_stored ? text_of(found->sealed) : "",
		.key = text_of(it->ask->key) };
}

/* The keeper gives the token. */
static enum error_class answer_connection(const struct answering *it)
{
	struct stored_connection found = { .record = NULL };

	if (find_connection(it, &found) != ERROR_NONE)
		return it->error->class;
	const struct opening opening = credential_of(it, &found);
	if (keeper_link_ask(it->asker->keeper, &opening, it->arena, it->reply, it->error) !=
		ERROR_NONE)
		return it->error->class;
	if (found.record == NULL)
		return ERROR_NONE;
	it->reply->name = found.connection.name;
	it->reply->record = found.record;
	return ERROR_NONE;
}

/* It has the keys of apps as well, and says what a minter may ask for. */
static enum error_class answer_mint(const struct answering *it)
{
	const struct ask *ask = it->ask;
	struct stored_connection found = { .record = NULL };

	if (it->asker->mints > MINTS_MAX)
		return error_set(it->error, ERROR_INTERNAL,
			"an executor asked for more than %d tokens in one attempt", MINTS_MAX);
	if (find_connection(it, &found) != ERROR_NONE)
		return it->error->class;
	const struct mint_wish wish = { .owner = text_of(ask->owner),
		.repository = text_of(ask->repository),
		.permissions = ask->permissions,
		.refresh = ask->refresh,
		.made_ago_ms = ask->made_ago_ms,
		.page = ask->wants_page,
		.checks = ask->checks,
		.missing = ask->may_be_missing,
		.time_left_ms = ask->time_left_ms,
		.key = text_of(ask->key) };
	struct opening opening = credential_of(it, &found);
	opening.wish = &wish;
	return minters_ask(
		it->asker->minters, it->asker->keeper, &opening, it->arena, it->reply, it->error);
}

/* Of another app of the tenant its id; that of another tenant's is not told. */
static const char *name_holder(const struct app_name *own, const char *holder, struct arena *arena)
{
	if (holder[0] == '\0')
		return "";
	if (!owner_is_of(holder, own->tenant))
		return OWNER_OF_ANOTHER;
	const char *app = holder + strlen(own->tenant) + 1;
	return strcmp(app, own->app) != 0 ? arena_string(arena, app) : "";
}

static enum error_class answer_owner(const struct answering *it)
{
	struct redis *redis = it->asker->redis;
	const struct app_name app = { it->asker->lease->tenant, it->asker->lease->app };
	const struct owned_thing thing = { text_of(it->ask->provider), text_of(it->ask->type),
		text_of(it->ask->id) };
	char holder[APP_MEMBER_SIZE] = "";
	enum error_class class = it->ask->what == OWNER_RELEASE
		? owner_release(redis, &thing, &app, it->error)
		: it->ask->what == OWNER_CLAIM
		? owner_claim(redis, &thing, &app, it->ask->shared, holder, it->error)
		: it->ask->what == OWNER_SHARER
		? owner_sharer(redis, &thing, &app, holder, it->error)
		: owner_look(redis, &thing, holder, it->error);

	if (class != ERROR_NONE)
		return class;
	it->reply->text = name_holder(&app, holder, it->arena);
	return it->reply->text != NULL ? ERROR_NONE : no_memory(it->error);
}

/* ---- limiters ---- */

static struct limit_name limiter_of(const struct ask *ask)
{
	return (struct limit_name){ text_of(ask->provider), text_of(ask->credential) };
}

static struct limit_caller caller_of(const struct asker *asker)
{
	return (struct limit_caller){ asker->run_id, { asker->lease->tenant, asker->lease->app },
		asker->worker, asker->heeds_outages };
}

static enum error_class answer_admit(const struct answering *it)
{
	const struct limit_name name = limiter_of(it->ask);
	const struct limit_caller caller = caller_of(it->asker);
	struct reply *reply = it->reply;
	struct limit_admission found;

	if (limit_admit(it->asker->redis, &name, &caller, &found, it->error) != ERROR_NONE)
		return it->error->class;
	reply->wait_ms = found.wait_ms;
	reply->down_ms = found.down_ms;
	reply->response_status = found.status;
	reply->worker_only = found.worker_only;
	reply->probing = found.probing;
	reply->watched = found.watched;
	return ERROR_NONE;
}

static enum error_class answer_throttle(const struct answering *it)
{
	const struct limit_name name = limiter_of(it->ask);
	const struct limit_request request = { it->asker->run_id, it->ask->spacing_ms,
		PACE_HELD_MS };
	struct limit_turn turn;

	if (limit_pace(it->asker->redis, &name, &request, &turn, it->error) != ERROR_NONE)
		return it->error->class;
	it->reply->wait_ms = turn.wait_ms;
	it->reply->granted = turn.granted;
	it->reply->ahead = turn.ahead;
	return ERROR_NONE;
}

static enum error_class answer_limit(const struct answering *it)
{
	const struct limit_name name = limiter_of(it->ask);

	return it->ask->blocked_ms > 0
		? limit_block(it->asker->redis, &name, it->ask->blocked_ms, it->error)
		: limit_unblock(it->asker->redis, &name, it->error);
}

static enum error_class answer_health(const struct answering *it)
{
	const struct limit_name name = limiter_of(it->ask);
	const struct limit_caller caller = caller_of(it->asker);
	const struct limit_failure failure = { it->ask->response_status, it->ask->retry_ms,
		it->ask->unreachable };

	return it->ask->answered
		? limit_answered(it->asker->redis, &name, &caller, it->error)
		: limit_failed(it->asker->redis, &name, &caller, &failure, it->error);
}

/* ---- all of them ---- */

static const struct kind {
	const char *kind;
	enum error_class (*answer)(const struct answering *it);
	bool guards; /* what belongs to other runs as well */
} kinds[] = {
	{ ASK_LOG, answer_save, false },
	{ ASK_SAVE, answer_save, false },
	{ ASK_NEEDS, answer_needs, true },
	{ ASK_OUTPUT, answer_output, true },
	{ ASK_SECRET, answer_secret, true },
	{ ASK_CONNECTION, answer_connection, true },
	{ ASK_MINT, answer_mint, true },
	{ ASK_OWNER, answer_owner, false },
	{ ASK_ADMIT, answer_admit, false },
	{ ASK_THROTTLE, answer_throttle, false },
	{ ASK_LIMIT, answer_limit, false },
	{ ASK_HEALTH, answer_health, false },
};

static const struct kind *find_kind(const char *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			return &kinds[i];
	return NULL;
}

static enum error_class answer(const struct answering *it)
{
	const struct kind *kind = find_kind(it->ask->kind);

	if (kind != NULL)
		return kind->answer(it);
	return error_set(it->error, ERROR_INTERNAL, "an executor asked '%.40s'", it->ask->kind);
}

/* Of the keeper, or of a minter; what belongs to no run was asked for. */
static bool is_refusal(const struct reply *reply)
{
	const enum error_class class =
		reply->class != NULL ? error_class_by_name(reply->class) : ERROR_NONE;

	return class == ERROR_NOT_ALLOWED || class == ERROR_INTERNAL;
}

bool answer_ask(const struct asker *asker, const struct ask *ask, struct arena *arena,
	struct reply *ret_reply)
{
	struct error error = { .class = ERROR_NONE };
	const struct answering it = { asker, ask, arena, ret_reply, &error };
	const struct kind *kind = find_kind(ask->kind);
	const bool guards = kind == NULL || kind->guards;

	*ret_reply = (struct reply){ .class = NULL };
	if (answer(&it) == ERROR_NONE)
		return guards && is_refusal(ret_reply);
	reply_refuse(ret_reply, &error, arena);
	return guards && error.class == ERROR_INTERNAL;
}

/* ---- results ---- */

static void read_failure(const struct job_failure *failure, struct error *ret_failure)
{
	error_set(ret_failure, error_class_by_name(failure->class), "%s", failure->message);
	text_copy(ret_failure->place, sizeof(ret_failure->place), failure->place);
	error_exchange(
		ret_failure, failure->provider, (int)failure->http_status, "", failure->request_id);
}

void ask_write(const struct ask *ask, struct error *ret_failure, struct run_write *ret_write)
{
	const bool known = ask->write > RUN_PROGRESS && ask->write <= RUN_RELEASE;

	*ret_write = (struct run_write){ .kind = RUN_RELEASE };
	if (!known)
		return;
	*ret_write = (struct run_write){ .kind = (enum run_write_kind)ask->write,
		.checkpoint = ask->checkpoint,
		.phase = ask->phase,
		.reason = ask->reason,
		.detail = ask->detail,
		.delay_ms = ask->delay_ms,
		.status = ask->status,
		.output = ask->output,
		.error = ask->error,
		.gives = ask->gives,
		.outage = ask->outage,
		.outage_ms = ask->outage_ms,
		.outage_seen = ask->outage_seen };
	if (ask->failure == NULL)
		return;
	read_failure(ask->failure, ret_failure);
	ret_write->failure = ret_failure;
}
