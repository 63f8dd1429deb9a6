/*
 * github.secrets against a scripted GitHub, which opens what it gets with a real key.
 *
 * covers: workflows/actions/github_secrets.c
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "actions.h"
#include "harness/json_text.h"
#include "harness/suite.h"
#include "harness/trial.h"

#define BASE64 sodium_base64_VARIANT_ORIGINAL

struct key_pair {
	unsigned char public_key[crypto_box_PUBLICKEYBYTES], secret_key[crypto_box_SECRETKEYBYTES];
	char body[160]; /* as GitHub shows it */
};
static struct key_pair first, second;
static struct trial trial;

/* Key ids are longer than a number holds. */
static void make_key(struct key_pair *pair, const char *key_id)
{
	char text[64];
	crypto_box_keypair(pair->public_key, pair->secret_key);
	sodium_bin2base64(text, sizeof(text), pair->public_key, sizeof(pair->public_key), BASE64);
	snprintf(pair->body, sizeof(pair->body), J("{'key_id':'%s','key':'%s'}"), key_id, text);
}

static void setup(void)
{
	ck_assert_int_ge(sodium_init(), 0);
	make_key(&first, "568250167242549743");
	make_key(&second, "568250167242549744");
	trial_begin(&trial);
}

static void teardown(void)
{
	trial_end(&trial);
}

#define INPUT(secrets)           "{'repository':'acme/docs','secrets':[" secrets "]}"
#define IS(name, value)          "{'name':'" name "','value':'" value "'}"
#define API_KEY                  IS("API_KEY", "hush-hush")
#define BOTH                     INPUT(API_KEY "," IS("TOKEN", "na\xc3\xafve\\nin two lines"))
#define KEY                      "GET", "/github/repos/acme/docs/actions/secrets/public-key"
#define WRITE(name)              "PUT", "/github/repos/acme/docs/actions/secrets/" name
#define REFUSED                  "{'message':'Bad request - Secret is improperly encrypted'}"
#define COUNTS(created, updated) "{'created':" created ",'updated':" updated "}"

static enum action_result run_with(const struct peer_row *rows, const char *input, int attempts_max)
{
	peer_set(trial.peer, rows);
	trial_forget(&trial);
	return trial_run(&trial, &github_secrets, input, attempts_max);
}

static void check_failed(enum error_class class)
{
	ck_assert_msg(trial_error(&trial)->class == class, "%s: %s",
		error_class_facts(trial_error(&trial)->class)->name, trial_error(&trial)->message);
}

/* What GitHub got under the name has the key's id, and opens to the text. */
static void check_opens(
	const char *path, const struct key_pair *pair, const char *key_id, const char *text)
{
	unsigned char box[512], opened[512];
	size_t length = 0;
	cJSON *body = cJSON_Parse(peer_last(trial.peer, "PUT", path).body);
	const char *sealed = json_member_string(body, "encrypted_value");
	ck_assert_ptr_nonnull(sealed);
	ck_assert_str_eq(json_member_string(body, "key_id"), key_id);
	ck_assert_int_eq(cJSON_GetArraySize(body), 2);
	ck_assert_int_eq(sodium_base642bin(box, sizeof(box), sealed, strlen(sealed), NULL, &length,
				 NULL, BASE64),
		0);
	ck_assert_int_eq(
		crypto_box_seal_open(opened, box, length, pair->public_key, pair->secret_key), 0);
	ck_assert_uint_eq(length - crypto_box_SEALBYTES, strlen(text));
	ck_assert_int_eq(memcmp(opened, text, strlen(text)), 0);
	cJSON_Delete(body);
}

static void check_nothing_told(void)
{
	ck_assert_ptr_null(strstr(trial_output(&trial), "hush"));
	ck_assert_ptr_null(strstr(trial_checkpoint(&trial), "hush"));
	ck_assert_ptr_null(strstr(trial_saved(&trial), "hush"));
	ck_assert_ptr_null(strstr(trial_log(&trial), "hush"));
	ck_assert_ptr_null(strstr(trial_error(&trial)->message, "hush"));
}

START_TEST(test_seals_and_writes)
{
	const struct peer_row rows[] = {
		{ KEY, .status = 200, .body = first.body },
		{ WRITE("API_KEY"), .status = 201, .body = "{}" },
		{ WRITE("TOKEN"), .status = 204 },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, BOTH, 1), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J(COUNTS("1", "1")));
	check_opens("/github/repos/acme/docs/actions/secrets/API_KEY", &first, "568250167242549743",
		"hush-hush");
	check_opens("/github/repos/acme/docs/actions/secrets/TOKEN", &first, "568250167242549743",
		"na\xc3\xafve\nin two lines");
	ck_assert_uint_eq(peer_count(trial.peer, KEY), 1);
	check_nothing_told();
}
END_TEST

/* The key was changed in between: the new one is fetched, once, and serves for the rest. */
START_TEST(test_takes_a_new_key)
{
	const struct peer_row rows[] = {
		{ KEY, .status = 200, .body = first.body, .times = 1 },
		{ KEY, .status = 200, .body = second.body },
		{ WRITE("API_KEY"), .status = 422, .body = REFUSED, .times = 1 },
		{ WRITE("API_KEY"), .status = 204 },
		{ WRITE("TOKEN"), .status = 204 },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, BOTH, 1), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J(COUNTS("0", "2")));
	check_opens("/github/repos/acme/docs/actions/secrets/API_KEY", &second,
		"568250167242549744", "hush-hush");
	check_opens("/github/repos/acme/docs/actions/secrets/TOKEN", &second, "568250167242549744",
		"na\xc3\xafve\nin two lines");
	ck_assert_uint_eq(peer_count(trial.peer, KEY), 2);
}
END_TEST

