/*
 * Faults at the border to the C library. The program that includes this (one file of it only) has
 * malloc and the calls on sockets of its own, which the libraries it links find first; the n-th one
 * of an armed kind fails. Faults and counts belong to a thread: a peer in another thread of the
 * test is never hit.
 *
 * hiredis before 1.0 asserts that it gets memory and crashes where it does not: what it asks for is
 * never refused there. glibc's regcomp leaks where it is refused memory: after such a fault nothing
 * is said about leaks.
 *
 * Not armed, all is passed on. Under AddressSanitizer, which has a malloc of its own, that part is
 * left out.
 *
 * Two libraries are spared, for a fault in them shows nothing of ours: hiredis 0.14 aborts or leaks
 * where its own memory is refused (such a process is replaced, as any that crashes); glibc's
 * regcomp leaks, and its regexec says that nothing matches.
 */
#ifndef TESTS_TORTURE_INTERPOSE_H
#define TESTS_TORTURE_INTERPOSE_H

#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <hiredis/hiredis.h>
#include <link.h>
#include <regex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define FAULTS_HAVE_MALLOC 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FAULTS_HAVE_MALLOC 0
#endif
#endif
#if !defined(FAULTS_HAVE_MALLOC)
#define FAULTS_HAVE_MALLOC 1
#endif

enum fault {
	FAULT_MALLOC,      /* the n-th is refused */
	FAULT_MALLOC_FROM, /* the n-th and all after it */
	FAULT_READ_RESET,
	FAULT_READ_END,
	FAULT_READ_SHORT, /* one byte, which is no failure */
	FAULT_WRITE_PIPE,
	FAULT_WRITE_SHORT, /* one byte, which is no failure */
	FAULT_CONNECT,
	FAULT_ACCEPT,
	FAULT_COUNT
};

static const char *const fault_names[FAULT_COUNT] = { "malloc", "malloc from here", "read reset",
	"read end", "read short", "write pipe", "write short", "connect", "accept" };

/* Of this thread. */
static _Thread_local struct {
	bool armed;
	enum fault kind;
	size_t left; /* calls until the fault */
	size_t hits;
	bool in_libc; /* the first one hit was asked for by the C library itself */
	long live;    /* allocations less frees, counted always */
} faults;

static inline void faults_arm(enum fault kind, size_t n)
{
	faults.kind = kind;
	faults.left = n;
	faults.hits = 0;
	faults.in_libc = false;
	faults.armed = true;
}

/* Whether anything was hit. */
static inline bool faults_disarm(void)
{
	faults.armed = false;
	return faults.hits > 0;
}

/* Whether this call, of a kind that may be armed, is the one. */
static inline bool fault_now(enum fault kind)
{
	if (!faults.armed || faults.kind != kind)
		return false;
	if (faults.left > 0)
		faults.left--;
	if (faults.left > 0 || (faults.hits > 0 && kind != FAULT_MALLOC_FROM))
		return false;
	faults.hits++;
	return true;
}

/* ---- memory ---- */

#if FAULTS_HAVE_MALLOC
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void __libc_free(void *memory);

/* By assembler names: the headers have attributes and inline forms of the real ones. */
void *interposed_malloc(size_t size) __asm__("malloc");
void *interposed_calloc(size_t count, size_t size) __asm__("calloc");
void *interposed_realloc(void *memory, size_t size) __asm__("realloc");
void interposed_free(void *memory) __asm__("free");
char *interposed_strdup(const char *text) __asm__("strdup");

/* Where hiredis lies in this process. */
static struct {
	uintptr_t from, to;
} spared;

static inline int spare_library(struct dl_phdr_info *library, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	for (int i = 0; strstr(library->dlpi_name, "libhiredis") != NULL && i < library->dlpi_phnum;
		i++) {
		const ElfW(Phdr) *part = &library->dlpi_phdr[i];
		if (part->p_type != PT_LOAD || (part->p_flags & PF_X) == 0)
			continue;
		spared.from = library->dlpi_addr + part->p_vaddr;
		spared.to = spared.from + part->p_memsz;
	}
	return 0;
}

/* backtrace may take memory at its first call, and dl_iterate_phdr locks: both are done before
 * anything is armed. */
static inline void spare_libraries(void)
{
	void *frames[2];
	backtrace(frames, 2);
	dl_iterate_phdr(spare_library, NULL);
}

static inline bool called_by_spared(void)
{
	void *frames[10];
	int count = backtrace(frames, 10);
	for (int i = 2; i < count; i++)
		if ((uintptr_t)frames[i] >= spared.from && (uintptr_t)frames[i] < spared.to)
			return true;
	return false;
}

/* Where a library's code lies. */
struct code_range {
	const char *name;
	uintptr_t from, to;
};
static struct code_range hiredis_code = { .name = "/libhiredis.so" },
			 libc_code = { .name = "/libc.so.6" },
			 loader_code = { .name = "/ld-linux" };

