/*
 * Reads, prints and checks connections, and matches their patterns. What is sealed with a
 * credential is the digest of the record's text: there is one text, so there are not two readings.
 */
#include "core/connection.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "core/secret.h"

#define DIGEST_BYTES 32
#define DIGEST_TEXT  ((size_t)CONNECTION_DIGEST_SIZE - 1)
#define SEALED_APP   "(connection)" /* in the place of an app: none has such an id */

_Static_assert(2 * DIGEST_BYTES + 1 == CONNECTION_DIGEST_SIZE, "a byte is two digits");

static const char *const kinds[] = { CONNECTION_TOKEN, CONNECTION_APP, NULL };

/* clang-format off */
#define PATTERNS_FIELD(name, member) \
	STRINGS_FIELD(name, struct connection, member), .maximum = CONNECTION_PATTERNS_MAX, \
	.pattern = "^[A-Za-z0-9._*/-]+$", .form = "letters, digits, dots, dashes, '/' and '*'"
/* clang-format on */

static const struct field fields[] = {
	{ STRING_FIELD("provider", struct connection, provider), .required = true,
		.pattern = IDENTIFIER_PATTERN },
	{ STRING_FIELD("kind", struct connection, kind), .required = true, .values = kinds },
	{ STRING_FIELD("account", struct connection, account), .maximum = IDENTIFIER_MAX,
		.pattern = IDENTIFIER_PATTERN },
	{ STRING_FIELD("appId", struct connection, app_id), .maximum = IDENTIFIER_MAX,
		.pattern = "^[A-Za-z0-9.]+$", .form = "letters, digits and dots" },
	{ STRING_FIELD("installationId", struct connection, installation_id), .maximum = 20,
		.pattern = "^[0-9]+$", .form = "digits" },
	{ PATTERNS_FIELD("owners", owners) },
	{ PATTERNS_FIELD("repositories", repositories) },
	{ PATTERNS_FIELD("projects", projects) },
	{ PATTERNS_FIELD("domains", domains) },
	{ PATTERNS_FIELD("apps", apps) },
	{ BOOLEAN_FIELD("adopt", struct connection, adopt) },
	{ BOOLEAN_FIELD("share", struct connection, share) },
	{ INTEGER_FIELD("createdAt", struct connection, created_at), .omit_zero = true },
	{ STRING_FIELD("createdBy", struct connection, created_by), .maximum = 128 },
};
const struct record connection_record = RECORD(struct connection, fields);

/* ---- its lists ---- */

static const struct list {
	const char *name;
	size_t offset;
	bool exact_case;
} lists[] = {
	[CONNECTION_OWNERS] = { "owners", offsetof(struct connection, owners), false },
	[CONNECTION_REPOSITORIES] = { "repositories", offsetof(struct connection, repositories),
		false },
	[CONNECTION_PROJECTS] = { "projects", offsetof(struct connection, projects), false },
	[CONNECTION_DOMAINS] = { "domains", offsetof(struct connection, domains), false },
	[CONNECTION_APPS] = { "apps", offsetof(struct connection, apps), true },
};

const struct string_list *connection_list(
	const struct connection *connection, enum connection_list which)
{
	return (const void *)((const char *)connection + lists[which].offset);
}

const char *connection_list_name(enum connection_list which)
{
	return lists[which].name;
}

static char fold(char letter, bool exact_case)
{
	return !exact_case && letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

/* A star takes as little as it can, and more where the rest then does not fit: the last one alone
 * has to be tried again. */
static bool pattern_fits(const char *pattern, const char *value, bool exact_case)
{
	const char *star = NULL, *taken = NULL;

	while (*value != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			taken = value;
		} else if (*pattern != '\0' &&
			fold(*pattern, exact_case) == fold(*value, exact_case)) {
			pattern++;
			value++;
		} else if (star != NULL && *taken != '/') {
			pattern = star + 1;
			value = ++taken;
		} else {
			return false;
		}
	}
	return pattern[strspn(pattern, "*")] == '\0';
}

