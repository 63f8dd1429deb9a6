/*
 * vercel.domain as domains are in the world: wildcards, capitals, redirects, branches, and a DNS in
 * which something stands in the way.
 *
 * covers: workflows/actions/vercel_domain.c workflows/actions/vercel_dns.c
 */
#include <string.h>

#include "actions.h"
#include "harness/json_text.h"
#include "harness/suite.h"
#include "harness/trial.h"

static struct trial trial;

#define DOMAIN(name) "/vercel/v9/projects/prj_1/domains/" name
#define CONFIG       "GET", "/vercel/v6/domains/www.example.org/config"
#define THERE(more)                                                                                \
	"{'name':'www.example.org','apexName':'example.org','projectId':'prj_1','verified':"       \
	"true" more "}"
#define RECOMMENDED                                                                                \
	",'recommendedCNAME':[{'rank':1,'value':'site.vercel-dns-017.com.'}],"                     \
	"'recommendedIPv4':[{'rank':1,'value':['203.0.113.7']}]}"

static void setup(void)
{
	trial_begin(&trial);
}

static void teardown(void)
{
	trial_end(&trial);
}

static enum action_result run_with(const struct peer_row *rows, const char *input)
{
	peer_set(trial.peer, rows);
	return trial_run(&trial, &vercel_domain, input, 3);
}

START_TEST(test_a_wildcard_is_a_domain)
{
	static const struct peer_row rows[] = {
		{ "GET", DOMAIN("%2A.example.org"), .status = 200,
			.body = "{'name':'*.example.org','projectId':'prj_1','verified':true}" },
		{ "GET", "/vercel/v6/domains/%2A.example.org/config", .status = 200,
			.body = "{'misconfigured':false}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, "{'project':'prj_1','name':'*.example.org'}"), ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J("'name':'*.example.org'")));
}
END_TEST

START_TEST(test_capitals_are_the_same_name)
{
	static const struct peer_row rows[] = {
		{ "GET", DOMAIN("www.example.org"), .status = 200, .body = THERE("") },
		{ CONFIG, .status = 200, .body = "{'misconfigured':false}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(
		run_with(rows, "{'project':'prj_1','name':'WWW.Example.org'}"), ACTION_DONE);
	ck_assert_ptr_nonnull(trial_ledger_row(&trial, "vercel:domain:www.example.org"));
}
END_TEST

#define BAKERY "xn--bckerei-5wa.de"

/* DNS and Vercel have one form, people another: messages and the output show both. */
START_TEST(test_umlauts_are_converted)
{
	static const struct peer_row rows[] = {
		{ "GET", DOMAIN("www." BAKERY), .status = 404,
			.body = "{'error':{'code':'not_found'}}", .times = 1 },
		{ "POST", "/vercel/v10/projects/prj_1/domains", .status = 200,
			.body = "{'name':'www." BAKERY "','projectId':'prj_1','verified':true}" },
		{ "GET", DOMAIN("www." BAKERY), .status = 200,
			.body = "{'name':'www." BAKERY "','projectId':'prj_1','verified':true,"
				"'redirect':'" BAKERY "'}" },
		{ "GET", "/vercel/v6/domains/www." BAKERY "/config", .status = 200,
			.body = "{'misconfigured':true" RECOMMENDED, .times = 1 },
		{ "GET", "/vercel/v6/domains/www." BAKERY "/config", .status = 200,
			.body = "{'misconfigured':false}" },
		{ .method = NULL },
	};
	static const char input[] = "{'project':'prj_1','name':'WWW.B\xC3\x84"
				    "CKEREI.de','redirect':'b\xC3\xA4"
				    "ckerei.de'}";
	ck_assert_int_eq(run_with(rows, input), ACTION_WAITING);
	ck_assert_str_eq(trial_wait_text(&trial),
		"Add these DNS records for www.b\xC3\xA4"
		"ckerei.de (www." BAKERY "): CNAME www." BAKERY " to site.vercel-dns-017.com");
	ck_assert_str_eq(peer_last(trial.peer, "POST", "/vercel/v10/projects/prj_1/domains").body,
		J("{'name':'www." BAKERY "','redirect':'" BAKERY "'}"));
	ck_assert_int_eq(trial_run(&trial, &vercel_domain, input, 3), ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial),
		J("'name':'www." BAKERY "','unicodeName':'www.b\xC3\xA4"
		  "ckerei.de','url':'https://www." BAKERY "'")));
	ck_assert_ptr_nonnull(trial_ledger_row(&trial, "vercel:domain:www." BAKERY));
}
END_TEST

START_TEST(test_other_names_are_refused_in_words)
{
	static const struct {
		const char *name, *words;
	} bad[] = {
		{ "www.i\xE2\x9D\xA4.example", "character" },
		{ "example", "two parts" },
		{ "*.*.example.org", "letters, digits and hyphens" },
		{ "*.", "empty" },
		{ "", "empty" },
		{ "-a.example", "hyphen" },
		{ "https://example.org/", "without https://" },
	};
	static const struct peer_row none[] = { { .method = NULL } };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const char *input = arena_format(
			&trial.arena, J("{'project':'prj_1','name':'%s'}"), bad[i].name);
		ck_assert_int_eq(run_with(none, input), ACTION_FAILED);
		ck_assert_str_eq(trial_error(&trial)->place, "/input/name");
		ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, bad[i].words));
		ck_assert_ptr_nonnull(strstr(trial_error(&trial)->remedy, "www.example.org"));
	}
}
END_TEST

