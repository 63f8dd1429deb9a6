/*
 * Finds errors in the headers of a request when the input is validated. A value may be a secret,
 * and what is no name of a header may be one as well: messages have neither.
 */
#ifndef WORKFLOWS_ACTIONS_HTTP_HEADERS_H
#define WORKFLOWS_ACTIONS_HTTP_HEADERS_H

#include "slipway/action.h"

/* For .validate: reports each header that cannot be sent, at the place of the fault. */
void headers_validate(const struct string_map *headers, const struct input_fault *fault,
	struct input_check *check);

#endif
