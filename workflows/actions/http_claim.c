/*
 * Whose a resource of http.request is. It is the app's if the ledger has its id under any key, or
 * has it as pending and it was created at about the time of the request.
 */
#include "actions/http_claim.h"

#include <string.h>

#define APPEAR_CHECK_MS 3000
#define APPEAR_MAX_MS   300000

/* Whether the app has the thing with this id. */
static bool has_id(struct action_context *context, const char *id, struct ledger_resource *ret_row)
{
	const struct ledger_resource *list;
	size_t count;

	if (id == NULL || !ledger_list(context, HTTP_PROVIDER, HTTP_RESOURCE, &list, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!list[i].pending && strcmp(list[i].id, id) == 0) {
			*ret_row = list[i];
			return true;
		}
	return false;
}

/* ---- what a look found ---- */

static enum action_result fail_several(
	struct action_context *context, const struct http_look *look, size_t count)
{
	action_fail(context, ERROR_CONFLICT_FOREIGN,
		"%zu things at %s are what \"look\" describes, so it is unknown which one is meant",
		count, look->url);
	action_remedy(
		context, NULL, "Add to \"where\" what distinguishes it, or remove the others.");
	return action_remedy_input(context, "look");
}

/* The one that is meant, among those that were found; NULL: it is unknown. */
static const struct provider_response *choose(struct action_context *context,
	const struct http_look *look, const struct http_found *found)
{
	struct ledger_resource known;

	for (size_t i = 0; found->count > 1 && i < found->count; i++) {
		const char *id;
		int64_t ignored;
		if (http_identify(context, look, &found->things[i], &id, &ignored) &&
			has_id(context, http_resource_id(context, look, id), &known))
			return &found->things[i];
	}

	return found->count == 1 ? found->things : NULL;
}

/* What the ledger has under the key may have another name by now: it is still the app's. */
static enum action_result find_renamed(struct action_context *context,
	const struct http_claim *claim, const struct provider_response **ret_thing)
{
	const struct http_look *look = claim->resource->look;
	const char *mark = claim->has_row ? strchr(claim->row.id, '#') : NULL;
	const struct string_pair with_id = { look->id, mark != NULL ? mark + 1 : NULL };
	const struct string_map where = { &with_id, 1 };
	struct http_found found;

	if (mark == NULL || claim->row.pending)
		return action_done(context);
	enum action_result result = http_look(context, claim->resource, &where, &found);
	*ret_thing = result == ACTION_DONE && found.count == 1 ? found.things : NULL;
	return result;
}

enum action_result claim_look(struct action_context *context, const struct http_resource *resource,
	struct http_claim *ret_claim, const struct provider_response **ret_thing)
{
	struct http_found found;

	*ret_claim = (struct http_claim){ .resource = resource,
		.key = http_resource_key(context, resource->look) };
	if (ret_claim->key == NULL)
		return action_fail(context, ERROR_OUT_OF_MEMORY, "out of memory for the ledger");
	enum action_result result = http_look(context, resource, NULL, &found);
	if (result != ACTION_DONE)
		return result;
	ret_claim->has_row =
		ledger_get(context, HTTP_PROVIDER, HTTP_RESOURCE, ret_claim->key, &ret_claim->row);
	*ret_thing = choose(context, resource->look, &found);
	if (*ret_thing != NULL)
		return action_done(context);
	return found.count > 1 ? fail_several(context, resource->look, found.count)
			       : find_renamed(context, ret_claim, ret_thing);
}

/* ---- it exists ---- */

static void fail_foreign(struct action_context *context, const struct http_claim *claim)
{
	const char *doubt = claim->has_row && claim->row.pending
		? ", and nothing tells that the app's own request created it: \"look\" has no "
		  "\"createdAt\", or that is another time"
		: "";
	action_fail(context, ERROR_CONFLICT_FOREIGN,
		"%s already exists and was not created by this app%s", claim->key, doubt);
	action_remedy(context, NULL,
		"Choose another name, remove the existing one, or set \"adopt\": true to use it.");
	action_remedy_input(context, "adopt");
}

bool claim_put(struct action_context *context, const struct http_claim *claim,
	const struct provider_response *thing, bool adopt, bool *ret_created)
{
	const struct http_look *look = claim->resource->look;
	struct ledger_resource known = { .created = false };
	const char *id;
	int64_t created_at;

	if (!http_identify(context, look, thing, &id, &created_at))
		return false;
	struct ledger_resource row = { .provider = HTTP_PROVIDER,
		.type = HTTP_RESOURCE,
		.key = claim->key,
		.id = http_resource_id(context, look, id),
		.removal = http_removal_encode(context, claim->resource) };
	if (row.id == NULL || row.removal == NULL)
		return false;

	bool is_known = has_id(context, row.id, &known);
	bool requested = claim->has_row && ledger_may_be_ours(&claim->row, created_at);
	if (!is_known && !action_is_free(context, &row))
		return false;
	if (!is_known && !requested && !adopt) {
		fail_foreign(context, claim);
		return false;
	}

	row.created = is_known ? known.created : requested;
	*ret_created = row.created;
	return ledger_put(context, &row);
}

/* ---- it does not exist ---- */

static enum action_result fail_unseen(
	struct action_context *context, const struct http_claim *claim)
{
	action_fail(context, ERROR_CHECK_FAILED,
		"%s was requested and the request was accepted, but \"look\" does not find it",
		claim->key);
	action_remedy(context, NULL,
		"Correct \"look\", then trigger the step again. If it was removed by hand, run the "
		"teardown first, which clears it from the ledger.");
	return action_remedy_input(context, "look");
}

enum action_result claim_may_create(
	struct action_context *context, const struct http_claim *claim, int64_t sent_at)
{
	const struct ledger_resource *row = &claim->row;

	if (!claim->has_row || !row->pending)
		return action_done(context);
	bool accepted = row->source != NULL && strcmp(row->source, CLAIM_ACCEPTED) == 0;
	int64_t age = row->by_this_run ? action_run_age_ms(context) - sent_at
				       : ledger_pending_age_ms(row);
	if (age < (accepted ? APPEAR_MAX_MS : provider_lost_response_ms(context)))
		return action_wait(
			context, APPEAR_CHECK_MS, "%s, which was requested, to appear", claim->key);
	return accepted ? fail_unseen(context, claim) : action_done(context);
}
