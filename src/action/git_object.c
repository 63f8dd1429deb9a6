/*
 * The name of a git blob: SHA-1 over its header and content. It lets an action compare files with a
 * tree without reading them.
 */
#include "action/git_object.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

#include "base/text.h"

#define NAME_BYTES 20

/* A header, its NUL, and the bytes. */
static bool digest_blob(const void *bytes, size_t length, unsigned char digest[NAME_BYTES])
{
	char header[32];
	unsigned size = 0;
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	bool made = text_format(header, sizeof(header), "blob %zu", length) && hash != NULL &&
		EVP_MD_size(EVP_sha1()) == NAME_BYTES &&
		EVP_DigestInit_ex(hash, EVP_sha1(), NULL) == 1 &&
		EVP_DigestUpdate(hash, header, strlen(header) + 1) == 1 &&
		EVP_DigestUpdate(hash, bytes, length) == 1 &&
		EVP_DigestFinal_ex(hash, digest, &size) == 1 && size == NAME_BYTES;

	EVP_MD_CTX_free(hash);

	/* Clear the error queue: the next user of libcrypto would take the error for its own. */
	if (!made)
		ERR_clear_error();
	return made;
}

enum error_class git_blob(
	const void *bytes, size_t length, char name[GIT_NAME_SIZE], struct error *error)
{
	unsigned char digest[NAME_BYTES];
	if (!digest_blob(bytes, length, digest))
		return error_set(
			error, ERROR_OUT_OF_MEMORY, "no memory for the SHA-1 of %zu bytes", length);
	sodium_bin2hex(name, GIT_NAME_SIZE, digest, sizeof(digest));
	return ERROR_NONE;
}
