/*
 * Compares what a dry run has seen with what an earlier plan saw, which somebody has read and
 * agreed to: what is other now ends the run, so that nothing is made of a plan that nobody has
 * seen.
 */
#include "action/dry_run_end.h"

#include <string.h>

#include "action/context.h"
#include "base/text.h"
#include "core/dry_run_seen.h"

#define MOVED_SIZE 360 /* with the words before it, it fits into a message */

/* As many whole sentences as fit, and how many are left out. */
static void join(const struct string_list *texts, char *joined, size_t size)
{
	size_t length = 0, at = 0;

	joined[0] = '\0';
	for (; at < texts->count; at++) {
		length += strlen(texts->items[at]) + 2;
		if (at > 0 && length + 16 > size)
			break;
		text_append(joined, size, "%s%s", at > 0 ? "; " : "", texts->items[at]);
	}

	if (at < texts->count)
		text_append(joined, size, "; and %zu more", texts->count - at);
}

static enum action_result refuse(struct action_context *context, const struct dry_run_input *input,
	const struct dry_run_output *plan)
{
	const struct dry_run_output before = { .steps = input->before };
	struct string_list moved;
	char joined[MOVED_SIZE];

	if (dry_run_moved(&before, plan, context->arena, &moved, &context->error) != ERROR_NONE)
		return action_failed(context);
	for (size_t i = 0; i < moved.count; i++)
		action_log(context, "moved since the plan: %s", moved.items[i]);
	join(&moved, joined, sizeof(joined));
	return action_fail(context, ERROR_PLAN_CHANGED,
		"the world has changed since the plan %.12s: %s", input->expect,
		moved.count > 0 ? joined : "another version of the program plans it otherwise");
}

enum action_result dry_run_end(struct action_context *context, const struct dry_run_input *input,
	const struct dry_run_output *plan)
{
	if (plan->hash == NULL)
		return action_failed(context);
	return input->expect == NULL || strcmp(input->expect, plan->hash) == 0
		? action_done(context)
		: refuse(context, input, plan);
}
