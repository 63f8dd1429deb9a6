/*
 * The list of providers, and what the rest of a program is to know of them. The floors below see no
 * provider: a program hands them what stands in the providers' tables.
 */
#ifndef SLIPWAY_PROVIDER_PROVIDERS_H
#define SLIPWAY_PROVIDER_PROVIDERS_H

#include "base/settings.h"

struct provider;

/* All providers, ended by NULL: those of PROVIDERS in slipway/provider.h. */
extern const struct provider *const providers[];

/* The one with this id; NULL: this build has none. */
const struct provider *provider_find(const char *id);

/*
 * Tells the redactor how the providers' tokens begin, and returns their settings, for
 * settings_init. Each program calls it first, before it writes anything. Static.
 */
const struct settings_part *const *providers_introduce(void);

#endif
