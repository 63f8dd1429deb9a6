/*
 * References, needs, inputs and the check of compiled-in workflows.
 *
 * covers: src/core/workflow.c src/core/reference.c src/core/input.c
 */
#include <stdio.h>
#include <string.h>

#include "core/input.h"
#include "harness/json_text.h"
#include "harness/suite.h"

struct empty {
	const char *text, *password;
	int64_t size;
	struct string_map map;
};
static const struct field fields[] = {
	{ STRING_FIELD("text", struct empty, text), .maximum = 20 },
	{ STRING_FIELD("password", struct empty, password), .secret = true },
	{ INTEGER_FIELD("size", struct empty, size), .minimum = 1, .maximum = 9 },
	{ MAP_FIELD("map", struct empty, map) },
};

static enum action_result run_nothing(
	struct action_context *context, const void *input, void *checkpoint, void *output)
{
	(void)context;
	(void)input;
	(void)checkpoint;
	(void)output;
	return ACTION_DONE;
}

static const struct action_definition action = { .id = "test.nothing",
	.summary = "Does nothing",
	.input = RECORD(struct empty, fields),
	.output = RECORD(struct empty, fields),
	.run = run_nothing };

static const struct step_definition good_steps[] = {
	{ .id = "one", .action = &action, .input_key = "first" },
	{ .id = "two",
		.action = &action,
		.input_key = "second",
		.bind = BIND(
			{ .field = "text", .value = "${step.one.text}", .overridable = true }) },
	{ .id = "three", .action = &action, .input_key = "third", .needs = NEEDS("two") },
};
static const struct workflow_definition good = { "good", "A good one", good_steps,
	ARRAY_LEN(good_steps) };

static struct error error;

START_TEST(test_sound_workflow_passes)
{
	ck_assert_msg(workflow_check(&good, &error) == ERROR_NONE, "%s", error.message);
	ck_assert_msg(workflow_check_all(&error) == ERROR_NONE, "%s", error.message);
}
END_TEST

static void assert_unsound(const struct step_definition *steps, size_t count, const char *word)
{
	const struct workflow_definition bad = { "bad", "A bad one", steps, count };
	ck_assert_int_eq(workflow_check(&bad, &error), ERROR_INVALID_INPUT);
	ck_assert_msg(
		strstr(error.message, word) != NULL, "'%s' does not say '%s'", error.message, word);
}

START_TEST(test_apps_deployed_without_regard_to_order)
{
	/* Order is checked when the program is built: no cycle and no unknown step gets as far as a
	 * deployment. */
	const struct step_definition cycle[] = {
		{ .id = "one", .action = &action, .needs = NEEDS("two") },
		{ .id = "two",
			.action = &action,
			.bind = BIND({ .field = "text", .value = "x ${step.one.text}" }) },
	};
	assert_unsound(cycle, 2, "cycle");
	const struct step_definition unknown[] = {
		{ .id = "one", .action = &action, .needs = NEEDS("nine") }
	};
	assert_unsound(unknown, 1, "nine");
	const struct step_definition itself[] = { { .id = "one",
		.action = &action,
		.bind = BIND({ .field = "text", .value = "${step.one.text}" }) } };
	assert_unsound(itself, 1, "itself");
}
END_TEST

START_TEST(test_unsound_workflows_are_refused)
{
	const struct step_definition twice[] = { { .id = "one", .action = &action },
		{ .id = "one", .action = &action } };
	assert_unsound(twice, 2, "twice");
	const struct step_definition output[] = { { .id = "one", .action = &action },
		{ .id = "two",
			.action = &action,
			.bind = BIND({ .field = "text", .value = "${step.one.nothing}" }) } };
	assert_unsound(output, 2, "no output");
	const struct step_definition single[] = { { .id = "one", .action = &action },
		{ .id = "two",
			.action = &action,
			.bind = BIND({ .field = "text", .value = "${step.one.text.x}" }) } };
	assert_unsound(single, 2, "'text' of the step 'one' is a single value: it has no 'x'");
	const struct step_definition field[] = {
		{ .id = "one", .action = &action, .bind = BIND({ .field = "txet", .value = "a" }) }
	};
	assert_unsound(field, 1, "binds a field");
	const struct step_definition malformed[] = { { .id = "one",
		.action = &action,
		.bind = BIND({ .field = "text", .value = "${one}" }) } };
	assert_unsound(malformed, 1, "not a reference");
	const struct step_definition id[] = { { .id = "a b", .action = &action } };
	assert_unsound(id, 1, "invalid");
	const struct step_definition plan[] = { { .id = "plan", .action = &action } };
	assert_unsound(plan, 1, "reserved for plans");
	const struct step_definition guard[] = { { .id = "as-planned", .action = &action } };
	assert_unsound(guard, 1, "reserved for plans");
}
END_TEST

