/*
 * The system calls that an action under libcurl, OpenSSL, libsodium and the resolver of the C
 * library makes, as a table; whatever is not in it is refused. A filter sees numbers, not what a
 * pointer leads to: paths are Landlock's (file_wall.c), addresses nobody's, and a socket of another
 * kind than TCP or UDP is not made at all.
 */
#include "worker/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "slipway/field.h"
#include "worker/file_wall.h"

#define ARGUMENTS_MAX   3
#define SOCKET_KIND     0xF /* of the type of a socket, without its flags */
#define DESCRIPTOR_BITS 16  /* of the numbers that descriptors have */
#define CHANGES_FILE    (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND)
#define A_THREAD        (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
/* A namespace of its own, say. */
#define NOT_OF_A_THREAD                                                                            \
	(~(uint64_t)(A_THREAD | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |               \
		CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | CLONE_DETACHED))

/* Whatever their arguments are. */
static const int calls[] = {
	/* memory */
	SCMP_SYS(brk),
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(mprotect),
	SCMP_SYS(madvise),
	/* what is open */
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(readv),
	SCMP_SYS(writev),
	SCMP_SYS(pread64),
	SCMP_SYS(lseek),
	SCMP_SYS(close),
	SCMP_SYS(fstat),
	SCMP_SYS(pipe),
	SCMP_SYS(pipe2),
	SCMP_SYS(eventfd2),
	SCMP_SYS(getdents64),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(select),
	SCMP_SYS(pselect6),
	/* what there is */
	SCMP_SYS(stat),
	SCMP_SYS(lstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(statx),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(getcwd),
	/* the network; who receives by recvmsg may be handed a copy of a descriptor */
	SCMP_SYS(connect),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockopt),
	SCMP_SYS(sendto),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendmmsg),
	/* time */
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(nanosleep),
	/* its signals */
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigpending),
	SCMP_SYS(rt_sigtimedwait),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(restart_syscall),
	/* its threads: libcurl looks up a name in one */
	SCMP_SYS(futex),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(get_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(set_tid_address),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(membarrier),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	/* what it is */
	SCMP_SYS(getpid),
	SCMP_SYS(getppid),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(getrlimit),
	SCMP_SYS(getrusage),
	SCMP_SYS(uname),
	SCMP_SYS(sysinfo),
	SCMP_SYS(getrandom),
};

/* With these arguments only. */
struct guarded_call {
	int number;
	unsigned count;
	struct scmp_arg_cmp arguments[ARGUMENTS_MAX];
};

#define IS(argument, value)                                                                        \
	{                                                                                          \
		(argument), SCMP_CMP_EQ, (value), 0                                                \
	}
#define MASKED_IS(argument, mask, value)                                                           \
	{                                                                                          \
		(argument), SCMP_CMP_MASKED_EQ, (mask), (value)                                    \
	}

#define SOCKET(family, kind, protocol)                                                             \
	{                                                                                          \
		SCMP_SYS(socket), 3,                                                               \
		{                                                                                  \
			IS(0, (family)), MASKED_IS(1, SOCKET_KIND, (kind)), IS(2, (protocol))      \
		}                                                                                  \
	}

static const struct guarded_call guarded_calls[] = {
	{ SCMP_SYS(openat), 1, { MASKED_IS(2, CHANGES_FILE, O_RDONLY) } },
	{ SCMP_SYS(open), 1, { MASKED_IS(1, CHANGES_FILE, O_RDONLY) } },
	SOCKET(AF_INET, SOCK_STREAM, 0),
	SOCKET(AF_INET, SOCK_STREAM, IPPROTO_TCP),
	SOCKET(AF_INET, SOCK_DGRAM, 0),
	SOCKET(AF_INET, SOCK_DGRAM, IPPROTO_UDP),
	SOCKET(AF_INET6, SOCK_STREAM, 0),
	SOCKET(AF_INET6, SOCK_STREAM, IPPROTO_TCP),
	SOCKET(AF_INET6, SOCK_DGRAM, 0),
	SOCKET(AF_INET6, SOCK_DGRAM, IPPROTO_UDP),
	/* one of datagrams could be led to a server */
	{ SCMP_SYS(socketpair), 2, { IS(0, AF_UNIX), MASKED_IS(1, SOCKET_KIND, SOCK_STREAM) } },
	{ SCMP_SYS(fcntl), 1, { IS(1, F_GETFD) } },
	{ SCMP_SYS(fcntl), 1, { IS(1, F_SETFD) } },
	{ SCMP_SYS(fcntl), 1, { IS(1, F_GETFL) } },
	{ SCMP_SYS(ioctl), 1, { IS(1, FIONREAD) } },
	/* to ask for a limit, not to set one */
	{ SCMP_SYS(prlimit64), 2, { IS(0, 0), IS(2, 0) } },
	{ SCMP_SYS(clone), 1, { MASKED_IS(0, A_THREAD | NOT_OF_A_THREAD, A_THREAD) } },
};

