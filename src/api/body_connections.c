/* One look-up a name: an app names a handful. */
#include "api/body_connections.h"

#include <string.h>

#include "base/json_pointer.h"
#include "provider/providers.h"
#include "slipway/workflow.h"
#include "store/connections.h"

static bool is_step_slot(const char *slot)
{
	for (size_t i = 0; workflows[i] != NULL; i++)
		for (size_t j = 0; j < workflows[i]->step_count; j++) {
			const char *own = workflows[i]->steps[j].connection;
			if (own != NULL && strcmp(own, slot) == 0)
				return true;
		}
	return false;
}

static enum error_class refuse_slot(const char *slot, struct error *error)
{
	error_set(
		error, ERROR_INVALID_INPUT, "no provider, and no step's connection, has this name");
	error_remedy(error, NULL, "Name the connection of a provider: \"github\".");
	return error_at_member(error, "/connections", slot);
}

static enum error_class refuse_unknown(
	const char *tenant, const char *slot, const char *name, struct error *error)
{
	const struct connection missing = { .name = identifier_valid(name) ? name : "NAME",
		.tenant = tenant,
		.provider = provider_find(slot) != NULL ? slot : NULL };
	char command[CONNECTION_COMMAND_SIZE];

	error_set(error, ERROR_INVALID_INPUT, "the tenant has no connection '%.64s'", name);
	error_remedy(error, NULL, "Name one that it has, or an operator adds it by %s.",
		connection_command(&missing, "", command));
	return error_at_member(error, "/connections", slot);
}

static enum error_class refuse_other(
	const char *slot, const struct connection *connection, struct error *error)
{
	const struct connection other = {
		.name = "NAME", .tenant = connection->tenant, .provider = slot
	};
	char command[CONNECTION_COMMAND_SIZE];

	error_set(error, ERROR_INVALID_INPUT, "the connection '%s' is for %s", connection->name,
		connection->provider);
	error_remedy(error, NULL, "Name one that is for %s, or an operator adds one by %s.", slot,
		connection_command(&other, "", command));
	return error_at_member(error, "/connections", slot);
}

static enum error_class check_found(
	const char *app, const char *slot, const struct connection *connection, struct error *error)
{
	char command[CONNECTION_COMMAND_SIZE];

	if (provider_find(slot) != NULL && strcmp(connection->provider, slot) != 0)
		return refuse_other(slot, connection, error);
	if (connection_allows(connection, CONNECTION_APPS, app))
		return ERROR_NONE;
	error_set(error, ERROR_NOT_ALLOWED, "the app '%s' may not use the connection '%s'", app,
		connection->name);
	error_remedy(error, NULL, "An operator lets it by %s, or name another connection.",
		connection_command(connection, "--app APP --replace", command));
	return error_at_member(error, "/connections", slot);
}

static enum error_class check_one(const struct service *service, const char *app, const char *slot,
	const char *name, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct stored_connection stored;
	const bool is_built_in = strcmp(name, CONNECTION_BUILT_IN) == 0 &&
		strcmp(service->tenant, TENANT_DEFAULT) == 0;

	if (provider_find(slot) == NULL && !is_step_slot(slot))
		return refuse_slot(slot, error);
	if (is_built_in)
		return ERROR_NONE;
	if (!identifier_valid(name))
		return refuse_unknown(service->tenant, slot, name, error);
	if (connection_fetch(service->redis, service->tenant, name, false, &arena, &stored,
		    error) != ERROR_NONE)
		return error->class;
	return stored.record != NULL ? check_found(app, slot, &stored.connection, error)
				     : refuse_unknown(service->tenant, slot, name, error);
}

enum error_class body_connections_check(const struct service *service, const char *app,
	const cJSON *connections, struct error *error)
{
	const cJSON *member;

	cJSON_ArrayForEach (member, connections) {
		if (cJSON_IsString(member) &&
			check_one(service, app, member->string, member->valuestring, error) !=
				ERROR_NONE)
			return error->class;
	}
	return ERROR_NONE;
}