static inline int code_range_find(struct dl_phdr_info *info, size_t size, void *context)
{
	struct code_range *range = context;
	(void)size;
	if (strstr(info->dlpi_name, range->name) == NULL)
		return 0;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type != PT_LOAD ||
			(info->dlpi_phdr[i].p_flags & PF_X) == 0)
			continue;
		range->from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
		range->to = range->from + info->dlpi_phdr[i].p_memsz;
	}
	return 1;
}

static inline bool code_range_has(const struct code_range *range, const void *caller)
{
	return (uintptr_t)caller >= range->from && (uintptr_t)caller < range->to;
}

static inline bool memory_refused(const void *caller)
{
	if (!faults.armed || (HIREDIS_MAJOR < 1 && code_range_has(&hiredis_code, caller)))
		return false;
	if (!fault_now(FAULT_MALLOC) && !fault_now(FAULT_MALLOC_FROM))
		return false;
	faults.in_libc = faults.hits == 1 ? code_range_has(&libc_code, caller) : faults.in_libc;
	errno = ENOMEM;
	return true;
}

/* What the loader takes for a thread is kept with its stack for the next one, which another thread
 * may create, and join. */
static inline void count_live(long more, const void *caller)
{
	faults.live += code_range_has(&loader_code, caller) ? 0 : more;
}

void *interposed_malloc(size_t size)
{
	void *memory = memory_refused(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
	count_live(memory != NULL ? 1 : 0, __builtin_return_address(0));
	return memory;
}

void *interposed_calloc(size_t count, size_t size)
{
	void *memory =
		memory_refused(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
	count_live(memory != NULL ? 1 : 0, __builtin_return_address(0));
	return memory;
}

void *interposed_realloc(void *memory, size_t size)
{
	if (memory_refused(__builtin_return_address(0)))
		return NULL;
	void *larger = __libc_realloc(memory, size);
	if (memory == NULL && larger != NULL)
		count_live(1, __builtin_return_address(0));
	else if (memory != NULL && size == 0)
		count_live(-1, __builtin_return_address(0));
	return larger;
}

void interposed_free(void *memory)
{
	count_live(memory != NULL ? -1 : 0, __builtin_return_address(0));
	__libc_free(memory);
}

/* Only because the C library's own would hide who calls it. */
char *interposed_strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = memory_refused(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
	faults.live += copy != NULL ? 1 : 0;
	return copy != NULL ? memcpy(copy, text, size) : NULL;
}
#endif

int interposed_regcomp(regex_t *pattern, const char *text, int flags) __asm__("regcomp");

int interposed_regcomp(regex_t *pattern, const char *text, int flags)
{
	union {
		void *pointer;
		int (*function)(regex_t *pattern, const char *text, int flags);
	} real = { dlsym(RTLD_NEXT, "regcomp") };
	bool armed = faults.armed;
	faults.armed = false;
	int result = real.function(pattern, text, flags);
	faults.armed = armed;
	return result;
}

int interposed_regexec(const regex_t *pattern, const char *text, size_t count, regmatch_t matches[],
	int flags) __asm__("regexec");

int interposed_regexec(
	const regex_t *pattern, const char *text, size_t count, regmatch_t matches[], int flags)
{
	union {
		void *pointer;
		int (*function)(const regex_t *pattern, const char *text, size_t count,
			regmatch_t matches[], int flags);
	} real = { dlsym(RTLD_NEXT, "regexec") };
	bool armed = faults.armed;
	faults.armed = false;
	int result = real.function(pattern, text, count, matches, flags);
	faults.armed = armed;
	return result;
}

/* ---- sockets ---- */

ssize_t interposed_read(int fd, void *bytes, size_t size) __asm__("read");
ssize_t interposed_recv(int fd, void *bytes, size_t size, int flags) __asm__("recv");
ssize_t interposed_write(int fd, const void *bytes, size_t size) __asm__("write");
ssize_t interposed_send(int fd, const void *bytes, size_t size, int flags) __asm__("send");
ssize_t interposed_sendmsg(int fd, const struct msghdr *message, int flags) __asm__("sendmsg");
int interposed_connect(int fd, const struct sockaddr *address, socklen_t length) __asm__("connect");
int interposed_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) __asm__(
	"accept4");

static inline int refused(int code)
{
	errno = code;
	return -1;
}

ssize_t interposed_recv(int fd, void *bytes, size_t size, int flags)
{
	if (fault_now(FAULT_READ_RESET))
		return refused(ECONNRESET);
	if (fault_now(FAULT_READ_END))
		return 0;
	if (size > 1 && fault_now(FAULT_READ_SHORT))
		size = 1;
	return syscall(SYS_recvfrom, fd, bytes, size, flags, NULL, NULL);
}

ssize_t interposed_read(int fd, void *bytes, size_t size)
{
	if (fault_now(FAULT_READ_RESET))
		return refused(ECONNRESET);
	if (fault_now(FAULT_READ_END))
		return 0;
	if (size > 1 && fault_now(FAULT_READ_SHORT))
		size = 1;
	return syscall(SYS_read, fd, bytes, size);
}

ssize_t interposed_send(int fd, const void *bytes, size_t size, int flags)
{
	if (fault_now(FAULT_WRITE_PIPE))
		return refused(EPIPE);
	if (size > 1 && fault_now(FAULT_WRITE_SHORT))
		size = 1;
	return syscall(SYS_sendto, fd, bytes, size, flags, NULL, 0);
}

ssize_t interposed_write(int fd, const void *bytes, size_t size)
{
	if (fault_now(FAULT_WRITE_PIPE))
		return refused(EPIPE);
	if (size > 1 && fault_now(FAULT_WRITE_SHORT))
		size = 1;
	return syscall(SYS_write, fd, bytes, size);
}

ssize_t interposed_sendmsg(int fd, const struct msghdr *message, int flags)
{
	return fault_now(FAULT_WRITE_PIPE) ? refused(EPIPE)
					   : syscall(SYS_sendmsg, fd, message, flags);
}

int interposed_connect(int fd, const struct sockaddr *address, socklen_t length)
{
	return fault_now(FAULT_CONNECT) ? refused(ECONNREFUSED)
					: (int)syscall(SYS_connect, fd, address, length);
}

int interposed_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	return fault_now(FAULT_ACCEPT) ? refused(EMFILE)
				       : (int)syscall(SYS_accept4, fd, address, length, flags);
}

