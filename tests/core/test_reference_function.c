/*
 * Functions in references: what each makes of a value, at the trigger and in a worker, and how a
 * wrong one is refused.
 *
 * covers: src/core/reference_function.c src/core/reference.c
 */
#include <stdio.h>
#include <string.h>

#include "core/reference.h"
#include "harness/json_text.h"
#include "harness/suite.h"
#include "slipway/field.h"

static struct error error;

/* The values of a config, as mode trigger looks them up. A step is left for the worker. */
static enum error_class look_up(
	void *context, const struct reference *reference, cJSON **ret_value, struct error *into)
{
	if (reference->kind != REFERENCE_CONFIG)
		return ERROR_NONE;
	const cJSON *value = json_member(context, reference->parts[0]);
	if (value == NULL && !reference_calls_default(&reference->calls))
		return error_set(into, ERROR_INVALID_INPUT, "no such value");
	*ret_value = value != NULL ? cJSON_Duplicate(value, true) : cJSON_CreateNull();
	return ERROR_NONE;
}

/* What becomes of {"x": text}, as JSON text, or the message and the place of the error. */
static char *resolved(const char *text, const char *config)
{
	static char result[2048];
	cJSON *json = cJSON_CreateObject(), *values = cJSON_Parse(config);
	const struct reference_source source = { look_up, values, NULL };

	ck_assert_ptr_nonnull(values);
	ck_assert_ptr_nonnull(cJSON_AddStringToObject(json, "x", text));
	memset(&error, 0, sizeof(error));
	if (references_resolve(json, "/in", &source, NULL, NULL, &error) == ERROR_NONE)
		ck_assert(cJSON_PrintPreallocated(json, result, sizeof(result), false));
	else
		snprintf(result, sizeof(result), "%s: %s", error.place, error.message);
	cJSON_Delete(json);
	cJSON_Delete(values);
	return result;
}

