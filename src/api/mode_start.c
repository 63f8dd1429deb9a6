/*
 * mode start: the server deploys a whole workflow. All inputs are checked first; then all runs are
 * created at once, and workers release what needs others when these are done. The client may go.
 */
#include <string.h>

#include "api/body.h"
#include "api/fastcgi.h"
#include "api/launch.h"
#include "api/mode.h"
#include "base/clock.h"

/* Mostly a worker ends what it executes within three seconds. */
#define REPLACES_WITHIN_MS 4000
#define STOP_PAUSE_MS      100
#define REPLACE_ROUNDS     5                        /* others may start theirs in between */
#define REPLACING_MAX      (FASTCGI_SERVED_MAX / 2) /* that wait at a time: others are served too */
#define AFTER_MAX          16

_Static_assert(
	REPLACES_WITHIN_MS + 500 < FASTCGI_DRAIN_MS, "it is answered though the api is to stop");

static enum error_class refuse_after(struct error *error)
{
	error_set(error, ERROR_INVALID_REQUEST,
		"after must be a list of at most %d objects with appId and workflowId", AFTER_MAX);
	return error_at(error, "/after");
}

static enum error_class refuse_itself(const struct target *target, struct error *error)
{
	error_set(error, ERROR_INVALID_REQUEST,
		"the deployment of '%s' by '%s' cannot come after itself", target->app,
		target->workflow_id);
	return error_at(error, "/after");
}

/* The names of the deployments that come before, as the store has them. */
static enum error_class read_after(const struct service *service, const struct target *target,
	const cJSON *after, const char **ret_names, struct error *error)
{
	const cJSON *item;
	const char *names = "";

	*ret_names = NULL;
	if (after == NULL)
		return ERROR_NONE;
	if (!cJSON_IsArray(after) || cJSON_GetArraySize(after) > AFTER_MAX)
		return refuse_after(error);
	cJSON_ArrayForEach (item, after) {
		struct target other;
		if (!cJSON_IsObject(item) || cJSON_GetArraySize(item) != 2)
			return refuse_after(error);
		if (target_from_body(service, item, false, &other, error) != ERROR_NONE)
			return error->class;
		if (other.workflow == target->workflow && strcmp(other.app, target->app) == 0)
			return refuse_itself(target, error);
		names = arena_format(service->arena, "%s%s%s:%s:" DEPLOYMENT_STEP_ID, names,
			names[0] != '\0' ? " " : "", other.app, other.workflow->id);
		if (names == NULL)
			return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a request");
	}

	*ret_names = names;
	return ERROR_NONE;
}

/* A plan says "nothing" of a done step that keeps its result; a start by force would run it again.
 */
static enum error_class check_unforced(const cJSON *body, struct error *error)
{
	if (json_member(body, "plan") == NULL || !cJSON_IsTrue(json_member(body, "force")))
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_REQUEST,
		"force cannot stand beside plan: it would run steps again of which the plan does "
		"not say so");
	error_at(error, "/force");
	return error_remedy(error, NULL,
		"Leave out force to do what the plan says, or leave out plan to run all steps "
		"again.");
}

/* The hash of a plan; NULL where the request names none. */
static enum error_class read_plan(const cJSON *body, const char **ret_hash, struct error *error)
{
	const cJSON *plan = json_member(body, "plan");
	const char *hash = cJSON_GetStringValue(plan);

	*ret_hash = hash;
	if (plan == NULL ||
		(hash != NULL && strlen(hash) == DIGEST_SIZE - 1 &&
			strspn(hash, "0123456789abcdef") == DIGEST_SIZE - 1))
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_REQUEST,
		"plan must be the `hash` of a plan: %d hexadecimal digits", DIGEST_SIZE - 1);
	return error_at(error, "/plan");
}

static size_t replacing; /* requests of this process that wait */

struct stop {
	const struct service *service;
	struct run_name name;
	const char *id; /* of the deployment */
	enum stop_outcome outcome;
};

