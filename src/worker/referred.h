/*
 * Of which steps an executor may have the outputs: those of its run's app, and of another app those
 * that the input of its run refers to, as the supervisor knows it.
 */
#ifndef SLIPWAY_WORKER_REFERRED_H
#define SLIPWAY_WORKER_REFERRED_H

#include "worker/answers.h"

/* Whether all of these may be had, NEEDS_MAX at most; ERROR_INTERNAL if not. The arena holds texts
 * meanwhile. */
enum error_class referred_check(const struct asker *asker, const struct run_name *names,
	size_t count, struct arena *arena, struct error *error) SLIPWAY_MUST_CHECK;

#endif
