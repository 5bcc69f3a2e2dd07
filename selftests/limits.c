// SPDX-License-Identifier: GPL-2.0
/* Sizes, the three limits, and what happens when something runs out. */
#include <linux/capability.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "shmdev_test.h"

#define USER_A 1001
#define USER_B 1002

static const char *const parameters[] = {
	PARAMETERS "max_segments",
	PARAMETERS "max_bytes",
	PARAMETERS "max_user_bytes",
};

enum { MAX_SEGMENTS, MAX_BYTES, MAX_USER_BYTES };

FIXTURE(limits) {
	int door;
	size_t page;
	__u64 segments;		/* what counts: all but the default segment */
	__u64 bytes;
	char saved[ARRAY_SIZE(parameters)][32];
	struct state before;
};

FIXTURE_SETUP(limits)
{
	static struct shmdev_info entries[512];
	int count, i;

	self->door = open_door();
	ASSERT_LE(0, self->door);
	self->page = page_bytes();
	for (i = 0; i < ARRAY_SIZE(parameters); i++)
		ASSERT_LT(0, read_file(parameters[i], self->saved[i],
				       sizeof(self->saved[i])));
	count = list(self->door, SHMDEV_LIST_F_EVERYWHERE, 0, entries,
		     ARRAY_SIZE(entries));
	ASSERT_LT(0, count);
	for (i = 0; i < count; i++) {
		if (entries[i].flags & SHMDEV_INFO_F_DEFAULT)
			continue;
		self->segments++;
		self->bytes += entries[i].bytes;
	}
	self->before = take_state(self->door);
}

/* The limits are back, and so is everything that was taken. */
FIXTURE_TEARDOWN(limits)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parameters); i++)
		EXPECT_EQ(0, write_file(parameters[i], self->saved[i]));
	expect_unchanged(_metadata, self->door, &self->before);
	close(self->door);
}

static int set_limit(int which, __u64 value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return write_file(parameters[which], text);
}

/* "errors", ENFILE: the driver has max_segments already */
TEST_F(limits, max_segments_is_exact)
{
	int fds[3];
	size_t i;

	ASSERT_EQ(0, set_limit(MAX_SEGMENTS, self->segments + 3));
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = create_anonymous(self->door, self->page);
		EXPECT_LE(0, fds[i]);
	}
	EXPECT_ERRNO(ENFILE, create_anonymous(self->door, self->page));
	close(fds[1]);
	fds[1] = create_anonymous(self->door, self->page);
	EXPECT_LE(0, fds[1]);
	EXPECT_ERRNO(ENFILE, create_anonymous(self->door, self->page));
	ASSERT_EQ(0, set_limit(MAX_SEGMENTS, 0));
	EXPECT_ERRNO(ENFILE, create_anonymous(self->door, self->page));
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

/* "errors", ENOSPC: all segments' bytes would exceed max_bytes */
TEST_F(limits, max_bytes_is_exact_to_the_page)
{
	int eight, one;

	ASSERT_EQ(0, set_limit(MAX_BYTES, self->bytes + 8 * self->page));
	EXPECT_ERRNO(ENOSPC, create_anonymous(self->door, 9 * self->page));
	eight = create_anonymous(self->door, 8 * self->page);
	EXPECT_LE(0, eight);
	EXPECT_ERRNO(ENOSPC, create_anonymous(self->door, self->page));
	EXPECT_ERRNO(ENOSPC, create(self->door, NULL, self->page, 0600,
				    SHMDEV_CREATE_F_LAZY, NULL));
	close(eight);

	ASSERT_EQ(0, set_limit(MAX_BYTES, self->bytes + 9 * self->page - 1));
	eight = create_anonymous(self->door, 8 * self->page);
	EXPECT_LE(0, eight);
	EXPECT_ERRNO(ENOSPC, create_anonymous(self->door, self->page));
	ASSERT_EQ(0, set_limit(MAX_BYTES, self->bytes + 9 * self->page));
	one = create_anonymous(self->door, self->page);
	EXPECT_LE(0, one);
	close(one);
	close(eight);
}

