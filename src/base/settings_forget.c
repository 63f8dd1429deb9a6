/*
 * Secrets of the settings that a process has no more use for, or never had: nothing of them is left
 * in its memory.
 */
#include <string.h>

#include "base/redact.h"
#include "base/settings.h"

static bool is_named(const struct setting *setting, const char *name)
{
	return setting->type == SETTING_SECRET &&
		(name == NULL || strcmp(setting->name, name) == 0);
}

void settings_forget(struct settings *settings, const char *name)
{
	for (size_t i = 0; setting_at(settings, i) != NULL; i++) {
		if (!is_named(setting_at(settings, i), name))
			continue;
		char **text = setting_target(settings, i);
		if (*text == NULL)
			continue;
		redact_remove(*text);
		explicit_bzero(*text, strlen(*text));
		*text = NULL;
	}
}

bool settings_came_once(const struct settings *settings, const char *name)
{
	for (size_t i = 0; setting_at(settings, i) != NULL; i++)
		if (is_named(setting_at(settings, i), name) && settings->from_environment[i])
			return true;
	return false;
}
