#include "harness/redis_server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/redis.h"

#define START_MS 10000

static void fail(const char *what)
{
	fprintf(stderr, "redis_server: %s\n", what);
	exit(99);
}

static bool answers(const struct redis_server *server)
{
	struct redis *redis;
	struct redisReply *reply;
	struct error error;
	const char *const ping[] = { "PING" };
	if (redis_new(server->url, NULL, "test", 200, &redis, &error) != ERROR_NONE)
		fail(error.message);
	bool up = redis_command(redis, 1, ping, &reply, &error) == ERROR_NONE;
	if (up)
		reply_free(reply);
	redis_free(redis);
	return up;
}

static void launch(struct redis_server *server)
{
	char socket[96];
	text_format(socket, sizeof(socket), "%s/redis.sock", server->folder);
	server->pid = fork();
	if (server->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (freopen("/dev/null", "w", stdout) == NULL)
			_exit(1);
		execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket, "--dir", server->folder,
			"--appendonly", "yes", "--appendfsync", "always", "--save", "", "--maxmemory-policy",
			"noeviction", (char *)NULL);
		_exit(127);
	}
	int64_t give_up = clock_monotonic_ms() + START_MS;
	while (!answers(server)) {
		if (clock_monotonic_ms() > give_up)
			fail("redis-server does not answer");
		clock_sleep_ms(10);
	}
}

void redis_server_start(struct redis_server *server)
{
	text_copy(server->folder, sizeof(server->folder), "/tmp/slipway-test-XXXXXX");
	if (mkdtemp(server->folder) == NULL)
		fail("no temporary folder");
	text_format(server->url, sizeof(server->url), "unix://%s/redis.sock", server->folder);
	launch(server);
}

static void end(struct redis_server *server)
{
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
}

void redis_server_restart(struct redis_server *server)
{
	end(server);
	launch(server);
}

void redis_server_stop(struct redis_server *server)
{
	end(server);
	pid_t pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", "--", server->folder, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}
