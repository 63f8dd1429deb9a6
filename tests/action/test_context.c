/*
 * What an action sees: results, checkpoint, ledger, gate, decoding.
 *
 * covers: src/action/context.c src/action/ledger.c src/action/call.c
 */
#include <string.h>

#include "base/redact.h"
#include "harness/json_text.h"
#include "harness/named_setting.h"
#include "harness/suite.h"
#include "harness/trial.h"
#include "slipway/provider.h"

static struct trial trial;

static void setup(void)
{
	trial_begin(&trial);
}

static void teardown(void)
{
	trial_end(&trial);
}

struct input {
	const char *what;
};
static const struct field input_fields[] = { { STRING_FIELD("what", struct input, what),
	.required = true } };

struct checkpoint {
	int64_t calls;
	const char *seen;
};
static const struct field checkpoint_fields[] = {
	{ INTEGER_FIELD("calls", struct checkpoint, calls) },
	{ STRING_FIELD("seen", struct checkpoint, seen) },
};

struct output {
	const char *text;
	int64_t calls;
};
static const struct field output_fields[] = {
	{ STRING_FIELD("text", struct output, text) },
	{ INTEGER_FIELD("calls", struct output, calls) },
};

struct named {
	const char *name;
};
static const struct field named_fields[] = { { STRING_FIELD("name", struct named, name),
	.required = true } };
static const struct record named_record = RECORD(struct named, named_fields);

static enum action_result call(
	struct action_context *context, const char *path, struct output *output)
{
	struct provider_response response;
	struct named named;
	const struct provider_request request = { .path = path };
	if (!provider_call(context, &github, &request, &response) ||
		!provider_decode(context, &response, &named_record, &named))
		return action_failed(context);
	output->text = named.name;
	return action_done(context);
}

/* Fails by itself, after a call whose refusal it expected and, where asked, one that went well. */
static enum action_result fail_after(
	struct action_context *context, const char *path, bool calls_more)
{
	struct provider_response response;
	const struct provider_request request = { .path = path, .expect = { 422 } },
				      more = { .path = "/ok" };
	if (!provider_call(context, &github, &request, &response))
		return action_fail(context, ERROR_APP_NOT_INSTALLED, "worse: %s",
			action_error(context)->message);
	if (calls_more && !provider_call(context, &github, &more, &response))
		return action_failed(context);
	return action_fail(context, ERROR_INVALID_INPUT, "not so");
}

static enum action_result list(struct action_context *context, struct output *output)
{
	struct provider_response response;
	struct object_list found;
	const struct provider_request request = { .path = "/list" };
	if (!provider_call(context, &github, &request, &response) ||
		!provider_decode_list(context, &response, &named_record, &found))
		return action_failed(context);
	output->calls = (int64_t)found.count;
	output->text =
		found.count > 0 ? ((const struct named *)found.items)[found.count - 1].name : NULL;
	return action_done(context);
}

static enum action_result own(struct action_context *context, struct output *output)
{
	const struct ledger_resource resource = { .provider = "github",
		.type = "repository",
		.key = "acme/docs",
		.id = "42",
		.url = "https://x",
		.created = true };
	const char *before = ledger_get_id(context, "github", "repository", "acme/docs");
	if (!ledger_put(context, &resource))
		return action_failed(context);
	output->text = action_format(context, "%s then %s", before != NULL ? before : "nothing",
		ledger_get_id(context, "github", "repository", "acme/docs"));
	return action_done(context);
}

