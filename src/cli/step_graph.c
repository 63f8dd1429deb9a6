/*
 * The graph of steps that `slipway run` walks: which step is ready to run. A step whose need failed
 * never becomes ready, so the walk ends when nothing is running.
 */
#include "cli/step_graph.h"

#include <string.h>

#include "base/text.h"

struct graph_step *step_graph_find(struct step_graph *graph, const char *id)
{
	for (size_t i = 0; i < graph->count; i++)
		if (strcmp(graph->steps[i].id, id) == 0)
			return &graph->steps[i];
	return NULL;
}

static enum error_class read_needs(
	struct step_graph *graph, struct graph_step *step, const cJSON *needs, struct error *error)
{
	const cJSON *need;

	cJSON_ArrayForEach (need, needs) {
		const char *id = cJSON_GetStringValue(need);
		const struct graph_step *needed = id != NULL ? step_graph_find(graph, id) : NULL;
		if (needed == NULL)
			return error_set(error, ERROR_INVALID_INPUT,
				"the step '%s' needs a step that does not exist", step->id);
		step->needs[needed - graph->steps] = true;
	}

	return ERROR_NONE;
}

enum error_class step_graph_read(
	const cJSON *workflow, struct step_graph *ret_graph, struct error *error)
{
	const cJSON *step, *steps = json_member(workflow, "steps");

	memset(ret_graph, 0, sizeof(*ret_graph));
	cJSON_ArrayForEach (step, steps) {
		const char *id = json_member_string(step, "id");
		if (id == NULL || ret_graph->count == GRAPH_STEPS_MAX)
			return error_set(error, ERROR_INVALID_INPUT,
				"the endpoint's description of the workflow has an unknown format");
		struct graph_step *added = &ret_graph->steps[ret_graph->count++];
		const char *summary = json_member_string(step, "summary"),
			   *key = json_member_string(step, "inputKey");
		text_copy(added->id, sizeof(added->id), id);
		text_copy(added->input_key, sizeof(added->input_key), key != NULL ? key : "");
		text_copy(added->summary, sizeof(added->summary), summary != NULL ? summary : "");
	}

	size_t index = 0;
	cJSON_ArrayForEach (step, steps) {
		if (read_needs(ret_graph, &ret_graph->steps[index++], json_member(step, "needs"),
			    error) != ERROR_NONE)
			return error->class;
	}

	return ERROR_NONE;
}

static bool needs_are_done(const struct step_graph *graph, const struct graph_step *step)
{
	for (size_t i = 0; i < graph->count; i++)
		if (step->needs[i] && graph->steps[i].state != GRAPH_DONE)
			return false;
	return true;
}

struct graph_step *step_graph_next(struct step_graph *graph)
{
	for (size_t i = 0; i < graph->count; i++)
		if (graph->steps[i].state == GRAPH_PENDING &&
			needs_are_done(graph, &graph->steps[i]))
			return &graph->steps[i];
	return NULL;
}

bool step_graph_is_running(const struct step_graph *graph)
{
	for (size_t i = 0; i < graph->count; i++)
		if (graph->steps[i].state == GRAPH_RUNNING)
			return true;
	return false;
}

bool step_graph_is_done(const struct step_graph *graph)
{
	for (size_t i = 0; i < graph->count; i++)
		if (graph->steps[i].state != GRAPH_DONE)
			return false;
	return true;
}
