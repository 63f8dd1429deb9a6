/*
 * Builds the names of all Redis keys. Ids have passed identifier_valid, so none can contain a
 * separator: no name of one tenant is one of another.
 */
#ifndef SLIPWAY_STORE_KEYS_H
#define SLIPWAY_STORE_KEYS_H

#include "base/arena.h"
#include "base/identifier.h"
#include "core/run.h"

/* There is one partition. On a Redis Cluster the braces set the hash slot, so all keys of an app
 * are in one slot. */
#define KEY_PREFIX      "slipway:{0}:"
#define KEY_READY       KEY_PREFIX "ready"
#define KEY_BEGUN       KEY_PREFIX "begun"
#define KEY_BELL        KEY_PREFIX "bell"
#define KEY_DELAYED     KEY_PREFIX "delayed"
#define KEY_CHANGES     KEY_PREFIX "changes"
#define KEY_LIVE        KEY_PREFIX "live"
#define KEY_TENANTS     KEY_PREFIX "tenants"
#define KEY_DEAD        KEY_PREFIX "dead"
#define KEY_LAYOUT      KEY_PREFIX "layout"
#define KEY_PULSE       KEY_PREFIX "pulse"
#define KEY_SWEEP       KEY_PREFIX "sweep"
#define KEY_ASIDE       KEY_PREFIX "aside"
#define KEY_HELD        KEY_PREFIX "held"
#define KEY_HOLDS       KEY_PREFIX "holds"
#define KEY_PAUSED      KEY_PREFIX "paused"
#define KEY_RUNNING     KEY_PREFIX "running"
#define KEY_TELLING     KEY_PREFIX "telling"
#define KEY_WORKERS     "slipway:workers"
#define KEY_DEFINITIONS "slipway:definitions"
#define KEY_AUDIT       "slipway:audit"

/* What a request without a token gets where nothing else is set. */
#define TENANT_DEFAULT "default"

/* Every key of an app begins so; its tenant and its id follow. */
#define KEY_APP_PREFIX KEY_PREFIX "app:"
/* A key of a tenant begins so; the tenant follows. */
#define KEY_APPS_PREFIX   KEY_PREFIX "apps:"   /* which apps it has */
#define KEY_SHARED_PREFIX KEY_PREFIX "shared:" /* the secrets that its apps share */
#define KEY_LANES_PREFIX  KEY_PREFIX "ready:"  /* its part of the queue */
#define KEY_TENANT_PREFIX KEY_PREFIX "tenant:" /* what it uses of its budgets; `:WHAT` follows */

#define KEY_SIZE 384

/* The keys that every script on a run gets, in this order. */
enum run_key {
	RUN_KEY_RUN,
	RUN_KEY_READY,
	RUN_KEY_DELAYED,
	RUN_KEY_LIVE,
	RUN_KEY_EVENTS,
	RUN_KEY_APPS,
	RUN_KEY_PAYLOAD,
	RUN_KEY_LEDGER,
	RUN_KEY_COUNT
};

/* Storage for the keys of one step. */
struct run_keys {
	char own[RUN_KEY_COUNT][KEY_SIZE];
	const char *list[RUN_KEY_COUNT]; /* point into own, but for those that all runs share */
};

/* Fills in all keys of a step; workflow and step may be NULL if only the app's keys are used. */
void run_keys_make(struct run_keys *keys, const struct run_name *name);

/* The same as texts in the arena, which take what they need: a stack is kept for each request that
 * waits. False: no memory. */
bool run_keys_list(const struct run_name *name, struct arena *arena,
	const char *list[RUN_KEY_COUNT]) SLIPWAY_MUST_CHECK;

/* slipway:{0}:app:<tenant>:<app>:<workflow>:<step> */
void run_key_make(char key[KEY_SIZE], const struct run_name *name);

/* slipway:{0}:app:<tenant>:<app>:<what>. */
void app_key_make(char key[KEY_SIZE], const struct app_name *app, const char *what);

/* One of the prefixes above with the tenant behind it. */
void tenant_key_make(char key[KEY_SIZE], const char *prefix, const char *tenant);

/* ---- members of what all share ---- */

#define MEMBER_SIZE ((size_t)4 * IDENTIFIER_SIZE)

/* Splits tenant:app:workflow:step, as stored in delayed and live, in place. False if it does not
 * have that form. */
bool member_split(char member[MEMBER_SIZE], struct run_name *ret_name);

/* The same where the step may stand for the deployment: DEPLOYMENT_STEP_ID. */
bool member_split_any(char member[MEMBER_SIZE], struct run_name *ret_name);

/* Builds tenant:app:workflow:step. */
void member_make(char member[MEMBER_SIZE], const struct run_name *name);

/* The same for app:workflow:step, as a run is named where all is of its tenant: in its own hash,
 * and in sets of users. */
bool own_name_split(char own_name[MEMBER_SIZE], const char *tenant, struct run_name *ret_name);
void own_name_make(char own_name[MEMBER_SIZE], const struct run_name *name);

#define APP_MEMBER_SIZE ((size_t)2 * IDENTIFIER_SIZE)

/* Builds tenant:app, and splits it in place. */
void app_member_make(char member[APP_MEMBER_SIZE], const struct app_name *app);
bool app_member_split(char member[APP_MEMBER_SIZE], struct app_name *ret_app);

/* Whether all are present and valid: a name read from Redis may be anything. */
bool run_name_valid(const struct run_name *name);

#endif
