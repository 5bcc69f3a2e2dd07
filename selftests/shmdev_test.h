/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the programs of this folder share: opening, making and finding
 * segments, children that report, and a snapshot of what must not change.
 *
 * Everything is reached through the ioctls of <linux/shmdev.h>, so that a
 * fault of the library cannot hide one of the driver.
 */
#ifndef SHMDEV_TEST_H
#define SHMDEV_TEST_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/shmdev.h>

#include "kselftest_harness.h"

#define DEVICE		"/dev/shmdev"
#define PARAMETERS	"/sys/module/shmdev/parameters/"
#define MIB		(1024ULL * 1024)
#define NSEC_PER_SEC	1000000000ULL
#define NSEC_PER_MSEC	1000000ULL

/* @call returns -1, of whatever type it is, with @error in errno. */
#define EXPECT_ERRNO(error, call) do {					\
	long __result = (long)(call);					\
	int __errno = __result == -1 ? errno : 0;			\
	int __wanted = (error);						\
									\
	EXPECT_EQ(__wanted, __errno)					\
		TH_LOG("%s: expected \"%s\", got \"%s\"", #call,	\
		       strerror(__wanted), strerror(__errno));		\
} while (0)

/* Children cannot use the harness' macros: they report by how they exit. */
#define CHILD_CHECK(condition) do {					\
	if (!(condition)) {						\
		fprintf(stderr, "# %s:%d: in a child: %s: %s\n",	\
			__FILE__, __LINE__, #condition, strerror(errno)); \
		_exit(1);						\
	}								\
} while (0)

/* Without the device there is nothing to test, and no test has failed. */
static void __attribute__((constructor)) need_device(void)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		ksft_print_header();
		ksft_exit_skip(DEVICE ": %s (load the module and run as root)\n",
			       strerror(errno));
	}
	close(fd);
}

static inline size_t page_bytes(void)
{
	return sysconf(_SC_PAGESIZE);
}

static inline int open_door(void)
{
	return open(DEVICE, O_RDWR | O_CLOEXEC);
}

/* The same file opened once more: a position and rights of its own. */
static inline int reopen(int fd, int flags)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags | O_CLOEXEC);
}

/* Names of this process only: a run that was killed is in nobody's way. */
static inline void make_name(char *name, const char *what)
{
	snprintf(name, SHMDEV_NAME_SIZE, "selftest-%d-%s", getpid(), what);
}

static inline int create(int door, const char *name, __u64 bytes, __u32 mode,
			 __u32 flags, const char *endpoint)
{
	struct shmdev_create arg = {
		.size = sizeof(arg),
		.flags = flags,
		.bytes = bytes,
		.mode = mode,
	};

	if (name)
		snprintf(arg.name, sizeof(arg.name), "%s", name);
	if (endpoint)
		snprintf(arg.endpoint, sizeof(arg.endpoint), "%s", endpoint);
	return ioctl(door, SHMDEV_IOC_CREATE, &arg);
}

static inline int create_anonymous(int door, __u64 bytes)
{
	return create(door, NULL, bytes, 0600, 0, NULL);
}

static inline int create_named(int door, const char *name, __u64 bytes)
{
	return create(door, name, bytes, 0600, 0, NULL);
}

static inline int create_kept(int door, const char *name, __u64 bytes)
{
	return create(door, name, bytes, 0600, SHMDEV_CREATE_F_KEEP, NULL);
}

static inline int open_named(int door, const char *name, __u32 flags)
{
	struct shmdev_open arg = { .size = sizeof(arg), .flags = flags };

	snprintf(arg.name, sizeof(arg.name), "%s", name);
	return ioctl(door, SHMDEV_IOC_OPEN, &arg);
}

static inline int remove_named(int door, const char *name)
{
	struct shmdev_remove arg = { .size = sizeof(arg) };

	snprintf(arg.name, sizeof(arg.name), "%s", name);
	return ioctl(door, SHMDEV_IOC_REMOVE, &arg);
}

static inline int remove_id(int door, __u64 id)
{
	struct shmdev_remove arg = { .size = sizeof(arg), .id = id };

	return ioctl(door, SHMDEV_IOC_REMOVE, &arg);
}

static inline int info(int fd, struct shmdev_info *arg)
{
	memset(arg, 0, sizeof(*arg));
	arg->size = sizeof(*arg);
	return ioctl(fd, SHMDEV_IOC_INFO, arg);
}

