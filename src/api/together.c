/*
 * The first that waits makes the call for all of its tenant, at the end of the turn. While a call
 * is under way, what comes is gathered for the next, which goes out before the first is back only
 * where it is worth one: Redis works on one at a time anyway, and a call for many costs it little
 * more than one; with appendfsync always, they wait for the disk once.
 */
#include "api/together.h"

#include <string.h>

#define CALLS_MAX  2 /* under way: one that Redis works on, and one that is on its way */
#define SECOND_MIN 8 /* for that one: a call by itself costs Redis nearly as much as a trigger */

/* One trigger; on the stack of its coroutine. */
struct together_part {
	struct trigger_part part;
	struct coroutine_list waiter;
	bool is_done;
	STAILQ_ENTRY(together_part) entry;
};

/* What goes into a call. Each of them is told when it is done. */
struct gathered {
	struct together_part *parts[TRIGGERS_MAX];
	struct trigger_part *sent[TRIGGERS_MAX];
	size_t count;
};

static const char *tenant_of(const struct together_part *part)
{
	return part->part.trigger->name.tenant;
}

/* The first of those that wait, and those of its tenant. */
static void gather(struct together *together, struct gathered *gathered)
{
	struct together_part *part = STAILQ_FIRST(&together->parts), *next;

	for (; part != NULL && gathered->count < TRIGGERS_MAX; part = next) {
		next = STAILQ_NEXT(part, entry);
		if (gathered->count > 0 &&
			strcmp(tenant_of(part), tenant_of(gathered->parts[0])) != 0)
			continue;
		STAILQ_REMOVE(&together->parts, part, together_part, entry);
		together->waiting--;
		gathered->sent[gathered->count] = &part->part;
		gathered->parts[gathered->count++] = part;
	}
}

static void go_on(struct together *together)
{
	if (!STAILQ_EMPTY(&together->parts))
		loop_call_at_end(together->loop, &together->hook);
}

static void make_call(struct together *together, const struct together_part *self)
{
	struct gathered gathered = { .count = 0 };

	together->is_called = false;
	gather(together, &gathered);
	together->calls++;
	go_on(together);
	triggers_send(together->redis, gathered.sent, gathered.count);
	together->calls--;
	for (size_t i = 0; i < gathered.count; i++) {
		gathered.parts[i]->is_done = true;
		if (gathered.parts[i] != self)
			loop_wake(together->loop, &gathered.parts[i]->waiter);
	}
	go_on(together);
}

/* At the end of a turn: the first makes the call, on its own stack. */
static void on_end_of_turn(void *context)
{
	struct together *together = context;
	struct together_part *first = STAILQ_FIRST(&together->parts);

	if (first == NULL || together->is_called || together->calls == CALLS_MAX ||
		(together->calls > 0 && together->waiting < SECOND_MIN))
		return;
	together->is_called = true;
	loop_wake(together->loop, &first->waiter);
}

void together_init(struct together *together, struct redis *redis, struct loop *loop)
{
	*together = (struct together){ .redis = redis, .loop = loop };
	together->hook = (struct loop_hook){ .call = on_end_of_turn, .context = together };
	STAILQ_INIT(&together->parts);
}

enum error_class together_trigger(struct together *together, const struct trigger *trigger,
	struct arena *arena, struct trigger_result *ret_result, struct error *error)
{
	struct together_part part = {
		.part = { .trigger = trigger, .arena = arena, .result = ret_result, .error = error }
	};

	trigger_part_prepare(&part.part);
	STAILQ_INSERT_TAIL(&together->parts, &part, entry);
	together->waiting++;
	loop_call_at_end(together->loop, &together->hook);
	loop_wait_in(&part.waiter);
	if (!part.is_done)
		make_call(together, &part);
	return part.part.class;
}
