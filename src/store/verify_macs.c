/*
 * Whoever signs here says that he has looked: from then on it is believed as a worker's word.
 */
#include "store/verify_macs.h"

#include <string.h>

#include "base/text.h"
#include "slipway/field.h"
#include "store/functions.h"
#include "store/keys.h"

struct look {
	struct redis *redis;
	const char *key;
	const struct mac_keys *keys;
	enum mac_signing signing;
	const struct mac_visitor *visitor;
	struct arena *arena;
};

/* One text: where it stands, as it is, and as it would be with a MAC. */
struct stored {
	const char *field, *text;
	const char *what; /* for people */
	enum mac_state state;
	const char *signed_text;
};

static enum error_class replace(
	const struct look *look, const struct stored *stored, bool *ret_done, struct error *error)
{
	const struct script_argument arguments[] = { { "field", .text = stored->field },
		{ "from", .text = stored->text }, { "to", .text = stored->signed_text } };
	const struct script_call call = { SCRIPT_SIGN, 1, &look->key, ARRAY_LEN(arguments),
		arguments };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (script_call(look->redis, &call, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_done = strcmp(reply_text(reply_item(reply, 0)), "signed") == 0;
	return ERROR_NONE;
}

static enum error_class tell(
	const struct look *look, const struct stored *stored, struct error *error)
{
	const bool is_older = stored->state == MAC_OLDER;
	const bool signs = look->signing >= (is_older ? SIGN_OLDER : SIGN_ALL);
	char what[512];
	bool is_done = false;

	if (look->arena->exhausted)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for MACs");
	if (stored->state == MAC_VALID || (is_older && !signs))
		return ERROR_NONE;
	if (signs && replace(look, stored, &is_done, error) != ERROR_NONE)
		return error->class;
	if (is_older) {
		if (is_done)
			look->visitor->renewed(look->visitor->context);
		return ERROR_NONE;
	}
	text_format(what, sizeof(what), "%.300s: %s", stored->what, mac_state_words(stored->state));
	look->visitor->found(look->visitor->context, what, is_done);
	return ERROR_NONE;
}

/* ---- ledgers ---- */

static enum error_class verify_row(const struct look *look, const struct app_name *app,
	const char *field, const char *text, struct error *error)
{
	const struct mac_place place = row_place(app, field);
	char *row = arena_string(look->arena, text);
	struct stored stored = { .field = field, .text = text };

	stored.what = arena_format(look->arena, "its row '%.200s'", field);
	if (row != NULL) {
		stored.state = row_open(look->keys, &place, row);
		stored.signed_text = row_sign(look->keys, &place, row, look->arena);
	}
	return tell(look, &stored, error);
}

static enum error_class verify_ledger(
	const struct look *look, const struct app_name *app, struct error *error)
{
	const char *const words[] = { "HGETALL", look->key };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (redis_command(look->redis, ARRAY_LEN(words), words, &reply, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i + 1 < reply_count(reply); i += 2)
		if (verify_row(look, app, reply_text(reply_item(reply, i)),
			    reply_text(reply_item(reply, i + 1)), error) != ERROR_NONE)
			return error->class;
	return ERROR_NONE;
}

/* ---- runs ---- */

enum run_part {
	PART_STATUS,
	PART_RUN,
	PART_INPUT,
	PART_CHECKPOINT,
	PART_OUTPUT,
	PART_GIVES,
	PART_KEPT_OUTPUT, /* of the result that stood there: it may be the run's once more */
	PART_KEPT_GIVES,
};

static const char *part_of(const struct redisReply *reply, enum run_part part)
{
	return reply_text(reply_item(reply, (size_t)part));
}

static enum error_class verify_checkpoint(const struct look *look, const struct run_name *name,
	const struct redisReply *reply, struct error *error)
{
	char input_digest[MAC_DIGEST_SIZE];
	const char *checkpoint;
	struct stored stored = { .field = "checkpoint",
		.text = part_of(reply, PART_CHECKPOINT),
		.what = "its checkpoint" };
	const struct mac_place place =
		checkpoint_place(name, part_of(reply, PART_RUN), input_digest);

	mac_digest(part_of(reply, PART_INPUT), input_digest);
	stored.state = checkpoint_open(look->keys, &place, stored.text, &checkpoint);
	stored.signed_text = checkpoint_sign(look->keys, &place, checkpoint, look->arena);
	return tell(look, &stored, error);
}

static enum error_class verify_output(const struct look *look, const struct run_name *name,
	const char *output, struct stored *stored, struct error *error)
{
	const struct mac_place place = output_place(name);
	char *gives = arena_string(look->arena, stored->text);

	if (gives != NULL) {
		stored->state = output_check(look->keys, &place, output, gives);
		stored->signed_text = gives_sign(look->keys, &place, output, gives, look->arena);
	}
	return tell(look, stored, error);
}

static enum error_class verify_result(const struct look *look, const struct run_name *name,
	const struct redisReply *reply, struct error *error)
{
	struct stored own = {
		.field = "gives", .text = part_of(reply, PART_GIVES), .what = "its output"
	};
	struct stored kept = { .field = "kept_gives",
		.text = part_of(reply, PART_KEPT_GIVES),
		.what = "the output that it keeps" };
	const char *kept_output = part_of(reply, PART_KEPT_OUTPUT);

	if (strcmp(part_of(reply, PART_STATUS), "done") == 0)
		return verify_output(look, name, part_of(reply, PART_OUTPUT), &own, error);
	return kept_output[0] != '\0' ? verify_output(look, name, kept_output, &kept, error)
				      : ERROR_NONE;
}

static enum error_class verify_run(
	const struct look *look, const struct run_name *name, struct error *error)
{
	const char *const words[] = { "HMGET", look->key, "status", "run", "input", "checkpoint",
		"output", "gives", "kept_output", "kept_gives" };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (redis_command(look->redis, ARRAY_LEN(words), words, &reply, error) != ERROR_NONE)
		return error->class;
	if (strcmp(part_of(reply, PART_STATUS), "running") == 0 &&
		verify_checkpoint(look, name, reply, error) != ERROR_NONE)
		return error->class;
	return verify_result(look, name, reply, error);
}

enum error_class macs_verify(struct redis *redis, const char *key, const struct mac_keys *keys,
	enum mac_signing signing, const struct mac_visitor *visitor, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const struct look look = { redis, key, keys, signing, visitor, &arena };
	static const char ledger[] = ":ledger";
	const size_t length = strlen(key), end = strlen(ledger);
	char parts[MEMBER_SIZE];
	struct run_name name;
	struct app_name app;

	if (!text_has_prefix(key, KEY_APP_PREFIX) ||
		!text_copy(parts, sizeof(parts), key + strlen(KEY_APP_PREFIX)))
		return ERROR_NONE;
	if (member_split(parts, &name))
		return verify_run(&look, &name, error);
	if (length < end || strcmp(key + length - end, ledger) != 0 ||
		!text_format(parts, sizeof(parts), "%.*s",
			(int)(length - end - strlen(KEY_APP_PREFIX)),
			key + strlen(KEY_APP_PREFIX)) ||
		!app_member_split(parts, &app))
		return ERROR_NONE;
	return verify_ledger(&look, &app, error);
}
