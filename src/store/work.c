/*
 * Makes the words of work.lua, and reads what it says of each part. The rules are in the scripts
 * alone.
 */
#include "store/work.h"

#include <string.h>

#include "base/text.h"
#include "core/error_json.h"
#include "slipway/field.h"
#include "store/functions.h"
#include "store/keys.h"

#define TAKE_ARGUMENTS  7
#define OWN_MAX         7             /* what a kind takes beside token and checkpoint */
#define WRITE_ARGUMENTS (4 + OWN_MAX) /* with its kind and name */
#define NAMES_SIZE      ((size_t)16 * (WORK_WRITES_MAX + 1))

_Static_assert(TAKE_ARGUMENTS + WORK_WRITES_MAX * WRITE_ARGUMENTS <= SCRIPT_ARGUMENTS_MAX,
	"it is one call");

/* What is sent. */
struct words {
	struct script_argument list[SCRIPT_ARGUMENTS_MAX];
	size_t count;
	char members[WORK_WRITES_MAX][MEMBER_SIZE];
	char names[NAMES_SIZE]; /* of all that it does, for tests */
};

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a call of a script");
}

static void put(struct words *words, const struct script_argument *arguments, size_t count)
{
	memcpy(&words->list[words->count], arguments, count * sizeof(*arguments));
	words->count += count;
}

/* ---- taking ---- */

static enum error_class put_take(
	struct words *words, const struct work_take *take, const int64_t *want, struct error *error)
{
	static const struct take nothing = { .worker = "" };
	const struct take *wanted = take != NULL ? take->wanted : &nothing;
	const char *expired =
		take != NULL ? error_text(take->arena, ERROR_TIMEOUT, RUN_EXPIRED_MESSAGE) : "";
	const struct script_argument arguments[TAKE_ARGUMENTS] = {
		{ "want", .integer = want },
		{ "worker", .text = wanted->worker },
		{ "lease_ms", .integer = &wanted->lease_ms },
		{ "after_begun", .text = wanted->after_begun ? "1" : "" },
		{ "definitions", .text = wanted->definitions },
		{ "limits", .text = wanted->limits },
		{ "expired", .text = expired },
	};

	if (expired == NULL)
		return no_memory(error);
	put(words, arguments, ARRAY_LEN(arguments));
	return ERROR_NONE;
}

/* ---- writing ---- */

/* What the script takes for each kind of write beside token and checkpoint. */
static void put_own(struct words *words, const struct run_write *write)
{
	const struct script_argument reason = { "reason", .text = write->reason },
				     detail = { "detail", .text = write->detail },
				     delay = { "delay_ms", .integer = &write->delay_ms },
				     outage = { "outage", .text = write->outage ? "1" : "" },
				     lost = { "outage_ms", .integer = &write->outage_ms },
				     seen = { "outage_seen", .text = write->outage_seen };
	const struct {
		size_t count;
		struct script_argument own[OWN_MAX];
	} kinds[] = {
		[RUN_PROGRESS] = { 4,
			{ { "field", .text = write->ledger_field },
				{ "value", .text = write->ledger_value },
				{ "replaces", .text = write->ledger_replaces ? "1" : "" },
				{ "log", .text = write->log } } },
		[RUN_WAIT] = { 7,
			{ { "phase", .text = write->phase }, delay, reason, detail, outage, lost,
				seen } },
		[RUN_RETRY] = { 6, { delay, reason, detail, outage, lost, seen } },
		[RUN_FINISH] = { 5,
			{ { "status", .text = write->status }, { "output", .text = write->output },
				{ "gives", .text = write->gives },
				{ "error", .text = write->error }, reason } },
		[RUN_RELEASE] = { 0, { { .name = NULL } } },
	};

	put(words, kinds[write->kind].own, kinds[write->kind].count);
}

static const char *const kind_names[] = {
	[RUN_PROGRESS] = "progress",
	[RUN_WAIT] = "wait",
	[RUN_RETRY] = "retry",
	[RUN_FINISH] = "finish",
	[RUN_RELEASE] = "release",
};

static void put_write(struct words *words, size_t index, const struct work_write *one)
{
	const struct run_name name = lease_name(one->lease);
	const struct script_argument arguments[] = {
		{ "write", .text = kind_names[one->write->kind] },
		{ "name", .text = words->members[index] },
		{ "token", .text = one->lease->token },
		{ "checkpoint", .text = one->write->checkpoint },
	};

	member_make(words->members[index], &name);
	put(words, arguments, ARRAY_LEN(arguments));
	put_own(words, one->write);
	text_append(words->names, NAMES_SIZE, "%s ", kind_names[one->write->kind]);
}

/* ---- what has become of it ---- */

static enum error_class read_write(const struct redisReply *answer, struct work_write *one)
{
	const struct run_name name = lease_name(one->lease);

	run_init(&one->ended, &name);
	if (reply_is_error(answer))
		return reply_error(answer, one->error);
	if (strcmp(reply_word(answer), "lost") == 0)
		return error_set(one->error, ERROR_LEASE_LOST,
			"the run of %s %s %s is no longer ours", name.app, name.workflow,
			name.step);

	/* It is written: where memory is too short to tell of it, that is not undone. */
	if (run_told(&one->ended, &name, answer, one->arena, one->error) != ERROR_NONE)
		run_init(&one->ended, &name);
	return ERROR_NONE;
}

static enum error_class read_take(const struct redisReply *answer, const struct work_take *take)
{
	return reply_is_error(answer)
		? reply_error(answer, take->error)
		: taken_list_read(answer, take->arena, take->list, take->error);
}

static void fail_all(const struct work *work, const struct error *error)
{
	for (size_t i = 0; i < work->count; i++) {
		*work->writes[i]->error = *error;
		work->writes[i]->class = error->class;
	}
	if (work->take == NULL)
		return;
	*work->take->error = *error;
	work->take->class = error->class;
}

static enum error_class call_script(struct redis *redis, const struct work *work,
	struct redisReply **ret_reply, struct error *error)
{
	static const struct run_name none = { TENANT_DEFAULT, "any", "", "" };
	const size_t most = work->take != NULL ? work->take->wanted->want : 0;
	const int64_t want = (int64_t)(most < TAKE_MAX ? most : TAKE_MAX);
	struct words words = { .count = 0 };
	struct run_keys keys;

	if (put_take(&words, work->take, &want, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < work->count; i++)
		put_write(&words, i, work->writes[i]);
	if (want > 0)
		text_append(words.names, NAMES_SIZE, "take");
	run_keys_make(&keys, &none);
	const struct script_call call = { SCRIPT_WORK, RUN_KEY_COUNT, keys.list, words.count,
		words.list };
	return script_call_as(redis, words.names, &call, ret_reply, error);
}

void work_send(struct redis *redis, const struct work *work)
{
	CLEANUP_REPLY struct redisReply *reply = NULL;
	struct error error;

	if (work->take != NULL)
		*work->take->list = (struct taken_list){ NULL, 0, work->take->wanted->after_begun };
	if (call_script(redis, work, &reply, &error) != ERROR_NONE) {
		fail_all(work, &error);
		return;
	}

	for (size_t i = 0; i < work->count; i++)
		work->writes[i]->class = read_write(reply_item(reply, i + 1), work->writes[i]);
	if (work->take != NULL)
		work->take->class = read_take(reply_item(reply, 0), work->take);
}