/* "errors", EDQUOT: the owner's bytes would exceed max_user_bytes */
TEST_F(limits, max_user_bytes_is_exact_to_the_page_for_each_user)
{
	const uid_t uids[] = { USER_A, USER_B };
	size_t i;

	ASSERT_EQ(0, set_limit(MAX_USER_BYTES, 8 * self->page));
	for (i = 0; i < ARRAY_SIZE(uids); i++) {
		pid_t pid = fork_child();

		if (!pid) {
			int fds[2];

			become(uids[i], uids[i], uids[i]);
			CHILD_CHECK(create_anonymous(self->door,
						     9 * self->page) == -1);
			CHILD_CHECK(errno == EDQUOT);
			fds[0] = create_anonymous(self->door, 3 * self->page);
			CHILD_CHECK(fds[0] >= 0);
			fds[1] = create_anonymous(self->door, 5 * self->page);
			CHILD_CHECK(fds[1] >= 0);
			CHILD_CHECK(create_anonymous(self->door,
						     self->page) == -1);
			CHILD_CHECK(errno == EDQUOT);
			close(fds[0]);
			CHILD_CHECK(create_anonymous(self->door,
						     4 * self->page) == -1);
			CHILD_CHECK(errno == EDQUOT);
			fds[0] = create_anonymous(self->door, 3 * self->page);
			CHILD_CHECK(fds[0] >= 0);
			_exit(0);
		}
		EXPECT_EQ(0, reap(pid)) TH_LOG("uid %u", uids[i]);
	}
}

