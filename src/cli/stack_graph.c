/*
 * What the steps of a stack need of one another, by the definitions of the server and by the
 * references of the file: who is to be started first, and whether some would wait for one another
 * for ever. Apps may need each other as long as their steps do not.
 */
#include <string.h>

#include "base/text.h"
#include "cli/stack.h"
#include "core/reference.h"

#define STEPS_MAX      4096
#define EDGES_MAX      65536
#define RING_NAMES_MAX 24

struct graph_step {
	size_t unit;
	const cJSON *json; /* of the server's definition */
	bool placed;
};

struct edge {
	size_t step, need;
	const char *place; /* of the reference in the file; NULL: the definition has it */
};

struct graph {
	struct stack *stack;
	struct arena *arena;
	struct graph_step steps[STEPS_MAX];
	size_t step_count, first_step[STACK_UNITS_MAX + 1];
	struct edge edges[EDGES_MAX];
	size_t edge_count;
	bool needs[STACK_UNITS_MAX][STACK_UNITS_MAX]; /* needs[a][b]: a needs b */
	/* Where references are being looked for. */
	size_t step;
	const char *place;
};

static const char *step_id(const struct graph *graph, size_t step)
{
	const char *id = json_member_string(graph->steps[step].json, "id");
	return id != NULL ? id : "";
}

/* ---- steps ---- */

static const cJSON *find_workflow(const cJSON *workflows, const char *id)
{
	const cJSON *workflow;

	cJSON_ArrayForEach (workflow, json_member(workflows, "workflows")) {
		const char *name = json_member_string(workflow, "id");
		if (name != NULL && strcmp(name, id) == 0)
			return workflow;
	}
	return NULL;
}

static void fail_workflow(
	struct stack *stack, const struct stack_unit *unit, const cJSON *workflows)
{
	char names[300] = "", place[JSON_POINTER_SIZE];
	const cJSON *workflow;

	cJSON_ArrayForEach (workflow, json_member(workflows, "workflows")) {
		const char *name = json_member_string(workflow, "id");
		text_append(names, sizeof(names), "%s%s", names[0] != '\0' ? ", " : "",
			name != NULL ? name : "?");
	}

	if (unit->json == unit->app->json)
		json_pointer_member(place, unit->place, "workflow");
	else
		text_copy(place, sizeof(place), unit->place);
	stack_fault(stack, place, "the server has no workflow '%s': write one of %s",
		unit->workflow, names);
}

static void add_steps(struct graph *graph, const cJSON *workflows)
{
	for (size_t i = 0; i < graph->stack->unit_count; i++) {
		const struct stack_unit *unit = &graph->stack->units[i];
		const cJSON *workflow = find_workflow(workflows, unit->workflow), *step;
		graph->first_step[i] = graph->step_count;
		if (workflow == NULL)
			fail_workflow(graph->stack, unit, workflows);
		cJSON_ArrayForEach (step, json_member(workflow, "steps")) {
			if (graph->step_count < STEPS_MAX)
				graph->steps[graph->step_count++] =
					(struct graph_step){ i, step, false };
		}
	}

	graph->first_step[graph->stack->unit_count] = graph->step_count;
}

/* STEPS_MAX where the unit has no such step. */
static size_t find_step(const struct graph *graph, size_t unit, const char *id)
{
	for (size_t i = graph->first_step[unit]; i < graph->first_step[unit + 1]; i++)
		if (strcmp(step_id(graph, i), id) == 0)
			return i;
	return STEPS_MAX;
}

/* ---- edges ---- */

/* Whether there was room; more are not looked at: the server says what waits for what. */
static bool add_edge(struct graph *graph, size_t step, size_t need, const char *place)
{
	if (need == STEPS_MAX || graph->edge_count == EDGES_MAX)
		return false;
	graph->edges[graph->edge_count++] = (struct edge){ step, need, place };
	size_t unit = graph->steps[step].unit, other = graph->steps[need].unit;
	graph->needs[unit][other] = graph->needs[unit][other] || unit != other;
	return true;
}

/* What the file gives as the input of a step; NULL: nothing. */
static const cJSON *input_of(const struct graph *graph, size_t step)
{
	const struct stack_unit *unit = &graph->stack->units[graph->steps[step].unit];
	const char *key = json_member_string(graph->steps[step].json, "inputKey");

	return key != NULL ? json_member(json_member(unit->json, "inputs"), key) : NULL;
}