bool connection_allows(
	const struct connection *connection, enum connection_list which, const char *value)
{
	const struct string_list *list = connection_list(connection, which);

	for (size_t i = 0; value != NULL && value[0] != '\0' && i < list->count; i++)
		if (strcmp(list->items[i], "*") == 0 ||
			pattern_fits(list->items[i], value, lists[which].exact_case))
			return true;
	return false;
}

bool connection_allows_repository(const struct connection *connection, const char *full_name)
{
	const char *slash = strchr(full_name, '/');
	char owner[CONNECTION_PATTERN_MAX + 1];

	return slash != NULL && slash[1] != '\0' &&
		((text_format(owner, sizeof(owner), "%.*s", (int)(slash - full_name), full_name) &&
			 connection_allows(connection, CONNECTION_OWNERS, owner)) ||
			connection_allows(connection, CONNECTION_REPOSITORIES, full_name));
}

/* ---- reading and printing ---- */

/* owner/name, each with something in it. */
static bool is_repository(const char *pattern)
{
	const char *slash = strchr(pattern, '/');
	return slash != NULL && slash != pattern && slash[1] != '\0' &&
		strchr(slash + 1, '/') == NULL;
}

static enum error_class check_pattern(
	enum connection_list which, size_t index, const char *pattern, struct error *error)
{
	bool is_all = strcmp(pattern, "*") == 0,
	     is_form = which == CONNECTION_REPOSITORIES ? is_repository(pattern)
							: strchr(pattern, '/') == NULL;

	if (pattern[0] != '\0' && strlen(pattern) <= CONNECTION_PATTERN_MAX && (is_all || is_form))
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_INPUT, "'%.80s' is no pattern of %s: it must be %s", pattern,
		lists[which].name,
		which == CONNECTION_REPOSITORIES ? "owner/name, where * stands for any characters"
						 : "a name, where * stands for any characters");
	return error_at(error, "/%s/%zu", lists[which].name, index);
}

static enum error_class check_lists(const struct connection *connection, struct error *error)
{
	for (enum connection_list which = 0; which < ARRAY_LEN(lists); which++) {
		const struct string_list *list = connection_list(connection, which);
		for (size_t i = 0; i < list->count; i++)
			if (check_pattern(which, i, list->items[i], error) != ERROR_NONE)
				return error->class;
	}
	return ERROR_NONE;
}

static enum error_class refuse_at(const char *place, const char *message, struct error *error)
{
	error_set(error, ERROR_INVALID_INPUT, "%s", message);
	return error_at(error, "%s", place);
}

enum error_class connection_check(const struct connection *connection, struct error *error)
{
	bool is_app = strcmp(connection->kind, CONNECTION_APP) == 0;

	if (!identifier_valid(connection->tenant))
		return refuse_at("/tenant", "the tenant is no identifier", error);
	if (!identifier_valid(connection->name))
		return refuse_at("/name", "the name of a connection is no identifier", error);
	if (strcmp(connection->name, CONNECTION_BUILT_IN) == 0)
		return refuse_at("/name",
			"the connection '" CONNECTION_BUILT_IN
			"' is the one in the settings of the workers",
			error);
	if (is_app && connection->installation_id == NULL)
		return refuse_at(
			"/installationId", "an app needs the id of its installation", error);
	if (!is_app && connection->installation_id != NULL)
		return refuse_at("/installationId", "a token has no installation", error);
	if (!is_app && connection->app_id != NULL)
		return refuse_at("/appId", "a token is of no app", error);
	return check_lists(connection, error);
}

enum error_class connection_read(const char *tenant, const char *name, const char *text,
	struct arena *arena, struct connection *ret_connection, struct error *error)
{
	CLEANUP_JSON cJSON *json = NULL;

	if (json_parse(text, strlen(text), JSON_LIMITS_CLIENT, &json, error) != ERROR_NONE ||
		record_decode(&connection_record, json, RECORD_STRICT, "", arena, ret_connection,
			error) != ERROR_NONE)
		return error->class;
	ret_connection->tenant = tenant;
	ret_connection->name = name;
	return connection_check(ret_connection, error);
}

