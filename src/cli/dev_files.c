/*
 * Files, folders and ports of a private Slipway: what slipway dev needs from the system before it
 * starts a process.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/dev.h"
#include "cli/template.h"
#include "slipway/field.h"

#define FILE_MAX ((size_t)1 << 20)

static enum error_class write_whole(const char *path, const char *text, struct error *error)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t length = strlen(text);
	bool written = file >= 0 && write(file, text, length) == (ssize_t)length;
	if (file >= 0)
		written = close(file) == 0 && written;
	return written ? ERROR_NONE
		       : error_set(error, ERROR_INVALID_INPUT, "cannot write %s: %s", path,
				 strerror(errno));
}

enum error_class dev_file_write(const char *path, const char *embedded_name,
	const char *const *replacements, struct error *error)
{
	CLEANUP_BUFFER struct buffer buffer = BUFFER_EMPTY(FILE_MAX);

	if (template_fill(embedded_name, replacements, &buffer, error) != ERROR_NONE)
		return error->class;
	return write_whole(path, buffer_text(&buffer), error);
}

enum error_class dev_secret_write(const char *path, const char *text, struct error *error)
{
	return write_whole(path, text, error);
}

enum error_class dev_folder_make(const char *path, struct error *error)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return ERROR_NONE;
	return error_set(error, ERROR_INVALID_INPUT, "cannot create the folder %s: %s", path,
		strerror(errno));
}

static int remove_one(const char *path, const struct stat *facts, int type, struct FTW *position)
{
	(void)facts;
	(void)type;
	(void)position;
	return remove(path);
}

enum error_class dev_folder_remove(const char *path, struct error *error)
{
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT)
		return ERROR_NONE;
	return error_set(error, ERROR_INVALID_INPUT, "cannot remove %s: %s", path, strerror(errno));
}

enum error_class dev_programs_find(const char *client, char ret_programs[PATH_MAX],
	char ret_client[PATH_MAX], struct error *error)
{
	char own[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);

	if (length <= 0)
		return error_set(error, ERROR_INTERNAL, "cannot find the program's own folder: %s",
			strerror(errno));
	own[length] = '\0';
	char *slash = strrchr(own, '/');
	*slash = '\0';
	text_copy(ret_programs, PATH_MAX, own);
	if (client != NULL) {
		text_copy(ret_client, PATH_MAX, client);
		return ERROR_NONE;
	}

	/* In the source tree the page is beside build/, or one level higher for a variant in
	 * build/NAME. */
	static const char *const places[] = { "/../client", "/../../client",
		"/../share/slipway/client" };
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		text_format(own, sizeof(own), "%s%s/index.html", ret_programs, places[i]);
		if (access(own, R_OK) == 0) {
			text_format(ret_client, PATH_MAX, "%s%s", ret_programs, places[i]);
			return ERROR_NONE;
		}
	}

	return error_set(error, ERROR_INVALID_INPUT,
		"cannot find the web page; give its folder with --client");
}

static struct sockaddr_in loopback(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

bool dev_port_answers(int port)
{
	struct sockaddr_in address = loopback(port);
	int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool answers = probe >= 0 &&
		connect(probe, (const struct sockaddr *)&address, sizeof(address)) == 0;
	if (probe >= 0)
		close(probe);
	return answers;
}

static bool port_is_free(int port)
{
	struct sockaddr_in address = loopback(port);
	int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is_free =
		probe >= 0 && bind(probe, (const struct sockaddr *)&address, sizeof(address)) == 0;
	if (probe >= 0)
		close(probe);
	return is_free;
}

/* Below the ephemeral range, so that no outgoing connection takes the ports meanwhile. */
int dev_ports_find(void)
{
	for (int tries = 0; tries < 50; tries++) {
		int port = 10000 + (int)randombytes_uniform(20000);
		if (port_is_free(port) && port_is_free(port + 1))
			return port;
	}
	return 0;
}