/* Of descriptors but the first three, which it shares with the worker: what is done to the log is
 * done to the log of all. */
static const struct guarded_call calls_of_its_own[] = {
	{ SCMP_SYS(setsockopt), 0, { IS(0, 0) } },
	{ SCMP_SYS(fcntl), 1, { IS(1, F_SETFL) } },
	{ SCMP_SYS(fcntl), 1, { IS(1, F_DUPFD_CLOEXEC) } },
	{ SCMP_SYS(ioctl), 1, { IS(1, FIONBIO) } },
};

/* For a process that has a folder to write to. */
static const int writing_calls[] = {
	SCMP_SYS(open),
	SCMP_SYS(openat),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
};

/* ---- the filter ---- */

static bool allow_all(scmp_filter_ctx filter, const int *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, numbers[i], 0) != 0)
			return false;
	return true;
}

static bool allow_guarded(scmp_filter_ctx filter, const struct sandbox *sandbox)
{
	for (size_t i = 0; i < ARRAY_LEN(guarded_calls); i++)
		if (!(sandbox->offline && guarded_calls[i].number == SCMP_SYS(socket)) &&
			seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, guarded_calls[i].number,
				guarded_calls[i].count, guarded_calls[i].arguments) != 0)
			return false;
	return true;
}

static bool allow_of(
	scmp_filter_ctx filter, const struct guarded_call *call, struct scmp_arg_cmp descriptor)
{
	struct scmp_arg_cmp arguments[ARGUMENTS_MAX];

	memcpy(arguments, call->arguments, sizeof(arguments));
	arguments[call->count] = descriptor;
	return seccomp_rule_add_array(
		       filter, SCMP_ACT_ALLOW, call->number, call->count + 1, arguments) == 0;
}

/* A comparison takes all 64 bits of an argument and the kernel 32 of a descriptor: that it is not
 * one of the first three is told by its bits. */
static bool allow_of_its_own(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp third = MASKED_IS(0, UINT32_MAX, STDERR_FILENO + 1);

	for (size_t i = 0; i < ARRAY_LEN(calls_of_its_own); i++) {
		if (!allow_of(filter, &calls_of_its_own[i], third))
			return false;
		for (unsigned bit = 2; bit < DESCRIPTOR_BITS; bit++) {
			const struct scmp_arg_cmp has = MASKED_IS(0, 1U << bit, 1U << bit);
			if (!allow_of(filter, &calls_of_its_own[i], has))
				return false;
		}
	}
	return true;
}

/* Whoever calls abort() or raise() signals itself. */
static bool allow_own_signals(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp itself = IS(0, (uint64_t)getpid());
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(kill), 1, &itself) == 0 &&
		seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &itself) == 0;
}

/* The flags of clone3 stand in memory, where a filter does not look; told that there is none, the C
 * library uses clone. */
static bool deny_clone3(scmp_filter_ctx filter)
{
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
}

static bool fill(scmp_filter_ctx filter, const struct sandbox *sandbox)
{
	return allow_all(filter, calls, ARRAY_LEN(calls)) && allow_guarded(filter, sandbox) &&
		allow_of_its_own(filter) && allow_own_signals(filter) && deny_clone3(filter) &&
		(sandbox->writes == NULL ||
			allow_all(filter, writing_calls, ARRAY_LEN(writing_calls)));
}

static enum error_class filter_calls(const struct sandbox *sandbox, struct error *error)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));

	if (filter == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a filter");
	int status = fill(filter, sandbox) ? seccomp_load(filter) : -EINVAL;
	seccomp_release(filter);
	return status == 0
		? ERROR_NONE
		: error_set(error, ERROR_INTERNAL, "the kernel takes no filter of system calls: %s",
			  strerror(-status));
}

/* ---- all of it ---- */

#ifdef SLIPWAY_NO_SANDBOX
#define IS_OFF true
#else
#define IS_OFF false
#endif

const char *sandbox_weakness(void)
{
	if (IS_OFF)
		return "this build has no sandbox: what it is instrumented with needs files and "
		       "other processes";
	return file_wall_version() == 0 ? "this kernel has no Landlock: executors may open what "
					  "the user of the worker may read"
					: NULL;
}

enum error_class sandbox_enter(const struct sandbox *sandbox, struct error *error)
{
	const struct rlimit no_core = { 0, 0 };

	if (IS_OFF)
		return ERROR_NONE;
	setrlimit(RLIMIT_CORE, &no_core);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return error_set(
			error, ERROR_INTERNAL, "cannot give up rights: %s", strerror(errno));
	if (file_wall_raise(sandbox, error) != ERROR_NONE)
		return error->class;
	return filter_calls(sandbox, error);
}

uint64_t sandbox_stamp(void)
{
	return file_wall_stamp();
}