/* Two things that are ours, one of which is given up: what is left, the newest first. */
static enum action_result own_list(struct action_context *context, struct output *output)
{
	const struct ledger_resource first = { .provider = "vercel",
		.type = "domain",
		.key = "a.example",
		.id = "a.example",
		.created = true };
	const struct ledger_resource second = { .provider = "vercel",
		.type = "domain",
		.key = "b.example",
		.id = "b.example",
		.url = "https://b.example",
		.created = false };
	const struct ledger_resource other = { .provider = "vercel",
		.type = "domains",
		.key = "c.example",
		.id = "c.example",
		.created = true };
	const struct ledger_resource *list;
	size_t count;
	if (!ledger_put(context, &first) || !ledger_put(context, &second) ||
		!ledger_put(context, &other) ||
		!ledger_remove(context, "vercel", "domain", "a.example") ||
		!ledger_remove(context, "vercel", "domain", "never.example") ||
		!ledger_list(context, "vercel", "domain", &list, &count))
		return action_failed(context);
	output->calls = (int64_t)count;
	output->text = "";
	for (size_t i = 0; i < count; i++)
		output->text = action_format(context, "%s%s/%s %s;", output->text, list[i].type,
			list[i].key, list[i].created ? "created" : "adopted");
	return action_done(context);
}

/* What may be shown of these bytes, cut to twelve. */
static enum action_result excerpt(
	struct action_context *context, const char *bytes, struct output *output)
{
	static const char binary[] = "a\0b\x01\xFF\xC3\xA4\xE2\x82", behind[] = "a\0" TRIAL_TOKEN;
	struct provider_response response = { .body = bytes, .body_length = strlen(bytes) };
	if (strcmp(bytes, "binary") == 0)
		response = (struct provider_response){ .body = binary,
			.body_length = sizeof(binary) - 1 };
	if (strcmp(bytes, "behind") == 0)
		response = (struct provider_response){ .body = behind,
			.body_length = sizeof(behind) - 1 };
	output->text = response_excerpt(context, &response, 12);
	return action_done(context);
}

static enum action_result run(struct action_context *context, const void *raw_input,
	void *raw_checkpoint, void *raw_output)
{
	const char *what = ((const struct input *)raw_input)->what;
	struct checkpoint *checkpoint = raw_checkpoint;
	struct output *output = raw_output;
	const struct ledger_resource nameless = {
		.provider = "github", .type = "repository", .key = "acme/docs", .created = true
	};
	struct provider_response response;
	checkpoint->calls++;
	output->calls = checkpoint->calls;
	if (strcmp(what, "wait") == 0)
		return action_wait(context, 5, "for %s", TRIAL_TOKEN);
	if (strcmp(what, "wait long") == 0)
		return action_wait(context, (int64_t)1 << 40, "long");
	if (strcmp(what, "person") == 0)
		return action_wait_for_person(context, 60000, "set the DNS");
	if (strcmp(what, "skip") == 0)
		return action_skip(context, "nothing %s", "asked");
	if (strcmp(what, "fail") == 0) {
		action_fail(context, ERROR_PLAN_LIMIT, "no more of %d", 3);
		action_remedy(context, "https://plans", "buy %s", "more");
		return action_remedy_input(context, "plan");
	}
	if (strcmp(what, "failed") == 0)
		return action_failed(context);
	if (strcmp(what, "save") == 0) {
		checkpoint->seen = "before the call";
		return action_save(context) ? action_done(context) : action_failed(context);
	}
	if (strcmp(what, "save secret") == 0 || strcmp(what, "wait with secret") == 0) {
		checkpoint->seen = "x=" TRIAL_TOKEN;
		return what[0] == 'w'          ? action_wait(context, 100, "more")
			: action_save(context) ? action_done(context)
					       : action_failed(context);
	}
	if (strncmp(what, "list secret ", 12) == 0) {
		const struct ledger_resource secret = { .provider = "github",
			.type = "repository",
			.key = what[12] == 'k' ? TRIAL_TOKEN : "acme/docs",
			.id = what[12] == 'i' ? TRIAL_TOKEN : "7",
			.url = what[12] == 'u' ? "https://x/" TRIAL_TOKEN : NULL };
		return ledger_put(context, &secret) ? action_done(context) : action_failed(context);
	}
	if (strcmp(what, "much to say") == 0)
		return action_wait(context, 1000, "%01019d\xC3\xA4\xC3\xA4\xC3\xA4", 7);
	if (strcmp(what, "much output") == 0) {
		output->text = action_format(context, "%0*d", (int)ACTION_OUTPUT_MAX, 7);
		return action_done(context);
	}
	if (strcmp(what, "much to remember") == 0) {
		checkpoint->seen = action_format(context, "%0*d", (int)ACTION_CHECKPOINT_MAX, 7);
		return action_wait(context, 1000, "later");
	}
	if (strcmp(what, "own") == 0)
		return own(context, output);
	if (strcmp(what, "own list") == 0)
		return own_list(context, output);
	if (strcmp(what, "own nothing") == 0)
		return ledger_put(context, &nameless) ? action_done(context)
						      : action_failed(context);
	if (strcmp(what, "list") == 0)
		return list(context, output);
	if (strcmp(what, "no url") == 0)
		return url_get(context, NULL, &response) ? action_done(context)
							 : action_failed(context);
	if (strncmp(what, "excerpt ", 8) == 0)
		return excerpt(context, what + 8, output);
	if (strcmp(what, "digits") == 0) {
		*output = (struct output){ "the calls are 123456", 1234567 };
		return action_done(context);
	}
	if (strcmp(what, "log") == 0) {
		action_log(context, "token is %s", TRIAL_TOKEN);
		return action_done(context);
	}
	if (strcmp(what, "cut") == 0) {
		action_log(context, "it is called %.4s", "caf\xC3\xA9");
		return action_wait(context, 1000, "waits for %.4s", "caf\xC3\xA9");
	}
	if (strcmp(what, "page") == 0) {
		output->text = provider_page(context, &github, "/%s/settings", "acme/docs");
		return provider_page(context, &vercel, "/x") == NULL ? action_done(context)
								     : action_failed(context);
	}
	if (strncmp(what, "fail after ", 11) == 0)
		return fail_after(context, what + 11, false);
	if (strncmp(what, "fail later ", 11) == 0)
		return fail_after(context, what + 11, true);
	return call(context, what, output);
}

