/*
 * slipway dev: runs a complete private Slipway in one folder until the command ends. It runs the
 * programs of a real installation, configured by the same files.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/process.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/dev.h"
#include "cli/endpoint.h"
#include "core/secret.h"

#define PART_MS  20000 /* how long one part may take to answer */
#define WATCH_MS 100
/* How long to wait for the processes of a killed slipway dev: longer than the worker's grace. */
#define LEFTOVERS_MS 40000
#define TELL_MS      1000

#define SECRETS_CONF "conf/secrets.conf" /* the public key */
#define SECRETS_KEYS "conf/secrets.keys" /* the private one */

enum part { PART_REDIS, PART_EMULATOR, PART_API, PART_WORKER, PART_NGINX, PART_COUNT };

struct options {
	const char *folder, *client, *fresh_word;
	enum dev_fresh fresh;
	int64_t port, executors, processes;
	bool no_emulator, no_worker;
};

struct dev {
	const struct options *options;
	char folder[PATH_MAX], programs[PATH_MAX], client[PATH_MAX];
	bool temporary, emulated;
	int emulator_port;
	struct dev_process parts[PART_COUNT];
	struct arena arena;
};

static void check_options(void *raw_options, struct argp_state *state)
{
	struct options *options = raw_options;

	if (options->fresh_word == NULL)
		return;
	if (strcmp(options->fresh_word, "all") == 0)
		options->fresh = DEV_FRESH_ALL;
	else if (strcmp(options->fresh_word, "emulated") == 0)
		options->fresh = DEV_FRESH_EMULATED;
	else
		argp_error(state, "--fresh accepts 'all' or 'emulated'");
}

static const struct option_row option_rows[] = {
	{ TEXT_OPTION("dir", 'd', struct options, folder,
		  "Folder for all files; a later start continues with it. Default: a temporary "
		  "folder"),
		.value = "DIR" },
	{ TEXT_OPTION("fresh", 'f', struct options, fresh_word,
		  "First remove what an earlier start left in DIR: all of it, or only ('emulated') "
		  "the state about resources of the emulated GitHub and Vercel, which do not "
		  "outlive a start"),
		.value = "WHAT", .fallback = "all" },
	{ INTEGER_OPTION("port", 'p', struct options, port, "Port on loopback (8080)"),
		.value = "N", .minimum = 1, .maximum = 65535 },
	{ INTEGER_OPTION("executors", 'e', struct options, executors,
		  "Actions that run at the same time (4)"),
		.value = "N", .minimum = 1, .maximum = 256 },
	{ INTEGER_OPTION("processes", 'n', struct options, processes,
		  "Handler processes of the web tier (2)"),
		.value = "N", .minimum = 1, .maximum = 256 },
	{ TEXT_OPTION("client", 'c', struct options, client,
		  "Folder of the web page (default: client, beside the programs' folder)"),
		.value = "FOLDER" },
	{ FLAG_OPTION("no-emulator", 'x', struct options, no_emulator,
		"Do not emulate GitHub and Vercel") },
	{ FLAG_OPTION("no-worker", 'w', struct options, no_worker,
		"Do not start a worker, for example to run one under a debugger") },
	{ .type = OPTION_END },
};

static volatile sig_atomic_t stop_requested;

static void on_stop(int signal_number)
{
	(void)signal_number;
	stop_requested = 1;
}

/* ---- folders ---- */

static const char *below(struct dev *dev, const char *folder, const char *name)
{
	const char *path = arena_format(&dev->arena, "%s/%s", folder, name);
	return path != NULL ? path : "";
}

static enum error_class make_folder(struct dev *dev, struct error *error)
{
	char path[PATH_MAX];

	dev->temporary = dev->options->folder == NULL;
	if (dev->temporary) {
		text_copy(path, sizeof(path), "/tmp/slipway-dev-XXXXXX");
		if (mkdtemp(path) == NULL)
			return error_set(error, ERROR_INTERNAL,
				"cannot make a temporary folder: %s", strerror(errno));
	} else {
		text_copy(path, sizeof(path), dev->options->folder);
		if (dev_folder_make(path, error) != ERROR_NONE)
			return error->class;
	}

	if (realpath(path, dev->folder) == NULL)
		return error_set(error, ERROR_INVALID_INPUT, "cannot use the folder %s: %s", path,
			strerror(errno));

	/* A unix socket's path has 107 bytes at most. */
	if (strlen(dev->folder) > 90)
		return error_set(error, ERROR_INVALID_INPUT,
			"the path %s is too long for a unix socket; give a shorter one with --dir",
			dev->folder);
	return ERROR_NONE;
}

/* Two instances in one folder would share its socket and its append-only file. What a killed
 * instance left behind ends by itself. */
