/*
 * The first that waits makes the call for all, at the end of the turn. While calls are under way,
 * what comes is gathered for the next: Redis works on one at a time anyway, and a call for many
 * costs it little more than one. What nobody waits for, such as a line of the log, goes with the
 * next call, or soon.
 */
#include "worker/batch.h"

#include "base/clock.h"

#define CALLS_MAX 2  /* under way: one that Redis works on, and one that is on its way */
#define SOON_MS   10 /* as long as a line of the log may wait for company */

/* One write, or one wish to take; on the stack of its coroutine. */
struct batch_part {
	struct work_write *write;
	struct work_take *take; /* NULL: a write */
	struct coroutine_list waiter;
	bool is_done;
	STAILQ_ENTRY(batch_part) entry;
};

/* ---- the call ---- */

/* What goes into it: the first of those that wait. Each of them is told when it is done. */
struct gathered {
	struct work work;
	struct batch_part *parts[WORK_WRITES_MAX + 1];
	size_t count;
};

static bool fits(const struct gathered *gathered, const struct batch_part *part)
{
	return part->take != NULL ? gathered->work.take == NULL
				  : gathered->work.count < WORK_WRITES_MAX;
}

static void gather(struct batch *batch, struct gathered *gathered)
{
	struct batch_part *part;

	while ((part = STAILQ_FIRST(&batch->parts)) != NULL && fits(gathered, part)) {
		STAILQ_REMOVE_HEAD(&batch->parts, entry);
		batch->count--;
		gathered->parts[gathered->count++] = part;
		if (part->take != NULL)
			gathered->work.take = part->take;
		else
			gathered->work.writes[gathered->work.count++] = part->write;
	}
}

static void make_call(struct batch *batch, const struct batch_part *self)
{
	struct gathered gathered = { .count = 0 };

	batch->is_called = false;
	gather(batch, &gathered);
	batch->calls++;
	if (!STAILQ_EMPTY(&batch->parts))
		loop_call_at_end(batch->loop, &batch->hook);
	work_send(batch->redis, &gathered.work);
	batch->calls--;
	for (size_t i = 0; i < gathered.count; i++) {
		gathered.parts[i]->is_done = true;
		if (gathered.parts[i] != self)
			loop_wake(batch->loop, &gathered.parts[i]->waiter);
	}
	if (!STAILQ_EMPTY(&batch->parts))
		loop_call_at_end(batch->loop, &batch->hook);
}

/* At the end of a turn: the first makes the call, on its own stack. */
static void on_end_of_turn(void *context)
{
	struct batch *batch = context;
	struct batch_part *first = STAILQ_FIRST(&batch->parts);

	if (first == NULL || batch->is_called || batch->calls == CALLS_MAX)
		return;
	loop_clear_timer(batch->loop, &batch->timer);
	batch->is_called = true;
	loop_wake(batch->loop, &first->waiter);
}

static void on_soon(void *context)
{
	struct batch *batch = context;
	loop_call_at_end(batch->loop, &batch->hook);
}

void batch_init(struct batch *batch, struct redis *redis, struct loop *loop)
{
	*batch = (struct batch){ .redis = redis, .loop = loop };
	batch->hook = (struct loop_hook){ .call = on_end_of_turn, .context = batch };
	batch->timer = (struct loop_timer){ .due = on_soon, .context = batch };
	STAILQ_INIT(&batch->parts);
}

/* ---- waiting for it ---- */

static bool is_line_of_log(const struct batch_part *part)
{
	return part->take == NULL && part->write->write->kind == RUN_PROGRESS &&
		part->write->write->checkpoint == NULL && part->write->write->ledger_field == NULL;
}

static void join(struct batch *batch, struct batch_part *part)
{
	STAILQ_INSERT_TAIL(&batch->parts, part, entry);
	batch->count++;
	if (!is_line_of_log(part) || batch->count >= WORK_WRITES_MAX / 2)
		loop_call_at_end(batch->loop, &batch->hook);
	else if (!batch->timer.is_set)
		loop_set_timer(batch->loop, &batch->timer, clock_monotonic_ms() + SOON_MS);
	loop_wait_in(&part->waiter);
	if (!part->is_done)
		make_call(batch, part);
}

enum error_class batch_write(struct batch *batch, const struct lease *lease,
	const struct run_write *write, struct arena *arena, struct run *ret_ended,
	struct error *error)
{
	struct work_write one = { .lease = lease, .write = write, .arena = arena, .error = error };
	struct batch_part part = { .write = &one };

	if (batch->loop == NULL)
		return run_write_told(batch->redis, lease, write, arena, ret_ended, error);
	join(batch, &part);
	*ret_ended = one.ended;
	return one.class;
}

enum error_class batch_take(struct batch *batch, const struct take *take, struct arena *arena,
	struct taken_list *ret_list, struct error *error)
{
	struct work_take taking = {
		.wanted = take, .arena = arena, .error = error, .list = ret_list
	};
	struct batch_part part = { .take = &taking };

	join(batch, &part);
	return taking.class;
}
