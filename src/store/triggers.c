/*
 * Makes the words of trigger.lua, and reads what it says of each trigger. What is the same in all
 * of them is sent once. The rules are in the scripts alone.
 */
#include "store/triggers.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "slipway/field.h"
#include "store/budgets.h"

/* What is sent, in the arena of the first. */
struct words {
	struct script_argument *list;
	size_t count;
};

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a trigger");
}

/* ---- arguments ---- */

void trigger_part_prepare(struct trigger_part *part)
{
	const struct trigger *trigger = part->trigger;
	const struct script_argument arguments[TRIGGER_ARGUMENTS] = {
		{ "app", .text = trigger->name.app },
		{ "workflow", .text = trigger->name.workflow },
		{ "step", .text = trigger->name.step },
		{ "run", .text = part->run_id },
		{ "input", .text = trigger->input },
		{ "digest", .text = trigger->digest },
		{ "definition", .text = trigger->definition },
		{ "outputs", .text = trigger->outputs },
		{ "uses", .text = trigger->uses },
		{ "force", .text = trigger->force ? "1" : "" },
		{ "hold", .integer = trigger->hold_ms > 0 ? &trigger->hold_ms : NULL },
		{ "needs", .text = trigger->needs },
		{ "run_ms", .integer = &trigger->run_ms },
		{ "attempts", .integer = &trigger->attempts },
		{ "retention", .integer = &trigger->retention_seconds },
		{ "trigger", .text = trigger->id },
		{ "config", .integer = trigger->config },
		{ "config_at", .integer = trigger->config_at },
		{ "request", .text = trigger->request },
		{ "actor", .text = trigger->actor },
		{ "budgets", .text = trigger->budgets },
	};

	memcpy(part->arguments, arguments, sizeof(arguments));
	run_id_make(part->run_id);
}

static bool is_same(const struct script_argument *one, const struct script_argument *other)
{
	if (one->integer != NULL && other->integer != NULL)
		return *one->integer == *other->integer;
	const char *text = one->text != NULL ? one->text : "";
	return one->integer == other->integer &&
		strcmp(text, other->text != NULL ? other->text : "") == 0;
}

static bool is_of_all(struct trigger_part *const *parts, size_t count, size_t argument)
{
	for (size_t i = 1; i < count; i++)
		if (!is_same(&parts[0]->arguments[argument], &parts[i]->arguments[argument]))
			return false;
	return true;
}

/* Those of as many as there is room for, which it gives; 0: memory is short. */
static size_t put_all(struct words *words, struct trigger_part *const *parts, size_t count)
{
	size_t differing[TRIGGER_ARGUMENTS], differ = 0;

	for (size_t i = 0; i < TRIGGER_ARGUMENTS; i++)
		if (!is_of_all(parts, count, i))
			differing[differ++] = i;
	const size_t all = TRIGGER_ARGUMENTS + count * (1 + differ);
	const size_t most = all < SCRIPT_ARGUMENTS_MAX ? all : SCRIPT_ARGUMENTS_MAX;
	words->list = arena_allocate_array(parts[0]->arena, most, sizeof(*words->list));
	if (words->list == NULL)
		return 0;

	words->count = 0;
	for (size_t i = 0, next = 0; i < TRIGGER_ARGUMENTS; i++) {
		if (next < differ && differing[next] == i)
			next++;
		else
			words->list[words->count++] = parts[0]->arguments[i];
	}
	for (size_t i = 0; count > 1 && i < count; i++) {
		if (words->count + 1 + differ > SCRIPT_ARGUMENTS_MAX)
			return i;
		words->list[words->count++] = (struct script_argument){ "write", .text = NULL };
		for (size_t j = 0; j < differ; j++)
			words->list[words->count++] = parts[i]->arguments[differing[j]];
	}
	return count;
}

/* ---- what has become of it ---- */

/* What a client calls a need, by its number in the reply. */
static const char *need_name(const struct trigger *trigger, int64_t number, struct arena *arena)
{
	const char *at = trigger->needs != NULL ? trigger->needs : "";
	const char *own = arena_format(arena, "%s:%s:", trigger->name.app, trigger->name.workflow);

	for (; number > 1 && *at != '\0'; number--) {
		at += strcspn(at, " ");
		at += strspn(at, " ");
	}
	char *name = *at != '\0' ? arena_copy(arena, at, strcspn(at, " ")) : NULL;
	if (name == NULL || own == NULL)
		return NULL;
	if (text_has_prefix(name, own))
		return name + strlen(own);
	for (char *colon = name; (colon = strchr(colon, ':')) != NULL;)
		*colon = '.';
	return name;
}

static enum error_class read_missing(const struct redisReply *missing,
	const struct trigger *trigger, struct arena *arena, struct trigger_result *result,
	struct error *error)
{
	const size_t count = reply_count(missing) < NEEDS_MAX ? reply_count(missing) : NEEDS_MAX;

