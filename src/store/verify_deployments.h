/*
 * The part of verify.h that is about deployments, and about who waits for whom.
 */
#ifndef SLIPWAY_STORE_VERIFY_DEPLOYMENTS_H
#define SLIPWAY_STORE_VERIFY_DEPLOYMENTS_H

#include "store/redis.h"

struct deployment_visitor {
	/* Called for each fault, in words. */
	void (*found)(void *context, const char *what, bool repaired);
	void *context; /* borrowed */
};

/*
 * Checks a key that is a deployment's hash, or a set of users; any other is not looked at. With
 * repair, settles the deployment, and takes users out of the set that are not there. Each in one
 * script, so that concurrent changes are not reported. ERROR_STORE_REFUSED if the key is no such
 * thing.
 */
enum error_class deployment_verify(struct redis *redis, const char *key, bool repair,
	const struct deployment_visitor *visitor, struct error *error) SLIPWAY_MUST_CHECK;

#endif
