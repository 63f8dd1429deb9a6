/*
 * What stands in clear where a secret may: sealed, opened by the same app alone, and shown to
 * nobody.
 *
 * covers: src/core/secret_input.c src/base/record_visit.c
 */
#include <string.h>

#include "base/record.h"
#include "core/reference.h"
#include "core/secret.h"
#include "core/secret_input.h"
#include "harness/json_text.h"
#include "harness/suite.h"

struct item {
	const char *name, *value, *kind;
};
static const struct field item_fields[] = {
	{ STRING_FIELD("name", struct item, name), .required = true },
	{ STRING_FIELD("value", struct item, value), .secret = true,
		.clear_where = { "kind", "plain" } },
	{ STRING_FIELD("kind", struct item, kind) },
};
static const struct record item_record = RECORD(struct item, item_fields);

struct input {
	const char *open, *text;
	struct string_list list;
	struct string_map map;
	struct object_list items;
	const void *object;
};
static const struct field input_fields[] = {
	{ STRING_FIELD("open", struct input, open) },
	{ STRING_FIELD("text", struct input, text), .secret = true },
	{ STRINGS_FIELD("list", struct input, list), .secret = true },
	{ MAP_FIELD("map", struct input, map), .secret = true },
	{ OBJECTS_FIELD("items", struct input, items), .record = &item_record },
	{ OBJECT_FIELD("object", struct input, object), .record = &item_record },
};
static const struct record input_record = RECORD(struct input, input_fields);

static struct secret_key_pair keys;
static struct arena arena;
static struct error error;
static size_t count;

static void set_up(void)
{
	secret_key_make(&keys);
	arena_init(&arena, 0);
	count = 0;
}

static void tear_down(void)
{
	arena_release(&arena);
}

static enum error_class seal(const char *public_key, const char *app, cJSON *json)
{
	struct secret_sealing sealing = {
		.public_key = public_key, .app = { "one", app }, .arena = &arena
	};
	enum error_class class =
		secret_input_seal(&sealing, &input_record, json, "/inputs/x", &error);
	/* As a step of another workflow that takes the same input: nothing is sealed twice. */
	if (class == ERROR_NONE)
		class = secret_input_seal(&sealing, &input_record, json, "/inputs/x", &error);
	count += sealing.count;
	return class;
}

static cJSON *sealed(const char *app, const char *text)
{
	cJSON *json = cJSON_Parse(text);
	ck_assert_ptr_nonnull(json);
	ck_assert_msg(seal(keys.public_key, app, json) == ERROR_NONE, "%s", error.message);
	return json;
}

static enum error_class open_one(
	void *context, const struct reference *reference, cJSON **ret_value, struct error *into)
{
	const struct secret_name name = { "one", context, SECRET_INPUT_NAME };
	const char *value;
	if (reference->kind != REFERENCE_SEALED) {
		*ret_value = cJSON_CreateString("<value>");
		return ERROR_NONE;
	}
	if (secret_open(keys.private_key, &name,
		    arena_copy(&arena, reference->text, reference->length), &arena, &value,
		    into) != ERROR_NONE)
		return into->class;
	*ret_value = cJSON_CreateString(value);
	return ERROR_NONE;
}

/* What a worker of the app makes of it. */
static const char *opened(const char *app, cJSON *json)
{
	char name[32];
	strcpy(name, app);
	const struct reference_source source = { open_one, name, NULL };
	if (references_put(json, "/input", &source, &error) != ERROR_NONE)
		return error_class_facts(error.class)->name;
	return json_print(&arena, json);
}

START_TEST(test_clear_values_are_sealed_and_a_worker_opens_them)
{
	static const char clear[] =
		"{\"open\":\"to-be-seen\",\"text\":\"hunter2\",\"list\":[\"hunter3\"],"
		"\"map\":{\"hunter\":\"hunter4\"},\"items\":[{\"name\":\"N\",\"value\":\"x\"},"
		"{\"name\":\"M\",\"value\":\"seen\",\"kind\":\"plain\"}],"
		"\"object\":{\"name\":\"O\",\"value\":\"hunter5\"}}";
	cJSON *json = sealed("one", clear);
	const char *text = json_print(&arena, json);
	ck_assert_uint_eq(count, 5);
	for (const char *word = "hunter2\0hunter3\0hunter4\0hunter5\0\"x\"\0"; *word != '\0';
		word += strlen(word) + 1)
		ck_assert_msg(strstr(text, word) == NULL, "%s stands in %s", word, text);
	ck_assert_ptr_nonnull(strstr(text, J("'seen'")));
	ck_assert_ptr_nonnull(strstr(text, "to-be-seen"));
	ck_assert_str_eq(opened("one", json), clear);
	cJSON_Delete(json);
}
END_TEST

