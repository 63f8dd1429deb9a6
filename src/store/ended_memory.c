/*
 * A table by a hash of the key; a new one takes the place of the oldest of a few. Each stands in
 * one block, texts and all, which is copied in one go.
 */
#include "store/ended_memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define REMEMBERED 256
#define LOOKED     8                  /* places, from the one of the key on */
#define TEXTS_SIZE ((size_t)4 * 1024) /* of one of them */
#define TEXTS_MAX  (4 + RUN_FIELDS_MAX + 1 + ENDED_MARKS)

const char *const ended_marks[ENDED_MARKS] = { "run", "status", "version", "finished_at" };

struct memory {
	uint32_t hash;
	int64_t read_at;
	struct ended_run ended; /* all its texts are behind the key */
	size_t length;
	char texts[]; /* the key first */
};

static struct memory *memories[REMEMBERED];

static struct memory **place_of(uint32_t hash, uint32_t steps)
{
	return &memories[(hash + steps) % REMEMBERED];
}

/* NULL: it is not there. */
static struct memory **find(const char *key)
{
	const uint32_t hash = text_hash(key);

	for (uint32_t i = 0; i < LOOKED; i++) {
		struct memory **place = place_of(hash, i);
		if (*place != NULL && (*place)->hash == hash && strcmp((*place)->texts, key) == 0)
			return place;
	}
	return NULL;
}

static struct memory **oldest_place(uint32_t hash)
{
	struct memory **oldest = place_of(hash, 0);

	for (uint32_t i = 1; i < LOOKED && *oldest != NULL; i++) {
		struct memory **place = place_of(hash, i);
		if (*place == NULL || (*place)->read_at < (*oldest)->read_at)
			oldest = place;
	}
	return oldest;
}

/* Where its texts are pointed to. */
static size_t texts_of(struct ended_run *ended, const char **texts[TEXTS_MAX])
{
	struct run *run = &ended->run;
	size_t count = 0;

	texts[count++] = &run->name.tenant;
	texts[count++] = &run->name.app;
	texts[count++] = &run->name.workflow;
	texts[count++] = &run->name.step;
	for (size_t i = 0; i < run_shown.count; i++)
		if (run_shown.fields[i].type != FIELD_INTEGER)
			texts[count++] = (const char **)((char *)run + run_shown.fields[i].offset);
	texts[count++] = &run->made;
	for (size_t i = 0; i < ENDED_MARKS; i++)
		texts[count++] = &ended->marks[i];
	return count;
}

static char *put(char *to, const char *text)
{
	const size_t size = strlen(text) + 1;
	memcpy(to, text, size);
	return to + size;
}

const struct ended_run *ended_recall(const char *key, int64_t now, struct arena *arena)
{
	struct memory **place = find(key);
	const char **texts[TEXTS_MAX];

	if (place == NULL || now - (*place)->read_at >= ENDED_REMEMBERED_MS)
		return NULL;
	const struct memory *memory = *place;
	struct memory *copy = arena_allocate(arena, sizeof(*copy) + memory->length);
	if (copy == NULL)
		return NULL;
	memcpy(copy, memory, sizeof(*copy) + memory->length);
	const size_t count = texts_of(&copy->ended, texts);
	for (size_t i = 0; i < count; i++)
		*texts[i] = copy->texts + (*texts[i] - memory->texts);
	return &copy->ended;
}

void ended_remember(const char *key, const struct ended_run *ended, int64_t now)
{
	struct ended_run own = *ended;
	const char **texts[TEXTS_MAX];
	const size_t count = texts_of(&own, texts);
	size_t length = strlen(key) + 1;

	for (size_t i = 0; i < count; i++)
		length += strlen(*texts[i]) + 1;
	struct memory *memory = length <= TEXTS_SIZE ? malloc(sizeof(*memory) + length) : NULL;
	ended_forget(key);
	if (memory == NULL)
		return;
	char *to = put(memory->texts, key);
	for (size_t i = 0; i < count; i++) {
		char *next = put(to, *texts[i]);
		*texts[i] = to;
		to = next;
	}
	memory->hash = text_hash(key);
	memory->read_at = now;
	memory->ended = own;
	memory->length = length;

	struct memory **place = oldest_place(memory->hash);
	free(*place);
	*place = memory;
}

void ended_forget(const char *key)
{
	struct memory **place = find(key);

	if (place == NULL)
		return;
	free(*place);
	*place = NULL;
}
