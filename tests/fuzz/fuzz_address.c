/*
 * Feeds one text to all that read addresses and names: URLs of inputs, of Redis and of settings,
 * names of domains, Host headers, media types. What a URL reaches by its parts is what libcurl
 * would reach; what is the name of a domain stays it; a password is in no text that is shown.
 */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "api/host.h"
#include "api/media_type.h"
#include "base/identifier.h"
#include "base/text.h"
#include "base/url_password.h"
#include "fuzz/claims.h"
#include "http/url.h"
#include "slipway/domain.h"
#include "store/redis_address.h"
#include "store/streams.h"

static void try_url(const char *text)
{
	for (int loopback = 0; loopback < 2; loopback++) {
		struct url_parts parts;
		struct error error;
		if (url_check(text, loopback == 1, &parts, &error) == ERROR_NONE) {
			bool is_https = strcmp(parts.scheme, "https") == 0;
			CLAIM(is_https || (loopback == 1 && strcmp(parts.scheme, "http") == 0),
				"scheme %s", parts.scheme);
			CLAIM(parts.host[0] != '\0' && strchr(parts.host, '@') == NULL, "host %s",
				parts.host);
		} else {
			claim_error(&error);
		}
		url_parts_release(&parts);
	}
}

/* Neither part of a path can lead out of it, whatever it is. */
static void try_build(const char *text)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const struct provider_request request = {
		.path = "/repos/{owner}/x", .parameters = { text }, .query = { { "q", text } }
	};
	const char *url = NULL;
	struct error error;

	if (url_build("https://host.example/api", &request, NULL, &arena, &url, &error) !=
		ERROR_NONE) {
		claim_error(&error);
		return;
	}
	static const char before[] = "https://host.example/api/repos/", behind[] = "/x?q=";
	CLAIM(text_has_prefix(url, before), "another path: %s", url);
	const char *part = url + strlen(before);
	size_t length = strcspn(part, "/?#");
	CLAIM(length > 0 && text_has_prefix(part + length, behind), "another path: %s", url);
	CLAIM(strpbrk(part + length + strlen(behind), "/?#& \r\n") == NULL, "another query: %s",
		url);
}

static void try_domain(const char *text)
{
	char name[DOMAIN_SIZE], again[DOMAIN_SIZE], written[DOMAIN_TEXT_SIZE];
	const char *why = NULL;

	if (!domain_read(text, name, &why)) {
		CLAIM(why != NULL && text_is_shown(why), "no reason");
		return;
	}
	CLAIM(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == strlen(name), "name %s",
		name);
	CLAIM(domain_read(name, again, &why) && strcmp(name, again) == 0, "read again: %s: %s",
		name, why != NULL ? why : again);
	domain_write(name, written);
	CLAIM(text_is_shown(written), "it cannot be shown: %s", written);
	CLAIM(domain_read(written, again, &why) && strcmp(name, again) == 0, "written: %s: %s",
		written, why != NULL ? why : again);
}

static void try_redis(const char *text)
{
	struct redis_address address;
	struct error error;

	if (redis_address_parse(text, &address, &error) != ERROR_NONE) {
		claim_error(&error);
		return;
	}
	CLAIM((address.socket[0] != '\0') != (address.host[0] != '\0'), "both or none: %s", text);
	CLAIM(address.socket[0] != '\0' || (address.port > 0 && address.port < 65536), "port %d",
		address.port);
}

static void try_password(const char *text)
{
	char shown[1024];
	const char *password = NULL;
	size_t length = url_password_find(text, &password);

	url_password_mask(text, shown, sizeof(shown));
	if (length == 0)
		return;
	CLAIM(password > text && password + length < text + strlen(text), "out of its bounds");
	size_t before = (size_t)(password - text);
	CLAIM(before + 3 >= sizeof(shown) - 4 || memcmp(shown + before, "***", 3) == 0,
		"it is not masked: %s", shown);
	CLAIM(strlen(text) + 3 >= sizeof(shown) || strlen(shown) == strlen(text) - length + 3,
		"it is longer: %s", shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = input_copy(data, size);
	struct error error;

	try_url(text);
	try_build(text);
	try_domain(text);
	try_redis(text);
	try_password(text);
	if (host_is_loopback(text))
		CLAIM(strspn(text, "localhstLOCALHST0123456789.:[]") == strlen(text), "host %s",
			text);
	if (media_type_check(text, "", &error) != ERROR_NONE)
		claim_error(&error);
	if (media_type_check("application/json", text, &error) != ERROR_NONE)
		claim_error(&error);
	CLAIM(!stream_id_valid(text) || strlen(text) < STREAM_ID_SIZE, "a long id");
	CLAIM(!identifier_valid(text) || strlen(text) < IDENTIFIER_SIZE, "a long identifier");
	free(text);
	return 0;
}
