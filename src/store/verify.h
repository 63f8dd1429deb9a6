/*
 * Whether what stands in Redis holds together: for people who wonder, and for the tests of everything else.
 */
#ifndef SLIPWAY_STORE_VERIFY_H
#define SLIPWAY_STORE_VERIFY_H

#include "store/runs.h"

struct verify_counts {
	size_t keys, live, faults, repaired;
};

struct verify_options {
	bool repair;               /* through the scripts by which workers change things, so at any time */
	int64_t lease_ms;          /* of the workers */
	int64_t retention_seconds; /* given to keys that have no time to live */
	/* Called for each fault: the key or the entry, and what does not hold, in words. */
	void (*found)(void *context, const char *key, const char *what, bool repaired);
	void *context; /* borrowed */
};

/*
 * Looks at all keys of ours, all indexes and all entries of the queue, page by page; each run is looked at in one
 * script, so that changes meanwhile are no faults. An error is that Redis could not be asked.
 */
enum error_class store_verify(struct redis *redis, const struct verify_options *options,
	struct verify_counts *ret_counts, struct error *error) SLIPWAY_MUST_CHECK;

#endif
