/*
 * Checks that the contents of Redis are consistent: for `slipway verify` and for tests.
 */
#ifndef SLIPWAY_STORE_VERIFY_H
#define SLIPWAY_STORE_VERIFY_H

#include "store/runs.h"
#include "store/verify_macs.h"

struct verify_counts {
	size_t keys, live, faults, repaired;
	size_t renewed; /* texts that were signed anew by the first key */
};

struct verify_options {
	bool repair;               /* uses the same scripts as workers, so it is safe at any time */
	int64_t lease_ms;          /* of the workers */
	int64_t retention_seconds; /* given to keys that have no time to live */
	const struct mac_keys *macs; /* NULL: nobody looks at MACs */
	enum mac_signing signing;
	/* Called for each fault: the key or the entry, and what is wrong, in words. */
	void (*found)(void *context, const char *key, const char *what, bool repaired);
	void *context; /* borrowed */
};

/*
 * Examines all of our keys, all indexes and all queue entries, page by page. Each run is examined
 * in one script, so that concurrent changes are not reported as faults. Returns an error only if
 * Redis cannot be asked.
 */
enum error_class store_verify(struct redis *redis, const struct verify_options *options,
	struct verify_counts *ret_counts, struct error *error) SLIPWAY_MUST_CHECK;

#endif
