/*
 * The app's ledger, as actions see it: the rows that were stored when the attempt began, and over
 * them those that the attempt has written since: a row per field, or null where it was removed.
 */
#include <stdlib.h>
#include <string.h>

#include "action/context.h"
#include "base/clock.h"
#include "base/redact.h"
#include "base/text.h"
#include "core/ledger_row.h"

/* By how much the clocks of a worker and a provider may differ. */
#define CLOCK_SKEW_MS 120000
/* A create request has taken effect by then, or never will. */
#define MADE_WITHIN_MS 600000

static const char *field_name(const struct action_context *context, const char *provider,
	const char *type, const char *key)
{
	return arena_format(context->arena, "%s:%s:%s", provider, type, key);
}

/* False for a row that is broken, and where memory is short, which the context remembers. */
static bool read_row(struct action_context *context, const char *text, struct ledger_row *ret_row)
{
	struct error ignored;
	enum error_class class = ledger_row_read(text, context->arena, ret_row, &ignored);
	if (class == ERROR_OUT_OF_MEMORY)
		context->out_of_memory = true;
	return class == ERROR_NONE;
}

/* The current row; NULL where there is none. */
static const char *find_text(const struct action_context *context, const char *field)
{
	const cJSON *written = field != NULL ? json_member(context->written, field) : NULL;
	if (written != NULL)
		return cJSON_GetStringValue(written);
	return field != NULL ? json_member_string(context->ledger, field) : NULL;
}

static bool find_row(struct action_context *context, const char *field, struct ledger_row *ret_row)
{
	const char *text = find_text(context, field);
	return text != NULL && read_row(context, text, ret_row);
}

/* The resource that the app has or had; a pending row keeps the row before it. */
static bool find_settled(
	struct action_context *context, const struct ledger_row *row, struct ledger_row *ret_row)
{
	if (!ledger_row_is_pending(row)) {
		*ret_row = *row;
		return true;
	}
	return row->before != NULL && read_row(context, row->before, ret_row);
}

/* The ledger is stored in clear text, so a name must not be a secret. Refused rather than redacted:
 * the resource could not be found by a redacted name. */
static bool may_be_listed(struct action_context *context, const char *field, const char *value)
{
	char shown[128];

	if (!redact_finds(field) && !redact_finds(value))
		return true;
	redact_copy(shown, sizeof(shown), field);
	redact_text(shown);
	error_set(&context->error, ERROR_INTERNAL,
		"the ledger row %s of the action %s has a secret in its name, its id or its "
		"address",
		shown, context->action->id);
	error_remedy(&context->error, NULL,
		"Use a secret whose value is not the name of a resource at the provider.");
	return false;
}

/* Stores the row, or removes it (NULL), and remembers that for the rest of the attempt. */
static bool write_row(struct action_context *context, const struct ledger_change *change)
{
	const char *field = change->field, *value = change->value;

	if (context_is_short_of_memory(context) ||
		(value != NULL && !may_be_listed(context, field, value)) ||
		(context->dry_run == NULL &&
			context->backend->ledger_write(
				context->backend_data, change, &context->error) != ERROR_NONE))
		return false;
	if (context->written == NULL)
		context->written = cJSON_CreateObject();
	cJSON_DeleteItemFromObjectCaseSensitive(context->written, field);
	if (json_add(context->written, field,
		    value != NULL ? cJSON_CreateString(value) : cJSON_CreateNull()))
		return true;
	error_set(&context->error, ERROR_OUT_OF_MEMORY, "no memory for the ledger");
	return false;
}

static const char *encode_row(struct action_context *context, struct ledger_row *row)
{
	row->run = context->run_id;
	row->workflow = context->workflow != NULL ? context->workflow->id : NULL;
	row->step = context->step;
	return context_is_short_of_memory(context)
		? NULL
		: context_encode(context, &ledger_row_record, row);
}

static void fill_resource(struct action_context *context, const struct ledger_row *row,
	struct ledger_resource *resource)
{
	struct ledger_row settled = { .id = "" };

	resource->pending = ledger_row_is_pending(row);
	if (!find_settled(context, row, &settled))
		settled = (struct ledger_row){ .id = "" };
	resource->id = settled.id;
	resource->url = settled.url;
	resource->created = settled.created;
	resource->source = row->source;
	resource->removal = row->removal;
	resource->first_requested_at = resource->pending ? clock_parse(row->at) : 0;
	resource->last_requested_at = resource->pending ? clock_parse(row->asked) : 0;
}

bool ledger_get(struct action_context *context, const char *provider, const char *type,
	const char *key, struct ledger_resource *ret_row)
{
	struct ledger_row row;
	*ret_row = (struct ledger_resource){
		.provider = provider, .type = type, .key = key, .id = ""
	};
	if (!find_row(context, field_name(context, provider, type, key), &row))
		return false;
	fill_resource(context, &row, ret_row);
	ret_row->by_this_run = row.run != NULL && strcmp(row.run, context->run_id) == 0;
	return true;
}

