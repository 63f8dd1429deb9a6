/*
 * What tenants use of their budgets (core/budget.h), as Redis counts it for all processes.
 *
 * Scripts that make something look first whether there is room, and count what they make. Requests
 * are taken out of a bucket, some at a time.
 */
#ifndef SLIPWAY_STORE_BUDGETS_H
#define SLIPWAY_STORE_BUDGETS_H

#include "base/arena.h"
#include "core/budget.h"
#include "store/redis.h"

struct redisReply;

/* The error of what a script has refused, by the list that over_budget() in budget.lua gives:
 * ERROR_OVER_BUDGET with when to come back, or ERROR_BUDGET_FULL, which passes by nothing that time
 * does. Returns its class. */
enum error_class budget_refuse(const struct redisReply *excess, struct error *error);

/* Requests that a process may let in. */
struct budget_draw {
	int64_t granted;
	int64_t wait_ms; /* none was granted: when there is one again */
	int64_t now;     /* of Redis, ms since 1970 */
};

/* Takes at most `want` requests out of the tenant's budget of `most` a minute, which is at least 1,
 * after giving back what it did not use of earlier ones. */
enum error_class budget_draw(struct redis *redis, const char *tenant, int64_t most, int64_t want,
	int64_t back, struct budget_draw *ret_draw, struct error *error) SLIPWAY_MUST_CHECK;

/* The error of a request for which there is none left: ERROR_OVER_BUDGET with when there is one
 * again, or ERROR_BUDGET_FULL where the budget is 0. Returns its class. */
enum error_class budget_refuse_request(int64_t most, int64_t wait_ms, struct error *error);

/* What a tenant may use, and does: of what it has no budget for, nothing may have been counted. */
struct tenant_use {
	const char *tenant; /* borrowed */
	struct budgets budgets;
	int64_t used[BUDGET_COUNT];
};

/* Reads it. `text` is the setting. */
enum error_class tenant_use_read(struct redis *redis, const char *text, const char *tenant,
	struct tenant_use *ret_use, struct error *error) SLIPWAY_MUST_CHECK;

/* The names of all tenants that have apps, or have used anything of a budget; sorted, in the arena.
 * At most TENANTS_LISTED_MAX: of more, those that were found first, and *ret_complete is false. */
enum error_class tenants_list(struct redis *redis, struct arena *arena,
	const char *const **ret_names, size_t *ret_count, bool *ret_complete,
	struct error *error) SLIPWAY_MUST_CHECK;

#define TENANTS_LISTED_MAX ((size_t)10000)

/* Looks whether what is counted of the tenants that tenants_list() gives is what there is: faults
 * in words, each with "1" behind it where it was put right, as a flat list. With repair the counts
 * are written anew. */
enum error_class budgets_recount(struct redis *redis, bool repair, struct redisReply **ret_faults,
	bool *ret_complete, struct error *error) SLIPWAY_MUST_CHECK;

#endif
