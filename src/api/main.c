/*
 * slipway-api: a FastCGI responder. A supervisor of single-threaded processes that share one
 * listening socket; or a plain CGI program, if the web server starts it as one.
 */
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "api/cgi.h"
#include "api/fastcgi.h"
#include "api/holds.h"
#include "api/origins.h"
#include "api/together.h"
#include "api/watcher.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/prefork.h"
#include "base/process.h"
#include "base/resources.h"
#include "base/text.h"
#include "core/secret.h"
#include "provider/providers.h"
#include "store/layout.h"

/* Every response takes less than 2 s even if Redis hangs: after one timeout, the requests that wait
 * behind it fail at once. */
#define REDIS_TIMEOUT_MS 900
#define REDIS_PAUSE_MS   1000
#define GRACE_MS         5000
_Static_assert(FASTCGI_DRAIN_MS < GRACE_MS, "a handler ends by itself");
/* A process uses about 2 MiB. A request that needs far more fails alone; the process goes on. */
#define MEMORY_MAX ((size_t)256 << 20)

const char *argp_program_version = "slipway-api " SLIPWAY_VERSION;

struct api {
	struct settings settings;
	struct redis *redis;
	/* Of a handler process. */
	struct loop *loop;
	struct holds *holds;
	struct together together;
	struct redis *watched; /* by the watcher */
	struct watcher *watcher;
	int listener;
	struct prefork prefork;
};

static void handle(void *context, const struct request *request, struct response *response)
{
	struct api *api = context;
	struct arena arena;
	int64_t began_at = clock_monotonic_ms();
	arena_init(&arena, 0);
	const struct service service = {
		.settings = &api->settings,
		.redis = api->redis,
		.arena = &arena,
		.holds = api->holds,
		.together = api->loop != NULL ? &api->together : NULL,
	};
	request_handle(&service, request, response);
	if (!response->held)
		request_log(request, response, clock_monotonic_ms() - began_at);
	arena_release(&arena);
}

/* The first thing that each handler process does. */
static enum error_class api_connect(struct api *api, struct error *error)
{
	resources_limit_memory(MEMORY_MAX);
	if (redis_from_settings(&api->settings, "slipway-api", REDIS_TIMEOUT_MS, &api->redis,
		    error) != ERROR_NONE)
		return error->class;
	layout_require(api->redis);
	redis_fail_fast(api->redis, REDIS_PAUSE_MS);
	return ERROR_NONE;
}

/* What it takes to hold requests until something changes. */
static enum error_class prepare_holds(struct api *api, struct error *error)
{
	if (holds_new(api->loop, &api->holds, error) != ERROR_NONE ||
		redis_from_settings(&api->settings, "slipway-api-changes",
			WATCHER_WAIT_MS + REDIS_TIMEOUT_MS, &api->watched, error) != ERROR_NONE)
		return error->class;
	redis_join(api->watched, api->loop);
	return watcher_start(api->loop, api->watched, api->holds, &api->watcher, error);
}

static void release_child(struct api *api)
{
	watcher_stop(api->watcher);
	redis_free(api->watched);
	redis_free(api->redis);
	holds_free(api->holds);
	loop_free(api->loop);
	coroutines_release();
}

static int serve_child(void *context, size_t index, int channel)
{
	struct api *api = context;
	struct error error;
	(void)index;
	(void)channel;
	enum error_class class = api_connect(api, &error);

	if (class == ERROR_NONE)
		class = loop_new(&api->loop, &error);
	if (class == ERROR_NONE) {
		redis_join(api->redis, api->loop);
		together_init(&api->together, api->redis, api->loop);
		class = prepare_holds(api, &error);
	}
	if (class == ERROR_NONE)
		class = fastcgi_serve(api->loop, api->holds, api->listener, handle, api, &error);
	if (class != ERROR_NONE)
		log_error("handler failed", &error);
	release_child(api);
	return class == ERROR_NONE ? 0 : 1;
}

