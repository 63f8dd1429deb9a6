/*
 * Domain names: people write bäckerei.de, DNS and the APIs of providers take xn--bckerei-5wa.de.
 */
#ifndef SLIPWAY_DOMAIN_H
#define SLIPWAY_DOMAIN_H

#include <stdbool.h>

#include "slipway/error.h"

#define DOMAIN_SIZE       254  /* a name as DNS has it, with the NUL */
#define DOMAIN_TEXT_SIZE  1024 /* the same as people write it */
#define DOMAIN_SHOWN_SIZE (DOMAIN_TEXT_SIZE + DOMAIN_SIZE + 8)

/*
 * Converts a name as people write it into the form that DNS has: lower case, and letters beyond
 * ASCII by UTS #46, non-transitional, as browsers do it. One dot at the end is left out. False if
 * it is not a name with two parts or more; *ret_why then says in words what is wrong, after "is not
 * the name of a domain: ".
 */
bool domain_read(
	const char *text, char ret_name[DOMAIN_SIZE], const char **ret_why) SLIPWAY_MUST_CHECK;

/* The name as people write it; as it is, if it has no other form. "*." may stand before it. */
void domain_write(const char *name, char ret_text[DOMAIN_TEXT_SIZE]);

/* Both forms, for messages: "bäckerei.de (xn--bckerei-5wa.de)", or the one if there is one only. */
void domain_show(const char *name, char ret_shown[DOMAIN_SHOWN_SIZE]);

#endif
