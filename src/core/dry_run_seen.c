/*
 * Hashes what a plan saw, and compares two plans step by step.
 */
#include "core/dry_run_seen.h"

#include <string.h>

#include "base/record.h"

/* The part of an error that is the same each time. */
struct problem {
	const char *class, *message, *place;
};
static const struct field problem_fields[] = {
	{ STRING_FIELD("class", struct problem, class) },
	{ STRING_FIELD("message", struct problem, message) },
	{ STRING_FIELD("place", struct problem, place) },
};
static const struct record problem_record = RECORD(struct problem, problem_fields);

struct seen_step {
	struct dry_run_effect effect;
	const void *problem;
};
static const struct field seen_fields[] = {
	{ STRING_FIELD("id", struct seen_step, effect.id) },
	{ STRING_FIELD("change", struct seen_step, effect.change) },
	{ STRING_FIELD("text", struct seen_step, effect.text) },
	{ STRING_FIELD("kind", struct seen_step, effect.kind) },
	{ STRING_FIELD("name", struct seen_step, effect.name) },
	{ BOOLEAN_FIELD("gone", struct seen_step, effect.gone) },
	{ STRINGS_FIELD("after", struct seen_step, effect.after) },
	{ STRINGS_FIELD("differences", struct seen_step, effect.differences) },
	{ STRING_FIELD("seen", struct seen_step, effect.seen) },
	{ OBJECT_FIELD("problem", struct seen_step, problem), .record = &problem_record },
};
static const struct record seen_record = RECORD(struct seen_step, seen_fields);

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to compare plans");
}

/* ret_problem is all NULL where the step has no error. */
static enum error_class read_problem(const struct dry_run_effect *effect, struct arena *arena,
	struct problem *ret_problem, struct error *error)
{
	CLEANUP_JSON cJSON *json = NULL;

	*ret_problem = (struct problem){ .class = NULL };
	if (effect->error == NULL)
		return ERROR_NONE;
	if (json_parse(effect->error, strlen(effect->error), JSON_LIMITS_WIDE, &json, error) !=
		ERROR_NONE)
		return error->class;
	return record_decode(
		&problem_record, json, RECORD_LENIENT, "/error", arena, ret_problem, error);
}

static enum error_class append_step(
	const struct dry_run_effect *effect, struct arena *arena, cJSON *steps, struct error *error)
{
	struct problem problem;
	const struct seen_step seen = { *effect, &problem };
	cJSON *json;

	if (read_problem(effect, arena, &problem, error) != ERROR_NONE ||
		record_encode(&seen_record, &seen, &json, error) != ERROR_NONE)
		return error->class;
	return json_append(steps, json) ? ERROR_NONE : no_memory(error);
}

enum error_class dry_run_hash(
	const struct dry_run_output *plan, char ret_hash[DIGEST_SIZE], struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_JSON cJSON *steps = cJSON_CreateArray();
	const struct dry_run_effect *effects = plan->steps.items;

	if (steps == NULL)
		return no_memory(error);
	for (size_t i = 0; i < plan->steps.count; i++)
		if (append_step(&effects[i], &arena, steps, error) != ERROR_NONE)
			return error->class;
	return json_digest(steps, ret_hash, error);
}

/* ---- what has moved ---- */

struct comparison {
	struct arena *arena;
	const char **texts;
	size_t count, most;
};

static void add(struct comparison *comparison, const char *text)
{
	if (comparison->count < comparison->most && text != NULL)
		comparison->texts[comparison->count++] = text;
}

static const struct dry_run_effect *find(const struct dry_run_output *plan, const char *id)
{
	const struct dry_run_effect *effects = plan->steps.items;
	for (size_t i = 0; i < plan->steps.count; i++)
		if (strcmp(effects[i].id, id) == 0)
			return &effects[i];
	return NULL;
}

static bool is_same(const char *one, const char *other)
{
	return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

static bool has(const struct string_list *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], text) == 0)
			return true;
	return false;
}

