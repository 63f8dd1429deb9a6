/*
 * slipway doctor: checks Redis, workers and providers, and says for each finding what to do. It
 * changes nothing.
 */
#include <stdio.h>
#include <string.h>

#include "base/redact.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/doctor.h"
#include "cli/show.h"
#include "provider/providers.h"
#include "slipway/field.h"

struct options {
	struct settings settings; /* first: see command.h */
	bool json;
};

/* ---- findings ---- */

void diagnosis_set(
	struct diagnosis *diagnosis, enum doctor_verdict verdict, const char *format, ...)
{
	va_list arguments;
	diagnosis->verdict = verdict;
	va_start(arguments, format);
	text_format_list(diagnosis->what, sizeof(diagnosis->what), format, arguments);
	va_end(arguments);
}

void diagnosis_advise(struct diagnosis *diagnosis, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	text_format_list(diagnosis->advice, sizeof(diagnosis->advice), format, arguments);
	va_end(arguments);
}

void diagnosis_set_error(struct diagnosis *diagnosis, const struct error *error)
{
	const char *general = error_class_facts(error->class)->remedy;
	struct error shown = *error;

	redact_error(&shown);
	diagnosis_set(diagnosis, DOCTOR_FAULT, "%s", shown.message);
	text_copy(diagnosis->advice, sizeof(diagnosis->advice),
		shown.remedy[0] != '\0'   ? shown.remedy
			: general != NULL ? general
					  : "");
	text_copy(diagnosis->link, sizeof(diagnosis->link), shown.remedy_url);
}

/* ---- printing ---- */

static const struct {
	const char *word, *colour;
} verdicts[] = {
	[DOCTOR_FINE] = { "ok", "32" },
	[DOCTOR_WARNING] = { "warning", "33" },
	[DOCTOR_FAULT] = { "fault", "31" },
};

static void print_line(const char *name, const struct diagnosis *diagnosis)
{
	const char *word = verdicts[diagnosis->verdict].word;

	if (show_colours(stdout))
		printf("\033[%sm%-7s\033[0m %-13s ", verdicts[diagnosis->verdict].colour, word,
			name);
	else
		printf("%-7s %-13s ", word, name);
	show_text(stdout, diagnosis->what);
	printf("\n");
	if (diagnosis->advice[0] != '\0') {
		printf("%22s", "");
		show_text(stdout, diagnosis->advice);
		printf("\n");
	}

	if (diagnosis->link[0] != '\0') {
		printf("%22s", "");
		show_text(stdout, diagnosis->link);
		printf("\n");
	}
}

static void print_json(const char *name, const struct diagnosis *diagnosis)
{
	CLEANUP_JSON cJSON *line = cJSON_CreateObject();
	bool complete = line != NULL && json_add(line, "check", cJSON_CreateString(name)) &&
		json_add(line, "verdict", cJSON_CreateString(verdicts[diagnosis->verdict].word)) &&
		json_add(line, "what", cJSON_CreateString(diagnosis->what)) &&
		json_add(line, "advice", cJSON_CreateString(diagnosis->advice)) &&
		json_add(line, "link", cJSON_CreateString(diagnosis->link));

	show_json(stdout, complete ? line : NULL);
}

/* ---- checking ---- */

/* Prints the finding; returns whether it is a fault. */
static bool print_finding(const char *name, const struct diagnosis *diagnosis, bool json)
{
	if (json)
		print_json(name, diagnosis);
	else
		print_line(name, diagnosis);
	return diagnosis->verdict == DOCTOR_FAULT;
}

static bool finds_fault(const struct doctor *doctor, const struct doctor_check *check, bool json)
{
	struct diagnosis diagnosis;

	memset(&diagnosis, 0, sizeof(diagnosis));
	check->check(doctor, &diagnosis);
	return print_finding(check->name, &diagnosis, json);
}

static bool finds_provider_fault(
	const struct doctor *doctor, const struct provider *provider, bool json)
{
	struct diagnosis diagnoses[DOCTOR_LINES_MAX];
	bool fault = false;

	memset(diagnoses, 0, sizeof(diagnoses));
	size_t count = doctor_ask_provider(doctor, provider, diagnoses);
	for (size_t i = 0; i < count; i++)
		fault |= print_finding(provider->name, &diagnoses[i], json);
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