/* Whether the step needs the other one only for values that the file replaces. */
static bool is_overridden(const struct graph *graph, size_t step, const char *need)
{
	const cJSON *input = input_of(graph, step), *value;
	char start[2 * IDENTIFIER_SIZE];
	bool overridden = false;

	text_format(start, sizeof(start), "${step.%s.", need);
	cJSON_ArrayForEach (value, json_member(graph->steps[step].json, "bound")) {
		if (!cJSON_IsString(value) || strstr(value->valuestring, start) == NULL)
			continue;
		if (json_member(input, value->string) == NULL)
			return false;
		overridden = true;
	}
	return overridden;
}

static void add_definition(struct graph *graph, size_t step)
{
	const cJSON *need;

	cJSON_ArrayForEach (need, json_member(graph->steps[step].json, "needs")) {
		if (cJSON_IsString(need) && !is_overridden(graph, step, need->valuestring))
			(void)add_edge(graph, step,
				find_step(graph, graph->steps[step].unit, need->valuestring), NULL);
	}
}

/* An app of this file that is to run no such workflow is a need that would never come. */
static void add_other(struct graph *graph, const char *app, const char *workflow, const char *step)
{
	const struct stack_unit *unit = stack_find_unit(graph->stack, app, workflow);

	if (unit != NULL)
		(void)add_edge(graph, graph->step,
			find_step(graph, (size_t)(unit - graph->stack->units), step), graph->place);
	else if (stack_find_app(graph->stack, app) != NULL)
		stack_fault(graph->stack, graph->place,
			"'%s' runs no workflow '%s' in this file: add it under 'workflows' of "
			"'%s', or "
			"correct the reference",
			app, workflow, app);
}

static enum error_class visit_reference(
	void *context, const struct reference *reference, struct error *error)
{
	struct graph *graph = context;
	(void)error;

	if (reference->kind == REFERENCE_STEP)
		(void)add_edge(graph, graph->step,
			find_step(graph, graph->steps[graph->step].unit, reference->parts[0]),
			graph->place);
	else if (reference->kind == REFERENCE_APP)
		add_other(graph, reference->parts[0], reference->parts[1], reference->parts[2]);
	return ERROR_NONE;
}

/* What is malformed, the server names. As deep as the file may be. */
// NOLINTNEXTLINE(misc-no-recursion)
static void add_references(struct graph *graph, const cJSON *json, const char *place)
{
	char child[JSON_POINTER_SIZE];
	struct error ignored;
	const cJSON *member;
	size_t index = 0;

	if (cJSON_IsString(json) && strstr(json->valuestring, "${") != NULL) {
		graph->place = arena_string(graph->arena, place);
		(void)(references_visit_text(json->valuestring, place, visit_reference, graph, NULL,
			       &ignored) == ERROR_NONE);
	}
	if (!cJSON_IsObject(json) && !cJSON_IsArray(json))
		return;
	cJSON_ArrayForEach (member, json) {
		json_pointer_child(child, place, member, index++);
		add_references(graph, member, child);
	}
}

static void add_input(struct graph *graph, size_t step)
{
	const struct stack_unit *unit = &graph->stack->units[graph->steps[step].unit];
	const char *key = json_member_string(graph->steps[step].json, "inputKey");
	char place[JSON_POINTER_SIZE], inputs[JSON_POINTER_SIZE];

	if (key == NULL)
		return;
	json_pointer_member(inputs, unit->place, "inputs");
	json_pointer_member(place, inputs, key);
	graph->step = step;
	add_references(graph, input_of(graph, step), place);
}

/* The steps that the unit begins with wait for all of another one. */
static void add_after(struct graph *graph, size_t step)
{
	size_t index = graph->steps[step].unit;
	const struct stack_unit *unit = &graph->stack->units[index];
	char place[JSON_POINTER_SIZE];

	for (size_t i = 0; i < graph->edge_count; i++)
		if (graph->edges[i].step == step &&
			graph->steps[graph->edges[i].need].unit == index)
			return;
	json_pointer_member(place, unit->place, "after");
	const char *kept = arena_string(graph->arena, place);
	for (size_t i = 0; i < unit->after_count; i++)
		for (size_t need = graph->first_step[unit->after[i]];
			need < graph->first_step[unit->after[i] + 1]; need++)
			(void)add_edge(graph, step, need, kept);
}

static void add_edges(struct graph *graph)
{
	for (size_t i = 0; i < graph->step_count; i++) {
		add_definition(graph, i);
		add_input(graph, i);
		add_after(graph, i);
	}
}

