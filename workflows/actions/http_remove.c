/*
 * http.remove: removes what http.request created with "look", as its "undo" says. The ledger has
 * the requests, the input the credential for each host: none is in the ledger, and each is sent
 * only to the host that it is given for.
 *
 * What was requested with an unknown outcome is looked for first. After the request that removes
 * it, it is looked for by its id, because an API may refuse in a response with status 200.
 */
#include <string.h>

#include "actions.h"
#include "actions/http_headers.h"
#include "actions/http_resource.h"
#include "actions/removal.h"

#define GONE_CHECK_MS 5000
#define GONE_MAX_MS   600000

struct access {
	const char *host;
	struct string_map headers;
};
static const struct field access_fields[] = {
	{ STRING_FIELD("host", struct access, host), .required = true, .maximum = 300,
		.pattern = "^[A-Za-z0-9.-]+(:[0-9]+)?$",
		.form = "a host, such as api.example.org, with its port if the URLs have one",
		.description = "Host that gets these headers, and no other does" },
	{ MAP_FIELD("headers", struct access, headers), .secret = true, .maximum = URL_HEADERS_MAX,
		.description = "Headers of the requests to it, such as Authorization. They may "
			       "contain secrets, so they are never shown" },
};
static const struct record access_record = RECORD(struct access, access_fields);

struct input {
	struct removal_input removal;
	struct object_list access;
};
static const struct field input_fields[] = {
	{ STRING_FIELD("confirm", struct input, removal.confirm), .fallback = "", .maximum = 64,
		.given_each_time = true,
		.description = "The appId again, to confirm: what the app created with "
			       "http.request is deleted. Not needed if it created nothing" },
	{ OBJECTS_FIELD("access", struct input, access), .maximum = 8, .record = &access_record,
		.description = "The credential for each API" },
};

static enum action_result fail_access(
	struct action_context *context, const struct ledger_resource *owned, const char *host)
{
	action_fail(context, ERROR_AUTH_MISSING, "nothing says with which headers to remove %s",
		owned->key);
	action_remedy(context, NULL,
		"Add { \"host\": \"%s\", \"headers\": { ... } } to \"access\", then trigger the "
		"step "
		"again.",
		host);
	return action_remedy_input(context, "access");
}

/* False if the input has none for the host. */
static bool find_headers(
	const struct object_list *list, const char *host, struct string_map *ret_headers)
{
	const struct access *access = list->items;

	for (size_t i = 0; i < list->count; i++)
		if (strcasecmp(access[i].host, host) == 0) {
			*ret_headers = access[i].headers;
			return true;
		}
	return false;
}

/* Finds what was requested; *ret_id stays NULL if it does not exist, or is not ours. */
static enum action_result find_pending(struct action_context *context,
	const struct ledger_resource *owned, const struct http_resource *resource,
	const char **ret_id, const char **ret_left)
{
	struct http_found found;
	const char *id;
	int64_t created_at;
	bool ours;

	enum action_result result = http_look(context, resource, NULL, &found);
	if (result != ACTION_DONE || found.count == 0)
		return result;
	if (found.count > 1) {
		*ret_left = "several things are what the request described";
		return action_done(context);
	}

	if (!http_identify(context, resource->look, found.things, &id, &created_at))
		return action_failed(context);
	const char *full = http_resource_id(context, resource->look, id);
	if (full == NULL || !removal_is_ours(context, owned, full, created_at, &ours))
		return action_failed(context);
	if (ours)
		*ret_id = id;
	else
		*ret_left = "nothing tells that it is the one that the app requested";
	return action_done(context);
}

static enum action_result fail_refused(struct action_context *context,
	const struct ledger_resource *owned, const struct http_resource *resource, int status)
{
	action_fail(context, status >= 500 ? ERROR_PROVIDER_UNAVAILABLE : ERROR_CHECK_FAILED,
		"%s could not be removed: %s %s responds with status %d", owned->key,
		resource->undo->method, resource->undo->url, status);
	return action_remedy(context, NULL,
		"Check the credential in \"access\" and the service, or remove it by hand; then "
		"trigger the step again.");
}

