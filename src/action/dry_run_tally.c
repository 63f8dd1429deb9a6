/*
 * Counts calls, and asks what no step asks: the questions of a provider that are marked as planned.
 */
#include "action/dry_run_tally.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "provider/provider.h"
#include "provider/providers.h"
#include "provider/survey.h"

#define ASK_MS             20000 /* a provider, with all questions */
#define PROVIDER_NAME_SIZE 64

/* ---- counts ---- */

/* The row of a provider; NULL where there are too many. */
static struct dry_run_calls *calls_of(struct dry_run_tally *tally, const char *provider)
{
	size_t at = 0;

	while (at < tally->count && strcmp(tally->rows[at].provider, provider) != 0)
		at++;
	if (at == DRY_RUN_TALLY_MAX)
		return NULL;
	if (at == tally->count)
		tally->rows[tally->count++] =
			(struct dry_run_calls){ .provider = provider, .remaining = -1 };
	return &tally->rows[at];
}

static void add_warning(
	const struct dry_run_tally *tally, struct dry_run_calls *calls, const char *warning)
{
	if (warning != NULL)
		calls->warning = calls->warning == NULL
			? warning
			: arena_format(tally->context->arena, "%s; %s", calls->warning, warning);
}

static const char *warn_of_expiry(const struct dry_run_tally *tally, int64_t expires_at)
{
	char when[CREDENTIAL_END_SIZE];
	return credential_ends_soon(expires_at, when)
		? arena_format(tally->context->arena, "its token ends %s", when)
		: NULL;
}

void dry_run_tally_step(struct dry_run_tally *tally, const struct step_dry_run *observed)
{
	for (size_t i = 0; i < DRY_RUN_PROVIDERS_MAX && observed->calls[i].provider != NULL; i++) {
		struct dry_run_calls *calls = calls_of(tally, observed->calls[i].provider);
		if (calls == NULL)
			return;
		calls->reads += observed->calls[i].reads;
		calls->writes += observed->calls[i].writes;
		calls->needed += observed->calls[i].reads + observed->calls[i].unsent +
			observed->calls[i].writes;
		if (observed->calls[i].remaining >= 0)
			calls->remaining = observed->calls[i].remaining;
		if (calls->warning == NULL)
			calls->warning = warn_of_expiry(tally, observed->calls[i].expires_at);
	}
}

void dry_run_tally_expect(struct dry_run_tally *tally, const struct action_definition *action)
{
	char name[PROVIDER_NAME_SIZE];

	text_format(name, sizeof(name), "%.*s", (int)strcspn(action->id, "."), action->id);
	const struct provider *provider = provider_find(name);
	if (provider != NULL)
		calls_of(tally, provider->id);
}

/* ---- questions ---- */

/* What is wrong with the credential or the account as a whole, which no step has asked. */
static void ask_provider(const struct dry_run_tally *tally, struct dry_run_calls *calls)
{
	struct action_context *context = tally->context;
	const struct provider *provider = provider_find(calls->provider);
	struct provider_access access;
	struct survey *survey = arena_allocate(context->arena, sizeof(*survey));
	int64_t latest_at = clock_monotonic_ms() + ASK_MS;

	if (provider == NULL || survey == NULL)
		return;
	if (!context_access(context, provider, &access)) {
		add_warning(tally, calls, context->error.message);
		return;
	}
	const struct provider_exchange exchange = { .client = context->client,
		.provider = provider,
		.access = &access,
		.arena = context->arena,
		.deadline_at = context->deadline_at < latest_at ? context->deadline_at : latest_at,
		.settings = context->settings };

	survey_plan(&exchange, survey);
	calls->reads += survey->asked;
	if (calls->warning == NULL)
		add_warning(tally, calls, warn_of_expiry(tally, survey->expires_at));
	for (size_t i = 0; i < survey->count; i++)
		add_warning(tally, calls, survey->findings[i].what);
}

static void warn_of_limits(const struct dry_run_tally *tally, struct dry_run_calls *calls)
{
	if (calls->remaining < 0 || calls->remaining >= calls->needed)
		return;
	const char *others = calls->warning;
	calls->warning = arena_format(tally->context->arena,
		"its rate limit has %lld calls left, and at least %lld are needed",
		(long long)calls->remaining, (long long)calls->needed);
	add_warning(tally, calls, others);
}

void dry_run_tally_finish(struct dry_run_tally *tally)
{
	for (size_t i = 0; i < tally->count; i++) {
		ask_provider(tally, &tally->rows[i]);
		warn_of_limits(tally, &tally->rows[i]);
	}
}
