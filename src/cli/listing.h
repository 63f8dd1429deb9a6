/*
 * Prints a list of the endpoint, page after page, as a table for people or as lines of JSON.
 */
#ifndef SLIPWAY_CLI_LISTING_H
#define SLIPWAY_CLI_LISTING_H

#include "base/json.h"
#include "base/settings.h"

#define LISTING_DEFAULT 50
#define LISTING_MAX     100000

/* Which list. All borrowed. */
struct listing {
	const struct settings *settings;
	const char *app, *list;        /* the path is /api/apps/APP/LIST; NULL, NULL: /api/apps */
	const char *member;            /* of the response, that has the entries */
	const char *workflow, *status; /* only these; NULL: all */
	int64_t limit;                 /* at most so many entries */
	bool json;                     /* one object per line */
	const char *none;              /* what to say where there is no entry */
	void (*show)(const cJSON *entry); /* prints one for people */
};

/* Reads and prints it. Returns the exit status of the command; errors are printed. */
int listing_print(const struct listing *listing);

/* Prints a member of an entry as a column, "-" where it is null. */
void listing_column(const cJSON *entry, const char *member, int width);

#endif
