/*
 * Who uses what the steps of an app have given: steps of other apps.
 */
#ifndef SLIPWAY_STORE_APP_USERS_H
#define SLIPWAY_STORE_APP_USERS_H

#include "core/run.h"
#include "store/redis.h"

#define APP_USERS_MAX 64 /* more are left out */

/* A step of another app, and the step of this app whose output it uses or waits for. Texts are in
 * the arena. */
struct app_user {
	struct run_name user, uses;
};

/* Reads them: those whose last run used an output, or waits for one. */
enum error_class app_users_read(struct redis *redis, const struct app_name *app,
	struct arena *arena, struct app_user ret_users[APP_USERS_MAX], size_t *ret_count,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
