/*
 * What the calls to GitHub name: one row for each call that an action here makes. A new row also
 * says what of its body names an owner or a repository, as `new_owner` of a transfer does.
 */
#ifndef SLIPWAY_PROVIDER_GITHUB_CALLS_H
#define SLIPWAY_PROVIDER_GITHUB_CALLS_H

#include "slipway/provider.h"

/* Ended by a NULL path; by NULL. */
extern const struct call_row github_calls[];
extern const char *const github_plain_query[];

#endif
