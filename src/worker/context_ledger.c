/*
 * The app's ledger, as actions see it: what was stored when the attempt began, under what the attempt itself has
 * written since. The latter maps a field to its entry, or to null where the thing is gone.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/record.h"
#include "base/text.h"
#include "worker/context.h"

struct ledger_entry {
	const char *id, *url, *run, *at;
	bool created;
};
static const struct field ledger_fields[] = {
	{ STRING_FIELD("id", struct ledger_entry, id), .required = true },
	{ STRING_FIELD("url", struct ledger_entry, url) },
	{ BOOLEAN_FIELD("created", struct ledger_entry, created) },
	{ STRING_FIELD("run", struct ledger_entry, run) },
	{ STRING_FIELD("at", struct ledger_entry, at) },
};
static const struct record ledger_record = RECORD(struct ledger_entry, ledger_fields);

static const char *field_name(
	const struct action_context *context, const char *provider, const char *type, const char *key)
{
	return arena_format(context->arena, "%s:%s:%s", provider, type, key);
}

/* False for an entry that is broken, and where memory is short, which the arena remembers. */
static bool read_entry(const struct action_context *context, const char *text, struct ledger_entry *ret_entry)
{
	struct error ignored;
	cJSON *json;
	memset(ret_entry, 0, sizeof(*ret_entry));
	enum error_class class = json_parse(text, strlen(text), JSON_FROM_PROVIDER, &json, &ignored);
	if (class == ERROR_NONE) {
		class = record_decode(&ledger_record, json, RECORD_LENIENT, "", context->arena, ret_entry, &ignored);
		cJSON_Delete(json);
	}
	if (class == ERROR_OUT_OF_MEMORY)
		context->arena->refused = true;
	return class == ERROR_NONE;
}

static bool find_entry(const struct action_context *context, const char *field, struct ledger_entry *ret_entry)
{
	if (field == NULL)
		return false;
	const cJSON *written = json_member(context->written, field);
	const char *text = written != NULL ? cJSON_GetStringValue(written) : json_member_string(context->ledger, field);
	return text != NULL && read_entry(context, text, ret_entry);
}

/* Stores the entry, or that there is none any more (NULL), and remembers it for the rest of the attempt. */
static bool write_entry(struct action_context *context, const char *field, const char *value)
{
	if (context_is_short_of_memory(context) ||
		(context->dry == NULL &&
			context->host->own(context->host_data, field, value, &context->error) != ERROR_NONE))
		return false;
	if (context->written == NULL)
		context->written = cJSON_CreateObject();
	cJSON_DeleteItemFromObjectCaseSensitive(context->written, field);
	if (json_add(context->written, field, value != NULL ? cJSON_CreateString(value) : cJSON_CreateNull()))
		return true;
	error_set(&context->error, ERROR_OUT_OF_MEMORY, "no memory for the ledger");
	return false;
}

bool action_own(struct action_context *context, const struct owned_resource *resource)
{
	char at[CLOCK_TEXT_SIZE];
	clock_format(clock_wall_ms(), at);
	const char *field = field_name(context, resource->provider, resource->type, resource->key);
	struct ledger_entry entry = { resource->id, resource->url, context->run_id, at, resource->created }, before;
	/* The same thing again, such as by another run, keeps its age, and was created by us if it ever was. */
	if (resource->id != NULL && find_entry(context, field, &before) && strcmp(before.id, resource->id) == 0) {
		entry.created = entry.created || before.created;
		entry.at = before.at != NULL ? before.at : at;
	} else if (context->dry != NULL) {
		context->dry->adopts = true;
	}
	if (resource->id == NULL)
		context->arena->refused = true; /* ids are texts made by action_format, or required of the answer */
	const char *value =
		context_is_short_of_memory(context) ? NULL : context_encode(context, &ledger_record, &entry);
	return value != NULL && write_entry(context, field, value);
}

const char *action_owned(const struct action_context *context, const char *provider, const char *type, const char *key)
{
	struct ledger_entry entry;
	return find_entry(context, field_name(context, provider, type, key), &entry) ? entry.id : NULL;
}

int64_t action_made_ms_ago(
	const struct action_context *context, const char *provider, const char *type, const char *key)
{
	struct ledger_entry entry;
	if (!find_entry(context, field_name(context, provider, type, key), &entry) || !entry.created)
		return -1;
	int64_t at = clock_parse(entry.at), now = clock_wall_ms();
	return at == 0 ? -1 : at < now ? now - at : 0;
}

bool action_disown(struct action_context *context, const char *provider, const char *type, const char *key)
{
	if (context->dry != NULL)
		context->dry->removes = true;
	return write_entry(context, field_name(context, provider, type, key), NULL);
}

/* ---- the list ---- */

/* A resource and when it was first owned, for the order. */
struct dated {
	struct owned_resource resource;
	const char *at;
};

static int compare_newest_first(const void *left, const void *right)
{
	const struct dated *one = left, *two = right;
	int order = strcmp(two->at, one->at);
	return order != 0 ? order : strcmp(two->resource.key, one->resource.key);
}

/* Adds what the field of the ledger names, if it is of that type. */
static void add_resource(
	const struct action_context *context, const char *prefix, const char *field, struct dated *list, size_t *count)
{
	struct ledger_entry entry;
	if (!text_has_prefix(field, prefix) || !find_entry(context, field, &entry))
		return;
	list[(*count)++] = (struct dated){
		.resource = { .key = arena_string(context->arena, field + strlen(prefix)),
			.id = entry.id,
			.url = entry.url,
			.created = entry.created },
		.at = entry.at != NULL ? entry.at : "",
	};
}

bool action_ledger(struct action_context *context, const char *provider, const char *type,
	const struct owned_resource **ret_list, size_t *ret_count)
{
	const char *prefix = field_name(context, provider, type, "");
	size_t most = (size_t)cJSON_GetArraySize(context->ledger) + (size_t)cJSON_GetArraySize(context->written);
	struct dated *dated = arena_allocate_array(context->arena, most, sizeof(*dated));
	struct owned_resource *list = arena_allocate_array(context->arena, most, sizeof(*list));
	if (context_is_short_of_memory(context))
		return false;
	size_t count = 0;
	const cJSON *item;
	cJSON_ArrayForEach(item, context->ledger)
	{
		add_resource(context, prefix, item->string, dated, &count);
	}
	cJSON_ArrayForEach(item, context->written)
	{
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

bool action_owns_id(
	struct action_context *context, const char *provider, const char *type, const char *id, bool *ret_owns)
{
	const struct owned_resource *list;
	size_t count;
	if (!action_ledger(context, provider, type, &list, &count))
		return false;
	*ret_owns = false;
	for (size_t i = 0; i < count; i++)
		*ret_owns = *ret_owns || strcmp(list[i].id, id) == 0;
	return true;
}