static enum error_class lock_folder(struct dev *dev, struct error *error)
{
	int64_t give_up_at = clock_monotonic_ms() + LEFTOVERS_MS;
	bool told = false;
	enum error_class class;

	while ((class = dev_folder_lock(dev->folder, error)) == ERROR_NOT_READY) {
		if (stop_requested || clock_monotonic_ms() > give_up_at)
			return class;
		/* Not at once: it may have started this very moment, without having written its pid
		 * yet. */
		if (!told && clock_monotonic_ms() > give_up_at - LEFTOVERS_MS + TELL_MS) {
			fprintf(stderr, "slipway: %s; waiting for it to end\n", error->message);
			told = true;
		}
		clock_sleep_ms(WATCH_MS);
	}

	return class;
}

static enum error_class make_inner_folders(struct dev *dev, struct error *error)
{
	static const char *const inner[] = { "log", "redis", "conf" };
	for (size_t i = 0; i < ARRAY_LEN(inner); i++)
		if (dev_folder_make(below(dev, dev->folder, inner[i]), error) != ERROR_NONE)
			return error->class;
	return ERROR_NONE;
}

static enum error_class write_files(struct dev *dev, struct error *error)
{
	char port[16];

	text_format(port, sizeof(port), "%lld", (long long)dev->options->port);
	const char *conf = arena_format(&dev->arena, "%s/conf", dev->folder);
	if (conf == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the files");
	const char *const replacements[] = { "DIR", dev->folder, "PORT", port, "CLIENT",
		dev->client, "CONF", conf, NULL };
	static const char *const files[][2] = {
		{ "redis.conf", "conf/dev/redis.conf.in" },
		{ "redis-slipway.conf", "conf/redis/slipway.conf" },
		{ "nginx.conf", "conf/dev/nginx.conf.in" },
		{ "slipway-http.conf", "conf/nginx/slipway-http.conf" },
		{ "slipway-locations.conf", "conf/nginx/slipway-locations.conf" },
		{ "slipway-problems.conf", "conf/nginx/slipway-problems.conf" },
	};
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char path[PATH_MAX];
		text_format(path, sizeof(path), "%s/conf/%s", dev->folder, files[i][0]);
		if (dev_file_write(path, files[i][1], replacements, error) != ERROR_NONE)
			return error->class;
	}

	return ERROR_NONE;
}

/* ---- waiting ---- */

/* Waits until the part fulfils the condition. */
static enum error_class wait_for(struct dev *dev, enum part part,
	bool (*condition)(const struct dev *dev), struct error *error)
{
	int64_t give_up_at = clock_monotonic_ms() + PART_MS;
	struct dev_process *process = &dev->parts[part];

	while (!condition(dev)) {
		if (stop_requested)
			return error_set(error, ERROR_CANCELLED, "stopped during the start");
		if (dev_process_ended(process))
			return dev_process_blame(process, "exited during the start", error);
		if (clock_monotonic_ms() > give_up_at)
			return dev_process_blame(process, "does not respond", error);
		clock_sleep_ms(10);
	}

	return ERROR_NONE;
}

static bool redis_is_open(const struct dev *dev)
{
	return dev_redis_open(dev->folder);
}

static bool emulator_answers(const struct dev *dev)
{
	return dev_port_answers(dev->emulator_port) && dev_port_answers(dev->emulator_port + 1);
}

static bool socket_is_there(const struct dev *dev)
{
	char path[PATH_MAX];
	text_format(path, sizeof(path), "%s/api.sock", dev->folder);
	return access(path, F_OK) == 0;
}

static bool worker_reports(const struct dev *dev)
{
	return dev_worker_reports(dev->folder, dev->parts[PART_WORKER].pid);
}

static bool site_is_ready(const struct dev *dev)
{
	CLEANUP_ENDPOINT struct endpoint endpoint = ENDPOINT_EMPTY;
	CLEANUP_JSON cJSON *response = NULL;
	struct error error;
	char url[64];
	const struct settings settings = { .url = url };

	text_format(url, sizeof(url), "http://127.0.0.1:%lld", (long long)dev->options->port);
	return endpoint_open(&endpoint, &settings, &error) == ERROR_NONE &&
		endpoint_get(&endpoint, "/readyz", NULL, &response, &error) == ERROR_NONE;
}

/* ---- parts ---- */

static enum error_class start_redis(struct dev *dev, struct error *error)
{
	const char *const words[DEV_WORDS_MAX] = { "redis-server",
		below(dev, dev->folder, "conf/redis.conf") };
	if (dev_process_start(&dev->parts[PART_REDIS], dev->folder, "redis-server", words, error) !=
		ERROR_NONE)
		return error->class;
	return wait_for(dev, PART_REDIS, redis_is_open, error) == ERROR_NONE
		? dev_functions_load(dev->folder, error)
		: error->class;
}

