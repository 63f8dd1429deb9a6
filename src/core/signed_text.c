/*
 * Only texts are looked at, and no JSON is parsed: what has no MAC of ours is not to be read at
 * all.
 */
#include "core/signed_text.h"

#include <sodium.h>
#include <string.h>

#include "base/text.h"

#define ROW_HEAD   "{\"mac\":\""
#define ROW_LENGTH (strlen(ROW_HEAD) + MAC_SIZE - 1) /* up to the quote behind the MAC */

struct mac_place row_place(const struct app_name *app, const char *field)
{
	return (struct mac_place){
		.kind = "ledger", .name = { app->tenant, app->app, "", "" }, .field = field
	};
}

struct mac_place checkpoint_place(
	const struct run_name *name, const char *run_id, const char *input_digest)
{
	return (struct mac_place){
		.kind = "checkpoint", .name = *name, .run = run_id, .input = input_digest
	};
}

struct mac_place output_place(const struct run_name *name)
{
	return (struct mac_place){ .kind = "output", .name = *name };
}

void mac_digest(const char *text, char digest[MAC_DIGEST_SIZE])
{
	unsigned char hash[crypto_generichash_BYTES_MIN];

	crypto_generichash(hash, sizeof(hash), (const unsigned char *)text, strlen(text), NULL, 0);
	sodium_bin2hex(digest, MAC_DIGEST_SIZE, hash, sizeof(hash));
}

/* ---- signing ---- */

const char *row_sign(const struct mac_keys *keys, const struct mac_place *place, const char *row,
	struct arena *arena)
{
	char mac[MAC_SIZE];

	if (row[0] != '{')
		return row;
	mac_make(keys, place, row, mac);
	return arena_format(
		arena, ROW_HEAD "%s\"%s%s", mac, strcmp(row, "{}") != 0 ? "," : "", row + 1);
}

const char *checkpoint_sign(const struct mac_keys *keys, const struct mac_place *place,
	const char *checkpoint, struct arena *arena)
{
	char mac[MAC_SIZE];

	mac_make(keys, place, checkpoint, mac);
	return arena_format(arena, "%s %s", mac, checkpoint);
}

/* What it gives is a part of its place. */
static void make_of_output(const struct mac_place *place, const char *gives, struct mac_place *own)
{
	*own = *place;
	own->field = gives;
}

const char *gives_sign(const struct mac_keys *keys, const struct mac_place *place,
	const char *output, const char *gives, struct arena *arena)
{
	struct mac_place own;
	char mac[MAC_SIZE];

	make_of_output(place, gives, &own);
	mac_make(keys, &own, output, mac);
	return arena_format(arena, "%s %s", gives, mac);
}

/* ---- checking ---- */

static enum mac_state check(const struct mac_keys *keys, const struct mac_place *place,
	const char *text, const char *mac)
{
	return keys != NULL ? mac_check(keys, place, text, mac)
			    : (mac[0] != '\0' ? MAC_STRANGE : MAC_NONE);
}

enum mac_state row_open(const struct mac_keys *keys, const struct mac_place *place, char *row)
{
	char mac[MAC_SIZE];
	const size_t length = strlen(row);

	if (length < ROW_LENGTH + 2 || !text_has_prefix(row, ROW_HEAD) || row[ROW_LENGTH] != '"' ||
		(row[ROW_LENGTH + 1] != ',' && row[ROW_LENGTH + 1] != '}'))
		return MAC_NONE;
	memcpy(mac, row + strlen(ROW_HEAD), MAC_SIZE - 1);
	mac[MAC_SIZE - 1] = '\0';
	const char *rest = row + ROW_LENGTH + (row[ROW_LENGTH + 1] == ',' ? 2 : 1);
	memmove(row + 1, rest, strlen(rest) + 1);
	return check(keys, place, row, mac);
}

enum mac_state checkpoint_open(const struct mac_keys *keys, const struct mac_place *place,
	const char *text, const char **ret_checkpoint)
{
	char mac[MAC_SIZE];

	*ret_checkpoint = text;
	if (text[0] == '\0')
		return MAC_VALID;
	if (strcspn(text, " ") != MAC_SIZE - 1 || text[MAC_SIZE - 1] != ' ')
		return MAC_NONE;
	memcpy(mac, text, MAC_SIZE - 1);
	mac[MAC_SIZE - 1] = '\0';
	*ret_checkpoint = text + MAC_SIZE;
	return check(keys, place, *ret_checkpoint, mac);
}

enum mac_state output_check(
	const struct mac_keys *keys, const struct mac_place *place, const char *output, char *gives)
{
	char *mac = gives + strcspn(gives, " ");
	struct mac_place own;

	if (*mac == ' ')
		*mac++ = '\0';
	if (strcmp(mac, OUTPUT_GIVEN) == 0)
		return MAC_VALID;
	make_of_output(place, gives, &own);
	return check(keys, &own, output, mac);
}

const char *mac_state_words(enum mac_state state)
{
	static const char *const words[] = {
		[MAC_VALID] = "a worker wrote it",
		[MAC_OLDER] = "a worker wrote it, with another key than the first",
		[MAC_NONE] = "it has no MAC: no worker wrote it",
		[MAC_STRANGE] = "its MAC is by a key that is not among those here",
		[MAC_WRONG] = "its MAC is of another text or place: no worker wrote it there",
	};

	return words[state];
}
