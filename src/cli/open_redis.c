/* One timeout for all: a person waits for the command. */
#include "cli/open_redis.h"

#include "base/text.h"
#include "store/layout.h"

#define TIMEOUT_MS 5000

enum error_class open_redis(const struct settings *settings, const char *command,
	struct redis **ret_redis, struct error *error)
{
	char name[64];

	text_format(name, sizeof(name), "slipway-%s", command);
	return redis_from_settings(settings, name, TIMEOUT_MS, ret_redis, error);
}

enum error_class open_store(const struct settings *settings, const char *command,
	struct redis **ret_redis, struct error *error)
{
	if (open_redis(settings, command, ret_redis, error) != ERROR_NONE)
		return error->class;
	layout_require(*ret_redis);
	return ERROR_NONE;
}