START_TEST(test_functions_are_applied_from_left_to_right)
{
	static const char *const cases[][3] = {
		{ "${config.a|lower}", "{'a':'My SITE'}", "{'x':'my site'}" },
		{ "${config.a|slug}", "{'a':'My SITE'}", "{'x':'my-site'}" },
		{ "${config.a|default:b}", "{}", "{'x':'b'}" },
		{ "${config.a|default:b}", "{'a':''}", "{'x':'b'}" },
		{ "${config.a|default:b}", "{'a':null}", "{'x':'b'}" },
		{ "${config.a|default:b}", "{'a':'c'}", "{'x':'c'}" },
		{ "${config.a|default:b}", "{'a':0}", "{'x':0}" },
		{ "${config.a|default:b}", "{'a':[1]}", "{'x':[1]}" },
		{ "${config.a|default:}", "{}", "{'x':''}" },
		{ "${config.a|default:My Site|slug}", "{}", "{'x':'my-site'}" },
		{ "${config.a|lower|default:B}", "{'a':'A'}", "{'x':'a'}" },
		{ "${config.a|lower|default:B}", "{'a':null}", "{'x':'B'}" },
		{ "https://${config.a|slug}.example/${config.b|default:x.y: z}", "{'a':'A b'}",
			"{'x':'https://a-b.example/x.y: z'}" },
		{ "${config.a|lower}", "{'a':null}", "{}" },
		{ "${config.a|slug}", "{'a':7.5}", "{'x':'7-5'}" },
		{ "${config.a|lower}", "{'a':true}", "{'x':'true'}" },
		/* What a function gives is text, whatever it looks like. */
		{ "${config.a|lower}", "{'a':'${SECRET.A}'}", "{'x':'$${secret.a}'}" },
		{ "${config.a|default:$}{config.b}", "{}", "{'x':'$${config.b}'}" },
		/* Left for the worker as it is written. */
		{ "${step.a.b|default:x|slug}", "{}", "{'x':'${step.a.b|default:x|slug}'}" },
		{ "a ${step.a.b|slug} ${config.c|slug}", "{'c':'D'}",
			"{'x':'a ${step.a.b|slug} d'}" },
		{ "$${config.a|slug}", "{}", "{'x':'$${config.a|slug}'}" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_str_eq(resolved(cases[i][0], J(cases[i][1])), J(cases[i][2]));
}
END_TEST

#define TEN "abcdefghij"

START_TEST(test_a_slug_is_a_label_of_a_host)
{
	static const char *const cases[][2] = {
		{ "Stra\xc3\x9f"
		  "e \xc3\x9c"
		  "ber M\xc3\xbcnchen",
			"strasse-uber-munchen" },
		{ "Caf\xc3\xa9 & Cr\xc3\xa8me", "cafe-creme" },
		{ "Cafe\xcc\x81", "cafe" },
		{ "  --Ada's  site!--", "ada-s-site" },
		{ "a_b.c/d\\e\nf", "a-b-c-d-e-f" },
		{ "\xc5\x81\xc3\xb3"
		  "d\xc5\xba",
			"odz" }, /* no decomposition of the first */
		{ "x\xe6\x97\xa5\xe6\x9c\xac"
		  "y",
			"xy" },
		{ "so\xc2\xad"
		  "ft",
			"soft" },
		{ "\xef\xac\x81le \xc2\xb2", "file-2" },
		{ TEN TEN TEN TEN TEN TEN "abc and more", TEN TEN TEN TEN TEN TEN "abc" },
		{ TEN TEN TEN TEN TEN TEN "ab and more", TEN TEN TEN TEN TEN TEN "ab" },
		{ TEN TEN TEN TEN TEN TEN "a and more", TEN TEN TEN TEN TEN TEN "a-a" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct reference_calls slug = { .list = { { .function = FUNCTION_SLUG } },
			.count = 1 };
		cJSON *value = cJSON_CreateString(cases[i][0]);
		/* The second time changes nothing. */
		for (int times = 0; times < 2; times++) {
			ck_assert_int_eq(reference_calls_apply(&slug, &value, &error), ERROR_NONE);
			ck_assert_str_eq(value->valuestring, cases[i][1]);
		}
		cJSON_Delete(value);
	}
}
END_TEST

START_TEST(test_case_is_of_no_language_in_particular)
{
	ck_assert_str_eq(
		resolved("${config.a|lower}", J("{'a':'\xc3\x84 I \xce\xa3\xce\x91\xce\xa3'}")),
		J("{'x':'\xc3\xa4 i \xcf\x83\xce\xb1\xcf\x82'}"));
}
END_TEST

START_TEST(test_what_is_wrong_with_a_function_is_said_at_its_place)
{
	static const char *const cases[][3] = {
		{ "${config.a|upper}", "{'a':'b'}", "not a function" },
		{ "${config.a|}", "{'a':'b'}", "not a function" },
		{ "${config.a||slug}", "{'a':'b'}", "not a function" },
		{ "${config.a| slug}", "{'a':'b'}", "not a function" },
		{ "${config.a|Slug}", "{'a':'b'}", "not a function" },
		{ "${config.a|slug:3}", "{'a':'b'}", "has an argument that takes none" },
		{ "${config.a|lower:}", "{'a':'b'}", "has an argument that takes none" },
		{ "${config.a|default}", "{}", "lacks its argument" },
		{ "${config.a|default:${config.b}}", "{}", "a reference stands in" },
		{ "${config.a|slug|slug|slug|slug|slug}", "{'a':'b'}", "too many functions" },
		{ "${step.a.b|upper}", "{}", "not a function" },
		{ "${secret.A|lower}", "{}", "no function can be applied to a secret" },
		{ "x ${secret.A|default:b}", "{}", "no function can be applied to a secret" },
		{ "${sealed.a.b|lower}", "{}", "no function can be applied to a secret" },
		{ "${|slug}", "{}", "not a reference" },
		{ "${config|slug}", "{}", "not a reference" },
		{ "${config.a|slug", "{}", "not a reference" },
		{ "${config.a|slug}", "{}", "no such value" },
		{ "x${config.a|slug}", "{'a':null}", "${config.a|slug} has no value" },
		{ "${config.a|slug}", "{'a':'?!'}", "slug leaves nothing of '?!'" },
		{ "${config.a|slug}", "{'a':''}", "slug leaves nothing of ''" },
		{ "x${config.a|slug}", "{'a':['b']}",
			"slug takes a text, and the value is a list" },
		{ "${config.a|lower}", "{'a':{}}", "lower takes a text, and the value is a map" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *found = resolved(cases[i][0], J(cases[i][1]));
		ck_assert_int_eq(error.class, ERROR_INVALID_INPUT);
		ck_assert_msg(
			strncmp(found, "/in/x: ", 7) == 0 && strstr(found, cases[i][2]) != NULL,
			"%s: %s", cases[i][0], found);
	}
}
END_TEST

/* A worker's output: null where the step has none. */
static enum error_class look_up_output(
	void *context, const struct reference *reference, cJSON **ret_value, struct error *into)
{
	(void)into;
	const cJSON *value = json_member(context, reference->parts[1]);
	*ret_value = value != NULL ? cJSON_Duplicate(value, true) : cJSON_CreateNull();
	return ERROR_NONE;
}

START_TEST(test_a_worker_applies_them_to_outputs)
{
	cJSON *output = cJSON_Parse(J("{'name':'My ${Site}'}"));
	cJSON *json = cJSON_Parse(J("{'a':'${step.one.name|lower}','b':'${step.one.none|lower}',"
				    "'c':'x-${step.one.none|default:${|slug}'}"));
	const struct reference_source source = { look_up_output, output, NULL };
	ck_assert_int_eq(references_put(json, "/input", &source, &error), ERROR_INVALID_INPUT);
	ck_assert_str_eq(error.place, "/input/c");
	cJSON_Delete(json);
	json = cJSON_Parse(J("{'a':'${step.one.name|lower}','b':'${step.one.none|lower}',"
			     "'c':'x-${step.one.none|default:NO|lower}'}"));
	ck_assert_int_eq(references_put(json, "/input", &source, &error), ERROR_NONE);
	char *text = cJSON_PrintUnformatted(json);
	ck_assert_str_eq(text, J("{'a':'my ${site}','c':'x-no'}"));
	cJSON_free(text);
	cJSON_Delete(json);
	cJSON_Delete(output);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_functions_are_applied_from_left_to_right,
		test_a_slug_is_a_label_of_a_host, test_case_is_of_no_language_in_particular,
		test_what_is_wrong_with_a_function_is_said_at_its_place,
		test_a_worker_applies_them_to_outputs, NULL };
	return suite_main("reference_function", tests, NULL, NULL);
}
