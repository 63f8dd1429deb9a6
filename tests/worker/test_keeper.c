/*
 * What the keeper opens for whom, whatever an executor asks for: it is asked directly, with the
 * questions of executors that went wrong.
 *
 * covers: src/worker/keeper.c src/worker/handover.c src/base/settings_forget.c src/base/sweep.c
 */
#include <string.h>

#include "base/settings.h"
#include "base/sweep.h"
#include "core/connection.h"
#include "core/secret.h"
#include "harness/suite.h"
#include "worker/credentials.h"
#include "worker/handover.h"
#include "worker/keeper.h"

#define INPUT(value) "{\"secrets\":[{\"name\":\"DEPLOY_KEY\",\"value\":\"" value "\"}]}"

static struct secret_key_pair keys;
static struct handover handover;
static const struct credentials none;
static struct arena arena;
static struct error error;

static void set_up(void)
{
	arena_init(&arena, 0);
	secret_key_make(&keys);
	handover_begin(&handover);
}

static void tear_down(void)
{
	handover_end(&handover);
	arena_release(&arena);
}

static const char *seal(const char *app, const char *name, const char *value)
{
	const struct secret_name whose = { "one", app, name };
	const char *sealed;
	ck_assert_int_eq(
		secret_seal(keys.public_key, &whose, value, &arena, &sealed, &error), ERROR_NONE);
	return sealed;
}

/* Of a step that takes secrets, by the name of one. */
static struct opening question(const char *input, const char *reference, const char *sealed)
{
	return (struct opening){ .tenant = "one",
		.app = "mine",
		.workflow = "site",
		.step = "secrets",
		.input = input,
		.reference = reference,
		.owner = "mine",
		.name = reference,
		.provider = "",
		.record = "",
		.sealed = sealed,
		.key = handover.key };
}

static enum error_class ask(const struct opening *opening, const char **ret_text)
{
	const char *box;
	*ret_text = NULL;
	if (opening_answer(keys.private_key, &none, opening, &arena, &box, &error) != ERROR_NONE)
		return error.class;
	ck_assert_ptr_null(strstr(box, "value"));
	return handover_open(&handover, box, &arena, ret_text, &error);
}

static void expect_class(const struct opening *opening, enum error_class class)
{
	const char *text;
	ck_assert_msg(ask(opening, &text) == class, "%s", error.message);
	ck_assert_ptr_null(text);
}

static void expect_refusal(const struct opening *opening)
{
	expect_class(opening, ERROR_INVALID_INPUT);
}

START_TEST(a_secret_that_the_input_names_in_its_field_is_opened)
{
	const char *text;
	const struct opening opening =
		question(INPUT("${secret.KEY}"), "KEY", seal("mine", "KEY", "the value of it"));
	ck_assert_int_eq(ask(&opening, &text), ERROR_NONE);
	ck_assert_str_eq(text, "the value of it");
}
END_TEST

START_TEST(one_that_the_input_does_not_name_is_refused)
{
	const char *sealed = seal("mine", "KEY", "the value of it");
	struct opening opening = question(INPUT("${secret.OTHER}"), "KEY", sealed);
	expect_class(&opening, ERROR_NOT_ALLOWED);
	opening.input = INPUT("plain");
	expect_class(&opening, ERROR_NOT_ALLOWED);
	opening.input = "";
	expect_class(&opening, ERROR_NOT_ALLOWED);
	opening.input = "{";
	expect_refusal(&opening);
}
END_TEST

START_TEST(one_that_it_names_where_none_may_stand_is_refused)
{
	const char *sealed = seal("mine", "KEY", "the value of it");
	struct opening opening =
		question("{\"repository\":\"${secret.KEY}\",\"secrets\":[{\"name\":\"DEPLOY_KEY\","
			 "\"value\":\"${secret.KEY}\"}]}",
			"KEY", sealed);
	expect_refusal(&opening);
	opening.input = "{\"owner\":\"${secret.KEY}\"}";
	opening.step = "repo";
	expect_refusal(&opening);
	opening.step = "nothing";
	expect_refusal(&opening);
}
END_TEST