static enum error_class cancel(struct stop *stop, struct error *error)
{
	struct deployment ignored;
	return deployment_stop(stop->service->redis, &stop->name, stop->id, stop->service->arena,
		&stop->outcome, &ignored, error);
}

static enum error_class wait_for_end(struct stop *stop, int64_t give_up_at, struct error *error)
{
	while (stop->outcome == STOP_CANCELLING && clock_monotonic_ms() < give_up_at) {
		redis_wait_ms(stop->service->redis, STOP_PAUSE_MS);
		if (cancel(stop, error) != ERROR_NONE)
			return error->class;
	}
	return ERROR_NONE;
}

/* Cancels the deployment with this id, and waits until its steps have ended. One that another
 * client has started meanwhile is left alone: it may be the same as ours. */
static enum error_class stop_live(const struct service *service, const struct target *target,
	const char *id, int64_t give_up_at, struct error *error)
{
	struct stop stop = { .service = service, .name = target_name(target), .id = id };
	enum error_class class = cancel(&stop, error);

	if (class == ERROR_NONE && replacing < REPLACING_MAX) {
		replacing++;
		class = wait_for_end(&stop, give_up_at, error);
		replacing--;
	}
	if (class != ERROR_NONE || stop.outcome != STOP_CANCELLING)
		return class;
	error_set(error, ERROR_RUN_CONFLICT,
		"the deployment %s of '%s' is being cancelled, and a step of it has not ended yet",
		id, target->app);
	return error_remedy(error, NULL, "Send the request again in a moment.");
}

static enum error_class start(const struct service *service, const struct target *target,
	const struct launch *launch, struct response *response, struct error *error)
{
	bool replaces = cJSON_IsTrue(json_member(launch->body, "replace"));
	const int64_t give_up_at = clock_monotonic_ms() + REPLACES_WITHIN_MS;
	struct start_result result;
	bool sent;

	for (int i = 0; i < REPLACE_ROUNDS; i++) {
		if (launch_send(service, target, launch, response, &sent, &result, error) !=
			ERROR_NONE)
			return error->class;
		if (!sent || result.outcome != START_CONFLICT || !replaces)
			break;
		if (stop_live(service, target, result.deployment.id, give_up_at, error) !=
			ERROR_NONE)
			return error->class;
	}

	return sent ? launch_respond(&result, response, error) : ERROR_NONE;
}

static enum error_class handle_start(const struct service *service, const struct request *request,
	cJSON *body, struct response *response, struct error *error)
{
	CLEANUP_PAYLOAD struct payload payload = PAYLOAD_EMPTY;
	struct target target;
	struct launch launch = { .payload = &payload, .body = body, .request = request->id };
	const char *plan;
	bool found;

	if (target_from_body(service, body, false, &target, error) != ERROR_NONE ||
		body_check_options(body, error) != ERROR_NONE ||
		launch_find(service, &target, body, false, response, &found, error) != ERROR_NONE)
		return error->class;
	if (found)
		return ERROR_NONE;

	if (read_plan(body, &plan, error) != ERROR_NONE ||
		check_unforced(body, error) != ERROR_NONE ||
		read_after(service, &target, json_member(body, "after"), &launch.after, error) !=
			ERROR_NONE ||
		app_payload_read(service, target.app, &payload, error) != ERROR_NONE ||
		body_check_version(target.app, &payload, body, error) != ERROR_NONE ||
		expectation_find(service, &target, plan, &launch.expected, error) != ERROR_NONE)
		return error->class;

	launch.configured = payload.inputs;
	return start(service, &target, &launch, response, error);
}

const struct mode mode_start = {
	.name = "start",
	.role = ROLE_DEPLOY,
	.members = (const char *const[]){ "workflowId", "inputs", "after", "startId", "replace",
		"force", "plan", "configVersion", NULL },
	.handle = handle_start,
};
