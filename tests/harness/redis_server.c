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

#define START_MS 30000

/* Production's own, from the root of the project. */
#define SHIPPED_CONF  "conf/redis/slipway.conf"
#define SHIPPED_USERS "conf/redis/users.acl"

static void fail(const char *what)
{
	fprintf(stderr, "redis_server: %s\n", what);
	exit(99);
}

/* The users as shipped, and one of ours behind them. */
static void write_users(const struct redis_server *server)
{
	char path[96], line[4096];
	text_format(path, sizeof(path), "%s/users.acl", server->folder);
	FILE *shipped = fopen(SHIPPED_USERS, "re"), *own = fopen(path, "we");
	if (shipped == NULL || own == NULL)
		fail("cannot copy " SHIPPED_USERS "; run it from the root of the project");
	while (fgets(line, sizeof(line), shipped) != NULL)
		fputs(line, own);
	fputs("user opener on nopass -@all +ping +flushall +acl|setuser +client|setname\n", own);
	fclose(shipped);
	if (fclose(own) != 0)
		fail("cannot write the users");
}

static bool does(struct redis *redis, size_t count, const char *const *words)
{
	struct redisReply *reply;
	struct error error;
	if (redis_command(redis, count, words, &reply, &error) != ERROR_NONE)
		return false;
	reply_free(reply);
	return true;
}

static struct redis *connect_as_opener(const struct redis_server *server, int timeout_ms)
{
	struct redis *redis;
	struct error error;
	char url[128];
	text_format(url, sizeof(url), "unix://opener:any@%s/redis.sock", server->folder);
	if (redis_new(url, NULL, "test", timeout_ms, &redis, &error) != ERROR_NONE)
		fail(error.message);
	return redis;
}

/*
 * Whether it answers. Redis has read its files then, as it does in production: with a default user
 * who is off. From here on he is let in, for the tests log in as nobody. A PING is refused while
 * the files are read, ACL SETUSER is not.
 */
static bool opens(const struct redis_server *server)
{
	const char *const ping[] = { "PING" };
	const char *const let_in[] = { "ACL", "SETUSER", "default", "on", "nopass" };
	struct redis *redis = connect_as_opener(server, 200);
	bool up = does(redis, 1, ping) && does(redis, 5, let_in);
	redis_free(redis);
	return up;
}

static void launch(struct redis_server *server)
{
	char socket[96], users[96];
	text_format(socket, sizeof(socket), "%s/redis.sock", server->folder);
	text_format(users, sizeof(users), "%s/users.acl", server->folder);
	server->pid = fork();
	if (server->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (freopen("/dev/null", "w", stdout) == NULL)
			_exit(1);
		execlp("redis-server", "redis-server", SHIPPED_CONF, "--aclfile", users, "--port",
			"0", "--unixsocket", socket, "--dir", server->folder, "--save", "",
			(char *)NULL);
		_exit(127);
	}
	int64_t give_up = clock_monotonic_ms() + START_MS;
	while (!opens(server)) {
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
	write_users(server);
	launch(server);
}

void redis_server_empty(const struct redis_server *server)
{
	const char *const flush[] = { "FLUSHALL" };
	struct redis *redis = connect_as_opener(server, START_MS);
	if (!does(redis, 1, flush))
		fail("cannot take the keys away");
	redis_free(redis);
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
