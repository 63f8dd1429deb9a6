/*
 * http.request against a scripted site.
 *
 * covers: workflows/actions/http_request.c src/action/response.c
 */
#include <string.h>

#include "actions.h"
#include "harness/json_text.h"
#include "harness/suite.h"
#include "harness/trial.h"

static struct trial trial;

static void setup(void)
{
	trial_begin(&trial);
}

static void teardown(void)
{
	trial_end(&trial);
}

static const char *input(const char *more)
{
	return arena_format(&trial.arena, J("{'url':'%s/hook'%s}"), peer_url(trial.peer), more);
}

static enum action_result run_with(const struct peer_row *rows, const char *more)
{
	peer_set(trial.peer, rows);
	trial_forget(&trial);
	return trial_run(&trial, &http_request, input(more), 50);
}

START_TEST(test_sends_and_shows_the_answer)
{
	static const struct peer_row rows[] = {
		{ "POST", "/hook", .status = 201, .body = "{'id':7}" },
		{ "GET", "/hook", .status = 200, .body = "hello" },
		{ .method = NULL },
	};
	ck_assert_int_eq(
		run_with(rows, ",\"method\":\"POST\",\"body\":\"{\\\"a\\\":1}\""), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'status':201,'values':{}}"));
	struct peer_request request = peer_last(trial.peer, "POST", "/hook");
	ck_assert_str_eq(request.body, J("{'a':1}"));
	ck_assert_str_eq(request.content_type, "application/json");
	ck_assert_str_eq(request.authorization, "");
	ck_assert_int_eq(trial_saves(&trial), 1);
	ck_assert_int_eq(
		run_with(rows, ",'method':'POST','body':'a=1','contentType':'text/x; a=b'"),
		ACTION_DONE);
	ck_assert_str_eq(peer_last(trial.peer, "POST", "/hook").content_type, "text/x; a=b");
	ck_assert_int_eq(run_with(rows, ",'showBody':true"), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'status':200,'values':{},'body':'hello'}"));
	ck_assert_str_eq(peer_last(trial.peer, "GET", "/hook").content_type, "");
}
END_TEST

START_TEST(test_every_method)
{
	static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE" };
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		const struct peer_row rows[] = { { methods[i], "/hook", .status = 204 },
			{ .method = NULL } };
		const char *more = arena_format(&trial.arena, J(",'method':'%s'"), methods[i]);
		ck_assert_int_eq(run_with(rows, more), ACTION_DONE);
		ck_assert_str_eq(trial_output(&trial), J("{'status':204,'values':{}}"));
	}
}
END_TEST

START_TEST(test_expectations)
{
	static const struct {
		const char *more;
		int status;
		bool done;
	} cases[] = {
		{ "", 204, true },
		{ "", 302, false },
		{ "", 503, false },
		{ ",'expectStatus':['404']", 404, true },
		{ ",'expectStatus':['404']", 200, false },
		{ ",'expectStatus':['201','4xx']", 410, true },
		{ ",'expectStatus':['201','4xx']", 200, false },
		{ ",'expectText':'is up'", 200, true },
		{ ",'expectText':'is down'", 200, false },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_row rows[] = {
			{ "GET", "/hook", .status = cases[i].status, .body = "it is up" },
			{ .method = NULL },
		};
		ck_assert_msg((run_with(rows, cases[i].more) == ACTION_DONE) == cases[i].done,
			"%s at %d", cases[i].more, cases[i].status);
		ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 1);
		if (!cases[i].done) {
			ck_assert_int_eq(trial_error(&trial)->class, ERROR_CHECK_FAILED);
			ck_assert_str_ne(trial_error(&trial)->remedy, "");
		}
	}
}
END_TEST

START_TEST(test_tries_until_it_holds)
{
	static const struct peer_row rows[] = {
		{ "POST", "/hook", .status = 503, .times = 1 },
		{ "POST", "/hook", .behaviour = PEER_DROPS, .times = 1 },
		{ "POST", "/hook", .status = 200, .body = "old", .times = 1 },
		{ "POST", "/hook", .status = 200, .body = "new" },
		{ .method = NULL },
	};
	static const struct peer_row never[] = { { "GET", "/hook", .status = 500 },
		{ .method = NULL } };
	ck_assert_int_eq(
		run_with(rows, ",'method':'POST','expectText':'new','retryUntil':60"), ACTION_DONE);
	ck_assert_int_eq(trial_attempts(&trial), 4);
	ck_assert_int_eq(trial.age_ms, 9000);
	ck_assert_int_eq(run_with(never, ",'retryUntil':90"), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_CHECK_FAILED);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "500"));
	ck_assert_int_ge(trial.age_ms, 80000);
	ck_assert_int_le(trial.age_ms, 94000);
}
END_TEST

