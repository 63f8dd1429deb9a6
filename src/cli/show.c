/*
 * Prints foreign texts with their control characters replaced: a provider's message must not be
 * able to move the cursor or hide a line.
 */
#include "cli/show.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "slipway/field.h"

/* U+0080 to U+009F are control characters too: for a terminal, U+009B may
 * begin an escape sequence. */
static bool is_second_control(const unsigned char *next)
{
	return next[0] == 0xc2 && next[1] >= 0x80 && next[1] <= 0x9f;
}

void show_text(FILE *stream, const char *text)
{
	for (const unsigned char *next = (const unsigned char *)text; next != NULL && *next != '\0';
		next++) {
		if (is_second_control(next)) {
			fputc('?', stream);
			next++;
		} else if (*next == '\n' || *next == '\t') {
			fputc(' ', stream);
		} else {
			fputc(*next < 0x20 || *next == 0x7f ? '?' : *next, stream);
		}
	}
}

void show_column(FILE *stream, const char *text, int width)
{
	const char *shown = text != NULL ? text : "-";
	int length = 0;

	/* By characters: the bytes behind the first one of a character take no room. */
	for (const char *next = shown; *next != '\0'; next++)
		length += ((unsigned char)*next & 0xc0) != 0x80;
	show_text(stream, shown);
	fprintf(stream, "%*s", (length < width ? width - length : 0) + 2, "");
}

void show_age(FILE *stream, int64_t at_ms)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = { { 86400, "day" }, { 3600, "hour" }, { 60, "minute" }, { 1, "second" } };
	int64_t seconds = (clock_wall_ms() - at_ms) / 1000;

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		int64_t count = seconds / units[i].seconds;
		if (count <= 0)
			continue;
		fprintf(stream, "%lld %s%s ago", (long long)count, units[i].name,
			count == 1 ? "" : "s");
		return;
	}

	fprintf(stream, "just now");
}

static void show_line(FILE *stream, const char *indent, const char *label, const char *text)
{
	fprintf(stream, "%s%s: ", indent, label);
	show_text(stream, text);
	fprintf(stream, "\n");
}

void show_error_details(FILE *stream, const char *indent, const struct error *error)
{
	if (error->place[0] != '\0')
		show_line(stream, indent, "at", error->place);
	if (error->remedy[0] != '\0')
		show_line(stream, indent, "what to do", error->remedy);
	if (error->remedy_url[0] != '\0')
		show_line(stream, indent, "where", error->remedy_url);
	if (error->remedy_input[0] != '\0')
		show_line(stream, indent, "input to change", error->remedy_input);
}

void show_remedy(FILE *stream, const cJSON *remedy)
{
	const char *url = json_member_string(remedy, "url"),
		   *input = json_member_string(remedy, "inputKey");

	show_text(stream, json_member_string(remedy, "text"));
	fputs(url != NULL ? " " : "", stream);
	show_text(stream, url);
	if (input != NULL) {
		fprintf(stream, " (input to change: ");
		show_text(stream, input);
		fputc(')', stream);
	}

	fputc('\n', stream);
}

void show_fault(FILE *stream, const char *indent, const cJSON *fault)
{
	const char *step = json_member_string(fault, "actionId"),
		   *message = json_member_string(fault, "message");
	const char *place = json_member_string(fault, "place");
	const cJSON *remedy = json_member(fault, "remedy");
	const char *text = json_member_string(remedy, "text");

	fprintf(stream, "%s", indent);
	show_text(stream, step);
	fprintf(stream, "%s", step != NULL ? ": " : "");
	show_text(stream, place);
	fprintf(stream, ": ");
	show_text(stream, message);
	fputc('\n', stream);
	if (text == NULL || strcmp(text, error_class_facts(ERROR_INVALID_INPUT)->remedy) == 0)
		return;
	fprintf(stream, "%s  ", indent);
	show_remedy(stream, remedy);
}

void show_output(FILE *stream, const cJSON *output)
{
	static const char *const names[] = { "fullName", "name", "url", "text", "reason" };
	bool any = false;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *text = json_member_string(output, names[i]);
		/* The full name includes the name. */
		if (text == NULL || text[0] == '\0' || (i == 1 && any))
			continue;
		fprintf(stream, "  ");
		show_text(stream, text);
		any = true;
	}
}

void show_differences(FILE *stream, const char *indent, const cJSON *step)
{
	const cJSON *difference, *number = json_member(step, "moreDifferences");
	int64_t more = cJSON_IsNumber(number) ? (int64_t)number->valuedouble : 0;

	cJSON_ArrayForEach (difference, json_member(step, "differences")) {
		fprintf(stream, "%s", indent);
		show_text(stream, cJSON_GetStringValue(difference));
		fputc('\n', stream);
	}
	if (more > 0)
		fprintf(stream, "%sand %lld more\n", indent, (long long)more);
}

void show_json(FILE *stream, const cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);
	fprintf(stream, "%s\n", text != NULL ? text : "");
	fflush(stream);
	cJSON_free(text);
}

bool show_colours(FILE *stream)
{
	const char *terminal = getenv("TERM"), *none = getenv("NO_COLOR");
	return isatty(fileno(stream)) == 1 && (none == NULL || none[0] == '\0') &&
		(terminal == NULL || strcmp(terminal, "dumb") != 0);
}
