/*
 * mode poll and its GET form: the status of one step or of all steps of a workflow. Takes one round
 * trip to Redis, which reads only what is shown; a second one if a run has been queued for a while.
 * A poll changes nothing, so the GET form may be answered with 304; and it may be held until what
 * the client knows is no longer so.
 */
#include <string.h>

#include "api/authorise.h"
#include "api/holds.h"
#include "api/mode.h"
#include "api/query.h"
#include "api/route.h"
#include "api/target.h"
#include "base/text.h"
#include "core/definition_memory.h"
#include "core/dry_run.h"
#include "store/app_steps.h"
#include "store/shown.h"

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to read a status");
}

/* Puts those that have a run behind those that are shown already. */
static enum error_class add_runs(
	struct arena *arena, struct shown *shown, const struct shown *more, struct error *error)
{
	struct run *runs = arena_allocate_array(arena, shown->count + more->count, sizeof(*runs));

	if (runs == NULL)
		return no_memory(error);
	memcpy(runs, shown->runs, shown->count * sizeof(*runs));
	shown->runs = runs;
	for (size_t i = 0; i < more->count; i++)
		if (more->runs[i].id[0] != '\0')
			runs[shown->count++] = more->runs[i];
	return ERROR_NONE;
}

/* Where the deployment was started by another build, its workflow may have had steps that this one
 * has no more: they are shown behind the others, as far as they have a run. */
static enum error_class add_removed(const struct service *service, const struct target *target,
	struct shown *shown, struct error *error)
{
	const struct app_name app = target_app(target);
	char definition[DEFINITION_SIZE];
	struct shown removed = { .count = 0 };

	workflow_digest_known(target->workflow, definition);
	if (shown->deployment.definition[0] == '\0' ||
		strcmp(shown->deployment.definition, definition) == 0)
		return ERROR_NONE;
	struct app_steps *steps = arena_allocate(service->arena, sizeof(*steps));
	if (steps == NULL)
		return no_memory(error);
	if (app_steps_list(service->redis, &app, target->workflow_id, service->arena, steps,
		    error) != ERROR_NONE)
		return error->class;
	removed.names = steps->names;
	for (size_t i = 0; i < steps->count && shown->count + removed.count < SHOWN_MAX; i++)
		if (workflow_step(target->workflow, steps->names[i].step) == NULL)
			steps->names[removed.count++] = steps->names[i];
	if (removed.count == 0)
		return ERROR_NONE;
	if (shown_read(service->redis, service->arena, &removed, error) != ERROR_NONE)
		return error->class;
	return add_runs(service->arena, shown, &removed, error);
}

/* Compiled-in steps; with the deployment, and the step that it began with where it was started by a
 * plan. */
static enum error_class read_known(const struct service *service, const struct target *target,
	struct shown *shown, struct error *error)
{
	const struct workflow_definition *workflow = target->workflow;
	struct run_name *names =
		arena_allocate_array(service->arena, workflow->step_count + 1, sizeof(*names));

	if (names == NULL)
		return no_memory(error);
	for (size_t i = 0; i < workflow->step_count; i++)
		names[i] = (struct run_name){ target->tenant, target->app, workflow->id,
			workflow->steps[i].id };
	names[workflow->step_count] =
		(struct run_name){ target->tenant, target->app, workflow->id, DRY_RUN_GUARD_ID };
	shown->names = names;
	shown->count = workflow->step_count + 1;
	shown->with_deployment = true;
	if (shown_read(service->redis, service->arena, shown, error) != ERROR_NONE)
		return error->class;

	const struct run *guard = &shown->runs[shown->count - 1];
	if (guard->id[0] == '\0' || strcmp(guard->deployment, shown->deployment.id) != 0)
		shown->count--;
	return add_removed(service, target, shown, error);
}

/* A workflow that only other builds have: its steps are those that have run. */
static enum error_class read_unknown(const struct service *service, const struct target *target,
	struct shown *shown, struct error *error)
{
	const struct app_name app = target_app(target);
	struct app_steps *steps = arena_allocate(service->arena, sizeof(*steps));
	size_t count = 0;