/* A sentence for each text of one list that the other has not. */
static void compare_lists(struct comparison *comparison, const char *id,
	const struct string_list *one, const struct string_list *other, const char *what)
{
	for (size_t i = 0; i < one->count; i++)
		if (!has(other, one->items[i]))
			add(comparison,
				arena_format(
					comparison->arena, "%s: %s: %s", id, what, one->items[i]));
}

static const char *text_of(const struct dry_run_effect *effect, const struct problem *problem)
{
	if (problem->message != NULL)
		return problem->message;
	return effect->text != NULL ? effect->text : "nothing to add";
}

static enum error_class compare_step(struct comparison *comparison,
	const struct dry_run_effect *before, const struct dry_run_effect *now, struct error *error)
{
	struct arena *arena = comparison->arena;
	struct problem was, is;
	size_t found = comparison->count;

	if (read_problem(before, arena, &was, error) != ERROR_NONE ||
		read_problem(now, arena, &is, error) != ERROR_NONE)
		return error->class;
	if (strcmp(before->change, now->change) != 0)
		add(comparison,
			arena_format(arena, "%s: it was '%s' and is '%s': %s", now->id,
				before->change, now->change, text_of(now, &is)));
	else if (!is_same(text_of(before, &was), text_of(now, &is)) ||
		!is_same(before->name, now->name))
		add(comparison,
			arena_format(arena, "%s: it is '%s' still, but otherwise: %s", now->id,
				now->change, text_of(now, &is)));
	compare_lists(comparison, now->id, &now->differences, &before->differences, "it is so now");
	compare_lists(
		comparison, now->id, &before->differences, &now->differences, "it is so no longer");
	compare_lists(comparison, now->id, &now->after, &before->after, "it waits for");
	compare_lists(comparison, now->id, &before->after, &now->after, "it waits no longer for");
	if (comparison->count > found)
		return ERROR_NONE;

	/* Whatever else is in the hash. */
	const struct dry_run_output one = { .steps = { before, 1 } },
				    other = { .steps = { now, 1 } };
	char hash_before[DIGEST_SIZE], hash_now[DIGEST_SIZE];
	if (dry_run_hash(&one, hash_before, error) != ERROR_NONE ||
		dry_run_hash(&other, hash_now, error) != ERROR_NONE)
		return error->class;
	if (strcmp(hash_before, hash_now) != 0)
		add(comparison,
			arena_format(arena,
				"%s: its input, or what it finds at the provider, is another",
				now->id));
	return ERROR_NONE;
}

/* How many sentences there can be at the most. */
static size_t count_most(const struct dry_run_output *plan)
{
	const struct dry_run_effect *effects = plan->steps.items;
	size_t most = 0;
	for (size_t i = 0; i < plan->steps.count; i++)
		most += 3 + effects[i].differences.count + effects[i].after.count;
	return most;
}

enum error_class dry_run_moved(const struct dry_run_output *before,
	const struct dry_run_output *now, struct arena *arena, struct string_list *ret_texts,
	struct error *error)
{
	struct comparison comparison = { .arena = arena,
		.most = count_most(before) + count_most(now) };
	const struct dry_run_effect *old = before->steps.items, *new = now->steps.items;

	comparison.texts = arena_allocate_array(arena, comparison.most, sizeof(const char *));
	for (size_t i = 0; i < now->steps.count && comparison.texts != NULL; i++) {
		const struct dry_run_effect *other = find(before, new[i].id);
		if (other == NULL)
			add(&comparison,
				arena_format(
					arena, "%s: the plan did not have this step", new[i].id));
		else if (compare_step(&comparison, other, &new[i], error) != ERROR_NONE)
			return error->class;
	}

	for (size_t i = 0; i < before->steps.count; i++)
		if (find(now, old[i].id) == NULL)
			add(&comparison,
				arena_format(arena, "%s: this step is there no longer", old[i].id));
	*ret_texts = (struct string_list){ comparison.texts, comparison.count };
	return arena->exhausted ? no_memory(error) : ERROR_NONE;
}
