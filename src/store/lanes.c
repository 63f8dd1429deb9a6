/* Replies of the scripts lanes and pause. */
#include "store/lanes.h"

#include <string.h>

#include "store/run_eval.h"

/* They work on no run: any name gives them the keys that all share. */
static const struct run_name any = { TENANT_DEFAULT, "any", "", "" };

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to read the queue");
}

static void read_lane(const struct redisReply *item, struct arena *arena, struct lane *ret_lane)
{
	*ret_lane = (struct lane){
		.tenant = arena_string(arena, reply_text(reply_item(item, 0))),
		.app = arena_string(arena, reply_text(reply_item(item, 1))),
		.count = reply_integer(reply_item(item, 2)),
		.since = reply_integer(reply_item(item, 3)),
		.held_by = arena_string(arena, reply_text(reply_item(item, 4))),
	};
}

static struct lane_note *read_notes(
	const struct redisReply *flat, struct arena *arena, size_t *ret_count)
{
	const size_t count = reply_count(flat) / 2;
	struct lane_note *notes = arena_allocate_array(arena, count + 1, sizeof(*notes));

	*ret_count = notes != NULL ? count : 0;
	for (size_t i = 0; i < *ret_count; i++)
		notes[i] = (struct lane_note){ arena_string(
						       arena, reply_text(reply_item(flat, 2 * i))),
			arena_string(arena, reply_text(reply_item(flat, 2 * i + 1))) };
	return notes;
}

static enum error_class read_lanes(const struct redisReply *reply, struct arena *arena,
	struct lanes *lanes, struct error *error)
{
	const struct redisReply *items = reply_item(reply, 1);

	lanes->items = arena_allocate_array(arena, reply_count(items) + 1, sizeof(*lanes->items));
	for (; lanes->items != NULL && lanes->count < reply_count(items); lanes->count++)
		read_lane(reply_item(items, lanes->count), arena, &lanes->items[lanes->count]);
	lanes->paused = read_notes(reply_item(reply, 4), arena, &lanes->paused_count);
	lanes->running = read_notes(reply_item(reply, 5), arena, &lanes->running_count);
	return arena->exhausted ? no_memory(error) : ERROR_NONE;
}

enum error_class lanes_read(
	struct redis *redis, struct arena *arena, struct lanes *ret_lanes, struct error *error)
{
	const int64_t most = LANES_MAX;
	const struct script_argument argument = { "most", .integer = &most };
	const struct script_call call = { SCRIPT_LANES, 0, NULL, 1, &argument };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (run_eval(redis, &any, &call, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_lanes = (struct lanes){ .now = reply_integer(reply_item(reply, 0)),
		.all = reply_integer(reply_item(reply, 2)),
		.begun = reply_integer(reply_item(reply, 3)) };
	return read_lanes(reply, arena, ret_lanes, error);
}

enum error_class lanes_pause(struct redis *redis, const char *kind, const char *name,
	const char *note, bool *ret_changed, struct error *error)
{
	const struct script_argument arguments[] = { { "kind", .text = kind },
		{ "name", .text = name }, { "note", .text = note } };
	const struct script_call call = { SCRIPT_PAUSE, 0, NULL, ARRAY_LEN(arguments), arguments };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (run_eval(redis, &any, &call, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_changed = strcmp(reply_text(reply_item(reply, 0)), "nothing") != 0;
	return ERROR_NONE;
}
