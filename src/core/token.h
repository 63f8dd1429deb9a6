/*
 * Tokens of callers: their text, what is kept of it, and what a token allows.
 *
 * A token is `sw_<id>_<secret>`: 16 hexadecimal digits and 32 random bytes as base64url. A browser
 * token is `swb_<id>_<secret>`; its id is that of the token that made it and 16 digits more, so
 * that both are looked up at the same time, and it ends with its maker. Only a hash of the text is
 * kept. The secret is random, so a fast hash is enough: there is no word to guess.
 */
#ifndef SLIPWAY_CORE_TOKEN_H
#define SLIPWAY_CORE_TOKEN_H

#include "base/identifier.h"
#include "slipway/error.h"

#define TOKEN_OWN_ID_SIZE 17 /* of a token that is none of a browser */
#define TOKEN_ID_SIZE     33
#define TOKEN_TEXT_SIZE   81 /* swb_, the id, _, 43 characters */
#define TOKEN_HASH_BYTES  32
#define TOKEN_HASH_SIZE   (2 * TOKEN_HASH_BYTES + 1)
#define TOKEN_LABEL_SIZE  65
#define TOKEN_MODES_SIZE  160
#define TOKEN_MINUTES_MAX 60 /* of a browser token */
#define TOKEN_DAYS_MAX    3650

/* What a caller may do; each includes those before it. */
enum role {
	ROLE_NONE,   /* nothing: what was not given a role is refused */
	ROLE_READ,   /* looks */
	ROLE_DEPLOY, /* changes apps, and makes browser tokens */
	ROLE_ADMIN,  /* what belongs to the tenant as a whole */
};

/* What is known of a token. Texts that do not apply are "", times 0; ms since 1970. */
struct token {
	char id[TOKEN_ID_SIZE];
	unsigned char hash[TOKEN_HASH_BYTES];
	enum role role;
	char tenant[IDENTIFIER_SIZE];
	char prefix[IDENTIFIER_SIZE]; /* of the ids of its apps; "": all of the tenant */
	char app[IDENTIFIER_SIZE];    /* of a browser token: the only one */
	char modes[TOKEN_MODES_SIZE]; /* of a browser token: separated by spaces */
	char label[TOKEN_LABEL_SIZE];
	char maker[TOKEN_LABEL_SIZE]; /* who made it */
	int64_t created_at, expires_at, revoked_at;
};

/* "" for a role that does not exist. */
const char *role_name(enum role role);

/* read, deploy or admin; ROLE_NONE for anything else, NULL included. */
enum role role_by_name(const char *name);

/* Makes a new token: its text, which the caller wipes, and its id and hash in *token. maker is the
 * id of the token that makes one for a browser; NULL: it is for no browser. */
void token_make(struct token *token, const char *maker, char ret_text[TOKEN_TEXT_SIZE]);

/* Reads the id of a token, and makes its hash. Whether the text has the form of one; where not, id
 * and hash are those of no token, so that the same can be done with them. NULL is fine. */
bool token_parse(
	const char *text, char ret_id[TOKEN_ID_SIZE], unsigned char ret_hash[TOKEN_HASH_BYTES]);

/* Whether the id is that of a token, for a browser or not. */
bool token_id_valid(const char *id);

/* Whether it is for a browser. */
bool token_is_browser(const struct token *token);

/* Whether its secret is that of the hash: compared in constant time. */
bool token_matches(const struct token *token, const unsigned char hash[TOKEN_HASH_BYTES]);

/* The hash as hexadecimal digits, and back; false where they are none. */
void token_hash_print(const unsigned char hash[TOKEN_HASH_BYTES], char ret_text[TOKEN_HASH_SIZE]);
bool token_hash_read(const char *text, unsigned char ret_hash[TOKEN_HASH_BYTES]);

/* Whether it reaches the app: it is the only one, or begins with the prefix. */
bool token_reaches(const struct token *token, const char *app);

/* Whether it was made for this mode; one that is for no browser is for every mode. */
bool token_has_mode(const struct token *token, const char *mode);

/* Whether the text can be a label: printable ASCII, and not longer than TOKEN_LABEL_SIZE - 1. */
bool token_label_valid(const char *label);

#endif
