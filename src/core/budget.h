/*
 * How much a tenant may have and use: the setting SLIPWAY_BUDGETS. Its words are NAME=NUMBER, for
 * every tenant, and TENANT.NAME=NUMBER, which goes over that for one. `none` in the place of a
 * number is no limit.
 */
#ifndef SLIPWAY_CORE_BUDGET_H
#define SLIPWAY_CORE_BUDGET_H

#include <stddef.h>

#include "slipway/error.h"

enum budget {
	BUDGET_REQUESTS, /* a minute */
	BUDGET_BYTES,    /* of Redis that its apps take */
	BUDGET_APPS,
	BUDGET_LIVE,   /* runs that have not ended */
	BUDGET_STARTS, /* deployments and single steps, a day */
	BUDGET_COUNT,
};

#define BUDGET_NONE INT64_C(-1)
#define BUDGET_MAX  INT64_C(1000000000000)

/* Those of one tenant; BUDGET_NONE where there is no limit. */
struct budgets {
	int64_t most[BUDGET_COUNT];
};

/* As the setting names it, and as a person does: "live", "live runs". */
const char *budget_name(enum budget budget);
const char *budget_title(enum budget budget);

/* The one whose name are these `length` bytes; BUDGET_COUNT where there is none. */
enum budget budget_find(const char *name, size_t length);

/* Whether the text is such words: each name once for every tenant and once for each, numbers of 0
 * to BUDGET_MAX. ERROR_INVALID_INPUT if not; NULL and "" have no words. */
enum error_class budgets_check(const char *text, struct error *error) SLIPWAY_MUST_CHECK;

/* Those of a tenant, by a text that was checked. */
void budgets_of(const char *text, const char *tenant, struct budgets *ret_budgets);

#define BUDGETS_TEXT_SIZE 128

/* Those that scripts keep, as these take them (scripts/budget.lua): all but requests. "": none. */
void budgets_print(const struct budgets *budgets, char ret_text[BUDGETS_TEXT_SIZE]);

#endif
