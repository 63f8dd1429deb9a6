/*
 * The two clocks. A process measures its own waits with the monotonic clock. The wall clock is for
 * people and providers only; deadlines of runs are compared by Redis, by its own clock.
 */
#ifndef SLIPWAY_BASE_CLOCK_H
#define SLIPWAY_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds since an arbitrary start; never goes back. */
int64_t clock_monotonic_ms(void);

/* Milliseconds since 1970, UTC. */
int64_t clock_wall_ms(void);

/* Sleeps; returns early if a signal arrives. */
void clock_sleep_ms(int64_t milliseconds);

#define CLOCK_TEXT_SIZE 32

/* Writes the time as 2026-11-24T22:30:00.123Z. */
void clock_format(int64_t wall_ms, char text[CLOCK_TEXT_SIZE]);

/* The same, and returns the text; NULL for 0, which stands for a time that is not known. */
const char *clock_text_or_null(int64_t wall_ms, char text[CLOCK_TEXT_SIZE]);

#define CLOCK_DATE_SIZE 32

/* Writes the day for people, in UTC: 3 December 2026. */
void clock_format_date(int64_t wall_ms, char text[CLOCK_DATE_SIZE]);

/* Parses a time as providers write it in headers, 2026-12-03 08:03:22 UTC or with +0100 at its end.
 * Milliseconds since 1970; 0 if it is anything else. */
int64_t clock_parse_header(const char *text);

/* Parses what clock_format writes, also without milliseconds, as GitHub sends it. 0 for NULL and if
 * it is anything else. */
int64_t clock_parse(const char *text);

#endif
