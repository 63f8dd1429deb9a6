/*
 * mode poll, and its GET form: how one step or all steps of a workflow stand. A poll reads and changes
 * nothing, so it is the one mode that may be answered with 304.
 */
#include <string.h>

#include "api/query.h"
#include "api/routes.h"
#include "api/target.h"
#include "base/text.h"
#include "core/input.h"
#include "store/runs.h"

static enum error_class poll_step(const struct service *service, const struct target *target,
	const struct step_definition *step, cJSON **ret_status, struct error *error)
{
	struct run run;
	const struct run_name name = { target->app, target->workflow->id, step->id };
	if (run_read(service->redis, &name, service->arena, &run, error) != ERROR_NONE)
		return error->class;
	return run_status(&run, ret_status, error);
}

static enum error_class poll_all(
	const struct service *service, const struct target *target, cJSON *answer, struct error *error)
{
	cJSON *actions = cJSON_AddArrayToObject(answer, "actions");
	bool complete = actions != NULL && json_add(answer, "workflowId", cJSON_CreateString(target->workflow->id)) &&
		json_add(answer, "appId", cJSON_CreateString(target->app));
	for (size_t i = 0; complete && i < target->workflow->step_count; i++) {
		cJSON *status;
		if (poll_step(service, target, &target->workflow->steps[i], &status, error) != ERROR_NONE)
			return error->class;
		complete = json_append(actions, status);
	}
	return complete ? ERROR_NONE : error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the answer");
}

static enum error_class poll(
	const struct service *service, const struct target *target, cJSON **ret_answer, struct error *error)
{
	if (target->step != NULL)
		return poll_step(service, target, target->step, ret_answer, error);
	cJSON *answer = cJSON_CreateObject();
	if (answer == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the answer");
	if (poll_all(service, target, answer, error) != ERROR_NONE) {
		cJSON_Delete(answer);
		return error->class;
	}
	*ret_answer = answer;
	return ERROR_NONE;
}

enum error_class mode_poll(const struct service *service, const struct request *request, const cJSON *body,
	struct response *response, struct error *error)
{
	(void)request;
	struct target target;
	cJSON *answer;
	response->subject.reads = true;
	if (target_from_body(body, false, &target, error) != ERROR_NONE ||
		poll(service, &target, &answer, error) != ERROR_NONE)
		return error->class;
	return response_json(response, 200, answer, error);
}

/* What a client may act on: all but the hint when to ask again, which changes by itself. */
static enum error_class set_etag(struct response *response, const cJSON *answer, struct error *error)
{
	char digest[DIGEST_SIZE];
	cJSON *lasting = cJSON_Duplicate(answer, true), *action;
	if (lasting == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the answer");
	cJSON_DeleteItemFromObjectCaseSensitive(lasting, "nextPollMs");
	cJSON_ArrayForEach(action, json_member(lasting, "actions"))
	{
		cJSON_DeleteItemFromObjectCaseSensitive(action, "nextPollMs");
	}
	if (json_digest(lasting, digest, error) == ERROR_NONE)
		text_format(response->etag, sizeof(response->etag), "\"%.32s\"", digest);
	cJSON_Delete(lasting);
	return response->etag[0] != '\0' ? ERROR_NONE : error->class;
}

/* Several tags may be listed; W/ before one does not matter for a GET. */
static bool etag_matches(const char *if_none_match, const char *etag)
{
	return strcmp(if_none_match, "*") == 0 || strstr(if_none_match, etag) != NULL;
}

enum error_class route_poll(const struct service *service, const struct request *request, const cJSON *none,
	struct response *response, struct error *error)
{
	(void)none;
	struct target target;
	cJSON *query, *answer;
	static const char *const names[] = { "appId", "workflowId", "actionId", NULL };
	if (query_parse(request->query, names, &query, error) != ERROR_NONE)
		return error->class;
	response_subject(response, query);
	/* The target borrows texts of the query. */
	enum error_class class = target_from_body(query, false, &target, error);
	if (class == ERROR_NONE)
		class = poll(service, &target, &answer, error);
	if (class == ERROR_NONE) {
		class = set_etag(response, answer, error);
		if (class == ERROR_NONE && etag_matches(request->if_none_match, response->etag)) {
			response->status = 304;
			cJSON_Delete(answer);
		} else if (class == ERROR_NONE) {
			class = response_json(response, 200, answer, error);
		} else {
			cJSON_Delete(answer);
		}
	}
	cJSON_Delete(query);
	return class;
}
