/*
 * The number follows the workers that come and go, by their heartbeats; nobody waits for it but the
 * first run that this worker takes.
 */
#include "worker/reserve.h"

#include "base/log.h"
#include "store/queue.h"
#include "store/workers.h"
#include "worker/dispatch.h"
#include "worker/run_limits.h"

static void tell(size_t tenant_most)
{
	struct log_line line;

	log_begin(&line, LOG_INFO,
		tenant_most > 0 ? "one executor is left to other tenants"
				: "a tenant may have all executors");
	if (tenant_most > 0)
		log_number(&line, "runs_of_a_tenant_at_a_time", (int64_t)tenant_most);
	log_end(&line);
}

enum error_class reserve_recount(
	struct supervisor *supervisor, int64_t every_ms, struct error *error)
{
	const struct recount recount = { true, supervisor->definitions, every_ms };
	CLEANUP_REPLY struct redisReply *faults = NULL;

	if (queue_recount(supervisor->redis, &recount, &faults, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < reply_count(faults); i++)
		log_write(LOG_WARNING, "count put right", "why", reply_text(reply_item(faults, i)),
			NULL);
	return ERROR_NONE;
}

/* Runs that were taken while nothing was limited are counted first: who has them all would get as
 * many again. */
static enum error_class set_tenant_most(
	struct supervisor *supervisor, size_t tenant_most, struct error *error)
{
	const bool begins = supervisor->tenant_most == 0 && tenant_most > 0;
	enum error_class class = begins ? reserve_recount(supervisor, 0, error) : ERROR_NONE;

	if (supervisor_is_cut_off(class))
		return class;
	if (supervisor->tenant_most != tenant_most)
		tell(tenant_most);
	supervisor->tenant_most = tenant_most;
	return class;
}

static enum error_class renew(struct supervisor *supervisor, struct error *error)
{
	struct workers_capacity capacity = { 0, 0 };

	if (!run_limits_has_tenant(supervisor->settings->run_limits) &&
		workers_capacity_read(supervisor->redis, supervisor->name, &capacity, error) !=
			ERROR_NONE)
		return error->class;
	const size_t executors = capacity.executors + supervisor->prefork.count;
	return set_tenant_most(
		supervisor, run_limits_tenant_most(capacity.tenants, executors), error);
}

enum error_class reserve_renew(struct supervisor *supervisor, struct error *error)
{
	enum error_class class = renew(supervisor, error);

	if (!supervisor_is_cut_off(class) && !supervisor->knows_reserve) {
		supervisor->knows_reserve = true;
		dispatch_check(supervisor);
	}
	return class;
}

bool reserve_limits_runs(const struct supervisor *supervisor)
{
	const char *limits = supervisor->settings->run_limits;
	return supervisor->tenant_most > 0 || (limits != NULL && limits[0] != '\0');
}

const char *reserve_limits(const struct supervisor *supervisor, struct arena *arena)
{
	return run_limits_text(arena, supervisor->settings->run_limits, supervisor->tenant_most);
}