START_TEST(test_refused_twice_is_refused)
{
	const struct peer_row rows[] = {
		{ KEY, .status = 200, .body = first.body },
		{ WRITE("API_KEY"), .status = 422, .body = REFUSED },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, BOTH, 1), ACTION_FAILED);
	check_failed(ERROR_INVALID_INPUT);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "API_KEY"));
	ck_assert_str_ne(trial_error(&trial)->remedy, "");
	ck_assert_uint_eq(peer_count(trial.peer, WRITE("API_KEY")), 2);
	check_nothing_told();
}
END_TEST

/* An answer is lost, an error comes after it was done, or a rate limit: the next attempt goes on
 * where it was. */
START_TEST(test_goes_on_where_it_was)
{
	static const struct peer_row ends[] = {
		{ WRITE("TOKEN"), .behaviour = PEER_DROPS, .times = 1 },
		{ WRITE("TOKEN"), .status = 502, .body = "{'message':'Server Error'}", .times = 1 },
		{ WRITE("TOKEN"), .status = 403,
			.body = "{'message':'You have exceeded a secondary rate limit'}",
			.times = 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		const struct peer_row rows[] = {
			{ KEY, .status = 200, .body = first.body },
			{ WRITE("API_KEY"), .status = 201, .body = "{}" },
			ends[i],
			{ WRITE("TOKEN"), .status = 204 },
			{ .method = NULL },
		};
		ck_assert_int_eq(run_with(rows, BOTH, 1), ACTION_FAILED);
		ck_assert(error_class_facts(trial_error(&trial)->class)->retryable);
		trial.closed_ms = 0;
		ck_assert_int_eq(trial_attempt(&trial, &github_secrets, BOTH), ACTION_DONE);
		ck_assert_str_eq(trial_output(&trial), J(COUNTS("1", "1")));
		ck_assert_uint_eq(peer_count(trial.peer, WRITE("API_KEY")), 1);
		check_nothing_told();
	}
}
END_TEST

START_TEST(test_waits_for_a_fresh_repository)
{
	const struct peer_row rows[] = {
		{ KEY, .status = 404, .body = "{'message':'Not Found'}", .times = 2 },
		{ KEY, .status = 200, .body = first.body },
		{ WRITE("API_KEY"), .status = 201, .body = "{}" },
		{ .method = NULL },
	};
	const struct peer_row never[] = {
		{ KEY, .status = 404, .body = "{'message':'Not Found'}" },
		{ .method = NULL },
	};
	trial_made(&trial, "github:repository:acme/docs", 5000);
	ck_assert_int_eq(run_with(rows, INPUT(API_KEY), 5), ACTION_DONE);
	ck_assert_int_eq(run_with(never, INPUT(API_KEY), 100), ACTION_FAILED);
	check_failed(ERROR_NOT_FOUND);
	ck_assert_str_ne(trial_error(&trial)->remedy, "");
	ck_assert_int_ge(trial.age_ms, 50000);
	/* The app did not make it just now: what GitHub says is final. */
	trial_made(&trial, "github:repository:acme/docs", 3600000);
	trial.age_ms = 0;
	ck_assert_int_eq(run_with(never, INPUT(API_KEY), 1), ACTION_FAILED);
	check_failed(ERROR_NOT_FOUND);
}
END_TEST

START_TEST(test_permission_is_missing_and_a_key_is_none)
{
	const struct peer_row refused[] = {
		{ KEY, .status = 200, .body = first.body },
		{ WRITE("API_KEY"), .status = 403,
			.body = "{'message':'Resource not accessible by integration'}" },
		{ .method = NULL },
	};
	const struct peer_row broken[] = {
		{ KEY, .status = 200, .body = "{'key_id':'1','key':'AAAA'}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(refused, INPUT(API_KEY), 1), ACTION_FAILED);
	check_failed(ERROR_SCOPE_MISSING);
	check_nothing_told();
	ck_assert_int_eq(run_with(broken, INPUT(API_KEY), 1), ACTION_FAILED);
	check_failed(ERROR_INTERNAL);
	ck_assert_uint_eq(peer_count(trial.peer, WRITE("API_KEY")), 0);
	check_nothing_told();
}
END_TEST

START_TEST(test_refuses_wrong_input)
{
	static const char *const inputs[] = { INPUT(IS("1ST", "hush")), INPUT(IS("A-B", "hush")),
		INPUT(IS("GITHUB_TOKEN", "hush")), INPUT(IS("A", "hush") "," IS("a", "hush")),
		INPUT(IS("A", "")) };
	static const struct peer_row rows[] = { { .method = NULL } };
	for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
		ck_assert_msg(run_with(rows, inputs[i], 1) == ACTION_FAILED, "%s", inputs[i]);
		check_failed(ERROR_INVALID_INPUT);
		check_nothing_told();
		ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 0);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_seals_and_writes, test_takes_a_new_key,
		test_refused_twice_is_refused, test_goes_on_where_it_was,
		test_waits_for_a_fresh_repository, test_permission_is_missing_and_a_key_is_none,
		test_refuses_wrong_input, NULL };
	return suite_main("github.secrets", tests, setup, teardown);
}