START_TEST(test_what_is_sealed_for_one_app_opens_for_no_other)
{
	cJSON *json = sealed("one", J("{'text':'hunter2'}"));
	ck_assert_str_eq(opened("two", json), "invalid_input");
	cJSON_Delete(json);
}
END_TEST

START_TEST(test_what_names_its_secret_stays_as_it_is_written)
{
	static const char text[] =
		"{\"text\":\"key=${secret.KEY}\",\"list\":[\"${config.a|lower|default:}\",\"${"
		"step.one.id}\",\"\"],"
		"\"items\":\"${config.items}\"}";
	cJSON *json = sealed("one", text);
	ck_assert_uint_eq(count, 0);
	ck_assert_str_eq(json_print(&arena, json), text);
	cJSON_Delete(json);
}
END_TEST

START_TEST(test_clear_text_beside_a_reference_is_sealed_without_it)
{
	cJSON *json = sealed("one", J("{'text':'postgres://u:pw$${x}@${step.db.host}/d'}"));
	const char *text = json_member_string(json, "text");
	/* Longer than what random base64 is likely to have in it. */
	ck_assert_ptr_null(strstr(text, "u:pw"));
	ck_assert_ptr_null(strstr(text, "postgres"));
	ck_assert_ptr_nonnull(strstr(text, "${step.db.host}"));
	ck_assert_str_eq(opened("one", json), J("{'text':'postgres://u:pw${x}@<value>/d'}"));
	cJSON_Delete(json);
}
END_TEST

START_TEST(test_what_looks_like_ours_is_clear_text_of_a_client)
{
	cJSON *json = sealed(
		"one", J("{'text':'${sealed.00000000.AAAA}','list':['${secret.A}${sealed.1.x}']}"));
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(opened("one", json),
		J("{'text':'${sealed.00000000.AAAA}','list':['<value>${sealed.1.x}']}"));
	cJSON_Delete(json);
}
END_TEST

START_TEST(test_long_texts_are_sealed_whole)
{
	char *text = arena_allocate(&arena, 40001);
	memset(text, 'a', 40000);
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "text", text);
	ck_assert_int_eq(seal(keys.public_key, "one", json), ERROR_NONE);
	ck_assert_ptr_null(strstr(json_member_string(json, "text"), "aaaaaaaaaaaaaaaa"));
	ck_assert_uint_eq(strlen(opened("one", json)), 40000 + strlen(J("{'text':''}")));
	cJSON_Delete(json);
}
END_TEST

