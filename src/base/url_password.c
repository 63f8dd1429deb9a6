/*
 * Generous on purpose: a URL that is not valid may have a password in it as well, and will be shown
 * to somebody.
 */
#include "base/url_password.h"

#include <string.h>

#include "base/text.h"

size_t url_password_find(const char *url, const char **ret_password)
{
	const char *login = strstr(url, "://");

	if (login == NULL)
		return 0;
	login += strlen("://");

	/* The last @ ends it: a password may have one, and a slash. */
	const char *at = strrchr(login, '@');
	const char *colon = strchr(login, ':');
	if (colon == NULL || at == NULL || at < colon)
		return 0;
	*ret_password = colon + 1;
	return (size_t)(at - colon) - 1;
}

void url_password_mask(const char *url, char *target, size_t size)
{
	const char *password = NULL;
	size_t length = url_password_find(url, &password);

	if (length == 0)
		text_copy(target, size, url);
	else
		text_format(
			target, size, "%.*s***%s", (int)(password - url), url, password + length);
}