static enum error_class start_emulator(struct dev *dev, struct error *error)
{
	char port[16];

	if (!dev->emulated)
		return ERROR_NONE;
	dev->emulator_port = dev_ports_find();
	text_format(port, sizeof(port), "%d", dev->emulator_port);
	const char *folder = below(dev, dev->programs, "emulator");
	const char *const words[DEV_WORDS_MAX] = { "node", "--require",
		below(dev, folder, "loopback.cjs"), below(dev, folder, "node_modules/.bin/emulate"),
		"--service", "vercel,github", "--port", port, "--seed",
		below(dev, folder, "seed.json") };

	/* The token of the seed data; it is valid for the emulator alone. */
	if (dev_secret_write(below(dev, dev->folder, "conf/provider.token"), "test_token_admin\n",
		    error) != ERROR_NONE ||
		dev_process_start(&dev->parts[PART_EMULATOR], dev->folder, "emulator", words,
			error) != ERROR_NONE)
		return error->class;
	return wait_for(dev, PART_EMULATOR, emulator_answers, error);
}

/* Made once per folder: secrets that were sealed before a restart must open after it. */
static enum error_class make_secrets_key(struct dev *dev, struct error *error)
{
	struct secret_key_pair pair;
	const char *conf = below(dev, dev->folder, SECRETS_CONF);

	if (access(conf, R_OK) == 0)
		return ERROR_NONE;
	secret_key_make(&pair);
	const char *line =
		arena_format(&dev->arena, "SLIPWAY_SECRETS_PUBLIC_KEY=%s\n", pair.public_key);
	enum error_class class = line != NULL
		? dev_secret_write(below(dev, dev->folder, SECRETS_KEYS), pair.private_key, error)
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a key");
	if (class == ERROR_NONE)
		class = dev_secret_write(conf, line, error);
	sodium_memzero(&pair, sizeof(pair));
	return class;
}

/* Appends the flags with which a program logs in to Redis as its own user; returns the new number
 * of words. */
static size_t append_login(
	struct dev *dev, const char *words[DEV_WORDS_MAX], size_t count, const char *user)
{
	char path[PATH_MAX];
	dev_password_path(dev->folder, user, path);
	const char *const login[] = { "--redis-url",
		arena_format(&dev->arena, "unix://%s/redis.sock", dev->folder), "--redis-user",
		user, "--redis-password-file", arena_string(&dev->arena, path) };
	memcpy(words + count, login, sizeof(login));
	return count + ARRAY_LEN(login);
}

static enum error_class start_api(struct dev *dev, struct error *error)
{
	const char *words[DEV_WORDS_MAX] = { below(dev, dev->programs, "slipway-api"), "--listen",
		below(dev, dev->folder, "api.sock"), "--processes",
		arena_format(&dev->arena, "%lld", (long long)dev->options->processes),
		"--development", "yes", "--config", below(dev, dev->folder, SECRETS_CONF) };

	append_login(dev, words, 9, "slipway-api");

	/* The socket file of a killed predecessor would look like a listener. */
	unlink(words[2]);
	if (dev_process_start(&dev->parts[PART_API], dev->folder, "slipway-api", words, error) !=
		ERROR_NONE)
		return error->class;
	return wait_for(dev, PART_API, socket_is_there, error);
}

static enum error_class start_worker(struct dev *dev, struct error *error)
{
	const char *words[DEV_WORDS_MAX] = { below(dev, dev->programs, "slipway-worker"),
		"--executors",
		arena_format(&dev->arena, "%lld", (long long)dev->options->executors),
		"--allow-loopback", "yes", "--secrets-keys-file",
		below(dev, dev->folder, SECRETS_KEYS) };
	size_t next = append_login(dev, words, 7, "slipway-worker");

	if (dev->options->no_worker)
		return ERROR_NONE;
	if (dev->emulated) {
		const char *token = below(dev, dev->folder, "conf/provider.token");
		const char *const more[] = { "--github-url",
			arena_format(&dev->arena, "http://127.0.0.1:%d", dev->emulator_port + 1),
			"--vercel-url",
			arena_format(&dev->arena, "http://127.0.0.1:%d", dev->emulator_port),
			"--github-token-file", token, "--vercel-token-file", token, "--vercel-team",
			"acme" };
		for (size_t i = 0; i < ARRAY_LEN(more); i++)
			words[next++] = more[i];
	}

	if (dev_process_start(&dev->parts[PART_WORKER], dev->folder, "slipway-worker", words,
		    error) != ERROR_NONE)
		return error->class;
	return wait_for(dev, PART_WORKER, worker_reports, error);
}

