/*
 * What a provider's refusal means: its class, by the provider's own table before what the status
 * says in general; what happened, to what, in the provider's own sentence; and what a person can
 * do.
 */
#include "provider/refusal.h"

#include <string.h>

#include "base/record.h"
#include "base/redact.h"
#include "base/text.h"

#define LIMIT_MIN_MS 1000
#define EXCERPT_MAX  200 /* of a response that is not what the provider documents */

/* ---- what the body says ---- */

void refusal_add(struct refusal_body *body, const char *detail)
{
	if (detail == NULL || detail[0] == '\0' || strstr(body->message, detail) != NULL)
		return;
	text_append(body->message, sizeof(body->message), "%s%s",
		body->message[0] != '\0' ? ": " : "", detail);
}

void refusal_link(struct refusal_body *body, const char *link)
{
	static const char cut[] = "...";
	size_t length = link != NULL ? strlen(link) : 0;
	bool is_whole = length >= strlen(cut) && length < sizeof(body->link) &&
		strcmp(link + length - strlen(cut), cut) != 0;

	body->link[0] = '\0';
	if (is_whole && text_has_prefix(link, "https://") && text_is_plain(link))
		text_copy(body->link, sizeof(body->link), link);
}

/* What a page shows, without its tags. */
static void strip_tags(char *text)
{
	char *write = text;
	bool in_tag = false;

	for (const char *read = text; *read != '\0'; read++) {
		in_tag = in_tag || *read == '<';
		if (!in_tag)
			*write++ = *read;
		in_tag = in_tag && *read != '>';
	}

	*write = '\0';
}

/* The beginning of what came, for the person who has to find out what that is: a page of a proxy,
 * say. A provider that is broken has nothing to say in its page. */
static void take_excerpt(const struct http_response *http, struct refusal_body *body)
{
	char excerpt[EXCERPT_MAX];
	const char *text = buffer_text(&http->body);
	bool page = text[strspn(text, " \t\r\n")] == '<';

	if (page && http->status >= 500)
		return;
	text_copy(excerpt, sizeof(excerpt), text);
	if (page)
		strip_tags(excerpt);
	for (char *next = excerpt; *next != '\0'; next++)
		if (*next < ' ' || *next > '~')
			*next = ' ';
	refusal_add(body, excerpt + strspn(excerpt, " "));
}

void refusal_read(
	const struct provider *provider, struct http_response *http, struct refusal_body *body)
{
	cJSON *json;
	struct error ignored;

	memset(body, 0, sizeof(*body));

	/* Secrets go before anything is cut to fit: half of one would not be found any more. */
	if (json_parse(buffer_text(&http->body), http->body.length, JSON_LIMITS_WIDE, &json,
		    &ignored) == ERROR_NONE) {
		redact_json(json);
		provider->read_refusal(json, body);
		cJSON_Delete(json);
	}

	if (http->body.length > 0)
		redact_bytes(http->body.bytes, http->body.length);
	if (body->message[0] == '\0')
		take_excerpt(http, body);
}

/* ---- what it means ---- */

static bool refusal_fits(const struct refusal *refusal, int status, const struct refusal_body *body)
{
	return (refusal->status == 0 || refusal->status == status) &&
		(refusal->code == NULL || strcmp(refusal->code, body->code) == 0) &&
		(refusal->message == NULL || strcasestr(body->message, refusal->message) != NULL);
}

static enum error_class class_of_status(int status)
{
	if (status >= 500)
		return ERROR_PROVIDER_UNAVAILABLE;
	switch (status) {
	case 401:
		return ERROR_AUTH_EXPIRED;
	case 402:
		return ERROR_PLAN_LIMIT;
	case 403:
		return ERROR_SCOPE_MISSING;
	case 404:
		return ERROR_NOT_FOUND;
	case 400:
	case 409:
	case 422:
		return ERROR_INVALID_INPUT;
	default:
		return ERROR_INTERNAL;
	}
}