	if (steps == NULL)
		return no_memory(error);
	if (app_steps_list(service->redis, &app, target->workflow_id, service->arena, steps,
		    error) != ERROR_NONE)
		return error->class;
	if (steps->count == 0)
		return target_unknown(target, error);
	shown->names = steps->names;
	shown->count = steps->count;
	shown->with_deployment = true;
	if (shown_read(service->redis, service->arena, shown, error) != ERROR_NONE)
		return error->class;

	for (size_t i = 0; i < shown->count; i++)
		if (shown->runs[i].id[0] != '\0')
			shown->runs[count++] = shown->runs[i];
	shown->count = count;
	return count > 0 ? ERROR_NONE : target_unknown(target, error);
}

/* The runs of the target, in the order of its steps; with the deployment, if it is all steps. */
static enum error_class read_shown(const struct service *service, const struct target *target,
	struct shown *shown, struct error *error)
{
	if (target->step_id == NULL)
		return target->workflow != NULL ? read_known(service, target, shown, error)
						: read_unknown(service, target, shown, error);
	struct run_name *name = arena_allocate(service->arena, sizeof(*name));
	if (name == NULL)
		return no_memory(error);
	*name = target_name(target);
	shown->names = name;
	shown->count = 1;
	if (shown_read(service->redis, service->arena, shown, error) != ERROR_NONE)
		return error->class;
	return target_is_known(target) || shown->runs[0].id[0] != '\0'
		? ERROR_NONE
		: target_unknown(target, error);
}

#define STATUS_BYTES ((size_t)700) /* usually, of one step: a size that malloc has at hand */

static enum error_class write_all(const struct target *target, const struct shown *shown,
	struct json_writer *writer, struct error *error)
{
	json_open(writer, '{');
	json_write_name(writer, "actions");
	json_open(writer, '[');
	for (size_t i = 0; i < shown->count; i++)
		if (run_status_object(&shown->runs[i], writer, error) != ERROR_NONE)
			return error->class;
	json_close(writer, ']');

	json_write_name(writer, "workflowId");
	json_write_text(writer, target->workflow_id);
	json_write_name(writer, "appId");
	json_write_text(writer, target->app);
	json_write_name(writer, "deployment");
	if (deployment_status_write(&shown->deployment, writer, error) != ERROR_NONE)
		return error->class;
	json_close(writer, '}');
	return ERROR_NONE;
}

static enum error_class show(const struct target *target, const struct shown *shown,
	struct response *response, struct error *error)
{
	const size_t parts = shown->count + (shown->with_deployment ? 1 : 0);
	struct json_writer writer = json_writer_to(&response->body, parts * STATUS_BYTES);
	enum error_class class = target->step_id != NULL
		? run_status_object(&shown->runs[0], &writer, error)
		: write_all(target, shown, &writer, error);

	return class == ERROR_NONE ? response_written(response, 200, &writer, error) : class;
}

static enum error_class handle_post(const struct service *service, const struct request *request,
	cJSON *body, struct response *response, struct error *error)
{
	(void)request;
	struct target target;
	struct shown shown = { .count = 0 };
	if (target_from_body_any(service, body, false, &target, error) != ERROR_NONE ||
		read_shown(service, &target, &shown, error) != ERROR_NONE)
		return error->class;
	return show(&target, &shown, response, error);
}

/* The header may list several tags. A GET compares weakly, so W/ before a tag does not matter. */
static bool etag_matches(const char *if_none_match, const char *etag)
{
	return strcmp(if_none_match, "*") == 0 || strstr(if_none_match, etag) != NULL;
}

/* Whether a response is to wait for a change, and of what. */
struct wish {
	int64_t seconds;   /* 0: it is not */
	const char *since; /* a tag without quotes; NULL: If-None-Match has it */
};

static enum error_class refuse_parameter(const char *name, const char *why, struct error *error)
{
	error_set(error, ERROR_INVALID_REQUEST, "%s", why);
	return error_at(error, "?%s", name);
}

static bool tag_is_valid(const char *tag)
{
	return tag[0] != '\0' && strlen(tag) < RUN_TAG_SIZE &&
		tag[strspn(tag, "0123456789abcdef")] == '\0';
}

