/*
 * Whose a resource of http.request is: what a look has found, against the app's ledger. The order:
 * claim_look; claim_put for what it found; else claim_may_create, and the request after
 * ledger_intend.
 */
#ifndef WORKFLOWS_ACTIONS_HTTP_CLAIM_H
#define WORKFLOWS_ACTIONS_HTTP_CLAIM_H

#include "actions/http_resource.h"

/* Source of a pending row: the API has accepted the request, and no look has found its result. */
#define CLAIM_ACCEPTED "accepted"

/* A resource and its row. */
struct http_claim {
	const struct http_resource *resource;
	const char *key;
	bool has_row; /* under that key */
	struct ledger_resource row;
};

/* Looks, and reads the row. *ret_thing is what was found; NULL: nothing. Fails where several things
 * are found and the ledger has none of them. */
enum action_result claim_look(struct action_context *context, const struct http_resource *resource,
	struct http_claim *ret_claim,
	const struct provider_response **ret_thing) SLIPWAY_MUST_CHECK;

/* Enters what was found into the ledger. Fails where it is foreign and `adopt` is false, or where
 * another app has it. */
bool claim_put(struct action_context *context, const struct http_claim *claim,
	const struct provider_response *thing, bool adopt, bool *ret_created) SLIPWAY_MUST_CHECK;

/* Nothing was found: ACTION_DONE if it may be requested. Waits while an earlier request may still
 * take effect; sent_at is the age of this run when it sent the last one. */
enum action_result claim_may_create(struct action_context *context, const struct http_claim *claim,
	int64_t sent_at) SLIPWAY_MUST_CHECK;

#endif
