/*
 * Feeds a definition to BLAKE2b, member by member. Each text goes in with its length and each list
 * with its count, so that no two definitions give the same bytes.
 */
#include "core/digest.h"

#include <sodium.h>
#include <string.h>

#include "base/identifier.h"
#include "base/text.h"
#include "core/dry_run.h"

#define DIGEST_BYTES ((DEFINITION_SIZE - 1) / 2)

typedef crypto_generichash_state digest_state;

static void add_integer(digest_state *state, int64_t value)
{
	unsigned char bytes[8];

	/* The same on every machine, whatever its byte order. */
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)((uint64_t)value >> (8 * i));
	crypto_generichash_update(state, bytes, sizeof(bytes));
}

/* An absent text is not the same as an empty one. */
static void add_text(digest_state *state, const char *text)
{
	add_integer(state, text != NULL ? (int64_t)strlen(text) : -1);
	if (text != NULL)
		crypto_generichash_update(state, (const unsigned char *)text, strlen(text));
}

static void add_pair(digest_state *state, const struct string_pair *pair)
{
	add_text(state, pair->name);
	add_text(state, pair->value);
}

/* A list that ends with NULL. The NULL goes in as well and marks the end. */
static void add_list(digest_state *state, const char *const *texts)
{
	for (; texts != NULL && *texts != NULL; texts++)
		add_text(state, *texts);
	add_text(state, NULL);
}

static void add_record(digest_state *state, const struct record *record);

/* All that decides which JSON the field takes and gives. What only people read is left out, so that
 * a better description is not another definition. */
// NOLINTNEXTLINE(misc-no-recursion)
static void add_field(digest_state *state, const struct field *field)
{
	add_text(state, field->name);
	add_integer(state, field->type);
	add_integer(state, field->required);
	add_integer(state, field->omit_zero);
	add_integer(state, field->given_each_time);
	add_integer(state, field->secret);
	add_pair(state, &field->clear_where);
	add_pair(state, &field->json_where);
	add_text(state, field->fallback);
	add_integer(state, field->minimum);
	add_integer(state, field->maximum);
	add_text(state, field->pattern);
	add_list(state, field->values);
	add_integer(state, field->record != NULL);
	if (field->record != NULL)
		add_record(state, field->record);
}

// NOLINTNEXTLINE(misc-no-recursion)
static void add_record(digest_state *state, const struct record *record)
{
	add_integer(state, (int64_t)record->count);
	for (size_t i = 0; i < record->count; i++)
		add_field(state, &record->fields[i]);
}

static void add_bindings(digest_state *state, const struct binding *binding)
{
	for (; binding != NULL && binding->field != NULL; binding++) {
		add_text(state, binding->field);
		add_text(state, binding->value);
		add_integer(state, binding->overridable);
		add_text(state, binding->with_secret);
	}

	add_text(state, NULL);
}

static void add_step(digest_state *state, const struct step_definition *step)
{
	add_text(state, step->id);
	add_text(state, step->action->id);
	add_record(state, &step->action->input);
	add_record(state, &step->action->checkpoint);
	add_record(state, &step->action->output);
	add_text(state, step->input_key);
	add_integer(state, step->optional);
	add_bindings(state, step->bind);
	add_list(state, step->needs);
	if (step->connection != NULL)
		add_text(state, step->connection);
}

static void add_workflow(digest_state *state, const struct workflow_definition *workflow)
{
	add_text(state, workflow->id);
	add_integer(state, (int64_t)workflow->step_count);
	for (size_t i = 0; i < workflow->step_count; i++)
		add_step(state, &workflow->steps[i]);
}

/* The library gives no fewer than 16 bytes; half of them are enough to tell builds apart. */
static void end_digest(digest_state *state, char ret_digest[DEFINITION_SIZE])
{
	unsigned char hash[crypto_generichash_BYTES_MIN];

	crypto_generichash_final(state, hash, sizeof(hash));
	sodium_bin2hex(ret_digest, DEFINITION_SIZE, hash, DIGEST_BYTES);
}

void step_digest(const struct workflow_definition *workflow, const struct step_definition *step,
	char ret_digest[DEFINITION_SIZE])
{
	digest_state state;

	crypto_generichash_init(&state, NULL, 0, crypto_generichash_BYTES_MIN);
	/* A dry run executes all steps of its workflow. */
	if (step_is_dry_run(step))
		add_workflow(&state, workflow);
	else
		add_text(&state, workflow->id);
	add_step(&state, step);
	end_digest(&state, ret_digest);
}

void workflow_digest(const struct workflow_definition *workflow, char ret_digest[DEFINITION_SIZE])
{
	digest_state state;

	crypto_generichash_init(&state, NULL, 0, crypto_generichash_BYTES_MIN);
	add_workflow(&state, workflow);
	end_digest(&state, ret_digest);
}

/* ---- all that a build has ---- */

static bool add_definition(struct arena *arena, struct string_pair *items, size_t *count,
	char *name, const char *digest)
{
	items[*count] = (struct string_pair){ name, arena_string(arena, digest) };
	return items[*count].name != NULL && items[(*count)++].value != NULL;
}

static bool add_definitions(struct arena *arena, const struct workflow_definition *workflow,
	struct string_pair *items, size_t *count)
{
	char digest[DEFINITION_SIZE];

	workflow_digest(workflow, digest);
	bool complete =
		add_definition(arena, items, count, arena_string(arena, workflow->id), digest);
	for (size_t i = 0; complete && i < workflow->step_count + 2; i++) {
		const struct step_definition *step = i < workflow->step_count ? &workflow->steps[i]
			: i == workflow->step_count                           ? &dry_run_step
									      : &dry_run_guard;
		step_digest(workflow, step, digest);
		complete = add_definition(arena, items, count,
			arena_format(arena, "%s.%s", workflow->id, step->id), digest);
	}

	return complete;
}

bool definitions_list(struct arena *arena, struct string_map *ret_definitions)
{
	size_t most = 0, count = 0;

	/* Each workflow itself, its steps and its two dry runs. */
	for (size_t i = 0; workflows[i] != NULL; i++)
		most += workflows[i]->step_count + 3;
	struct string_pair *items = arena_allocate_array(arena, most, sizeof(*items));
	bool complete = items != NULL;
	for (size_t i = 0; complete && workflows[i] != NULL; i++)
		complete = add_definitions(arena, workflows[i], items, &count);
	*ret_definitions = (struct string_map){ items, complete ? count : 0 };
	return complete;
}

const char *definitions_find(
	const struct string_map *definitions, const char *workflow, const char *step)
{
	char name[2 * IDENTIFIER_SIZE];

	text_format(name, sizeof(name), "%s%s%s", workflow, step != NULL ? "." : "",
		step != NULL ? step : "");
	for (size_t i = 0; i < definitions->count; i++)
		if (strcmp(definitions->items[i].name, name) == 0)
			return definitions->items[i].value;
	return NULL;
}
