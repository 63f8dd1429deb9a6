/*
 * Runs as scripts: each function makes the keys and arguments of one script and reads its reply. The rules of
 * the state machine are in the scripts alone.
 */
#include "store/runs.h"

#include <string.h>

#include "base/text.h"
#include "core/error_json.h"
#include "slipway/field.h"
#include "slipway/workflow.h"
#include "store/ledger.h"
#include "store/server.h"

/* ---- reading replies ---- */

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to read a run");
}

/* Times and counts that a manual edit has put out of all bounds: between any two of them, a difference still fits. */
static int64_t bounded(int64_t value)
{
	return value < 0 ? 0 : value > JSON_INTEGER_MAX ? JSON_INTEGER_MAX : value;
}

static bool take_field(struct run *run, const char *name, const struct redisReply *value, struct arena *arena)
{
	for (const struct run_field *field = run_fields; field->name != NULL; field++) {
		if (strcmp(field->name, name) != 0)
			continue;
		void *target = (char *)run + field->offset;
		if (field->is_integer) {
			*(int64_t *)target = bounded(reply_integer(value));
			return true;
		}
		*(const char **)target = arena_string(arena, reply_text(value));
		return *(const char **)target != NULL;
	}

	return true;
}

/* Fields that we do not know are a newer version's; they are passed over. */
static enum error_class take_hash(struct run *run, const struct run_name *name, const struct redisReply *hash,
	int64_t now, struct arena *arena, struct error *error)
{
	run_init(run, arena_string(arena, name->app), arena_string(arena, name->workflow),
		arena_string(arena, name->action));
	run->now = now;
	bool complete = run->app != NULL && run->workflow != NULL && run->action != NULL;
	for (size_t i = 0; complete && i + 1 < reply_count(hash); i += 2)
		complete = take_field(run, reply_text(reply_item(hash, i)), reply_item(hash, i + 1), arena);
	return complete ? ERROR_NONE : no_memory(error);
}

static const char *word_of(const struct redisReply *reply)
{
	return reply_text(reply_item(reply, 0));
}

enum error_class run_told(struct run *ret_run, const struct run_name *name, const struct redisReply *reply,
	struct arena *arena, struct error *error)
{
	return take_hash(ret_run, name, reply_item(reply, 2), reply_integer(reply_item(reply, 1)), arena, error);
}

static const char *text_or_empty(const char *text)
{
	return text != NULL ? text : "";
}

#define NUMBER_SIZE 24

static const char *number_text(char text[NUMBER_SIZE], int64_t number)
{
	text_format(text, NUMBER_SIZE, "%lld", (long long)number);
	return text;
}

/* ---- for clients ---- */

static enum error_class read_trigger_result(const struct redisReply *reply, const struct trigger *trigger,
	struct arena *arena, struct trigger_result *result, struct error *error)
{
	static const char *const words[] = {
		[TRIGGER_NEW] = "new",
		[TRIGGER_SAME] = "same",
		[TRIGGER_REUSED] = "reused",
		[TRIGGER_CONFLICT] = "conflict",
		[TRIGGER_NEEDS_NOT_DONE] = "needs_not_done",
	};
	size_t outcome = 0;

	while (outcome < ARRAY_LEN(words) && strcmp(words[outcome], word_of(reply)) != 0)
		outcome++;
	if (outcome == ARRAY_LEN(words))
		return error_set(error, ERROR_INTERNAL, "the script trigger answered '%s'", word_of(reply));
	result->outcome = (enum trigger_outcome)outcome;
	const struct redisReply *missing = reply_item(reply, 3);
	result->missing_count = 0;
	for (size_t i = 0; i < reply_count(missing) && i < ARRAY_LEN(result->missing); i++) {
		const char *name = arena_string(arena, reply_text(reply_item(missing, i)));
		if (name == NULL)
			return no_memory(error);
		result->missing[result->missing_count++] = name;
	}

	return take_hash(
		&result->run, &trigger->name, reply_item(reply, 2), reply_integer(reply_item(reply, 1)), arena, error);
}

#define TRIGGER_ARGUMENTS 12
#define TRIGGER_NEEDS_MAX (ARRAY_LEN(((struct trigger *)0)->needs) + ARRAY_LEN(((struct trigger *)0)->others))