static inline bool has_shut_down(int fd)
{
	struct shmdev_info arg;

	return !info(fd, &arg) && arg.flags & SHMDEV_INFO_F_SHUTDOWN;
}

static inline __u64 id_of(int fd)
{
	struct shmdev_info arg;

	return info(fd, &arg) ? 0 : arg.id;
}

static inline __u64 bytes_of(int fd)
{
	struct shmdev_info arg;

	return info(fd, &arg) ? 0 : arg.bytes;
}

static inline int kick_with(int fd, __u64 argument)
{
	struct shmdev_kick arg = { .size = sizeof(arg), .argument = argument };

	return ioctl(fd, SHMDEV_IOC_KICK, &arg);
}

static inline int kick(int fd)
{
	return ioctl(fd, SHMDEV_IOC_KICK, NULL);
}

static inline __u64 look(int fd)
{
	struct shmdev_look arg = { .size = sizeof(arg) };

	return ioctl(fd, SHMDEV_IOC_LOOK, &arg) ? ~0ULL : arg.events;
}

static inline bool readable(int fd, int timeout)
{
	struct pollfd wanted = { .fd = fd, .events = POLLIN };

	return poll(&wanted, 1, timeout) == 1 && wanted.revents & POLLIN;
}

static inline int version(int fd)
{
	struct shmdev_version arg = { .size = sizeof(arg) };

	return ioctl(fd, SHMDEV_IOC_VERSION, &arg);
}

static inline int list(int door, __u32 flags, __u64 after,
		       struct shmdev_info *entries, __u32 room)
{
	struct shmdev_list arg = {
		.size = sizeof(arg),
		.flags = flags,
		.after = after,
		.entries = (uintptr_t)entries,
		.count = room,
		.entry_size = sizeof(*entries),
	};
	int ret = ioctl(door, SHMDEV_IOC_LIST, &arg);

	return ret ? ret : (int)arg.count;
}

/* Does LIST, asked with @flags, show segment @id? Its entry goes to @entry. */
static inline bool listed(int door, __u32 flags, __u64 id,
			  struct shmdev_info *entry)
{
	struct shmdev_info scratch;

	if (!entry)
		entry = &scratch;
	memset(entry, 0, sizeof(*entry));
	return list(door, flags, id - 1, entry, 1) == 1 && entry->id == id;
}

static inline int mappings(int fd, struct shmdev_mapping *entries, __u32 room,
			   __u32 *total)
{
	struct shmdev_mappings arg = {
		.size = sizeof(arg),
		.entries = (uintptr_t)entries,
		.count = room,
		.entry_size = sizeof(*entries),
	};
	int ret = ioctl(fd, SHMDEV_IOC_MAPPINGS, &arg);

	if (ret)
		return ret;
	if (total)
		*total = arg.total;
	return arg.count;
}

static inline int mappings_total(int fd)
{
	__u32 total = 0;

	return mappings(fd, NULL, 0, &total) ? -1 : (int)total;
}

/* Sleeps no longer than @timeout, in nanoseconds from now. */
static inline int wait_word(int fd, __u64 offset, __u32 expected, __u64 timeout)
{
	struct shmdev_wait arg = {
		.size = sizeof(arg),
		.offset = offset,
		.timeout = timeout,
		.expected = expected,
	};

	return ioctl(fd, SHMDEV_IOC_WAIT, &arg);
}

static inline int wake_word(int fd, __u64 offset, __u32 count)
{
	struct shmdev_wake arg = {
		.size = sizeof(arg),
		.offset = offset,
		.count = count,
	};

	return ioctl(fd, SHMDEV_IOC_WAKE, &arg);
}

static inline int join(int fd, const char *role, __u64 *id)
{
	struct shmdev_join arg = { .size = sizeof(arg) };
	int ret;

	snprintf(arg.role, sizeof(arg.role), "%s", role);
	ret = ioctl(fd, SHMDEV_IOC_JOIN, &arg);
	if (!ret && id)
		*id = arg.id;
	return ret;
}

static inline int leave(int fd)
{
	struct shmdev_leave arg = { .size = sizeof(arg) };

	return ioctl(fd, SHMDEV_IOC_LEAVE, &arg);
}

/* All of them if @id is 0. */
static inline int peers(int fd, __u64 id, struct shmdev_peer *entries,
			__u32 room, __u32 *total, __u32 *alive)
{
	struct shmdev_peers arg = {
		.size = sizeof(arg),
		.id = id,
		.entries = (uintptr_t)entries,
		.count = room,
		.entry_size = sizeof(*entries),
	};
	int ret = ioctl(fd, SHMDEV_IOC_PEERS, &arg);

	if (ret)
		return ret;
	if (total)
		*total = arg.total;
	if (alive)
		*alive = arg.alive;
	return arg.count;
}