/* "errors", EDQUOT: who is charged is whose files they would be */
TEST_F(limits, filesystem_uid_is_charged)
{
	const uid_t uids[] = { USER_A, USER_B };
	size_t i;
	pid_t pid;

	ASSERT_EQ(0, set_limit(MAX_USER_BYTES, 8 * self->page));
	pid = fork_child();
	if (!pid) {
		for (i = 0; i < ARRAY_SIZE(uids); i++) {
			setfsuid(uids[i]);
			CHILD_CHECK(create_anonymous(self->door,
						     8 * self->page) >= 0);
			CHILD_CHECK(create_anonymous(self->door,
						     self->page) == -1);
			CHILD_CHECK(errno == EDQUOT);
		}
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
}

/* "errors": a user at the limit is not in the way of another one */
TEST_F(limits, users_do_not_share_their_quota)
{
	int full = -1, ready[2];
	pid_t pid;
	char byte;

	ASSERT_EQ(0, set_limit(MAX_USER_BYTES, 4 * self->page));
	ASSERT_EQ(0, pipe(ready));
	pid = fork_child();
	if (!pid) {
		become(USER_A, USER_A, USER_A);
		full = create_anonymous(self->door, 4 * self->page);
		CHILD_CHECK(full >= 0);
		CHILD_CHECK(write(ready[1], "!", 1) == 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	EXPECT_EQ(1, read(ready[0], &byte, 1));
	close(ready[0]);
	{
		pid_t other = fork_child();

		if (!other) {
			become(USER_B, USER_B, USER_B);
			full = create_anonymous(self->door, 4 * self->page);
			CHILD_CHECK(full >= 0);
			_exit(0);
		}
		EXPECT_EQ(0, reap(other));
	}
	kill(pid, SIGKILL);
	reap(pid);
}

/* parameters: changeable at run time; what is there stays */
TEST_F(limits, lower_limits_take_nothing_away)
{
	int fd = create_anonymous(self->door, 4 * self->page);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, set_limit(MAX_BYTES, self->page));
	ASSERT_EQ(0, set_limit(MAX_SEGMENTS, 1));
	ASSERT_EQ(0, set_limit(MAX_USER_BYTES, self->page));
	EXPECT_EQ(1, pwrite(fd, "x", 1, 3 * self->page));
	EXPECT_EQ(-1, create_anonymous(self->door, self->page));
	close(fd);
}

/* parameters: bytes with a suffix */
TEST_F(limits, parameters_take_suffixes_and_refuse_nonsense)
{
	char text[32];

	ASSERT_EQ(0, write_file(parameters[MAX_BYTES], "3M"));
	ASSERT_LT(0, read_file(parameters[MAX_BYTES], text, sizeof(text)));
	EXPECT_STREQ("3145728\n", text);
	ASSERT_EQ(0, write_file(parameters[MAX_USER_BYTES], "64K\n"));
	ASSERT_LT(0, read_file(parameters[MAX_USER_BYTES], text,
			       sizeof(text)));
	EXPECT_STREQ("65536\n", text);
	EXPECT_ERRNO(EINVAL, write_file(parameters[MAX_BYTES], "much"));
	EXPECT_ERRNO(EINVAL, write_file(parameters[MAX_BYTES], "3 apples"));
	EXPECT_ERRNO(EINVAL, write_file(parameters[MAX_BYTES], "-1"));
	EXPECT_ERRNO(EINVAL, write_file(parameters[MAX_SEGMENTS], "many"));
	ASSERT_LT(0, read_file(parameters[MAX_BYTES], text, sizeof(text)));
	EXPECT_STREQ("3145728\n", text);
}

/* CREATE @bytes: a positive multiple of the page size */
TEST_F(limits, sizes_without_a_meaning_are_einval)
{
	const __u64 sizes[] = {
		0, 1, 8, self->page - 1, self->page + 1, 3 * self->page / 2,
		(1ULL << 32) + 1, (1ULL << 63) - 1, (1ULL << 63) + 1, ~0ULL,
		~0ULL - self->page + 2,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		EXPECT_ERRNO(EINVAL, create_anonymous(self->door, sizes[i]));
		/* Nothing behind the driver refuses it: no memory is taken. */
		EXPECT_ERRNO(EINVAL, create(self->door, NULL, sizes[i], 0600,
					    SHMDEV_CREATE_F_LAZY, NULL));
	}
}

/* "errors", ENOSPC: nothing wraps around near 2^63 and 2^64 */
TEST_F(limits, giant_sizes_are_refused_without_trying)
{
	const __u64 sizes[] = {
		1ULL << 40, 1ULL << 44, 1ULL << 52, 1ULL << 62,
		(1ULL << 63) - self->page, 1ULL << 63,
		(1ULL << 63) + self->page, ~0ULL - 2 * self->page + 1,
		~0ULL - self->page + 1,
	};
	const __u32 flags[] = { 0, SHMDEV_CREATE_F_LAZY };
	size_t i, f;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (f = 0; f < ARRAY_SIZE(flags); f++) {
			EXPECT_EQ(-1, create(self->door, NULL, sizes[i], 0600,
					     flags[f], NULL));
			EXPECT_TRUE(errno == ENOSPC || errno == EINVAL)
				TH_LOG("%#llx: %s", sizes[i],
				       strerror(errno));
		}
	}
}

/* "errors": ... not even when there is no limit */
TEST_F(limits, giant_sizes_are_refused_without_limits_too)
{
	const __u64 sizes[] = {
		(1ULL << 63) - self->page, 1ULL << 63, (1ULL << 63) + self->page,
		~0ULL - 2 * self->page + 1, ~0ULL - self->page + 1,
	};
	int small = create_anonymous(self->door, self->page);
	size_t i;

	ASSERT_EQ(0, set_limit(MAX_BYTES, ~0ULL));
	ASSERT_EQ(0, set_limit(MAX_USER_BYTES, ~0ULL));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		__u64 size = sizes[i];

		EXPECT_ERRNO(EINVAL, create(self->door, NULL, size, 0600,
					    SHMDEV_CREATE_F_LAZY, NULL));
	}
	close(small);
}

