/*
 * What an app has at providers, as `slipway destroy` shows it: what a teardown removes, and what it
 * keeps.
 */
#ifndef SLIPWAY_CLI_REMOVAL_LIST_H
#define SLIPWAY_CLI_REMOVAL_LIST_H

#include <stdio.h>

#include "cli/session.h"

/* How many resources of an app there are of each kind. */
struct removal_counts {
	size_t removed; /* created by the app, or perhaps */
	size_t kept;    /* adopted */
	size_t parts;   /* go or stay with one of the others */
	size_t damaged; /* entries of the ledger that nobody can read */
};

/* Reads what the app has, page after page to the end. *ret_list is the caller's. */
enum error_class removal_list_read(struct session *session, const char *app, cJSON **ret_list,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Prints all of the list and how much it is, and adds it to the counts. */
void removal_list_show(const char *app, const cJSON *list, struct removal_counts *counts);

/* Prints what is there still after a teardown, to this stream. */
void removal_list_show_left(const char *app, const cJSON *list, FILE *stream);

#endif