/* ---- rings ---- */

static bool needs_are_placed(const struct graph *graph, size_t step)
{
	for (size_t i = 0; i < graph->edge_count; i++)
		if (graph->edges[i].step == step && !graph->steps[graph->edges[i].need].placed)
			return false;
	return true;
}

/* Places each step whose needs are placed, until none is left or a ring is. Returns one of the
 * ring, or of those that wait for it; STEPS_MAX: there is no ring. */
static size_t place_steps(struct graph *graph)
{
	bool any = true;
	size_t left = STEPS_MAX;

	while (any) {
		any = false;
		left = STEPS_MAX;
		for (size_t i = 0; i < graph->step_count; i++) {
			if (graph->steps[i].placed)
				continue;
			graph->steps[i].placed = needs_are_placed(graph, i);
			any = any || graph->steps[i].placed;
			left = graph->steps[i].placed ? left : i;
		}
	}
	return left;
}

/* A need of the step that is not placed: there is one. */
static const struct edge *edge_of_ring(const struct graph *graph, size_t step)
{
	const struct edge *found = NULL;

	for (size_t i = 0; i < graph->edge_count; i++)
		if (graph->edges[i].step == step && !graph->steps[graph->edges[i].need].placed &&
			(found == NULL || found->place == NULL))
			found = &graph->edges[i];
	return found;
}

static void name_step(const struct graph *graph, size_t step, char *text, size_t size)
{
	const struct stack_unit *unit = &graph->stack->units[graph->steps[step].unit];

	text_append(text, size, "%s.%s.%s", unit->app->id, unit->workflow, step_id(graph, step));
}

/* Follows needs from a step that is not placed: after as many as there are, it is in the ring. */
static void fail_ring(struct graph *graph, size_t step)
{
	char names[400] = "";
	const char *place = NULL;
	size_t first, count = 0;

	for (size_t i = 0; i < graph->step_count; i++)
		step = edge_of_ring(graph, step)->need;
	first = step;
	name_step(graph, step, names, sizeof(names));
	do {
		const struct edge *edge = edge_of_ring(graph, step);
		step = edge->need;
		place = place != NULL ? place : edge->place;
		if (++count > RING_NAMES_MAX)
			continue;
		text_append(names, sizeof(names), " -> ");
		name_step(graph, step, names, sizeof(names));
	} while (step != first);
	stack_fault(graph->stack, place != NULL ? place : "/apps",
		"these would wait for one another for ever: %s; take one of the references out",
		names);
}

/* ---- the order ---- */

static bool is_ready(const struct graph *graph, size_t unit, const bool *ordered)
{
	for (size_t i = 0; i < graph->stack->unit_count; i++)
		if (graph->needs[unit][i] && !ordered[i])
			return false;
	return true;
}

/* Who is needed comes first. Where two need each other, the one that stands first in the file does.
 */
static void order_units(struct graph *graph)
{
	bool ordered[STACK_UNITS_MAX] = { false };
	size_t count = graph->stack->unit_count;

	for (size_t placed = 0; placed < count; placed++) {
		size_t next = count;
		for (size_t i = 0; i < count && next == count; i++)
			if (!ordered[i] && is_ready(graph, i, ordered))
				next = i;
		for (size_t i = 0; i < count && next == count; i++)
			if (!ordered[i])
				next = i;
		ordered[next] = true;
		graph->stack->order[placed] = next;
	}
}

enum error_class stack_order(struct stack *stack, const cJSON *workflows, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct graph *graph = arena_allocate(&arena, sizeof(*graph));

	if (graph == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the steps of a stack");
	graph->stack = stack;
	graph->arena = &arena;
	add_steps(graph, workflows);
	add_edges(graph);
	size_t left = place_steps(graph);
	if (left != STEPS_MAX)
		fail_ring(graph, left);
	order_units(graph);
	return stack->faults.count == 0 ? ERROR_NONE
					: error_set(error, ERROR_INVALID_INPUT,
						  "%s is not a valid stack", stack->file.name);
}

void stack_removal_order(
	const struct stack *stack, const struct stack_app *ret_apps[STACK_APPS_MAX])
{
	size_t count = 0;

	for (size_t i = stack->unit_count; i > 0; i--) {
		const struct stack_app *app = stack->units[stack->order[i - 1]].app;
		bool listed = false;
		for (size_t k = 0; k < count; k++)
			listed = listed || ret_apps[k] == app;
		if (!listed)
			ret_apps[count++] = app;
	}
}