START_TEST(test_functions_in_bindings_are_checked_when_the_program_is_built)
{
	static const struct {
		const char *field, *value, *word;
	} cases[] = {
		{ "text", "${step.one.text|slugg}", "not a function" },
		{ "text", "${config.name|default}", "lacks its argument" },
		{ "text", "${step.one.map|slug}", "'map' of the step 'one' is a map" },
		{ "text", "${step.one.none|slug}", "no output" },
		{ "password", "${secret.A|lower}", "no function can be applied to a secret" },
		{ "password", "${config.a|default:clear}", "it binds a text to a secret field" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct step_definition steps[] = { { .id = "one", .action = &action },
			{ .id = "two",
				.action = &action,
				.bind = BIND(
					{ .field = cases[i].field, .value = cases[i].value }) } };
		assert_unsound(steps, 2, cases[i].word);
	}
	const struct step_definition sound[] = { { .id = "one", .action = &action },
		{ .id = "two",
			.action = &action,
			.bind = BIND({ .field = "text",
				.value = "${step.one.map.a|slug}-${step.one.size|default:x}" }) } };
	const struct workflow_definition workflow = { "sound", "A sound one", sound, 2 };
	struct step_set needs;
	ck_assert_msg(workflow_check(&workflow, &error) == ERROR_NONE, "%s", error.message);
	ck_assert_int_eq(step_needs(&workflow, &sound[1], NULL, "", &needs, &error), ERROR_NONE);
	ck_assert(needs.contains[0]);
}
END_TEST

START_TEST(test_needs_come_from_names_bindings_and_input)
{
	struct step_set needs;
	cJSON *input = cJSON_Parse(J("{'text':'a ${step.one.text} b'}"));
	ck_assert_int_eq(step_needs(&good, &good_steps[2], input, "/inputs/third", &needs, &error),
		ERROR_NONE);
	ck_assert(needs.contains[0] && needs.contains[1] && !needs.contains[2]);
	cJSON_Delete(input);
	input = cJSON_Parse(J("{'text':'${step.one.map.any}'}"));
	ck_assert_int_eq(step_needs(&good, &good_steps[2], input, "/inputs/third", &needs, &error),
		ERROR_NONE);
	ck_assert(needs.contains[0]);
	cJSON_Delete(input);
	input = cJSON_Parse(J("{'text':'${step.nine.text}'}"));
	ck_assert_int_eq(step_needs(&good, &good_steps[2], input, "/inputs/third", &needs, &error),
		ERROR_INVALID_INPUT);
	ck_assert_str_eq(error.place, "/inputs/third/text");
	cJSON_Delete(input);
}
END_TEST

#define CONFIG                                                                                     \
	"{\"name\":\"n\",\"deep\":{\"size\":4},"                                                   \
	"\"secret\":\"${secret.KEY}\",\"dollar\":\"a$\",\"rest\":\"{secret.KEY}\",\"escape\":\"$$" \
	"{x\"}"

/* Builds the input of a step of `good` and gives it as text, or "" where it was refused. */
static void build(size_t step, const char *cached, const char *own, char *text, size_t size)
{
	cJSON *cached_json = cJSON_Parse(cached), *own_json = cJSON_Parse(own), *input;
	cJSON *config = cJSON_Parse(CONFIG), *env = cJSON_Parse(J("{'TOP':'t'}"));
	cJSON *secrets = cJSON_Parse(J("{'KEY':'sealed'}"));
	const struct input_sources sources = { &good, &good_steps[step], cached_json, own_json,
		config, env, secrets, NULL, "acme" };
	text[0] = '\0';
	if (input_build(&sources, &input, &error) == ERROR_NONE) {
		ck_assert(cJSON_PrintPreallocated(input, text, (int)size, false));
		cJSON_Delete(input);
	}
	cJSON_Delete(cached_json);
	cJSON_Delete(own_json);
	cJSON_Delete(config);
	cJSON_Delete(env);
	cJSON_Delete(secrets);
}

START_TEST(test_input_is_binding_under_cache_under_trigger)
{
	char text[256];
	build(1, "{}", "{}", text, sizeof(text));
	ck_assert_str_eq(text, J("{'text':'${step.one.text}'}"));
	build(1, J("{'second':{'text':'cached','size':2}}"), "{}", text, sizeof(text));
	ck_assert_str_eq(text, J("{'text':'cached','size':2}"));
	build(1, J("{'second':{'text':'cached','size':2}}"), J("{'second':{'text':'own'}}"), text,
		sizeof(text));
	ck_assert_str_eq(text, J("{'size':2,'text':'own'}"));
}
END_TEST

START_TEST(test_what_is_bound_no_input_replaces)
{
	const struct step_definition steps[] = {
		{ .id = "one", .action = &action, .input_key = "first" },
		{ .id = "two",
			.action = &action,
			.input_key = "second",
			.bind = BIND({ .field = "text", .value = "${step.one.text}" }) }
	};
	const struct workflow_definition strict = { "strict", "Binds", steps, ARRAY_LEN(steps) };
	static const char *const others[] = { "{\"second\":{\"text\":\"mine\"}}",
		"{\"second\":{\"text\":null}}" };
	for (size_t i = 0; i < 2 * ARRAY_LEN(others); i++) {
		cJSON *inputs = cJSON_Parse(others[i / 2]), *input = NULL;
		struct input_sources sources = { &strict, &steps[1], NULL, NULL, NULL, NULL, NULL,
			NULL, NULL };
		*(i % 2 == 0 ? &sources.cached_inputs : &sources.trigger_inputs) = inputs;
		ck_assert_int_eq(input_build(&sources, &input, &error), ERROR_INVALID_INPUT);
		ck_assert_str_eq(error.place, "/inputs/second/text");
		ck_assert_str_eq(error.remedy_input, "text");
		cJSON_Delete(inputs);
	}
}
END_TEST

START_TEST(test_a_pattern_has_words)
{
	static const struct field bare[] = { { STRING_FIELD("text", struct empty, text),
		.pattern = "^a$" } };
	static const struct action_definition wordless = { .id = "test.wordless",
		.summary = "Asks by a pattern alone",
		.input = RECORD(struct empty, bare),
		.run = run_nothing };
	static const struct step_definition steps[] = {
		{ .id = "one", .action = &wordless, .input_key = "one" }
	};
	assert_unsound(steps, 1, "in words");
}
END_TEST

/* By what is configured and what a trigger gives, each alone and both together. */
START_TEST(test_where_a_secret_goes_no_input_says)
{
	static const struct {
		const char *cached, *trigger;
		bool fits;
	} rows[] = {
		{ "{}", "{\"second\":{\"text\":\"mine\",\"password\":\"${secret.KEY}\"}}", false },
		{ "{\"second\":{\"password\":\"${secret.KEY}\"}}",
			"{\"second\":{\"text\":\"mine\"}}", false },
		{ "{\"second\":{\"text\":\"mine\"}}", "{\"second\":{\"password\":\"in clear\"}}",
			false },
		{ "{\"second\":{\"password\":\"${secret.KEY}\"}}", "{\"second\":{\"text\":null}}",
			false },
		{ "{\"second\":{\"password\":\"${secret.KEY}\"}}",
			"{\"second\":{\"text\":\"mine\",\"password\":null}}", true },
		{ "{\"second\":{\"password\":\"${secret.KEY}\"}}", "{}", true },
		{ "{}",
			"{\"second\":{\"text\":\"${step.one.text}\",\"password\":\"${secret.KEY}\"}"
			"}",
			true },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cJSON *cached = cJSON_Parse(rows[i].cached),
		      *trigger = cJSON_Parse(rows[i].trigger), *input = NULL;
		cJSON *secrets = cJSON_Parse(J("{'KEY':'1'}"));
		const struct input_sources sources = { .workflow = &good,
			.step = &good_steps[1],
			.cached_inputs = cached,
			.trigger_inputs = trigger,
			.secrets = secrets };
		enum error_class class = input_build(&sources, &input, &error);
		ck_assert_int_eq(class, rows[i].fits ? ERROR_NONE : ERROR_INVALID_INPUT);
		if (!rows[i].fits)
			ck_assert_str_eq(error.place, "/inputs/second/text");
		cJSON_Delete(input);
		cJSON_Delete(secrets);
		cJSON_Delete(trigger);
		cJSON_Delete(cached);
	}
}
END_TEST

/* The alias is a domain of the app where it has one, and whoever triggers steps says which. */
START_TEST(test_a_secret_goes_to_no_domain_of_the_app)
{
	static const char *const ids[] = { "site", "fork-and-deploy" };
	static const struct {
		const char *trigger, *url;
	} rows[] = {
		{ "{\"check\":{\"protectionBypass\":\"${secret.KEY}\"}}",
			"${step.deployment.url}" },
		{ "{\"check\":{\"protectionBypass\":\"in-clear\",\"url\":\"${step.deployment.alias}"
		  "\"}}",
			"${step.deployment.url}" },
		{ "{\"check\":{\"protectionBypass\":null}}", "${step.deployment.alias}" },
		{ "{}", "${step.deployment.alias}" },
	};
	for (size_t i = 0; i < ARRAY_LEN(ids) * ARRAY_LEN(rows); i++) {
		const struct workflow_definition *workflow =
			workflow_find(ids[i / ARRAY_LEN(rows)]);
		cJSON *trigger = cJSON_Parse(rows[i % ARRAY_LEN(rows)].trigger), *input = NULL;
		cJSON *secrets = cJSON_Parse(J("{'KEY':'1'}"));
		const struct input_sources sources = { .workflow = workflow,
			.step = workflow_step(workflow, "check"),
			.trigger_inputs = trigger,
			.secrets = secrets };
		ck_assert_int_eq(input_build(&sources, &input, &error), ERROR_NONE);
		ck_assert_str_eq(json_member_string(input, "url"), rows[i % ARRAY_LEN(rows)].url);
		cJSON_Delete(input);
		cJSON_Delete(secrets);
		cJSON_Delete(trigger);
	}
}
END_TEST

/* The worker puts them in: until then an input has only the name. */
START_TEST(test_secrets_stay_references_and_count_as_input)
{
	char text[256], before[DIGEST_SIZE], after[DIGEST_SIZE];
	build(0, J("{'first':{'password':'${secret.KEY}'}}"), "{}", text, sizeof(text));
	ck_assert_str_eq(text, J("{'password':'${secret.KEY}'}"));
	build(0, "{}", J("{'first':{'password':'a ${secret.NONE}'}}"), text, sizeof(text));
	ck_assert_str_eq(text, "");
	ck_assert_int_eq(error.class, ERROR_INVALID_INPUT);
	ck_assert_str_eq(error.place, "/inputs/first/password");
	cJSON *input = cJSON_Parse(J("{'text':'a ${secret.KEY}'}"));
	cJSON *old = cJSON_Parse(J("{'KEY':'1','OTHER':'2'}")),
	      *same = cJSON_Parse(J("{'KEY':'1'}"));
	cJSON *new = cJSON_Parse(J("{'KEY':'3'}"));
	ck_assert_int_eq(input_digest(input, old, before, &error), ERROR_NONE);
	ck_assert_int_eq(input_digest(input, same, after, &error), ERROR_NONE);
	ck_assert_str_eq(before, after);
	ck_assert_int_eq(input_digest(input, new, after, &error), ERROR_NONE);
	ck_assert_str_ne(before, after);
	cJSON_Delete(new);
	cJSON_Delete(same);
	cJSON_Delete(old);
	cJSON_Delete(input);
}
END_TEST

START_TEST(test_environment_values_baked_into_code)
{
	/* They are the app's own, put in when a step is triggered; a missing one is named. */
	char text[256];
	build(0, J("{'first':{'text':'${config.name}-${env.TOP}','size':'${config.deep.size}'}}"),
		"{}", text, sizeof(text));
	ck_assert_str_eq(text, J("{'text':'n-t','size':4}"));
	build(0, "{}", J("{'first':{'text':'${env.MISSING}'}}"), text, sizeof(text));
	ck_assert_str_eq(text, "");
	ck_assert_int_eq(error.class, ERROR_INVALID_INPUT);
	ck_assert_str_eq(error.place, "/inputs/first/text");
	ck_assert_ptr_nonnull(strstr(error.message, "MISSING"));
}
END_TEST

START_TEST(test_a_default_stands_for_what_the_app_lacks)
{
	char text[256];
	build(0, "{}", J("{'first':{'text':'${env.NONE|default:main}'}}"), text, sizeof(text));
	ck_assert_str_eq(text, J("{'text':'main'}"));
	build(0, "{}", J("{'first':{'text':'${config.deep.none.at.all|default:main}'}}"), text,
		sizeof(text));
	ck_assert_str_eq(text, J("{'text':'main'}"));
	/* What a function gives has to fit as well. */
	build(0, "{}", J("{'first':{'text':'${config.no|default:123456789012345678901}'}}"), text,
		sizeof(text));
	ck_assert_str_eq(error.place, "/inputs/first/text");
	build(0, "{}", J("{'first':{'text':'${config.name|slugg}'}}"), text, sizeof(text));
	ck_assert_str_eq(error.place, "/inputs/first/text");
	ck_assert_ptr_nonnull(strstr(error.remedy, "default:My site|slug"));
}
END_TEST

START_TEST(test_bad_input_is_refused_with_its_place)
{
	static const struct {
		const char *own, *place;
	} cases[] = {
		{ "{\"first\":{\"size\":10}}", "/inputs/first/size" },
		{ "{\"first\":{\"txet\":\"a\"}}", "/inputs/first/txet" },
		{ "{\"first\":3}", "/inputs/first" },
		{ "{\"fisrt\":{}}", "/inputs/fisrt" },
		{ "{\"first\":{\"text\":\"${nonsense\"}}", "/inputs/first/text" },
		{ "{\"first\":{\"text\":\"${config.name}aaaaaaaaaaaaaaaaaaaaaaa\"}}",
			"/inputs/first/text" },
	};
	char text[256];
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		build(0, "{}", cases[i].own, text, sizeof(text));
		ck_assert_msg(text[0] == '\0', "accepted %s", cases[i].own);
		ck_assert_str_eq(error.place, cases[i].place);
		/* Which member it is, for a client that leads a person there; none where it is the
		 * step's input itself.
		 */
		const char *member = strlen(cases[i].place) > strlen("/inputs/first/")
			? cases[i].place + strlen("/inputs/first/")
			: "";
		ck_assert_str_eq(error.remedy_input, member);
	}
}
END_TEST

