/*
 * What a check has found, as lines for a person or as JSON.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/redact.h"
#include "base/text.h"
#include "cli/doctor.h"
#include "cli/show.h"

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

bool diagnosis_print(const char *name, const struct diagnosis *diagnosis, bool json)
{
	if (json)
		print_json(name, diagnosis);
	else
		print_line(name, diagnosis);
	return diagnosis->verdict == DOCTOR_FAULT;
}
