/*
 * An error as clients read it: members that have nothing to say are left out, and the class gives
 * its own remedy.
 *
 * covers: src/core/error_json.c
 */
#include <string.h>

#include "core/error_json.h"
#include "harness/json_text.h"
#include "harness/suite.h"

static const char *printed(struct arena *arena, const struct error *source)
{
	struct error error;
	const char *text = NULL;
	ck_assert_int_eq(error_print(source, arena, &text, &error), ERROR_NONE);
	return text;
}

START_TEST(test_an_error_has_the_remedy_of_its_class)
{
	struct arena arena;
	arena_init(&arena, 0);

	const char *text = error_text(&arena, ERROR_CANCELLED, "stopped");

	ck_assert_str_eq(text,
		J("{'class':'cancelled','message':'stopped','retryable':false,"
		  "'remedy':{'text':'Trigger the step again to continue.'}}"));
	arena_release(&arena);
}
END_TEST

START_TEST(test_an_error_of_a_provider_names_the_exchange)
{
	struct error source;
	struct arena arena;
	arena_init(&arena, 0);
	error_set(&source, ERROR_NOT_READY, "building");
	error_at(&source, "/input/name");
	error_exchange(&source, "github", 404, "gone", "A:1");

	ck_assert_str_eq(printed(&arena, &source),
		J("{'class':'not_ready','message':'building','retryable':true,'place':'/input/"
		  "name',"
		  "'provider':'github','httpStatus':404,'providerCode':'gone','requestId':'A:1'}"));
	arena_release(&arena);
}
END_TEST

START_TEST(test_a_remedy_that_is_set_replaces_that_of_the_class)
{
	struct error source;
	struct arena arena;
	arena_init(&arena, 0);
	error_set(&source, ERROR_TIMEOUT, "late");
	error_remedy(&source, "https://example.com/status", "Wait.");
	strcpy(source.remedy_input, "name");

	ck_assert_str_eq(printed(&arena, &source),
		J("{'class':'timeout','message':'late','retryable':true,"
		  "'remedy':{'text':'Wait.','url':'https://example.com/"
		  "status','inputKey':'name'}}"));
	arena_release(&arena);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_an_error_has_the_remedy_of_its_class,
		test_an_error_of_a_provider_names_the_exchange,
		test_a_remedy_that_is_set_replaces_that_of_the_class, NULL };
	return suite_main("error_json", tests, NULL, NULL);
}
