/*
 * The clocks, and RFC 3339 texts. The monotonic clock is one for all processes of a machine, so
 * supervisor and executors may compare its instants.
 */
#include "base/clock.h"

#include <string.h>
#include <time.h>

#include "base/text.h"

static int64_t clock_read_ms(clockid_t id)
{
	struct timespec now;
	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_monotonic_ms(void)
{
	return clock_read_ms(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
	return clock_read_ms(CLOCK_REALTIME);
}

void clock_sleep_ms(int64_t milliseconds)
{
	struct timespec duration = { .tv_sec = milliseconds / 1000,
		.tv_nsec = (milliseconds % 1000) * 1000000 };
	nanosleep(&duration, NULL);
}

void clock_format(int64_t wall_ms, char text[CLOCK_TEXT_SIZE])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm utc;
	char whole[24] = "";
	if (gmtime_r(&seconds, &utc) != NULL)
		strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &utc);
	text_format(text, CLOCK_TEXT_SIZE, "%s.%03dZ", whole, (int)(wall_ms % 1000));
}

const char *clock_text_or_null(int64_t wall_ms, char text[CLOCK_TEXT_SIZE])
{
	if (wall_ms == 0)
		return NULL;
	clock_format(wall_ms, text);
	return text;
}

int64_t clock_parse(const char *text)
{
	struct tm utc = { .tm_year = 0 };
	int64_t milliseconds = 0, scale = 100;
	const char *rest = text != NULL ? strptime(text, "%Y-%m-%dT%H:%M:%S", &utc) : NULL;

	if (rest != NULL && *rest == '.' && rest[1] >= '0' && rest[1] <= '9')
		for (rest++; *rest >= '0' && *rest <= '9'; rest++, scale /= 10)
			milliseconds += scale * (*rest - '0');
	if (rest == NULL || strcmp(rest, "Z") != 0)
		return 0;
	return (int64_t)timegm(&utc) * 1000 + milliseconds;
}

void clock_format_date(int64_t wall_ms, char text[CLOCK_DATE_SIZE])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm utc;
	char whole[CLOCK_DATE_SIZE] = "";

	if (gmtime_r(&seconds, &utc) != NULL)
		(void)strftime(whole, sizeof(whole), "%d %B %Y", &utc);
	text_copy(text, CLOCK_DATE_SIZE, whole[0] == '0' ? whole + 1 : whole);
}

int64_t clock_parse_header(const char *text)
{
	struct tm time = { .tm_year = 0 };
	const char *rest = strptime(text, "%Y-%m-%d %H:%M:%S ", &time), *end = rest;

	if (rest == NULL)
		return 0;
	if (strcmp(rest, "UTC") != 0)
		end = strptime(rest, "%z", &time);
	else
		end += strlen("UTC");
	int64_t offset_seconds = time.tm_gmtoff;
	return end != NULL && *end == '\0' ? ((int64_t)timegm(&time) - offset_seconds) * 1000 : 0;
}
