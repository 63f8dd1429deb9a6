/*
 * Where connections stand in Redis, so that redis-cli shows them and nobody but an operator writes
 * them (conf/redis/users.acl):
 *
 *	slipway:connection:<tenant>:<name>  hash: `record`, the JSON of core/connection.h
 *	slipway:connection:<tenant>         hash: provider -> name of the tenant's default
 *	slipway:credential:<tenant>:<name>  hash: digest of a record -> credential, sealed with
 *that; slipway-api does not read these
 *
 * A credential stands under the record that it was sealed with, so that a reader has both or
 * neither while an operator replaces them.
 */
#ifndef SLIPWAY_STORE_CONNECTIONS_H
#define SLIPWAY_STORE_CONNECTIONS_H

#include "core/connection.h"
#include "store/keys.h"
#include "store/redis.h"

/* As it stands there. All in the arena of whoever read it. */
struct stored_connection {
	struct connection connection;
	const char *record; /* its text; NULL: there is no such connection */
	const char *sealed; /* NULL: there is none for this record, or it was not asked for */
	/* Of lists only: whether it is its tenant's default, and what is wrong with the record,
	 * with what to do: then nothing but its tenant and name is known. NULL: it is sound. */
	bool is_default;
	const char *fault, *advice;
};

/* Reads one of the tenant's; with its sealed credential where that is asked for.
 * ERROR_AUTH_MISSING where a hand has broken the record. */
enum error_class connection_fetch(struct redis *redis, const char *tenant, const char *name,
	bool with_credential, struct arena *arena, struct stored_connection *ret_stored,
	struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Which connection of its tenant the app uses: the one that it has configured for the slot, which
 * is the provider's id or what a step's row says; else the tenant's default for the provider. NULL:
 * neither. In the arena.
 */
enum error_class connection_choose(struct redis *redis, const struct app_name *app,
	const char *slot, const char *provider, struct arena *arena, const char **ret_name,
	struct error *error) SLIPWAY_MUST_CHECK;

/* ---- what operators do ---- */

/*
 * Writes it; created_at of the record is the caller's. sealed NULL: it uses the workers' own
 * credential. Without `replace`, ERROR_RUN_CONFLICT where there is one of the name. *ret_changed:
 * whether the record may stand, also where an error came after that.
 */
enum error_class connection_store(struct redis *redis, const struct connection *connection,
	const char *record, const char *sealed, bool replace, bool *ret_changed,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Makes it the tenant's default for its provider. */
enum error_class connection_set_default(struct redis *redis, const struct connection *connection,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Removes it with its credential, and as a default. ERROR_NOT_FOUND where there is none.
 * *ret_changed: whether a part may be gone, also where an error came after that. */
enum error_class connection_delete(struct redis *redis, const char *tenant, const char *name,
	bool *ret_changed, struct error *error) SLIPWAY_MUST_CHECK;

/* All connections of the tenant, or of all where it is NULL, by tenant and name, also those
 * that a hand has broken. Both in the arena. */
enum error_class connection_list_all(struct redis *redis, const char *tenant, struct arena *arena,
	const struct stored_connection **ret_list, size_t *ret_count,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
