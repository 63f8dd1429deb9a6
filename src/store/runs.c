/*
 * Runs as scripts: each function makes the keys and arguments of one script and reads its reply.
 * The rules of the state machine are in the scripts alone.
 */
#include "store/runs.h"

#include <string.h>

#include "base/buffer.h"
#include "base/record.h"
#include "base/text.h"
#include "core/error_json.h"
#include "slipway/field.h"
#include "slipway/workflow.h"
#include "store/run_eval.h"
#include "store/server.h"
#include "store/triggers.h"
#include "store/work.h"

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

enum error_class run_from_list(struct run *run, const struct run_name *name,
	const struct run_list *list, int64_t now, struct arena *arena, struct error *error)
{
	const size_t unnamed = list->name_count;
	struct run_name kept;
	bool complete = run_name_copy(&kept, name, arena);

	run_init(run, &kept);
	run->now = now;
	for (size_t i = 0; complete && i < unnamed; i++)
		complete = take_field(run, list->names[i], reply_item(list->reply, i), arena);
	for (size_t i = unnamed; complete && i + 1 < reply_count(list->reply); i += 2)
		complete = take_field(run, reply_text(reply_item(list->reply, i)),
			reply_item(list->reply, i + 1), arena);
	run_add_unsaid(run);
	return complete ? ERROR_NONE : no_memory(error);
}

enum error_class run_from_hash(struct run *run, const struct run_name *name,
	const struct redisReply *hash, int64_t now, struct arena *arena, struct error *error)
{
	const struct run_list list = { .reply = hash };

	return run_from_list(run, name, &list, now, arena, error);
}

enum error_class run_told(struct run *ret_run, const struct run_name *name,
	const struct redisReply *reply, struct arena *arena, struct error *error)
{
	return run_from_hash(ret_run, name, reply_item(reply, 2),
		reply_integer(reply_item(reply, 1)), arena, error);
}

/* ---- for clients ---- */

enum error_class run_trigger(struct redis *redis, const struct trigger *trigger,
	struct arena *arena, struct trigger_result *ret_result, struct error *error)
{
	struct trigger_part one = {
		.trigger = trigger, .arena = arena, .result = ret_result, .error = error
	};
	struct trigger_part *const parts[] = { &one };

	trigger_part_prepare(&one);
	triggers_send(redis, parts, 1);
	return one.class;
}

static const char *const time_words[] = { "TIME" };

enum error_class run_read(struct redis *redis, const struct run_name *name, struct arena *arena,
	struct run *ret_run, struct error *error)
{
	char key[KEY_SIZE];
	const char *const words[] = { "HGETALL", key };
	const struct redis_words commands[] = { { 1, time_words, NULL },
		{ ARRAY_LEN(words), words, NULL } };
	struct redisReply *replies[ARRAY_LEN(commands)];

	run_key_make(key, name);
	if (redis_batch(redis, ARRAY_LEN(commands), commands, replies, error) != ERROR_NONE)
		return error->class;
	enum error_class class =
		run_from_hash(ret_run, name, replies[1], server_time_of(replies[0]), arena, error);
	reply_free(replies[0]);
	reply_free(replies[1]);
	return class;
}

static enum error_class read_cancel(
	const struct redisReply *reply, enum cancel_outcome *ret_outcome, struct error *error)
{
	static const char *const words[] = {
		[CANCEL_ENDED] = "cancelled",
		[CANCEL_ASKED] = "cancelling",
		[CANCEL_NOTHING] = "nothing",
		[CANCEL_OTHER] = "other",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		*ret_outcome = (enum cancel_outcome)i;
		if (strcmp(words[i], reply_word(reply)) == 0)
			return ERROR_NONE;
	}
	return error_set(
		error, ERROR_INTERNAL, "the script cancel answered '%.40s'", reply_word(reply));
}

enum error_class run_cancel(struct redis *redis, const struct run_name *name, const char *run_id,
	struct arena *arena, enum cancel_outcome *ret_outcome, struct run *ret_run,
	struct error *error)
{
	const struct script_argument arguments[] = {
		{ "run", .text = run_id },
		{ "unbegun", .text = error_text(arena, ERROR_CANCELLED, RUN_CANCELLED_MESSAGE) },
		{ "begun", .text = error_text(arena, ERROR_CANCELLED, RUN_STOPPED_MESSAGE) },
	};
	const struct script_call call = { SCRIPT_CANCEL, 0, NULL, ARRAY_LEN(arguments), arguments };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (arguments[1].text == NULL || arguments[2].text == NULL)
		return no_memory(error);
	if (run_eval(redis, name, &call, &reply, error) != ERROR_NONE ||
		read_cancel(reply, ret_outcome, error) != ERROR_NONE)
		return error->class;
	return run_told(ret_run, name, reply, arena, error);
}

/* ---- for workers ---- */

void claim_release(struct claim *claim)
{
	cJSON_Delete(claim->ledger);
	claim->ledger = NULL;
}

enum error_class run_decline(struct redis *redis, const struct run_name *name, const char *run_id,
	const struct decline *decline, struct error *error)
{
	const struct script_argument arguments[] = { { "run", .text = run_id },
		{ "reason", .text = decline->reason }, { "detail", .text = decline->detail } };
	const struct script_call call = { SCRIPT_DECLINE, 0, NULL, ARRAY_LEN(arguments),
		arguments };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	return run_eval(redis, name, &call, &reply, error);
}