START_TEST(the_box_of_another_app_or_name_is_refused)
{
	struct opening opening =
		question(INPUT("${secret.KEY}"), "KEY", seal("yours", "KEY", "the value of it"));
	expect_refusal(&opening);
	opening.sealed = seal("mine", "ANOTHER", "the value of it");
	expect_refusal(&opening);
	opening.sealed = "sealed.00000000.AAAA";
	ck_assert_int_ne(opening_answer(keys.private_key, &none, &opening, &arena,
				 &(const char *){ NULL }, &error),
		ERROR_NONE);
}
END_TEST

START_TEST(what_is_sealed_in_the_input_is_opened_for_its_app_only)
{
	const char *sealed, *text;
	ck_assert_int_eq(secret_seal_input(keys.public_key, &(struct app_name){ "one", "mine" },
				 "in clear", &arena, &sealed, &error),
		ERROR_NONE);
	const char *input = arena_format(&arena, INPUT("${%s}"), sealed);
	struct opening opening = question(input, "", sealed);
	opening.owner = opening.name = "";
	ck_assert_int_eq(ask(&opening, &text), ERROR_NONE);
	ck_assert_str_eq(text, "in clear");
	opening.tenant = "two";
	expect_refusal(&opening);
	opening.tenant = "one";

	/* of an input that has another one, and of another app */
	opening.input = INPUT("${secret.KEY}");
	expect_class(&opening, ERROR_NOT_ALLOWED);
	opening.input = input;
	opening.app = "yours";
	opening.owner = "mine";
	expect_refusal(&opening);
}
END_TEST

START_TEST(a_dry_run_has_what_its_steps_have)
{
	const char *text, *sealed = seal("mine", "KEY", "the value of it");
	struct opening opening = question(
		"{\"steps\":[{\"id\":\"repo\",\"input\":\"{}\"},{\"id\":\"secrets\",\"input\":"
		"\"{\\\"secrets\\\":[{\\\"name\\\":\\\"A\\\",\\\"value\\\":\\\"${secret.KEY}"
		"\\\"}]}\"}]}",
		"KEY", sealed);
	opening.step = "plan";
	ck_assert_int_eq(ask(&opening, &text), ERROR_NONE);
	ck_assert_str_eq(text, "the value of it");
	opening.reference = opening.name = "OTHER";
	opening.sealed = seal("mine", "OTHER", "the value of it");
	expect_class(&opening, ERROR_NOT_ALLOWED);
}
END_TEST

START_TEST(nobody_but_who_asked_can_read_the_reply)
{
	const char *box, *text;
	struct handover another;
	const struct opening opening =
		question(INPUT("${secret.KEY}"), "KEY", seal("mine", "KEY", "the value of it"));
	ck_assert_int_eq(opening_answer(keys.private_key, &none, &opening, &arena, &box, &error),
		ERROR_NONE);
	handover_begin(&another);
	ck_assert_int_eq(handover_open(&another, box, &arena, &text, &error), ERROR_INTERNAL);
	ck_assert_int_eq(handover_open(&handover, "x", &arena, &text, &error), ERROR_INTERNAL);
	ck_assert_int_eq(handover_seal("no key", "x", &arena, &box, &error), ERROR_INTERNAL);
}
END_TEST

START_TEST(without_a_key_nothing_is_opened)
{
	const char *box;
	const struct opening opening =
		question(INPUT("${secret.KEY}"), "KEY", seal("mine", "KEY", "the value of it"));
	ck_assert_int_eq(
		opening_answer(NULL, &none, &opening, &arena, &box, &error), ERROR_AUTH_MISSING);
}
END_TEST

START_TEST(a_secret_of_the_settings_is_forgotten)
{
	struct settings settings;
	setenv("SLIPWAY_SECRETS_KEYS", keys.private_key, 1);
	setenv("SLIPWAY_REDIS_PASSWORD", "a password", 1);
	settings_init(&settings, SETTINGS_WORKER, NULL);
	ck_assert_int_eq(settings_load(&settings, &error), ERROR_NONE);
	const char *text = settings.secrets_keys;
	ck_assert_str_eq(text, keys.private_key);
	ck_assert(settings_came_once(&settings, "SLIPWAY_SECRETS_KEYS"));
	settings_forget(&settings, "SLIPWAY_SECRETS_KEYS");
	ck_assert_ptr_null(settings.secrets_keys);
	ck_assert_str_eq(text, "");
	ck_assert_str_eq(settings.redis_password, "a password");
	settings_forget(&settings, NULL);
	ck_assert_ptr_null(settings.redis_password);
	settings_release(&settings);
}
END_TEST

