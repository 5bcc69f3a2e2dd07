// SPDX-License-Identifier: GPL-2.0
/*
 * Unloading the driver, and loading it again as it was. Everything else here
 * needs it to stay; so this skips if anybody else uses it.
 */
#include <sys/epoll.h>

#include "module.h"
#include "storm.h"

FIXTURE(unload) {
	struct driver saved;
	const char *reason;
};

FIXTURE_SETUP(unload)
{
	self->reason = driver_save(&self->saved);
}

FIXTURE_TEARDOWN(unload)
{
	if (!self->reason)
		EXPECT_EQ(0, driver_restore(&self->saved))
			TH_LOG("%s", strerror(errno));
}

/* "the device": an unused driver goes, and comes back as it is told */
TEST_F(unload, unused_driver_goes_and_comes_back)
{
	int round, door;

	if (self->reason)
		SKIP(return, "%s", self->reason);
	for (round = 0; round < 5; round++) {
		ASSERT_EQ(0, unload_module("shmdev"))
			TH_LOG("%s", strerror(errno));
		EXPECT_ERRNO(ENOENT, open_door());
		ASSERT_EQ(0, load_module("shmdev", "size=64K max_segments=7"));
		door = open_door();
		ASSERT_LE(0, door);
		EXPECT_EQ(65536, lseek(door, 0, SEEK_END));
		EXPECT_EQ(0, kick(door));
		close(door);
	}
	ASSERT_EQ(0, unload_module("shmdev"));
}

/* Pages that the system has handed out since it was booted. */
static long pages_allocated(void)
{
	char line[128];
	FILE *file = fopen("/proc/vmstat", "re");
	long pages, sum = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "pgalloc_%*s %ld", &pages) == 1)
			sum += pages;
	if (file)
		fclose(file);
	return sum;
}

/*
 * "size": none that could not be mapped; nor is one tried that memory cannot
 * hold, since whoever needs some meanwhile would be killed
 */
TEST_F(unload, driver_does_not_come_with_a_bad_size)
{
	static const char *const sizes[] = {
		"size=0", "size=1", "size=4097", "size=0x8000000000000000",
		"size=0xfffffffffffff000", "size=-4096", "size=", "size=4Q",
	};
	long before, ram = number_after("/proc/meminfo", "MemTotal:");
	char larger[32];
	size_t i;

	if (self->reason)
		SKIP(return, "%s", self->reason);
	ASSERT_EQ(0, unload_module("shmdev")) TH_LOG("%s", strerror(errno));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		EXPECT_EQ(-1, load_module("shmdev", sizes[i]));
		EXPECT_EQ(EINVAL, errno) TH_LOG("%s", sizes[i]);
	}
	ASSERT_LT(0, ram);
	snprintf(larger, sizeof(larger), "size=%ldK", ram + ram % 4 + 4);
	before = pages_allocated();
	ASSERT_LT(0, before);
	EXPECT_ERRNO(ENOMEM, load_module("shmdev", larger));
	EXPECT_ERRNO(ENOMEM, load_module("shmdev", "size=0x7ffffffffffff000"));
	EXPECT_GT(ram / 2, (pages_allocated() - before) *
		  (page_bytes() / 1024));
	EXPECT_ERRNO(ENOENT, open_door());
}

/* "the device": a path that leads to a dead segment leads nowhere */
TEST_F(unload, path_of_a_dead_segment_outlives_the_driver)
{
	int door, segment, path;

	if (self->reason)
		SKIP(return, "%s", self->reason);
	door = open_door();
	segment = create_anonymous(door, page_bytes());
	ASSERT_EQ(6, pwrite(segment, "secret", 6, 0));
	path = reopen(segment, O_PATH);
	ASSERT_LE(0, path);
	close(segment);
	close(door);
	ASSERT_EQ(0, unload_module("shmdev")) TH_LOG("%s", strerror(errno));
	EXPECT_ERRNO(EIO, reopen(path, O_RDWR));
	ASSERT_EQ(0, load_module("shmdev", self->saved.parameters));
	EXPECT_ERRNO(EIO, reopen(path, O_RDONLY));
	close(path);
}

/* "the device": what a dying process had open is no reason to stay */
TEST_F(unload, killed_users_do_not_hold_the_driver)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (self->reason)
		SKIP(return, "%s", self->reason);
	ASSERT_EQ(0, pipe(ready));
	pid = fork_child();
	if (!pid) {
		int door = open_door();
		int segment = create(door, NULL, page_bytes(), 0600, 0,
				     "hello");

		CHILD_CHECK(map(segment, page_bytes(), PROT_READ) !=
			    MAP_FAILED);
		CHILD_CHECK(map(door, page_bytes(), PROT_READ) != MAP_FAILED);
		CHILD_CHECK(write(ready[1], "!", 1) == 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_EQ(-1, unload_module("shmdev"));
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, reap(pid));
	EXPECT_EQ(0, unload_module("shmdev")) TH_LOG("%s", strerror(errno));
	close(ready[0]);
}

/* Shared with the users: odd while one has a mapping. */
struct holds {
	volatile unsigned long mapping[3];
};

struct user {
	FIXTURE_DATA(unload) *unload;
	volatile unsigned long *mapping;
};

static void hold(volatile unsigned long *count)
{
	__atomic_fetch_add(count, 1, __ATOMIC_SEQ_CST);
}

/* Nothing but the mapping is left for a while. */
static void maps_only(struct worker *self, int fd, volatile unsigned long *mapping)
{
	char *view = map(fd, page_bytes(), PROT_READ | PROT_WRITE);

	STORM_CHECK(self->storm, view != MAP_FAILED);
	hold(mapping);
	close(fd);
	while (dice(self, 4)) {
		STORM_CHECK(self->storm, !strcmp(view, SHMDEV_HELLO_GREETING));
		usleep(dice(self, 500));
	}
	hold(mapping);
	munmap(view, page_bytes());
}

