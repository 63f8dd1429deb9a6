/* Every text of the request that it has not is "", as those of a web server are. */
#include "harness/post.h"

#include <string.h>

void post_deploy(const struct service *service, const char *body, struct response *ret_response)
{
	const struct request request = { .id = "",
		.host = "",
		.method = "POST",
		.path = "/api/deploy",
		.query = "",
		.content_type = "application/json",
		.content_encoding = "",
		.authorization = "",
		.origin = "",
		.if_none_match = "",
		.body = body,
		.body_length = strlen(body) };
	request_handle(service, &request, ret_response);
}
