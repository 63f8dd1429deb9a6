/*
 * A table by the tenant's name. What one has drawn is thrown away by no other that comes upon its
 * place within a second: that one looks for a place a few further on, and where there is none,
 * draws for each request.
 */
#include "api/request_budget.h"

#include <string.h>

#include "api/holds.h"
#include "base/clock.h"
#include "base/text.h"
#include "store/budgets.h"

#define KNOWN    256
#define LOOKED   8 /* places, from the one of the name on */
#define KEPT_MS  1000
#define DRAW_MAX 100

static struct allowance {
	char tenant[IDENTIFIER_SIZE];
	int64_t left, drawn_at, refused_until; /* monotonic */
	bool is_drawing; /* some ahead; whoever comes meanwhile draws for himself alone */
} allowances[KNOWN];

static struct allowance *place_of(uint32_t hash, uint32_t steps)
{
	return &allowances[(hash + steps) % KNOWN];
}

/* NULL: it has no place. */
static struct allowance *find_allowance(const char *tenant)
{
	const uint32_t hash = text_hash(tenant);

	for (uint32_t i = 0; i < LOOKED; i++)
		if (strcmp(place_of(hash, i)->tenant, tenant) == 0)
			return place_of(hash, i);
	return NULL;
}

/* A place for it, of nobody or of who has drawn longest ago; NULL: others hold all of them. */
static struct allowance *reserve_place(const char *tenant, int64_t now)
{
	const uint32_t hash = text_hash(tenant);
	struct allowance *oldest = place_of(hash, 0);

	for (uint32_t i = 1; i < LOOKED; i++)
		if (place_of(hash, i)->drawn_at < oldest->drawn_at)
			oldest = place_of(hash, i);
	if (oldest->tenant[0] != '\0' && now - oldest->drawn_at < KEPT_MS)
		return NULL;
	*oldest = (struct allowance){ .left = 0 };
	text_copy(oldest->tenant, sizeof(oldest->tenant), tenant);
	return oldest;
}

/* What a second has: so one process keeps little from the others, and a small budget is exact. */
static int64_t draw_size(int64_t most)
{
	const int64_t second = most / 60;
	return second < 1 ? 1 : second > DRAW_MAX ? DRAW_MAX : second;
}

/* Gives back what is left from before. Others may be served while Redis is asked: only then it is
 * known whose place it is, and nobody has taken it within a second. */
static enum error_class draw(const struct service *service, struct allowance *allowance,
	int64_t most, struct error *error)
{
	struct budget_draw drawn;
	const bool is_ahead = allowance != NULL && !allowance->is_drawing;
	const int64_t want = is_ahead ? draw_size(most) : 1;
	const int64_t back = is_ahead ? allowance->left : 0;

	if (is_ahead) {
		allowance->left = 0;
		allowance->drawn_at = clock_monotonic_ms();
		allowance->is_drawing = true;
	}
	enum error_class class =
		budget_draw(service->redis, service->tenant, most, want, back, &drawn, error);
	allowance = find_allowance(service->tenant);
	if (is_ahead && allowance != NULL)
		allowance->is_drawing = false;
	if (class != ERROR_NONE)
		return class;
	const int64_t now = clock_monotonic_ms();
	if (drawn.granted < 1) {
		if (allowance != NULL)
			allowance->refused_until = now + drawn.wait_ms;
		return budget_refuse_request(most, drawn.wait_ms, error);
	}
	if (is_ahead && allowance != NULL) {
		allowance->left += drawn.granted - 1;
		allowance->drawn_at = now;
	}
	return ERROR_NONE;
}

enum error_class request_budget_take(const struct service *service, const struct request *request,
	int64_t most, struct error *error)
{
	struct allowance *allowance = find_allowance(service->tenant);
	const int64_t now = clock_monotonic_ms();
	const bool is_looked_at_again = request->hold != NULL && request->hold->holds != NULL;

	if (is_looked_at_again)
		return ERROR_NONE;
	if (most == 0)
		return budget_refuse_request(most, 0, error);
	if (allowance == NULL)
		return draw(service, reserve_place(service->tenant, now), most, error);
	if (allowance->left > 0 && now - allowance->drawn_at < KEPT_MS) {
		allowance->left--;
		return ERROR_NONE;
	}
	if (now < allowance->refused_until)
		return budget_refuse_request(most, allowance->refused_until - now, error);
	return draw(service, allowance, most, error);
}
