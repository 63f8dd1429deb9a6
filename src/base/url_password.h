/*
 * The password in a URL, scheme://user:password@host: to keep it from people's eyes.
 */
#ifndef SLIPWAY_BASE_URL_PASSWORD_H
#define SLIPWAY_BASE_URL_PASSWORD_H

#include <stddef.h>

/* Its length, and where it begins in the URL; 0 where there is none. */
size_t url_password_find(const char *url, const char **ret_password);

/* Copies the URL as people may see it: a password in it is ***. What does not fit is cut. */
void url_password_mask(const char *url, char *target, size_t size);

#endif
