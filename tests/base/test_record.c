/*
 * Field tables: decode, encode, describe.
 *
 * covers: src/base/record.c src/base/record_decode.c
 */
#include <string.h>

#include "base/record.h"
#include "harness/json_text.h"
#include "harness/suite.h"

struct variable {
	const char *key;
	int64_t count;
};
static const struct field variable_fields[] = {
	{ STRING_FIELD("key", struct variable, key), .required = true, .pattern = "^[A-Z]+$",
		.form = "capital letters" },
	{ INTEGER_FIELD("count", struct variable, count), .minimum = 1, .maximum = 9,
		.fallback = "3" },
};
static const struct record variable_record = RECORD(struct variable, variable_fields);

struct sample {
	const char *name, *kind, *id, *raw;
	int64_t size;
	bool open;
	struct string_list tags;
	struct string_map labels;
	struct object_list variables;
	const void *first;
};
static const char *const kinds[] = { "plain", "secret", NULL };
static const struct field sample_fields[] = {
	{ STRING_FIELD("name", struct sample, name), .required = true, .minimum = 2, .maximum = 5 },
	{ STRING_FIELD("kind", struct sample, kind), .values = kinds, .fallback = "plain" },
	{ SCALAR_FIELD("id", struct sample, id) },
	{ JSON_FIELD("raw", struct sample, raw) },
	{ INTEGER_FIELD("size", struct sample, size), .omit_zero = true },
	{ BOOLEAN_FIELD("open", struct sample, open), .fallback = "true" },
	{ STRINGS_FIELD("tags", struct sample, tags), .maximum = 2, .pattern = "^[a-z]+$" },
	{ MAP_FIELD("labels", struct sample, labels) },
	{ OBJECTS_FIELD("variables", struct sample, variables), .record = &variable_record },
	{ OBJECT_FIELD("first", struct sample, first), .record = &variable_record },
};
static const struct record sample_record = RECORD(struct sample, sample_fields);

static struct arena arena;
static struct error error;
static struct sample sample;

static void set_up(void)
{
	arena_init(&arena, 0);
}

static void tear_down(void)
{
	arena_release(&arena);
}

static enum error_class decode(const char *text, enum record_mode mode)
{
	cJSON *json = cJSON_Parse(text);
	ck_assert_ptr_nonnull(json);
	enum error_class class =
		record_decode(&sample_record, json, mode, "/in", &arena, &sample, &error);
	cJSON_Delete(json);
	return class;
}

START_TEST(test_decodes_every_type)
{
	ck_assert_msg(
		decode(J("{'name':'abc','id':12,'raw':{'x':[1]},'size':5,'open':false,'tags':["
			 "'a','b'],"
			 "'labels':{'k':'v'},'variables':[{'key':'A'},{'key':'B','count':9}],"
			 "'first':{'key':'C'}}"),
			RECORD_STRICT) == ERROR_NONE,
		"%s at %s", error.message, error.place);
	ck_assert_str_eq(sample.name, "abc");
	ck_assert_str_eq(sample.kind, "plain");
	ck_assert_str_eq(sample.id, "12");
	ck_assert_str_eq(sample.raw, J("{'x':[1]}"));
	ck_assert_int_eq(sample.size, 5);
	ck_assert(!sample.open);
	ck_assert_uint_eq(sample.tags.count, 2);
	ck_assert_str_eq(sample.labels.items[0].value, "v");
	const struct variable *variables = sample.variables.items;
	ck_assert_uint_eq(sample.variables.count, 2);
	ck_assert_int_eq(variables[0].count, 3);
	ck_assert_int_eq(variables[1].count, 9);
	ck_assert_str_eq(((const struct variable *)sample.first)->key, "C");
}
END_TEST