/* "errors", ENOSPC: ... nor when what is there already is giant */
TEST_F(limits, giant_sums_do_not_wrap)
{
	int fds[3];
	size_t i;

	ASSERT_EQ(0, set_limit(MAX_BYTES, ~0ULL));
	ASSERT_EQ(0, set_limit(MAX_USER_BYTES, ~0ULL));
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = create(self->door, NULL, 1ULL << 62, 0600,
				SHMDEV_CREATE_F_LAZY, NULL);
		EXPECT_LE(0, fds[i]);
	}
	EXPECT_ERRNO(ENOSPC, create(self->door, NULL, 1ULL << 62, 0600,
				    SHMDEV_CREATE_F_LAZY, NULL));
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

/* "errors", EMFILE: the process has no descriptor left */
TEST_F(limits, no_descriptor_left_is_emfile)
{
	struct rlimit saved, none;
	char name[SHMDEV_NAME_SIZE];
	int segment, probe = dup(self->door);

	close(probe);
	make_name(name, "emfile");
	segment = create_named(self->door, name, self->page);
	ASSERT_LE(0, segment);
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &saved));
	none = saved;
	none.rlim_cur = segment + 1;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_ERRNO(EMFILE, create_anonymous(self->door, self->page));
	EXPECT_ERRNO(EMFILE, create_kept(self->door, "selftest-unborn",
					 self->page));
	EXPECT_ERRNO(EMFILE, open_named(self->door, name, O_RDONLY));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &saved));
	EXPECT_ERRNO(ENOENT, open_named(self->door, "selftest-unborn",
					O_RDONLY));
	close(segment);
}

/* CREATE: a segment is not a file of the user's: RLIMIT_FSIZE says nothing */
TEST_F(limits, file_size_limit_does_not_matter)
{
	pid_t pid = fork_child();

	if (!pid) {
		struct rlimit none = { 0, 0 };
		int fd;
		char *view;

		CHILD_CHECK(!setrlimit(RLIMIT_FSIZE, &none));
		fd = create_anonymous(self->door, 4 * self->page);
		CHILD_CHECK(fd >= 0);
		view = map(fd, 4 * self->page, PROT_READ | PROT_WRITE);
		CHILD_CHECK(view != MAP_FAILED);
		memset(view, 'x', 4 * self->page);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
}

/* CREATE: the memory is allocated before the call returns */
TEST_F(limits, committed_memory_is_resident)
{
	int fd = create_anonymous(self->door, 3 * MIB);
	struct shmdev_info about;

	ASSERT_EQ(0, info(fd, &about));
	EXPECT_EQ(3 * MIB, about.resident);
	close(fd);
}

/* CREATE: with F_LAZY that happens page by page at first touch */
TEST_F(limits, lazy_memory_comes_at_first_touch)
{
	const size_t bytes = 16 * MIB;
	int fd = create(self->door, NULL, bytes, 0600, SHMDEV_CREATE_F_LAZY,
			NULL);
	struct shmdev_info about;
	char *view;

	ASSERT_EQ(0, info(fd, &about));
	EXPECT_EQ(SHMDEV_INFO_F_LAZY, about.flags);
	EXPECT_EQ(bytes, about.bytes);
	EXPECT_EQ(0, about.resident);
	view = map(fd, bytes, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, view);
	ASSERT_EQ(0, info(fd, &about));
	EXPECT_EQ(0, about.resident);
	EXPECT_EQ(0, touch_write(view + bytes / 2));
	ASSERT_EQ(0, info(fd, &about));
	EXPECT_LE(self->page, about.resident);
	EXPECT_GE(bytes / 2, about.resident);
	EXPECT_TRUE(all_bytes(view, 0, bytes));
	munmap(view, bytes);
	close(fd);
}

/* CREATE: a segment with an endpoint cannot be lazy */
TEST_F(limits, lazy_memory_and_an_endpoint_exclude_each_other)
{
	EXPECT_ERRNO(EINVAL, create(self->door, NULL, self->page, 0600,
				    SHMDEV_CREATE_F_LAZY, "hello"));
}

static volatile sig_atomic_t interrupts;

static void interrupted(int sig)
{
	interrupts++;
}

/*
 * "errors", EINTR: a signal came before the memory was committed. Which signals
 * tmpfs lets end an allocation depends on the kernel: it is done or it is not.
 */
TEST_F(limits, signal_leaves_a_whole_segment_or_none)
{
	struct sigaction action = { .sa_handler = interrupted };
	const struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
	const struct itimerval never = { { 0, 0 }, { 0, 0 } };
	int round, fd, error, before, during = 0;
	struct shmdev_info about;
	char name[SHMDEV_NAME_SIZE];
	sigset_t alarms;

	make_name(name, "eintr");
	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &alarms, NULL));
	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	/* Where the clock ticks slowly, a creation takes less than a tick. */
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &often, NULL));
	for (round = 0; round < 10 || !during; round++) {
		/* One that came before it comes now. */
		ASSERT_EQ(0, sigprocmask(SIG_UNBLOCK, &alarms, NULL));
		before = interrupts;
		fd = create_kept(self->door, name, 48 * MIB);
		error = errno;
		during += interrupts - before;
		ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &alarms, NULL));
		if (fd >= 0) {
			EXPECT_EQ(0, info(fd, &about));
			EXPECT_EQ(48 * MIB, about.resident);
			EXPECT_EQ(0, remove_named(self->door, name));
			close(fd);
			continue;
		}
		EXPECT_EQ(EINTR, error) TH_LOG("%s", strerror(error));
		EXPECT_ERRNO(ENOENT, open_named(self->door, name, O_RDONLY));
	}
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &never, NULL));
}

