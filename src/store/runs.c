/*
 * Runs as scripts: each function makes the keys and arguments of one script and reads its reply.
 * The rules of the state machine are in the scripts alone.
 */
#include "store/runs.h"

#include <string.h>

#include "base/record.h"
#include "base/text.h"
#include "core/error_json.h"
#include "slipway/field.h"
#include "slipway/workflow.h"
#include "store/ledger.h"
#include "store/queue.h"
#include "store/run_eval.h"
#include "store/server.h"

/* ---- reading replies ---- */

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to read a run");
}

static bool take_field(
	struct run *run, const char *name, const struct redisReply *value, struct arena *arena)
{
	const char *text = reply_text(value);
	return record_take(&run_shown, run, name, text, arena) &&
		record_take(&run_hidden, run, name, text, arena);
}

static enum error_class take_hash(struct run *run, const struct run_name *name,
	const struct redisReply *hash, int64_t now, struct arena *arena, struct error *error)
{
	const struct run_name kept = { arena_string(arena, name->app),
		arena_string(arena, name->workflow), arena_string(arena, name->step) };
	bool complete = kept.app != NULL && kept.workflow != NULL && kept.step != NULL;

	run_init(run, &kept);
	run->now = now;
	for (size_t i = 0; complete && i + 1 < reply_count(hash); i += 2)
		complete = take_field(
			run, reply_text(reply_item(hash, i)), reply_item(hash, i + 1), arena);
	return complete ? ERROR_NONE : no_memory(error);
}

static const char *word_of(const struct redisReply *reply)
{
	return reply_text(reply_item(reply, 0));
}

enum error_class run_told(struct run *ret_run, const struct run_name *name,
	const struct redisReply *reply, struct arena *arena, struct error *error)
{
	return take_hash(ret_run, name, reply_item(reply, 2), reply_integer(reply_item(reply, 1)),
		arena, error);
}

/* ---- for clients ---- */

/* What a client calls a need, by its number in the reply. */
static const char *need_name(const struct trigger *trigger, int64_t number, struct arena *arena)
{
	size_t index = (size_t)number - 1;

	if (index < trigger->need_count)
		return arena_string(arena, trigger->needs[index]);
	if (index - trigger->need_count >= trigger->other_count)
		return NULL;
	const struct run_name *other = &trigger->others[index - trigger->need_count];
	return arena_format(arena, "%s.%s.%s", other->app, other->workflow, other->step);
}

static enum error_class read_missing(const struct redisReply *missing,
	const struct trigger *trigger, struct arena *arena, struct trigger_result *result,
	struct error *error)
{
	result->missing_count = 0;
	for (size_t i = 0; i < reply_count(missing) && i < ARRAY_LEN(result->missing); i++) {
		const struct redisReply *item = reply_item(missing, i);
		const char *name = result->outcome == TRIGGER_RING
			? arena_string(arena, reply_text(item))
			: need_name(trigger, reply_integer(item), arena);
		if (name == NULL)
			return no_memory(error);
		result->missing[result->missing_count++] = name;
	}

	return ERROR_NONE;
}

static enum error_class read_trigger_result(const struct redisReply *reply,
	const struct trigger *trigger, struct arena *arena, struct trigger_result *result,
	struct error *error)
{
	static const char *const words[] = {
		[TRIGGER_NEW] = "new",
		[TRIGGER_SAME] = "same",
		[TRIGGER_REUSED] = "reused",
		[TRIGGER_CONFLICT] = "conflict",
		[TRIGGER_NEEDS_NOT_DONE] = "needs_not_done",
		[TRIGGER_RING] = "ring",
	};
	size_t outcome = 0;

	while (outcome < ARRAY_LEN(words) && strcmp(words[outcome], word_of(reply)) != 0)
		outcome++;
	if (outcome == ARRAY_LEN(words))
		return error_set(
			error, ERROR_INTERNAL, "the script trigger answered '%s'", word_of(reply));
	result->outcome = (enum trigger_outcome)outcome;
	if (read_missing(reply_item(reply, 3), trigger, arena, result, error) != ERROR_NONE)
		return error->class;
	return take_hash(&result->run, &trigger->name, reply_item(reply, 2),
		reply_integer(reply_item(reply, 1)), arena, error);
}

/* The keys of what the trigger needs. */
struct need_keys {
	char names[NEEDS_MAX][KEY_SIZE];
	const char *list[NEEDS_MAX];
	size_t count;
};

