/*
 * The table of error classes: name on the wire, HTTP status, whether a retry may help, and what to do where
 * nobody knows better.
 */
#include "slipway/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/redact.h"
#include "base/text.h"

/* The one closed table: add a class here and in the enumeration, nowhere else. */
static const struct error_class_facts class_facts[ERROR_CLASS_COUNT] = {
	[ERROR_NONE] = { "none", "No error", 200, false, NULL },

	[ERROR_INVALID_INPUT] = { "invalid_input", "The input is not valid", 422, false,
		"Correct the named place and send the request again." },
	[ERROR_AUTH_MISSING] = { "auth_missing", "No credential for the provider is configured", 502, false,
		"Give the workers a token for the provider and trigger the step again." },
	[ERROR_AUTH_EXPIRED] = { "auth_expired", "The provider refuses the credential", 502, false,
		"Replace the workers' token for the provider and trigger the step again." },
	[ERROR_SCOPE_MISSING] = { "scope_missing", "The credential may not do this", 502, false,
		"Give the credential the missing permission and trigger the step again." },
	[ERROR_APP_NOT_INSTALLED] = { "app_not_installed", "The provider's app is not installed there", 502, false,
		"Install the app on the account and trigger the step again." },
	[ERROR_NOT_FOUND] = { "not_found", "It does not exist, or is not visible", 404, false,
		"Check the name and whether the credential may see it." },
	[ERROR_NOT_READY] = { "not_ready", "It is not ready yet", 503, true, NULL },
	[ERROR_CONFLICT_OURS] = { "conflict_ours", "Another run of ours is changing the same thing", 409, true, NULL },
	[ERROR_CONFLICT_FOREIGN] = { "conflict_foreign", "The name is taken by something that is not ours", 409, false,
		"Choose another name, or remove what stands there, and trigger the step again." },
	[ERROR_PLAN_LIMIT] = { "plan_limit", "The provider's plan does not allow it", 502, false,
		"Upgrade the plan at the provider, or free what uses it up, and trigger the step again." },
	[ERROR_RATE_LIMITED] = { "rate_limited", "The provider's rate limit is reached", 503, true, NULL },
	[ERROR_PROVIDER_UNAVAILABLE] = { "provider_unavailable", "The provider fails", 502, true,
		"Look at the provider's status page; trigger the step again when it is well." },
	[ERROR_NETWORK] = { "network", "The provider cannot be reached", 502, true,
		"Check the network between the workers and the provider, then trigger the step again." },
	[ERROR_TIMEOUT] = { "timeout", "It took too long", 504, true,
		"Trigger the step again; it goes on where it was." },
	[ERROR_WORKER_LOST] = { "worker_lost", "The workers that ran it were lost", 500, false,
		"Look into the workers' logs for why they crash, then trigger the step again." },
	[ERROR_CANCELLED] = { "cancelled", "It was cancelled", 409, false, "Trigger the step again to go on." },
	[ERROR_BUILD_FAILED] = { "build_failed", "The build failed at the provider", 502, false,
		"Look at the build's log, mend the repository, and trigger the step again." },
	[ERROR_CHECK_FAILED] = { "check_failed", "What was made does not answer as expected", 502, false,
		"Look at the address, and trigger the step again." },
	[ERROR_INTERNAL] = { "internal", "Slipway met something that it does not know", 500, true,
		"Look into the events of the app and the workers' logs." },

	/* For clients the same: what Redis refuses for good is a fault of ours, or of a person at its keys. */
	[ERROR_STORE_REFUSED] = { "internal", "Slipway met something that it does not know", 500, true,
		"Look into the events of the app and the workers' logs." },

	[ERROR_INVALID_REQUEST] = { "invalid_request", "The request is not valid", 400, false,
		"Correct the named place and send the request again." },
	[ERROR_UNAUTHORIZED] = { "unauthorized", "A valid token is needed", 401, false,
		"Send 'Authorization: Bearer <token>' with a token that an operator made." },
	[ERROR_MISDIRECTED] = { "misdirected", "The server does not answer to this name", 421, false,
		"Call it by a name of the loopback, such as localhost or 127.0.0.1." },
	[ERROR_NEEDS_NOT_DONE] = { "needs_not_done", "Steps that this one needs are not done", 409, false,
		"Trigger the named steps first and wait until they are done." },
	[ERROR_RUN_CONFLICT] = { "run_conflict", "The step is running with another input", 409, false,
		"Wait until the run has ended, or cancel it, and trigger the step again." },
	[ERROR_CONFIG_CHANGED] = { "config_changed", "The app was configured again by another client", 409, false,
		"Look at what it is configured with now, and start again." },
	[ERROR_METHOD_NOT_ALLOWED] = { "method_not_allowed", "The method is not allowed here", 405, false, NULL },
	[ERROR_PAYLOAD_TOO_LARGE] = { "payload_too_large", "The request is too large", 413, false,
		"Keep the body at 262144 bytes or less." },
	[ERROR_UNSUPPORTED_MEDIA_TYPE] = { "unsupported_media_type", "The body is not JSON", 415, false,
		"Send the body as application/json." },
	[ERROR_STORE_UNAVAILABLE] = { "store_unavailable", "The state cannot be reached; nothing was changed", 503,
		true, "Send the request again in a few seconds." },
	[ERROR_STORE_FULL] = { "store_full", "The state's memory is full; nothing was changed", 503, true,
		"Give Redis more memory; what runs goes on." },
	[ERROR_OUTCOME_UNKNOWN] = { "outcome_unknown", "Whether the request took effect is not known", 503, true,
		"Send the same request again: it does not run anything twice." },

	[ERROR_LEASE_LOST] = { "lease_lost", "The run is no longer ours", 500, false, NULL },
	[ERROR_OUT_OF_MEMORY] = { "out_of_memory", "Memory is short", 503, true, NULL },
};

const struct error_class_facts *error_class_facts(enum error_class class)
{
	if ((unsigned)class >= ERROR_CLASS_COUNT)
		class = ERROR_INTERNAL;
	return &class_facts[class];
}

enum error_class error_class_by_name(const char *name)
{
	for (int class = 0; class < ERROR_CLASS_COUNT; class ++)
		if (strcmp(class_facts[class].name, name) == 0)
			return (enum error_class) class;
	return ERROR_NONE;
}

enum error_class error_set(struct error *error, enum error_class class, const char *format, ...)
{
	/* The message may be made from the old one: format first, then clear. */
	char message[sizeof(error->message)];
	va_list arguments;

	va_start(arguments, format);
	redact_format_list(message, sizeof(message), format, arguments);
	va_end(arguments);
	memset(error, 0, sizeof(*error));
	error->class = class;
	memcpy(error->message, message, sizeof(message));
	return class;
}

enum error_class error_at(struct error *error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	redact_format_list(error->place, sizeof(error->place), format, arguments);
	va_end(arguments);
	return error->class;
}

enum error_class error_remedy(struct error *error, const char *url, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	redact_format_list(error->remedy, sizeof(error->remedy), format, arguments);
	va_end(arguments);
	/* A part of an address leads elsewhere. */
	if (url == NULL || !text_copy(error->remedy_url, sizeof(error->remedy_url), url))
		error->remedy_url[0] = '\0';
	return error->class;
}

enum error_class error_exchange(
	struct error *error, const char *provider, int http_status, const char *code, const char *request_id)
{
	text_copy(error->provider, sizeof(error->provider), provider);
	redact_copy(error->provider_code, sizeof(error->provider_code), code);
	redact_copy(error->request_id, sizeof(error->request_id), request_id);
	error->http_status = http_status;
	return error->class;
}
