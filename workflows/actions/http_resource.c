/*
 * Looks for a resource at an API that has no actions of its own, and removes it, by what the input
 * of http.request or a row of the ledger says.
 */
#include "actions/http_resource.h"

#include <stdlib.h>
#include <string.h>

#include "actions/web_address.h"

#define POINTER       "^(/([^~/]|~[01])*)*$"
#define POINTER_FORM  "a JSON pointer, such as /data/id"
#define ANSWERS_MS    10000
#define OUTAGE_MAX_MS 3600000
#define UNRESERVED    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

static const char *const look_methods[] = { "GET", "POST", NULL };
static const struct field look_fields[] = {
	{ STRING_FIELD("method", struct http_look, method), .values = look_methods,
		.fallback = "GET",
		.description = "GET; or POST if that only reads, as a GraphQL query" },
	{ STRING_FIELD("url", struct http_look, url), .required = true, .maximum = 2000,
		.description = "URL to look at, on the host of the request. A list must be "
			       "complete: narrow it by the name, or ask for a page that has all" },
	{ STRING_FIELD("body", struct http_look, body), .maximum = 4000,
		.json_where = { "method", "POST" },
		.description = "JSON body of a POST, without secrets" },
	{ STRING_FIELD("at", struct http_look, at), .fallback = "", .maximum = 200,
		.pattern = POINTER, .form = POINTER_FORM,
		.description =
			"JSON pointer to the thing in the response. A part that is * stands for "
			"each "
			"item of a list, as in /* or /data/projects/edges/*/node. Without *, a 404 "
			"means that it does not exist" },
	{ MAP_FIELD("where", struct http_look, where), .maximum = 4,
		.description = "What identifies it: JSON pointers within the thing, and the value "
			       "there, such as \"/name\": \"docs\"" },
	{ STRING_FIELD("id", struct http_look, id), .required = true, .minimum = 2, .maximum = 200,
		.pattern = POINTER, .form = POINTER_FORM,
		.description = "JSON pointer within the thing to the id that the API gave it" },
	{ STRING_FIELD("createdAt", struct http_look, created_at), .maximum = 200,
		.pattern = POINTER, .form = POINTER_FORM,
		.description = "JSON pointer within the thing to the time of its creation. By it a "
			       "later run knows what a lost request created" },
};
const struct record http_look_record = RECORD(struct http_look, look_fields);

static const char *const undo_methods[] = { "DELETE", "POST", NULL };
static const struct field undo_fields[] = {
	{ STRING_FIELD("method", struct http_undo, method), .values = undo_methods,
		.fallback = "DELETE", .description = "DELETE, or POST" },
	{ STRING_FIELD("url", struct http_undo, url), .required = true, .maximum = 2000,
		.description = "URL that removes it, on the host of the request; {id} stands for "
			       "its id" },
	{ STRING_FIELD("body", struct http_undo, body), .maximum = 4000,
		.json_where = { "method", "POST" },
		.description = "JSON body of a POST, without secrets; {id} stands for its id" },
};
const struct record http_undo_record = RECORD(struct http_undo, undo_fields);

/* What the ledger keeps of a resource. */
struct stored {
	const void *look, *undo;
};
static const struct field stored_fields[] = {
	{ OBJECT_FIELD("look", struct stored, look), .required = true,
		.record = &http_look_record },
	{ OBJECT_FIELD("undo", struct stored, undo), .record = &http_undo_record },
};
static const struct record stored_record = RECORD(struct stored, stored_fields);

/* ---- names ---- */

static const char *without_scheme(const char *url)
{
	const char *host = strstr(url, "://");
	return host != NULL ? host + 3 : url;
}

const char *http_host(struct action_context *context, const char *url)
{
	const char *host = without_scheme(url);
	return action_format(context, "%.*s", (int)strcspn(host, "/?#"), host);
}

const char *http_resource_key(struct action_context *context, const struct http_look *look)
{
	const char *key = action_format(context, "%s", without_scheme(look->url));

	if (look->at[0] != '\0' && key != NULL)
		key = action_format(context, "%s %s", key, look->at);
	for (size_t i = 0; key != NULL && i < look->where.count; i++)
		key = action_format(context, "%s %s=%s", key, look->where.items[i].name,
			look->where.items[i].value);
	return key;
}