START_TEST(copies_that_nobody_counted_are_swept)
{
	static volatile char of_data[] = "left in a static array";
	volatile char on_stack[] = "left in a static array";
	char secret[] = "left in a static array";
	if (suite_under_valgrind())
		return;
	volatile char *in_heap = strdup(secret);
	memory_sweep(secret, strlen(secret));
#ifndef SLIPWAY_NO_SANDBOX
	ck_assert_int_eq(of_data[0] | on_stack[0] | in_heap[0], 0);
#endif
	ck_assert_int_eq(secret[0], 0);
	ck_assert_uint_eq(sizeof(of_data), sizeof(on_stack));
	free((char *)in_heap);
}
END_TEST

/* ---- credentials of connections ---- */

#define RECORD_OF_MINE                                                                             \
	"{\"provider\":\"github\",\"kind\":\"token\",\"owners\":[\"acme\"],\"apps\":[\"mi*\"]}"
#define RECORD_WIDENED                                                                             \
	"{\"provider\":\"github\",\"kind\":\"token\",\"owners\":[\"*\"],\"apps\":[\"*\"]}"

static const char *seal_credential(const char *record)
{
	const struct connection connection = { .tenant = "one", .name = "main" };
	const char *sealed;
	ck_assert_int_eq(connection_seal(keys.public_key, &connection, record, "value-of-token",
				 &arena, &sealed, &error),
		ERROR_NONE);
	return sealed;
}

static struct opening credential_question(const char *record)
{
	struct opening opening = question("", "", seal_credential(RECORD_OF_MINE));
	opening.owner = "";
	opening.name = "main";
	opening.provider = "github";
	opening.record = record;
	return opening;
}

START_TEST(the_credential_of_a_connection_is_opened_for_its_apps)
{
	struct opening opening = credential_question(RECORD_OF_MINE);
	const char *text;

	ck_assert_int_eq(ask(&opening, &text), ERROR_NONE);
	ck_assert_str_eq(text, "value-of-token");
	opening.app = "other";
	ck_assert_int_eq(ask(&opening, &text), ERROR_NOT_ALLOWED);
	ck_assert_ptr_null(text);
}
END_TEST

START_TEST(a_credential_is_opened_for_no_other_record_name_or_tenant)
{
	struct opening opening = credential_question(RECORD_WIDENED);
	const char *text;

	ck_assert_int_eq(ask(&opening, &text), ERROR_AUTH_MISSING);
	opening = credential_question(RECORD_OF_MINE);
	opening.name = "other";
	ck_assert_int_eq(ask(&opening, &text), ERROR_AUTH_MISSING);
	opening = credential_question(RECORD_OF_MINE);
	opening.tenant = "two";
	ck_assert_int_eq(ask(&opening, &text), ERROR_AUTH_MISSING);
	opening = credential_question("no record");
	ck_assert_int_ne(ask(&opening, &text), ERROR_NONE);
	ck_assert_ptr_null(text);
}
END_TEST

/* As if it stood among the secrets of an app, or in the input of a run. */
START_TEST(a_credential_is_no_secret)
{
	const struct opening named =
		question(INPUT("${secret.MAIN}"), "MAIN", seal_credential(RECORD_OF_MINE));
	const char *sealed = seal_credential(RECORD_OF_MINE);
	const struct opening in_input =
		question(arena_format(&arena,
				 "{\"secrets\":[{\"name\":\"A\",\"value\":\"${%s}\"}]}", sealed),
			"", sealed);

	expect_refusal(&named);
	expect_refusal(&in_input);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { a_secret_that_the_input_names_in_its_field_is_opened,
		one_that_the_input_does_not_name_is_refused,
		one_that_it_names_where_none_may_stand_is_refused,
		the_box_of_another_app_or_name_is_refused,
		what_is_sealed_in_the_input_is_opened_for_its_app_only,
		a_dry_run_has_what_its_steps_have, nobody_but_who_asked_can_read_the_reply,
		without_a_key_nothing_is_opened, a_secret_of_the_settings_is_forgotten,
		copies_that_nobody_counted_are_swept,
		the_credential_of_a_connection_is_opened_for_its_apps,
		a_credential_is_opened_for_no_other_record_name_or_tenant,
		a_credential_is_no_secret, NULL };
	return suite_main("keeper", tests, set_up, tear_down);
}