static inline int isolate(int fd, __u64 offset, __u64 bytes, __u32 flags)
{
	struct shmdev_isolate arg = {
		.size = sizeof(arg),
		.flags = flags,
		.offset = offset,
		.bytes = bytes,
	};

	return ioctl(fd, SHMDEV_IOC_ISOLATE, &arg);
}

/* A descriptor; where its page is goes to @offset. */
static inline int claim(int fd, __u64 *offset)
{
	struct shmdev_claim arg = { .size = sizeof(arg), .offset = *offset };
	int ret = ioctl(fd, SHMDEV_IOC_CLAIM, &arg);

	if (ret >= 0)
		*offset = arg.offset;
	return ret;
}

/* How many are alive, as INFO has it. */
static inline __u32 peers_of(int fd)
{
	struct shmdev_info arg;

	return info(fd, &arg) ? ~0U : arg.peers;
}

static inline void *map(int fd, size_t bytes, int prot)
{
	return mmap(NULL, bytes, prot, MAP_SHARED, fd, 0);
}

/* A child that does not outlive the test, whatever happens to it. */
static inline pid_t fork_child(void)
{
	pid_t parent = getpid(), pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

/* How a child ended: its exit status, or 128 and the signal. */
static inline int reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline __u64 milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

/* The same, but -1 if the child does not end within @limit milliseconds. */
static inline int reap_within(pid_t pid, int limit)
{
	struct pollfd end = {
		.fd = syscall(SYS_pidfd_open, pid, 0),
		.events = POLLIN,
	};
	int ended = poll(&end, 1, limit);

	close(end.fd);
	return ended == 1 ? reap(pid) : -1;
}

/*
 * Kills a child and waits for its end: the milliseconds that took, or -1 if it
 * was not over after ten seconds.
 */
static inline int kill_and_reap(pid_t pid)
{
	__u64 begin = milliseconds();

	if (kill(pid, SIGKILL) || reap_within(pid, 10000) != 128 + SIGKILL)
		return -1;
	return milliseconds() - begin;
}

/* A descriptor goes from one process to another, or lies in a socket. */
union fd_message {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

static inline int send_fd(int socket, int fd)
{
	union fd_message control = { 0 };
	struct iovec iov = { .iov_base = "f", .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.room),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(socket, &message, 0) == 1 ? 0 : -1;
}

static inline int receive_fd(int socket)
{
	union fd_message control = { 0 };
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.room),
	};
	int fd = -1;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1 &&
	    CMSG_FIRSTHDR(&message))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/*
 * Becomes an ordinary user for good. Losing root makes a process undumpable,
 * which gives its files in /proc to root: what is refused there would then be
 * refused by procfs and say nothing about the segment.
 */
static inline void become(uid_t uid, gid_t gid, gid_t supplementary)
{
	CHILD_CHECK(!setgroups(1, &supplementary));
	CHILD_CHECK(!setresgid(gid, gid, gid));
	CHILD_CHECK(!setresuid(uid, uid, uid));
	CHILD_CHECK(!prctl(PR_SET_DUMPABLE, 1));
}

static sigjmp_buf touch_env;

static inline void touch_failed(int sig)
{
	siglongjmp(touch_env, sig);
}

/* Reads, or writes back, one byte: 0, or the signal that came of it. */
static inline int touch(void *address, bool write)
{
	struct sigaction action = { .sa_handler = touch_failed };
	struct sigaction segv, bus;
	volatile char *byte = address;
	char value;
	int sig;

	sigaction(SIGSEGV, &action, &segv);
	sigaction(SIGBUS, &action, &bus);
	sig = sigsetjmp(touch_env, 1);
	if (!sig) {
		value = *byte;
		if (write)
			*byte = value;
	}
	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGBUS, &bus, NULL);
	return sig;
}

static inline int touch_read(void *address)
{
	return touch(address, false);
}

static inline int touch_write(void *address)
{
	return touch(address, true);
}

static inline bool all_bytes(const void *memory, int value, size_t bytes)
{
	const unsigned char *byte = memory;

	return !bytes || (byte[0] == value &&
			  !memcmp(byte, byte + 1, bytes - 1));
}