/* Words of those who sell more of what they refuse; no code of theirs is as steady. */
static bool speaks_of_plan(int status, const struct refusal_body *body)
{
	static const char *const words[] = { "upgrade", "hobby", " plan", "spend limit",
		"limit of " };

	/* A 422 quotes what it was sent, in which such words may stand. */
	if (status != 400 && status != 402 && status != 403)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasestr(body->message, words[i]) != NULL)
			return true;
	return false;
}

static const struct refusal *find_row(
	const struct provider *provider, int status, const struct refusal_body *body)
{
	for (const struct refusal *row = provider->refusals; row->class != ERROR_NONE; row++)
		if (refusal_fits(row, status, body))
			return row;
	return NULL;
}

/* A row of a status alone knows less than the words. */
static enum error_class class_of(
	const struct refusal *row, int status, const struct refusal_body *body)
{
	bool by_status = row == NULL || (row->code == NULL && row->message == NULL);

	if (by_status && status != 401 && status != 404 && speaks_of_plan(status, body))
		return ERROR_PLAN_LIMIT;
	return row != NULL ? row->class : class_of_status(status);
}

/* What is missing, or not filled yet, for so long since it was made and somebody has waited for it:
 * then it is so for another reason. */
static const struct lateness {
	int status;
	int64_t most_ms;
} latenesses[] = { { 404, 60000 }, { 409, 300000 }, { 422, 60000 } };

bool refusal_is_late(
	const struct provider_exchange *exchange, int status, const struct refusal_body *body)
{
	const struct refusal *row = find_row(exchange->provider, status, body);

	if (!exchange->made_lately || (row != NULL && row->class != ERROR_NOT_READY))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(latenesses); i++)
		if (latenesses[i].status == status)
			return exchange->late_for_ms < latenesses[i].most_ms;
	return false;
}

bool refusal_is_final(const struct provider *provider, int status, const struct refusal_body *body)
{
	const struct refusal *row = find_row(provider, status, body);
	return row != NULL && row->always;
}

/* ---- what a person can do ---- */

/* "required; url=https://..." sends a person to where the token is authorised. */
static void add_single_sign_on(const char *header, struct error *error)
{
	const char *url = strstr(header, "url=https://");
	if (url == NULL)
		return;
	url += strlen("url=");
	error_remedy(error, NULL,
		"Authorise the token for the organisation's single sign-on there, then trigger the "
		"step again.");
	struct refusal_body body;
	char link[sizeof(body.link)];
	text_format(link, sizeof(link), "%.*s", (int)strcspn(url, ";, "), url);
	refusal_link(&body, link);
	text_copy(error->remedy_url, sizeof(error->remedy_url), body.link);
}

const char *page_at_site(const struct provider_exchange *exchange, const char *page)
{
	const struct provider *provider = exchange->provider;
	if (provider->settings_pages == NULL || !text_has_prefix(page, provider->settings_pages))
		return page;
	const char *path = strchr(page + strlen("https://"), '/');
	const char *site = provider->site(exchange->arena, exchange->access->base_url);
	const char *moved = arena_format(exchange->arena, "%s%s", site != NULL ? site : "", path);
	return moved != NULL ? moved : page;
}

/* Only where the text says that a permission is what lacks: the header comes with other refusals as
 * well. */
static bool lacks_permission(const struct provider *provider, const struct refusal_body *body)
{
	for (size_t i = 0;
		i < ARRAY_LEN(provider->permission_texts) && provider->permission_texts[i] != NULL;
		i++)
		if (strcasestr(body->message, provider->permission_texts[i]) != NULL)
			return true;
	return false;
}

