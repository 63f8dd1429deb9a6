/*
 * Makes the words of a call, and loads what Redis turns out to lack: after it was emptied, or where
 * no program of this build has been before.
 */
#include "store/functions.h"

#include <string.h>

#include "base/text.h"
#include "slipway/field.h"

#define NUMBER_SIZE       24
#define FUNCTIONS_OF_OURS "slipway_*" /* see scripts/embed */

static size_t missed;

size_t functions_missed(void)
{
	return missed;
}

/* The words of a call, and behind them the numbers that it has as integers, and the names of its
 * arguments. Not on the stack: that is kept for each request that waits. */
struct call_words {
	char *number, *name; /* where the next one goes */
	size_t count;
	const char *list[];
};

static size_t count_words(const struct script_call *call)
{
	return 3 + call->key_count + 2 * call->argument_count;
}

static size_t count_numbers(const struct script_call *call)
{
	size_t count = 1;

	for (size_t i = 0; i < call->argument_count; i++)
		count += call->arguments[i].integer != NULL ? 1 : 0;
	return count;
}

/* Each may have a `=` and a blank behind it, and be the last of its word. */
static size_t size_names(const struct script_call *call)
{
	size_t size = 0;

	for (size_t i = 0; i < call->argument_count; i++)
		size += strlen(call->arguments[i].name) + sizeof("= ");
	return size;
}

static const char *put_number(struct call_words *words, int64_t number)
{
	char *text = words->number;

	words->number += NUMBER_SIZE;
	text_format(text, NUMBER_SIZE, "%lld", (long long)number);
	return text;
}

/* One that has no value is marked. */
static void put_argument(struct call_words *words, const struct script_argument *argument)
{
	const char *value = argument->text != NULL ? argument->text : "";

	if (argument->integer != NULL)
		value = put_number(words, *argument->integer);
	words->name = stpcpy(stpcpy(words->name, argument->name), value[0] != '\0' ? " " : "= ");
	if (value[0] != '\0')
		words->list[words->count++] = value;
}

/* As arguments.lua takes them: the names of those up to the next `write` as one word, then what has
 * a value. */
static void put_arguments(struct call_words *words, const struct script_call *call)
{
	for (size_t i = 0; i < call->argument_count; i++) {
		if (i > 0 && strcmp(call->arguments[i].name, "write") == 0)
			words->name++; /* that word has ended */
		if (i == 0 || strcmp(call->arguments[i].name, "write") == 0)
			words->list[words->count++] = words->name;
		put_argument(words, &call->arguments[i]);
	}
}

/* NULL if memory is short. */
static struct call_words *list_words(const struct script_call *call, struct arena *arena)
{
	const size_t most = count_words(call), number_size = count_numbers(call) * NUMBER_SIZE;
	struct call_words *words = arena_allocate(arena,
		sizeof(*words) + most * sizeof(*words->list) + number_size + size_names(call));

	if (words == NULL)
		return NULL;
	words->number = (char *)&words->list[most];
	words->name = words->number + number_size;
	words->list[0] = "FCALL";
	words->list[1] = scripts[call->script].function;
	words->list[2] = put_number(words, (int64_t)call->key_count);
	words->count = 3;
	for (size_t i = 0; i < call->key_count; i++)
		words->list[words->count++] = call->keys[i];
	put_arguments(words, call);
	return words;
}

/* A refusal is what the user may not, or what Redis cannot now: its memory is full, say. */
static enum error_class not_loaded(
	const char *name, const struct redisReply *reply, struct error *error)
{
	enum error_class class = reply_error(reply, error);
	const int64_t retry_after_ms = error->retry_after_ms;
	char code[sizeof(error->store_code)];

	memcpy(code, error->store_code, sizeof(code));
	error_set(error, class, "Redis lacks the function %s, and refuses to load it: %s", name,
		reply_error_text(reply));
	error->retry_after_ms = retry_after_ms;
	memcpy(error->store_code, code, sizeof(code));
	if (strcmp(error->store_code, "NOPERM") != 0)
		return class;
	return error_remedy(error, NULL,
		"Start a slipway-worker of this build, whose Redis user may load functions, or run "
		"'slipway functions load' as a user who may.");
}

