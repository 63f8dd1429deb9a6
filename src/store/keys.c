/*
 * Formats key names. All keys of an app carry the same hash tag, so that one script may touch them
 * on a cluster too.
 */
#include "store/keys.h"

#include <string.h>

#include "base/text.h"
#include "core/deployment.h"

void run_key_make(char key[KEY_SIZE], const struct run_name *name)
{
	const char *const parts[] = { KEY_APP_PREFIX, name->tenant, ":", name->app, ":",
		name->workflow, ":", name->step };

	text_join(key, KEY_SIZE, parts, ARRAY_LEN(parts));
}

void app_key_make(char key[KEY_SIZE], const struct app_name *app, const char *what)
{
	const char *const parts[] = { KEY_APP_PREFIX, app->tenant, ":", app->app, ":", what };

	text_join(key, KEY_SIZE, parts, ARRAY_LEN(parts));
}

void tenant_key_make(char key[KEY_SIZE], const char *prefix, const char *tenant)
{
	text_join(key, KEY_SIZE, (const char *const[]){ prefix, tenant }, 2);
}

void run_keys_make(struct run_keys *keys, const struct run_name *name)
{
	static const char *const shared[RUN_KEY_COUNT] = {
		[RUN_KEY_READY] = KEY_READY,
		[RUN_KEY_DELAYED] = KEY_DELAYED,
		[RUN_KEY_LIVE] = KEY_LIVE,
	};
	static const char *const of_app[RUN_KEY_COUNT] = {
		[RUN_KEY_EVENTS] = "events",
		[RUN_KEY_PAYLOAD] = "payload",
		[RUN_KEY_LEDGER] = "ledger",
	};
	const struct app_name app = run_app(name);

	for (size_t i = 0; i < RUN_KEY_COUNT; i++) {
		if (of_app[i] != NULL)
			app_key_make(keys->own[i], &app, of_app[i]);
		keys->list[i] = shared[i] != NULL ? shared[i] : keys->own[i];
	}
	run_key_make(keys->own[RUN_KEY_RUN],
		&(struct run_name){ name->tenant, name->app,
			name->workflow != NULL ? name->workflow : "",
			name->step != NULL ? name->step : "" });
	tenant_key_make(keys->own[RUN_KEY_APPS], KEY_APPS_PREFIX, name->tenant);
}

bool run_keys_list(
	const struct run_name *name, struct arena *arena, const char *list[RUN_KEY_COUNT])
{
	static struct run_keys keys; /* nothing waits in here */

	run_keys_make(&keys, name);
	for (size_t i = 0; i < RUN_KEY_COUNT; i++) {
		const bool is_own = keys.list[i] == keys.own[i];
		list[i] = is_own ? arena_string(arena, keys.list[i]) : keys.list[i];
		if (list[i] == NULL)
			return false;
	}
	return true;
}

/* Splits a text at its colons, in place; the last part has the rest. Whether there are so many. */
static bool split(char *text, const char **ret_parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (text == NULL)
			return false;
		ret_parts[i] = text;
		text = i + 1 < count ? strchr(text, ':') : NULL;
		if (text != NULL)
			*text++ = '\0';
	}
	return true;
}

bool member_split_any(char member[MEMBER_SIZE], struct run_name *ret_name)
{
	const char *parts[4];

	if (!split(member, parts, ARRAY_LEN(parts)))
		return false;
	*ret_name = (struct run_name){ parts[0], parts[1], parts[2], parts[3] };
	return run_name_valid(ret_name) ||
		(strcmp(parts[3], DEPLOYMENT_STEP_ID) == 0 && identifier_valid(parts[0]) &&
			identifier_valid(parts[1]) && identifier_valid(parts[2]));
}

bool member_split(char member[MEMBER_SIZE], struct run_name *ret_name)
{
	return member_split_any(member, ret_name) && run_name_valid(ret_name);
}

void member_make(char member[MEMBER_SIZE], const struct run_name *name)
{
	const char *const parts[] = { name->tenant, ":", name->app, ":", name->workflow, ":",
		name->step };

	text_join(member, MEMBER_SIZE, parts, ARRAY_LEN(parts));
}

bool own_name_split(char own_name[MEMBER_SIZE], const char *tenant, struct run_name *ret_name)
{
	const char *parts[3];

	if (!split(own_name, parts, ARRAY_LEN(parts)))
		return false;
	*ret_name = (struct run_name){ tenant, parts[0], parts[1], parts[2] };
	return run_name_valid(ret_name);
}

void own_name_make(char own_name[MEMBER_SIZE], const struct run_name *name)
{
	const char *const parts[] = { name->app, ":", name->workflow, ":", name->step };

	text_join(own_name, MEMBER_SIZE, parts, ARRAY_LEN(parts));
}

bool app_member_split(char member[APP_MEMBER_SIZE], struct app_name *ret_app)
{
	const char *parts[2];

	if (!split(member, parts, ARRAY_LEN(parts)))
		return false;
	*ret_app = (struct app_name){ parts[0], parts[1] };
	return identifier_valid(ret_app->tenant) && identifier_valid(ret_app->app);
}

void app_member_make(char member[APP_MEMBER_SIZE], const struct app_name *app)
{
	const char *const parts[] = { app->tenant, ":", app->app };

	text_join(member, APP_MEMBER_SIZE, parts, ARRAY_LEN(parts));
}

bool run_name_valid(const struct run_name *name)
{
	return identifier_valid(name->tenant) && identifier_valid(name->app) &&
		identifier_valid(name->workflow) && identifier_valid(name->step);
}
