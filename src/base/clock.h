/*
 * The two clocks. Deadlines of runs are compared by Redis alone; a process measures its own waits with the
 * monotonic clock; the wall clock is for people's eyes and for providers.
 */
#ifndef SLIPWAY_BASE_CLOCK_H
#define SLIPWAY_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds that only grow, since an arbitrary start. */
int64_t clock_monotonic_ms(void);

/* Milliseconds since 1970, UTC. */
int64_t clock_wall_ms(void);

/* Sleeps; returns early where a signal comes. */
void clock_sleep_ms(int64_t milliseconds);

#define CLOCK_TEXT_SIZE 32

/* 2026-11-24T22:30:00.123Z into text. */
void clock_format(int64_t wall_ms, char text[CLOCK_TEXT_SIZE]);

#define CLOCK_DATE_SIZE 32

/* The day for people, UTC: 3 December 2026. */
void clock_format_date(int64_t wall_ms, char text[CLOCK_DATE_SIZE]);

/* A time as it stands in headers of providers, 2026-12-03 08:03:22 UTC or with +0100 at its end, in milliseconds since
 * 1970; 0 for what is no such text. */
int64_t clock_parse_header(const char *text);

/* The other way, also of whole seconds, as GitHub writes them; 0 for NULL and for what is no such text. */
int64_t clock_parse(const char *text);

#endif