/* What nobody can look up is not sent a second time by itself: neither after a lost answer nor
 * after a crash. */
START_TEST(test_a_post_is_sent_once)
{
	static const struct peer_row rows[] = {
		{ "POST", "/hook", .behaviour = PEER_DROPS },
		{ "PUT", "/hook", .behaviour = PEER_DROPS },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, ",'method':'POST'"), ACTION_FAILED);
	ck_assert(!error_class_facts(trial_error(&trial)->class)->retryable);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->remedy, "retryUntil"));
	ck_assert_ptr_nonnull(strstr(trial_saved(&trial), J("'sent':true")));
	ck_assert_int_eq(
		trial_attempt(&trial, &http_request, input(J(",'method':'POST'"))), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_CHECK_FAILED);
	ck_assert_uint_eq(peer_count(trial.peer, "POST", "/hook"), 1);
	ck_assert_int_eq(run_with(rows, ",'method':'PUT'"), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_NETWORK);
	ck_assert_int_eq(
		trial_attempt(&trial, &http_request, input(J(",'method':'PUT'"))), ACTION_FAILED);
	ck_assert_uint_eq(peer_count(trial.peer, "PUT", "/hook"), 2);
	trial.lease_lost = true;
	ck_assert_int_eq(run_with(rows, ",'method':'POST'"), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_LEASE_LOST);
	ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 0);
}
END_TEST

START_TEST(test_the_excerpt_is_short_and_without_secrets)
{
	static char body[1500];
	const struct peer_row rows[] = { { "GET", "/hook", .status = 200, .body = body },
		{ .method = NULL } };
	memset(body, 'x', sizeof(body) - 1);
	/* The secret lies across the cut. */
	memcpy(body + 990, TRIAL_TOKEN, strlen(TRIAL_TOKEN));
	ck_assert_int_eq(run_with(rows, ",'showBody':true"), ACTION_DONE);
	const char *output = trial_output(&trial);
	ck_assert_uint_eq(strlen(output), strlen(J("{'status':200,'values':{},'body':''}")) + 1000);
	ck_assert_ptr_nonnull(strstr(output, "xxx**********\"}"));
}
END_TEST

START_TEST(test_headers_are_sent_as_given)
{
	static const struct peer_row rows[] = { { "GET", "/hook", .status = 200 },
		{ .method = NULL } };
	ck_assert_int_eq(
		run_with(rows, ",'headers':{'Authorization':'Basic Zm9vOmJhcg==','x-team':'a, b'}"),
		ACTION_DONE);
	struct peer_request request = peer_last(trial.peer, "GET", "/hook");
	ck_assert_str_eq(request.authorization, "Basic Zm9vOmJhcg==");
	ck_assert_str_eq(peer_header(&request, "X-Team"), "a, b");
}
END_TEST

/* A refusal tells the name of a header, and never what may be a secret. */
START_TEST(test_refuses_bad_headers_in_words)
{
	static const struct {
		const char *headers, *told;
	} cases[] = {
		{ "{'Host':'hunter2'}", "the header Host cannot be set" },
		{ "{'content-length':'hunter2'}", "the header content-length cannot be set" },
		{ "{'Transfer-Encoding':'hunter2'}", "the header Transfer-Encoding cannot be set" },
		{ "{'Content-Type':'hunter2'}",
			"the header Content-Type is given as \"contentType\"" },
		{ "{'X-Key':'hunter2\\r\\nX-Other: b'}", "the header X-Key has a line break" },
		{ "{'X-Key':' '}", "the header X-Key has no value" },
		{ "{'X-Key: hunter2':'a'}", "a header has a name with other characters" },
		{ "{'X\\r\\nhunter2':'a'}", "a header has a name with other characters" },
		{ "{'':'hunter2'}", "a header has a name with other characters" },
		{ "{'A':'1','B':'2','C':'3','D':'4','E':'5','F':'6','G':'7','H':'8','I':'9'}",
			"it has 9 items" },
	};
	const struct peer_row rows[] = { { .method = NULL } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *more =
			arena_format(&trial.arena, J(",'headers':%s"), J(cases[i].headers));
		ck_assert_msg(run_with(rows, more) == ACTION_FAILED, "%s", more);
		const struct error *error = trial_error(&trial);
		ck_assert_int_eq(error->class, ERROR_INVALID_INPUT);
		ck_assert_str_eq(error->place, "/input/headers");
		ck_assert_msg(strstr(error->message, cases[i].told) != NULL, "%s", error->message);
		ck_assert_ptr_null(strstr(error->message, "hunter2"));
		ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 0);
	}
}
END_TEST