	result->missing_count = 0;
	if (count == 0)
		return ERROR_NONE;
	result->missing = arena_allocate_array(arena, count, sizeof(*result->missing));
	if (result->missing == NULL)
		return no_memory(error);
	for (size_t i = 0; i < count; i++) {
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

static enum error_class read_result(const struct redisReply *reply, const struct trigger *trigger,
	struct arena *arena, struct trigger_result *result, struct error *error)
{
	static const char *const words[] = {
		[TRIGGER_NEW] = "new",
		[TRIGGER_SAME] = "same",
		[TRIGGER_REUSED] = "reused",
		[TRIGGER_CONFLICT] = "conflict",
		[TRIGGER_NEEDS_NOT_DONE] = "needs_not_done",
		[TRIGGER_RING] = "ring",
		[TRIGGER_OUTDATED] = "outdated",
		[TRIGGER_OVER] = "over",
	};
	size_t outcome = 0;

	while (outcome < ARRAY_LEN(words) && strcmp(words[outcome], reply_word(reply)) != 0)
		outcome++;
	if (outcome == ARRAY_LEN(words))
		return error_set(error, ERROR_INTERNAL, "the script trigger answered '%s'",
			reply_word(reply));
	result->outcome = (enum trigger_outcome)outcome;
	if (result->outcome == TRIGGER_OVER)
		return budget_refuse(reply_item(reply, 3), error);
	if (read_missing(reply_item(reply, 3), trigger, arena, result, error) != ERROR_NONE)
		return error->class;
	return run_from_hash(&result->run, &trigger->name, reply_item(reply, 2),
		reply_integer(reply_item(reply, 1)), arena, error);
}

/* What the script says of a run that is queued at once: the rest of its status is what was sent.
 * deployment is "" where it is of none. */
struct queued {
	int64_t now, version;
	const char *deployment;
};

/* `queued NOW VERSION`, and a deployment behind it, if any. */
static bool parse_queued(const char *text, struct queued *ret_queued)
{
	char *end;

	if (!text_has_prefix(text, "queued "))
		return false;
	ret_queued->now = strtoll(text + strlen("queued "), &end, 10);
	if (*end != ' ')
		return false;
	ret_queued->version = strtoll(end, &end, 10);
	ret_queued->deployment = *end == ' ' ? end + 1 : "";
	return *end == ' ' || *end == '\0';
}

static enum error_class read_queued(const char *text, struct trigger_part *part)
{
	const struct trigger *trigger = part->trigger;
	struct run *run = &part->result->run;
	struct run_name name;
	struct queued queued;

	if (!parse_queued(text, &queued))
		return error_set(
			part->error, ERROR_INTERNAL, "the script trigger answered '%s'", text);
	part->result->outcome = TRIGGER_NEW;
	part->result->missing_count = 0;
	const bool complete = run_name_copy(&name, &trigger->name, part->arena);
	run_init(run, &name);
	run->id = arena_string(part->arena, part->run_id);
	run->deployment = arena_string(part->arena, queued.deployment);
	run->status = "running";
	run->phase = "queued";
	run->attempt = 1;
	run->attempts = trigger->attempts;
	run->version = queued.version;
	run->now = run->queued_at = run->ready_at = queued.now;
	run->run_deadline = queued.now + trigger->run_ms;
	return complete && run->id != NULL && run->deployment != NULL ? ERROR_NONE
								      : no_memory(part->error);
}

static void read_part(const struct redisReply *answer, struct trigger_part *part)
{
	if (reply_is_error(answer))
		part->class = reply_error(answer, part->error);
	else if (reply_text(answer)[0] != '\0')
		part->class = read_queued(reply_text(answer), part);
	else
		part->class =
			read_result(answer, part->trigger, part->arena, part->result, part->error);
}

/* As the first of them has. */
static void fail_all(struct trigger_part *const *parts, size_t count)
{
	const struct error *error = parts[0]->error;

	parts[0]->class = error->class;
	for (size_t i = 1; i < count; i++) {
		*parts[i]->error = *error;
		parts[i]->class = error->class;
	}
}

/* Sends as many as fit into one call, which it gives. One alone has its own keys, as all scripts on
 * a run. */
static size_t send_some(struct redis *redis, struct trigger_part *const *parts, size_t count)
{
	const struct run_name *first = &parts[0]->trigger->name;
	const struct run_name any = { first->tenant, "any", "", "" };
	struct words words;
	CLEANUP_REPLY struct redisReply *reply = NULL;
	const size_t sent = put_all(&words, parts, count);
	if (sent == 0) {
		no_memory(parts[0]->error);
		fail_all(parts, count);
		return count;
	}

	const struct script_call call = { SCRIPT_TRIGGER, 0, NULL, words.count, words.list };
	if (run_eval(redis, count == 1 ? first : &any, &call, &reply, parts[0]->error) !=
		ERROR_NONE) {
		fail_all(parts, sent);
		return sent;
	}
	for (size_t i = 0; i < sent; i++)
		read_part(count == 1 ? reply : reply_item(reply, i), parts[i]);
	return sent;
}

void triggers_send(struct redis *redis, struct trigger_part *const *parts, size_t count)
{
	while (count > 0) {
		const size_t sent = send_some(redis, parts, count);
		parts += sent;
		count -= sent;
	}
}
