/*
 * Ends what is being deployed for an app, so that nothing is made while it is removed: deployments
 * and single runs, also of workflows that only other builds of the server have.
 */
#ifndef SLIPWAY_CLI_APP_STOP_H
#define SLIPWAY_CLI_APP_STOP_H

#include "cli/session.h"

#define TEARDOWN_WORKFLOW "teardown"

/* Cancels all that is live, but for a teardown, says so on standard output, and waits until it has
 * ended. ERROR_RUN_CONFLICT if somebody starts it again and again. */
enum error_class app_stop(
	struct session *session, const char *app, struct error *error) SLIPWAY_MUST_CHECK;

#endif
