/*
 * All classes of errors: the only list. error.h makes the enumeration of it and src/base/error.c
 * the table of facts.
 *
 * A new class is a row here. Then tests/client/types.test.mjs asks for it in client/slipway.d.ts
 * and docs/protocol.md. src/cli/command.c gives it an exit status, where that is not 1.
 *
 *     ERROR_CLASS(id, name on the wire, what ends with it: RUN, REQUEST, BOTH or NEITHER, HTTP
 * status of a request, whether a run that fails with it is tried again, title, remedy where nobody
 * knows a better one, or NULL)
 */
/* clang-format off */
ERROR_CLASS(NONE, "none", NEITHER, 200, false,
	"No error",
	NULL)

/* How a run may end: part of the contract with clients. */
ERROR_CLASS(INVALID_INPUT, "invalid_input", RUN, 422, false,
	"The input is not valid",
	"Correct the named place and send the request again.")
ERROR_CLASS(AUTH_MISSING, "auth_missing", RUN, 502, false,
	"No credential is configured for the provider",
	"Give the workers a token for the provider and trigger the step again.")
ERROR_CLASS(AUTH_EXPIRED, "auth_expired", RUN, 502, false,
	"The provider rejected the credential",
	"Replace the workers' token for the provider and trigger the step again.")
ERROR_CLASS(SCOPE_MISSING, "scope_missing", RUN, 502, false,
	"The credential lacks a permission",
	"Give the credential the missing permission and trigger the step again.")
ERROR_CLASS(APP_NOT_INSTALLED, "app_not_installed", RUN, 502, false,
	"The provider's app is not installed on the account",
	"Install the app on the account and trigger the step again.")
ERROR_CLASS(NOT_FOUND, "not_found", RUN, 404, false,
	"Not found, or not visible",
	"Check the name, and whether the credential can see it.")
ERROR_CLASS(NOT_READY, "not_ready", RUN, 503, true,
	"Not ready yet",
	NULL)
ERROR_CLASS(CONFLICT_OURS, "conflict_ours", RUN, 409, true,
	"Another Slipway run is changing the same resource",
	NULL)
ERROR_CLASS(CONFLICT_FOREIGN, "conflict_foreign", RUN, 409, false,
	"The name is taken by a resource that is not ours",
	"Choose another name, or remove the existing resource, and trigger the step again.")
ERROR_CLASS(PLAN_LIMIT, "plan_limit", RUN, 502, false,
	"The provider's plan does not allow it",
	"Upgrade the plan at the provider, or free what counts against it; then trigger the "
	"step again.")
ERROR_CLASS(RATE_LIMITED, "rate_limited", RUN, 503, true,
	"The provider's rate limit has been reached",
	NULL)
ERROR_CLASS(PROVIDER_UNAVAILABLE, "provider_unavailable", RUN, 502, true,
	"The provider is failing",
	"Check the provider's status page and trigger the step again once it has recovered.")
ERROR_CLASS(NETWORK, "network", RUN, 502, true,
	"The provider cannot be reached",
	"Check the network between the workers and the provider, then trigger the step again.")
ERROR_CLASS(TIMEOUT, "timeout", RUN, 504, true,
	"It took too long",
	"Trigger the step again; it resumes where it stopped.")
ERROR_CLASS(WORKER_LOST, "worker_lost", RUN, 500, false,
	"The workers that ran it were lost",
	"Check the workers' logs for why they crash, then trigger the step again.")
ERROR_CLASS(CANCELLED, "cancelled", RUN, 409, false,
	"The run was cancelled",
	"Trigger the step again to continue.")
ERROR_CLASS(BUILD_FAILED, "build_failed", RUN, 502, false,
	"The build failed at the provider",
	"Read the build's log, fix the repository, and trigger the step again.")
ERROR_CLASS(CHECK_FAILED, "check_failed", RUN, 502, false,
	"The deployment does not respond as expected",
	"Open the address to see what it returns, then trigger the step again.")
ERROR_CLASS(FORGED, "forged", RUN, 500, false,
	"What is stored was not written by a worker",
	"An operator looks at it with 'slipway verify'.")
ERROR_CLASS(INTERNAL, "internal", RUN, 500, true,
	"Internal error",
	"Check the events of the app and the workers' logs.")
