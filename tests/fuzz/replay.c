/*
 * The main function of a fuzz target where libFuzzer gives none: tries each seed once, and the
 * files and folders that are named instead. Any compiler builds it, and a test it is by its last
 * line.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fuzz/claims.h"

#define SEED_MAX ((size_t)1 << 20)

static size_t tried;

/* The name is written before, so that a log ends with the one that crashed. */
static void try_file(const char *path)
{
	uint8_t *bytes = malloc(SEED_MAX);
	FILE *file = fopen(path, "re");

	CLAIM(bytes != NULL && file != NULL, "cannot read %s", path);
	size_t size = fread(bytes, 1, SEED_MAX, file);
	fclose(file);
	printf("%s\n", path);
	fflush(stdout);
	/* Exactly as large as it is: a read behind it is found. */
	uint8_t *exact = realloc(bytes, size > 0 ? size : 1);
	CLAIM(exact != NULL, "no memory");
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	tried++;
}

static void try_path(const char *path)
{
	char name[4096];
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort);

	if (count < 0)
		try_file(path);
	for (int i = 0; i < count; i++) {
		text_format(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.')
			try_file(name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

int main(int count, char **words)
{
	char own[256];
	const char *slash = strrchr(words[0], '/'), *name = slash != NULL ? slash + 1 : words[0];

	if (LLVMFuzzerInitialize != NULL)
		LLVMFuzzerInitialize(&count, &words);
	text_format(own, sizeof(own), "tests/fuzz/corpus/%s",
		text_has_prefix(name, "fuzz_") ? name + strlen("fuzz_") : name);
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	if (count < 2)
		try_path(own);
	for (int i = 1; i < count; i++)
		try_path(words[i]);
	printf("100%%: Checks: %zu, Failures: 0, Errors: 0\n", tried);
	return tried > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