/* Paths of these tests, of which GitHub's table has none. */
static const struct call_row calls[] = {
	{ CALL(GET, "/ok") },
	{ CALL(GET, "/less") },
	{ CALL(GET, "/html") },
	{ CALL(GET, "/list") },
	{ CALL(GET, "/refused") },
	{ CALL(GET, "/broken") },
	{ CALL(GET, "/busy") },
	{ CALL(GET, "/gone") },
	{ CALL(GET, "/slow") },
	{ CALL(GET, "/echo") },
	{ .path = NULL },
};

static const struct action_definition action = {
	.id = "trial",
	.summary = "Does what it is told",
	.input = RECORD(struct input, input_fields),
	.checkpoint = RECORD(struct checkpoint, checkpoint_fields),
	.output = RECORD(struct output, output_fields),
	.run = run,
	.calls = calls,
};

static void hide(const char *secret)
{
	struct error error;
	ck_assert_int_eq(redact_add(secret, &error), ERROR_NONE);
}

static const char *output_text(void)
{
	const struct output *output = trial_record(&trial);
	return output != NULL ? output->text : "";
}

static enum action_result try_it(const char *what)
{
	return trial_attempt(&trial, &action, arena_format(&trial.arena, J("{'what':'%s'}"), what));
}

START_TEST(test_waits_are_clamped_and_redacted)
{
	ck_assert_int_eq(try_it("wait"), ACTION_WAITING);
	ck_assert_int_eq(trial_wait_ms(&trial), 100);
	ck_assert(!trial_waits_for_person(&trial));
	ck_assert_ptr_null(strstr(trial_wait_text(&trial), TRIAL_TOKEN));
	ck_assert_int_eq(try_it("wait long"), ACTION_WAITING);
	ck_assert_int_eq(trial_wait_ms(&trial), 3600000);
	ck_assert_int_eq(try_it("person"), ACTION_WAITING);
	ck_assert(trial_waits_for_person(&trial));
	ck_assert_str_eq(trial_wait_text(&trial), "set the DNS");
}
END_TEST