const char *http_resource_id(
	struct action_context *context, const struct http_look *look, const char *id)
{
	const char *address = without_scheme(look->url);
	size_t length = strcspn(address, "?#");

	while (length > 0 && address[length - 1] == '/')
		length--;
	char *text = action_allocate(context, length + 1, 1);
	for (size_t i = 0; text != NULL && i < length; i++)
		text[i] = address[i] >= 'A' && address[i] <= 'Z' ? (char)(address[i] | 0x20)
								 : address[i];
	return text != NULL ? action_format(context, "%s#%s", text, id) : NULL;
}

const char *http_removal_encode(
	struct action_context *context, const struct http_resource *resource)
{
	const struct stored stored = { resource->look, resource->undo };
	return action_encode(context, &stored_record, &stored);
}

bool http_removal_decode(
	struct action_context *context, const char *text, struct http_resource *ret_resource)
{
	struct stored stored;
	if (!action_decode(context, text, &stored_record, &stored))
		return false;
	ret_resource->look = stored.look;
	ret_resource->undo = stored.undo;
	return true;
}

/* ---- the look ---- */

static bool finds_in_list(const struct http_look *look)
{
	const char *star = strstr(look->at, "/*");
	return star != NULL && (star[2] == '\0' || star[2] == '/');
}

/* A read may be repeated: an API that is down is waited for. */
static enum action_result await_api(
	struct action_context *context, const struct http_look *look, const char *what)
{
	if (action_run_age_ms(context) < OUTAGE_MAX_MS)
		return action_wait(context, ANSWERS_MS, "%s to respond; last result: %s",
			http_host(context, look->url), what);
	action_fail(context, ERROR_PROVIDER_UNAVAILABLE, "%s does not respond as it should: %s",
		look->url, what);
	return action_remedy(
		context, NULL, "Check the service at that address, then trigger the step again.");
}

static enum action_result fail_look(
	struct action_context *context, const struct http_look *look, const char *what)
{
	action_fail(context, ERROR_CHECK_FAILED, "cannot look for it at %s: %s", look->url, what);
	action_remedy(context, NULL,
		"Correct \"look\" or the credential in \"headers\", then trigger the step again. "
		"Nothing was sent that changes something.");
	return action_remedy_input(context, "look");
}

static enum action_result read_things(struct action_context *context, const struct http_look *look,
	const struct string_map *where, const struct provider_response *response,
	struct http_found *ret_found)
{
	const char *status = action_format(context, "status %d", response->status);

	if (response->status == 404 && !finds_in_list(look))
		return action_done(context);
	if (response->status >= 500 || response->status == 429)
		return await_api(context, look, status);
	if (response->status / 100 != 2)
		return fail_look(context, look, status);
	if (response_things(
		    context, response, look->at, where, &ret_found->things, &ret_found->count))
		return action_done(context);
	const struct error error = *action_error(context);
	return error.class == ERROR_CHECK_FAILED ? fail_look(context, look, error.message)
						 : action_failed(context);
}

enum action_result http_look(struct action_context *context, const struct http_resource *resource,
	const struct string_map *where, struct http_found *ret_found)
{
	const struct http_look *look = resource->look;
	struct provider_response response;
	bool posts = strcmp(look->method, "POST") == 0;
	const struct url_request request = { .method = posts ? HTTP_POST : HTTP_GET,
		.url = look->url,
		.body = posts ? look->body : NULL,
		.content_type = "application/json",
		.headers = resource->headers };

	*ret_found = (struct http_found){ .count = 0 };
	if (url_call(context, &request, &response))
		return read_things(
			context, look, where != NULL ? where : &look->where, &response, ret_found);
	const struct error error = *action_error(context);
	return error.class == ERROR_NETWORK ? await_api(context, look, error.message)
					    : action_failed(context);
}

/* A time as text, or as a number of seconds or milliseconds. */
static int64_t time_of(const char *text)
{
	char *end;
	long long number = strtoll(text, &end, 10);
	if (*end != '\0' || number <= 0)
		return provider_time(text);
	return number < 100000000000 ? number * 1000 : number;
}

