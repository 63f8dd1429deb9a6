/*
 * What becomes of an action's calls in a dry run: reads are sent, changes are refused, and a read
 * about something that an earlier step has yet to make is answered here.
 */
#ifndef SLIPWAY_ACTION_DRY_RUN_CALL_H
#define SLIPWAY_ACTION_DRY_RUN_CALL_H

#include "action/context.h"

/* Counts a read, and tells whether the call is to be sent. Any call resets what is known of the
 * last one. */
bool dry_run_sends(struct action_context *context, const struct provider *provider,
	const struct provider_request *request);

/*
 * Answers a call that is not sent, as provider_call does. The exchange is what it would have been
 * sent with: a permission that its credential lacks is found all the same, and is the error.
 */
bool dry_run_answer(struct action_context *context, const struct provider_request *request,
	const struct provider_exchange *exchange, struct provider_response *ret_response);

/* Notes what a call would change, where it is the first of its action; whom is "" for a call that
 * names its own URL. Sets the error that ends the action. */
void dry_run_refuse_change(struct action_context *context, enum http_method method, bool updates,
	const char *path, const char *whom);

/* Notes what the response to a call that was sent says of the credential. */
void dry_run_note_budget(struct step_dry_run *dry_run, const struct provider *provider,
	int64_t remaining, int64_t expires_at);

/* Notes a step whose result would tell more; once each. A NULL step is none. The arena, which must
 * be that of the attempt, is exhausted where memory is short. */
void dry_run_note_step(struct step_dry_run *dry_run, struct arena *arena, const char *step);

#endif
