/* A question that was with a keeper that ended is asked again: to open a secret twice does no harm.
 */
#include "worker/keeper_link.h"

#include "base/log.h"
#include "worker/credentials.h"

#define TRIES_MAX    40
#define TRY_AGAIN_MS 250

static int live(void *context, int channel)
{
	return keeper_run(context, channel);
}

static void forget_keys(struct settings *settings)
{
	settings_forget(settings, "SLIPWAY_SECRETS_KEYS");
	credentials_forget(settings);
}

enum error_class keeper_link_open(
	struct keeper_link *link, struct settings *settings, struct loop *loop, struct error *error)
{
	*link = (struct keeper_link){ .settings = settings,
		.child = { .name = "keeper",
			.live = live,
			.context = settings,
			.loop = loop,
			.is_only = settings_came_once(settings, "SLIPWAY_SECRETS_KEYS") ||
				credentials_came_once(settings) } };
	enum error_class class = child_link_start(&link->child, error);
	forget_keys(settings);
	return class;
}

void keeper_link_renew(struct keeper_link *link)
{
	/* What came by the environment is not other than it was, and nobody else has it. */
	if (link->child.is_only) {
		log_write(LOG_WARNING, "the keeper stays as it is", "why",
			"some of its keys or tokens came by the environment: files that have "
			"changed since are read when the worker is started again",
			NULL);
	} else {
		child_link_stop(&link->child, true);
		link->child.restart_at = 0;
		child_link_check(&link->child);
	}
	forget_keys(link->settings);
}

void keeper_link_close(struct keeper_link *link)
{
	if (link->child.loop != NULL)
		child_link_stop(&link->child, false);
}

enum error_class keeper_link_ask(struct keeper_link *link, const struct opening *opening,
	struct arena *arena, struct reply *ret_reply, struct error *error)
{
	bool is_lost, was_there = false;

	for (int tries = 0; tries < TRIES_MAX && !link->child.is_spent; tries++) {
		was_there |= link->child.pid != 0;
		enum error_class class = child_link_ask(
			&link->child, &opening_record, opening, arena, ret_reply, &is_lost, error);
		if (class != ERROR_NONE || !is_lost)
			return class;
		if (link->child.pid == 0)
			loop_sleep_ms(link->child.loop, TRY_AGAIN_MS);
	}
	/* Who has ended it may end the next: that is not waited for without end. */
	const bool is_ours = was_there && !link->child.is_spent;
	return error_set(error, is_ours ? ERROR_INTERNAL : ERROR_STORE_UNAVAILABLE,
		is_ours ? "the keeper, which opens secrets, has ended while it did so"
			: "the worker has no keeper now, which opens secrets and has the tokens");
}