/* What a trigger gives to its script, with the texts that it is made of. */
struct trigger_call {
	struct run_keys keys;
	char need_keys[TRIGGER_NEEDS_MAX][KEY_SIZE], other_names[ARRAY_LEN(((struct trigger *)0)->others)][MEMBER_SIZE];
	const char *key_list[RUN_KEY_COUNT + TRIGGER_NEEDS_MAX];
	const char *arguments[TRIGGER_ARGUMENTS + TRIGGER_NEEDS_MAX];
	size_t need_count;
};

static void add_need(struct trigger_call *call, const struct run_name *need, const char *name)
{
	size_t index = call->need_count++;
	run_key_make(call->need_keys[index], need);
	call->key_list[RUN_KEY_COUNT + index] = call->need_keys[index];
	call->arguments[TRIGGER_ARGUMENTS + index] = name;
}

static void add_needs(struct trigger_call *call, const struct trigger *trigger)
{
	for (size_t i = 0; i < trigger->need_count; i++)
		add_need(call, &(struct run_name){ trigger->name.app, trigger->name.workflow, trigger->needs[i] },
			trigger->needs[i]);
	for (size_t i = 0; i < trigger->other_count; i++) {
		const struct run_name *other = &trigger->others[i];
		text_format(call->other_names[i], sizeof(call->other_names[i]), "%s.%s.%s", other->app, other->workflow,
			other->action);
		add_need(call, other, call->other_names[i]);
	}
}

enum error_class run_trigger(struct redis *redis, const struct trigger *trigger, struct arena *arena,
	struct trigger_result *ret_result, struct error *error)
{
	struct trigger_call call = { .need_count = 0 };
	char run_id[RUN_ID_SIZE], deadline[NUMBER_SIZE], attempts[NUMBER_SIZE], retention[NUMBER_SIZE];
	const char *const own[TRIGGER_ARGUMENTS] = { trigger->name.app, trigger->name.workflow, trigger->name.action,
		run_id, trigger->input, trigger->digest, trigger->force ? "1" : "",
		number_text(deadline, trigger->run_ms), number_text(attempts, trigger->attempts),
		number_text(retention, trigger->retention_seconds), text_or_empty(trigger->id),
		text_or_empty(trigger->request) };

	run_id_make(run_id);
	run_keys_make(&call.keys, &trigger->name);
	memcpy(call.key_list, call.keys.list, sizeof(call.keys.list));
	memcpy(call.arguments, own, sizeof(own));
	add_needs(&call, trigger);
	struct redisReply *reply;
	if (redis_eval(redis, SCRIPT_TRIGGER, RUN_KEY_COUNT + call.need_count, call.key_list,
		    TRIGGER_ARGUMENTS + call.need_count, call.arguments, &reply, error) != ERROR_NONE)
		return error->class;
	enum error_class class = read_trigger_result(reply, trigger, arena, ret_result, error);
	reply_free(reply);
	return class;
}

/* The fields of the table, all or those that are shown. */
static size_t list_fields(bool all, const char *names[RUN_FIELDS_MAX])
{
	size_t count = 0;
	for (const struct run_field *field = run_fields; field->name != NULL; field++)
		if (all || field->is_shown)
			names[count++] = field->name;
	return count;
}

static enum error_class take_values(struct run *run, const struct run_name *name, const struct redisReply *values,
	const char *const *fields, int64_t now, struct arena *arena, struct error *error)
{
	enum error_class class = take_hash(run, name, NULL, now, arena, error);
	for (size_t i = 0; class == ERROR_NONE && i < reply_count(values); i++)
		if (!take_field(run, fields[i], reply_item(values, i), arena))
			class = no_memory(error);
	return class;
}

/* One turn: TIME, and an HMGET for each run. */
static enum error_class read_fields(struct redis *redis, bool all, size_t count, const struct run_name *names,
	struct arena *arena, struct run *ret_runs, struct error *error)
{
	char keys[WORKFLOW_STEPS_MAX][KEY_SIZE];
	const char *words[WORKFLOW_STEPS_MAX][2 + RUN_FIELDS_MAX];
	static const char *const time_words[] = { "TIME" };
	struct redis_words commands[1 + WORKFLOW_STEPS_MAX] = { { 1, time_words } };
	struct redisReply *replies[1 + WORKFLOW_STEPS_MAX];
	size_t fields = 0;

	for (size_t i = 0; i < count; i++) {
		run_key_make(keys[i], &names[i]);
		words[i][0] = "HMGET";
		words[i][1] = keys[i];
		fields = list_fields(all, &words[i][2]);
		commands[1 + i] = (struct redis_words){ 2 + fields, words[i] };
	}

