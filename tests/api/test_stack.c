/*
 * What a request takes of its coroutine's stack until it has a response: each page of it counts for
 * all that a process serves at a time, and stays until a rush is over.
 *
 * covers: src/api/routes.c src/api/mode_trigger.c src/api/mode_poll.c src/api/together.c
 * src/store/shown.c
 */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api/request.h"
#include "api/together.h"
#include "harness/json_text.h"
#include "harness/store.h"
#include "slipway/field.h"

/* Other compilers and sanitizers lay out larger frames. */
#if defined(__OPTIMIZE__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define HAS_FRAMES_OF_RELEASE 1
#else
#define HAS_FRAMES_OF_RELEASE 0
#endif
#define PAGES     2
#define TRANSPORT 1000 /* bytes that fastcgi.c and main.c have above, more than serve() here */

static struct redis *redis, *joined;
static struct loop *loop;
static struct together together;
static const struct settings settings = {
	.development = true, .tenant = "default", .retention_days = 1
};

static void set_up(void)
{
	redis = store_open();
	joined = store_join(&loop);
	together_init(&together, joined, loop);
}

static void tear_down(void)
{
	store_leave(joined, loop);
	store_close(redis);
}

/* One that is served in a coroutine. */
struct asked {
	const char *method, *query, *body;
	struct response response;
	const char *stack; /* somewhere in its first page */
	bool is_done;
};

static void serve(void *context)
{
	struct asked *asked = context;
	volatile char above[TRANSPORT];
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const struct service service = {
		.settings = &settings, .redis = joined, .arena = &arena, .together = &together
	};
	const struct request request = { .id = "",
		.host = "",
		.method = asked->method,
		.path = "/api/deploy",
		.query = asked->query,
		.content_type = "application/json",
		.content_encoding = "",
		.authorization = "",
		.origin = "",
		.if_none_match = "",
		.body = asked->body,
		.body_length = strlen(asked->body) };

	above[TRANSPORT - 1] = 0;
	asked->stack = (const char *)&above[TRANSPORT - 1];
	response_init(&asked->response);
	request_handle(&service, &request, &asked->response);
	asked->is_done = true;
}

/* Pages below this one that were touched, and this one: the first that was not ends them. */
static size_t pages_touched(const char *stack)
{
	const uintptr_t size = (uintptr_t)sysconf(_SC_PAGESIZE);
	unsigned char resident = 1;
	size_t count = 0;

	for (uintptr_t page = (uintptr_t)stack / size * size;; page -= size, count++)
		if (mincore((void *)page, size, &resident) != 0 || (resident & 1) == 0)
			return count;
}

/* All of them at the same time, each on a stack that nobody has used before. */
static void expect_few_pages(struct asked *all, size_t count, int status)
{
	coroutines_release();
	for (size_t i = 0; i < count; i++)
		ck_assert(coroutine_start(serve, &all[i]));
	for (size_t i = 0; i < count; i++)
		while (!all[i].is_done)
			loop_turn(loop, 1000);
	for (size_t i = 0; i < count; i++) {
		ck_assert_msg(all[i].response.status == status, "%d: %s", all[i].response.status,
			buffer_text(&all[i].response.body));
		response_release(&all[i].response);
#if HAS_FRAMES_OF_RELEASE
		ck_assert_uint_le(pages_touched(all[i].stack), PAGES);
#else
		(void)pages_touched;
#endif
	}
}

#define TRIGGER(app)                                                                               \
	{                                                                                          \
		.method = "POST", .query = "",                                                     \
		.body = J("{'mode':'trigger','appId':'" app "','workflowId':'hello',"              \
			  "'actionId':'greet','inputs':{'greet':{'text':'hello'}}}")               \
	}
#define POLL(more)                                                                                 \
	{                                                                                          \
		.method = "GET", .query = "appId=one&workflowId=site" more, .body = ""             \
	}

/* One of them makes the call for all, which goes deeper. */
START_TEST(test_a_trigger_takes_two_pages)
{
	for (int i = 0; i < 2; i++) {
		struct asked asked[] = { TRIGGER("one"), TRIGGER("two"), TRIGGER("three") };
		expect_few_pages(asked, ARRAY_LEN(asked), i == 0 ? 202 : 200);
	}
}
END_TEST

/* The second time they are remembered. */
START_TEST(test_a_poll_takes_two_pages)
{
	for (int i = 0; i < 2; i++) {
		struct asked asked[] = { POLL("&actionId=repo"), POLL("") };
		expect_few_pages(asked, ARRAY_LEN(asked), 200);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_a_trigger_takes_two_pages, test_a_poll_takes_two_pages,
		NULL };
	return store_suite_main("stack", tests, set_up, tear_down);
}