START_TEST(test_a_redirect_is_a_name_of_its_own)
{
	static const struct {
		const char *name, *redirect;
	} bad[] = {
		{ "b\xC3\xA4"
		  "ckerei.de",
			"XN--BCKEREI-5WA.DE" },
		{ "example.org", "example.org." },
		{ "www.example.org", "*.example.org" },
	};
	static const struct peer_row none[] = { { .method = NULL } };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const char *input = arena_format(&trial.arena,
			J("{'project':'prj_1','name':'%s','redirect':'%s'}"), bad[i].name,
			bad[i].redirect);
		ck_assert_int_eq(run_with(none, input), ACTION_FAILED);
		ck_assert_str_eq(trial_error(&trial)->place, "/input/redirect");
	}
}
END_TEST

/* What Vercel shows of it afterwards counts, not what was sent. */
START_TEST(test_a_new_domain_redirects_or_shows_a_branch)
{
	static const struct {
		const char *input, *body, *shown;
	} cases[] = {
		{ ",'redirect':'Example.org'}", ",'redirect':'example.org'}",
			THERE(",'redirect':'example.org'") },
		{ ",'branch':'next'}", ",'gitBranch':'next'}", THERE(",'gitBranch':'next'") },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_row rows[] = {
			{ "GET", DOMAIN("www.example.org"), .status = 404,
				.body = "{'error':{'code':'not_found'}}", .times = 1 },
			{ "GET", DOMAIN("www.example.org"), .status = 200, .body = THERE(""),
				.times = 1 },
			{ "GET", DOMAIN("www.example.org"), .status = 200, .body = cases[i].shown },
			{ "POST", "/vercel/v10/projects/prj_1/domains", .status = 200,
				.body = THERE("") },
			{ "PATCH", DOMAIN("www.example.org"), .status = 200,
				.body = cases[i].shown },
			{ CONFIG, .status = 200, .body = "{'misconfigured':false}" },
			{ .method = NULL },
		};
		const char *input = arena_format(&trial.arena,
			"{'project':'prj_1','name':'www.example.org'%s", cases[i].input);
		ck_assert_int_eq(run_with(rows, input), ACTION_DONE);
		ck_assert_str_eq(
			peer_last(trial.peer, "POST", "/vercel/v10/projects/prj_1/domains").body,
			J(arena_format(
				&trial.arena, "{'name':'www.example.org'%s", cases[i].body)));
		ck_assert_uint_eq(peer_count(trial.peer, "PATCH", DOMAIN("www.example.org")), 1);
	}
}
END_TEST