struct run_name lease_name(const struct lease *lease)
{
	return (struct run_name){ lease->tenant, lease->app, lease->workflow, lease->step };
}

void lease_set_name(struct lease *lease, const struct run_name *name)
{
	text_copy(lease->tenant, IDENTIFIER_SIZE, name->tenant);
	text_copy(lease->app, IDENTIFIER_SIZE, name->app);
	text_copy(lease->workflow, IDENTIFIER_SIZE, name->workflow);
	text_copy(lease->step, IDENTIFIER_SIZE, name->step);
}

static enum error_class lease_lost(const struct lease *lease, struct error *error)
{
	return error_set(error, ERROR_LEASE_LOST, "the run of %s %s %s is no longer ours",
		lease->app, lease->workflow, lease->step);
}

static bool append_renewal(struct buffer *buffer, const struct renewal *renewal)
{
	const struct lease *lease = &renewal->lease;
	const struct run_name name = lease_name(lease);
	char member[MEMBER_SIZE], text[MEMBER_SIZE + TOKEN_SIZE + 32], lasting[24] = "-";

	if (renewal->lease_ms != RENEWAL_LOOK)
		text_format(lasting, sizeof(lasting), "%lld", (long long)renewal->lease_ms);
	member_make(member, &name);
	return text_format(text, sizeof(text), "%s %s %s ", member, lease->token, lasting) &&
		buffer_append_string(buffer, text);
}

static enum renewed renewed_by_word(const char *word)
{
	static const char *const words[] = {
		[RENEWED_HELD] = "held",
		[RENEWED_CANCEL] = "cancel",
		[RENEWED_LOST] = "lost",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i], word) == 0)
			return (enum renewed)i;
	return RENEWED_BROKEN;
}

enum error_class runs_renew(
	struct redis *redis, struct renewal *renewals, size_t count, struct error *error)
{
	CLEANUP_BUFFER struct buffer leases = BUFFER_EMPTY((size_t)RENEWALS_MAX * 512);
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (count == 0)
		return ERROR_NONE;
	for (size_t i = 0; i < count; i++)
		if (!append_renewal(&leases, &renewals[i]))
			return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to renew leases");
	const struct run_name name = lease_name(&renewals[0].lease);
	const struct script_argument arguments[] = { { "leases", .text = buffer_text(&leases) } };
	const struct script_call call = { SCRIPT_RENEW, 0, NULL, ARRAY_LEN(arguments), arguments };
	if (run_eval(redis, &name, &call, &reply, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < count; i++)
		renewals[i].state = renewed_by_word(reply_text(reply_item(reply, i)));
	return ERROR_NONE;
}

enum error_class run_renew(struct redis *redis, const struct lease *lease, int64_t lease_ms,
	bool *ret_cancel, struct error *error)
{
	struct renewal renewal = { .lease = *lease, .lease_ms = lease_ms };

	if (runs_renew(redis, &renewal, 1, error) != ERROR_NONE)
		return error->class;
	*ret_cancel = renewal.state == RENEWED_CANCEL;
	if (renewal.state == RENEWED_LOST)
		return lease_lost(lease, error);
	return renewal.state != RENEWED_BROKEN
		? ERROR_NONE
		: error_set(error, ERROR_STORE_REFUSED,
			  "the run of %s %s %s has a broken key; 'slipway verify' names it",
			  lease->app, lease->workflow, lease->step);
}

enum error_class run_write_told(struct redis *redis, const struct lease *lease,
	const struct run_write *write, struct arena *arena, struct run *ret_ended,
	struct error *error)
{
	struct work_write one = { .lease = lease, .write = write, .arena = arena, .error = error };
	const struct work work = { .writes = { &one }, .count = 1 };

	work_send(redis, &work);
	*ret_ended = one.ended;
	return one.class;
}

enum error_class run_write(struct redis *redis, const struct lease *lease,
	const struct run_write *write, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct run ended;

	return run_write_told(redis, lease, write, &arena, &ended, error);
}

enum error_class run_output(struct redis *redis, const struct run_name *name, struct arena *arena,
	struct step_output *ret_output, struct error *error)
{
	char key[KEY_SIZE];

	run_key_make(key, name);
	const char *const words[] = { "HMGET", key, "status", "output", "removed", "gives" };
	CLEANUP_REPLY struct redisReply *reply = NULL;
	if (redis_command(redis, ARRAY_LEN(words), words, &reply, error) != ERROR_NONE)
		return error->class;
	const bool is_done = strcmp(reply_word(reply), "done") == 0;
	const bool is_removed = reply_text(reply_item(reply, 2))[0] != '\0';
	*ret_output = (struct step_output){
		.status = arena_string(arena, is_done && is_removed ? "removed" : reply_word(reply))
	};
	if (is_done && !is_removed) {
		ret_output->output = arena_string(arena, reply_text(reply_item(reply, 1)));
		ret_output->gives = arena_string(arena, reply_text(reply_item(reply, 3)));
	}
	return arena->exhausted ? no_memory(error) : ERROR_NONE;
}