/* Reads or writes a small file as a whole, the way of /proc and /sys. */
static inline int read_file(const char *path, char *text, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t done;
	size_t length = 0;

	if (fd < 0)
		return -1;
	while ((done = read(fd, text + length, room - 1 - length)) > 0)
		length += done;
	close(fd);
	text[length] = '\0';
	return done < 0 ? -1 : (int)length;
}

/* The number behind @label in a file, or -1. */
static inline long number_after(const char *path, const char *label)
{
	static char text[1 << 16];
	const char *at;

	if (read_file(path, text, sizeof(text)) < 0)
		return -1;
	at = strstr(text, label);
	return at ? atol(at + strlen(label)) : -1;
}

static inline int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t done;

	if (fd < 0)
		return -1;
	done = write(fd, text, strlen(text));
	close(fd);
	return done == (ssize_t)strlen(text) ? 0 : -1;
}

static inline int module_refcnt(void)
{
	char text[32];

	if (read_file("/sys/module/shmdev/refcnt", text, sizeof(text)) < 0)
		return -1;
	return atoi(text);
}

static inline int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	if (!dir)
		return -1;
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* The next descriptor: one that is taken for nothing is not in /proc. */
static inline int free_fd(void)
{
	int fd = dup(STDOUT_FILENO);

	close(fd);
	return fd;
}

/* What a call that is refused must leave as it was. */
struct state {
	int segments;
	int fds;
	int free_fd;
	int refcnt;
	__u64 digest;
};

static inline struct state take_state(int door)
{
	static struct shmdev_info entries[512];
	struct state state = {
		.fds = count_fds(),
		.free_fd = free_fd(),
		.refcnt = module_refcnt(),
		.digest = 0xcbf29ce484222325ULL,
	};
	const unsigned char *byte = (void *)entries;
	const unsigned char *end;
	int i;

	state.segments = list(door, SHMDEV_LIST_F_EVERYWHERE, 0, entries,
			      ARRAY_SIZE(entries));
	for (i = 0; i < state.segments; i++) {
		entries[i].resident = 0;
		entries[i].creator = 0;
	}
	for (end = (void *)(entries + i); byte < end; byte++)
		state.digest = (state.digest ^ *byte) * 0x100000001b3ULL;
	return state;
}

static inline void expect_unchanged(struct __test_metadata *_metadata, int door,
				    const struct state *before)
{
	struct state now = take_state(door);

	EXPECT_LT(0, now.segments);
	EXPECT_EQ(before->segments, now.segments);
	EXPECT_EQ(before->fds, now.fds);
	EXPECT_EQ(before->free_fd, now.free_fd);
	EXPECT_EQ(before->refcnt, now.refcnt);
	EXPECT_EQ(before->digest, now.digest);
}

/*
 * The same, after what others have still to finish: the kernel collects sockets
 * that lie in themselves, and ends processes, in its own time.
 */
static inline void expect_unchanged_soon(struct __test_metadata *_metadata,
					 int door, const struct state *before)
{
	__u64 end = milliseconds() + 5000;
	struct state now;

	do {
		usleep(1000);
		now = take_state(door);
	} while (memcmp(&now, before, sizeof(now)) && milliseconds() < end);
	expect_unchanged(_metadata, door, before);
}

/*
 * The two kinds of file that are a segment. Tests that hold for both run on
 * both; what they do to the default segment is undone at the end.
 */
enum kind { DOOR, SEGMENT };

struct target {
	int door;
	int fd;
	size_t bytes;
	void *saved;
};

static inline int target_open(struct target *target, enum kind kind,
			      size_t bytes, const char *endpoint)
{
	target->door = open_door();
	if (target->door < 0)
		return -1;
	if (kind == SEGMENT) {
		target->fd = create(target->door, NULL, bytes, 0600, 0,
				    endpoint);
		target->bytes = bytes;
		return target->fd < 0 ? -1 : 0;
	}
	target->fd = open_door();
	target->bytes = bytes_of(target->fd);
	target->saved = malloc(target->bytes);
	return pread(target->fd, target->saved, target->bytes, 0) ==
	       (ssize_t)target->bytes ? 0 : -1;
}

static inline int target_close(struct target *target)
{
	int ret = 0;

	if (target->saved &&
	    pwrite(target->fd, target->saved, target->bytes, 0) !=
	    (ssize_t)target->bytes)
		ret = -1;
	free(target->saved);
	close(target->fd);
	close(target->door);
	return ret;
}

#endif /* SHMDEV_TEST_H */