/* ---- campaigns ---- */

/* One thing that is done under faults. */
struct torture {
	const char *name;
	void (*prepare)(void); /* before each fault; NULL: nothing */
	void (*run)(void);     /* under the fault */
	/* After it; faulted tells whether something was hit that may be noticed. what says which
	 * fault it was. */
	void (*check)(bool faulted, const char *what);
};

static bool torture_first; /* the round without a fault in which libraries make what they keep */

static bool torture_left; /* a round has left allocations behind */

/* Fails where a fault has left allocations behind, and does so again: a leak comes every time,
 * while what a library makes once and keeps may fall into any round. */
static inline void torture_check_live(long before, const char *what)
{
	if (torture_first || faults.in_libc || faults.live == before)
		return;
	if (torture_left)
		ck_abort_msg("%s: %ld allocations are left, twice", what, faults.live - before);
	torture_left = true;
}

/* Counted over all test processes. */
static atomic_long *torture_faults;

static inline void torture_begin(void)
{
	void *shared = mmap(NULL, sizeof(*torture_faults), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		abort();
	torture_faults = shared;
#if FAULTS_HAVE_MALLOC
	dl_iterate_phdr(code_range_find, &hiredis_code);
	dl_iterate_phdr(code_range_find, &libc_code);
	dl_iterate_phdr(code_range_find, &loader_code);
#endif
#if FAULTS_HAVE_MALLOC
	spare_libraries();
#endif
}

static inline void torture_end(void)
{
	printf("torture: %ld faults injected\n", atomic_load(torture_faults));
}

/* The n-th of one kind. Returns whether anything was hit. */
static inline bool torture_one(const struct torture *torture, enum fault kind, size_t n)
{
	char what[128];
	snprintf(what, sizeof(what), "%s: %s %zu", torture->name, fault_names[kind], n);
	if (torture->prepare != NULL)
		torture->prepare();
	faults_arm(kind, n);
	torture->run();
	bool hit = faults_disarm();
	torture->check(hit && kind != FAULT_READ_SHORT && kind != FAULT_WRITE_SHORT, what);
	atomic_fetch_add(torture_faults, hit ? 1 : 0);
	return hit;
}

/* One kind of fault, n after n until nothing is hit any more. */
static inline void torture_kind(const struct torture *torture, enum fault kind)
{
	bool hit = true;
	for (size_t n = 1; hit; n++) {
		torture_left = false;
		hit = torture_one(torture, kind, n);
		if (torture_left)
			torture_one(torture, kind, n);
	}
}

/* All kinds from the first on that a client of others may meet. The first round is without a fault,
 * for what is made only once. */
static inline void torture_all(const struct torture *torture, enum fault first)
{
	torture_first = true;
	if (torture->prepare != NULL)
		torture->prepare();
	torture->run();
	torture->check(false, torture->name);
	torture_first = false;
	if (!FAULTS_HAVE_MALLOC && first < FAULT_READ_RESET)
		first = FAULT_READ_RESET;
	for (int kind = (int)first; kind < FAULT_ACCEPT; kind++)
		torture_kind(torture, (enum fault)kind);
}

#endif