START_TEST(test_what_is_too_long_to_be_stored_is_no_result)
{
	ck_assert_int_eq(try_it("much output"), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_PAYLOAD_TOO_LARGE);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "the output of trial is 131"));
	ck_assert_int_eq(try_it("much to remember"), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_PAYLOAD_TOO_LARGE);
	ck_assert_ptr_nonnull(
		strstr(trial_error(&trial)->message, "the checkpoint of trial is 65"));
	/* A text for people is cut between two characters, and says so. */
	ck_assert_int_eq(try_it("much to say"), ACTION_WAITING);
	ck_assert_uint_eq(strlen(trial_wait_text(&trial)), 1024);
	ck_assert_str_eq(trial_wait_text(&trial) + 1018, "7\xC3\xA4…");
}
END_TEST

START_TEST(test_checkpoint_goes_on)
{
	ck_assert_int_eq(try_it("wait"), ACTION_WAITING);
	ck_assert_int_eq(try_it("wait"), ACTION_WAITING);
	ck_assert_int_eq(try_it("save"), ACTION_DONE);
	ck_assert_str_eq(trial_saved(&trial), J("{'calls':3,'seen':'before the call'}"));
	ck_assert_str_eq(trial_output(&trial), J("{'calls':3}"));
}
END_TEST

/* What stands readable in Redis, and is believed by the next attempt. */
START_TEST(test_no_secret_is_stored_in_a_checkpoint_or_the_ledger)
{
	static const char *const whats[] = { "save secret", "wait with secret", "list secret key",
		"list secret id", "list secret url" };
	for (size_t i = 0; i < ARRAY_LEN(whats); i++) {
		trial_forget(&trial);
		ck_assert_int_eq(try_it(whats[i]), ACTION_FAILED);
		ck_assert_int_eq(trial_error(&trial)->class, ERROR_INTERNAL);
		ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message,
			i < 2 ? "/checkpoint/seen" : "github:repository:"));
		ck_assert_ptr_null(strstr(trial_error(&trial)->message, TRIAL_TOKEN));
		ck_assert_str_eq(trial_saved(&trial), "");
		ck_assert_ptr_null(strstr(trial_checkpoint(&trial), TRIAL_TOKEN));
		ck_assert_ptr_null(strstr(trial_ledger(&trial), TRIAL_TOKEN));
	}
}
END_TEST

START_TEST(test_skip_is_an_output)
{
	ck_assert_int_eq(try_it("skip"), ACTION_DONE);
	ck_assert(trial_skipped(&trial));
	ck_assert_str_eq(trial_output(&trial), J("{'skipped':true,'reason':'nothing asked'}"));
}
END_TEST

START_TEST(test_failures)
{
	ck_assert_int_eq(try_it("fail"), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_PLAN_LIMIT);
	ck_assert_str_eq(trial_error(&trial)->message, "no more of 3");
	ck_assert_str_eq(trial_error(&trial)->remedy, "buy more");
	ck_assert_str_eq(trial_error(&trial)->remedy_url, "https://plans");
	ck_assert_str_eq(trial_error(&trial)->remedy_input, "plan");
	ck_assert_int_eq(try_it("failed"), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_INTERNAL);
	ck_assert_int_eq(try_it("no url"), ACTION_FAILED);
	ck_assert_int_eq(trial_attempt(&trial, &action, "{'what':7}"), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_INVALID_INPUT);
	ck_assert_str_eq(trial_error(&trial)->place, "/input/what");
	ck_assert_str_eq(trial_error(&trial)->remedy_input, "what");
}
END_TEST

START_TEST(test_lost_lease_stops)
{
	trial.lease_lost = true;
	ck_assert_int_eq(try_it("save"), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_LEASE_LOST);
	ck_assert_int_eq(try_it("own"), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_LEASE_LOST);
}
END_TEST

