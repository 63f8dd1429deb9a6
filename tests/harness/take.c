/* One call of the script take for one run. */
#include "harness/take.h"

#include <string.h>

#include "base/json.h"
#include "harness/suite.h"
#include "store/runs.h"

#define EMPTY "the queue is empty"

struct taken take_as(struct redis *redis, const struct take *take, struct arena *arena)
{
	struct taken_list list;
	struct error error;
	struct take one = *take;
	one.want = 1;
	ck_assert_msg(
		queue_take(redis, &one, arena, &list, &error) == ERROR_NONE, "%s", error.message);
	return list.count > 0 ? list.items[0]
			      : (struct taken){ .kind = TAKEN_BROKEN, .member = "", .why = EMPTY };
}

struct claim take_next(struct redis *redis, int64_t lease_ms, struct arena *arena)
{
	const struct take take = { .worker = "worker-1", .lease_ms = lease_ms };
	struct taken taken = take_as(redis, &take, arena);
	ck_assert_msg(taken.kind == TAKEN_RUN, "%s",
		taken.kind == TAKEN_BROKEN ? taken.why : "not claimed");
	claim_release(&taken.claim);
	return taken.claim;
}

static char *status_text(const struct run *run, struct arena *arena)
{
	CLEANUP_JSON cJSON *status = NULL;
	struct error error;
	ck_assert_int_eq(run_status(run, &status, &error), ERROR_NONE);
	return json_print(arena, status);
}

void assert_told_truly(struct redis *redis, const struct run *told, struct arena *arena)
{
	struct run run;
	struct error error;
	ck_assert_int_eq(run_read(redis, &told->name, arena, &run, &error), ERROR_NONE);
	run.now = told->now; /* a status says how soon to ask again */
	ck_assert_str_eq(status_text(told, arena), status_text(&run, arena));
	ck_assert_int_eq(told->attempts, run.attempts);
	ck_assert_int_eq(told->run_deadline, run.run_deadline);
}

bool take_finds_nothing(struct redis *redis, struct arena *arena)
{
	const struct take take = { .worker = "worker-1", .lease_ms = 1000 };
	const struct taken taken = take_as(redis, &take, arena);
	return taken.kind == TAKEN_BROKEN && strcmp(taken.why, EMPTY) == 0;
}
