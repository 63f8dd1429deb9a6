/*
 * With which connection an action calls: asked for once, by the word of its step's row, and with
 * the rights that it has.
 *
 * covers: src/action/connection.c src/action/call.c
 */
#include <string.h>

#include "action/context.h"
#include "harness/suite.h"
#include "provider/providers.h"

static struct arena arena;
static struct settings settings;
static struct action_context context;
static struct connection connection;
static struct found_connection given;
static enum error_class refusal;
static int asked;
static const char *asked_provider, *asked_slot;

static enum error_class on_connection(void *backend, const char *provider, const char *slot,
	struct found_connection *ret_found, struct error *error)
{
	(void)backend;
	asked++;
	asked_provider = provider;
	asked_slot = slot;
	*ret_found = given;
	return refusal == ERROR_NONE ? ERROR_NONE : error_set(error, refusal, "there is none");
}

static const struct action_backend backend = { .connection = on_connection };
static const struct action_definition fork_action = { .id = "github.repository" },
				      check_action = { .id = "http.check" };
static const struct step_definition steps[] = {
	{ .id = "template", .action = &fork_action, .connection = "templates" },
	{ .id = "check", .action = &check_action, .connection = "templates" },
	{ .id = "repo", .action = &fork_action },
};
static const struct workflow_definition workflow = {
	.id = "w", .steps = steps, .step_count = ARRAY_LEN(steps)
};

static void setup(void)
{
	arena_init(&arena, 0);
	settings_init(&settings, SETTINGS_WORKER, providers_introduce());
	connection = (struct connection){
		.tenant = "one", .name = "main", .provider = "github", .kind = CONNECTION_TOKEN
	};
	given = (struct found_connection){ &connection, "of-one" };
	refusal = ERROR_NONE;
	asked = 0;
	context = (struct action_context){ .action = &fork_action,
		.workflow = &workflow,
		.step = "repo",
		.settings = &settings,
		.arena = &arena,
		.backend = &backend };
}

static void teardown(void)
{
	context_release(&context);
	arena_release(&arena);
}

START_TEST(test_it_is_asked_for_once_and_each_provider)
{
	struct provider_access access;

	ck_assert(context_access(&context, &github, &access));
	ck_assert(context_access(&context, &github, &access));
	ck_assert_int_eq(asked, 1);
	ck_assert_str_eq(access.token, "of-one");
	ck_assert_ptr_eq(access.connection, &connection);
	ck_assert_ptr_null(asked_slot);
	ck_assert(context_access(&context, &vercel, &access));
	ck_assert_str_eq(asked_provider, "vercel");
	ck_assert_int_eq(asked, 2);
}
END_TEST

/* Another attempt may find another one. */
START_TEST(test_what_is_refused_is_asked_for_again)
{
	struct provider_access access;

	refusal = ERROR_AUTH_MISSING;
	ck_assert(!context_access(&context, &github, &access));
	ck_assert_int_eq(context.error.class, ERROR_AUTH_MISSING);
	ck_assert_str_eq(context.error.provider, "github");
	refusal = ERROR_NONE;
	ck_assert(context_access(&context, &github, &access));
	ck_assert_int_eq(asked, 2);
}
END_TEST

/* Else a run would wait for what may have been made by it. */
START_TEST(test_a_call_without_one_has_made_nothing)
{
	static const enum error_class classes[] = { ERROR_AUTH_MISSING, ERROR_STORE_UNAVAILABLE,
		ERROR_OUTCOME_UNKNOWN, ERROR_INTERNAL };
	const struct provider_request request = { .method = HTTP_POST, .path = "/user/repos" };
	struct provider_response response;

	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		refusal = classes[i];
		ck_assert(!provider_call(&context, &github, &request, &response));
		ck_assert_int_eq(context.error.class, classes[i]);
		ck_assert(provider_made_nothing(&context));
	}
}
END_TEST

START_TEST(test_a_row_names_one_for_the_provider_of_its_action)
{
	struct provider_access access;

	context.step = "template";
	ck_assert(context_access(&context, &github, &access));
	ck_assert_str_eq(asked_slot, "templates");
	ck_assert(context_access(&context, &vercel, &access));
	ck_assert_ptr_null(asked_slot);
}
END_TEST

START_TEST(test_an_action_of_no_provider_has_the_usual_one)
{
	struct provider_access access;

	context.step = "check";
	context.action = &check_action;
	ck_assert(context_access(&context, &github, &access));
	ck_assert_ptr_null(asked_slot);
}
END_TEST

static bool has_rights(const char *provider, bool part, bool adopts, bool shares)
{
	const struct ledger_resource resource = {
		.provider = provider, .type = "repository", .key = "acme/docs", .part = part
	};
	memset(&context.error, 0, sizeof(context.error));
	return context_has_rights(&context, &resource, adopts, shares);
}

START_TEST(test_to_adopt_and_to_share_are_rights)
{
	ck_assert(has_rights("github", false, false, false));
	ck_assert_int_eq(asked, 0);
	ck_assert(!has_rights("github", false, true, false));
	ck_assert_int_eq(context.error.class, ERROR_NOT_ALLOWED);
	ck_assert_ptr_nonnull(strstr(context.error.message, "may not adopt the repository"));
	ck_assert_ptr_nonnull(strstr(context.error.remedy,
		"connection add main --tenant one --provider github --adopt"));
	ck_assert(has_rights("github", true, true, true));
	ck_assert(has_rights("http", false, true, true));
	connection.adopt = true;
	ck_assert(has_rights("github", false, true, false));
	ck_assert(!has_rights("github", false, true, true));
	ck_assert_ptr_nonnull(strstr(context.error.remedy,
		"connection add main --tenant one --provider github --share"));
	connection.share = true;
	ck_assert(has_rights("github", false, true, true));
}
END_TEST

START_TEST(test_that_of_the_settings_has_all_rights)
{
	given = (struct found_connection){ .connection = NULL };
	ck_assert(has_rights("github", false, true, true));
	context.backend = NULL;
	ck_assert(has_rights("vercel", false, true, true));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_it_is_asked_for_once_and_each_provider,
		test_what_is_refused_is_asked_for_again, test_a_call_without_one_has_made_nothing,
		test_a_row_names_one_for_the_provider_of_its_action,
		test_an_action_of_no_provider_has_the_usual_one,
		test_to_adopt_and_to_share_are_rights, test_that_of_the_settings_has_all_rights,
		NULL };
	return suite_main("connections of actions", tests, setup, teardown);
}
