/*
 * What the MACs of a run cost: a row of the ledger, a checkpoint and an output, each of which is
 * signed when it is written and checked when it is read, and the digest of the input.
 *
 *	macs COUNT
 *
 * Does it so many times, and prints one line of JSON: microseconds of CPU for each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/secret.h"
#include "core/signed_text.h"

#define ROUNDS_PER_ARENA 100 /* what is signed lies in an arena, which has a limit */

/* As long as those of the workflow site are. */
static const char input[] = "{\"project\":\"docs\",\"repository\":\"acme/"
			    "docs\",\"branch\":\"main\",\"team\":\"team_01\"}";
static const char row[] =
	"{\"provider\":\"vercel\",\"kind\":\"project\",\"id\":\"prj_0123456789abcdefghij\","
	"\"name\":\"docs\",\"state\":\"created\",\"workflow\":\"site\",\"step\":\"project\","
	"\"run\":\"0123456789abcdef0123456789abcdef\",\"at\":1764400000000}";
static const char checkpoint[] = "{\"deployment\":\"dpl_0123456789abcdefghij\",\"polls\":12,"
				 "\"etag\":\"0123456789abcdef\",\"deadline\":1764400000000}";
static const char output[] =
	"{\"projectId\":\"prj_0123456789abcdefghij\",\"name\":\"docs\","
	"\"url\":\"https://docs-acme.vercel.example\",\"framework\":\"nextjs\"}";
static const char gives[] = "0123456789abcdef0123456789abcdef";

static const struct run_name name = { "acme", "docs", "site", "project" };
static const struct app_name app = { "acme", "docs" };
static struct mac_keys *keys;

static void expect(bool is_so)
{
	if (is_so)
		return;
	fputs("macs: what was signed is not believed\n", stderr);
	exit(EXIT_FAILURE);
}

/* As the one digest of an input is used for all that its run writes. */
static void do_digest(struct arena *arena)
{
	char digest[MAC_DIGEST_SIZE];

	(void)arena;
	mac_digest(input, digest);
	expect(digest[0] != '\0');
}

static void do_row(struct arena *arena)
{
	const struct mac_place place = row_place(&app, "vercel project docs");
	char *text = arena_string(arena, row_sign(keys, &place, row, arena));

	expect(row_open(keys, &place, text) == MAC_VALID);
}

static void do_checkpoint(struct arena *arena)
{
	const struct mac_place place =
		checkpoint_place(&name, "0123456789abcdef0123456789abcdef", gives);
	const char *text = checkpoint_sign(keys, &place, checkpoint, arena), *rest;

	expect(checkpoint_open(keys, &place, text, &rest) == MAC_VALID);
}

static void do_output(struct arena *arena)
{
	const struct mac_place place = output_place(&name);
	char *text = arena_string(arena, gives_sign(keys, &place, output, gives, arena));

	expect(output_check(keys, &place, output, text) == MAC_VALID);
}

static double cpu_us(void)
{
	struct timespec time;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static double measure(void (*call)(struct arena *), long count)
{
	double start = cpu_us();

	for (long done = 0; done < count;) {
		CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
		for (int i = 0; i < ROUNDS_PER_ARENA && done < count; i++, done++)
			call(&arena);
	}
	return (cpu_us() - start) / (double)count;
}

int main(int argc, char **argv)
{
	long count = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
	struct secret_key_pair pair;
	struct error error;

	if (count < 1) {
		fputs("Usage: macs COUNT\n", stderr);
		return 2;
	}
	secret_key_make(&pair);
	if (mac_keys_new(pair.private_key, &keys, &error) != ERROR_NONE) {
		fprintf(stderr, "macs: %s\n", error.message);
		return EXIT_FAILURE;
	}
	measure(do_row, count / 10 + 1); /* before it counts, it is warm */
	double digest = measure(do_digest, count), of_row = measure(do_row, count);
	double of_checkpoint = measure(do_checkpoint, count), of_output = measure(do_output, count);
	printf("{\"digest\":%.3f,\"row\":%.3f,\"checkpoint\":%.3f,\"output\":%.3f,\"value\":%.3f}"
	       "\n",
		digest, of_row, of_checkpoint, of_output,
		digest + of_row + of_checkpoint + of_output);
	mac_keys_free(keys);
	return EXIT_SUCCESS;
}