START_TEST(test_what_cannot_be_sealed_is_refused_with_its_place)
{
	static const struct {
		const char *text, *place;
	} cases[] = {
		{ "{\"text\":12345678}", "/inputs/x/text" },
		{ "{\"text\":{\"a\":\"b\"}}", "/inputs/x/text" },
		{ "{\"list\":\"hunter2\",\"map\":[\"a\"]}", "/inputs/x/map" },
		{ "{\"items\":{\"value\":\"hunter2\"}}", "/inputs/x/items" },
		{ "{\"items\":\"hunter2\"}", "/inputs/x/items" },
		{ "{\"object\":\"${config.a} hunter2\"}", "/inputs/x/object" },
		{ "{\"items\":[[\"hunter2\"]]}", "/inputs/x/items/0" },
		{ "{\"object\":[{\"value\":\"hunter2\"}]}", "/inputs/x/object" },
		{ "{\"text\":\"${nothing.x}\"}", "/inputs/x/text" },
		/* A default is clear text as well. */
		{ "{\"text\":\"${config.a|default:hunter2}\"}", "/inputs/x/text" },
		{ "{\"list\":[\"${secret.A} ${step.b.c|default:hunter2}\"]}", "/inputs/x/list/0" },
		{ "{\"items\":\"${config.a|default:hunter2}\"}", "/inputs/x/items" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cJSON *json = cJSON_Parse(cases[i].text);
		ck_assert_msg(seal(keys.public_key, "one", json) == ERROR_INVALID_INPUT, "took %s",
			cases[i].text);
		ck_assert_str_eq(error.place, cases[i].place);
		cJSON_Delete(json);
	}
	cJSON *json = cJSON_Parse(J("{'object':{'value':'hunter2'}}"));
	ck_assert_int_eq(seal(NULL, "one", json), ERROR_INVALID_REQUEST);
	ck_assert_str_eq(error.place, "/inputs/x/object/value");
	cJSON_Delete(json);
}
END_TEST

START_TEST(test_a_member_that_no_table_has_is_refused_where_secrets_are)
{
	static const struct field open_fields[] = { { STRING_FIELD("open", struct input, open) } };
	static const struct record open_record = RECORD(struct input, open_fields);
	static const struct {
		const char *text, *place;
	} cases[] = {
		{ "{\"txet\":\"hunter2\"}", "/inputs/x/txet" },
		{ "{\"items\":[{\"name\":\"N\",\"valeu\":\"hunter2\"}]}",
			"/inputs/x/items/0/valeu" },
		{ "{\"object\":{\"a\":{\"value\":\"hunter2\"}}}", "/inputs/x/object/a" },
		{ "[\"hunter2\"]", "/inputs/x" },
		{ "\"hunter2\"", "/inputs/x" },
		{ "{\"open\":\"a\",\"map\":{\"any\":\"a\"},\"gone\":null,\"items\":[{\"name\":"
		  "\"N\"}]}",
			NULL },
		{ "null", NULL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cJSON *json = cJSON_Parse(cases[i].text);
		enum error_class class =
			secret_input_check_members(&input_record, json, "/inputs/x", &error);
		ck_assert_msg(class == (cases[i].place != NULL ? ERROR_INVALID_INPUT : ERROR_NONE),
			"%s", cases[i].text);
		if (cases[i].place != NULL)
			ck_assert_str_eq(error.place, cases[i].place);
		ck_assert_int_eq(
			secret_input_check_members(&open_record, json, "/inputs/x", &error),
			ERROR_NONE);
		cJSON_Delete(json);
	}
}
END_TEST

START_TEST(test_nothing_of_what_is_sealed_is_shown)
{
	cJSON *json = sealed("one",
		J("{'open':'a','text':'hunter2','list':['hunter3','${secret.A}'],"
		  "'items':[{'name':'N','value':'x${step.a.b}'}]}"));
	cJSON *places = cJSON_CreateArray();
	ck_assert_int_eq(secret_input_hide(json, "", places, &error), ERROR_NONE);
	ck_assert_str_eq(json_print(&arena, json),
		J("{'open':'a','list':[null,'${secret.A}'],'items':[{'name':'N'}]}"));
	ck_assert_str_eq(json_print(&arena, places), J("['/text','/list/0','/items/0/value']"));
	cJSON_Delete(places);
	cJSON_Delete(json);
}
END_TEST

START_TEST(test_only_texts_can_be_secret)
{
	static const struct field bad_fields[] = { { JSON_FIELD("any", struct item, name),
		.secret = true } };
	static const struct record bad_record = RECORD(struct item, bad_fields);
	static const struct field above_fields[] = { { OBJECT_FIELD("o", struct input, object),
		.record = &bad_record } };
	static const struct record above_record = RECORD(struct input, above_fields);
	ck_assert_int_eq(secret_record_check(&input_record, &error), ERROR_NONE);
	ck_assert_int_eq(secret_record_check(&above_record, &error), ERROR_INVALID_INPUT);
	ck_assert_ptr_nonnull(strstr(error.message, "'any'"));
}
END_TEST

START_TEST(test_the_schema_says_what_is_write_only)
{
	cJSON *schema;
	ck_assert_int_eq(record_schema(&input_record, &schema, &error), ERROR_NONE);
	const cJSON *properties = json_member(schema, "properties");
	const cJSON *item =
		json_member(json_member(json_member(properties, "items"), "items"), "properties");
	ck_assert(cJSON_IsTrue(json_member(json_member(properties, "text"), "writeOnly")));
	ck_assert(cJSON_IsTrue(
		json_member(json_member(json_member(properties, "list"), "items"), "writeOnly")));
	ck_assert(cJSON_IsTrue(json_member(
		json_member(json_member(properties, "map"), "additionalProperties"), "writeOnly")));
	ck_assert(cJSON_IsTrue(json_member(json_member(item, "value"), "writeOnly")));
	ck_assert_ptr_null(json_member(json_member(properties, "open"), "writeOnly"));
	ck_assert_ptr_null(json_member(json_member(item, "name"), "writeOnly"));
	cJSON_Delete(schema);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_clear_values_are_sealed_and_a_worker_opens_them,
		test_what_is_sealed_for_one_app_opens_for_no_other,
		test_what_names_its_secret_stays_as_it_is_written,
		test_clear_text_beside_a_reference_is_sealed_without_it,
		test_what_looks_like_ours_is_clear_text_of_a_client,
		test_long_texts_are_sealed_whole,
		test_what_cannot_be_sealed_is_refused_with_its_place,
		test_a_member_that_no_table_has_is_refused_where_secrets_are,
		test_nothing_of_what_is_sealed_is_shown, test_only_texts_can_be_secret,
		test_the_schema_says_what_is_write_only, NULL };
	return suite_main("secret_input", tests, set_up, tear_down);
}
