/*
 * Asks a provider's questions one by one. What is found is for people: none of it ends anything.
 */
#include "provider/survey.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "provider/refusal.h"

void survey_add(struct survey *survey, bool fault, const char *link, const char *advice,
	const char *format, ...)
{
	struct arena *arena = survey->exchange->arena;
	va_list arguments;

	if (survey->count == SURVEY_FINDINGS_MAX)
		return;
	va_start(arguments, format);
	const struct survey_finding finding = { .fault = fault,
		.what = arena_format_list(arena, format, arguments),
		.advice = arena_string(arena, advice),
		.link = link != NULL ? arena_string(arena, page_at_site(survey->exchange, link))
				     : NULL };
	va_end(arguments);
	if (finding.what != NULL && finding.advice != NULL)
		survey->findings[survey->count++] = finding;
}

void survey_add_name(struct survey *survey, const char *name)
{
	for (size_t i = 0; i < survey->name_count && name != NULL; i++)
		if (strcmp(survey->names[i], name) == 0)
			return;
	const char *copy = name != NULL ? arena_string(survey->exchange->arena, name) : NULL;
	if (copy != NULL && survey->name_count < SURVEY_NAMES_MAX)
		survey->names[survey->name_count++] = copy;
}

void survey_go_on(struct survey *survey, const char *next_page)
{
	if (!text_copy(survey->next_page, sizeof(survey->next_page), next_page))
		survey->next_page[0] = '\0';
}

void survey_add_expiry(struct survey *survey, int64_t expires_at)
{
	const struct provider *provider = survey->exchange->provider;
	char when[CREDENTIAL_END_SIZE];

	if (expires_at > 0)
		survey->expires_at = expires_at;
	if (survey->for_plan || !credential_ends_soon(expires_at, when))
		return;
	const struct connection *connection = survey->exchange->access->connection;
	char command[CONNECTION_COMMAND_SIZE];
	const char *advice = connection != NULL
		? arena_format(survey->exchange->arena,
			  "Make a new one, and give it to the connection by %s.",
			  connection_command(connection, "--replace", command))
		: arena_format(survey->exchange->arena,
			  "Make a new one and put it into the file of %s_FILE: workers take it up "
			  "without a restart.",
			  provider->token_setting);
	survey_add(survey, false, provider->tokens_page, advice != NULL ? advice : "",
		"the token for %s ends %s", provider->name, when);
}

static void add_error(struct survey *survey, const struct error *error)
{
	const char *remedy =
		error->remedy[0] != '\0' ? error->remedy : error_class_facts(error->class)->remedy;
	survey_add(survey, false, error->remedy_url[0] != '\0' ? error->remedy_url : NULL,
		remedy != NULL ? remedy : "", "%s", error->message);
}

static enum error_class ask_page(struct survey *survey, const struct provider_question *question,
	const char *name, const char *page, struct error *error)
{
	const struct provider_request request = { .path = question->path,
		.parameters = { name },
		.query = { question->query, { question->page, page } },
		.unscoped = question->unscoped };
	struct provider_exchange exchange = *survey->exchange;
	struct provider_response response;
	struct error ignored;
	CLEANUP_JSON cJSON *json = NULL;

	survey->notice = (struct credential_notice){ .expires_at = 0 };
	survey->about = name;
	survey->next_page[0] = '\0';
	survey->asked++;
	exchange.notice = &survey->notice;
	if (provider_send(&exchange, &request, &response, error) != ERROR_NONE)
		return error->class;
	if (question->read != NULL &&
		json_parse(response.body, response.body_length, JSON_LIMITS_WIDE, &json,
			&ignored) == ERROR_NONE)
		question->read(survey, json);
	return ERROR_NONE;
}

/* A list is read to its end, unless that never comes. */
static enum error_class ask(struct survey *survey, const struct provider_question *question,
	const char *name, struct error *error)
{
	char page[sizeof(survey->next_page)];
	enum error_class class = ask_page(survey, question, name, NULL, error);

	for (int i = 1; class == ERROR_NONE && question->page != NULL &&
		survey->next_page[0] != '\0' && i < SURVEY_PAGES_MAX;
		i++) {
		text_copy(page, sizeof(page), survey->next_page);
		class = ask_page(survey, question, name, page, error);
	}

	return class;
}

/* False where the provider does not answer, or wants to be asked no more. */
static bool ask_of(
	struct survey *survey, const struct provider_question *question, const char *name)
{
	struct error error;

	if (ask(survey, question, name, &error) == ERROR_NONE)
		return true;
	bool refused = error.class == ERROR_NOT_ALLOWED ||
		(error.http_status >= 400 && error.http_status < 500 &&
			error.class != ERROR_RATE_LIMITED);

	/* That it may not be asked is no finding, unless the question is about that. */
	if (!refused || (question->tells_refusal && error.class != ERROR_NOT_FOUND))
		add_error(survey, &error);
	return refused;
}

static bool ask_all(struct survey *survey, const struct provider_question *question)
{
	if (!question->each)
		return ask_of(survey, question, survey->exchange->access->scope);
	for (size_t i = 0; i < survey->name_count; i++)
		if (!ask_of(survey, question, survey->names[i]))
			return false;
	return true;
}

enum error_class survey_ask(
	const struct provider_exchange *exchange, struct survey *ret_survey, struct error *error)
{
	const struct provider_question *question = exchange->access->questions;

	*ret_survey = (struct survey){ .exchange = exchange };
	if (ask(ret_survey, question, exchange->access->scope, error) != ERROR_NONE)
		return error->class;
	survey_add_expiry(ret_survey, ret_survey->notice.expires_at);
	while ((++question)->path != NULL && ask_all(ret_survey, question))
		continue;
	return ERROR_NONE;
}

void survey_plan(const struct provider_exchange *exchange, struct survey *ret_survey)
{
	const struct provider_question *question = exchange->access->questions;
	struct error error;

	*ret_survey = (struct survey){ .exchange = exchange, .for_plan = true };
	for (; question->path != NULL; question++) {
		if (!question->planned)
			continue;
		bool answered =
			ask(ret_survey, question, exchange->access->scope, &error) == ERROR_NONE;
		bool refused = !answered && error.http_status >= 400 && error.http_status < 500;
		if (!answered && (!refused || error.class == ERROR_RATE_LIMITED))
			return;
	}
}
