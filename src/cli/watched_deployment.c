/*
 * A deployment object, and its line for a person.
 */
#include "cli/watched_deployment.h"

#include <string.h>

#include "base/record.h"

static const struct field deployment_fields[] = {
	{ STRING_FIELD("deploymentId", struct watched_deployment, id), .required = true },
	{ STRING_FIELD("status", struct watched_deployment, status), .required = true },
	{ STRING_FIELD("reason", struct watched_deployment, reason), .fallback = "" },
	{ STRING_FIELD("inputsDigest", struct watched_deployment, inputs), .fallback = "" },
	{ STRING_FIELD("startedAt", struct watched_deployment, started_at), .fallback = "" },
	{ STRING_FIELD("retriedAt", struct watched_deployment, retried_at), .fallback = "" },
	{ STRING_FIELD("finishedAt", struct watched_deployment, finished_at), .fallback = "" },
	{ INTEGER_FIELD("version", struct watched_deployment, version) },
};
static const struct record deployment_record = RECORD(struct watched_deployment, deployment_fields);

enum error_class watched_deployment_decode(const cJSON *json, struct arena *arena,
	struct watched_deployment *ret_deployment, struct error *error)
{
	return record_decode(
		&deployment_record, json, RECORD_LENIENT, "", arena, ret_deployment, error);
}

void watched_deployment_print(const struct watched_deployment *deployment, FILE *stream)
{
	bool live = strcmp(deployment->status, "running") == 0;
	bool retried = live && deployment->retried_at[0] != '\0';
	const char *since = retried ? deployment->retried_at
		: live              ? deployment->started_at
				    : deployment->finished_at;

	fprintf(stream, "deployment %s: %s%s%s", deployment->id, deployment->status,
		deployment->reason[0] != '\0' ? ", " : "", deployment->reason);
	if (since[0] != '\0')
		fprintf(stream, ", %s %s", live ? (retried ? "retried" : "started") : "ended",
			since);
	fputc('\n', stream);
}