START_TEST(test_all_faults_of_an_input_are_found_at_once)
{
	static const char *const places[] = { "/inputs/second/text", "/inputs/second/none",
		"/inputs/second/size" };
	cJSON *own = cJSON_Parse(
		J("{'second':{'size':10,'text':'${step.nine.text}','none':'${config.no}'}}"));
	const struct input_sources sources = { &good, &good_steps[1], NULL, own, NULL, NULL, NULL,
		NULL, NULL };
	struct faults faults;
	ck_assert_int_eq(input_faults(&sources, &faults, &error), ERROR_NONE);
	ck_assert_uint_eq(faults.count, ARRAY_LEN(places));
	for (size_t i = 0; i < faults.count; i++) {
		bool known = false;
		for (size_t j = 0; j < ARRAY_LEN(places); j++)
			known = known || strcmp(faults.list[i].place, places[j]) == 0;
		ck_assert_msg(known, "%s", faults.list[i].place);
		ck_assert_str_eq(
			faults.list[i].remedy_input, strrchr(faults.list[i].place, '/') + 1);
	}
	cJSON_Delete(own);
}
END_TEST

/* A run that a rate limit parks for its whole window has to have time left when that opens. */
START_TEST(test_runs_outlast_a_rate_limit)
{
	for (size_t i = 0; i < good.step_count; i++)
		ck_assert_uint_ge(step_run_timeout_s(&good.steps[i]), 2 * 3600);
	for (size_t i = 0; workflows[i] != NULL; i++)
		for (size_t j = 0; j < workflows[i]->step_count; j++)
			ck_assert_uint_ge(step_run_timeout_s(&workflows[i]->steps[j]), 2 * 3600);
}
END_TEST

