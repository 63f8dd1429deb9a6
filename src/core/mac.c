/*
 * The keys lie in one page of their own: what is asked of the kernel for it, it does by the page.
 */
#include "core/mac.h"

#include <sodium.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/text.h"
#include "core/secret.h"

#define BYTES     crypto_generichash_BYTES_MIN
#define CONTEXT   "slipmac1" /* of crypto_kdf: 8 characters */
#define KEYS_MAX  64
#define BASE64    sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define PAGE_SIZE ((size_t)4096)

struct mac_key {
	char id[SECRET_KEY_ID_SIZE];
	unsigned char key[crypto_generichash_KEYBYTES];
};

struct mac_keys {
	size_t count;
	struct mac_key list[KEYS_MAX];
};

_Static_assert(sizeof(struct mac_keys) <= PAGE_SIZE, "it is one page");
_Static_assert(MAC_SIZE == SECRET_KEY_ID_SIZE + sodium_base64_ENCODED_LEN(BYTES, BASE64),
	"the id, a dot in the place of its end, and the code with its end");
_Static_assert(crypto_kdf_KEYBYTES == SECRET_KEY_BYTES, "a private key is one for derivations");

/* ---- the keys ---- */

static struct mac_keys *page_new(struct error *error)
{
	struct mac_keys *keys =
		mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (keys == MAP_FAILED) {
		error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the keys of MACs");
		return NULL;
	}
	if (madvise(keys, PAGE_SIZE, MADV_WIPEONFORK) != 0 ||
		madvise(keys, PAGE_SIZE, MADV_DONTDUMP) != 0) {
		error_set(error, ERROR_INTERNAL,
			"the kernel lacks MADV_WIPEONFORK or MADV_DONTDUMP, which keep the keys of "
			"MACs from children and cores: Linux 4.14 or newer is needed");
		munmap(keys, PAGE_SIZE);
		return NULL;
	}
	if (mlock(keys, PAGE_SIZE) != 0)
		log_write(LOG_WARNING, "keys of MACs may be swapped out", "why",
			"RLIMIT_MEMLOCK leaves no room for them: raise LimitMEMLOCK", NULL);
	return keys;
}

enum error_class mac_keys_new(
	const char *private_keys, struct mac_keys **ret_keys, struct error *error)
{
	unsigned char key[SECRET_KEY_BYTES];
	const char *rest = private_keys;
	struct mac_keys *keys = page_new(error);

	if (keys == NULL)
		return error->class;
	while (keys->count < KEYS_MAX && secret_key_next(&rest, keys->list[keys->count].id, key)) {
		struct mac_key *next = &keys->list[keys->count++];
		crypto_kdf_derive_from_key(next->key, sizeof(next->key), 1, CONTEXT, key);
	}
	sodium_memzero(key, sizeof(key));
	*ret_keys = keys;
	if (keys->count > 0)
		return ERROR_NONE;
	mac_keys_free(keys);
	return error_set(error, ERROR_INVALID_INPUT, "there is no private key");
}

void mac_keys_free(struct mac_keys *keys)
{
	if (keys == NULL)
		return;
	sodium_memzero(keys, PAGE_SIZE);
	munmap(keys, PAGE_SIZE);
}

enum error_class mac_keys_renew(
	struct mac_keys *keys, const char *private_keys, struct error *error)
{
	struct mac_keys *renewed;

	if (mac_keys_new(private_keys, &renewed, error) != ERROR_NONE)
		return error->class;
	memcpy(keys, renewed, PAGE_SIZE);
	mac_keys_free(renewed);
	return ERROR_NONE;
}

/* ---- MACs ---- */

static void add(crypto_generichash_state *state, const char *text)
{
	const char *one = text != NULL ? text : "";

	crypto_generichash_update(state, (const unsigned char *)one, strlen(one) + 1);
}

/* Each part with its end, which none has within. */
static void write_mac(const struct mac_key *key, const struct mac_place *place, const char *text,
	char mac[MAC_SIZE])
{
	const char *const parts[] = { "slipway", place->kind, place->name.tenant, place->name.app,
		place->name.workflow, place->name.step, place->run, place->input, place->field,
		text };
	crypto_generichash_state state;
	unsigned char hash[BYTES];

	crypto_generichash_init(&state, key->key, sizeof(key->key), sizeof(hash));
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		add(&state, parts[i]);
	crypto_generichash_final(&state, hash, sizeof(hash));
	text_copy(mac, MAC_SIZE, key->id);
	mac[SECRET_KEY_ID_SIZE - 1] = '.';
	sodium_bin2base64(mac + SECRET_KEY_ID_SIZE, MAC_SIZE - SECRET_KEY_ID_SIZE, hash,
		sizeof(hash), BASE64);
	sodium_memzero(&state, sizeof(state));
}

void mac_make(const struct mac_keys *keys, const struct mac_place *place, const char *text,
	char mac[MAC_SIZE])
{
	write_mac(&keys->list[0], place, text, mac);
}

enum mac_state mac_check(const struct mac_keys *keys, const struct mac_place *place,
	const char *text, const char *mac)
{
	char own[MAC_SIZE];

	if (mac[0] == '\0')
		return MAC_NONE;
	if (strlen(mac) != MAC_SIZE - 1)
		return MAC_WRONG;
	for (size_t i = 0; i < keys->count; i++) {
		if (strncmp(keys->list[i].id, mac, SECRET_KEY_ID_SIZE - 1) != 0)
			continue;
		write_mac(&keys->list[i], place, text, own);
		if (sodium_memcmp(own, mac, MAC_SIZE) != 0)
			return MAC_WRONG;
		return i == 0 ? MAC_VALID : MAC_OLDER;
	}
	return MAC_STRANGE;
}
