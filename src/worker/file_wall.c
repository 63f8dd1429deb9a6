/*
 * Landlock by its system calls: the C library has no functions for them, and an older header lacks
 * what a newer kernel knows, so what is newer than its first version is declared here.
 */
#include "worker/file_wall.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "slipway/field.h"

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define CHANGE                                                                                     \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |                          \
		LANDLOCK_ACCESS_FS_MAKE_REG)
/* What a rule may say about a file that is no folder. */
#define OF_FILES (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)

/* All that the first version can refuse: executing, reading, writing, making and removing. */
#define FILES_1       ((UINT64_C(1) << 13) - 1)
#define REFER_2       (UINT64_C(1) << 13)
#define TRUNCATE_3    (UINT64_C(1) << 14)
#define DEVICES_5     (UINT64_C(1) << 15)
#define BIND_TCP_4    (UINT64_C(1) << 0)
#define ABSTRACT_6    (UINT64_C(1) << 0)
#define SIGNALS_6     (UINT64_C(1) << 1)
#define VERSION_SCOPE 6

/* struct landlock_ruleset_attr of the newest kernel; an older one takes the beginning. */
struct ruleset {
	uint64_t files, network, scope;
};

/* What each version adds to what can be refused. Connections by TCP are not: a rule names ports
 * that stay open, and actions call any, so all but that of Redis would have to be named. */
static const struct {
	int version;
	struct ruleset refuses;
	size_t size; /* of the beginning that it takes */
} versions[] = {
	{ 1, { .files = FILES_1 }, 8 },
	{ 2, { .files = REFER_2 }, 8 },
	{ 3, { .files = TRUNCATE_3 }, 8 },
	{ 4, { .network = BIND_TCP_4 }, 16 },
	{ 5, { .files = DEVICES_5 }, 16 },
	{ VERSION_SCOPE, { .scope = ABSTRACT_6 | SIGNALS_6 }, 24 },
};

/* Of the system. What is not there is passed over. */
static const struct {
	const char *path;
	bool changes; /* it may be replaced while the process lives */
} readable[] = {
	/* where names lead */
	{ "/etc/resolv.conf", true },
	{ "/etc/hosts", true },
	{ "/etc/nsswitch.conf", true },
	{ "/etc/host.conf", true },
	{ "/etc/gai.conf", true },
	{ "/etc/services", true },
	/* whom to trust */
	{ "/etc/ssl/certs", false },
	{ "/etc/ssl/openssl.cnf", false },
	{ "/etc/pki/tls", false },
	{ "/etc/pki/ca-trust", false },
	{ "/etc/ca-certificates", false },
	/* parts of the C library that it loads when they are needed */
	{ "/etc/ld.so.cache", false },
	{ "/usr", false },
	{ "/lib", false },
	{ "/lib64", false },
	{ "/dev/null", false },
	{ "/dev/urandom", false },
};

int file_wall_version(void)
{
	long version = syscall(
		SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
	return version > 0 ? (int)version : 0;
}

static struct ruleset refusable(int version, size_t *ret_size)
{
	struct ruleset all = { 0 };

	*ret_size = 0;
	for (size_t i = 0; i < ARRAY_LEN(versions) && versions[i].version <= version; i++) {
		all.files |= versions[i].refuses.files;
		all.network |= versions[i].refuses.network;
		all.scope |= versions[i].refuses.scope;
		*ret_size = versions[i].size;
	}
	return all;
}

static enum error_class cannot(const char *what, struct error *error)
{
	return error_set(error, ERROR_INTERNAL, "Landlock refuses %s: %s", what, strerror(errno));
}

/* False where the path is there and no rule can be made. */
static bool permit(int ruleset, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = access };
	struct stat facts;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES;
	if (fstat(rule.parent_fd, &facts) == 0 && !S_ISDIR(facts.st_mode))
		rule.allowed_access &= OF_FILES;
	bool made =
		syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
	close(rule.parent_fd);
	return made;
}

static bool permit_all(int ruleset, const struct sandbox *sandbox)
{
	for (size_t i = 0; i < ARRAY_LEN(readable); i++)
		if (!permit(ruleset, readable[i].path, READ))
			return false;
	return sandbox->writes == NULL || permit(ruleset, sandbox->writes, CHANGE);
}

enum error_class file_wall_raise(const struct sandbox *sandbox, struct error *error)
{
	size_t size;
	const struct ruleset refused = refusable(file_wall_version(), &size);

	if (size == 0)
		return ERROR_NONE;
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &refused, size, 0);
	if (ruleset < 0)
		return cannot("a set of rules", error);
	enum error_class class = ERROR_NONE;
	if (!permit_all(ruleset, sandbox))
		class = cannot("a rule", error);
	else if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		class = cannot("to begin", error);
	close(ruleset);
	return class;
}

uint64_t file_wall_stamp(void)
{
	uint64_t stamp = 0;

	for (size_t i = 0; i < ARRAY_LEN(readable); i++) {
		struct stat facts = { .st_ino = 0 };
		if (!readable[i].changes)
			continue;
		if (stat(readable[i].path, &facts) != 0)
			memset(&facts, 0, sizeof(facts));
		stamp = (stamp ^ facts.st_dev) * 0x100000001B3U;
		stamp = (stamp ^ facts.st_ino) * 0x100000001B3U;
	}
	return stamp;
}