/* Somebody else may have been first: that is as good. name is of the function that is missed. */
static enum error_class load_library(struct redis *redis, const char *name, struct error *error)
{
	const char *const words[] = { "FUNCTION", "LOAD", script_library.text };
	const struct redis_words command = { ARRAY_LEN(words), words, NULL };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (redis_batch_lenient(redis, 0, 1, &command, &reply, error) != ERROR_NONE)
		return error->class;
	if (!reply_is_error(reply) || strstr(reply_error_text(reply), "already exists") != NULL)
		return ERROR_NONE;
	return not_loaded(name, reply, error);
}

enum error_class script_call(struct redis *redis, const struct script_call *call,
	struct redisReply **ret_reply, struct error *error)
{
	return script_call_as(redis, scripts[call->script].name, call, ret_reply, error);
}

static enum error_class call_with(struct redis *redis, const char *does,
	const struct call_words *words, struct redisReply **ret_reply, struct error *error)
{
	const struct redis_words command = { words->count, words->list, NULL };

	/* Again: Redis has no functions when it was emptied, or on FUNCTION FLUSH. */
	for (int tries = 0; tries < 3; tries++) {
		CLEANUP_REPLY struct redisReply *reply = NULL;
		if (redis_change(redis, does, &command, &reply, error) != ERROR_NONE)
			return error->class;
		if (!reply_is_error(reply)) {
			*ret_reply = reply;
			reply = NULL;
			return ERROR_NONE;
		}
		if (!text_has_prefix(reply_error_text(reply), "ERR Function not found"))
			return reply_error(reply, error);
		missed++;
		if (load_library(redis, words->list[1], error) != ERROR_NONE)
			return error->class;
	}

	return error_set(error, ERROR_STORE_UNAVAILABLE,
		"Redis forgets its functions faster than they are used");
}

enum error_class script_call_as(struct redis *redis, const char *does,
	const struct script_call *call, struct redisReply **ret_reply, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;

	if (call->argument_count > SCRIPT_ARGUMENTS_MAX || count_words(call) > REDIS_WORDS_MAX)
		return error_set(error, ERROR_INTERNAL, "the script %s has too many arguments",
			scripts[call->script].name);
	const struct call_words *words = list_words(call, &arena);
	return words != NULL
		? call_with(redis, does, words, ret_reply, error)
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the words of a script");
}

/* ---- all libraries ---- */

/* The value behind a name in a flat list. */
static const struct redisReply *find_in(const struct redisReply *list, const char *name)
{
	for (size_t i = 0; i + 1 < reply_count(list); i += 2)
		if (strcmp(reply_text(reply_item(list, i)), name) == 0)
			return reply_item(list, i + 1);
	return NULL;
}

enum error_class functions_read(struct redis *redis, struct arena *arena,
	struct function_list *ret_list, struct error *error)
{
	const char *const words[] = { "FUNCTION", "LIST", "LIBRARYNAME", FUNCTIONS_OF_OURS };
	struct function_list list = { .is_loaded = false };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (redis_command(redis, ARRAY_LEN(words), words, &reply, error) != ERROR_NONE)
		return error->class;
	list.others = arena_allocate_array(arena, reply_count(reply) + 1, sizeof(*list.others));
	for (size_t i = 0; list.others != NULL && i < reply_count(reply); i++) {
		const char *name = reply_text(find_in(reply_item(reply, i), "library_name"));
		if (strcmp(name, script_library.name) == 0)
			list.is_loaded = true;
		else
			list.others[list.other_count++] = arena_string(arena, name);
	}

	*ret_list = list;
	return arena->exhausted
		? error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the list of functions")
		: ERROR_NONE;
}

enum error_class functions_load(struct redis *redis, bool *ret_was_loaded, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct function_list list = { .is_loaded = false };

	if (functions_read(redis, &arena, &list, error) != ERROR_NONE)
		return error->class;
	if (ret_was_loaded != NULL)
		*ret_was_loaded = list.is_loaded;
	return list.is_loaded ? ERROR_NONE : load_library(redis, scripts[0].function, error);
}

enum error_class functions_prune(struct redis *redis, size_t *ret_count, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct function_list list = { .is_loaded = false };

	if (functions_read(redis, &arena, &list, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < list.other_count; i++) {
		const char *const words[] = { "FUNCTION", "DELETE", list.others[i] };
		if (redis_tell(redis, ARRAY_LEN(words), words, error) != ERROR_NONE)
			return error->class;
	}

	*ret_count = list.other_count;
	return ERROR_NONE;
}
