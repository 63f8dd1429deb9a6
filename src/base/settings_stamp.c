/*
 * Whether files that secrets come from are others than before: what they are made of is not read,
 * but when and where it was written.
 */
#include <string.h>
#include <sys/stat.h>

#include "base/settings.h"
#include "slipway/field.h"

static uint64_t stamp_file(uint64_t stamp, const char *path)
{
	struct stat status = { .st_ino = 0 };
	if (path == NULL || stat(path, &status) != 0)
		memset(&status, 0, sizeof(status));
	const uint64_t parts[] = { status.st_dev, status.st_ino, (uint64_t)status.st_size,
		(uint64_t)status.st_mtim.tv_sec, (uint64_t)status.st_mtim.tv_nsec };
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		stamp = (stamp ^ parts[i]) * 0x100000001B3U;
	return stamp;
}

uint64_t settings_stamp(const struct settings *settings)
{
	uint64_t stamp = stamp_file(0xCBF29CE484222325U, settings->config_path);
	for (size_t i = 0; setting_at(settings, i) != NULL; i++) {
		stamp = stamp_file(stamp, settings->secret_files[i]);
		if (setting_at(settings, i)->watched)
			stamp = stamp_file(stamp, *(const char *const *)setting_value(settings, i));
	}

	return stamp;
}
