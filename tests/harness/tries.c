/*
 * Each attempt is harmless where it succeeds, but for being a success.
 */
#include "harness/tries.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_SIZE 512

static int of(long result)
{
	return result < 0 ? errno : 0;
}

static int of_descriptor(int descriptor)
{
	const int result = of(descriptor);
	if (descriptor >= 0)
		close(descriptor);
	return result;
}

int tries_is_refusal(int result)
{
	return result == EPERM || result == EACCES || result == ENOSYS;
}

/* ---- files ---- */

static int read_secret(const struct tries_aim *aim)
{
	return of_descriptor(open(aim->file, O_RDONLY | O_CLOEXEC));
}

static int read_by_openat2(const struct tries_aim *aim)
{
	const uint64_t how[3] = { O_RDONLY, 0, 0 };
	return of_descriptor((int)syscall(SYS_openat2, AT_FDCWD, aim->file, how, sizeof(how)));
}

static int write_secret(const struct tries_aim *aim)
{
	return of_descriptor(open(aim->file, O_WRONLY | O_CLOEXEC));
}

static int make_file(const struct tries_aim *aim)
{
	char path[PATH_SIZE];
	snprintf(path, sizeof(path), "%s/made", aim->folder);
	return of_descriptor(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int make_nameless_file(const struct tries_aim *aim)
{
	return of_descriptor(open(aim->folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
}

static int list_folder(const struct tries_aim *aim)
{
	DIR *folder = opendir(aim->folder);
	const int result = folder == NULL ? errno : 0;
	if (folder != NULL)
		closedir(folder);
	return result;
}

static int make_folder(const struct tries_aim *aim)
{
	char path[PATH_SIZE];
	snprintf(path, sizeof(path), "%s/folder", aim->folder);
	return of(mkdir(path, 0700));
}

static int link_secret(const struct tries_aim *aim)
{
	char path[PATH_SIZE];
	snprintf(path, sizeof(path), "%s/linked", aim->folder);
	return of(link(aim->file, path));
}

static int open_mode(const struct tries_aim *aim)
{
	return of(chmod(aim->file, 0644));
}

static int rename_secret(const struct tries_aim *aim)
{
	char path[PATH_SIZE];
	snprintf(path, sizeof(path), "%s/renamed", aim->folder);
	return of(rename(aim->file, path));
}

static int read_passwords(const struct tries_aim *aim)
{
	(void)aim;
	return of_descriptor(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

/* ---- other processes ---- */

static int open_of_process(pid_t pid, const char *what, int flags)
{
	char path[PATH_SIZE];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
	return of_descriptor(open(path, flags | O_CLOEXEC));
}

static int read_memory_of_supervisor(const struct tries_aim *aim)
{
	return open_of_process(aim->supervisor, "mem", O_RDONLY);
}

static int read_environment_of_supervisor(const struct tries_aim *aim)
{
	return open_of_process(aim->supervisor, "environ", O_RDONLY);
}

static int read_memory_of_sibling(const struct tries_aim *aim)
{
	return open_of_process(aim->sibling, "mem", O_RDONLY);
}

static int write_own_memory(const struct tries_aim *aim)
{
	(void)aim;
	return open_of_process(getpid(), "mem", O_RDWR);
}

static int attach(const struct tries_aim *aim)
{
	const int result = of(ptrace(PTRACE_ATTACH, aim->sibling, NULL, NULL));
	if (result == 0) {
		waitpid(aim->sibling, NULL, __WALL);
		ptrace(PTRACE_DETACH, aim->sibling, NULL, NULL);
	}
	return result;
}

static int seize_supervisor(const struct tries_aim *aim)
{
	return of(ptrace(PTRACE_SEIZE, aim->supervisor, NULL, NULL));
}

static int copy_memory(pid_t pid)
{
	char taken[8];
	struct iovec here = { taken, sizeof(taken) }, there = { taken, sizeof(taken) };
	return of(process_vm_readv(pid, &here, 1, &there, 1, 0));
}

static int copy_from_supervisor(const struct tries_aim *aim)
{
	return copy_memory(aim->supervisor);
}

static int copy_from_sibling(const struct tries_aim *aim)
{
	return copy_memory(aim->sibling);
}

static int copy_to_sibling(const struct tries_aim *aim)
{
	char given[8] = "given";
	struct iovec here = { given, sizeof(given) }, there = { given, sizeof(given) };
	return of(process_vm_writev(aim->sibling, &here, 1, &there, 1, 0));
}

static int open_process(const struct tries_aim *aim)
{
	return of_descriptor((int)syscall(SYS_pidfd_open, aim->supervisor, 0));
}

static int compare_processes(const struct tries_aim *aim)
{
	return of(syscall(SYS_kcmp, getpid(), aim->supervisor, 0, 0, 0));
}

static int signal_supervisor(const struct tries_aim *aim)
{
	return of(kill(aim->supervisor, 0));
}

static int signal_sibling(const struct tries_aim *aim)
{
	return of(syscall(SYS_tgkill, aim->sibling, aim->sibling, 0));
}

static int signal_group(const struct tries_aim *aim)
{
	(void)aim;
	return of(kill(0, 0));
}

static int queue_signal(const struct tries_aim *aim)
{
	return of(sigqueue(aim->supervisor, 0, (union sigval){ .sival_int = 0 }));
}

static int own_descriptor(const struct tries_aim *aim)
{
	return of(fcntl(STDERR_FILENO, F_SETOWN, aim->supervisor));
}

static int set_limit_of_supervisor(const struct tries_aim *aim)
{
	const struct rlimit limit = { 64, 64 };
	return of(prlimit(aim->supervisor, RLIMIT_NOFILE, NULL, NULL)) == 0
		? 0
		: of(prlimit(aim->supervisor, RLIMIT_NOFILE, &limit, NULL));
}

static int set_turn_of_sibling(const struct tries_aim *aim)
{
	return of(setpriority(PRIO_PROCESS, (id_t)aim->sibling, 5));
}

/* ---- programs and processes ---- */

static int execute(const struct tries_aim *aim)
{
	char *const words[] = { "true", NULL }, *const none[] = { NULL };
	(void)aim;
	return of(execve("/bin/true", words, none));
}

static int execute_at(const struct tries_aim *aim)
{
	char *const words[] = { "true", NULL }, *const none[] = { NULL };
	(void)aim;
	return of(syscall(SYS_execveat, AT_FDCWD, "/bin/true", words, none, 0));
}

static int ended(pid_t pid)
{
	const int result = of(pid);
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return result;
}

static int try_fork(const struct tries_aim *aim)
{
	(void)aim;
	return ended(fork());
}

static int try_old_fork(const struct tries_aim *aim)
{
	(void)aim;
	return ended((pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL));
}

static int try_new_fork(const struct tries_aim *aim)
{
	uint64_t how[8] = { [4] = SIGCHLD };
	(void)aim;
	return ended((pid_t)syscall(SYS_clone3, how, sizeof(how)));
}

static int leave_namespaces(const struct tries_aim *aim)
{
	(void)aim;
	return of(unshare(CLONE_NEWNS));
}

static int become_another(const struct tries_aim *aim)
{
	(void)aim;
	return of(setuid(geteuid()));
}

static int mount_folder(const struct tries_aim *aim)
{
	return of(mount("none", aim->folder, "tmpfs", 0, NULL)) == 0 ? umount(aim->folder) : errno;
}

static int change_root(const struct tries_aim *aim)
{
	(void)aim;
	return of(chroot("/"));
}

/* ---- sockets ---- */

static int reach_our_server(const struct tries_aim *aim)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int channel = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int result = of(channel);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", aim->socket);
	if (channel >= 0) {
		result = of(connect(channel, (struct sockaddr *)&address, sizeof(address)));
		close(channel);
	}
	return result;
}

/* The end of a pair is a unix socket as well. */
static int reach_it_by_a_pair(const struct tries_aim *aim)
{
	int pair[2];
	(void)aim;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) != 0)
		return errno;
	/* It could reach a server of datagrams: the system log, say. */
	close(pair[0]);
	close(pair[1]);
	return 0;
}

static int open_socket(int family, int type, int protocol)
{
	return of_descriptor(socket(family, type | SOCK_CLOEXEC, protocol));
}

static int talk_to_the_kernel(const struct tries_aim *aim)
{
	(void)aim;
	return open_socket(AF_NETLINK, SOCK_RAW, 0);
}

static int see_packets(const struct tries_aim *aim)
{
	(void)aim;
	return open_socket(AF_PACKET, SOCK_RAW, 0);
}

static int make_packets(const struct tries_aim *aim)
{
	(void)aim;
	return open_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static int serve(const struct tries_aim *aim)
{
	const struct sockaddr_in any = { .sin_family = AF_INET };
	const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int result = of(server);
	(void)aim;
	if (server >= 0) {
		result = of(bind(server, (const struct sockaddr *)&any, sizeof(any)));
		close(server);
	}
	return result;
}

static int listen_on_any(const struct tries_aim *aim)
{
	const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int result = of(server);
	(void)aim;
	if (server >= 0) {
		result = of(listen(server, 1));
		close(server);
	}
	return result;
}

static int talk_by_sctp(const struct tries_aim *aim)
{
	(void)aim;
	return open_socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
}

static int talk_by_mptcp(const struct tries_aim *aim)
{
	(void)aim;
	return open_socket(AF_INET6, SOCK_STREAM, IPPROTO_MPTCP);
}

static int talk_by_udplite(const struct tries_aim *aim)
{
	(void)aim;
	return open_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE);
}

/* ---- the log, which it shares with the worker ---- */

static int shut_log(const struct tries_aim *aim)
{
	(void)aim;
	return of(shutdown(STDERR_FILENO, SHUT_RD));
}

static int set_flags_of_log(const struct tries_aim *aim)
{
	(void)aim;
	return of(fcntl(STDERR_FILENO, F_SETFL, fcntl(STDERR_FILENO, F_GETFL)));
}

/* The kernel looks at the lower half. */
static int set_flags_past_a_comparison(const struct tries_aim *aim)
{
	(void)aim;
	return of(syscall(
		SYS_fcntl, (1L << 32) | STDERR_FILENO, F_SETFL, fcntl(STDERR_FILENO, F_GETFL)));
}

static int have_log_wait(const struct tries_aim *aim)
{
	int wait_not = 0;
	(void)aim;
	return of(ioctl(STDERR_FILENO, FIONBIO, &wait_not));
}

static int set_option_of_log(const struct tries_aim *aim)
{
	const int off = 0;
	(void)aim;
	return of(setsockopt(STDERR_FILENO, SOL_SOCKET, SO_KEEPALIVE, &off, sizeof(off)));
}

static int copy_log(const struct tries_aim *aim)
{
	(void)aim;
	return of_descriptor(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
}

/* As a copy of it would come. */
static int be_handed_log(const struct tries_aim *aim)
{
	struct msghdr message = { .msg_name = NULL };
	(void)aim;
	return of(recvmsg(-1, &message, 0));
}

static int be_handed_log_by_many(const struct tries_aim *aim)
{
	struct mmsghdr message = { .msg_len = 0 };
	(void)aim;
	return of(recvmmsg(-1, &message, 1, 0, NULL));
}

/* ---- limits and the kernel ---- */

static int raise_limit(const struct tries_aim *aim)
{
	const struct rlimit more = { 1024, 1024 };
	(void)aim;
	return of(setrlimit(RLIMIT_NOFILE, &more));
}

static int leave_cores(const struct tries_aim *aim)
{
	const struct rlimit some = { RLIM_INFINITY, RLIM_INFINITY };
	(void)aim;
	return of(setrlimit(RLIMIT_CORE, &some));
}

static int show_memory(const struct tries_aim *aim)
{
	(void)aim;
	return of(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int outlive_supervisor(const struct tries_aim *aim)
{
	(void)aim;
	return of(prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0));
}

static int talk_to_devices(const struct tries_aim *aim)
{
	int size[8];
	(void)aim;
	return of(ioctl(STDERR_FILENO, TIOCGWINSZ, size));
}

/* With arguments that could do nothing. */
#define TRY_CALL(name, number)                                                                     \
	static int name(const struct tries_aim *aim)                                               \
	{                                                                                          \
		(void)aim;                                                                         \
		const long result = syscall(number, 0, NULL, NULL, 0, 0, 0);                       \
		return result < 0 ? errno : 0;                                                     \
	}
TRY_CALL(call_bpf, SYS_bpf)
TRY_CALL(call_perf, SYS_perf_event_open)
TRY_CALL(call_keyctl, SYS_keyctl)
TRY_CALL(call_add_key, SYS_add_key)
TRY_CALL(call_request_key, SYS_request_key)
TRY_CALL(call_userfaultfd, SYS_userfaultfd)
TRY_CALL(call_io_uring, SYS_io_uring_setup)
TRY_CALL(call_memfd, SYS_memfd_create)
TRY_CALL(call_shm, SYS_shmget)
TRY_CALL(call_inotify, SYS_inotify_init1)
TRY_CALL(call_handle, SYS_open_by_handle_at)
TRY_CALL(call_module, SYS_init_module)
TRY_CALL(call_clock, SYS_clock_settime)
TRY_CALL(call_seccomp, SYS_seccomp)
TRY_CALL(call_swap, SYS_swapon)
TRY_CALL(call_reboot, SYS_reboot)

const struct attempted tries[] = {
	{ "read a file of ours", read_secret },
	{ "read it by openat2", read_by_openat2 },
	{ "write to it", write_secret },
	{ "make a file", make_file },
	{ "make a file without a name", make_nameless_file },
	{ "list a folder", list_folder },
	{ "make a folder", make_folder },
	{ "link a file of ours", link_secret },
	{ "open its mode", open_mode },
	{ "rename it", rename_secret },
	{ "read /etc/passwd", read_passwords },
	{ "read the supervisor's memory", read_memory_of_supervisor },
	{ "read the supervisor's environment", read_environment_of_supervisor },
	{ "read a sibling's memory", read_memory_of_sibling },
	{ "write to its memory past its protection", write_own_memory },
	{ "trace a sibling", attach },
	{ "trace the supervisor", seize_supervisor },
	{ "copy from the supervisor", copy_from_supervisor },
	{ "copy from a sibling", copy_from_sibling },
	{ "copy to a sibling", copy_to_sibling },
	{ "open the supervisor", open_process },
	{ "compare itself with the supervisor", compare_processes },
	{ "signal the supervisor", signal_supervisor },
	{ "signal a sibling", signal_sibling },
	{ "signal its group", signal_group },
	{ "queue a signal", queue_signal },
	{ "have a descriptor signal the supervisor", own_descriptor },
	{ "limit the supervisor", set_limit_of_supervisor },
	{ "slow a sibling down", set_turn_of_sibling },
	{ "execute a program", execute },
	{ "execute it by execveat", execute_at },
	{ "fork", try_fork },
	{ "fork by clone", try_old_fork },
	{ "fork by clone3", try_new_fork },
	{ "leave its namespaces", leave_namespaces },
	{ "become a user", become_another },
	{ "mount", mount_folder },
	{ "change its root", change_root },
	{ "reach a server of ours", reach_our_server },
	{ "reach it by half a pair", reach_it_by_a_pair },
	{ "talk to the kernel by netlink", talk_to_the_kernel },
	{ "see all packets", see_packets },
	{ "make packets", make_packets },
	{ "take a port", serve },
	{ "listen", listen_on_any },
	{ "talk by SCTP", talk_by_sctp },
	{ "talk by MPTCP", talk_by_mptcp },
	{ "talk by UDP-Lite", talk_by_udplite },
	{ "shut the log", shut_log },
	{ "set flags of the log", set_flags_of_log },
	{ "set them past a comparison", set_flags_past_a_comparison },
	{ "have the log wait", have_log_wait },
	{ "set an option of the log", set_option_of_log },
	{ "copy the log's descriptor", copy_log },
	{ "be handed a copy of it", be_handed_log },
	{ "be handed many", be_handed_log_by_many },
	{ "raise a limit", raise_limit },
	{ "leave a core", leave_cores },
	{ "show its memory", show_memory },
	{ "outlive the supervisor", outlive_supervisor },
	{ "talk to a device", talk_to_devices },
	{ "bpf", call_bpf },
	{ "perf_event_open", call_perf },
	{ "keyctl", call_keyctl },
	{ "add_key", call_add_key },
	{ "request_key", call_request_key },
	{ "userfaultfd", call_userfaultfd },
	{ "io_uring_setup", call_io_uring },
	{ "memfd_create", call_memfd },
	{ "shmget", call_shm },
	{ "inotify_init1", call_inotify },
	{ "open_by_handle_at", call_handle },
	{ "init_module", call_module },
	{ "clock_settime", call_clock },
	{ "seccomp", call_seccomp },
	{ "swapon", call_swap },
	{ "reboot", call_reboot },
	{ NULL, NULL },
};