START_TEST(test_names_the_place_of_what_is_wrong)
{
	static const struct {
		const char *text, *place;
	} cases[] = {
		{ "{}", "/in/name" },
		{ "[]", "/in" },
		{ "{\"name\":null}", "/in/name" },
		{ "{\"name\":1}", "/in/name" },
		{ "{\"name\":\"a\"}", "/in/name" },
		{ "{\"name\":\"abcdef\"}", "/in/name" },
		{ "{\"name\":\"abc\",\"kind\":\"other\"}", "/in/kind" },
		{ "{\"name\":\"abc\",\"size\":1.5}", "/in/size" },
		{ "{\"name\":\"abc\",\"size\":1e300}", "/in/size" },
		{ "{\"name\":\"abc\",\"open\":1}", "/in/open" },
		{ "{\"name\":\"abc\",\"tags\":[\"a\",\"B\"]}", "/in/tags/1" },
		{ "{\"name\":\"abc\",\"tags\":[\"a\",\"b\",\"c\"]}", "/in/tags" },
		{ "{\"name\":\"abc\",\"labels\":{\"a/b\":1}}", "/in/labels/a~1b" },
		{ "{\"name\":\"abc\",\"variables\":[{\"key\":\"A\"},{\"key\":\"a\"}]}",
			"/in/variables/1/key" },
		{ "{\"name\":\"abc\",\"variables\":[{\"key\":\"A\",\"count\":10}]}",
			"/in/variables/0/count" },
		{ "{\"name\":\"abc\",\"nmae\":1}", "/in/nmae" },
		{ "{\"name\":\"abc\",\"Name\":1}", "/in/Name" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_msg(decode(cases[i].text, RECORD_STRICT) == ERROR_INVALID_INPUT,
			"accepted %s", cases[i].text);
		ck_assert_str_eq(error.place, cases[i].place);
	}
}
END_TEST

START_TEST(test_references_wait_for_their_values)
{
	ck_assert_int_eq(
		decode(J("{'name':'${config.name}','size':'${config.size}','tags':['${env.T}']}"),
			RECORD_REFERENCES),
		ERROR_NONE);
	ck_assert_int_eq(
		decode(J("{'name':'${config.name}'}"), RECORD_STRICT), ERROR_INVALID_INPUT);
	ck_assert_int_eq(
		decode(J("{'name':'abc','size':'$${x}'}"), RECORD_REFERENCES), ERROR_INVALID_INPUT);
}
END_TEST

START_TEST(test_lenient_passes_over_what_it_does_not_know)
{
	ck_assert_int_eq(decode(J("{'name':'abc','more':{'x':1}}"), RECORD_LENIENT), ERROR_NONE);
}
END_TEST

/* What a provider shows of others' things may be longer than anything that we
 * take from a client. */
START_TEST(test_lenient_bounds_no_text_that_states_no_bound)
{
	static char text[FIELD_STRING_MAX + 64];
	int length = snprintf(
		text, sizeof(text), J("{'name':'abc','id':'%0*d'}"), FIELD_STRING_MAX + 1, 0);
	ck_assert_int_lt(length, (int)sizeof(text));
	ck_assert_int_eq(decode(text, RECORD_STRICT), ERROR_INVALID_INPUT);
	ck_assert_str_eq(error.place, "/in/id");
	ck_assert_int_eq(decode(text, RECORD_LENIENT), ERROR_NONE);
	ck_assert_int_eq(decode(J("{'name':'abcdef'}"), RECORD_LENIENT), ERROR_INVALID_INPUT);
}
END_TEST

START_TEST(test_what_does_not_fit_is_told_in_words)
{
	ck_assert_int_eq(decode(J("{'name':'abc','variables':[{'key':'a'}]}"), RECORD_STRICT),
		ERROR_INVALID_INPUT);
	ck_assert_str_eq(error.place, "/in/variables/0/key");
	ck_assert_str_eq(error.message, "it must be capital letters");
	ck_assert_int_eq(
		decode(J("{'name':'abc','tags':['A']}"), RECORD_STRICT), ERROR_INVALID_INPUT);
	ck_assert_str_eq(error.message, "it does not have the form ^[a-z]+$");
}
END_TEST

START_TEST(test_encodes_what_it_decodes)
{
	static const char text[] =
		"{\"name\":\"abc\",\"kind\":\"plain\",\"open\":false,\"tags\":[\"a\"],"
		"\"variables\":[{\"key\":\"A\",\"count\":3}]}";
	cJSON *json;
	ck_assert_int_eq(decode(text, RECORD_STRICT), ERROR_NONE);
	ck_assert_int_eq(record_encode(&sample_record, &sample, &json, &error), ERROR_NONE);
	ck_assert_str_eq(json_print(&arena, json), text);
	cJSON_Delete(json);
}
END_TEST

/* Of values of every type, full and empty. */
START_TEST(test_writes_what_it_encodes)
{
	static const char *const texts[] = { "{'name':'abc'}",
		"{'name':'a\\n','id':12,'raw':{'x':[1, 2.5]},'size':5,'open':false,'tags':['a'],"
		"'labels':{'k':'v'},'variables':[{'key':'A'},{'key':'B','count':9}],"
		"'first':{'key':'C'}}" };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		CLEANUP_BUFFER struct buffer buffer = BUFFER_EMPTY(1000);
		struct json_writer writer = json_writer_to(&buffer, 0);
		cJSON *json;
		ck_assert_int_eq(decode(J(texts[i]), RECORD_STRICT), ERROR_NONE);
		ck_assert_int_eq(record_encode(&sample_record, &sample, &json, &error), ERROR_NONE);
		json_open(&writer, '{');
		ck_assert_int_eq(
			record_write(&sample_record, &sample, &writer, &error), ERROR_NONE);
		json_close(&writer, '}');
		ck_assert_str_eq(buffer_text(&buffer), json_print(&arena, json));
		cJSON_Delete(json);
	}
	CLEANUP_BUFFER struct buffer small = BUFFER_EMPTY(8);
	struct json_writer writer = json_writer_to(&small, 0);
	ck_assert_int_eq(
		record_write(&sample_record, &sample, &writer, &error), ERROR_OUT_OF_MEMORY);
}
END_TEST

