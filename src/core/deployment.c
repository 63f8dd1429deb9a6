/*
 * A deployment as the object of the HTTP contract. Pure data, as run.c is.
 */
#include "core/deployment.h"

#include <string.h>

#include "base/clock.h"
#include "base/record.h"
#include "base/text.h"

static const struct field shown_fields[] = {
	{ STRING_FIELD("deployment", struct deployment, id) },
	{ STRING_FIELD("status", struct deployment, status) },
	{ STRING_FIELD("reason", struct deployment, reason) },
	{ STRING_FIELD("definition", struct deployment, definition) },
	{ STRING_FIELD("digest", struct deployment, digest) },
	{ STRING_FIELD("cancel", struct deployment, cancel) },
	{ STRING_FIELD("actor", struct deployment, actor) },
	{ INTEGER_FIELD("version", struct deployment, version) },
	{ INTEGER_FIELD("started_at", struct deployment, started_at) },
	{ INTEGER_FIELD("retried_at", struct deployment, retried_at) },
	{ INTEGER_FIELD("finished_at", struct deployment, finished_at) },
};
const struct record deployment_shown = RECORD(struct deployment, shown_fields);

static const struct field hidden_fields[] = {
	{ STRING_FIELD("inputs", struct deployment, inputs) },
	{ STRING_FIELD("configured", struct deployment, configured) },
	{ STRING_FIELD("after", struct deployment, after) },
	{ STRING_FIELD("plan", struct deployment, plan) },
	{ STRING_FIELD("steps", struct deployment, steps) },
	{ STRING_FIELD("request", struct deployment, request) },
};
const struct record deployment_hidden = RECORD(struct deployment, hidden_fields);

_Static_assert(ARRAY_LEN(shown_fields) <= DEPLOYMENT_SHOWN_MAX, "raise DEPLOYMENT_SHOWN_MAX");

void deployment_init(struct deployment *deployment, const char *app, const char *workflow)
{
	*deployment = (struct deployment){ .app = app, .workflow = workflow };
	record_clear(&deployment_shown, deployment);
	record_clear(&deployment_hidden, deployment);
}

bool deployment_is_live(const struct deployment *deployment)
{
	return strcmp(deployment->status, "running") == 0;
}

/* ---- the object of the contract ---- */

struct status {
	const char *workflow, *app, *id, *status, *reason, *definition, *inputs, *actor;
	const char *started_at, *retried_at, *finished_at;
	int64_t version;
};

/* Required, so that every member is always there: null where there is nothing to say. */
static const struct field status_fields[] = {
	{ STRING_FIELD("workflowId", struct status, workflow), .required = true },
	{ STRING_FIELD("appId", struct status, app), .required = true },
	{ STRING_FIELD("deploymentId", struct status, id), .required = true },
	{ STRING_FIELD("status", struct status, status), .required = true },
	{ STRING_FIELD("reason", struct status, reason), .required = true },
	{ STRING_FIELD("definition", struct status, definition), .required = true },
	{ STRING_FIELD("inputsDigest", struct status, inputs), .required = true },
	{ STRING_FIELD("actor", struct status, actor), .required = true },
	{ STRING_FIELD("startedAt", struct status, started_at), .required = true },
	{ STRING_FIELD("retriedAt", struct status, retried_at), .required = true },
	{ STRING_FIELD("finishedAt", struct status, finished_at), .required = true },
	{ INTEGER_FIELD("version", struct status, version) },
};
static const struct record status_record = RECORD(struct status, status_fields);

/* The texts that the times become. */
struct status_times {
	char started[CLOCK_TEXT_SIZE], retried[CLOCK_TEXT_SIZE], finished[CLOCK_TEXT_SIZE];
};

static struct status status_of(const struct deployment *deployment, struct status_times *times)
{
	bool ends = deployment->cancel[0] != '\0' && deployment_is_live(deployment);

	return (struct status){
		.workflow = deployment->workflow,
		.app = deployment->app,
		.id = text_or_null(deployment->id),
		.status = deployment->status,
		.reason = ends ? "cancelling" : text_or_null(deployment->reason),
		.definition = text_or_null(deployment->definition),
		.inputs = text_or_null(deployment->digest),
		.actor = text_or_null(deployment->actor),
		.started_at = clock_text_or_null(deployment->started_at, times->started),
		.retried_at = clock_text_or_null(deployment->retried_at, times->retried),
		.finished_at = clock_text_or_null(deployment->finished_at, times->finished),
		.version = deployment->version,
	};
}

static bool is_one(const struct deployment *deployment)
{
	return deployment->id[0] != '\0' || deployment->status[0] != '\0';
}

enum error_class deployment_status(
	const struct deployment *deployment, cJSON **ret_json, struct error *error)
{
	struct status_times times;
	const struct status status = status_of(deployment, &times);

	if (is_one(deployment))
		return record_encode(&status_record, &status, ret_json, error);
	*ret_json = cJSON_CreateNull();
	return *ret_json != NULL
		? ERROR_NONE
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a deployment");
}

enum error_class deployment_status_write(
	const struct deployment *deployment, struct json_writer *writer, struct error *error)
{
	struct status_times times;
	const struct status status = status_of(deployment, &times);

	if (!is_one(deployment)) {
		json_write_text(writer, NULL);
		return ERROR_NONE;
	}
	json_open(writer, '{');
	enum error_class class = record_write(&status_record, &status, writer, error);
	json_close(writer, '}');
	return class;
}