/* A value that has what looks like an escape, or like a reference. */
static enum error_class look_up_odd(
	void *context, const struct reference *reference, cJSON **ret_value, struct error *into)
{
	(void)context;
	(void)reference;
	(void)into;
	*ret_value = cJSON_CreateString("pa$${x}$${secret.B}");
	return ERROR_NONE;
}

/* The input as its action reads it. */
static void check_values(const char *given, const struct record *record, const char *expected)
{
	cJSON *json;
	ck_assert_int_eq(input_read(given, &json, &error), ERROR_NONE);
	ck_assert_int_eq(input_put_values(json, record, look_up_odd, NULL, &error), ERROR_NONE);
	char *text = cJSON_PrintUnformatted(json);
	ck_assert_str_eq(text, expected);
	cJSON_free(text);
	cJSON_Delete(json);
}

static void check_put(const char *given, const char *expected)
{
	static const struct field put_fields[] = { { STRING_FIELD("a", struct string_pair, name),
		.secret = true } };
	static const struct record record = RECORD(struct string_pair, put_fields);
	check_values(given, &record, expected);
}

/* An output that a done step does not have. */
static enum error_class look_up_null(
	void *context, const struct reference *reference, cJSON **ret_value, struct error *into)
{
	(void)context;
	(void)reference;
	(void)into;
	*ret_value = cJSON_CreateNull();
	return ERROR_NONE;
}

