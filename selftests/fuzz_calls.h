/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For fuzz.c: the calls that a program is made of, how each is carried out, and
 * what may come of it.
 *
 * A call is the name of an operation and its arguments, numbers all of them.
 * Descriptors and mappings are meant by the order in which the program got
 * them, so a program means the same in every process.
 */
#ifndef SHMDEV_FUZZ_CALLS_H
#define SHMDEV_FUZZ_CALLS_H

#include <linux/falloc.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "shmdev_test.h"

#define MAX_ARGS	16
#define SLOTS		16

/* What an argument is about: how it is made up, and how it is written. */
enum type {
	FD, MAP, PLACE, NAME, ENDPOINT, COMMAND, SIZE, BYTES, FLAGS, MODE, ID,
	TIME, NUMBER,
};

struct field {
	const char *name;
	enum type type;
	__u64 initial;
	/* Where a member of a command's struct is. */
	__u16 offset, bytes;
};

struct operation {
	const char *name;
	long (*run)(const struct operation *operation, const __u64 *arg);
	const int *errors;	/* ends with 0 */
	bool never_succeeds;
	/* Of a command only. */
	unsigned int cmd;
	__u32 least;
	__u32 known_flags;
	bool door_only;
	struct field fields[MAX_ARGS + 1];
};

/* What a wrong call got away with; the first one is kept. */
static char *complaint;
#define COMPLAINT_SIZE	512

static void __attribute__((format(printf, 1, 2))) complain(const char *text,
							   ...)
{
	va_list args;

	if (*complaint)
		return;
	va_start(args, text);
	vsnprintf(complaint, COMPLAINT_SIZE, text, args);
	va_end(args);
}

static const char *error_name(int error)
{
	const char *name = strerrorname_np(error);

	return !error ? "success" : name ?: "an error that has no name";
}

/*
 * Memory for arguments. After each region comes a page that cannot be touched.
 */
struct region {
	char *start;
	size_t bytes;
};

static struct region argument, data, arena;
static char *readonly;