ERROR_CLASS(OUT_OF_MEMORY, "out_of_memory", RUN, 503, true,
	"Out of memory",
	NULL)

/* How else a request to the endpoint may be refused; a run may end with those for BOTH as well. */
ERROR_CLASS(INVALID_REQUEST, "invalid_request", REQUEST, 400, false,
	"The request is not valid",
	"Correct the named place and send the request again.")
ERROR_CLASS(UNAUTHORIZED, "unauthorized", REQUEST, 401, false,
	"A valid token is required",
	"Give a token that an operator has made for you; programs send it as "
	"'Authorization: Bearer <token>'.")
ERROR_CLASS(NOT_ALLOWED, "not_allowed", BOTH, 403, false,
	"Not allowed",
	"Ask whoever gave you the token for one that allows it.")
ERROR_CLASS(OVER_BUDGET, "over_budget", REQUEST, 429, true,
	"A budget is used up for now; nothing was changed",
	"Send the request again when Retry-After has passed.")
ERROR_CLASS(BUDGET_FULL, "budget_full", REQUEST, 403, false,
	"A budget has no room for it; nothing was changed",
	"Ask an operator to raise the budget.")
ERROR_CLASS(MISDIRECTED, "misdirected", REQUEST, 421, false,
	"The server does not answer to this host name",
	"Use a loopback name, such as localhost or 127.0.0.1.")
ERROR_CLASS(NEEDS_NOT_DONE, "needs_not_done", BOTH, 409, false,
	"Steps that this one needs are not done",
	"Trigger the named steps first and wait until they are done.")
ERROR_CLASS(NEEDS_RING, "needs_ring", REQUEST, 409, false,
	"It would wait for itself",
	"Take one of the references or 'after' out of the ring, and send the request again.")
ERROR_CLASS(RUN_CONFLICT, "run_conflict", REQUEST, 409, false,
	"What runs, or stands there, is in the way of the request",
	"Wait until the run has ended, or cancel it, and trigger the step again.")
ERROR_CLASS(CONFIG_CHANGED, "config_changed", REQUEST, 409, false,
	"Another client has configured the app since",
	"Check its current configuration, then start again.")
ERROR_CLASS(METHOD_NOT_ALLOWED, "method_not_allowed", REQUEST, 405, false,
	"The method is not allowed here",
	NULL)
ERROR_CLASS(PLAN_CHANGED, "plan_changed", BOTH, 409, false,
	"The world is not as the plan saw it",
	"Look at a new plan, and start with its hash.")
ERROR_CLASS(PAYLOAD_TOO_LARGE, "payload_too_large", BOTH, 413, false,
	"The request is too large",
	"Keep the body at 262144 bytes or less.")
ERROR_CLASS(UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", REQUEST, 415, false,
	"The body is not JSON",
	"Send the body as application/json.")
ERROR_CLASS(STORE_UNAVAILABLE, "store_unavailable", REQUEST, 503, true,
	"Redis cannot be reached; nothing was changed",
	"Send the request again in a few seconds.")
ERROR_CLASS(STORE_FULL, "store_full", REQUEST, 503, true,
	"Redis is out of memory; nothing was changed",
	"Give Redis more memory. Runs that have begun continue.")
ERROR_CLASS(OVERLOADED, "overloaded", REQUEST, 503, true,
	"Too many requests are waiting already; nothing was changed",
	"Send the request again when Retry-After has passed.")
ERROR_CLASS(OUTCOME_UNKNOWN, "outcome_unknown", REQUEST, 503, true,
	"It is not known whether the request took effect",
	"Send the same request again: nothing runs twice.")

/* Between our own parts; never seen outside. Clients know STORE_REFUSED as `internal`: what Redis
 * refuses for good
 * is a fault of ours, or of a manual edit of its keys; see store_code.
 */
ERROR_CLASS(STORE_REFUSED, "internal", NEITHER, 500, true,
	"Internal error",
	"Check the events of the app and the workers' logs.")
ERROR_CLASS(LEASE_LOST, "lease_lost", NEITHER, 500, false,
	"The run's lease has been lost",
	NULL)
/* clang-format on */