START_TEST(test_ledger)
{
	ck_assert_int_eq(try_it("own"), ACTION_DONE);
	ck_assert_str_eq(output_text(), "nothing then 42");
	const char *entry = trial_ledger_row(&trial, "github:repository:acme/docs");
	ck_assert_ptr_nonnull(entry);
	ck_assert_ptr_nonnull(strstr(entry, J("'id':'42'")));
	ck_assert_ptr_nonnull(strstr(entry, J("'created':true")));
	ck_assert_int_eq(try_it("own"), ACTION_DONE);
	ck_assert_str_eq(output_text(), "42 then 42");
	ck_assert_int_eq(try_it("own nothing"), ACTION_FAILED);
	trial_ledger_remove(&trial, "github:repository:acme/docs");
	trial_ledger_put(&trial, "vercel:domain:old.example",
		"{'id':'old','created':true,'at':'2020-01-01T00:00:00.000Z'}");
	trial_ledger_put(&trial, "vercel:domain:broken.example", "{");
	ck_assert_int_eq(try_it("own list"), ACTION_DONE);
	ck_assert_str_eq(output_text(), "domain/b.example adopted;domain/old.example created;");
	ck_assert_ptr_null(trial_ledger_row(&trial, "vercel:domain:a.example"));
}
END_TEST

static int64_t made_ms_ago(const char *key)
{
	return ledger_age_ms(trial_context(&trial), "github", "repository", key);
}

START_TEST(test_ledger_knows_since_when)
{
	ck_assert_int_eq(try_it("own"), ACTION_DONE);
	ck_assert_int_ge(made_ms_ago("acme/docs"), 0);
	ck_assert_int_lt(made_ms_ago("acme/docs"), 60000);
	trial_made(&trial, "github:repository:acme/old", 3600000);
	trial_ledger_put(&trial, "github:repository:acme/adopted",
		"{'id':'7','created':false,'at':'2999-01-01T00:00:00.000Z'}");
	trial_ledger_put(&trial, "github:repository:acme/ahead",
		"{'id':'7','created':true,'at':'2999-01-01T00:00:00.000Z'}");
	trial_ledger_put(&trial, "github:repository:acme/timeless", "{'id':'7','created':true}");
	ck_assert_int_ge(made_ms_ago("acme/old"), 3600000);
	ck_assert_int_eq(made_ms_ago("acme/ahead"), 0); /* the clock of another worker */
	ck_assert_int_eq(made_ms_ago("acme/adopted"), -1);
	ck_assert_int_eq(made_ms_ago("acme/timeless"), -1);
	ck_assert_int_eq(made_ms_ago("acme/absent"), -1);
}
END_TEST

START_TEST(test_log_is_redacted)
{
	ck_assert_int_eq(try_it("log"), ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(trial_log(&trial), "token is *****"));
	ck_assert_ptr_null(strstr(trial_log(&trial), TRIAL_TOKEN));
}
END_TEST

/* The supervisor takes an executor for broken whose messages nobody can read. */
START_TEST(test_text_that_is_cut_within_a_character_is_valid)
{
	ck_assert_int_eq(try_it("cut"), ACTION_WAITING);
	ck_assert_str_eq(trial_context(&trial)->text, "waits for caf?");
	ck_assert_ptr_nonnull(strstr(trial_log(&trial), "it is called caf?"));
}
END_TEST

/* A secret may be a number or a plain word: what is left of an output must be JSON with the members
 * that it has. */
START_TEST(test_output_is_redacted_in_its_strings_only)
{
	hide("123456");
	hide(J("'calls"));
	ck_assert_int_eq(try_it("digits"), ACTION_DONE);
	ck_assert_str_eq(
		trial_output(&trial), J("{'text':'the calls are ******','calls':1234567}"));
}
END_TEST

