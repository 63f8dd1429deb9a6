/*
 * What a dry run is told of what stands there, as a list for people that has an end, and as a
 * digest that misses nothing.
 */
#ifndef SLIPWAY_ACTION_DRY_RUN_FOUND_H
#define SLIPWAY_ACTION_DRY_RUN_FOUND_H

#include "action/context.h"

/* What of the message of a failure does not fit into an error; the context may be any. */
void dry_run_fold_failure(struct action_context *context, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

/* The differences that were kept, borrowed, and how many more there are. */
struct string_list dry_run_differences(const struct step_dry_run *dry_run, int64_t *ret_more);

#endif