static char *reserve(size_t bytes, int prot)
{
	char *start = mmap(NULL, bytes + page_bytes(), PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (start == MAP_FAILED || mprotect(start, bytes, prot)) {
		perror("fuzz: mmap");
		exit(1);
	}
	return start;
}

static void reserve_regions(void)
{
	argument.bytes = 2 * page_bytes();
	argument.start = reserve(argument.bytes, PROT_READ | PROT_WRITE);
	data.bytes = MIB;
	data.start = reserve(data.bytes, PROT_READ | PROT_WRITE);
	arena.bytes = 4 * MIB;
	arena.start = reserve(arena.bytes, PROT_NONE);
	readonly = reserve(argument.bytes, PROT_READ);
	/*
	 * The kernel places mappings downwards: those of a program come below
	 * this, so that what is written past their end hits nothing of ours.
	 */
	reserve(16 * MIB, PROT_NONE);
}

/* What the program has got so far. */
static int fds[SLOTS];
static struct region maps[SLOTS];
static pid_t children[2];
static unsigned int fd_count, map_count, child_count;

static void add_fd(int fd)
{
	if (fd_count < SLOTS)
		fds[fd_count++] = fd;
	else
		close(fd);
}

static long add_map(void *start, size_t bytes)
{
	if (start == MAP_FAILED)
		return -1;
	if (map_count < SLOTS)
		maps[map_count++] = (struct region){ start, bytes };
	return 0;
}

static void drop_descriptors(void)
{
	while (child_count) {
		kill(children[--child_count], SIGKILL);
		reap(children[child_count]);
	}
	while (fd_count)
		close(fds[--fd_count]);
}

static bool path_only(int fd)
{
	return fcntl(fd, F_GETFL) & O_PATH;
}

static bool is_door(int fd)
{
	struct stat status;

	return !fstat(fd, &status) && S_ISCHR(status.st_mode);
}

/* Where an argument lies; the words are those of a program. */
enum place {
	FINE, END, HALF, HEAD, READONLY, SHARED, UNMAPPED, KERNEL, NOTHING,
};

static const char *const place_words[] = {
	"fine", "end", "half", "head", "readonly", "shared", "unmapped",
	"kernel", "null", NULL
};

static char *place_address(enum place place, const struct region *region,
			   size_t bytes)
{
	char *end = region->start + region->bytes;

	bytes = bytes < 4 ? 4 : bytes > region->bytes ? region->bytes : bytes;
	switch (place) {
	case END:
		return end - bytes;
	case HALF:
		return end - bytes / 2;
	case HEAD:
		return end - 4;
	case READONLY:
		return readonly;
	case SHARED:
		if (map_count)
			return maps[map_count - 1].start;
		break;
	case UNMAPPED:
		return end;
	case KERNEL:
		return (char *)(sizeof(long) == 8 ? LONG_MIN / 256 : -8192L);
	case NOTHING:
		return NULL;
	case FINE:
		break;
	}
	return region->start;
}

static const char *const name_words[] = {
	"none", "a", "b", "c", "long", "unended", "dot", "dotdot", "slash",
	"control", "delete", "umlaut", NULL
};

/* Names of this run only. */
static int run_id;

static void put_name(char *to, __u64 which)
{
	static const char *const special[] = {
		".", "..", "a/b", "a\tb", "a\177", "\303\244"
	};

	memset(to, 0, SHMDEV_NAME_SIZE);
	switch (which) {
	case 0:
		break;
	case 1 ... 3:
		sprintf(to, "fuzz-%d-%s", run_id, name_words[which]);
		break;
	case 4:
	case 5:
		memset(to, 'x', SHMDEV_NAME_SIZE);
		snprintf(to, SHMDEV_NAME_SIZE, "fuzz-%d-", run_id);
		to[strlen(to)] = 'x';
		if (which == 4)
			to[SHMDEV_NAME_SIZE - 1] = '\0';
		break;
	default:
		strcpy(to, special[(which - 6) % ARRAY_SIZE(special)]);
	}
}

static const char *const endpoint_words[] = {
	"none", "hello", "unknown", "unended", "slash", NULL
};

/* Of an endpoint, or of a peer, in an array of so many bytes. */
static void put_endpoint(char *to, __u64 which, size_t bytes)
{
	static const char *const names[] = { "", "hello", "nobody", "", "a/b" };

	if (which == 3)
		memset(to, 'x', bytes);
	else
		strcpy(to, names[which % ARRAY_SIZE(names)]);
}

/* 0 is none, then come those of the program's descriptors. */
static __u64 segment_id(__u64 which)
{
	if (!which || which > fd_count)
		return which;
	return id_of(fds[which - 1]);
}

/* An address for a mapping that is to be at a fixed one. */
static char *arena_address(__u64 page)
{
	return arena.start + page * page_bytes() % arena.bytes;
}

/*
 * Lengths are cut so that the program keeps its hands off the memory of this
 * one; but for those that are too long for any address.
 */
static size_t cut(__u64 bytes, const struct region *region, const char *start)
{
	size_t rest = region->start + region->bytes - start;

	return bytes > rest && bytes < -65536UL ? rest : bytes;
}

/*
 * Commands.
 */

enum { AT_FD, AT_PLACE, AT_COMMAND, AT_TAIL, AT_SIZE, AT_FLAGS, AT_MEMBERS };

static const struct operation *find_command(unsigned int cmd);

/* How much can be read at a place for @bytes; -1: only the kernel knows. */
static long readable_bytes(enum place place, size_t bytes)
{
	bytes = bytes < 4 ? 4 : bytes;
	switch (place) {
	case FINE:
	case READONLY:
	case END:
		return bytes;
	case HALF:
		return bytes / 2;
	case HEAD:
		return 4;
	case SHARED:
		return map_count ? -1 : (long)bytes;
	default:
		return 0;
	}
}

/*
 * The error that the form of a command must lead to, before its meaning is
 * looked at; 0 if the form is right, 1 if that cannot be told.
 */
static int form_error(const struct operation *command, int fd,
		      enum place place, const char *image)
{
	__u32 size = ((__u32 *)image)[0], flags = ((__u32 *)image)[1];
	long there = readable_bytes(place, size);
	bool tail;

	if (path_only(fd))
		return -EBADF;
	if (!command || (command->door_only && !is_door(fd)))
		return -ENOTTY;
	/* A kick needs no struct. */
	if (place == NOTHING && command->cmd == SHMDEV_IOC_KICK)
		return 0;
	if (there < 0)
		return 1;
	if (there < 4)
		return -EFAULT;
	if (size < command->least)
		return -EINVAL;
	if (size > page_bytes())
		return -E2BIG;
	tail = !all_bytes(image + command->least, 0, size - command->least);
	if (there < size)
		return tail ? 1 : -EFAULT;
	if (tail)
		return -E2BIG;
	return flags & ~command->known_flags ? -EINVAL : 0;
}

/* In nanoseconds: many programs wait, and nobody may wake them. */
#define LONGEST_WAIT	100000

static void fill_struct(const struct operation *operation,
			const struct operation *command, const __u64 *arg,
			char *image)
{
	const struct field *field;
	__u64 value;
	int i;

	memset(image, 0, argument.bytes);
	if (arg[AT_TAIL] && operation->least < argument.bytes)
		memset(image + operation->least, arg[AT_TAIL],
		       argument.bytes - operation->least);
	memcpy(image, &arg[AT_SIZE], 4);
	memcpy(image + 4, &arg[AT_FLAGS], 4);
	for (i = AT_MEMBERS; operation->fields[i].name; i++) {
		field = &operation->fields[i];
		value = arg[i];
		switch (field->type) {
		case NAME:
			put_name(image + field->offset, value);
			continue;
		case ENDPOINT:
			put_endpoint(image + field->offset, value,
				     field->bytes);
			continue;
		case PLACE:
			value = (uintptr_t)place_address(value, &data, 1000);
			break;
		case ID:
			value = segment_id(value);
			break;
		case TIME:
			value %= LONGEST_WAIT;
			break;
		default:
			break;
		}
		memcpy(image + field->offset, &value, field->bytes);
	}
	/*
	 * No made-up number may be where something is written to, or how long
	 * somebody waits.
	 */
	for (i = 0; command && command != operation && command->fields[i].name;
	     i++) {
		field = &command->fields[i];
		if (i < AT_MEMBERS ||
		    (field->type != PLACE && field->type != TIME))
			continue;
		value = field->type == PLACE ? (uintptr_t)data.start : 0;
		memcpy(image + field->offset, &value, field->bytes);
	}
}

/* False if what the kernel will read there is something else. */
static bool place_struct(enum place place, char *address, const char *image)
{
	size_t bytes = argument.bytes;

	if (place == SHARED && map_count) {
		bytes = page_bytes();
		if (touch_write(address) || touch_write(address + bytes - 1))
			return false;
		memcpy(address, image, bytes);
	} else if (place == READONLY) {
		mprotect(readonly, bytes, PROT_READ | PROT_WRITE);
		memcpy(readonly, image, bytes);
		mprotect(readonly, bytes, PROT_READ);
	} else if (address >= argument.start &&
		   address < argument.start + bytes) {
		memcpy(address, image, argument.start + bytes - address);
	}
	return true;
}

#define DATA_LOOKED_AT	16384

/*
 * A command writes its struct if it succeeds and is one that answers, entries
 * if it succeeds, both in part if it met bad memory, and nothing else.
 */
static void check_memory(const struct operation *command, char *address,
			 __u32 size, const char *before,
			 const char *data_before, int error)
{
	bool answers = command && command->cmd & IOC_OUT &&
		       (!error || error == EFAULT);
	char *end = argument.start + argument.bytes, *byte;
	char *head = address < argument.start || address > end ? end : address;
	char *tail = answers && size < end - head ? head + size : end;

	if (!answers)
		tail = head;
	if (memcmp(argument.start, before, head - argument.start) ||
	    memcmp(tail, before + (tail - argument.start), end - tail))
		complain("writes outside of its struct (%s)",
			 error_name(error));
	if (!answers && memcmp(data.start, data_before, DATA_LOOKED_AT))
		complain("writes entries though it says %s",
			 error_name(error));
	if (error || !answers || head == end)
		return;
	if (memcmp(head, &size, 4))
		complain("changes the size of its struct");
	for (byte = head + command->least; byte < tail; byte++)
		if (*byte)
			complain("the struct's tail is not zero");
}

static const int *run_errors;

static long run_command(const struct operation *operation, const __u64 *arg)
{
	static char before[16384] __attribute__((aligned(8)));
	static char data_before[DATA_LOOKED_AT];
	unsigned int cmd = operation->cmd ^ (unsigned int)arg[AT_COMMAND];
	const struct operation *command = find_command(cmd);
	int fd = fds[arg[AT_FD]], must, error;
	char *address = place_address(arg[AT_PLACE], &argument,
				      (__u32)arg[AT_SIZE]);
	long result;

	fill_struct(operation, command, arg, before);
	must = form_error(command, fd, arg[AT_PLACE], before);
	/* A time that was not chosen here may be for ever. */
	if (!place_struct(arg[AT_PLACE], address, before) && command &&
	    command->cmd == SHMDEV_IOC_WAIT)
		return 0;
	memcpy(before, argument.start, argument.bytes);
	memcpy(data_before, data.start, sizeof(data_before));
	if (command)
		run_errors = command->errors;

	result = ioctl(fd, cmd, address);
	error = result < 0 ? errno : 0;

	if (_IOC_TYPE(cmd) == SHMDEV_IOC_MAGIC) {
		if (must < 0 && error != -must)
			complain("%s instead of %s", error_name(error),
				 error_name(-must));
		else if (!must && error == ENOTTY)
			complain("ENOTTY for a command");
		check_memory(command, address, arg[AT_SIZE], before,
			     data_before, error);
	}
	if (result >= 0 && command && (command->cmd == SHMDEV_IOC_CREATE ||
				       command->cmd == SHMDEV_IOC_OPEN ||
				       command->cmd == SHMDEV_IOC_CLAIM))
		add_fd(result);
	errno = error;
	return error ? -1 : 0;
}

/*
 * Other calls.
 */

static long run_open(const struct operation *operation, const __u64 *arg)
{
	const int flags = O_ACCMODE | O_APPEND | O_NONBLOCK | O_TRUNC |
			  O_DIRECT | O_SYNC | O_NOATIME | O_DIRECTORY |
			  O_NOFOLLOW | O_PATH;
	int fd = open(DEVICE, (arg[0] & flags) | O_CLOEXEC);

	if (fd >= 0)
		add_fd(fd);
	return fd;
}

static long run_reopen(const struct operation *operation, const __u64 *arg)
{
	const int flags = O_ACCMODE | O_APPEND | O_NONBLOCK | O_TRUNC |
			  O_DIRECT | O_SYNC | O_NOATIME | O_PATH;
	int fd = reopen(fds[arg[0]], arg[1] & flags);

	if (fd >= 0)
		add_fd(fd);
	return fd;
}

static long run_dup(const struct operation *operation, const __u64 *arg)
{
	int fd = dup(fds[arg[0]]);

	if (fd >= 0)
		add_fd(fd);
	return fd;
}

static long run_close(const struct operation *operation, const __u64 *arg)
{
	int fd = fds[arg[0]];

	fds[arg[0]] = -1;
	return close(fd);
}

static long run_mmap(const struct operation *operation, const __u64 *arg)
{
	int flags = arg[3] & ~(MAP_ANONYMOUS | MAP_HUGETLB);
	char *at = arg[5] ? arena_address(arg[5]) : NULL;
	size_t length = arg[1];

	if (flags & MAP_FIXED) {
		at = arena_address(arg[5]);
		length = cut(length, &arena, at);
	}
	return add_map(mmap(at, length, arg[2], flags, fds[arg[0]], arg[4]),
		       length);
}

static long run_munmap(const struct operation *operation, const __u64 *arg)
{
	const struct region *map = &maps[arg[0]];
	char *start = map->start + arg[1] % (map->bytes + 1);

	return munmap(start, cut(arg[2], map, start));
}

static long run_mprotect(const struct operation *operation, const __u64 *arg)
{
	const struct region *map = &maps[arg[0]];
	char *start = map->start + arg[1] % (map->bytes + 1);

	return mprotect(start, cut(arg[2], map, start), arg[3]);
}

static long run_mremap(const struct operation *operation, const __u64 *arg)
{
	const struct region *map = &maps[arg[0]];
	char *start = map->start + arg[1] % (map->bytes + 1);
	char *to = arena_address(arg[5]);
	int flags = arg[4];
	size_t length = arg[3];

	if (flags & MREMAP_FIXED)
		length = cut(length, &arena, to);
	return add_map(mremap(start, cut(arg[2], map, start), length, flags,
			      to), length);
}

static long run_madvise(const struct operation *operation, const __u64 *arg)
{
	const struct region *map = &maps[arg[0]];
	char *start = map->start + arg[1] % (map->bytes + 1);
	size_t length = cut(arg[2], map, start);
	int advice = arg[3] % 26, result;

	result = madvise(start, length, advice);
	if (!result && advice == MADV_REMOVE && length)
		complain("MADV_REMOVE makes a hole");
	return result;
}

static long run_msync(const struct operation *operation, const __u64 *arg)
{
	const struct region *map = &maps[arg[0]];
	char *start = map->start + arg[1] % (map->bytes + 1);

	return msync(start, cut(arg[2], map, start), arg[3]);
}

static long run_touch(const struct operation *operation, const __u64 *arg)
{
	const struct region *map = &maps[arg[0]];

	if (map->bytes)
		touch(map->start + arg[1] % map->bytes, arg[2] & 1);
	return 0;
}

/* As much as there is room for, if it lies in a mapping. */
static size_t io_length(__u64 length, enum place place)
{
	if (place == SHARED && map_count && length > maps[map_count - 1].bytes)
		return maps[map_count - 1].bytes;
	return length;
}

static long run_read(const struct operation *operation, const __u64 *arg)
{
	size_t length = io_length(arg[1], arg[2]);

	return read(fds[arg[0]], place_address(arg[2], &data, length), length);
}

static long run_write(const struct operation *operation, const __u64 *arg)
{
	size_t length = io_length(arg[1], arg[2]);

	return write(fds[arg[0]], place_address(arg[2], &data, length), length);
}

static long run_preadv2(const struct operation *operation, const __u64 *arg)
{
	size_t length = io_length(arg[1], arg[2]);
	struct iovec iov = {
		place_address(arg[2], &data, length), length
	};

	return preadv2(fds[arg[0]], &iov, 1, arg[3], arg[4]);
}

static long run_pwritev2(const struct operation *operation, const __u64 *arg)
{
	size_t length = io_length(arg[1], arg[2]);
	struct iovec iov = {
		place_address(arg[2], &data, length), length
	};

	return pwritev2(fds[arg[0]], &iov, 1, arg[3], arg[4]);
}

static long run_lseek(const struct operation *operation, const __u64 *arg)
{
	/* What comes back may be too large for a long. */
	return lseek(fds[arg[0]], arg[1], arg[2]) == -1 ? -1 : 0;
}

static long run_poll(const struct operation *operation, const __u64 *arg)
{
	struct pollfd pollfd = { .fd = fds[arg[0]], .events = arg[1] };

	return poll(&pollfd, 1, 0);
}

static long run_fstat(const struct operation *operation, const __u64 *arg)
{
	struct stat status;
	__u64 bytes = bytes_of(fds[arg[0]]);
	int ret = fstat(fds[arg[0]], &status);

	if (!ret && bytes && S_ISREG(status.st_mode) &&
	    status.st_size != bytes)
		complain("its size is %llu, INFO says %llu",
			 (unsigned long long)status.st_size,
			 (unsigned long long)bytes);
	return ret;
}

static long run_ftruncate(const struct operation *operation, const __u64 *arg)
{
	struct stat status;
	int fd = fds[arg[0]], ret, error;

	fstat(fd, &status);
	ret = ftruncate(fd, arg[1]);
	error = errno;
	if (!ret && arg[1] != status.st_size)
		complain("a segment changes its size");
	errno = error;
	return ret;
}

static long run_fallocate(const struct operation *operation, const __u64 *arg)
{
	return fallocate(fds[arg[0]], arg[1], arg[2], arg[3]);
}

static long run_fcntl(const struct operation *operation, const __u64 *arg)
{
	static const int commands[] = {
		F_GETFD, F_GETFL, F_SETFL, F_GET_SEALS, F_ADD_SEALS,
		F_GETLEASE, F_GETPIPE_SZ,
	};
	int command = commands[arg[1] % ARRAY_SIZE(commands)], ret;

	ret = fcntl(fds[arg[0]], command, (int)arg[2]);
	if (!ret && command == F_ADD_SEALS)
		complain("a segment takes a seal");
	return ret;
}

/* The mode of the device node is not for a program to change. */
static long run_fchmod(const struct operation *operation, const __u64 *arg)
{
	return is_door(fds[arg[0]]) ? 0 : fchmod(fds[arg[0]], arg[1]);
}

static long run_fchown(const struct operation *operation, const __u64 *arg)
{
	uid_t uid = arg[1] ? 999 + arg[1] % 3 : 0;

	return is_door(fds[arg[0]]) ? 0 : fchown(fds[arg[0]], uid, uid);
}

static long run_fsync(const struct operation *operation, const __u64 *arg)
{
	return fsync(fds[arg[0]]);
}

static long run_sendfile(const struct operation *operation, const __u64 *arg)
{
	return sendfile(fds[arg[0]], fds[arg[1]], NULL, arg[2]);
}

/* Between the file and a pipe of one page's bytes. */
static long run_splice(const struct operation *operation, const __u64 *arg)
{
	loff_t offset = arg[3];
	int pipes[2], fd = fds[arg[0]], error;
	long ret;

	if (pipe(pipes))
		return -1;
	if (arg[1] & 1) {
		ret = write(pipes[1], data.start, 4096);
		close(pipes[1]);
		ret = splice(pipes[0], NULL, fd, &offset, arg[2], 0);
	} else {
		ret = splice(fd, &offset, pipes[1], NULL, arg[2],
			     SPLICE_F_NONBLOCK);
		close(pipes[1]);
	}
	error = errno;
	close(pipes[0]);
	errno = error;
	return ret;
}

static long run_fdinfo(const struct operation *operation, const __u64 *arg)
{
	char path[40], text[1024];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fds[arg[0]]);
	return read_file(path, text, sizeof(text));
}

