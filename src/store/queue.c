/*
 * Reads what take.lua has met on the queue. The rules are in the scripts alone.
 */
#include "store/queue.h"

#include <string.h>

#include "base/text.h"
#include "core/digest.h"
#include "core/error_json.h"
#include "core/workflow.h"
#include "slipway/action.h"
#include "store/ledger.h"
#include "store/run_eval.h"
#include "store/work.h"

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to read the queue");
}

/* ---- what was taken ---- */

/* As fields_told() in lease_run.lua has them. */
static const char *const told_of_all[] = { "run", "status", "phase", "input", "attempt", "attempts",
	"queued_at", "started_at", "run_deadline" };

static enum error_class read_claim(const struct redisReply *item, int64_t now, struct arena *arena,
	struct taken *taken, struct error *error)
{
	const struct run_list list = { ARRAY_LEN(told_of_all), told_of_all, reply_item(item, 3) };
	struct claim *claim = &taken->claim;

	lease_set_name(&claim->lease, &taken->name);
	text_copy(claim->lease.token, TOKEN_SIZE, reply_text(reply_item(item, 2)));
	if (run_from_list(&claim->run, &taken->name, &list, now, arena, error) != ERROR_NONE)
		return error->class;
	return ledger_decode(reply_item(item, 4), &claim->ledger, error);
}

static enum error_class read_left(const struct redisReply *item, struct arena *arena,
	struct taken *taken, struct error *error)
{
	taken->run_id = arena_string(arena, reply_text(reply_item(item, 2)));
	taken->definition = arena_string(arena, reply_text(reply_item(item, 3)));
	return taken->run_id != NULL && taken->definition != NULL ? ERROR_NONE : no_memory(error);
}

static enum error_class read_broken(const struct redisReply *item, struct arena *arena,
	struct taken *taken, struct error *error)
{
	taken->member = arena_string(arena, reply_text(reply_item(item, 1)));
	taken->why = arena_string(arena, reply_text(reply_item(item, 2)));
	return taken->member != NULL && taken->why != NULL ? ERROR_NONE : no_memory(error);
}

static enum taken_kind kind_of(const struct redisReply *item)
{
	static const char *const words[] = {
		[TAKEN_RUN] = "claimed",
		[TAKEN_ENDED] = "expired",
		[TAKEN_OTHER_BUILD] = "declined",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i], reply_text(reply_item(item, 0))) == 0)
			return (enum taken_kind)i;
	return TAKEN_BROKEN;
}

static enum error_class read_item(const struct redisReply *item, int64_t now, struct arena *arena,
	struct taken *taken, struct error *error)
{
	char *member = arena_string(arena, reply_text(reply_item(item, 1)));

	*taken = (struct taken){ .kind = kind_of(item) };
	if (member == NULL)
		return no_memory(error);
	if (taken->kind == TAKEN_BROKEN)
		return read_broken(item, arena, taken, error);
	if (!member_split(member, &taken->name))
		return error_set(error, ERROR_INTERNAL, "the script take gave '%.100s'",
			reply_text(reply_item(item, 1)));
	if (taken->kind == TAKEN_RUN)
		return read_claim(item, now, arena, taken, error);
	if (taken->kind == TAKEN_OTHER_BUILD)
		return read_left(item, arena, taken, error);
	return run_from_hash(&taken->ended, &taken->name, reply_item(item, 2), now, arena, error);
}

static enum error_class read_list(const struct redisReply *reply, struct arena *arena,
	struct taken_list *list, struct error *error)
{
	const struct redisReply *items = reply_item(reply, 2);
	const size_t count = reply_count(items);

	list->items = arena_allocate_array(arena, count > 0 ? count : 1, sizeof(*list->items));
	if (list->items == NULL)
		return no_memory(error);
	list->after_begun = reply_text(reply_item(reply, 1))[0] != '\0';
	for (size_t i = 0; i < count; i++, list->count++)
		if (read_item(reply_item(items, i), reply_integer(reply_item(reply, 0)), arena,
			    &list->items[i], error) != ERROR_NONE)
			return error->class;
	return ERROR_NONE;
}

enum error_class taken_list_read(const struct redisReply *reply, struct arena *arena,
	struct taken_list *list, struct error *error)
{
	if (read_list(reply, arena, list, error) == ERROR_NONE)
		return ERROR_NONE;
	queue_taken_release(list);
	return error->class;
}

void queue_taken_release(struct taken_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		claim_release(&list->items[i].claim);
	list->count = 0;
}

/* ---- the scripts ---- */

/* They work on no run of their own: any name gives them the keys that all share. */
static const struct run_name none = { TENANT_DEFAULT, "any", "", "" };

enum error_class queue_take(struct redis *redis, const struct take *take, struct arena *arena,
	struct taken_list *ret_list, struct error *error)
{
	struct work_take taking = {
		.wanted = take, .arena = arena, .error = error, .list = ret_list
	};
	const struct work work = { .take = &taking };

	work_send(redis, &work);
	return taking.class;
}

/* workflow:step=digest=action, and a space; nothing for the digest of a whole workflow. */
static bool append_definition(char *text, size_t size, const struct string_pair *definition)
{
	const char *dot = strchr(definition->name, '.');
	char workflow[IDENTIFIER_SIZE];

	if (dot == NULL)
		return true;
	text_format(workflow, sizeof(workflow), "%.*s", (int)(dot - definition->name),
		definition->name);
	const struct workflow_definition *of = workflow_find(workflow);
	const struct step_definition *step = of != NULL ? workflow_step(of, dot + 1) : NULL;
	return text_append(text, size, "%s:%s=%s=%s ", workflow, dot + 1, definition->value,
		step != NULL ? step->action->id : "");
}

#define DEFINITION_LINE ((size_t)2 * IDENTIFIER_SIZE + DEFINITION_SIZE + 64)

const char *queue_definitions(struct arena *arena)
{
	struct string_map definitions;

	if (!definitions_list(arena, &definitions))
		return NULL;
	const size_t size = 2 + definitions.count * DEFINITION_LINE;
	char *text = arena_allocate(arena, size);
	if (text == NULL)
		return NULL;
	text_copy(text, size, " ");
	for (size_t i = 0; i < definitions.count; i++)
		if (!append_definition(text, size, &definitions.items[i]))
			return NULL;
	return text;
}

enum error_class queue_wait(struct redis *redis, int timeout_ms, struct error *error)
{
	char seconds[24];
	const char *const words[] = { "BLPOP", KEY_BELL, seconds };

	text_format(seconds, sizeof(seconds), "%d.%03d", timeout_ms / 1000, timeout_ms % 1000);
	return redis_tell(redis, ARRAY_LEN(words), words, error);
}

enum error_class queue_recount(struct redis *redis, const struct recount *recount,
	struct redisReply **ret_faults, struct error *error)
{
	const struct script_argument arguments[] = {
		{ "repair", .text = recount->repair ? "1" : "" },
		{ "every", .integer = recount->every_ms > 0 ? &recount->every_ms : NULL },
		{ "definitions", .text = recount->definitions },
		{ "limits", .text = NULL },
	};
	const struct script_call call = { SCRIPT_RECOUNT, 0, NULL, ARRAY_LEN(arguments),
		arguments };

	return run_eval(redis, &none, &call, ret_faults, error);
}

enum error_class queue_sweep(struct redis *redis, int64_t retention_seconds, struct error *error)
{
	const struct script_argument argument = { "retention", .integer = &retention_seconds };
	const struct script_call call = { SCRIPT_SWEEP, 0, NULL, 1, &argument };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	return run_eval(redis, &none, &call, &reply, error);
}
