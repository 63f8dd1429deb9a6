/*
 * The users of the private Redis: the lines of conf/redis/users.acl with a password each, and one
 * further user. So the programs run, and Redis restarts, with the permissions that production has.
 *
 * That file disables the default user. After the start it is enabled, so that redis-cli needs no
 * login: only the owner of the folder can reach the socket.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/text.h"
#include "cli/dev.h"
#include "cli/template.h"
#include "store/functions.h"
#include "store/redis.h"
#include "store/workers.h"

#define USERS_FILE "conf/redis/users.acl"
#define USERS_MAX  ((size_t)1 << 16)
#define OPENER     "slipway-dev"
#define OPENER_RIGHTS                                                                              \
	"user " OPENER                                                                             \
	" on resetpass resetkeys resetchannels -@all +ping +client|setname +acl|setuser"
#define SECRET_BYTES  24
#define REDIS_MS      500
#define REDIS_LOAD_MS 5000

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the users of Redis");
}

void dev_password_path(const char *folder, const char *user, char path[PATH_MAX])
{
	text_format(path, PATH_MAX, "%s/conf/%s.password", folder, user);
}

/* Makes a password, writes it to the file of dev_password_path, and gives its SHA-256 as an ACL
 * file has it. */
static enum error_class make_password(const char *folder, const char *user,
	char hash[2 * crypto_hash_sha256_BYTES + 1], struct error *error)
{
	unsigned char random[SECRET_BYTES], digest[crypto_hash_sha256_BYTES];
	char password[2 * SECRET_BYTES + 1], path[PATH_MAX];

	randombytes_buf(random, sizeof(random));
	sodium_bin2hex(password, sizeof(password), random, sizeof(random));
	crypto_hash_sha256(digest, (const unsigned char *)password, strlen(password));
	sodium_bin2hex(hash, 2 * crypto_hash_sha256_BYTES + 1, digest, sizeof(digest));
	dev_password_path(folder, user, path);
	enum error_class class = dev_secret_write(path, password, error);
	sodium_memzero(password, sizeof(password));
	sodium_memzero(random, sizeof(random));
	return class;
}

/* Appends the line; one that defines a user of ours gets the password. */
static enum error_class append_line(const char *folder, const char *line, size_t length,
	struct buffer *buffer, struct error *error)
{
	static const char own[] = "user slipway-";
	char user[64], hash[2 * crypto_hash_sha256_BYTES + 1], password[sizeof(hash) + 4] = "\n";

	if (length > strlen(own) && strncmp(line, own, strlen(own)) == 0) {
		const char *name = line + strlen("user ");
		text_format(user, sizeof(user), "%.*s", (int)strcspn(name, " \n"), name);
		if (make_password(folder, user, hash, error) != ERROR_NONE)
			return error->class;
		text_format(password, sizeof(password), " #%s\n", hash);
	}

	bool complete =
		buffer_append(buffer, line, length) && buffer_append_string(buffer, password);
	return complete ? ERROR_NONE : no_memory(error);
}

enum error_class dev_users_write(const char *folder, struct error *error)
{
	CLEANUP_BUFFER struct buffer shipped = BUFFER_EMPTY(USERS_MAX);
	CLEANUP_BUFFER struct buffer own = BUFFER_EMPTY(USERS_MAX);
	char path[PATH_MAX];

	if (template_fill(USERS_FILE, NULL, &shipped, error) != ERROR_NONE)
		return error->class;
	if (!buffer_append_string(&shipped, OPENER_RIGHTS "\n"))
		return no_memory(error);
	for (const char *line = buffer_text(&shipped); *line != '\0';) {
		size_t length = strcspn(line, "\n");
		if (append_line(folder, line, length, &own, error) != ERROR_NONE)
			return error->class;
		line += length + (line[length] == '\n' ? 1 : 0);
	}

	text_format(path, sizeof(path), "%s/conf/users.acl", folder);
	return dev_secret_write(path, buffer_text(&own), error);
}

/* Reads the opener's password. We wrote the file, so it fits. */
static bool read_password(const char *folder, char *password, size_t size)
{
	char path[PATH_MAX];

	dev_password_path(folder, OPENER, path);
	FILE *file = fopen(path, "re");
	bool read = file != NULL && fgets(password, (int)size, file) != NULL;
	if (file != NULL)
		fclose(file);
	return read;
}

bool dev_redis_open(const char *folder)
{
	static const char *const ping[] = { "PING" };
	static const char *const let_in[] = { "ACL", "SETUSER", "default", "on", "nopass" };
	char url[PATH_MAX], password[2 * SECRET_BYTES + 2];
	struct redis *redis;
	struct error error;

	text_format(url, sizeof(url), "unix://" OPENER "@%s/redis.sock", folder);
	if (!read_password(folder, password, sizeof(password)) ||
		redis_new(url, password, OPENER, REDIS_MS, &redis, &error) != ERROR_NONE)
		return false;
	/* While it loads what it has on disk it changes users, but answers no other question. */
	bool open = redis_tell(redis, ARRAY_LEN(ping), ping, &error) == ERROR_NONE &&
		redis_tell(redis, ARRAY_LEN(let_in), let_in, &error) == ERROR_NONE;
	redis_free(redis);
	sodium_memzero(password, sizeof(password));
	return open;
}

enum error_class dev_functions_load(const char *folder, struct error *error)
{
	char url[PATH_MAX];
	struct redis *redis;

	text_format(url, sizeof(url), "unix://%s/redis.sock", folder);
	if (redis_new(url, NULL, OPENER, REDIS_LOAD_MS, &redis, error) != ERROR_NONE)
		return error->class;
	enum error_class class = functions_load(redis, NULL, error);
	redis_free(redis);
	return class;
}

struct search {
	char ending[32]; /* of the worker's name */
	bool found;
};

static void compare_name(void *context, const struct worker_heartbeat *beat, int64_t age_ms)
{
	struct search *search = context;
	size_t length = strlen(beat->name), ending = strlen(search->ending);
	/* A worker of an earlier start may have had the same pid. */
	search->found = search->found ||
		(age_ms <= WORKER_SILENT_MS && length > ending &&
			strcmp(beat->name + length - ending, search->ending) == 0);
}

bool dev_worker_reports(const char *folder, pid_t pid)
{
	char url[PATH_MAX];
	struct search search = { .found = false };
	struct redis *redis;
	struct error error;

	text_format(url, sizeof(url), "unix://%s/redis.sock", folder);
	text_format(search.ending, sizeof(search.ending), "-%d", (int)pid);
	if (redis_new(url, NULL, OPENER, REDIS_MS, &redis, &error) != ERROR_NONE)
		return false;
	bool known =
		workers_list(redis, compare_name, &search, &error) == ERROR_NONE && search.found;
	redis_free(redis);
	return known;
}