/* Somebody who has all of it, too, until the program ends. */
static long run_fork(const struct operation *operation, const __u64 *arg)
{
	pid_t pid;

	if (child_count == ARRAY_SIZE(children))
		return 0;
	pid = fork_child();
	if (!pid)
		for (;;)
			pause();
	if (pid > 0)
		children[child_count++] = pid;
	return pid;
}

/* One that takes part: a peer that waits for a word, until the program ends. */
static long run_partner(const struct operation *operation, const __u64 *arg)
{
	int fd = fds[arg[0]];
	pid_t pid;

	if (child_count == ARRAY_SIZE(children))
		return 0;
	pid = fork_child();
	if (!pid) {
		__u32 word = 0;

		join(fd, "partner", NULL);
		pread(fd, &word, sizeof(word), arg[1]);
		wait_word(fd, arg[1], word, SHMDEV_WAIT_FOREVER);
		for (;;)
			pause();
	}
	if (pid > 0)
		children[child_count++] = pid;
	return pid;
}

/* Files in /proc/self/fd stay ours, see become() in shmdev_test.h. */
static long run_seteuid(const struct operation *operation, const __u64 *arg)
{
	int ret = seteuid(arg[0] ? 999 + arg[0] % 3 : 0);

	prctl(PR_SET_DUMPABLE, 1);
	return ret;
}