START_TEST(test_answers_are_decoded)
{
	static const struct peer_row rows[] = {
		{ .method = "GET",
			.path = "/github/ok",
			.status = 200,
			.body = "{'name':'n','other':[1]}" },
		{ .method = "GET", .path = "/github/less", .status = 200, .body = "{'other':1}" },
		{ .method = "GET", .path = "/github/html", .status = 200, .body = "<html>" },
		{ .method = "GET",
			.path = "/github/list",
			.status = 200,
			.body = "[{'name':'a'},{'name':'b'}]",
			.times = 1 },
		{ .method = "GET",
			.path = "/github/list",
			.status = 200,
			.body = "[]",
			.times = 1 },
		{ .method = "GET", .path = "/github/list", .status = 200, .body = "{}" },
		{ .method = NULL },
	};
	peer_set(trial.peer, rows);
	ck_assert_int_eq(try_it("/ok"), ACTION_DONE);
	ck_assert_str_eq(output_text(), "n");
	ck_assert_int_eq(try_it("/less"), ACTION_FAILED);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "/name"));
	ck_assert_int_ne(trial_error(&trial)->class, ERROR_INVALID_INPUT);
	ck_assert_int_eq(try_it("/html"), ACTION_FAILED);
	ck_assert(error_class_facts(trial_error(&trial)->class)->retryable);
	ck_assert_int_eq(try_it("list"), ACTION_DONE);
	ck_assert_str_eq(output_text(), "b");
	ck_assert_int_eq(try_it("list"), ACTION_DONE);
	ck_assert_int_eq(try_it("list"), ACTION_FAILED);
}
END_TEST

START_TEST(test_a_failure_tells_of_the_refusal_that_it_comes_of)
{
	static const struct peer_row rows[] = {
		{ .method = "GET",
			.path = "/github/refused",
			.status = 422,
			.headers = "X-GitHub-Request-Id: AB:1",
			.body = "{'message':'no','errors':[{'code':'custom','field':'x'}]}" },
		{ .method = "GET",
			.path = "/github/broken",
			.status = 500,
			.headers = "X-GitHub-Request-Id: AB:2",
			.body = "{}" },
		{ .method = "GET", .path = "/github/ok", .status = 200, .body = "{}" },
		{ .method = NULL },
	};
	const struct error *error = trial_error(&trial);
	peer_set(trial.peer, rows);
	ck_assert_int_eq(try_it("fail after /refused"), ACTION_FAILED);
	ck_assert_int_eq(error->class, ERROR_INVALID_INPUT);
	ck_assert_str_eq(error->provider, "github");
	ck_assert_int_eq(error->http_status, 422);
	ck_assert_str_eq(error->provider_code, "custom");
	ck_assert_str_eq(error->request_id, "AB:1");
	ck_assert_int_eq(try_it("fail after /broken"), ACTION_FAILED);
	ck_assert_int_eq(error->http_status, 500);
	ck_assert_str_eq(error->request_id, "AB:2");
	/* What was asked after it went well: the refusal is not why it fails. */
	ck_assert_int_eq(try_it("fail later /refused"), ACTION_FAILED);
	ck_assert_str_eq(error->provider, "");
	ck_assert_int_eq(error->http_status, 0);
}
END_TEST

START_TEST(test_pages_are_on_the_site_of_the_settings)
{
	ck_assert_int_eq(try_it("page"), ACTION_DONE);
	ck_assert_str_eq(output_text(), "https://github.com/acme/docs/settings");
	named_setting_set(&trial.settings, "SLIPWAY_GITHUB_URL", "https://ghe.example.org/api/v3");
	ck_assert_int_eq(try_it("page"), ACTION_DONE);
	ck_assert_str_eq(output_text(), "https://ghe.example.org/acme/docs/settings");
}
END_TEST