	if (redis_batch(redis, 1 + count, commands, replies, error) != ERROR_NONE)
		return error->class;
	enum error_class class = ERROR_NONE;
	for (size_t i = 0; i < count; i++) {
		if (class == ERROR_NONE)
			class = take_values(&ret_runs[i], &names[i], replies[1 + i], &words[i][2],
				server_time_of(replies[0]), arena, error);
		reply_free(replies[1 + i]);
	}

	reply_free(replies[0]);
	return class;
}

enum error_class run_read(
	struct redis *redis, const struct run_name *name, struct arena *arena, struct run *ret_run, struct error *error)
{
	return read_fields(redis, true, 1, name, arena, ret_run, error);
}

enum error_class runs_read_shown(struct redis *redis, size_t count, const struct run_name *names, struct arena *arena,
	struct run *ret_runs, struct error *error)
{
	return read_fields(redis, false, count, names, arena, ret_runs, error);
}

enum error_class run_cancel(struct redis *redis, const struct run_name *name, struct arena *arena, bool *ret_accepted,
	struct run *ret_run, struct error *error)
{
	struct run_keys keys;

	run_keys_make(&keys, name);
	const char *const problems[] = { error_text(arena, ERROR_CANCELLED, RUN_CANCELLED_MESSAGE),
		error_text(arena, ERROR_CANCELLED, RUN_STOPPED_MESSAGE) };
	if (problems[0] == NULL || problems[1] == NULL)
		return no_memory(error);
	struct redisReply *reply;
	if (redis_eval(redis, SCRIPT_CANCEL, RUN_KEY_COUNT, keys.list, 2, problems, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_accepted = strcmp(word_of(reply), "nothing") != 0;
	enum error_class class = run_told(ret_run, name, reply, arena, error);
	reply_free(reply);
	return class;
}

/* ---- for workers ---- */

static enum error_class read_claim(const struct redisReply *reply, const struct run_name *name, struct arena *arena,
	struct claim *claim, struct error *error)
{
	*claim = (struct claim){ .ledger = NULL };
	text_copy(claim->lease.app, IDENTIFIER_SIZE, name->app);
	text_copy(claim->lease.workflow, IDENTIFIER_SIZE, name->workflow);
	text_copy(claim->lease.action, IDENTIFIER_SIZE, name->action);
	text_copy(claim->lease.token, TOKEN_SIZE, reply_text(reply_item(reply, 2)));
	if (take_hash(&claim->run, name, reply_item(reply, 3), reply_integer(reply_item(reply, 1)), arena, error) !=
		ERROR_NONE)
		return error->class;
	return ledger_decode(reply_item(reply, 4), &claim->ledger, error);
}

void claim_release(struct claim *claim)
{
	cJSON_Delete(claim->ledger);
	claim->ledger = NULL;
}

enum error_class run_claim(struct redis *redis, const struct run_name *name, const char *entry, const char *run_id,
	const char *worker, int64_t lease_ms, struct arena *arena, bool *ret_claimed, struct claim *ret_claim,
	struct error *error)
{
	struct run_keys keys;
	char lease[NUMBER_SIZE];

	run_keys_make(&keys, name);
	const char *const arguments[] = { entry, run_id, worker, number_text(lease, lease_ms),
		error_text(arena, ERROR_TIMEOUT, RUN_EXPIRED_MESSAGE) };
	if (arguments[4] == NULL)
		return no_memory(error);
	struct redisReply *reply;
	if (redis_eval(redis, SCRIPT_CLAIM, RUN_KEY_COUNT, keys.list, 5, arguments, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_claimed = strcmp(word_of(reply), "claimed") == 0;
	*ret_claim = (struct claim){ .ledger = NULL };
	enum error_class class = *ret_claimed ? read_claim(reply, name, arena, ret_claim, error)
					      : run_told(&ret_claim->run, name, reply, arena, error);
	reply_free(reply);
	return class;
}

/* Runs a script on a leased run. *ret_reply is the caller's. */
static enum error_class eval_leased(struct redis *redis, const struct lease *lease, enum script_id script,
	size_t argument_count, const char *const *arguments, struct redisReply **ret_reply, struct error *error)
{
	struct run_keys keys;

	run_keys_make(&keys, &(struct run_name){ lease->app, lease->workflow, lease->action });
	if (redis_eval(redis, script, RUN_KEY_COUNT, keys.list, argument_count, arguments, ret_reply, error) !=
		ERROR_NONE)
		return error->class;
	if (strcmp(word_of(*ret_reply), "lost") != 0)
		return ERROR_NONE;
	reply_free(*ret_reply);
	return error_set(error, ERROR_LEASE_LOST, "the run of %s %s %s is no longer ours", lease->app, lease->workflow,
		lease->action);
}

enum error_class run_renew(
	struct redis *redis, const struct lease *lease, int64_t lease_ms, bool *ret_cancel, struct error *error)
{
	char number[NUMBER_SIZE];
	struct redisReply *reply;
	const char *const arguments[] = { lease->token, number_text(number, lease_ms) };
	if (eval_leased(redis, lease, SCRIPT_RENEW, 2, arguments, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_cancel = strcmp(word_of(reply), "cancel") == 0;
	reply_free(reply);
	return ERROR_NONE;
}

enum error_class run_wants_cancel(struct redis *redis, const struct lease *lease, bool *ret_cancel, struct error *error)
{
	char key[KEY_SIZE];

	run_key_make(key, &(struct run_name){ lease->app, lease->workflow, lease->action });
	const char *const words[] = { "HGET", key, "cancel" };
	struct redisReply *reply;
	if (redis_command(redis, 3, words, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_cancel = reply_text(reply)[0] != '\0';
	reply_free(reply);
	return ERROR_NONE;
}

static enum error_class send_write(struct redis *redis, const struct lease *lease, const struct run_write *write,
	struct redisReply **ret_reply, struct error *error)
{
	char delay[NUMBER_SIZE];

	number_text(delay, write->delay_ms);

	/* What each script takes behind token and checkpoint, in its order. */
	const struct {
		enum script_id script;
		const char *arguments[4];
		size_t count;
	} kinds[] = {
		[RUN_PROGRESS] = { SCRIPT_PROGRESS,
			{ write->ledger_field, write->ledger_value, write->log, write->ledger_replaces ? "1" : "" },
			4 },
		[RUN_WAIT] = { SCRIPT_WAIT, { write->phase, delay, write->reason, write->detail }, 4 },
		[RUN_RETRY] = { SCRIPT_RETRY, { delay, write->reason, write->detail }, 3 },
		[RUN_FINISH] = { SCRIPT_FINISH, { write->status, write->output, write->error, write->reason }, 4 },
		[RUN_RELEASE] = { SCRIPT_RELEASE, { NULL }, 0 },
	};
	const char *arguments[6] = { lease->token, text_or_empty(write->checkpoint) };
	for (size_t i = 0; i < kinds[write->kind].count; i++)
		arguments[2 + i] = text_or_empty(kinds[write->kind].arguments[i]);
	return eval_leased(
		redis, lease, kinds[write->kind].script, 2 + kinds[write->kind].count, arguments, ret_reply, error);
}

enum error_class run_write(
	struct redis *redis, const struct lease *lease, const struct run_write *write, struct error *error)
{
	struct redisReply *reply;
	if (send_write(redis, lease, write, &reply, error) != ERROR_NONE)
		return error->class;
	reply_free(reply);
	return ERROR_NONE;
}

enum error_class run_write_told(struct redis *redis, const struct lease *lease, const struct run_write *write,
	struct arena *arena, struct run *ret_ended, struct error *error)
{
	struct redisReply *reply;
	const struct run_name name = { lease->app, lease->workflow, lease->action };

	if (send_write(redis, lease, write, &reply, error) != ERROR_NONE)
		return error->class;

	/* It is written: where memory is too short to tell of it, that is not undone. */
	if (run_told(ret_ended, &name, reply, arena, error) != ERROR_NONE)
		run_init(ret_ended, lease->app, lease->workflow, lease->action);
	reply_free(reply);
	return ERROR_NONE;
}

enum error_class run_output(struct redis *redis, const struct run_name *name, struct arena *arena,
	const char **ret_output, const char **ret_status, struct error *error)
{
	char key[KEY_SIZE];

	run_key_make(key, name);
	const char *const words[] = { "HMGET", key, "status", "output", "removed" };
	struct redisReply *reply;
	*ret_output = NULL;
	if (redis_command(redis, 5, words, &reply, error) != ERROR_NONE)
		return error->class;
	bool done = strcmp(word_of(reply), "done") == 0 && reply_text(reply_item(reply, 2))[0] == '\0';
	*ret_status = arena_string(arena, !done && strcmp(word_of(reply), "done") == 0 ? "removed" : word_of(reply));
	if (done)
		*ret_output = arena_string(arena, reply_text(reply_item(reply, 1)));
	reply_free(reply);
	return *ret_status != NULL && (!done || *ret_output != NULL) ? ERROR_NONE : no_memory(error);
}