bool http_identify(struct action_context *context, const struct http_look *look,
	const struct provider_response *thing, const char **ret_id, int64_t *ret_created_at)
{
	const struct string_pair pointers[] = { { "id", look->id },
		{ "createdAt", look->created_at } };
	const struct string_map wanted = { pointers, look->created_at != NULL ? 2 : 1 };
	struct string_map values;

	if (!response_values(context, thing, &wanted, &values))
		return false;
	const char *id = values.items[0].value;
	if (id[0] == '\0' || strcmp(id, ".") == 0 || strcmp(id, "..") == 0) {
		action_fail(context, ERROR_CHECK_FAILED, "the thing at %s has the id '%s'",
			look->url, id);
		return false;
	}

	*ret_id = id;
	*ret_created_at = wanted.count > 1 ? time_of(values.items[1].value) : 0;
	return true;
}

/* ---- the undo ---- */

/* The id as a part of a URL, or within a JSON string; NULL if memory runs out. */
static const char *escape(struct action_context *context, const char *id, bool in_url)
{
	char *text = action_allocate(context, strlen(id) * 6 + 1, 1), *to = text;

	for (const char *from = id; text != NULL && *from != '\0'; from++) {
		unsigned char byte = (unsigned char)*from;
		bool plain = in_url ? strchr(UNRESERVED, *from) != NULL
				    : byte >= ' ' && byte != '"' && byte != '\\';
		const char *escaped =
			plain ? NULL : action_format(context, in_url ? "%%%02X" : "\\u%04x", byte);
		if (plain)
			*to++ = *from;
		else if (escaped != NULL)
			to = stpcpy(to, escaped);
	}

	return text;
}

static const char *fill(
	struct action_context *context, const char *template, const char *id, bool in_url)
{
	const char *escaped = escape(context, id, in_url), *text = "";

	while (template != NULL && text != NULL && escaped != NULL) {
		const char *place = strstr(template, "{id}");
		if (place == NULL)
			return action_format(context, "%s%s", text, template);
		text = action_format(
			context, "%s%.*s%s", text, (int)(place - template), template, escaped);
		template = place + 4;
	}

	return NULL;
}

bool http_undo_send(struct action_context *context, const struct http_resource *resource,
	const char *id, struct provider_response *response)
{
	const struct http_undo *undo = resource->undo;
	bool posts = strcmp(undo->method, "POST") == 0;
	const struct url_request request = { .method = posts ? HTTP_POST : HTTP_DELETE,
		.url = fill(context, undo->url, id, true),
		.body = posts ? fill(context, undo->body, id, false) : NULL,
		.content_type = "application/json",
		.headers = resource->headers };
	return url_call(context, &request, response);
}

/* ---- what is wrong with an input ---- */

static bool is_same_host(const char *one, const char *other)
{
	size_t first = strcspn(without_scheme(one), "/?#") + (size_t)(without_scheme(one) - one),
	       second = strcspn(without_scheme(other), "/?#") +
		(size_t)(without_scheme(other) - other);
	return first == second && strncasecmp(one, other, first) == 0;
}

/* A credential that the workflow bound to the url goes nowhere else. */
static void validate_url(const char *url, const char *own, const struct input_fault *fault,
	struct input_check *check)
{
	if (own == NULL || !input_is_known(own))
		return;
	const char *problem = web_address_problem(own);
	if (problem != NULL)
		input_fault(check, fault, "its url %s", problem);
	else if (url != NULL && input_is_known(url) && !is_same_host(url, own))
		input_fault(check, fault, "its url is on another host than \"url\"");
}

static void validate_where(const struct http_look *look, struct input_check *check)
{
	const struct input_fault fault = { .member = "look" };

	if (look->where.count == 0 && finds_in_list(look))
		input_fault(check, &fault,
			"it finds things in a list, so \"where\" must say which of them it is");
	for (size_t i = 0; i < look->where.count; i++)
		if (look->where.items[i].name[0] != '/')
			input_fault(check, &fault,
				"\"where\" has '%s', which is not a JSON pointer, such as /name",
				look->where.items[i].name);
}

void http_resource_validate(const char *url, const struct http_look *look,
	const struct http_undo *undo, struct input_check *check)
{
	const struct input_fault undo_fault = { .member = "undo" };

	if (undo != NULL)
		validate_url(url, undo->url, &undo_fault, check);
	if (undo != NULL && look == NULL)
		input_fault(check, &undo_fault, "it needs \"look\", which finds the id");
	if (look == NULL)
		return;
	validate_url(url, look->url, &(struct input_fault){ .member = "look" }, check);
	validate_where(look, check);
}
