/*
 * What the calls to Vercel name: one row for each call that an action here makes. Projects go by
 * name or id in all of them, and deployments by id alone.
 */
#ifndef SLIPWAY_PROVIDER_VERCEL_CALLS_H
#define SLIPWAY_PROVIDER_VERCEL_CALLS_H

#include "slipway/provider.h"

/* Ended by a NULL path; by NULL. */
extern const struct call_row vercel_calls[];
extern const char *const vercel_plain_query[];

/* Whether the text is the id of a project: a name has no capitals. */
bool vercel_is_id(enum call_name names, const char *text);

#endif
