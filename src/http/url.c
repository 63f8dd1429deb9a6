/*
 * Builds and checks URLs with libcurl's parser. Parameters are escaped one by one, so a value
 * cannot add a path segment.
 */
#include "http/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>

#include "base/buffer.h"
#include "base/text.h"

void url_parts_release(struct url_parts *parts)
{
	curl_free(parts->scheme);
	curl_free(parts->host);
	curl_free(parts->port);
	curl_free(parts->path);
}

static CURLUcode url_parts_read(CURLU *url, struct url_parts *parts)
{
	CURLUcode code = curl_url_get(url, CURLUPART_SCHEME, &parts->scheme, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(url, CURLUPART_HOST, &parts->host, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(url, CURLUPART_PORT, &parts->port, CURLU_DEFAULT_PORT);
	if (code == CURLUE_OK)
		code = curl_url_get(url, CURLUPART_PATH, &parts->path, 0);
	return code;
}

static bool is_loopback_name(const char *host)
{
	struct in_addr address;
	if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	/* An address, not a name that begins like one. */
	return inet_pton(AF_INET, host, &address) == 1 && text_has_prefix(host, "127.");
}

/* https, or http to this machine where that is allowed. */
static enum error_class check_scheme(
	const char *text, const struct url_parts *parts, bool allow_loopback, struct error *error)
{
	if (strcmp(parts->scheme, "https") == 0)
		return ERROR_NONE;
	if (strcmp(parts->scheme, "http") == 0 && allow_loopback && is_loopback_name(parts->host))
		return ERROR_NONE;
	/* As it was written: a secret in it would not be known in a part. */
	error_set(error, ERROR_INVALID_INPUT, "not an https URL: %s", text);
	return error_remedy(error, NULL, "Give an https URL.");
}

enum error_class url_check(
	const char *text, bool allow_loopback, struct url_parts *parts, struct error *error)
{
	CURLU *url = curl_url();
	enum error_class class;

	*parts = (struct url_parts){ NULL, NULL, NULL, NULL };
	if (url == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "out of memory for a URL");
	CURLUcode code = curl_url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER);
	if (code == CURLUE_OK)
		code = url_parts_read(url, parts);
	if (code == CURLUE_OK)
		class = check_scheme(text, parts, allow_loopback, error);
	else if (code == CURLUE_OUT_OF_MEMORY)
		class = error_set(error, ERROR_OUT_OF_MEMORY, "out of memory for a URL");
	else
		class = error_set(
			error, ERROR_INVALID_INPUT, "the URL is malformed or contains a user name");
	curl_url_cleanup(url);
	return class;
}

static bool append_escaped(struct buffer *buffer, const char *text)
{
	char *escaped = curl_easy_escape(NULL, text, 0);
	bool appended = escaped != NULL && buffer_append_string(buffer, escaped);
	curl_free(escaped);
	return appended;
}

static enum error_class refuse_url(const struct buffer *buffer, struct error *error)
{
	if (!buffer->full)
		return error_set(error, ERROR_OUT_OF_MEMORY, "out of memory for a URL");
	return error_set(error, ERROR_INVALID_INPUT, "the URL is too long");
}

static enum error_class append_path(
	struct buffer *buffer, const struct provider_request *request, struct error *error)
{
	size_t next = 0;

	for (const char *text = request->path; *text != '\0';) {
		size_t literal = strcspn(text, "{");
		if (!buffer_append(buffer, text, literal))
			return refuse_url(buffer, error);
		text += literal;
		if (*text == '\0')
			break;
		const char *value = next < PROVIDER_PARAMETERS ? request->parameters[next++] : NULL;
		/* An empty part would name another resource: the collection above. */
		if (value == NULL || value[0] == '\0' || strcmp(value, ".") == 0 ||
			strcmp(value, "..") == 0)
			return error_set(error, ERROR_INVALID_INPUT,
				"a parameter of the path %s is missing or invalid", request->path);
		if (!append_escaped(buffer, value))
			return refuse_url(buffer, error);
		text += strcspn(text, "}");
		text += *text == '}' ? 1 : 0;
	}

	return ERROR_NONE;
}

static bool append_pair(struct buffer *buffer, const struct string_pair *pair, bool *first)
{
	if (pair->value == NULL)
		return true;
	bool appended = buffer_append_string(buffer, *first ? "?" : "&") &&
		append_escaped(buffer, pair->name) && buffer_append_string(buffer, "=") &&
		append_escaped(buffer, pair->value);
	*first = false;
	return appended;
}

static bool append_query(struct buffer *buffer, const struct provider_request *request,
	const struct string_pair *extra)
{
	bool first = true, appended = true;
	for (size_t i = 0; appended && i < PROVIDER_PARAMETERS && request->query[i].name != NULL;
		i++)
		appended = append_pair(buffer, &request->query[i], &first);
	if (appended && extra != NULL)
		appended = append_pair(buffer, extra, &first);
	return appended;
}

enum error_class url_build(const char *base, const struct provider_request *request,
	const struct string_pair *extra, struct arena *arena, const char **ret_url,
	struct error *error)
{
	struct buffer buffer;
	size_t length = strlen(base);

	while (length > 0 && base[length - 1] == '/')
		length--;
	buffer_init(&buffer, 8192);
	enum error_class class = ERROR_NONE;
	if (!buffer_append(&buffer, base, length))
		class = refuse_url(&buffer, error);
	if (class == ERROR_NONE)
		class = append_path(&buffer, request, error);
	if (class == ERROR_NONE && !append_query(&buffer, request, extra))
		class = refuse_url(&buffer, error);
	if (class == ERROR_NONE) {
		*ret_url = arena_string(arena, buffer_text(&buffer));
		if (*ret_url == NULL)
			class = error_set(error, ERROR_OUT_OF_MEMORY, "out of memory for a URL");
	}

	buffer_release(&buffer);
	return class;
}
