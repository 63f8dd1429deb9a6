/*
 * Settings by name, for tests: of those of a provider only the provider's own file knows the
 * struct.
 */
#ifndef TESTS_HARNESS_NAMED_SETTING_H
#define TESTS_HARNESS_NAMED_SETTING_H

#include "base/settings.h"

/* The text, URL or secret of this name, such as SLIPWAY_GITHUB_TOKEN; aborts the test where there
 * is none. */
const char *named_setting(const struct settings *settings, const char *name);

/* Sets it. The value is borrowed; NULL: it is not set. */
void named_setting_set(struct settings *settings, const char *name, const char *value);

#endif
