/*
 * What a plan has seen: a hash over it, by which somebody who has read the plan names it later, and
 * what has moved where another plan has another hash.
 */
#ifndef SLIPWAY_CORE_DRY_RUN_SEEN_H
#define SLIPWAY_CORE_DRY_RUN_SEEN_H

#include "base/json.h"
#include "core/dry_run.h"

/*
 * The hash over the steps of a plan: what each would do, why not, and what it has found. Calls,
 * times and ids of requests are not part of it, so two plans of a world that has not changed have
 * the same.
 */
enum error_class dry_run_hash(const struct dry_run_output *plan, char ret_hash[DIGEST_SIZE],
	struct error *error) SLIPWAY_MUST_CHECK;

/*
 * What is other in the later of two plans of a workflow: a sentence each, which begins with the id
 * of the step. Empty where both have the same hash. The texts are in the arena.
 */
enum error_class dry_run_moved(const struct dry_run_output *before,
	const struct dry_run_output *now, struct arena *arena, struct string_list *ret_texts,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
