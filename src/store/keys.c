/*
 * Formats key names. All keys of an app carry the same hash tag, so that one script may touch them
 * on a cluster too.
 */
#include "store/keys.h"

#include <string.h>

#include "base/text.h"

void run_key_make(char key[KEY_SIZE], const struct run_name *name)
{
	text_format(
		key, KEY_SIZE, KEY_APP_PREFIX "%s:%s:%s", name->app, name->workflow, name->step);
}

void run_keys_make(struct run_keys *keys, const struct run_name *name)
{
	static const char *const shared[RUN_KEY_COUNT] = {
		[RUN_KEY_QUEUE] = KEY_QUEUE,
		[RUN_KEY_DELAYED] = KEY_DELAYED,
		[RUN_KEY_LIVE] = KEY_LIVE,
		[RUN_KEY_APPS] = KEY_APPS,
	};
	static const char *const of_app[RUN_KEY_COUNT] = {
		[RUN_KEY_EVENTS] = "events",
		[RUN_KEY_PAYLOAD] = "payload",
		[RUN_KEY_LEDGER] = "ledger",
	};

	for (size_t i = 0; i < RUN_KEY_COUNT; i++) {
		if (shared[i] != NULL)
			text_copy(keys->own[i], KEY_SIZE, shared[i]);
		else if (of_app[i] != NULL)
			text_format(keys->own[i], KEY_SIZE, KEY_APP_PREFIX "%s:%s", name->app,
				of_app[i]);
		else
			run_key_make(keys->own[i],
				&(struct run_name){ name->app,
					name->workflow != NULL ? name->workflow : "",
					name->step != NULL ? name->step : "" });
		keys->list[i] = keys->own[i];
	}
}

bool member_split(char member[MEMBER_SIZE], struct run_name *ret_name)
{
	char *workflow = strchr(member, ':');
	char *step = workflow != NULL ? strchr(workflow + 1, ':') : NULL;
	if (step == NULL)
		return false;
	*workflow++ = '\0';
	*step++ = '\0';
	*ret_name = (struct run_name){ member, workflow, step };
	return run_name_valid(ret_name);
}

void member_make(char member[MEMBER_SIZE], const struct run_name *name)
{
	text_format(member, MEMBER_SIZE, "%s:%s:%s", name->app, name->workflow, name->step);
}

bool run_name_valid(const struct run_name *name)
{
	return identifier_valid(name->app) && identifier_valid(name->workflow) &&
		identifier_valid(name->step);
}
