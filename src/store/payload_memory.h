/*
 * What this process remembers of the payloads of apps, so that a trigger needs one round trip: it
 * is built with what is remembered, names the version of that, and its script refuses it if the
 * payload is another by now.
 */
#ifndef SLIPWAY_STORE_PAYLOAD_MEMORY_H
#define SLIPWAY_STORE_PAYLOAD_MEMORY_H

#include "store/payload.h"

#define PAYLOADS_REMEMBERED    64 /* apps; the one not used for longest goes first */
#define PAYLOAD_REMEMBERED_MAX ((size_t)8 * 1024) /* bytes of a payload, as JSON */

/* The payload of the app as far as it is remembered, else an empty one: most apps that are
 * triggered for the first time have none. Borrowed until the next call of this module, which may
 * come wherever a request waits; NULL if memory is short. */
const struct payload *payload_remembered(const struct app_name *app);

/* Remembers what payload_read has read of the app, unless it is large, or has shared secrets, which
 * change without its version. The caller keeps the payload. */
void payload_remember(const struct app_name *app, const struct payload *payload);

#endif