#define ANSWER                                                                                     \
	"{'data':{'made':[{'id':'p1','size':7,'on':true,'a/"                                       \
	"b~c':'odd'}]},'password':'hunter2','none':null,"                                          \
	"'token':'" TRIAL_TOKEN "'}"

START_TEST(test_takes_values_out_of_the_answer)
{
	static const struct peer_row rows[] = { { "GET", "/hook", .status = 200, .body = ANSWER },
		{ .method = NULL } };
	ck_assert_int_eq(
		run_with(rows,
			",'output':{'id':'/data/made/0/id','size':'/data/made/0/size',"
			"'on':'/data/made/0/on','odd':'/data/made/0/a~1b~0c','token':'/token'}"),
		ACTION_DONE);
	const char *output = trial_output(&trial);
	ck_assert_ptr_nonnull(strstr(
		output, J("'values':{'id':'p1','size':'7','on':'true','odd':'odd','token':'***")));
	ck_assert_ptr_null(strstr(output, TRIAL_TOKEN));
	ck_assert_ptr_null(strstr(output, "hunter2"));
}
END_TEST

START_TEST(test_a_pointer_that_leads_nowhere_is_named)
{
	static const struct {
		const char *pointer, *body, *told;
	} cases[] = {
		{ "/data/id", ANSWER, "/data/id leads nowhere" },
		{ "/data/made/1/id", ANSWER, "/data/made/1/id leads nowhere" },
		{ "/password/x", ANSWER, "/password/x leads nowhere" },
		{ "/none", ANSWER, "/none leads nowhere" },
		{ "/data/made", ANSWER, "/data/made leads to an object or a list" },
		{ "/data/id", "Unauthorized hunter2", "not valid JSON, so it has no /data/id" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_row rows[] = {
			{ "GET", "/hook", .status = 200, .body = cases[i].body }, { .method = NULL }
		};
		const char *more =
			arena_format(&trial.arena, J(",'output':{'id':'%s'}"), cases[i].pointer);
		ck_assert_msg(run_with(rows, more) == ACTION_FAILED, "%s", more);
		ck_assert_int_eq(trial_error(&trial)->class, ERROR_CHECK_FAILED);
		ck_assert_msg(strstr(trial_error(&trial)->message, cases[i].told) != NULL, "%s",
			trial_error(&trial)->message);
		ck_assert_ptr_null(strstr(trial_error(&trial)->message, "hunter2"));
	}
}
END_TEST

/* What is to be taken may be there only after a while. */
START_TEST(test_waits_for_a_value)
{
	static const struct peer_row rows[] = { { "GET", "/hook", .status = 200,
							.body = "{'url':null}", .times = 2 },
		{ "GET", "/hook", .status = 200, .body = "{'url':'u'}" }, { .method = NULL } };
	ck_assert_int_eq(run_with(rows, ",'output':{'url':'/url'},'retryUntil':60"), ACTION_DONE);
	ck_assert_int_eq(trial_attempts(&trial), 3);
	ck_assert_str_eq(trial_output(&trial), J("{'status':200,'values':{'url':'u'}}"));
}
END_TEST

START_TEST(test_refuses_bad_requests)
{
	static const char *const urls[] = { "https://127.0.0.1/", "https://169.254.169.254/x",
		"http://example.org/", "ftp://example.org/", "nothing" };
	static const struct {
		const char *more, *place;
	} cases[] = { { ",'method':'HEAD'", "/input/method" },
		{ ",'expectStatus':['20x']", "/input/expectStatus/0" },
		{ ",'expectStatus':[]", "/input/expectStatus" },
		{ ",'contentType':'a\\r\\nX-Other: b'", "/input/contentType" },
		{ ",'body':'x'", "" }, { ",'output':{'id':'data.id'}", "/input/output/id" },
		{ ",'output':{'id':'/a~2'}", "/input/output/id" },
		{ ",'output':{'a.b':'/a'}", "/input/output" },
		{ ",'output':{'a}':'/a'}", "/input/output" } };
	const struct peer_row rows[] = { { .method = NULL } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert_msg(run_with(rows, cases[i].more) == ACTION_FAILED, "%s", cases[i].more);
		ck_assert_int_eq(trial_error(&trial)->class, ERROR_INVALID_INPUT);
		ck_assert_str_eq(trial_error(&trial)->place, cases[i].place);
		ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 0);
	}
	trial.settings.allow_loopback = false;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		const char *text = arena_format(
			&trial.arena, J("{'url':'%s','retryUntil':60,'method':'POST'}"), urls[i]);
		ck_assert_msg(
			trial_run(&trial, &http_request, text, 1) == ACTION_FAILED, "%s", urls[i]);
		ck_assert_int_eq(trial_error(&trial)->class, ERROR_INVALID_INPUT);
	}
}
END_TEST