START_TEST(test_nothing_inside_a_text_is_an_error_that_names_it)
{
	const struct reference_source nothing = { look_up_null, NULL, NULL };
	struct error found;
	cJSON *json = cJSON_Parse(J("{'text':'https://${app.a.b.c.host}/x'}"));
	ck_assert_int_eq(references_put(json, "/input", &nothing, &found), ERROR_INVALID_INPUT);
	ck_assert_str_eq(found.place, "/input/text");
	ck_assert_ptr_nonnull(strstr(found.message, "${app.a.b.c.host}"));
	cJSON_Delete(json);
	json = cJSON_Parse(J("{'text':'${step.b.host}'}"));
	ck_assert_int_eq(references_put(json, "/input", &nothing, &found), ERROR_NONE);
	ck_assert_ptr_null(json->child);
	cJSON_Delete(json);
}
END_TEST

START_TEST(test_escaped_references_are_text)
{
	check_put(J("{'a':'$${config.x} costs $5','b':['$$${c']}"),
		J("{'a':'${config.x} costs $5','b':['$${c']}"));
	/* What is put in is nobody's writing: a password of these characters has to arrive as it
	 * is. */
	check_put(J("{'a':'${secret.A}'}"), J("{'a':'pa$${x}$${secret.B}'}"));
	check_put(J("{'a':'$${b}-${secret.A}-$${c}$${'}"),
		J("{'a':'${b}-pa$${x}$${secret.B}-${c}${'}"));
}
END_TEST