static void add_need(struct need_keys *keys, const struct run_name *need)
{
	run_key_make(keys->names[keys->count], need);
	keys->list[keys->count] = keys->names[keys->count];
	keys->count++;
}

static void list_needs(const struct trigger *trigger, struct need_keys *keys)
{
	const struct run_name *name = &trigger->name;

	keys->count = 0;
	for (size_t i = 0; i < trigger->need_count; i++)
		add_need(keys, &(struct run_name){ name->app, name->workflow, trigger->needs[i] });
	for (size_t i = 0; i < trigger->other_count; i++)
		add_need(keys, &trigger->others[i]);
}

/* The same as names, as the script keeps them: app:workflow:step, with spaces between. */
static const char *names_of_needs(const struct trigger *trigger, struct arena *arena)
{
	const struct run_name *name = &trigger->name;
	const char *names = "";

	for (size_t i = 0; names != NULL && i < trigger->need_count; i++)
		names = arena_format(arena, "%s%s%s:%s:%s", names, i > 0 ? " " : "", name->app,
			name->workflow, trigger->needs[i]);
	for (size_t i = 0; names != NULL && i < trigger->other_count; i++)
		names = arena_format(arena, "%s%s%s:%s:%s", names, names[0] != '\0' ? " " : "",
			trigger->others[i].app, trigger->others[i].workflow,
			trigger->others[i].step);
	return names;
}

enum error_class run_trigger(struct redis *redis, const struct trigger *trigger,
	struct arena *arena, struct trigger_result *ret_result, struct error *error)
{
	char run_id[RUN_ID_SIZE];
	struct need_keys needs;
	const char *need_names = names_of_needs(trigger, arena);
	const struct script_argument arguments[] = {
		{ "app", .text = trigger->name.app },
		{ "workflow", .text = trigger->name.workflow },
		{ "step", .text = trigger->name.step },
		{ "run", .text = run_id },
		{ "input", .text = trigger->input },
		{ "digest", .text = trigger->digest },
		{ "definition", .text = trigger->definition },
		{ "outputs", .text = trigger->outputs },
		{ "uses", .text = trigger->uses },
		{ "force", .text = trigger->force ? "1" : "" },
		{ "hold", .integer = trigger->hold_ms > 0 ? &trigger->hold_ms : NULL },
		{ "needs", .text = need_names },
		{ "run_ms", .integer = &trigger->run_ms },
		{ "attempts", .integer = &trigger->attempts },
		{ "retention", .integer = &trigger->retention_seconds },
		{ "trigger", .text = trigger->id },
		{ "request", .text = trigger->request },
	};

	if (need_names == NULL)
		return no_memory(error);
	run_id_make(run_id);
	list_needs(trigger, &needs);
	const struct script_call call = { SCRIPT_TRIGGER, needs.count, needs.list,
		ARRAY_LEN(arguments), arguments };
	CLEANUP_REPLY struct redisReply *reply = NULL;
	if (run_eval(redis, &trigger->name, &call, &reply, error) != ERROR_NONE)
		return error->class;
	return read_trigger_result(reply, trigger, arena, ret_result, error);
}

static const char *const time_words[] = { "TIME" };

enum error_class run_read(struct redis *redis, const struct run_name *name, struct arena *arena,
	struct run *ret_run, struct error *error)
{
	char key[KEY_SIZE];
	const char *const words[] = { "HGETALL", key };
	const struct redis_words commands[] = { { 1, time_words }, { ARRAY_LEN(words), words } };
	struct redisReply *replies[ARRAY_LEN(commands)];

	run_key_make(key, name);
	if (redis_batch(redis, ARRAY_LEN(commands), commands, replies, error) != ERROR_NONE)
		return error->class;
	enum error_class class =
		take_hash(ret_run, name, replies[1], server_time_of(replies[0]), arena, error);
	reply_free(replies[0]);
	reply_free(replies[1]);
	return class;
}

