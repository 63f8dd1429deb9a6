/*
 * One row of the table of settings, for the files that make up base/settings.h.
 */
#ifndef SLIPWAY_BASE_SETTING_H
#define SLIPWAY_BASE_SETTING_H

#include <stddef.h>
#include <stdint.h>

enum setting_type { SETTING_TEXT, SETTING_URL, SETTING_INTEGER, SETTING_BOOLEAN, SETTING_SECRET };

struct setting {
	const char *name;
	enum setting_type type;
	size_t offset;
	const char *fallback; /* NULL: none */
	int64_t minimum, maximum;
	unsigned programs;
	const char *description;
};

/* The row with this index; NULL behind the last one. */
const struct setting *setting_at(size_t index);

/* Its flag without the dashes: SLIPWAY_REDIS_URL is redis-url, a secret is redis-password-file. */
void setting_flag_name(const struct setting *setting, char *name, size_t size);

#endif