/* ---- before the call ---- */

/* In a dry run: what the action would create, or adopt. */
static void note_resource(
	struct action_context *context, const struct ledger_resource *resource, bool gone)
{
	struct step_dry_run *dry_run = context->dry_run;

	if (dry_run == NULL)
		return;
	dry_run->kind = resource->type;
	dry_run->name = resource->key;
	dry_run->gone = gone;
}

bool ledger_intend(struct action_context *context, const struct ledger_resource *resource)
{
	char now[CLOCK_TEXT_SIZE];

	clock_format(clock_wall_ms(), now);
	const char *field = field_name(context, resource->provider, resource->type, resource->key);
	struct ledger_row settled;
	struct ledger_row row = { .state = LEDGER_PENDING,
		.at = now,
		.asked = now,
		.source = resource->source,
		.removal = resource->removal },
			  before;
	context->intended = field;
	context->intended_before = find_text(context, field);

	/* The resource of the first request may still appear. */
	bool found = find_row(context, field, &before);
	note_resource(context, resource, found && find_settled(context, &before, &settled));
	if (found && ledger_row_is_pending(&before)) {
		row.at = before.at != NULL ? before.at : now;
		row.before = before.before;
	} else if (context->intended_before != NULL) {
		row.before = context->intended_before;
	}

	/* A newer row frees the text of the row that this attempt has written before. */
	if (context->intended_before != NULL)
		context->intended_before = arena_string(context->arena, context->intended_before);
	const char *value = encode_row(context, &row);
	const char *checkpoint = value != NULL ? context_checkpoint(context) : NULL;
	return checkpoint != NULL &&
		write_row(context, &(struct ledger_change){ field, value, checkpoint, false });
}

bool ledger_take_back(struct action_context *context)
{
	struct error refused = context->error;

	if (context->intended == NULL)
		return true;
	bool written = write_row(context,
		&(struct ledger_change){
			context->intended, context->intended_before, NULL, false });
	context->intended = NULL;
	if (written)
		context->error = refused;
	return written;
}

int64_t ledger_pending_age_ms(const struct ledger_resource *pending)
{
	int64_t now = clock_wall_ms();
	return pending->last_requested_at < now ? now - pending->last_requested_at : 0;
}

bool ledger_may_be_ours(const struct ledger_resource *pending, int64_t made_at)
{
	if (!pending->pending)
		return false;
	if (made_at == 0)
		return pending->by_this_run;
	return made_at >= pending->first_requested_at - CLOCK_SKEW_MS &&
		made_at <= pending->last_requested_at + MADE_WITHIN_MS;
}

/* ---- after the call ---- */

static bool ask_owner(struct action_context *context, const struct owner_question *question,
	const char **ret_holder)
{
	*ret_holder = "";
	if (context->backend->owner == NULL || context_is_short_of_memory(context))
		return !context_is_short_of_memory(context);
	return context->backend->owner(
		       context->backend_data, question, ret_holder, &context->error) == ERROR_NONE;
}

bool ledger_holder(struct action_context *context, const char *provider, const char *type,
	const char *id, const char **ret_app)
{
	const struct owner_question question = { OWNER_LOOK, provider, type, id, false };
	bool asked = ask_owner(context, &question, ret_app);
	*ret_app = asked && (*ret_app)[0] != '\0' ? *ret_app : NULL;
	return asked;
}

bool action_sharer(struct action_context *context, const char *provider, const char *type,
	const char *id, const char **ret_app)
{
	const struct owner_question question = { OWNER_SHARER, provider, type, id, false };
	bool asked = ask_owner(context, &question, ret_app);
	*ret_app = asked && (*ret_app)[0] != '\0' ? *ret_app : NULL;
	return asked;
}

static bool fail_held(
	struct action_context *context, const struct ledger_resource *resource, const char *holder)
{
	if (strcmp(holder, OWNER_OF_ANOTHER) == 0) {
		action_fail(context, ERROR_CONFLICT_FOREIGN, "somebody else has the %s %s here",
			resource->type, resource->key);
		action_remedy(context, NULL, "Choose another name.");
		return false;
	}
	action_fail(context, ERROR_CONFLICT_FOREIGN, "the app '%s' has the %s %s", holder,
		resource->type, resource->key);
	action_remedy(context, NULL,
		"Choose another name, or tear '%s' down first. Where both apps are to have it, set "
		"\"share\": true for both, and run the step of '%s' again first.",
		holder, holder);
	return false;
}