enum error_class run_cancel(struct redis *redis, const struct run_name *name, struct arena *arena,
	bool *ret_accepted, struct run *ret_run, struct error *error)
{
	const struct script_argument arguments[] = {
		{ "unbegun", .text = error_text(arena, ERROR_CANCELLED, RUN_CANCELLED_MESSAGE) },
		{ "begun", .text = error_text(arena, ERROR_CANCELLED, RUN_STOPPED_MESSAGE) },
	};
	const struct script_call call = { SCRIPT_CANCEL, 0, NULL, ARRAY_LEN(arguments), arguments };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (arguments[0].text == NULL || arguments[1].text == NULL)
		return no_memory(error);
	if (run_eval(redis, name, &call, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_accepted = strcmp(word_of(reply), "nothing") != 0;
	return run_told(ret_run, name, reply, arena, error);
}

/* ---- for workers ---- */

static enum error_class read_claim(const struct redisReply *reply, const struct run_name *name,
	struct arena *arena, struct claim *claim, struct error *error)
{
	text_copy(claim->lease.app, IDENTIFIER_SIZE, name->app);
	text_copy(claim->lease.workflow, IDENTIFIER_SIZE, name->workflow);
	text_copy(claim->lease.step, IDENTIFIER_SIZE, name->step);
	text_copy(claim->lease.token, TOKEN_SIZE, reply_text(reply_item(reply, 2)));
	if (take_hash(&claim->run, name, reply_item(reply, 3), reply_integer(reply_item(reply, 1)),
		    arena, error) != ERROR_NONE)
		return error->class;
	return ledger_decode(reply_item(reply, 4), &claim->ledger, error);
}

void claim_release(struct claim *claim)
{
	cJSON_Delete(claim->ledger);
	claim->ledger = NULL;
}

enum error_class run_claim(struct redis *redis, const struct queue_entry *entry,
	const struct claimant *claimant, struct arena *arena, struct claim *ret_claim,
	struct error *error)
{
	const char *expired = error_text(arena, ERROR_TIMEOUT, RUN_EXPIRED_MESSAGE);
	const struct script_argument arguments[] = {
		{ "entry", .text = entry->id },
		{ "run", .text = entry->run_id },
		{ "worker", .text = claimant->worker },
		{ "lease_ms", .integer = &claimant->lease_ms },
		{ "expired", .text = expired },
	};
	const struct script_call call = { SCRIPT_CLAIM, 0, NULL, ARRAY_LEN(arguments), arguments };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (expired == NULL)
		return no_memory(error);
	if (run_eval(redis, &entry->name, &call, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_claim = (struct claim){ .taken = strcmp(word_of(reply), "claimed") == 0 };
	return ret_claim->taken ? read_claim(reply, &entry->name, arena, ret_claim, error)
				: run_told(&ret_claim->run, &entry->name, reply, arena, error);
}

enum error_class run_decline(struct redis *redis, const struct queue_entry *entry,
	const struct decline *decline, struct arena *arena, struct run *ret_ended,
	struct error *error)
{
	const struct script_argument arguments[] = {
		{ "entry", .text = entry->id },
		{ "run", .text = entry->run_id },
		{ "reason", .text = decline->reason },
		{ "detail", .text = decline->detail },
		{ "expired", .text = error_text(arena, ERROR_TIMEOUT, RUN_EXPIRED_MESSAGE) },
	};
	const struct script_call call = { SCRIPT_DECLINE, 0, NULL, ARRAY_LEN(arguments),
		arguments };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (arguments[4].text == NULL)
		return no_memory(error);
	if (run_eval(redis, &entry->name, &call, &reply, error) != ERROR_NONE)
		return error->class;
	return run_told(ret_ended, &entry->name, reply, arena, error);
}

struct run_name lease_name(const struct lease *lease)
{
	return (struct run_name){ lease->app, lease->workflow, lease->step };
}

/* Runs a script on a leased run, whose token is among the arguments. *ret_reply is the caller's. */
static enum error_class eval_leased(struct redis *redis, const struct lease *lease,
	const struct script_call *call, struct redisReply **ret_reply, struct error *error)
{
	const struct run_name name = lease_name(lease);

	if (run_eval(redis, &name, call, ret_reply, error) != ERROR_NONE)
		return error->class;
	if (strcmp(word_of(*ret_reply), "lost") != 0)
		return ERROR_NONE;
	reply_clear(ret_reply);
	return error_set(error, ERROR_LEASE_LOST, "the run of %s %s %s is no longer ours",
		lease->app, lease->workflow, lease->step);
}

enum error_class run_renew(struct redis *redis, const struct lease *lease, int64_t lease_ms,
	bool *ret_cancel, struct error *error)
{
	const struct script_argument arguments[] = { { "token", .text = lease->token },
		{ "lease_ms", .integer = &lease_ms } };
	const struct script_call call = { SCRIPT_RENEW, 0, NULL, ARRAY_LEN(arguments), arguments };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (eval_leased(redis, lease, &call, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_cancel = strcmp(word_of(reply), "cancel") == 0;
	return ERROR_NONE;
}

enum error_class run_wants_cancel(
	struct redis *redis, const struct lease *lease, bool *ret_cancel, struct error *error)
{
	const struct run_name name = lease_name(lease);
	char key[KEY_SIZE];

	run_key_make(key, &name);
	const char *const words[] = { "HGET", key, "cancel" };
	CLEANUP_REPLY struct redisReply *reply = NULL;
	if (redis_command(redis, 3, words, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_cancel = reply_text(reply)[0] != '\0';
	return ERROR_NONE;
}

/* What each script takes beside token and checkpoint. */
#define WRITE_ARGUMENTS 7

static enum error_class send_write(struct redis *redis, const struct lease *lease,
	const struct run_write *write, struct redisReply **ret_reply, struct error *error)
{
	const struct script_argument reason = { "reason", .text = write->reason },
				     detail = { "detail", .text = write->detail },
				     delay = { "delay_ms", .integer = &write->delay_ms },
				     outage = { "outage", .text = write->outage ? "1" : "" },
				     lost = { "outage_ms", .integer = &write->outage_ms },
				     seen = { "outage_seen", .text = write->outage_seen };
	const struct {
		enum script_id script;
		size_t count;
		struct script_argument own[WRITE_ARGUMENTS];
	} kinds[] = {
		[RUN_PROGRESS] = { SCRIPT_PROGRESS, 4,
			{ { "field", .text = write->ledger_field },
				{ "value", .text = write->ledger_value },
				{ "replaces", .text = write->ledger_replaces ? "1" : "" },
				{ "log", .text = write->log } } },
		[RUN_WAIT] = { SCRIPT_WAIT, 7,
			{ { "phase", .text = write->phase }, delay, reason, detail, outage, lost,
				seen } },
		[RUN_RETRY] = { SCRIPT_RETRY, 6, { delay, reason, detail, outage, lost, seen } },
		[RUN_FINISH] = { SCRIPT_FINISH, 5,
			{ { "status", .text = write->status }, { "output", .text = write->output },
				{ "gives", .text = write->gives },
				{ "error", .text = write->error }, reason } },
		[RUN_RELEASE] = { SCRIPT_RELEASE, 0, { { .name = NULL } } },
	};
	struct script_argument arguments[2 + WRITE_ARGUMENTS] = { { "token", .text = lease->token },
		{ "checkpoint", .text = write->checkpoint } };
	const size_t count = kinds[write->kind].count;
	const struct script_call call = { kinds[write->kind].script, 0, NULL, 2 + count,
		arguments };

	memcpy(&arguments[2], kinds[write->kind].own, count * sizeof(arguments[0]));
	return eval_leased(redis, lease, &call, ret_reply, error);
}

enum error_class run_write(struct redis *redis, const struct lease *lease,
	const struct run_write *write, struct error *error)
{
	CLEANUP_REPLY struct redisReply *reply = NULL;
	return send_write(redis, lease, write, &reply, error);
}

enum error_class run_write_told(struct redis *redis, const struct lease *lease,
	const struct run_write *write, struct arena *arena, struct run *ret_ended,
	struct error *error)
{
	CLEANUP_REPLY struct redisReply *reply = NULL;
	const struct run_name name = lease_name(lease);

	if (send_write(redis, lease, write, &reply, error) != ERROR_NONE)
		return error->class;

	/* It is written: where memory is too short to tell of it, that is not undone. */
	if (run_told(ret_ended, &name, reply, arena, error) != ERROR_NONE)
		run_init(ret_ended, &name);
	return ERROR_NONE;
}

enum error_class run_output(struct redis *redis, const struct run_name *name, struct arena *arena,
	const char **ret_output, const char **ret_status, struct error *error)
{
	char key[KEY_SIZE];

	run_key_make(key, name);
	const char *const words[] = { "HMGET", key, "status", "output", "removed" };
	CLEANUP_REPLY struct redisReply *reply = NULL;
	*ret_output = NULL;
	if (redis_command(redis, 5, words, &reply, error) != ERROR_NONE)
		return error->class;
	bool done =
		strcmp(word_of(reply), "done") == 0 && reply_text(reply_item(reply, 2))[0] == '\0';
	*ret_status = arena_string(
		arena, !done && strcmp(word_of(reply), "done") == 0 ? "removed" : word_of(reply));
	if (done)
		*ret_output = arena_string(arena, reply_text(reply_item(reply, 1)));
	return *ret_status != NULL && (!done || *ret_output != NULL) ? ERROR_NONE
								     : no_memory(error);
}