static void check_refused(const char *text, const char *place)
{
	char input[256], built[256];
	ck_assert_int_lt(
		snprintf(input, sizeof(input), J("{'first':%s}"), text), (int)sizeof(input));
	build(0, "{}", input, built, sizeof(built));
	ck_assert_msg(built[0] == '\0', "%s was taken", text);
	ck_assert_int_eq(error.class, ERROR_INVALID_INPUT);
	ck_assert_str_eq(error.place, place);
}

/* Whoever may trigger a step must not choose where the app's secrets go. */
START_TEST(test_secrets_stand_in_secret_fields_only)
{
	check_refused(J("{'text':'${secret.KEY}'}"), "/inputs/first/text");
	check_refused(J("{'text':'x=${secret.KEY}'}"), "/inputs/first/text");
	check_refused(J("{'size':'${secret.KEY}'}"), "/inputs/first/size");
	check_refused(J("{'text':'${sealed.00000000.AAAA}'}"), "/inputs/first/text");
	const struct step_definition bound[] = { { .id = "one",
		.action = &action,
		.bind = BIND({ .field = "text", .value = "${secret.KEY}" }) } };
	assert_unsound(bound, 1, "binds a secret");
	const struct step_definition clear[] = { { .id = "one",
		.action = &action,
		.bind = BIND({ .field = "password", .value = "hush-hush" }) } };
	assert_unsound(clear, 1, "binds a text to a secret field");
	const struct step_definition right[] = { { .id = "one",
		.action = &action,
		.bind = BIND({ .field = "password", .value = "${secret.KEY}" }) } };
	const struct workflow_definition workflow = { "right", "A right one", right, 1 };
	ck_assert_int_eq(workflow_check(&workflow, &error), ERROR_NONE);
}
END_TEST

