/*
 * The list of apps, and what one app has: for people who look around.
 */
#ifndef SLIPWAY_STORE_APPS_H
#define SLIPWAY_STORE_APPS_H

#include "core/deployment.h"
#include "core/run.h"
#include "core/token.h"
#include "store/redis.h"

/* An app on the list. */
struct listed_app {
	const char *id;
	int64_t changed_at; /* ms since 1970 */
};

/* Where a page of apps begins: behind this one. Empty: at the app that changed last. */
struct apps_cursor {
	int64_t changed_at;
	char id[IDENTIFIER_SIZE];
};

/*
 * Fills the list with at most limit apps of the tenant that the caller's token reaches, the one
 * that changed last first; texts are in the arena. ret_next is where the next page begins; its id
 * is "" where there is none. An app that changes meanwhile moves to the first page.
 */
enum error_class apps_page(struct redis *redis, const char *tenant, const struct token *caller,
	const struct apps_cursor *after, size_t limit, struct arena *arena,
	struct listed_app *ret_apps, size_t *ret_count, struct apps_cursor *ret_next,
	struct error *error) SLIPWAY_MUST_CHECK;

/* How many apps all tenants have. */
enum error_class apps_count(
	struct redis *redis, int64_t *ret_count, struct error *error) SLIPWAY_MUST_CHECK;

/* What an app has; all 0 for an app of nobody. */
struct app_facts {
	int64_t changed_at;      /* ms since 1970; 0: not on the list of apps */
	int64_t payload_version; /* 0: nothing is configured */
	int64_t resources, ended_runs, ended_deployments, events;
};

/* Reads them in one round trip. */
enum error_class app_read(struct redis *redis, const struct app_name *app,
	struct app_facts *ret_facts, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Reads the deployments of these workflows (the steps of the names are not used), what a status
 * shows of each; empty where there is none. One whose key is no hash is shown as none, and hides
 * none of the others. Texts are in the arena.
 */
enum error_class deployments_read(struct redis *redis, const struct run_name *names, size_t count,
	struct arena *arena, struct deployment *ret_deployments,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
