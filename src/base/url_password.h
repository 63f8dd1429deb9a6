/*
 * Finds and masks the password in a URL, scheme://user:password@host.
 */
#ifndef SLIPWAY_BASE_URL_PASSWORD_H
#define SLIPWAY_BASE_URL_PASSWORD_H

#include <stddef.h>

/* The length of the password and where it begins in the URL; 0 if there is none. */
size_t url_password_find(const char *url, const char **ret_password);

/* Copies the URL for display, with *** for the password; truncated if it does not fit. */
void url_password_mask(const char *url, char *target, size_t size);

#endif
