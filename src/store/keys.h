/*
 * Builds the names of all Redis keys. Ids have passed identifier_valid, so none can contain a
 * separator.
 */
#ifndef SLIPWAY_STORE_KEYS_H
#define SLIPWAY_STORE_KEYS_H

#include "base/identifier.h"
#include "core/run.h"

/* There is one partition. On a Redis Cluster the braces set the hash slot, so all keys of an app
 * are in one slot. */
#define KEY_PREFIX      "slipway:{0}:"
#define KEY_QUEUE       KEY_PREFIX "queue"
#define KEY_DELAYED     KEY_PREFIX "delayed"
#define KEY_LIVE        KEY_PREFIX "live"
#define KEY_APPS        KEY_PREFIX "apps"
#define KEY_DEAD        KEY_PREFIX "dead"
#define KEY_LAYOUT      KEY_PREFIX "layout"
#define KEY_PULSE       KEY_PREFIX "pulse"
#define KEY_DUE         KEY_PREFIX "due"
#define KEY_WORKERS     "slipway:workers"
#define KEY_DEFINITIONS "slipway:definitions"
#define QUEUE_GROUP     "workers"

/* Whose apps these are: there is one tenant. */
#define TENANT_DEFAULT "default"
/* Every key of an app begins so; its id follows. */
#define KEY_APP_PREFIX KEY_PREFIX "app:" TENANT_DEFAULT ":"
/* The secrets that its apps share. */
#define KEY_SHARED KEY_PREFIX "shared:" TENANT_DEFAULT

#define KEY_SIZE 320

/* The keys that every script on a run gets, in this order. */
enum run_key {
	RUN_KEY_RUN,
	RUN_KEY_QUEUE,
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
	const char *list[RUN_KEY_COUNT]; /* point into own */
};

/* Fills in all keys of a step; workflow and step may be NULL if only the app's keys are used. */
void run_keys_make(struct run_keys *keys, const struct run_name *name);

/* slipway:{0}:app:<tenant>:<app>:<workflow>:<step> */
void run_key_make(char key[KEY_SIZE], const struct run_name *name);

#define MEMBER_SIZE ((size_t)3 * IDENTIFIER_SIZE)

/* Splits app:workflow:step, as stored in delayed and live, in place. False if it does not have that
 * form. */
bool member_split(char member[MEMBER_SIZE], struct run_name *ret_name);

/* Builds app:workflow:step. */
void member_make(char member[MEMBER_SIZE], const struct run_name *name);

/* Whether all three are present and valid: a name read from Redis may be anything. */
bool run_name_valid(const struct run_name *name);

#endif