START_TEST(test_gate_closes_and_is_asked)
{
	static const struct peer_row rows[] = {
		{ .method = "GET",
			.path = "/github/busy",
			.status = 429,
			.headers = "Retry-After: 20",
			.body = "{}" },
		{ .method = NULL },
	};
	peer_set(trial.peer, rows);
	ck_assert_int_eq(try_it("/busy"), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_RATE_LIMITED);
	ck_assert_int_eq(trial.closes, 1);
	ck_assert_int_eq(trial.closed_ms, 20000);
	ck_assert_uint_eq(strlen(trial.closed_credential), strlen("github:") + 16);
	ck_assert_ptr_null(strstr(trial.closed_credential, TRIAL_TOKEN));
	/* Closed: nothing is sent. */
	ck_assert_int_eq(try_it("/busy"), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_RATE_LIMITED);
	ck_assert_int_eq(trial_error(&trial)->retry_after_ms, 20000);
	ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 1);
	trial.closed_ms = 0;
	ck_assert_int_eq(try_it("/busy"), ACTION_FAILED);
	ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 2);
	ck_assert_int_eq(trial.opens, 0);
}
END_TEST

START_TEST(test_probe_tells_what_became_of_it)
{
	static const struct peer_row rows[] = {
		{ .method = "GET",
			.path = "/github/busy",
			.status = 429,
			.headers = "Retry-After: 20",
			.body = "{}" },
		{ .method = "GET", .path = "/github/ok", .status = 200, .body = "{'name':'n'}" },
		{ .method = "GET", .path = "/github/gone", .status = 500, .body = "{}" },
		{ .method = NULL },
	};
	peer_set(trial.peer, rows);
	trial.probing = true;
	try_it("/ok");
	ck_assert_int_eq(trial.opens, 1);
	try_it("/gone");
	ck_assert_int_eq(trial.opens, 2);
	try_it("/busy");
	ck_assert_int_eq(trial.opens, 2);
	ck_assert_int_eq(trial.closes, 1);
}
END_TEST

/* A refusal is an answer; what nobody waits for is not told. */
START_TEST(test_all_are_told_that_a_provider_is_down_and_that_it_is_back)
{
	static const struct peer_row rows[] = {
		{ .method = "GET", .path = "/github/refused", .status = 422, .body = "{}" },
		{ .method = "GET", .path = "/github/ok", .status = 200, .body = "{'name':'n'}" },
		{ .method = "GET", .path = "/github/gone", .status = 500, .body = "{}" },
		{ .method = NULL },
	};
	peer_set(trial.peer, rows);
	trial.watched = true;
	try_it("/gone");
	try_it("/ok");
	ck_assert_int_eq(trial.failed + trial.answered, 0);
	trial.settings.outage_seconds = 3600;
	try_it("/gone");
	ck_assert_int_eq(trial.failed, 1);
	try_it("/refused");
	try_it("/ok");
	ck_assert_int_eq(trial.answered, 2);
	trial.watched = false;
	try_it("/ok");
	ck_assert_int_eq(trial.answered, 2);
	ck_assert_int_eq(trial.failed, 1);
}
END_TEST

START_TEST(test_a_provider_that_is_down_is_not_called)
{
	trial.settings.outage_seconds = 3600;
	trial.down_ms = 3000;
	trial.down_status = 503;
	ck_assert_int_eq(try_it("/ok"), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_PROVIDER_UNAVAILABLE);
	ck_assert_int_eq(trial_error(&trial)->retry_after_ms, 3000);
	ck_assert_str_eq(trial_error(&trial)->provider, "github");
	ck_assert_str_eq(trial_error(&trial)->message,
		"GitHub is down: the calls of several apps have failed, the last with status 503");
	trial.worker_only = true;
	ck_assert_int_eq(try_it("/ok"), ACTION_FAILED);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "from this worker"));
	ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 0);
}
END_TEST

/* It accepts and never answers: what only reads may be repeated, and others are told. A call that
 * the attempt had little time left for tells nothing; where that was over before the call was sent,
 * once more. */