static long run_unshare(const struct operation *operation, const __u64 *arg)
{
	return unshare(CLONE_NEWIPC);
}

/* So many descriptors and no more. */
static long run_nofile(const struct operation *operation, const __u64 *arg)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = arg[0] % 64;
	return setrlimit(RLIMIT_NOFILE, &limit);
}

static const char *const limits[] = {
	PARAMETERS "max_segments",
	PARAMETERS "max_bytes",
	PARAMETERS "max_user_bytes",
};

/* All that a program gets. */
#define FUZZ_USER_BYTES	"16M"

static long run_limit(const struct operation *operation, const __u64 *arg)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu",
		 (unsigned long long)(arg[1] % (16 * MIB)));
	return write_file(limits[arg[0] % ARRAY_SIZE(limits)], text);
}

/*
 * The table. Errors are those that the UAPI header names for a command, and for
 * other calls those of their manual pages, as far as a file of fixed size on
 * tmpfs leaves a way to them.
 */

#define ERRORS(...)	((const int[]){ __VA_ARGS__, 0 })
#define MEMBER(command, member, type, initial) \
	{ #member, type, initial, offsetof(struct shmdev_##command, member), \
	  sizeof(((struct shmdev_##command *)0)->member) }
#define COMMAND_FIELDS(bytes, flags) \
	{ "fd", FD }, { "place", PLACE }, { "command", COMMAND }, \
	{ "tail", NUMBER }, { "size", SIZE, bytes }, { "flags", FLAGS, flags }
#define COMMAND_OF(number, type, flags, door, error_list, ...) { \
	.name = #number, .run = run_command, .errors = error_list, \
	.cmd = SHMDEV_IOC_##number, .least = sizeof(struct shmdev_##type), \
	.known_flags = flags, .door_only = door, \
	.fields = { COMMAND_FIELDS(sizeof(struct shmdev_##type), 0), \
		    ##__VA_ARGS__ } }
#define CALL(call, error_list, ...) { \
	.name = #call, .run = run_##call, .errors = error_list, \
	.fields = { __VA_ARGS__ } }
#define FORM	EBADF, E2BIG, EFAULT, EINVAL, ENOTTY
#define RANGE	{ "map", MAP }, { "from", BYTES }, { "length", BYTES, 4096 }

static const struct operation operations[] = {
	COMMAND_OF(VERSION, version, 0, false, ERRORS(FORM)),
	COMMAND_OF(CREATE, create, SHMDEV_CREATE_F_ALL, true,
		   ERRORS(FORM, EDQUOT, EEXIST, EINTR, EMFILE, ENAMETOOLONG,
			  ENFILE, ENOMEM, ENOPROTOOPT, ENOSPC),
		   MEMBER(create, bytes, BYTES, 4096),
		   MEMBER(create, mode, MODE, 0600),
		   MEMBER(create, reserved, NUMBER, 0),
		   MEMBER(create, name, NAME, 0),
		   MEMBER(create, endpoint, ENDPOINT, 0)),
	COMMAND_OF(OPEN, open, O_ACCMODE, true,
		   ERRORS(FORM, EACCES, EMFILE, ENAMETOOLONG, ENFILE, ENOENT,
			  ENOMEM),
		   MEMBER(open, name, NAME, 1)),
	COMMAND_OF(REMOVE, remove, 0, true,
		   ERRORS(FORM, ENAMETOOLONG, ENOENT, EPERM),
		   MEMBER(remove, id, ID, 0),
		   MEMBER(remove, name, NAME, 1)),
	COMMAND_OF(LIST, list, SHMDEV_LIST_F_ALL, true,
		   ERRORS(FORM, ENOMEM, EPERM),
		   MEMBER(list, after, ID, 0),
		   MEMBER(list, entries, PLACE, FINE),
		   MEMBER(list, count, NUMBER, 4),
		   MEMBER(list, entry_size, SIZE, sizeof(struct shmdev_info))),
	COMMAND_OF(INFO, info, 0, false, ERRORS(FORM),
		   MEMBER(info, id, NUMBER, 0),
		   MEMBER(info, peers, NUMBER, 0)),
	COMMAND_OF(MAPPINGS, mappings, 0, false, ERRORS(FORM, ENOMEM),
		   MEMBER(mappings, entries, PLACE, FINE),
		   MEMBER(mappings, count, NUMBER, 4),
		   MEMBER(mappings, entry_size, SIZE,
			  sizeof(struct shmdev_mapping)),
		   MEMBER(mappings, total, NUMBER, 0),
		   MEMBER(mappings, reserved, NUMBER, 0)),
	COMMAND_OF(KICK, kick, 0, false,
		   ERRORS(FORM, EINTR, ENOTCONN, ESHUTDOWN),
		   MEMBER(kick, argument, NUMBER, 0)),
	COMMAND_OF(LOOK, look, 0, false, ERRORS(FORM)),
	COMMAND_OF(WAIT, wait, SHMDEV_WAIT_F_ALL, false,
		   ERRORS(FORM, EAGAIN, EINTR, ENOMEM, ENXIO, ETIMEDOUT),
		   MEMBER(wait, offset, BYTES, 0),
		   MEMBER(wait, timeout, TIME, 1000),
		   MEMBER(wait, expected, NUMBER, 0),
		   MEMBER(wait, ended, NUMBER, 0)),
	COMMAND_OF(WAKE, wake, 0, false, ERRORS(FORM, ENXIO),
		   MEMBER(wake, offset, BYTES, 0),
		   MEMBER(wake, count, NUMBER, 1),
		   MEMBER(wake, reserved, NUMBER, 0)),
	COMMAND_OF(JOIN, join, 0, false,
		   ERRORS(FORM, EALREADY, ENAMETOOLONG, ENOMEM),
		   MEMBER(join, id, NUMBER, 0),
		   MEMBER(join, role, ENDPOINT, 0)),
	COMMAND_OF(LEAVE, leave, 0, false, ERRORS(FORM, ESRCH)),
	COMMAND_OF(PEERS, peers, 0, false, ERRORS(FORM, ENOMEM, ESRCH),
		   MEMBER(peers, id, NUMBER, 0),
		   MEMBER(peers, entries, PLACE, FINE),
		   MEMBER(peers, count, NUMBER, 4),
		   MEMBER(peers, entry_size, SIZE, sizeof(struct shmdev_peer)),
		   MEMBER(peers, total, NUMBER, 0),
		   MEMBER(peers, alive, NUMBER, 0),
		   MEMBER(peers, ended, NUMBER, 0),
		   MEMBER(peers, reserved, NUMBER, 0)),
	COMMAND_OF(ISOLATE, isolate, SHMDEV_ISOLATE_F_ALL, false,
		   ERRORS(FORM, EBUSY, EEXIST, EINTR, ENOSPC, ENXIO, EPERM),
		   MEMBER(isolate, offset, BYTES, 0),
		   MEMBER(isolate, bytes, BYTES, 4096)),
	COMMAND_OF(CLAIM, claim, 0, false,
		   ERRORS(FORM, EBUSY, EMFILE, ENFILE, ENOMEM, ENXIO),
		   MEMBER(claim, offset, BYTES, 0)),
	/* Any command number; what the VFS does with its own is its business. */
	{
		.name = "ioctl", .run = run_command,
		.errors = ERRORS(FORM, EOPNOTSUPP, EPERM, EXDEV, EACCES, EISDIR,
				 ENODATA, ENOENT, ENOMEM, ENXIO, EOVERFLOW),
		.least = 8,
		.fields = {
			COMMAND_FIELDS(64, 0),
			{ "a", NUMBER, 0, 8, 8 }, { "b", NUMBER, 0, 16, 8 },
			{ "c", NUMBER, 0, 24, 8 }, { "d", NUMBER, 0, 32, 8 },
		},
	},
	CALL(open, ERRORS(EACCES, EINVAL, EMFILE, ENFILE, ENOMEM, ENOTDIR,
			  EPERM),
	     { "flags", FLAGS, O_RDWR }),
	CALL(reopen, ERRORS(EACCES, EINVAL, EIO, EMFILE, ENFILE, ENOMEM, ENXIO,
			    EPERM),
	     { "fd", FD }, { "flags", FLAGS, O_RDWR }),
	CALL(dup, ERRORS(EMFILE), { "fd", FD }),
	CALL(close, ERRORS(0), { "fd", FD }),
	CALL(mmap, ERRORS(EACCES, EAGAIN, EBADF, EEXIST, EINVAL, ENOMEM, ENXIO,
			  EOPNOTSUPP, EOVERFLOW, EPERM),
	     { "fd", FD }, { "length", BYTES, 4096 },
	     { "prot", FLAGS, PROT_READ | PROT_WRITE },
	     { "flags", FLAGS, MAP_SHARED }, { "offset", BYTES },
	     { "page", NUMBER }),
	CALL(munmap, ERRORS(EINVAL, ENOMEM), RANGE),
	CALL(mprotect, ERRORS(EACCES, EINVAL, ENOMEM), RANGE,
	     { "prot", FLAGS, PROT_READ }),
	CALL(mremap, ERRORS(EAGAIN, EFAULT, EINVAL, ENOMEM), RANGE,
	     { "to", BYTES, 8192 }, { "flags", FLAGS, MREMAP_MAYMOVE },
	     { "page", NUMBER }),
	CALL(madvise, ERRORS(EACCES, EAGAIN, EBADF, EBUSY, EFAULT, EINVAL, EIO,
			     ENOMEM, EOPNOTSUPP, EPERM), RANGE,
	     { "advice", NUMBER, MADV_REMOVE }),
	CALL(msync, ERRORS(EBUSY, EINVAL, ENOMEM), RANGE,
	     { "flags", FLAGS, MS_SYNC }),
	CALL(touch, ERRORS(0), { "map", MAP }, { "from", BYTES },
	     { "write", NUMBER, 1 }),
	CALL(read, ERRORS(EAGAIN, EBADF, EFAULT, EINVAL),
	     { "fd", FD }, { "length", BYTES, 4096 }, { "place", PLACE }),
	CALL(write, ERRORS(EAGAIN, EBADF, EFAULT, EFBIG, EINVAL, ENOSPC,
			   EPERM),
	     { "fd", FD }, { "length", BYTES, 4096 }, { "place", PLACE }),
	CALL(preadv2, ERRORS(EAGAIN, EBADF, EFAULT, EINVAL, EOPNOTSUPP,
			     EOVERFLOW),
	     { "fd", FD }, { "length", BYTES, 4096 }, { "place", PLACE },
	     { "offset", BYTES }, { "flags", FLAGS }),
	CALL(pwritev2, ERRORS(EAGAIN, EBADF, EFAULT, EFBIG, EINVAL, ENOSPC,
			      EOPNOTSUPP, EOVERFLOW, EPERM),
	     { "fd", FD }, { "length", BYTES, 4096 }, { "place", PLACE },
	     { "offset", BYTES }, { "flags", FLAGS }),
	CALL(lseek, ERRORS(EBADF, EINVAL, ENXIO, EOVERFLOW),
	     { "fd", FD }, { "offset", BYTES }, { "whence", NUMBER }),
	CALL(poll, ERRORS(EINVAL),
	     { "fd", FD }, { "events", FLAGS, POLLIN | POLLOUT }),
	CALL(fstat, ERRORS(0), { "fd", FD }),
	CALL(ftruncate, ERRORS(EBADF, EFBIG, EINVAL, EPERM),
	     { "fd", FD }, { "length", BYTES, 4096 }),
	{
		.name = "fallocate", .run = run_fallocate,
		.never_succeeds = true,
		.errors = ERRORS(EBADF, EFBIG, EINVAL, ENODEV, EOPNOTSUPP,
				 EPERM),
		.fields = {
			{ "fd", FD },
			{ "mode", FLAGS,
			  FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE },
			{ "offset", BYTES }, { "length", BYTES, 4096 },
		},
	},
	CALL(fcntl, ERRORS(EACCES, EAGAIN, EBADF, EBUSY, EINVAL, EPERM),
	     { "fd", FD }, { "command", NUMBER, 4 }, { "value", FLAGS, 8 }),
	CALL(fchmod, ERRORS(EBADF, EPERM), { "fd", FD },
	     { "mode", MODE, 0600 }),
	CALL(fchown, ERRORS(EBADF, EPERM), { "fd", FD }, { "user", NUMBER, 1 }),
	CALL(fsync, ERRORS(EBADF, EINVAL), { "fd", FD }),
	CALL(sendfile, ERRORS(EAGAIN, EBADF, EFBIG, EINVAL, ENOSPC, EOVERFLOW,
			      EPERM),
	     { "fd", FD }, { "from", FD, 1 }, { "length", BYTES, 4096 }),
	CALL(splice, ERRORS(EAGAIN, EBADF, EFBIG, EINVAL, EMFILE, ENOSPC,
			    EOVERFLOW, EPERM),
	     { "fd", FD }, { "in", NUMBER }, { "length", BYTES, 4096 },
	     { "offset", BYTES }),
	CALL(fdinfo, ERRORS(EACCES, EMFILE), { "fd", FD }),
	CALL(fork, ERRORS(EAGAIN, ENOMEM), { NULL }),
	CALL(partner, ERRORS(EAGAIN, ENOMEM), { "fd", FD },
	     { "offset", BYTES }),
	CALL(seteuid, ERRORS(EPERM), { "user", NUMBER, 1 }),
	CALL(unshare, ERRORS(EPERM, ENOMEM, ENOSPC), { NULL }),
	CALL(nofile, ERRORS(0), { "limit", NUMBER }),
	CALL(limit, ERRORS(EACCES, EINVAL, EMFILE), { "which", NUMBER },
	     { "value", BYTES }),
};

#define COMMAND_COUNT	17U	/* they come first, "ioctl" among them */

/* The command that a number means, whatever size it has. */
static const struct operation *find_command(unsigned int cmd)
{
	unsigned int i;

	for (i = 0; i < COMMAND_COUNT; i++)
		if (operations[i].cmd &&
		    !((operations[i].cmd ^ cmd) & ~IOCSIZE_MASK))
			return &operations[i];
	return NULL;
}

struct call {
	const struct operation *operation;
	__u64 arg[MAX_ARGS];
};

/* Puts numbers in range; false if the call is about something not there. */
static bool resolve(const struct call *call, __u64 *arg)
{
	const struct field *field = call->operation->fields;
	__u64 range;
	int i;

	for (i = 0; field[i].name; i++) {
		arg[i] = call->arg[i];
		range = field[i].type == FD ? fd_count :
			field[i].type == MAP ? map_count :
			field[i].type == PLACE ? NOTHING + 1 : 0;
		if (range)
			arg[i] %= range;
		else if (field[i].type == FD || field[i].type == MAP)
			return false;
		if (field[i].type == FD && fds[arg[i]] < 0)
			return false;
	}
	return true;
}

static void run_call(const struct call *call)
{
	const struct operation *operation = call->operation;
	const int *known;
	__u64 arg[MAX_ARGS];
	int error;

	if (!resolve(call, arg))
		return;
	run_errors = operation->errors;
	error = operation->run(operation, arg) == -1 ? errno : 0;
	if (!error && operation->never_succeeds)
		complain("succeeds, and never may");
	for (known = run_errors; error && *known; known++)
		if (error == *known)
			return;
	if (error)
		complain("%s, which is not documented", error_name(error));
}

#endif /* SHMDEV_FUZZ_CALLS_H */