enum error_class connection_print(const struct connection *connection, struct arena *arena,
	const char **ret_text, struct error *error)
{
	CLEANUP_JSON cJSON *json = NULL;

	if (record_encode(&connection_record, connection, &json, error) != ERROR_NONE)
		return error->class;
	*ret_text = json_print(arena, json);
	return *ret_text != NULL
		? ERROR_NONE
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a connection");
}

bool connection_uses_settings(const struct connection *connection)
{
	return strcmp(connection->kind, CONNECTION_APP) == 0 && connection->app_id == NULL;
}

/* ---- what an operator does ---- */

const char *connection_command(const struct connection *connection, const char *flags,
	char ret_text[CONNECTION_COMMAND_SIZE])
{
	text_format(ret_text, CONNECTION_COMMAND_SIZE,
		"'slipway connection add %s --tenant %s --provider %s%s%s' with its other "
		"flags, its credential and the login slipway-admin",
		connection->name, connection->tenant,
		connection->provider != NULL ? connection->provider : "PROVIDER",
		flags[0] != '\0' ? " " : "", flags);
	return ret_text;
}

/* ---- its credential ---- */

void connection_digest(const char *record_text, char ret_digest[CONNECTION_DIGEST_SIZE])
{
	unsigned char bytes[DIGEST_BYTES];

	crypto_generichash(bytes, sizeof(bytes), (const unsigned char *)record_text,
		strlen(record_text), NULL, 0);
	sodium_bin2hex(ret_digest, CONNECTION_DIGEST_SIZE, bytes, sizeof(bytes));
}

static struct secret_name sealed_name(const struct connection *connection)
{
	return (struct secret_name){ connection->tenant, SEALED_APP, connection->name };
}

enum error_class connection_seal(const char *public_key, const struct connection *connection,
	const char *record_text, const char *credential, struct arena *arena,
	const char **ret_sealed, struct error *error)
{
	const struct secret_name name = sealed_name(connection);
	size_t length = strlen(credential);
	char digest[CONNECTION_DIGEST_SIZE];

	if (length < SECRET_LENGTH_MIN || length > SECRET_LENGTH_MAX)
		return error_set(error, ERROR_INVALID_INPUT,
			"a credential must have %d to %d bytes", SECRET_LENGTH_MIN,
			SECRET_LENGTH_MAX);
	connection_digest(record_text, digest);
	const char *text = arena_format(arena, "%s%s", digest, credential);
	if (text == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a credential");
	return secret_seal_bound(public_key, &name, text, arena, ret_sealed, error);
}

static enum error_class refuse_sealed(
	const struct connection *connection, const char *why, struct error *error)
{
	char command[CONNECTION_COMMAND_SIZE];

	error_set(error, ERROR_AUTH_MISSING, "the credential of the connection '%s' %s",
		connection->name, why);
	return error_remedy(error, NULL,
		"An operator adds the connection again by %s; then trigger the step again.",
		connection_command(connection, "--replace", command));
}

enum error_class connection_open(const char *private_keys, const struct connection *connection,
	const char *record_text, const char *sealed, struct arena *arena,
	const char **ret_credential, struct error *error)
{
	const struct secret_name name = sealed_name(connection);
	char digest[CONNECTION_DIGEST_SIZE];
	const char *text;

	if (sealed == NULL || sealed[0] == '\0')
		return refuse_sealed(connection, "is missing", error);
	enum error_class class = secret_open(private_keys, &name, sealed, arena, &text, error);
	if (class == ERROR_OUT_OF_MEMORY)
		return class;
	if (class == ERROR_AUTH_MISSING)
		return refuse_sealed(
			connection, "was sealed for a key that the workers have not", error);
	connection_digest(record_text, digest);
	if (class != ERROR_NONE || strlen(text) < DIGEST_TEXT ||
		sodium_memcmp(text, digest, DIGEST_TEXT) != 0)
		return refuse_sealed(
			connection, "was sealed for another one, or for other lists", error);
	*ret_credential = text + DIGEST_TEXT;
	return ERROR_NONE;
}
