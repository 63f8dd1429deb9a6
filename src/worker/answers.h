/*
 * What the store answers to an executor: each question of the protocol, under the lease of the run
 * that the executor has. It can ask about no other run than that.
 */
#ifndef SLIPWAY_WORKER_ANSWERS_H
#define SLIPWAY_WORKER_ANSWERS_H

#include "worker/batch.h"
#include "worker/connections.h"
#include "worker/keeper_link.h"
#include "worker/minters.h"
#include "worker/protocol.h"

/* For whom. Borrowed. */
struct asker {
	struct redis *redis;
	struct batch *batch;
	const struct lease *lease;
	const char *run_id, *worker, *request;
	const struct mac_keys *macs;
	const char *input_digest; /* of the run: mac_digest() */
	const char *input;        /* of the run; NULL: it refers to nothing */
	struct keeper_link *keeper;
	struct minters *minters;
	struct connection_cache *connections;
	bool heeds_outages; /* see struct limit_caller */
	size_t mints;       /* tokens that the attempt has asked for, with this one */
};

/* Answers one question that has a reply; texts are in the arena. An error is in the reply. True
 * where that was asked for which the run may not have, as no honest executor does. */
bool answer_ask(const struct asker *asker, const struct ask *ask, struct arena *arena,
	struct reply *ret_reply);

/* What the ask says is to be written; it borrows from the ask, and *ret_failure too. */
void ask_write(const struct ask *ask, struct error *ret_failure, struct run_write *ret_write);

#endif
