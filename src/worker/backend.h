/*
 * What an action gets of the store: each function of the context's backend is a question over the
 * desk.
 */
#ifndef SLIPWAY_WORKER_BACKEND_H
#define SLIPWAY_WORKER_BACKEND_H

#include "action/context.h"
#include "worker/attempt.h"

/* Its data is the attempt. */
extern const struct action_backend attempt_backend;

/* A secret of the app, or what is sealed in an input: redacted from then on. *ret_value is the
 * caller's. */
enum error_class backend_secret(void *backend, const struct reference *reference, cJSON **ret_value,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Stops redacting what was opened. */
void backend_forget(void *backend);

/* Wipes and stops redacting the tokens that the attempt was given or has made: at its end. */
void backend_forget_credentials(struct attempt *attempt);

/* The output of a step of any app, in the arena; NULL where it is not done: *ret_status says why.
 */
enum error_class backend_output_of(const struct attempt *attempt, const struct run_name *name,
	const char **ret_output, const char **ret_status, struct error *error) SLIPWAY_MUST_CHECK;

/* The outputs of what the run needs, as needs_take() has them. */
enum error_class backend_needs(
	const struct attempt *attempt, struct needs *needs, struct error *error) SLIPWAY_MUST_CHECK;

#endif