static void child_ended(void *context, size_t index, pid_t pid, int status)
{
	(void)context;
	char number[16], how[48];

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	text_format(number, sizeof(number), "%d", (int)pid);
	text_format(how, sizeof(how), WIFSIGNALED(status) ? "signal %d" : "exit %d",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	log_write(LOG_ERROR, "handler ended", "pid", number, "how", how, NULL);
	(void)index;
}

/* A forked handler keeps the Redis password that it started with, so new credentials need new
 * handlers. */
static void on_hangup(void *context)
{
	struct api *api = context;
	struct error error;
	if (settings_reload(&api->settings, NULL, &error) != ERROR_NONE) {
		log_error("credentials not read again, the previous ones stay in use", &error);
		return;
	}
	log_write(LOG_INFO, "credentials read again", NULL);
	prefork_replace(&api->prefork);
}

static enum error_class serve(struct api *api, struct error *error)
{
	if (api->settings.listen == NULL && fastcgi_is_cgi()) {
		if (getenv("GATEWAY_INTERFACE") == NULL) {
			error_set(error, ERROR_INVALID_INPUT,
				"no socket to listen on, and no web server started this as CGI");
			return error_remedy(error, NULL,
				"Give a socket with --listen, or start slipway-api from systemd or "
				"a web server.");
		}
		enum error_class class = api_connect(api, error);
		return class == ERROR_NONE ? cgi_serve(handle, api, error) : class;
	}

	if (api->settings.listen != NULL &&
		fastcgi_listen(api->settings.listen, &api->listener, error) != ERROR_NONE)
		return error->class;
	api->prefork = (struct prefork){
		.context = api,
		.count = (size_t)api->settings.processes,
		.grace_ms = GRACE_MS,
		.tick_ms = 1000,
		.child = serve_child,
		.ended = child_ended,
		.hangup = on_hangup,
	};
	log_write(LOG_INFO, "started", "listen",
		api->settings.listen != NULL ? api->settings.listen : "fd 0", NULL);
	enum error_class class = prefork_run(&api->prefork, error);
	if (api->settings.listen != NULL)
		unlink(api->settings.listen);
	return class;
}

/* Not among the settings, and in no help: no file and no environment can open a server. */
#define DEVELOPMENT_KEY 0x400
static const struct argp_option own_options[] = {
	{ .name = "development", .key = DEVELOPMENT_KEY, .arg = "yes", .flags = OPTION_HIDDEN },
	{ .name = NULL },
};

static error_t parse_own(int key, char *text, struct argp_state *state)
{
	struct settings *settings = state->input;

	if (key == ARGP_KEY_INIT)
		state->child_inputs[0] = settings;
	else if (key == DEVELOPMENT_KEY)
		settings->development = strcmp(text, "yes") == 0;
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static enum error_class check_tenant(const char *tenant, struct error *error)
{
	return identifier_valid(tenant)
		? ERROR_NONE
		: error_set(error, ERROR_INVALID_INPUT, "SLIPWAY_TENANT must match %s",
			  IDENTIFIER_PATTERN);
}

int main(int argc, char **argv)
{
	static struct api api;
	struct error error;

	process_without_core();
	log_init("slipway-api", LOG_INFO);
	settings_init(&api.settings, SETTINGS_API, providers_introduce());
	const struct argp_child parsers[] = { { settings_argp(&api.settings), 0, NULL, 0 },
		{ NULL, 0, NULL, 0 } };
	const struct argp parser = { .options = own_options,
		.parser = parse_own,
		.doc = "The web tier of Slipway: serves FastCGI, or CGI if a "
		       "web server starts it that way.",
		.children = parsers };
	if (sodium_init() < 0)
		return 1;
	json_wipe_freed();
	argp_parse(&parser, argc, argv, 0, NULL, &api.settings);
	if (settings_load(&api.settings, &error) != ERROR_NONE ||
		check_tenant(api.settings.tenant, &error) != ERROR_NONE ||
		origins_check(api.settings.origins, &error) != ERROR_NONE ||
		budgets_check(api.settings.budgets, &error) != ERROR_NONE ||
		secret_keys_check(api.settings.secrets_public_key, NULL, &error) != ERROR_NONE) {
		log_error("settings", &error);
		return EX_CONFIG;
	}

	if (api.settings.print_config) {
		settings_print(&api.settings, stdout);
		return 0;
	}

	process_hide();
	log_init("slipway-api", log_level_by_name(api.settings.log_level));
	if (api.settings.url_with_password != NULL)
		log_write(LOG_WARNING, SETTINGS_PASSWORD_WARNING, "setting",
			api.settings.url_with_password, NULL);

	/* Checked once before forking: otherwise every handler would fail, and requests would go
	 * unanswered. */
	if (redis_check_settings(&api.settings, &error) != ERROR_NONE) {
		log_error("settings", &error);
		return EX_CONFIG;
	}

	int status = 0;
	if (serve(&api, &error) != ERROR_NONE) {
		log_error("stopped", &error);
		status = 1;
	}

	redis_free(api.redis);
	settings_release(&api.settings);
	return status;
}