static enum error_class read_wish(const cJSON *query, struct wish *ret_wish, struct error *error)
{
	const char *wait = json_member_string(query, "wait");

	*ret_wish = (struct wish){ .since = json_member_string(query, "since") };
	if (ret_wish->since != NULL && !tag_is_valid(ret_wish->since))
		return refuse_parameter("since",
			"since must be the ETag of an earlier response, without its quotes", error);
	if (ret_wish->since != NULL && wait == NULL)
		return refuse_parameter(
			"since", "since is for a request that waits: give wait too", error);
	if (wait == NULL)
		return ERROR_NONE;
	if (!text_to_integer(wait, &ret_wish->seconds) || ret_wish->seconds < 1 ||
		ret_wish->seconds > HOLD_SECONDS_MAX)
		return refuse_parameter("wait", "wait must be from 1 to 25 seconds", error);
	return ERROR_NONE;
}

/* Whether the client has named what would be sent: "*" names nothing. */
static bool is_known(
	const struct wish *wish, const struct request *request, const char *tag, const char *etag)
{
	return wish->since != NULL ? strcmp(wish->since, tag) == 0
				   : strstr(request->if_none_match, etag) != NULL;
}

/* Why a live run waits, or that its worker is silent, is told by time and not by a change: so they
 * are looked at, as a client that polls would. */
#define LOOK_QUEUED_MS    2000
#define LOOK_EXECUTING_MS 10000

static void look_in_time(struct hold *hold, const struct shown *shown)
{
	int64_t after_ms = INT64_MAX;

	for (size_t i = 0; i < shown->count; i++) {
		const char *phase = shown->runs[i].phase;
		int64_t own_ms = strcmp(phase, "queued") == 0 ? LOOK_QUEUED_MS
			: strcmp(phase, "executing") == 0     ? LOOK_EXECUTING_MS
							      : INT64_MAX;
		after_ms = own_ms < after_ms ? own_ms : after_ms;
	}
	if (after_ms != INT64_MAX)
		hold_look_after(hold, after_ms);
}

static enum error_class handle_get(const struct service *service, const struct request *request,
	struct response *response, struct error *error)
{
	static const char *const names[] = { "appId", "workflowId", "actionId", "since", "wait",
		NULL };
	CLEANUP_JSON cJSON *query = NULL; /* the target borrows its texts */
	struct target target;
	struct shown shown = { .count = 0 };
	struct wish wish;
	char tag[RUN_TAG_SIZE], watched[APP_MEMBER_SIZE];

	if (query_parse(request->query, names, &query, error) != ERROR_NONE)
		return error->class;
	response_subject(response, query);
	if (read_wish(query, &wish, error) != ERROR_NONE ||
		target_from_body_any(service, query, false, &target, error) != ERROR_NONE)
		return query_fault(error);
	if (caller_check_app(service->caller, target.app, error) != ERROR_NONE)
		return error->class;
	app_member_make(watched, &(struct app_name){ target.tenant, target.app });
	/* Before it is read: a change that comes between is one that it waits for. */
	bool may_wait = wish.seconds > 0 && request->hold != NULL &&
		hold_watch(service->holds, request->hold, watched, wish.seconds);
	if (read_shown(service, &target, &shown, error) != ERROR_NONE)
		return query_fault(error);

	shown_tag(&shown, tag);
	text_join(response->etag, sizeof(response->etag), (const char *const[]){ "\"", tag, "\"" },
		3);
	if (may_wait && is_known(&wish, request, tag, response->etag)) {
		look_in_time(request->hold, &shown);
		response->held = true;
		return ERROR_NONE;
	}
	if (!etag_matches(request->if_none_match, response->etag))
		return show(&target, &shown, response, error);
	response->status = 304;
	return ERROR_NONE;
}

const struct mode mode_poll = {
	.name = "poll",
	.role = ROLE_READ,
	.members = (const char *const[]){ "workflowId", "actionId", NULL },
	.reads = true,
	.handle = handle_post,
};

const struct route route_poll = { .method = "GET",
	.path = "/api/deploy",
	.role = ROLE_READ,
	.mode = "poll",
	.handle = handle_get };