/* By its id: what was renamed meanwhile is still there. */
static enum action_result check_gone(struct action_context *context,
	const struct ledger_resource *owned, const struct http_resource *resource, const char *id)
{
	const struct string_pair with_id = { resource->look->id, id };
	const struct string_map where = { &with_id, 1 };
	struct http_found found;

	enum action_result result = http_look(context, resource, &where, &found);
	if (result != ACTION_DONE)
		return result;
	if (found.count == 0) {
		action_log(context, "removed %s", owned->key);
		return action_done(context);
	}

	if (action_run_age_ms(context) < GONE_MAX_MS)
		return action_wait(context, GONE_CHECK_MS, "%s to be gone", owned->key);
	action_fail(context, ERROR_CHECK_FAILED, "%s is still there after the request to remove it",
		owned->key);
	return action_remedy(context, NULL, "Remove it by hand, then trigger the step again.");
}

static enum action_result undo(struct action_context *context, const struct ledger_resource *owned,
	const struct http_resource *resource, const char *id)
{
	struct provider_response response;

	if (!http_undo_send(context, resource, id, &response))
		return action_failed(context);
	if (response.status == 404 || response.status == 410 || response.status / 100 == 2)
		return check_gone(context, owned, resource, id);
	return fail_refused(context, owned, resource, response.status);
}

static enum action_result remove_resource(struct action_context *context,
	const struct ledger_resource *owned, const void *data, const char **ret_left)
{
	const struct input *input = data;
	struct http_resource resource = { .undo = NULL };
	const char *mark = strchr(owned->id, '#'),
		   *id = owned->pending || mark == NULL ? NULL : mark + 1;

	if (owned->removal != NULL && !http_removal_decode(context, owned->removal, &resource))
		return action_failed(context);
	if (resource.undo == NULL) {
		*ret_left = "its step has no \"undo\"";
		return action_done(context);
	}

	const char *host = http_host(context, resource.look->url);
	if (host == NULL || !find_headers(&input->access, host, &resource.headers))
		return fail_access(context, owned, host);
	if (id != NULL)
		return undo(context, owned, &resource, id);
	enum action_result result = find_pending(context, owned, &resource, &id, ret_left);
	if (result != ACTION_DONE || *ret_left != NULL)
		return result;
	return id != NULL ? undo(context, owned, &resource, id) : removal_settle(context, owned);
}

static enum action_result run(
	struct action_context *context, const void *raw_input, void *checkpoint, void *output)
{
	const struct input *input = raw_input;
	const struct removal resources = { .provider = HTTP_PROVIDER,
		.type = HTTP_RESOURCE,
		.remove_with = remove_resource,
		.data = input };
	const struct ledger_resource *list;
	size_t count;

	if (!ledger_list(context, HTTP_PROVIDER, HTTP_RESOURCE, &list, &count))
		return action_failed(context);
	if (count > 0)
		return removal_run(context, &resources, &input->removal, checkpoint, output);
	*(struct removal_counts *)output = *(const struct removal_counts *)checkpoint;
	return action_done(context);
}

static void validate(const void *raw_input, struct input_check *check)
{
	const struct input *input = raw_input;
	const struct access *access = input->access.items;

	for (size_t i = 0; i < input->access.count; i++)
		headers_validate(&access[i].headers,
			&(struct input_fault){ .member = "access", .item = "headers", .index = i },
			check);
}

const struct action_definition http_remove = {
	.id = "http.remove",
	.summary = "Removes what the app created with http.request",
	.input = RECORD(struct input, input_fields),
	.checkpoint = RECORD(struct removal_counts, removal_counts_fields),
	.output = RECORD(struct removal_counts, removal_counts_fields),
	.validate = validate,
	.run = run,
	.reuse = ACTION_ALWAYS,
};
