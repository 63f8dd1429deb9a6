/*
 * Feeds what Redis holds of a run, a deployment and an event, as replies in its protocol, to those
 * who read it. A status is JSON; written at once and by a tree it has the same bytes, and its
 * numbers and times are in their bounds.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/record.h"
#include "base/text.h"
#include "core/deployment.h"
#include "core/history.h"
#include "core/run.h"
#include "fuzz/claims.h"
#include "fuzz/scripted_redis.h"
#include "store/ledger.h"
#include "store/runs.h"

#define NOW INT64_C(1764316800000)

static const struct run_name name = { "default", "acme", "site", "repo" };

/* ---- a run ---- */

static void try_status(const struct run *run)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_JSON cJSON *json = NULL;
	CLEANUP_BUFFER struct buffer buffer = BUFFER_EMPTY((size_t)16 << 20);
	struct json_writer writer = json_writer_to(&buffer, 0);
	struct error error;
	char tag[RUN_TAG_SIZE];

	runs_tag(run, 1, tag);
	CLAIM(strlen(tag) == RUN_TAG_SIZE - 1, "tag %s", tag);
	CLAIM(run_age_ms(run) >= 0, "it is younger than nothing");
	int64_t wait_ms = run_next_poll_ms(run);
	CLAIM(wait_ms >= 0 && wait_ms <= 15500, "to be asked in %lld ms", (long long)wait_ms);
	json_open(&writer, '{');
	bool written = run_status_write(run, &writer, &error) == ERROR_NONE;
	json_close(&writer, '}');
	bool made = run_status(run, &json, &error) == ERROR_NONE;
	CLAIM(made == (written && writer.complete), "one is made, the other is not: %s",
		buffer_text(&buffer));
	if (!made)
		return;
	char *text = json_print(&arena, json);
	CLAIM(text != NULL && strcmp(text, buffer_text(&buffer)) == 0, "%s is not %s",
		buffer_text(&buffer), text);
	/* As a response does, whatever Redis holds. */
	text_make_valid(text, strlen(text));
	claim_object(text, strlen(text));
}

static void try_output(const struct run *run)
{
	static const char *const texts[] = { "${step.repo.url}", "${step.repo.map.key}" };
	struct error error;

	for (size_t i = 0; i < 2; i++) {
		CLEANUP_JSON cJSON *value = NULL;
		struct reference reference;
		const char *start, *end;
		CLAIM(reference_find(texts[i], &reference, &start, &end, &error) == ERROR_NONE,
			"%s", error.message);
		if (run_output_member(run->output, &reference, &value, &error) == ERROR_NONE)
			CLAIM(value != NULL, "no value");
		else
			claim_error(&error);
	}
}

/* ---- what else is a hash of texts and numbers ---- */

static void take(
	const struct record *record, void *data, const struct redisReply *hash, struct arena *arena)
{
	for (size_t i = 0; i + 1 < reply_count(hash); i += 2)
		CLAIM(record_take(record, data, reply_text(reply_item(hash, i)),
			      reply_text(reply_item(hash, i + 1)), arena),
			"no memory");
}

static void claim_printed(cJSON *json, enum error_class class)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	char *text = class == ERROR_NONE ? json_print(&arena, json) : NULL;

	if (text != NULL && cJSON_IsObject(json)) {
		text_make_valid(text, strlen(text));
		claim_object(text, strlen(text));
	}
	cJSON_Delete(class == ERROR_NONE ? json : NULL);
}

static void try_others(const struct redisReply *hash, struct arena *arena)
{
	struct deployment deployment;
	struct ended_run ended = { 0 };
	struct app_event event = { 0 };
	struct error error;
	cJSON *json = NULL;
	enum error_class class;

	deployment_init(&deployment, "acme", "site");
	take(&deployment_shown, &deployment, hash, arena);
	take(&deployment_hidden, &deployment, hash, arena);
	class = deployment_status(&deployment, &json, &error);
	claim_printed(json, class);
	class = deployment_json(&deployment, &json, &error);
	claim_printed(json, class);
	record_clear(&ended_run_fields, &ended);
	take(&ended_run_fields, &ended, hash, arena);
	class = ended_run_json(&ended, "acme", cJSON_CreateArray(), &json, &error);
	claim_printed(json, class);
	record_clear(&app_event_fields, &event);
	take(&app_event_fields, &event, hash, arena);
	class = app_event_json(&event, &json, &error);
	claim_printed(json, class);
}

static void try_ledger(const struct redisReply *reply)
{
	CLEANUP_JSON cJSON *ledger = NULL;
	struct error error;

	if (ledger_decode(reply, &ledger, &error) == ERROR_NONE)
		CLAIM(cJSON_IsObject(ledger), "no object");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct run run;
	struct error error;
	struct redisReply *reply;

	scripted_redis_begin((const char *)data, size);
	while ((reply = scripted_redis_reply()) != NULL) {
		CLAIM(run_from_hash(&run, &name, reply, NOW, &arena, &error) == ERROR_NONE, "%s",
			error.message);
		try_status(&run);
		try_output(&run);
		CLAIM(run_told(&run, &name, reply, &arena, &error) == ERROR_NONE, "%s",
			error.message);
		try_status(&run);
		try_others(reply, &arena);
		try_ledger(reply);
		reply_free(reply);
	}
	scripted_redis_end();
	return 0;
}
