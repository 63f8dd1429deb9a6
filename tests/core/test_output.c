/*
 * The digest of what an output gives to others.
 */
#include "core/output.h"

#include <string.h>

#include "harness/suite.h"

struct output {
	const char *name;
	bool created;
};
static const struct field fields[] = {
	{ STRING_FIELD("name", struct output, name) },
	{ BOOLEAN_FIELD("created", struct output, created), .incidental = true },
};
static const struct record record = RECORD(struct output, fields);

static const char *digest_of(const char *output)
{
	static char digests[4][DIGEST_SIZE];
	static size_t next;
	char *digest = digests[next++ % 4];
	struct error error;
	ck_assert_int_eq(output_digest(&record, output, digest, &error), ERROR_NONE);
	return digest;
}

START_TEST(test_what_tells_of_the_run_alone_changes_no_digest)
{
	const char *made = digest_of("{\"name\":\"docs\",\"created\":true}");
	ck_assert_str_eq(made, digest_of("{\"created\":false,\"name\":\"docs\"}"));
	ck_assert_str_ne(made, digest_of("{\"name\":\"other\",\"created\":true}"));
	ck_assert_str_ne(made, digest_of("{\"skipped\":true}"));
}
END_TEST

START_TEST(test_an_output_that_is_no_json_is_an_error)
{
	char digest[DIGEST_SIZE];
	struct error error;
	ck_assert_int_eq(output_digest(&record, "{", digest, &error), ERROR_INTERNAL);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_what_tells_of_the_run_alone_changes_no_digest,
		test_an_output_that_is_no_json_is_an_error, NULL };
	return suite_main("output", tests, NULL, NULL);
}