START_TEST(test_a_provider_whose_calls_hang_is_down)
{
	static const struct peer_row rows[] = {
		{ .method = "GET", .path = "/github/slow", .behaviour = PEER_HANGS },
		{ .method = NULL },
	};
	peer_set(trial.peer, rows);
	trial.settings.outage_seconds = 3600;
	trial.deadline_ms = 1500;
	do {
		trial.failed = trial.unreachable = 0;
		ck_assert_int_eq(try_it("/slow"), ACTION_FAILED);
	} while (trial_error(&trial)->class == ERROR_NETWORK &&
		peer_count(trial.peer, NULL, NULL) == 0);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_TIMEOUT);
	ck_assert_int_eq(trial.failed, 0);
	trial.deadline_ms = 16000;
	ck_assert_int_eq(try_it("/slow"), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_TIMEOUT);
	ck_assert_int_eq(trial.failed, 1);
	ck_assert_int_eq(trial.unreachable, 0);
}
END_TEST

START_TEST(test_a_provider_that_cannot_be_reached_may_be_so_for_this_worker_only)
{
	static const struct peer_row rows[] = {
		{ .method = "GET", .path = "/github/gone", .behaviour = PEER_DROPS },
		{ .method = NULL },
	};
	peer_set(trial.peer, rows);
	trial.settings.outage_seconds = 3600;
	ck_assert_int_eq(try_it("/gone"), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_NETWORK);
	ck_assert_int_eq(trial.unreachable, 1);
}
END_TEST

START_TEST(test_provider_errors_are_redacted)
{
	static const struct peer_row rows[] = {
		{ .method = "GET",
			.path = "/github/echo",
			.status = 422,
			.body = "{'message':'bad " TRIAL_TOKEN "'}" },
		{ .method = NULL },
	};
	peer_set(trial.peer, rows);
	ck_assert_int_eq(try_it("/echo"), ACTION_FAILED);
	ck_assert_ptr_null(strstr(trial_error(&trial)->message, TRIAL_TOKEN));
	ck_assert_str_eq(trial_error(&trial)->provider, "github");
}
END_TEST

static void check_excerpt(const char *what, const char *text)
{
	ck_assert_int_eq(try_it(what), ACTION_DONE);
	ck_assert_str_eq(output_text(), text);
}

START_TEST(test_excerpts_may_be_shown)
{
	check_excerpt("excerpt short", "short");
	check_excerpt("excerpt 0123456789abcdef", "0123456789ab");
	/* Cut at the boundary of a character, not in it. */
	check_excerpt("excerpt 0123456789a\xC3\xA4", "0123456789a");
	check_excerpt("excerpt " TRIAL_TOKEN, "************");
	check_excerpt("excerpt binary", "a b ?\xC3\xA4??");
	/* What is replaced in it would hide a secret from us, and from nobody else. */
	check_excerpt("excerpt behind", "a **********");
	hide("two\r\nlines");
	check_excerpt("excerpt two\\r\\nlines", "**********");
}
END_TEST

START_TEST(test_missing_token)
{
	named_setting_set(&trial.settings, "SLIPWAY_GITHUB_TOKEN", NULL);
	ck_assert_int_eq(try_it("/ok"), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_AUTH_MISSING);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_waits_are_clamped_and_redacted,
		test_what_is_too_long_to_be_stored_is_no_result, test_checkpoint_goes_on,
		test_no_secret_is_stored_in_a_checkpoint_or_the_ledger, test_skip_is_an_output,
		test_failures, test_lost_lease_stops, test_ledger, test_ledger_knows_since_when,
		test_log_is_redacted, test_text_that_is_cut_within_a_character_is_valid,
		test_output_is_redacted_in_its_strings_only, test_answers_are_decoded,
		test_gate_closes_and_is_asked, test_pages_are_on_the_site_of_the_settings,
		test_a_failure_tells_of_the_refusal_that_it_comes_of,
		test_probe_tells_what_became_of_it,
		test_all_are_told_that_a_provider_is_down_and_that_it_is_back,
		test_a_provider_that_is_down_is_not_called,
		test_a_provider_whose_calls_hang_is_down,
		test_a_provider_that_cannot_be_reached_may_be_so_for_this_worker_only,
		test_provider_errors_are_redacted, test_missing_token, test_excerpts_may_be_shown,
		NULL };
	return suite_main("action context", tests, setup, teardown);
}