/* What Redis holds may be of somebody else's making. */
START_TEST(test_a_worker_puts_secrets_into_secret_fields_only)
{
	cJSON *json = cJSON_Parse(J("{'text':'x ${secret.KEY}'}"));
	ck_assert_int_eq(input_put_values(json, &action.input, look_up_odd, NULL, &error),
		ERROR_INVALID_INPUT);
	ck_assert_str_eq(error.place, "/input/text");
	cJSON_Delete(json);
}
END_TEST

static void check_built(const char *text, const char *expected, const char *put)
{
	char built[256];
	build(0, "{}", text, built, sizeof(built));
	ck_assert_str_eq(built, expected);
	check_values(built, &action.input, put);
}

START_TEST(test_what_is_put_in_is_not_expanded_again)
{
	check_built(J("{'first':{'text':'${config.secret}'}}"), J("{'text':'$${secret.KEY}'}"),
		J("{'text':'${secret.KEY}'}"));
	check_built(J("{'first':{'password':'${config.secret}'}}"),
		J("{'password':'$${secret.KEY}'}"), J("{'password':'${secret.KEY}'}"));
	/* Two values, or a value and what is written, that are a reference together. */
	check_built(J("{'first':{'text':'${config.dollar}{secret.A}'}}"),
		J("{'text':'a$${secret.A}'}"), J("{'text':'a${secret.A}'}"));
	check_built(J("{'first':{'password':'${config.dollar}${config.rest}'}}"),
		J("{'password':'a$${secret.KEY}'}"), J("{'password':'a${secret.KEY}'}"));
	check_built(J("{'first':{'text':'${config.escape}y'}}"), J("{'text':'$$${xy'}"),
		J("{'text':'$${xy'}"));
	check_refused(J("{'password':'${config.dollar}${secret.KEY}'}"), "/inputs/first/password");
}
END_TEST

START_TEST(test_digests_are_of_what_is_said_not_of_its_order)
{
	char digest[DIGEST_SIZE], again[DIGEST_SIZE];
	cJSON *json = cJSON_Parse(J("{'b':[1,{'d':2,'c':3}],'a':1}"));
	ck_assert_int_eq(json_digest(json, digest, &error), ERROR_NONE);
	cJSON_Delete(json);
	json = cJSON_Parse(J("{'a':1,'b':[1,{'c':3,'d':2}]}"));
	ck_assert_int_eq(json_digest(json, again, &error), ERROR_NONE);
	ck_assert_str_eq(digest, again);
	cJSON_Delete(json);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_sound_workflow_passes,
		test_apps_deployed_without_regard_to_order, test_unsound_workflows_are_refused,
		test_needs_come_from_names_bindings_and_input,
		test_input_is_binding_under_cache_under_trigger,
		test_what_is_bound_no_input_replaces, test_where_a_secret_goes_no_input_says,
		test_a_secret_goes_to_no_domain_of_the_app, test_a_pattern_has_words,
		test_environment_values_baked_into_code,
		test_functions_in_bindings_are_checked_when_the_program_is_built,
		test_a_default_stands_for_what_the_app_lacks,
		test_secrets_stay_references_and_count_as_input,
		test_bad_input_is_refused_with_its_place, test_escaped_references_are_text,
		test_nothing_inside_a_text_is_an_error_that_names_it,
		test_secrets_stand_in_secret_fields_only,
		test_a_worker_puts_secrets_into_secret_fields_only,
		test_what_is_put_in_is_not_expanded_again,
		test_digests_are_of_what_is_said_not_of_its_order,
		test_all_faults_of_an_input_are_found_at_once, test_runs_outlast_a_rate_limit,
		NULL };
	return suite_main("workflow", tests, NULL, NULL);
}