/* "errors": a killed creator leaves nothing, and ends at once */
TEST_F(limits, kill_ends_a_creation_without_a_trace)
{
	char name[SHMDEV_NAME_SIZE];
	int round;

	make_name(name, "kill");
	for (round = 0; round < 5; round++) {
		pid_t pid = fork_child();

		if (!pid) {
			for (;;) {
				close(create_named(self->door, name,
						   32 * MIB));
			}
		}
		usleep(1000 + 7000 * round);
		EXPECT_EQ(0, kill(pid, SIGKILL));
		EXPECT_EQ(128 + SIGKILL, reap(pid));
		EXPECT_ERRNO(ENOENT, open_named(self->door, name, O_RDONLY));
	}
}

static int write_in(const char *group, const char *file, const char *text)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", group, file);
	return write_file(path, text);
}

/* The value of @key in memory.events of @group. */
static long events_of(const char *group, const char *key)
{
	char path[160], text[512], *line;

	snprintf(path, sizeof(path), "%s/memory.events", group);
	if (read_file(path, text, sizeof(text)) < 0)
		return -1;
	line = strstr(text, key);
	return line ? atol(line + strlen(key)) : -1;
}

/* "errors", ENOMEM: the cgroup's limit, for the creator and nobody else */
TEST_F(limits, full_cgroup_is_enomem_and_kills_nobody)
{
	char root[] = "/tmp/selftest-cgroup-XXXXXX", group[80];
	bool mounted, available;
	pid_t pid = -1;

	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_NE(NULL, mkdtemp(root));
	mounted = !mount("none", root, "cgroup2", 0, NULL);
	snprintf(group, sizeof(group), "%s/selftest-%d", root, getpid());
	available = mounted &&
		    !write_in(root, "cgroup.subtree_control", "+memory") &&
		    !mkdir(group, 0700) &&
		    !write_in(group, "memory.max", "16M");
	if (available) {
		pid = fork_child();
		if (!pid) {
			int fd;

			CHILD_CHECK(!write_in(group, "cgroup.procs", "0"));
			CHILD_CHECK(create_anonymous(self->door,
						     64 * MIB) == -1);
			CHILD_CHECK(errno == ENOMEM);
			/* What failed was given back: there is room again. */
			fd = create_anonymous(self->door, 8 * MIB);
			CHILD_CHECK(fd >= 0);
			_exit(0);
		}
		EXPECT_EQ(0, reap(pid));
		EXPECT_EQ(0, events_of(group, "oom_kill "));
		EXPECT_LT(0, events_of(group, "max "));
		EXPECT_EQ(0, rmdir(group));
	}
	if (mounted)
		umount2(root, MNT_DETACH);
	rmdir(root);
	if (!available)
		SKIP(return, "no memory controller in a cgroup v2 here");
}