static enum error_class start_nginx(struct dev *dev, struct error *error)
{
	const char *const words[DEV_WORDS_MAX] = { "nginx", "-e",
		below(dev, dev->folder, "log/nginx-error.log"), "-p", dev->folder, "-c",
		below(dev, dev->folder, "conf/nginx.conf") };
	if (dev_process_start(&dev->parts[PART_NGINX], dev->folder, "nginx", words, error) !=
		ERROR_NONE)
		return error->class;
	return wait_for(dev, PART_NGINX, site_is_ready, error);
}

static bool emulator_is_wanted(const struct dev *dev)
{
	char path[PATH_MAX];
	if (dev->options->no_emulator || getenv("SLIPWAY_GITHUB_URL") != NULL ||
		getenv("SLIPWAY_VERCEL_URL") != NULL)
		return false;
	text_format(path, sizeof(path), "%s/emulator/node_modules/.bin/emulate", dev->programs);
	return access(path, R_OK) == 0;
}

static enum error_class check_port(const struct dev *dev, struct error *error)
{
	if (!dev_port_answers((int)dev->options->port))
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_INPUT, "port %lld is in use", (long long)dev->options->port);
	return error_remedy(
		error, NULL, "Choose another port with --port, or with PORT=N for make run.");
}

/* Nothing is removed or overwritten before it is certain that the folder is ours and the start can
 * succeed. */
static enum error_class prepare(struct dev *dev, struct error *error)
{
	if (dev_programs_find(dev->options->client, dev->programs, dev->client, error) !=
			ERROR_NONE ||
		make_folder(dev, error) != ERROR_NONE || lock_folder(dev, error) != ERROR_NONE ||
		check_port(dev, error) != ERROR_NONE)
		return error->class;
	dev->emulated = emulator_is_wanted(dev);
	if (dev_folder_begin(dev->folder, dev->options->fresh, dev->emulated, error) !=
			ERROR_NONE ||
		make_inner_folders(dev, error) != ERROR_NONE)
		return error->class;
	return write_files(dev, error) == ERROR_NONE ? dev_users_write(dev->folder, error)
						     : error->class;
}

static enum error_class start_all(struct dev *dev, struct error *error)
{
	if (prepare(dev, error) != ERROR_NONE || start_redis(dev, error) != ERROR_NONE ||
		start_emulator(dev, error) != ERROR_NONE ||
		make_secrets_key(dev, error) != ERROR_NONE || start_api(dev, error) != ERROR_NONE ||
		start_worker(dev, error) != ERROR_NONE)
		return error->class;
	return start_nginx(dev, error);
}

/* Waits until a signal asks to stop, or a part ends by itself. */
static enum error_class watch(struct dev *dev, struct error *error)
{
	while (!stop_requested) {
		for (size_t i = 0; i < PART_COUNT; i++) {
			struct dev_process *process = &dev->parts[i];
			if (process->pid > 0 && dev_process_ended(process))
				return dev_process_blame(process, "ended unexpectedly", error);
		}
		clock_sleep_ms(WATCH_MS);
	}

	return ERROR_NONE;
}

static void stop_all(struct dev *dev)
{
	for (size_t i = PART_COUNT; i > 0; i--)
		dev_process_stop(&dev->parts[i - 1]);
	struct error error;
	/* What cannot be removed stays; the folder is temporary. */
	if (dev->temporary && dev->folder[0] != '\0' &&
		dev_folder_remove(dev->folder, &error) != ERROR_NONE)
		command_fail(&error);
}

/* A caller can tell from the status that another instance has the folder. */
static int fail(const struct error *error)
{
	int status = command_fail(error);
	return error->class == ERROR_CONFLICT_OURS || error->class == ERROR_NOT_READY ? EX_TEMPFAIL
										      : status;
}

static int execute(void *options)
{
	static struct dev dev;
	struct error error;
	struct sigaction stop = { .sa_handler = on_stop }, ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGHUP, &stop, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	process_hide();
	dev.options = options;
	arena_init(&dev.arena, 0);
	enum error_class class = start_all(&dev, &error);
	if (class == ERROR_NONE) {
		printf("ready http://127.0.0.1:%lld\n", (long long)dev.options->port);
		fflush(stdout);
		class = watch(&dev, &error);
	}

	int status = class == ERROR_NONE || stop_requested ? EX_OK : fail(&error);
	stop_all(&dev);
	arena_release(&dev.arena);
	return status;
}

static const struct options defaults = { .port = 8080, .executors = 4, .processes = 2 };

const struct command command_dev = {
	.name = "dev",
	.summary = "Start a private Slipway on this machine",
	.about = "Starts a private Slipway on loopback: redis-server, nginx, the web tier, a "
		 "worker, and emulators of GitHub and Vercel unless SLIPWAY_GITHUB_URL or "
		 "SLIPWAY_VERCEL_URL is set. Runs until SIGTERM or Ctrl-C.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.defaults = &defaults,
	.check = check_options,
	.execute = execute,
};
