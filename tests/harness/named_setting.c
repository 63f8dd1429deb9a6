#include "harness/named_setting.h"

#include <check.h>
#include <string.h>

static size_t find(const struct settings *settings, const char *name)
{
	for (size_t i = 0; setting_at(settings, i) != NULL; i++) {
		const struct setting *setting = setting_at(settings, i);
		bool text = setting->type != SETTING_INTEGER && setting->type != SETTING_BOOLEAN;
		if (text && strcmp(setting->name, name) == 0)
			return i;
	}

	ck_abort_msg("there is no setting %s that is a text", name);
}

const char *named_setting(const struct settings *settings, const char *name)
{
	return *(const char *const *)setting_value(settings, find(settings, name));
}

void named_setting_set(struct settings *settings, const char *name, const char *value)
{
	*(const char **)setting_target(settings, find(settings, name)) = value;
}
