/*
 * Errors as problem documents.
 *
 * covers: src/api/response.c
 */
#include <string.h>

#include "api/request.h"
#include "harness/suite.h"

static struct response response;
static struct error error;

static void setup(void)
{
	response_init(&response);
	memset(&error, 0, sizeof(error));
}

static void teardown(void)
{
	response_release(&response);
}

static cJSON *document(void)
{
	struct error broken;
	cJSON *json;
	response_problem(&response, &error, NULL, NULL);
	ck_assert_str_eq(response.content_type, "application/problem+json");
	ck_assert_int_eq(json_parse(buffer_text(&response.body), response.body.length,
				 JSON_LIMITS_WIDE, &json, &broken),
		ERROR_NONE);
	return json;
}

START_TEST(test_a_response_is_well_formed_whatever_is_in_it)
{
	cJSON *json = cJSON_CreateObject();
	ck_assert_ptr_nonnull(cJSON_AddStringToObject(json, "key", "a\xff\xc3\xa9"));
	ck_assert_int_eq(response_json(&response, 200, json, &error), ERROR_NONE);
	ck_assert_str_eq(buffer_text(&response.body), "{\"key\":\"a?\xc3\xa9\"}\n");
	response_release(&response);
	response_init(&response);
	struct json_writer writer = json_writer_to(&response.body, 0);
	json_write_text(&writer, "\xe2\x82");
	ck_assert_int_eq(response_written(&response, 200, &writer, &error), ERROR_NONE);
	ck_assert_str_eq(buffer_text(&response.body), "\"??\"\n");
}
END_TEST

START_TEST(test_remedy_names_what_to_change)
{
	error_set(&error, ERROR_CONFLICT_FOREIGN, "acme/docs is another's");
	error_remedy(&error, "https://github.com/acme/docs", "Choose another name.");
	memcpy(error.remedy_input, "name", sizeof("name"));
	cJSON *json = document();
	const cJSON *remedy = json_member(json, "remedy");
	ck_assert_int_eq(response.status, 409);
	ck_assert_str_eq(json_member_string(json, "class"), "conflict_foreign");
	ck_assert_str_eq(json_member_string(remedy, "text"), "Choose another name.");
	ck_assert_str_eq(json_member_string(remedy, "url"), "https://github.com/acme/docs");
	ck_assert_str_eq(json_member_string(remedy, "inputKey"), "name");
	cJSON_Delete(json);
}
END_TEST

START_TEST(test_remedy_of_the_class)
{
	error_set(&error, ERROR_NOT_FOUND, "no such app");
	cJSON *json = document();
	const cJSON *remedy = json_member(json, "remedy");
	ck_assert_str_eq(
		json_member_string(remedy, "text"), error_class_facts(ERROR_NOT_FOUND)->remedy);
	ck_assert_ptr_null(json_member(remedy, "url"));
	ck_assert_ptr_null(json_member(remedy, "inputKey"));
	cJSON_Delete(json);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_remedy_names_what_to_change, test_remedy_of_the_class,
		test_a_response_is_well_formed_whatever_is_in_it, NULL };
	return suite_main("responses", tests, setup, teardown);
}