START_TEST(test_schema_says_the_same)
{
	cJSON *schema;
	ck_assert_int_eq(record_schema(&variable_record, &schema, &error), ERROR_NONE);
	ck_assert_str_eq(json_print(&arena, schema),
		J("{'type':'object','properties':{'key':{'pattern':'^[A-Z]+$','maxLength':65536,"
		  "'type':'string'},'count':{'minimum':1,'maximum':9,'type':'integer','default':3}}"
		  ","
		  "'required':['key'],'additionalProperties':false}"));
	cJSON_Delete(schema);
}
END_TEST

START_TEST(test_members_are_taken_from_texts)
{
	static const struct {
		const char *text;
		int64_t count;
	} cases[] = { { "3", 3 }, { "-3", 0 }, { "three", 0 }, { "", 0 },
		{ "9007199254740993", JSON_INTEGER_MAX } };
	struct variable variable;

	record_clear(&variable_record, &variable);
	ck_assert_str_eq(variable.key, "");
	ck_assert(record_take(&variable_record, &variable, "key", "any text", &arena));
	ck_assert(record_take(&variable_record, &variable, "of a newer version", "x", &arena));
	ck_assert_str_eq(variable.key, "any text");
	ck_assert_int_eq(variable.count, 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert(record_take(&variable_record, &variable, "count", cases[i].text, &arena));
		ck_assert_int_eq(variable.count, cases[i].count);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_decodes_every_type,
		test_names_the_place_of_what_is_wrong, test_references_wait_for_their_values,
		test_lenient_passes_over_what_it_does_not_know,
		test_lenient_bounds_no_text_that_states_no_bound,
		test_what_does_not_fit_is_told_in_words, test_encodes_what_it_decodes,
		test_writes_what_it_encodes, test_schema_says_the_same,
		test_members_are_taken_from_texts, NULL };
	return suite_main("record", tests, set_up, tear_down);
}