/* Kilobytes, from /proc/meminfo; what processors hold back is counted too. */
static long memory(const char *key)
{
	write_file("/proc/sys/vm/stat_refresh", "1");
	return number_after("/proc/meminfo", key);
}

/* Kernel mappings that the driver made. */
static int kernel_views(void)
{
	char line[512];
	FILE *file = fopen("/proc/vmallocinfo", "re");
	int count = 0;

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		count += !!strstr(line, "[shmdev]");
	fclose(file);
	return count;
}

/* "the device": memory goes with the last file and mapping, all of it */
TEST_F(limits, memory_comes_back)
{
	long available = memory("MemAvailable:");
	long promised = memory("Committed_AS:");
	int views = kernel_views(), round, fd;
	size_t at;
	__u64 end;

	for (round = 0; round < 12; round++) {
		fd = create(self->door, NULL, 8 * MIB, 0600, 0,
			    round % 2 ? "hello" : NULL);
		ASSERT_LE(0, fd);
		if (round % 2)
			EXPECT_EQ(views + 1, kernel_views());
		/* WAIT holds the page that it looks at. */
		for (at = 4; at < 8 * MIB; at += page_bytes())
			ASSERT_EQ(-1, wait_word(fd, at, ~0U, 0));
		close(fd);
	}
	fd = create(self->door, NULL, 96 * MIB, 0600, SHMDEV_CREATE_F_LAZY,
		    NULL);
	ASSERT_LE(0, fd);
	close(fd);
	EXPECT_EQ(views, kernel_views());
	/* Some is freed after a while only. */
	end = milliseconds() + 10000;
	while ((memory("MemAvailable:") <= available - 40 * 1024 ||
		memory("Committed_AS:") >= promised + 24 * 1024) &&
	       milliseconds() < end)
		usleep(100000);
	EXPECT_LT(available - 40 * 1024, memory("MemAvailable:"));
	EXPECT_GT(promised + 24 * 1024, memory("Committed_AS:"));
}

/* "the device": a path that leads to a segment does not hold its memory */
TEST_F(limits, memory_of_a_dead_segment_is_not_held_by_a_path)
{
	long shmem = memory("Shmem:");
	int fd = create_anonymous(self->door, 32 * MIB);
	int path = reopen(fd, O_PATH);

	ASSERT_LE(0, path);
	EXPECT_LE(shmem + 32 * 1024, memory("Shmem:"));
	close(fd);
	EXPECT_GT(shmem + 8 * 1024, memory("Shmem:"));
	close(path);
}

/* CREATE @endpoint: what the kernel holds, reclaim need not look at */
TEST_F(limits, memory_with_an_endpoint_is_unevictable)
{
	long unevictable = memory("Unevictable:");
	int fd = create(self->door, NULL, 8 * MIB, 0600, 0, "hello");

	ASSERT_LE(0, fd);
	EXPECT_LE(unevictable + 7 * 1024, memory("Unevictable:"));
	close(fd);
}

/* "the device": offsets are of 64 bits, for 32-bit programs as well */
TEST_F(limits, segments_beyond_two_gibibytes_are_like_others)
{
	const __u64 bytes = 3072 * MIB;
	char name[SHMDEV_NAME_SIZE];
	int fd, again;

	make_name(name, "giant");
	ASSERT_EQ(0, set_limit(MAX_BYTES, 8192 * MIB));
	ASSERT_EQ(0, set_limit(MAX_USER_BYTES, 8192 * MIB));
	fd = create(self->door, name, bytes, 0600, SHMDEV_CREATE_F_LAZY, NULL);
	ASSERT_LE(0, fd);
	again = open_named(self->door, name, O_RDWR);
	EXPECT_LE(0, again) TH_LOG("%s", strerror(errno));
	EXPECT_EQ(4, pwrite(again, "last", 4, bytes - 4));
	EXPECT_EQ(bytes, lseek(fd, 0, SEEK_END));
	close(again);
	close(fd);
}

