/*
 * The credentials of providers that the settings have, as the keeper holds them: tokens, and the
 * private keys of apps. What a run gets of them, and of its tenant's connections, is decided here:
 * a token, or an order for a minter (worker/mint_order.h); never a key.
 */
#ifndef SLIPWAY_WORKER_CREDENTIALS_H
#define SLIPWAY_WORKER_CREDENTIALS_H

#include "base/settings.h"
#include "worker/keeper.h"

#define CREDENTIALS_MAX SETTINGS_PARTS_MAX

/* In pages that are locked, and open only while they are used; NULL: there is none. */
struct held_credential {
	char *token, *app_key;
	const char *key_fault; /* why the file of the key was not read; NULL: it was, or there is
				  none */
};

struct credentials {
	const struct settings
		*settings; /* what else they say of a provider; NULL: no credentials */
	struct held_credential items[CREDENTIALS_MAX]; /* in the order of the providers */
};

/* Takes them from the settings, and keys from their files; settings are borrowed. A key that cannot
 * be read is told in the log and when it is asked for. */
enum error_class credentials_take(struct credentials *ret_credentials,
	const struct settings *settings, struct error *error) SLIPWAY_MUST_CHECK;
void credentials_release(struct credentials *credentials);

/* Wipes the providers' tokens in the settings. */
void credentials_forget(struct settings *settings);

/* Whether one of them came by the environment, and so cannot be read again. */
bool credentials_came_once(const struct settings *settings);

/*
 * What the run of the question may have to call its provider, by the run's connection or by the
 * settings; in the arena. *ret_text is NULL where there is nothing to give: no token, or an app
 * whose tokens a minter makes, by the order for that (opening->wish). ERROR_NOT_ALLOWED where the
 * action of the run's step is of another provider, the connection not for its app, or the settings
 * not for its tenant; the errors of connection_open() and of a provider's sign().
 */
enum error_class credentials_answer(const struct credentials *credentials, const char *private_keys,
	const struct opening *opening, struct arena *arena, const char **ret_text,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
