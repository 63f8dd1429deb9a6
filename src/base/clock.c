/*
 * The clocks, and RFC 3339 texts. The monotonic clock is one for all processes of a machine, so
 * supervisor and executors may compare its instants.
 */
#include "base/clock.h"

#include <string.h>
#include <time.h>

#include "base/text.h"

#define DAY_MS        ((int64_t)86400000)
#define YEAR_10000_MS ((int64_t)253402300800000)

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

static char *put_digits(char *to, int64_t value, int count)
{
	for (int i = count - 1; i >= 0; i--, value /= 10)
		to[i] = (char)('0' + value % 10);
	return to + count;
}

/*
 * A year of four digits; strftime takes ten times as long. The days are counted in years that begin
 * in March, so that the leap day is the last: https://howardhinnant.github.io/date_algorithms.html
 */
static void format_usual(int64_t wall_ms, char text[CLOCK_TEXT_SIZE])
{
	const int64_t day = wall_ms / DAY_MS + 719468, of_day = wall_ms % DAY_MS;
	const int64_t era = day / 146097, of_era = day % 146097;
	const int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	const int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	const int64_t march = (5 * of_year + 2) / 153; /* months since March */
	const int64_t month = march < 10 ? march + 3 : march - 9;

	text = put_digits(text, era * 400 + year + (month <= 2), 4);
	*text++ = '-';
	text = put_digits(text, month, 2);
	*text++ = '-';
	text = put_digits(text, of_year - (153 * march + 2) / 5 + 1, 2);
	*text++ = 'T';
	text = put_digits(text, of_day / 3600000, 2);
	*text++ = ':';
	text = put_digits(text, of_day / 60000 % 60, 2);
	*text++ = ':';
	text = put_digits(text, of_day / 1000 % 60, 2);
	*text++ = '.';
	text = put_digits(text, of_day % 1000, 3);
	*text++ = 'Z';
	*text = '\0';
}

void clock_format(int64_t wall_ms, char text[CLOCK_TEXT_SIZE])
{
	if (wall_ms >= 0 && wall_ms < YEAR_10000_MS) {
		format_usual(wall_ms, text);
		return;
	}
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