/* Where we know nothing better, the provider's sentence is what there is to go by. */
static void add_general_remedy(const struct provider *provider, const struct http_response *http,
	const struct refusal_body *body, struct error *error)
{
	const char *permissions = http_response_header(http, provider->permissions_header);

	if (error->class == ERROR_SCOPE_MISSING && permissions[0] != '\0' &&
		lacks_permission(provider, body))
		error_remedy(error, NULL,
			"Give the credential the permission %s, then trigger the step again.",
			permissions);
	else if (error->class == ERROR_SCOPE_MISSING && !lacks_permission(provider, body))
		error_remedy(error, NULL,
			"Read what %s says; check the credential's rights there, and what the "
			"organisation allows. Then trigger the step again.",
			provider->name);
	else if (error->class == ERROR_INVALID_INPUT)
		error_remedy(error, NULL,
			"Change the input as %s says, then trigger the step again.",
			provider->name);
}

/* What the response itself says of whereto goes before what the table knows in general. */
static void add_remedy(const struct provider *provider, const struct refusal *row,
	const struct http_response *http, const struct refusal_body *body, struct error *error)
{
	if (row != NULL && row->class == error->class && row->remedy != NULL)
		error_remedy(error, NULL, "%s", row->remedy);
	else
		add_general_remedy(provider, http, body, error);
	if (row != NULL && row->remedy_url != NULL)
		text_copy(error->remedy_url, sizeof(error->remedy_url), row->remedy_url);
	if (body->link[0] != '\0')
		text_copy(error->remedy_url, sizeof(error->remedy_url), body->link);
	if (error->class == ERROR_SCOPE_MISSING)
		add_single_sign_on(http_response_header(http, provider->sign_on_header), error);
}

/* The member of the step's input that the provider speaks of, where there is one of that name. */
static void add_input(const struct record *input, const struct refusal *row,
	const struct refusal_body *body, struct error *error)
{
	const char *const names[] = { row != NULL ? row->input : NULL, body->field };

	for (size_t i = 0; i < ARRAY_LEN(names) && input != NULL && error->remedy_input[0] == '\0';
		i++)
		if (names[i] != NULL && record_field(input, names[i]) != NULL)
			text_copy(error->remedy_input, sizeof(error->remedy_input), names[i]);
}

/* ---- the whole ---- */

static void tell(const struct provider *provider, const struct http_response *http,
	const char *method, const char *path, const struct refusal_body *body, struct error *error)
{
	enum error_class class = error->class;
	bool told = body->message[0] != '\0';

	if (http->status >= 500)
		error_set(error, class, "%s has a problem of its own (%d): %s %s%s%s",
			provider->name, http->status, method, path, told ? ": " : "",
			body->message);
	else
		error_set(error, class, "%s answers %d to %s %s: %s", provider->name, http->status,
			method, path, told ? body->message : "(no message)");
}

enum error_class refusal_error(const struct provider_exchange *exchange,
	const struct provider_request *request, const struct http_response *http,
	const struct refusal_body *body, struct error *error)
{
	const struct provider *provider = exchange->provider;
	const struct refusal *row = find_row(provider, http->status, body);
	const char *path = request_path(request, exchange->arena);
	int64_t limited_ms = 0;
	bool limited = provider->is_limited(http, body, &limited_ms);

	bool late = refusal_is_late(exchange, http->status, body);

	error_set(error,
		limited        ? ERROR_RATE_LIMITED
			: late ? ERROR_NOT_READY
			       : class_of(row, http->status, body),
		"%s", "");
	tell(provider, http, http_method_name(request->method), path != NULL ? path : request->path,
		body, error);
	if (limited)
		error->retry_after_ms = limited_ms > LIMIT_MIN_MS ? limited_ms : LIMIT_MIN_MS;
	else if (http->status >= 500)
		error->retry_after_ms = http->retry_after_ms;
	if (!limited) {
		add_remedy(provider, row, http, body, error);
		add_input(exchange->input, row, body, error);
		const char *page = page_at_site(exchange, error->remedy_url);
		if (page != error->remedy_url)
			text_copy(error->remedy_url, sizeof(error->remedy_url), page);
	}

	return error_exchange(error, provider->id, http->status, body->code,
		http_response_header(http, provider->request_id_header));
}