/* A dry run only reads. What another app owns was not made for us, even where our request is
 * pending. */
static bool claim(struct action_context *context, const struct ledger_resource *resource)
{
	const struct owner_question question = { context->dry_run != NULL ? OWNER_LOOK
									  : OWNER_CLAIM,
		resource->provider, resource->type, resource->id, resource->shared };
	const char *holder;

	if (resource->part)
		return true;
	if (!ask_owner(context, &question, &holder))
		return false;
	bool may_share = context->dry_run != NULL && resource->shared &&
		strcmp(holder, OWNER_OF_ANOTHER) != 0;
	if (holder[0] == '\0' || may_share)
		return true;
	return ledger_take_back(context) && fail_held(context, resource, holder);
}

bool action_is_free(struct action_context *context, const struct ledger_resource *resource)
{
	const char *holder;
	return ledger_holder(context, resource->provider, resource->type, resource->id, &holder) &&
		(holder == NULL || fail_held(context, resource, holder));
}

/* Best effort: an owner that remains is checked against its ledger by the next app that asks. */
static void release(
	struct action_context *context, const char *provider, const char *type, const char *id)
{
	const struct owner_question question = { OWNER_RELEASE, provider, type, id, false };
	struct error kept = context->error;
	const char *ignored;
	if (context->dry_run == NULL && id != NULL && id[0] != '\0' &&
		!ask_owner(context, &question, &ignored))
		context->error = kept;
}

static bool is_same_text(const char *one, const char *other)
{
	return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

/* This run has written the same row already. */
static bool is_written(const struct action_context *context, const struct ledger_row *before,
	const struct ledger_row *row)
{
	return !ledger_row_is_pending(before) && is_same_text(before->run, context->run_id) &&
		is_same_text(before->id, row->id) && is_same_text(before->url, row->url) &&
		is_same_text(before->removal, row->removal) && before->created == row->created &&
		before->shared == row->shared;
}

/* An id is a text that the action has made, which is NULL where memory is short, or one that a
 * response must have. */
static bool has_id(struct action_context *context, const struct ledger_resource *resource)
{
	if (resource->id != NULL)
		return true;
	if (!context_is_short_of_memory(context))
		error_set(&context->error, ERROR_INTERNAL,
			"the action %s puts a %s without an id into the ledger",
			context->action->id, resource->type);
	return false;
}

bool ledger_put(struct action_context *context, const struct ledger_resource *resource)
{
	char at[CLOCK_TEXT_SIZE];

	if (!has_id(context, resource))
		return false;
	clock_format(clock_wall_ms(), at);
	const char *field = field_name(context, resource->provider, resource->type, resource->key);
	struct ledger_row row = { .id = resource->id,
		.url = resource->url,
		.at = at,
		.created = resource->created,
		.removal = resource->removal,
		.part = resource->part,
		.shared = resource->shared };
	struct ledger_row before, settled;
	bool found = find_row(context, field, &before);
	bool stood = found && find_settled(context, &before, &settled);
	bool replaces = stood && strcmp(settled.id, resource->id) != 0;

	/* The same resource keeps its age, and counts as created by us if it ever was. */
	if (stood && !replaces) {
		row.created = row.created || settled.created;
		row.at = settled.at != NULL ? settled.at : at;
	} else if (context->dry_run != NULL) {
		context->dry_run->adopts = true;
		note_resource(context, resource, false);
	}

	row.state = row.created ? LEDGER_CREATED : LEDGER_ADOPTED;
	if (found && is_written(context, &before, &row))
		return !context_is_short_of_memory(context);
	if (!context_has_rights(context, resource, !row.created && (!stood || replaces),
		    row.shared && !(stood && settled.shared)) ||
		!claim(context, resource))
		return false;
	const char *value = encode_row(context, &row);
	return value != NULL &&
		write_row(context, &(struct ledger_change){ field, value, NULL, replaces });
}

const char *ledger_get_id(
	struct action_context *context, const char *provider, const char *type, const char *key)
{
	struct ledger_row row;
	bool found = find_row(context, field_name(context, provider, type, key), &row);
	return found && !ledger_row_is_pending(&row) ? row.id : NULL;
}

/* Clocks of two machines differ: a time in the future counts as now. */
static int64_t age_of(int64_t at)
{
	int64_t now = clock_wall_ms();
	return at < now ? now - at : 0;
}

/* Nothing became visible while the provider was down. */
static int64_t age_without_outages(const struct action_context *context, int64_t at)
{
	int64_t age = age_of(at) - context->paused_ms;
	return age > 0 ? age : 0;
}

int64_t ledger_age_ms(
	struct action_context *context, const char *provider, const char *type, const char *key)
{
	struct ledger_row row;
	if (!find_row(context, field_name(context, provider, type, key), &row) || !row.created)
		return -1;
	int64_t at = clock_parse(row.at);
	return at == 0 ? -1 : age_without_outages(context, at);
}

/* How long ago the app made the thing of the field, where it is the provider's and has the name as
 * its key or id; -1 where it is another. */
static int64_t made_ms_ago(
	struct action_context *context, const char *provider, const char *field, const char *name)
{
	struct ledger_row row;
	size_t length = strlen(provider);
	const char *key = strncmp(field, provider, length) == 0 && field[length] == ':'
		? strchr(field + length + 1, ':')
		: NULL;

	/* Asked at every call, so a row that does not have the name in it is not decoded: it would
	 * stay in the arena. */
	const char *text = key != NULL ? find_text(context, field) : NULL;
	if (text == NULL || (strcasecmp(key + 1, name) != 0 && strstr(text, name) == NULL) ||
		!read_row(context, text, &row) || !row.created)
		return -1;
	bool named =
		strcasecmp(key + 1, name) == 0 || (row.id != NULL && strcmp(row.id, name) == 0);
	int64_t at = clock_parse(row.at);
	return named && at != 0 ? age_without_outages(context, at) : -1;
}

int64_t context_made_ms_ago(struct action_context *context, const char *provider, const char *name)
{
	const cJSON *const sources[] = { context->ledger, context->written };
	int64_t least = -1;

	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		const cJSON *item;
		cJSON_ArrayForEach (item, sources[i]) {
			int64_t ago = made_ms_ago(context, provider, item->string, name);
			least = ago >= 0 && (least < 0 || ago < least) ? ago : least;
		}
	}

	return least;
}