static void waits_for_events(struct worker *self, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct pollfd file = { .fd = fd, .events = POLLIN };
	int set = epoll_create1(EPOLL_CLOEXEC);

	STORM_CHECK(self->storm, !epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
	STORM_CHECK(self->storm, !kick(fd));
	STORM_CHECK(self->storm, epoll_wait(set, &event, 1, 5000) == 1);
	STORM_CHECK(self->storm, look(fd) != ~0ULL);
	STORM_CHECK(self->storm, poll(&file, 1, 1) >= 0);
	/* The file goes first, and takes itself out of the set. */
	close(fd);
	close(set);
}

static void uses_the_driver(struct worker *self)
{
	struct user *with = self->with;

	while (next_round(self)) {
		int door = open_door(), segment, path;

		if (door < 0) {
			STORM_CHECK(self->storm,
				    errno == ENOENT || errno == ENODEV ||
				    errno == ENXIO);
			usleep(500);
			continue;
		}
		segment = create(door, NULL, page_bytes(), 0600, 0, "hello");
		STORM_CHECK(self->storm, segment >= 0);
		path = reopen(segment, O_PATH);
		if (dice(self, 2)) {
			int both = segment;

			segment = door;
			door = both;
		}
		close(door);
		if (dice(self, 2))
			maps_only(self, segment, with->mapping);
		else
			waits_for_events(self, segment);
		/* It leads to a segment that has ended, or not yet. */
		segment = reopen(path, O_RDWR);
		STORM_CHECK(self->storm, segment < 0 || !id_of(segment));
		close(segment);
		close(path);
		usleep(dice(self, 3000));
	}
}

/*
 * "the device": who uses the driver has it stay, to the last mapping; as soon
 * as nobody does, it goes
 */
TEST_F_TIMEOUT(unload, amid_users_is_ebusy_or_clean, STORM_TIMEOUT)
{
	struct user users[ARRAY_SIZE(((struct holds *)0)->mapping)];
	struct holds *holds = shared_memory(sizeof(*holds)), before, after;
	unsigned int gone = 0, busy = 0, mapped = 0;
	struct storm *storm;
	size_t i;

	if (self->reason)
		SKIP(return, "%s", self->reason);
	storm = storm_begin(3000);
	for (i = 0; i < ARRAY_SIZE(users); i++) {
		users[i] = (struct user){ self, &holds->mapping[i] };
		storm_process(storm, uses_the_driver, &users[i]);
	}
	while (storm_goes_on(storm) || !gone || !mapped) {
		bool held = false;
		int ret;

		if (storm->faulty)
			break;
		before = *holds;
		ret = unload_module("shmdev");
		after = *holds;
		for (i = 0; i < ARRAY_SIZE(users); i++)
			held |= before.mapping[i] % 2 &&
				before.mapping[i] == after.mapping[i];
		mapped += held;
		if (ret) {
			ASSERT_TRUE(errno == EBUSY || errno == EWOULDBLOCK)
				TH_LOG("%s", strerror(errno));
			busy++;
			continue;
		}
		ASSERT_FALSE(held);
		gone++;
		ASSERT_EQ(0, load_module("shmdev", self->saved.parameters))
			TH_LOG("%s", strerror(errno));
	}
	storm_end(_metadata, storm);
	TH_LOG("gone %u times, busy %u, %u of them for a mapping", gone, busy,
	       mapped);
}

/* parameters: half of the memory for all segments, a quarter for one user's */
TEST_F(unload, limits_are_parts_of_the_memory_by_default)
{
	char text[4096], *line;
	long long kilobytes;

	if (self->reason)
		SKIP(return, "%s", self->reason);
	ASSERT_EQ(0, unload_module("shmdev"));
	ASSERT_EQ(0, load_module("shmdev", ""));
	ASSERT_LT(0, read_file("/proc/meminfo", text, sizeof(text)));
	line = strstr(text, "MemTotal:");
	ASSERT_NE(NULL, line);
	kilobytes = atoll(line + strlen("MemTotal:"));
	ASSERT_LT(0, read_file(PARAMETERS "max_bytes", text, sizeof(text)));
	EXPECT_EQ(kilobytes * 512, atoll(text));
	ASSERT_LT(0, read_file(PARAMETERS "max_user_bytes", text,
			       sizeof(text)));
	EXPECT_EQ(kilobytes * 256, atoll(text));
	EXPECT_EQ(0, unload_module("shmdev"));
}

static dev_t filesystem(void)
{
	int door = open_door(), segment = create_anonymous(door, page_bytes());
	struct stat about = {};

	fstat(segment, &about);
	close(segment);
	close(door);
	return about.st_dev;
}

/* parameter size: one that cannot be is refused, and nothing is left of it */
TEST_F(unload, load_that_fails_leaves_no_file_system)
{
	dev_t before;
	int round;

	if (self->reason)
		SKIP(return, "%s", self->reason);
	/* The kernel gives the lowest number that is free. */
	ASSERT_EQ(0, unload_module("shmdev"));
	ASSERT_EQ(0, load_module("shmdev", ""));
	before = filesystem();
	ASSERT_EQ(0, unload_module("shmdev"));
	for (round = 0; round < 3; round++)
		EXPECT_ERRNO(EINVAL, load_module("shmdev", "size=5000"));
	EXPECT_ERRNO(EINVAL, load_module("shmdev", "size=0"));
	ASSERT_EQ(0, load_module("shmdev", ""));
	EXPECT_EQ(before, filesystem());
	EXPECT_EQ(0, unload_module("shmdev"));
}

TEST_HARNESS_MAIN
