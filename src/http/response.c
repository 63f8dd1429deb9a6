/*
 * What is read of requests and responses by those who never send one.
 */
#include <string.h>

#include "http/client.h"

const char *http_method_name(enum http_method method)
{
	static const char *const names[] = { "GET", "POST", "PUT", "PATCH", "DELETE" };
	return names[method];
}

const char *http_response_header(const struct http_response *response, const char *name)
{
	for (size_t i = 0; i < HTTP_KEPT_MAX && name != NULL; i++)
		if (response->kept[i].name != NULL && strcmp(response->kept[i].name, name) == 0)
			return response->kept[i].value;
	return "";
}

void http_response_release(struct http_response *response)
{
	buffer_release(&response->body);
}