bool ledger_remove(
	struct action_context *context, const char *provider, const char *type, const char *key)
{
	struct ledger_row row = { .id = NULL };
	const char *field = field_name(context, provider, type, key);
	bool found = find_row(context, field, &row);

	if (context->dry_run != NULL)
		context->dry_run->removes = true;
	if (!write_row(context, &(struct ledger_change){ .field = field }))
		return false;
	if (found && !ledger_row_is_pending(&row))
		release(context, provider, type, row.id);
	return true;
}

/* ---- the list ---- */

/* A resource and when the app got it, to sort by. */
struct dated {
	struct ledger_resource resource;
	const char *at;
};

static int compare_newest_first(const void *left, const void *right)
{
	const struct dated *one = left, *two = right;
	int order = strcmp(two->at, one->at);
	return order != 0 ? order : strcmp(two->resource.key, one->resource.key);
}

/* Adds the resource of a ledger field, if it is of that type. */
static void add_resource(struct action_context *context, const char *prefix, const char *field,
	struct dated *list, size_t *count)
{
	struct ledger_row row;
	if (!text_has_prefix(field, prefix) || !find_row(context, field, &row))
		return;
	struct dated *dated = &list[(*count)++];
	*dated = (struct dated){ .resource = { .key = arena_string(
						       context->arena, field + strlen(prefix)) },
		.at = row.at != NULL ? row.at : "" };
	fill_resource(context, &row, &dated->resource);
}

bool ledger_list(struct action_context *context, const char *provider, const char *type,
	const struct ledger_resource **ret_list, size_t *ret_count)
{
	const char *prefix = field_name(context, provider, type, "");
	size_t most = (size_t)cJSON_GetArraySize(context->ledger) +
		(size_t)cJSON_GetArraySize(context->written);
	struct dated *dated = arena_allocate_array(context->arena, most, sizeof(*dated));
	struct ledger_resource *list = arena_allocate_array(context->arena, most, sizeof(*list));

	if (context_is_short_of_memory(context))
		return false;
	size_t count = 0;
	const cJSON *item;
	cJSON_ArrayForEach (item, context->ledger) {
		add_resource(context, prefix, item->string, dated, &count);
	}

	cJSON_ArrayForEach (item, context->written) {
		if (json_member(context->ledger, item->string) == NULL)
			add_resource(context, prefix, item->string, dated, &count);
	}

	if (context_is_short_of_memory(context))
		return false;
	qsort(dated, count, sizeof(*dated), compare_newest_first);
	for (size_t i = 0; i < count; i++) {
		list[i] = dated[i].resource;
		list[i].provider = provider;
		list[i].type = type;
	}

	*ret_list = list;
	*ret_count = count;
	return true;
}

bool ledger_has_id(struct action_context *context, const char *provider, const char *type,
	const char *id, bool *ret_owns)
{
	const struct ledger_resource *list;
	size_t count;
	if (!ledger_list(context, provider, type, &list, &count))
		return false;
	*ret_owns = false;
	for (size_t i = 0; i < count; i++)
		*ret_owns = *ret_owns || strcmp(list[i].id, id) == 0;
	return true;
}
