/*
 * A connection: a tenant's credential for a provider, and what may be done with it. Redis has the
 * record as JSON, by the one table here, for everybody who may look; the credential stands under
 * another key, sealed for the workers (core/secret.h) together with a digest of the record: whoever
 * changes the record, or puts the credential behind a record of his own, has one that no longer
 * opens. So a wider list takes the credential once more.
 *
 * What no list names is refused: an empty list allows nothing, "*" all.
 */
#ifndef SLIPWAY_CORE_CONNECTION_H
#define SLIPWAY_CORE_CONNECTION_H

#include "base/arena.h"
#include "base/identifier.h"
#include "base/record.h"

#define CONNECTION_PATTERNS_MAX 64
#define CONNECTION_PATTERN_MAX  253
#define CONNECTION_DIGEST_SIZE  65
/* The one of the tenant `default` whose credentials are in the settings of the workers; nobody can
 * add one of this name. */
#define CONNECTION_BUILT_IN "settings"

#define CONNECTION_TOKEN "token"
#define CONNECTION_APP   "app" /* an installation of a GitHub App */

/* All texts are borrowed or in the arena of whoever read them; NULL where it has none. */
struct connection {
	const char *tenant, *name; /* not of the record: where it stands says so */
	const char *provider;      /* id: github */
	const char *kind;
	const char *account; /* the team at Vercel; at GitHub for people: no wall rests on it */
	const char *app_id, *installation_id; /* of an app; without app_id that of the workers */
	/* What it is for: patterns, see connection_allows(). */
	struct string_list owners;       /* with all that is theirs */
	struct string_list repositories; /* owner/name; beside those of the owners */
	struct string_list projects;     /* at Vercel: names or ids */
	struct string_list domains;
	struct string_list apps; /* ids of the tenant's apps that may use it */
	bool adopt;              /* things that it did not make may become an app's */
	bool share;              /* things may belong to several apps */
	int64_t created_at;      /* in ms since 1970 */
	const char *created_by;
};
extern const struct record connection_record;

/* Which of its lists. */
enum connection_list {
	CONNECTION_OWNERS,
	CONNECTION_REPOSITORIES,
	CONNECTION_PROJECTS,
	CONNECTION_DOMAINS,
	CONNECTION_APPS,
};

/* The list, and its name as the record has it. */
const struct string_list *connection_list(
	const struct connection *connection, enum connection_list which);
const char *connection_list_name(enum connection_list which);

/*
 * Whether a pattern of the list fits the whole value: `*` stands for any characters but a slash, a
 * pattern that is "*" alone for all values. Upper and lower case of ASCII are the same, but for
 * ids of apps. An empty value fits none.
 */
bool connection_allows(
	const struct connection *connection, enum connection_list which, const char *value);

/* Whether its lists have the repository, "owner/name": that owner, or itself. */
bool connection_allows_repository(const struct connection *connection, const char *full_name);

/* Reads the record's JSON; tenant and name are borrowed, the rest is in the arena.
 * ERROR_INVALID_INPUT with the place for what connection_check() refuses as well. */
enum error_class connection_read(const char *tenant, const char *name, const char *text,
	struct arena *arena, struct connection *ret_connection,
	struct error *error) SLIPWAY_MUST_CHECK;

/* The record as JSON, in the arena. */
enum error_class connection_print(const struct connection *connection, struct arena *arena,
	const char **ret_text, struct error *error) SLIPWAY_MUST_CHECK;

/* What the table cannot say: that the names are ones, and that the kind has what it takes.
 * ERROR_INVALID_INPUT names the place, such as /repositories/0. */
enum error_class connection_check(
	const struct connection *connection, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether the credential is the workers' own: that of their GitHub App. */
bool connection_uses_settings(const struct connection *connection);

#define CONNECTION_COMMAND_SIZE 384

/* How an operator adds it, or replaces it: the command with what names the connection and with
 * these flags, such as "--replace", and that it takes the others as well, for nothing is kept of
 * what stood there before. Gives ret_text. A provider that is not known is PROVIDER. */
const char *connection_command(const struct connection *connection, const char *flags,
	char ret_text[CONNECTION_COMMAND_SIZE]);

/* What names a text of the record: the credential was sealed with it, and stands under it. */
void connection_digest(const char *record_text, char ret_digest[CONNECTION_DIGEST_SIZE]);

/*
 * Seals the credential with the record, as its text stands in Redis; *ret_sealed is in the arena.
 * Errors as secret_seal().
 */
enum error_class connection_seal(const char *public_key, const struct connection *connection,
	const char *record_text, const char *credential, struct arena *arena,
	const char **ret_sealed, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Opens it: *ret_credential is in the arena, which wipes it. ERROR_AUTH_MISSING where the key or
 * the credential is missing, or it was sealed for another tenant, name or record; the remedy says
 * how to add it again.
 */
enum error_class connection_open(const char *private_keys, const struct connection *connection,
	const char *record_text, const char *sealed, struct arena *arena,
	const char **ret_credential, struct error *error) SLIPWAY_MUST_CHECK;

#endif
