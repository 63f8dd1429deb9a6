/*
 * A resource at an API that has no actions of its own: how to look for it, and how to remove it, as
 * the input of http.request says. Both go into the resource's row of the ledger, so that
 * http.remove needs no more than the row and a credential for the host. Neither has a secret.
 *
 * In the ledger it is http, resource: the key is the address of the look and what it looks for; the
 * id is that address and the API's id, because ids of two APIs may be equal.
 */
#ifndef WORKFLOWS_ACTIONS_HTTP_RESOURCE_H
#define WORKFLOWS_ACTIONS_HTTP_RESOURCE_H

#include "slipway/action.h"
#include "slipway/provider.h"

#define HTTP_PROVIDER "http"
#define HTTP_RESOURCE "resource"

/* How to look for it. */
struct http_look {
	const char *method, *url, *body; /* a POST only reads, as a GraphQL query */
	const char *at;                  /* where the things are in the response */
	struct string_map where;         /* which of them it is */
	const char *id, *created_at;     /* pointers within the thing */
};
extern const struct record http_look_record;

/* How to remove it. */
struct http_undo {
	const char *method, *url, *body; /* {id} stands for the id */
};
extern const struct record http_undo_record;

struct http_resource {
	const struct http_look *look;
	const struct http_undo *undo; /* NULL: it is not removed */
	struct string_map headers;    /* of all its requests; may be secret */
};

/* What a look found. */
struct http_found {
	const struct provider_response *things;
	size_t count;
};

/* For .validate: whether look and undo make sense, and go to the host of the url. */
void http_resource_validate(const char *url, const struct http_look *look,
	const struct http_undo *undo, struct input_check *check);

/* The host and port of a URL, such as api.example.org:8443; NULL if memory runs out. */
const char *http_host(struct action_context *context, const char *url);

/* Its key in the ledger, and its id there by that of the API; NULL if memory runs out. */
const char *http_resource_key(struct action_context *context, const struct http_look *look);
const char *http_resource_id(
	struct action_context *context, const struct http_look *look, const char *id);

/* The two as JSON, for the ledger. NULL if memory runs out. */
const char *http_removal_encode(
	struct action_context *context, const struct http_resource *resource);

/* Reads them; undo is NULL where there is none. False if the text has not this form. */
bool http_removal_decode(struct action_context *context, const char *text,
	struct http_resource *ret_resource) SLIPWAY_MUST_CHECK;

/* Looks. `where` NULL: that of the look. ACTION_WAITING while the API does not respond, or has an
 * error of its own. */
enum action_result http_look(struct action_context *context, const struct http_resource *resource,
	const struct string_map *where, struct http_found *ret_found) SLIPWAY_MUST_CHECK;

/* The API's id of a thing that was found, and when it was created (0: unknown). */
bool http_identify(struct action_context *context, const struct http_look *look,
	const struct provider_response *thing, const char **ret_id,
	int64_t *ret_created_at) SLIPWAY_MUST_CHECK;

/* Sends the request that removes it. False if there was no response. */
bool http_undo_send(struct action_context *context, const struct http_resource *resource,
	const char *id, struct provider_response *response) SLIPWAY_MUST_CHECK;

#endif
