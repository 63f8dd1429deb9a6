/*
 * Texts of others on a person's terminal: whatever a server or a provider wrote, it cannot move the cursor.
 */
#ifndef SLIPWAY_CLI_SHOW_H
#define SLIPWAY_CLI_SHOW_H

#include <stdio.h>

#include "base/json.h"

/* Writes the text with control characters as '?', and line feeds as blanks. NULL is nothing. */
void show_text(FILE *stream, const char *text);

/* Writes place and remedy of an error, a line each, where it has them. */
void show_error_details(FILE *stream, const char *indent, const struct error *error);

/* What a person can do, where, and which input is to be changed for it, on the rest of the line. */
void show_remedy(FILE *stream, const cJSON *remedy);

/* Writes one of the `errors` of a problem document: its step, its place, what is wrong, and what to do where that is
 * more than to correct it. */
void show_fault(FILE *stream, const char *indent, const cJSON *fault);

/* Writes what an action made, for people: its outputs named fullName, name, url, text or reason, two blanks before
 * each. NULL or no object is nothing. */
void show_output(FILE *stream, const cJSON *output);

/* Writes the value as one line of JSON, at once; an empty line where memory is short. */
void show_json(FILE *stream, const cJSON *json);

/* Whether to use colours on this stream: it is a terminal, and neither NO_COLOR nor TERM=dumb speaks against it. */
bool show_colours(FILE *stream);

#endif
