/*
 * Unknown values: what stands in a plan for an output that a step has not given yet, as Terraform
 * has them. An unknown is a text that no client can send: it begins and ends with a control
 * character, and says which output of which step it stands for. It may be part of a longer text.
 */
#ifndef SLIPWAY_BASE_UNKNOWN_H
#define SLIPWAY_BASE_UNKNOWN_H

#include "base/arena.h"
#include "slipway/field.h"

#define UNKNOWN_STEP_SIZE 256

/* The first unknown in a text. */
struct unknown {
	char step[UNKNOWN_STEP_SIZE]; /* that gives it; "" for an integer, which does not say */
	/* The step makes what it is about, so that nothing of it exists yet; else it may exist. */
	bool is_new;
};

/* The text for an output; NULL where memory is short. */
const char *unknown_format(struct arena *arena, bool is_new, const char *step, const char *output);

/* Finds the first unknown, or the digits of UNKNOWN_INTEGER; false where there is none. The text
 * may be NULL. */
bool unknown_find(const char *text, struct unknown *ret_unknown);

/* The text with each unknown in words: "(id of 'project')". The text itself where it has none, NULL
 * where memory is short. */
const char *unknown_show(struct arena *arena, const char *text);

#endif
