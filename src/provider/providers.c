/*
 * The list of providers, made of the lines in slipway/provider.h.
 */
#include "provider/providers.h"

#include <string.h>

#include "base/redact.h"
#include "provider/provider.h"

#define LISTED(name) &name,
const struct provider *const providers[] = { PROVIDERS(LISTED) NULL };

_Static_assert(ARRAY_LEN(providers) - 1 <= SETTINGS_PARTS_MAX, "raise SETTINGS_PARTS_MAX");

const struct provider *provider_find(const char *id)
{
	for (size_t i = 0; providers[i] != NULL; i++)
		if (strcmp(providers[i]->id, id) == 0)
			return providers[i];
	return NULL;
}

const struct settings_part *const *providers_introduce(void)
{
	static const struct settings_part *parts[ARRAY_LEN(providers)];
	static const char *prefixes[ARRAY_LEN(providers) * PROVIDER_TOKEN_PREFIXES + 1];
	size_t next = 0;

	for (size_t i = 0; providers[i] != NULL; i++) {
		parts[i] = &providers[i]->settings;
		for (size_t p = 0;
			p < PROVIDER_TOKEN_PREFIXES && providers[i]->token_prefixes[p] != NULL; p++)
			prefixes[next++] = providers[i]->token_prefixes[p];
	}

	redact_token_prefixes(prefixes);
	return parts;
}
