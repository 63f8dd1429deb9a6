/*
 * Output for a terminal. Whatever a server or a provider wrote, it cannot move the cursor.
 */
#ifndef SLIPWAY_CLI_SHOW_H
#define SLIPWAY_CLI_SHOW_H

#include <stdio.h>

#include "base/json.h"

/* Writes the text with control characters as '?' and line feeds as spaces. NULL writes nothing. */
void show_text(FILE *stream, const char *text);

/* Writes the text as a column of a table, at least so wide, and two spaces; "-" for NULL. */
void show_column(FILE *stream, const char *text, int width);

/* Writes how long ago that was, by this machine's clock: "3 days ago", "just now". */
void show_age(FILE *stream, int64_t at_ms);

/* Writes the place and the remedy of an error, one line each, if it has them. */
void show_error_details(FILE *stream, const char *indent, const struct error *error);

/* Writes what a person can do, where, and which input to change, and ends the line. */
void show_remedy(FILE *stream, const cJSON *remedy);

/* Writes one of the `errors` of a problem document: its step, place and message, and its remedy
 * unless that only says to correct the input. */
void show_fault(FILE *stream, const char *indent, const cJSON *fault);

/* Writes the outputs of an action that people want to see: fullName, name, url, text and reason,
 * each after two spaces. NULL writes nothing. */
void show_output(FILE *stream, const cJSON *output);

/* Writes the differences of a step of a plan, one line each, and how many more there are. */
void show_differences(FILE *stream, const char *indent, const cJSON *step);

/* Writes the value as one line of JSON and flushes; an empty line if memory is short. */
void show_json(FILE *stream, const cJSON *json);

/* Whether to use colours on this stream: it is a terminal, NO_COLOR is not set, and TERM is not
 * dumb. */
bool show_colours(FILE *stream);

#endif
