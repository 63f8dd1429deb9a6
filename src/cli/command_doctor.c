/*
 * slipway doctor: checks Redis, workers and providers, and says for each finding what to do. It
 * changes nothing.
 */
#include <string.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/doctor.h"
#include "provider/providers.h"
#include "slipway/field.h"

struct options {
	struct settings settings; /* first: see command.h */
	bool json;
};

/* ---- checking ---- */

static bool finds_fault(const struct doctor *doctor, const struct doctor_check *check, bool json)
{
	struct diagnosis diagnosis;

	memset(&diagnosis, 0, sizeof(diagnosis));
	check->check(doctor, &diagnosis);
	return diagnosis_print(check->name, &diagnosis, json);
}

static bool finds_provider_fault(
	const struct doctor *doctor, const struct provider *provider, bool json)
{
	struct diagnosis diagnoses[DOCTOR_LINES_MAX];
	bool fault = false;

	memset(diagnoses, 0, sizeof(diagnoses));
	size_t count = doctor_ask_provider(doctor, provider, diagnoses);
	for (size_t i = 0; i < count; i++)
		fault |= diagnosis_print(provider->name, &diagnoses[i], json);
	return fault;
}

/* Each under its tenant and name. */
static bool finds_connection_fault(
	const struct doctor *doctor, const struct stored_connection *listed, bool json)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct diagnosis diagnoses[DOCTOR_LINES_MAX];
	struct stored_connection stored;
	char name[2 * IDENTIFIER_SIZE];
	const struct connection *connection = &listed->connection;
	struct error error;
	bool fault = false;
	size_t count = 1;

	memset(diagnoses, 0, sizeof(diagnoses));
	text_format(name, sizeof(name), "%s/%s", connection->tenant, connection->name);
	if (connection_fetch(doctor->redis, connection->tenant, connection->name, true, &arena,
		    &stored, &error) != ERROR_NONE)
		diagnosis_set_error(&diagnoses[0], &error);
	else
		count = stored.record != NULL ? doctor_ask_connection(doctor, &stored, diagnoses)
					      : 0;
	for (size_t i = 0; i < count; i++)
		fault |= diagnosis_print(name, &diagnoses[i], json);
	return fault;
}

/* Where the login may list none, nothing is said: it is one for other things. */
static bool finds_connections_fault(const struct doctor *doctor, bool json)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const struct stored_connection *list;
	size_t count;
	struct error ignored;
	bool fault = false;

	if (connection_list_all(doctor->redis, NULL, &arena, &list, &count, &ignored) != ERROR_NONE)
		return false;
	for (size_t i = 0; i < count; i++)
		fault |= finds_connection_fault(doctor, &list[i], json);
	return fault;
}

static int examine(const struct options *options)
{
	struct doctor doctor = { &options->settings, NULL };
	struct error error;
	bool fault = false;

	if (redis_from_settings(&options->settings, "slipway-doctor", 3000, &doctor.redis,
		    &error) != ERROR_NONE)
		return command_fail(&error);
	for (const struct doctor_check *check = doctor_store_checks; check->name != NULL; check++) {
		bool bad = finds_fault(&doctor, check, options->json);
		fault = fault || bad;
		/* Without Redis all further checks of it would fail the same way. */
		if (bad && check == doctor_store_checks)
			break;
	}

	for (size_t i = 0; providers[i] != NULL; i++)
		fault |= finds_provider_fault(&doctor, providers[i], options->json);
	fault |= finds_connections_fault(&doctor, options->json);
	for (const struct doctor_check *check = doctor_key_checks; check->name != NULL; check++)
		fault |= finds_fault(&doctor, check, options->json);

	redis_free(doctor.redis);
	return fault ? EX_STEP_FAILED : EX_OK;
}

static const struct option_row option_rows[] = {
	{ FLAG_OPTION("json", 'j', struct options, json, "Print the findings as lines of JSON") },
	{ .type = OPTION_END },
};

static int execute(void *raw_options)
{
	return examine(raw_options);
}

const struct command command_doctor = {
	.name = "doctor",
	.summary = "Check Redis, workers and providers, and say what to do",
	.about = "Checks Redis, the workers and the providers with the settings of a worker, and "
		 "says what to do. Exit status 1 if something is wrong.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.programs = SETTINGS_ALL,
	.asks_redis = true,
	.execute = execute,
};
