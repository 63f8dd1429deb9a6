/*
 * What a worker has for the queue, in one script call: writes about runs that it has, and a wish
 * for others. Each write is fenced by its own lease, and each has an outcome of its own.
 */
#ifndef SLIPWAY_STORE_WORK_H
#define SLIPWAY_STORE_WORK_H

#include "store/queue.h"
#include "store/runs.h"

#define WORK_WRITES_MAX 16

/* One of them. Borrowed. */
struct work_write {
	const struct lease *lease;
	const struct run_write *write;
	struct arena *arena; /* of the texts of `ended` */
	/* What has become of it: as run_write_told returns it. */
	enum error_class class;
	struct error *error;
	struct run ended;
};

/* The runs that it takes. Borrowed. */
struct work_take {
	const struct take *wanted;
	struct arena *arena; /* of the texts of the list */
	/* What has become of it: as queue_take returns it. */
	enum error_class class;
	struct error *error;
	struct taken_list *list;
};

/* Writes first, in their order. All borrowed; there are WORK_WRITES_MAX writes or fewer, and take
 * may be NULL, but not both none. */
struct work {
	struct work_write *writes[WORK_WRITES_MAX];
	size_t count;
	struct work_take *take;
};

/*
 * Sends it, and says of each part what has become of it. Where the call as a whole fails, that is
 * the error of all: after ERROR_OUTCOME_UNKNOWN each part may have taken effect or not.
 */
void work_send(struct redis *redis, const struct work *work);

#endif
