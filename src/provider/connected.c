/* Puts a connection in the place of the settings' credential. */
#include "provider/connected.h"

#include <string.h>

#include "base/text.h"

struct provider_access connected_access(const struct provider *provider,
	const struct settings *settings, const struct connection *connection,
	const char *credential)
{
	struct provider_access access = provider->access(settings);
	bool is_app = connection != NULL && strcmp(connection->kind, CONNECTION_APP) == 0;

	if (connection == NULL && credential != NULL)
		access.token = credential;
	if (connection == NULL)
		return access;
	access.connection = connection;
	access.scope = connection->account;
	access.token = is_app ? NULL : credential;
	access.account = is_app ? connection->installation_id : NULL;
	access.app.installation_id = connection->installation_id;
	if (connection->app_id != NULL)
		access.app = (struct provider_app){ .id = connection->app_id,
			.installation_id = connection->installation_id,
			.key = credential };
	access.questions = provider->questions(&access);
	return access;
}

enum error_class connected_error(const struct connection *connection, struct error *error)
{
	char page[sizeof(error->remedy_url)], command[CONNECTION_COMMAND_SIZE];

	if (connection == NULL ||
		(error->class != ERROR_AUTH_EXPIRED && error->class != ERROR_AUTH_MISSING))
		return error->class;
	text_copy(page, sizeof(page), error->remedy_url);
	text_append(error->message, sizeof(error->message), " (connection '%s')", connection->name);
	return error_remedy(error, text_or_null(page),
		"'slipway connection test %s --tenant %s' says what is missing. An operator "
		"gives it another credential by %s; then trigger the step again.",
		connection->name, connection->tenant,
		connection_command(connection, "--replace", command));
}