/* It took effect: sent again for the sake of a pointer, it would make another. */
START_TEST(test_a_wrong_pointer_sends_no_post_again)
{
	static const struct peer_row rows[] = {
		{ "POST", "/hook", .status = 201, .body = "{'id':'a'}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(
		run_with(rows,
			",'method':'POST','body':'{}','retryUntil':60,'output':{'id':'/idd'}"),
		ACTION_FAILED);
	ck_assert_uint_eq(peer_count(trial.peer, "POST", "/hook"), 1);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "took effect"));
	ck_assert_str_eq(trial_error(&trial)->remedy_input, "output");
}
END_TEST

START_TEST(test_refuses_a_look_that_makes_no_sense)
{
	static const struct {
		const char *more, *told;
	} cases[] = {
		{ "'look':{'url':'https://b.org/x','id':'/id'}", "another host" },
		{ "'look':{'url':'https://a.org:444/x','id':'/id'}", "another host" },
		{ "'look':{'url':'https://a.org/x','id':'/id'},'undo':{'url':'https://b.org/{id}'}",
			"another host" },
		{ "'look':{'url':'https://u@a.org/x','id':'/id'}", "user name" },
		{ "'look':{'url':'https://a.org/x','at':'/*','id':'/id'}", "must say which" },
		{ "'look':{'url':'https://a.org/x','id':'/id','where':{'name':'a'}}",
			"not a JSON pointer" },
		{ "'look':{'url':'https://a.org/x','id':'id'}", "JSON pointer" },
		{ "'look':{'url':'https://a.org/x'}", "missing" },
		{ "'look':{'url':'https://a.org/x','id':'/id','method':'DELETE'}", "" },
		{ "'undo':{'url':'https://a.org/{id}'}", "needs \"look\"" },
		{ "'adopt':true", "needs \"look\"" },
		{ "'look':{'url':'https://a.org/x','id':'/id'},'retryUntil':5", "does not go" },
		{ "'look':{'url':'https://a.org/x','id':'/id'},'method':'DELETE'", "POST or PUT" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *method =
			strstr(cases[i].more, ",'method'") != NULL ? "" : "'method':'POST',";
		const char *text = arena_format(
			&trial.arena, "{'url':'https://a.org/y',%s%s}", method, cases[i].more);
		ck_assert_msg(
			trial_attempt(&trial, &http_request, text) == ACTION_FAILED, "%s", text);
		ck_assert_int_eq(trial_error(&trial)->class, ERROR_INVALID_INPUT);
		ck_assert_msg(strstr(trial_error(&trial)->message, cases[i].told) != NULL, "%s: %s",
			text, trial_error(&trial)->message);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_sends_and_shows_the_answer, test_every_method,
		test_expectations, test_tries_until_it_holds, test_a_post_is_sent_once,
		test_the_excerpt_is_short_and_without_secrets, test_headers_are_sent_as_given,
		test_refuses_bad_headers_in_words, test_takes_values_out_of_the_answer,
		test_a_pointer_that_leads_nowhere_is_named, test_waits_for_a_value,
		test_refuses_bad_requests, test_a_wrong_pointer_sends_no_post_again,
		test_refuses_a_look_that_makes_no_sense, NULL };
	return suite_main("http.request", tests, setup, teardown);
}