START_TEST(test_a_domain_does_not_redirect_and_show_a_branch)
{
	static const struct peer_row none[] = { { .method = NULL } };
	ck_assert_int_eq(
		run_with(none,
			"{'project':'prj_1','name':'www.example.org','redirect':'example.org',"
			"'branch':'next'}"),
		ACTION_FAILED);
	ck_assert_str_eq(trial_error(&trial)->place, "/input/branch");
}
END_TEST

/* What the input does not name stays as people have set it. */
START_TEST(test_one_that_is_there_is_changed_to_what_is_asked)
{
	static const char redirects[] =
		"{'project':'prj_1','name':'www.example.org','redirect':'example.org'}";
	static const struct peer_row other[] = {
		{ "GET", DOMAIN("www.example.org"), .status = 200,
			.body = THERE(",'redirect':null,'gitBranch':'x'") },
		{ "PATCH", DOMAIN("www.example.org"), .status = 200,
			.body = THERE(",'redirect':'example.org'") },
		{ CONFIG, .status = 200, .body = "{'misconfigured':false}" },
		{ .method = NULL },
	};
	static const struct peer_row same[] = {
		{ "GET", DOMAIN("www.example.org"), .status = 200,
			.body = THERE(",'redirect':'example.org'") },
		{ CONFIG, .status = 200, .body = "{'misconfigured':false}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(other, redirects), ACTION_DONE);
	ck_assert_str_eq(peer_last(trial.peer, "PATCH", DOMAIN("www.example.org")).body,
		J("{'redirect':'example.org'}"));
	ck_assert_int_eq(
		run_with(other, "{'project':'prj_1','name':'www.example.org','branch':'next'}"),
		ACTION_DONE);
	ck_assert_str_eq(peer_last(trial.peer, "PATCH", DOMAIN("www.example.org")).body,
		J("{'gitBranch':'next'}"));
	ck_assert_int_eq(run_with(same, redirects), ACTION_DONE);
	ck_assert_int_eq(
		run_with(other, "{'project':'prj_1','name':'www.example.org'}"), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, "PATCH", DOMAIN("www.example.org")), 0);
}
END_TEST

static const char *told_of(const char *config)
{
	const struct peer_row rows[] = {
		{ "GET", DOMAIN("www.example.org"), .status = 200, .body = THERE("") },
		{ CONFIG, .status = 200, .body = config },
		{ .method = NULL },
	};
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_attempt(&trial, &vercel_domain,
				 "{'project':'prj_1','name':'www.example.org'}"),
		ACTION_WAITING);
	ck_assert(trial_waits_for_person(&trial));
	return trial_wait_text(&trial);
}

START_TEST(test_the_record_in_the_way_is_named)
{
	const char *told = told_of(
		J("{'misconfigured':true,'conflicts':[{'name':'www.example.org','type':'AAAA',"
		  "'value':'2001:db8::7'}]" RECOMMENDED));
	ck_assert_str_eq(told,
		"Remove these DNS records of www.example.org: AAAA www.example.org to 2001:db8::7. "
		"It needs: CNAME "
		"www.example.org to site.vercel-dns-017.com");
}
END_TEST

START_TEST(test_a_proxy_in_front_is_named)
{
	ck_assert_ptr_nonnull(strstr(
		told_of(J("{'misconfigured':true,'configuredBy':'http'" RECOMMENDED)), "proxy"));
	ck_assert_ptr_null(strstr(
		told_of(J("{'misconfigured':true,'configuredBy':null" RECOMMENDED)), "proxy"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_a_wildcard_is_a_domain, test_capitals_are_the_same_name,
		test_other_names_are_refused_in_words, test_umlauts_are_converted,
		test_a_redirect_is_a_name_of_its_own, test_a_new_domain_redirects_or_shows_a_branch,
		test_a_domain_does_not_redirect_and_show_a_branch,
		test_one_that_is_there_is_changed_to_what_is_asked,
		test_the_record_in_the_way_is_named, test_a_proxy_in_front_is_named, NULL };
	return suite_main("domain kinds", tests, setup, teardown);
}