/* "errors", ENOMEM: the system has promised as much memory as it may */
TEST_F(limits, strict_accounting_is_enomem)
{
	static const char mode_path[] = "/proc/sys/vm/overcommit_memory";
	static const char limit_path[] = "/proc/sys/vm/overcommit_kbytes";
	static const char ratio_path[] = "/proc/sys/vm/overcommit_ratio";
	char mode[32], limit[32], ratio[32];
	int fd, error;

	ASSERT_LT(0, read_file(mode_path, mode, sizeof(mode)));
	ASSERT_LT(0, read_file(limit_path, limit, sizeof(limit)));
	ASSERT_LT(0, read_file(ratio_path, ratio, sizeof(ratio)));
	EXPECT_EQ(0, write_file(limit_path, "1"));
	EXPECT_EQ(0, write_file(mode_path, "2"));
	fd = create_anonymous(self->door, 16 * self->page);
	error = errno;
	EXPECT_EQ(0, write_file(mode_path, mode));
	/* Each of the two sets the other to 0. */
	EXPECT_EQ(0, write_file(atoi(limit) ? limit_path : ratio_path,
				atoi(limit) ? limit : ratio));
	EXPECT_EQ(-1, fd);
	EXPECT_EQ(ENOMEM, error) TH_LOG("%s", strerror(error));
}

/* CAP_SYS_ADMIN is above the limit on the system's files. */
static int drop_admin(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		return -1;
	data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective &=
		~CAP_TO_MASK(CAP_SYS_ADMIN);
	return syscall(SYS_capset, &header, data);
}

/*
 * "errors", ENFILE: ... or the system its files. Whichever file of a call is one
 * too many, nothing is left of it.
 */
TEST_F(limits, no_file_left_in_the_system_is_enfile)
{
	static const char path[] = "/proc/sys/fs/file-max";
	char name[SHMDEV_NAME_SIZE], other[SHMDEV_NAME_SIZE];
	char saved[32], text[32];
	pid_t pid;
	int fd;

	make_name(name, "there");
	make_name(other, "new");
	fd = create_named(self->door, name, self->page);
	ASSERT_LE(0, fd);
	ASSERT_LT(0, read_file(path, saved, sizeof(saved)));
	pid = fork_child();
	if (!pid) {
		int limit = open(path, O_WRONLY | O_CLOEXEC);
		int next, refused = 0, most;

		/* Each processor keeps some to itself: so many must be there. */
		for (most = 0; most < 500; most++)
			CHILD_CHECK(open("/dev/null", O_RDONLY) >= 0);
		next = free_fd();
		CHILD_CHECK(!drop_admin());
		CHILD_CHECK(read_file("/proc/sys/fs/file-nr", text,
				      sizeof(text)) > 0);
		/* It counts roughly, so go down until there is no doubt. */
		for (most = atoi(text) + 80; refused < 20 && most > 0; most--) {
			int opened, created, errors[2];

			snprintf(text, sizeof(text), "%d", most);
			CHILD_CHECK(pwrite(limit, text, strlen(text), 0) > 0);
			opened = open_named(self->door, name, O_RDWR);
			errors[0] = errno;
			created = create_kept(self->door, other, self->page);
			errors[1] = errno;
			CHILD_CHECK(pwrite(limit, saved, strlen(saved), 0) > 0);
			if (opened < 0)
				CHILD_CHECK(errors[0] == ENFILE);
			if (created < 0) {
				refused++;
				CHILD_CHECK(errors[1] == ENFILE);
				CHILD_CHECK(open_named(self->door, other,
						       O_RDWR) == -1);
				CHILD_CHECK(errno == ENOENT);
			} else {
				CHILD_CHECK(!remove_named(self->door, other));
			}
			close(created);
			close(opened);
			CHILD_CHECK(free_fd() == next);
		}
		CHILD_CHECK(refused == 20);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, write_file(path, saved));
	remove_named(self->door, other);
	close(fd);
}

TEST_HARNESS_MAIN
