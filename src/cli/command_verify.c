/*
 * slipway verify: prints inconsistencies in Redis. It exits with 1 if one is left that was not
 * repaired.
 */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/open_redis.h"
#include "cli/show.h"
#include "core/mac.h"
#include "core/secret.h"
#include "store/verify.h"

struct options {
	struct settings settings; /* first: see command.h */
	bool repair, renew, sign, json;
	cJSON *findings; /* for --json */
	bool incomplete; /* memory was short: findings are missing */
};

static void print_finding(void *context, const char *key, const char *what, bool repaired)
{
	struct options *options = context;

	if (!options->json) {
		show_text(stdout, key);
		printf(": ");
		show_text(stdout, what);
		printf("%s\n", repaired ? " (repaired)" : "");
		return;
	}

	CLEANUP_JSON cJSON *finding = cJSON_CreateObject();
	bool complete = finding != NULL && json_add(finding, "key", cJSON_CreateString(key)) &&
		json_add(finding, "what", cJSON_CreateString(what)) &&
		json_add(finding, "repaired", cJSON_CreateBool(repaired));
	if (!complete || !json_append(options->findings, json_take(&finding)))
		options->incomplete = true;
}

static enum error_class print_json(
	const struct options *options, const struct verify_counts *counts, struct error *error)
{
	CLEANUP_JSON cJSON *whole = cJSON_CreateObject();

	if (options->incomplete || whole == NULL ||
		!json_add(whole, "keys", json_integer((int64_t)counts->keys)) ||
		!json_add(whole, "live", json_integer((int64_t)counts->live)) ||
		!json_add(whole, "faults", json_integer((int64_t)counts->faults)) ||
		!json_add(whole, "repaired", json_integer((int64_t)counts->repaired)) ||
		!json_add(whole, "renewed", json_integer((int64_t)counts->renewed)) ||
		!json_add(whole, "findings", cJSON_Duplicate(options->findings, true)))
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the findings");
	show_json(stdout, whole);
	return ERROR_NONE;
}

/* Without keys nobody can tell what a worker wrote: that is said, unless somebody is to sign. */
static enum error_class make_keys(
	const struct options *options, struct mac_keys **ret_keys, struct error *error)
{
	const char *private_keys = options->settings.secrets_keys;

	*ret_keys = NULL;
	if (private_keys != NULL)
		return secret_keys_check(NULL, private_keys, error) == ERROR_NONE
			? mac_keys_new(private_keys, ret_keys, error)
			: error->class;
	if (options->sign || options->renew)
		return error_set(error, ERROR_INVALID_INPUT,
			"to sign, it needs the workers' SLIPWAY_SECRETS_KEYS_FILE");
	fprintf(stderr,
		"slipway: without SLIPWAY_SECRETS_KEYS_FILE it does not look who wrote the "
		"ledgers, checkpoints and outputs\n");
	return ERROR_NONE;
}

static enum error_class verify(
	struct options *options, struct verify_counts *counts, struct error *error)
{
	struct redis *redis;
	struct mac_keys *macs;

	if (make_keys(options, &macs, error) != ERROR_NONE)
		return error->class;
	const struct verify_options wanted = {
		.repair = options->repair,
		.macs = macs,
		.signing = options->sign ? SIGN_ALL
			: options->renew ? SIGN_OLDER
					 : SIGN_NOTHING,
		.lease_ms = options->settings.lease_seconds * 1000,
		.retention_seconds = options->settings.retention_days * 86400,
		.found = print_finding,
		.context = options,
	};
	enum error_class class = open_store(&options->settings, "verify", &redis, error);

	if (class == ERROR_NONE) {
		class = store_verify(redis, &wanted, counts, error);
		redis_free(redis);
	}
	mac_keys_free(macs);
	return class;
}

static int verify_and_print(struct options *options)
{
	struct verify_counts counts = { .keys = 0 };
	struct error error;

	if (verify(options, &counts, &error) != ERROR_NONE)
		return command_fail(&error);
	if (options->json && print_json(options, &counts, &error) != ERROR_NONE)
		return command_fail(&error);
	if (!options->json) {
		if (counts.renewed > 0)
			printf("%zu texts are signed anew, by the first key\n", counts.renewed);
		printf("%zu keys, %zu live runs: ", counts.keys, counts.live);
		if (counts.faults == 0)
			printf("no inconsistencies found\n");
		else if (options->repair || options->renew || options->sign)
			printf("%zu faults, %zu repaired\n", counts.faults, counts.repaired);
		else
			printf("%zu faults; 'slipway verify --repair' repairs those that it can\n",
				counts.faults);
	}

	return counts.faults == counts.repaired ? EX_OK : EX_STEP_FAILED;
}

static const struct option_row option_rows[] = {
	{ FLAG_OPTION("repair", 'r', struct options, repair,
		"Repair what can be repaired, through the scripts that workers use") },
	{ FLAG_OPTION("renew", 0, struct options, renew,
		"Sign by the first of the workers' keys what another one of them has signed, and "
		"nothing else: for a turn of the keys") },
	{ FLAG_OPTION("sign", 's', struct options, sign,
		"Sign what workers do not believe: after a look at what verify prints without "
		"it") },
	{ FLAG_OPTION("json", 'j', struct options, json, "Print the findings as JSON") },
	{ .type = OPTION_END },
};

static int execute(void *raw_options)
{
	struct options *options = raw_options;

	options->findings = cJSON_CreateArray();
	options->incomplete = options->findings == NULL;
	int status = verify_and_print(options);
	cJSON_Delete(options->findings);
	return status;
}

const struct command command_verify = {
	.name = "verify",
	.summary = "Check the consistency of what is stored in Redis",
	.about = "Checks the consistency of what is stored in Redis: every live run is in exactly "
		 "one of queue, lease and delayed, and no key but the indexes lacks a time to "
		 "live. With the workers' keys it also looks whether they wrote the ledgers, "
		 "checkpoints and outputs. Exit status 1 if a fault is left.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.programs = SETTINGS_CLI | SETTINGS_WORKER,
	.asks_redis = true,
	.execute = execute,
};
