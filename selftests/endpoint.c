// SPDX-License-Identifier: GPL-2.0
/*
 * Endpoints of other modules, and what is left of a segment when its endpoint
 * goes: with "sum" of driver/samples/shmdev_sum.c, which adds two words, and
 * "probe" of shmdev_probe.c, which takes its time.
 */
#include "module.h"
#include "storm.h"

#define SAMPLE	"shmdev_sum"
#define PROBE	"shmdev_probe"

FIXTURE(endpoint) {
	int door;
	int fd;
	__u32 *word;
	bool there;
};

FIXTURE_SETUP(endpoint)
{
	self->door = open_door();
	ASSERT_LE(0, self->door);
	self->there = module_is_there(SAMPLE);
	if (!self->there)
		return;
	unload_module(SAMPLE);
	ASSERT_EQ(0, load_module(SAMPLE, "")) TH_LOG("%s", strerror(errno));
	self->fd = create(self->door, NULL, page_bytes(), 0600, 0, "sum");
	ASSERT_LE(0, self->fd);
	self->word = map(self->fd, page_bytes(), PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->word);
}

FIXTURE_TEARDOWN(endpoint)
{
	if (self->there) {
		munmap(self->word, page_bytes());
		close(self->fd);
		unload_module(SAMPLE);
	}
	close(self->door);
}

#define SKIP_WITHOUT_SAMPLE() do {					\
	if (!self->there)						\
		SKIP(return, SAMPLE ".ko is not in /lib/modules");	\
} while (0)

/* CREATE @endpoint: any that a module has registered */
TEST_F(endpoint, of_another_module_answers)
{
	SKIP_WITHOUT_SAMPLE();
	self->word[0] = 19;
	self->word[1] = 23;
	EXPECT_EQ(0, kick(self->fd));
	EXPECT_EQ(42, self->word[2]);
	EXPECT_FALSE(has_shut_down(self->fd));
}

/* "errors", ESHUTDOWN: the endpoint has gone; the memory stays */
TEST_F(endpoint, that_has_gone_is_eshutdown)
{
	SKIP_WITHOUT_SAMPLE();
	self->word[0] = 5;
	self->word[1] = 6;
	EXPECT_EQ(0, kick(self->fd));
	ASSERT_EQ(0, unload_module(SAMPLE)) TH_LOG("%s", strerror(errno));
	EXPECT_TRUE(has_shut_down(self->fd));
	EXPECT_ERRNO(ESHUTDOWN, kick(self->fd));
	EXPECT_EQ(5, self->word[0]);
	EXPECT_EQ(11, self->word[2]);
	EXPECT_EQ(0, touch_write(self->word));
	EXPECT_ERRNO(ENOPROTOOPT, create(self->door, NULL, page_bytes(), 0600,
					 0, "sum"));
}

/* INFO, F_SHUTDOWN: an endpoint that comes back serves new segments only */
TEST_F(endpoint, that_comes_back_serves_new_segments_only)
{
	__u32 words[3] = { 1, 2, 0 };
	int fresh;

	SKIP_WITHOUT_SAMPLE();
	ASSERT_EQ(0, unload_module(SAMPLE));
	ASSERT_EQ(0, load_module(SAMPLE, ""));
	EXPECT_ERRNO(ESHUTDOWN, kick(self->fd));
	EXPECT_TRUE(has_shut_down(self->fd));
	fresh = create(self->door, NULL, page_bytes(), 0600, 0, "sum");
	ASSERT_LE(0, fresh);
	EXPECT_EQ(sizeof(words), pwrite(fresh, words, sizeof(words), 0));
	EXPECT_EQ(0, kick(fresh));
	EXPECT_EQ(sizeof(words), pread(fresh, words, sizeof(words), 0));
	EXPECT_EQ(3, words[2]);
	EXPECT_FALSE(has_shut_down(fresh));
	close(fresh);
}

struct kicker {
	int fd;
	unsigned int answered, shut_down, other;
};

static void *kick_until_it_has_gone(void *arg)
{
	struct kicker *kicker = arg;

	while (kicker->shut_down < 10 && !kicker->other) {
		if (!kick(kicker->fd))
			__atomic_fetch_add(&kicker->answered, 1,
					   __ATOMIC_RELAXED);
		else if (errno == ESHUTDOWN)
			kicker->shut_down++;
		else
			kicker->other = errno;
	}
	return NULL;
}

/* "errors", ESHUTDOWN: from one kick to the next, and for good */
TEST_F(endpoint, goes_between_two_kicks)
{
	struct kicker kicker = { .fd = self->fd };
	pthread_t thread;

	SKIP_WITHOUT_SAMPLE();
	ASSERT_EQ(0, pthread_create(&thread, NULL, kick_until_it_has_gone,
				    &kicker));
	while (__atomic_load_n(&kicker.answered, __ATOMIC_RELAXED) < 100)
		usleep(100);
	EXPECT_EQ(0, unload_module(SAMPLE));
	pthread_join(thread, NULL);
	EXPECT_EQ(10, kicker.shut_down);
	EXPECT_EQ(0, kicker.other) TH_LOG("%s", strerror(kicker.other));
}

/* "the device": a module that uses the driver keeps it in place */
TEST_F(endpoint, module_holds_the_driver)
{
	SKIP_WITHOUT_SAMPLE();
	EXPECT_EQ(-1, unload_module("shmdev"));
	EXPECT_TRUE(errno == EWOULDBLOCK || errno == EBUSY);
}

/* With "sum" while it is there, or with one that is always there. */
static void makes_segments(struct worker *self)
{
	FIXTURE_DATA(endpoint) *endpoint = self->with;

	while (next_round(self)) {
		bool hello = !dice(self, 4);
		int fd = create(endpoint->door, NULL, page_bytes(), 0600, 0,
				hello ? "hello" : "sum");

		if (fd < 0) {
			STORM_CHECK(self->storm,
				    !hello && errno == ENOPROTOOPT);
			continue;
		}
		while (dice(self, 4)) {
			if (!kick(fd)) {
				STORM_CHECK(self->storm,
					    hello || !has_shut_down(fd) ||
					    kick(fd));
				continue;
			}
			STORM_CHECK(self->storm, !hello && errno == ESHUTDOWN);
			STORM_CHECK(self->storm, has_shut_down(fd));
		}
		close(fd);
	}
}

/*
 * "errors", ENOPROTOOPT, ESHUTDOWN: no segment, whatever happens to it, keeps
 * an endpoint from going, or meets it afterwards
 */
TEST_F_TIMEOUT(endpoint, comes_and_goes_amid_segments, STORM_TIMEOUT)
{
	struct storm *storm;
	unsigned int rounds;

	SKIP_WITHOUT_SAMPLE();
	storm = storm_begin(2000);
	storm_thread(storm, makes_segments, self);
	storm_process(storm, makes_segments, self);
	storm_process(storm, makes_segments, self);
	for (rounds = 0; storm_goes_on(storm); rounds++) {
		ASSERT_EQ(0, unload_module(SAMPLE)) TH_LOG("%s", strerror(errno));
		ASSERT_EQ(0, load_module(SAMPLE, ""));
	}
	storm_end(_metadata, storm);
	TH_LOG("unloaded %u times", rounds);
}

/*
 * Opens descriptors until the table of them is full. The next one makes the
 * kernel look for a bigger table and, in a process with several threads, wait
 * until no other thread uses the old one: a long moment in the middle of
 * CREATE, after the endpoint was attached and before anybody knows of it.
 */
static void fill_descriptors(void)
{
	while (dup(0) < 63)
		;
}

static void *waits(void *unused)
{
	pause();
	return unused;
}

/* CREATE: an endpoint that goes in the middle has gone at the first kick */
TEST_F(endpoint, goes_while_a_segment_is_made)
{
	int *begun = shared_memory(sizeof(*begun));
	int round, hits = 0;

	SKIP_WITHOUT_SAMPLE();
	for (round = 0; round < 40 && hits < 3; round++) {
		pid_t pid;
		int status;

		*begun = 0;
		pid = fork_child();
		if (!pid) {
			pthread_t thread;
			int fd;

			CHILD_CHECK(!pthread_create(&thread, NULL, waits,
						    NULL));
			fill_descriptors();
			__atomic_store_n(begun, 1, __ATOMIC_SEQ_CST);
			fd = create(self->door, NULL, page_bytes(), 0600, 0,
				    "sum");
			if (fd < 0) {
				CHILD_CHECK(errno == ENOPROTOOPT);
				_exit(2);
			}
			if (!kick(fd))
				_exit(3);
			CHILD_CHECK(errno == ESHUTDOWN);
			CHILD_CHECK(has_shut_down(fd));
			_exit(0);
		}
		while (!__atomic_load_n(begun, __ATOMIC_SEQ_CST))
			sched_yield();
		usleep(round % 8 * 500);
		ASSERT_EQ(0, unload_module(SAMPLE));
		status = reap(pid);
		EXPECT_NE(1, status);
		EXPECT_GT(128, status);
		hits += !status;
		ASSERT_EQ(0, load_module(SAMPLE, ""));
	}
	TH_LOG("%d of %d went in the middle", hits, round);
	EXPECT_LT(0, hits);
}

/* shmdev_endpoint_register(): a name that is good, and not taken */
TEST(endpoint_with_a_bad_name_is_refused)
{
	static const struct {
		const char *parameters;
		int error;
	} cases[] = {
		{ "name=hello", EEXIST },
		{ "name=", EINVAL },
		{ "name=a/b", EINVAL },
		{ "name=..", EINVAL },
		{ "name=as-long-as-a-name-must-not-be-00", EINVAL },
	};
	size_t i;

	if (!module_is_there(PROBE))
		SKIP(return, PROBE ".ko is not in /lib/modules");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_EQ(-1, load_module(PROBE, cases[i].parameters));
		/* Newer kernels keep EEXIST for modules that are there. */
		EXPECT_TRUE(errno == cases[i].error ||
			    (errno == EBUSY && cases[i].error == EEXIST))
			TH_LOG("%s: %s", cases[i].parameters, strerror(errno));
	}
}

FIXTURE(probe) {
	int door;
	bool there;
};

FIXTURE_SETUP(probe)
{
	self->door = open_door();
	ASSERT_LE(0, self->door);
	self->there = module_is_there(PROBE);
	if (!self->there)
		return;
	unload_module(PROBE);
	ASSERT_EQ(0, load_module(PROBE, "")) TH_LOG("%s", strerror(errno));
}

FIXTURE_TEARDOWN(probe)
{
	if (self->there)
		unload_module(PROBE);
	close(self->door);
}

#define SKIP_WITHOUT_PROBE() do {					\
	if (!self->there)						\
		SKIP(return, PROBE ".ko is not in /lib/modules");	\
} while (0)

/* shmdev_segment_isolate(): "keep processes from writing some pages" */
TEST_F(probe, isolates_pages_for_itself)
{
	size_t page = page_bytes();
	struct shmdev_info about;
	int fd;

	SKIP_WITHOUT_PROBE();
	unload_module(PROBE);
	ASSERT_EQ(0, load_module(PROBE, "isolated=2"));
	/* What attach refuses is undone. */
	EXPECT_ERRNO(ENXIO, create(self->door, NULL, page, 0600, 0, "probe"));
	fd = create(self->door, NULL, 3 * page, 0600, 0, "probe");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, info(fd, &about));
	EXPECT_TRUE(about.flags & SHMDEV_INFO_F_ISOLATED);
	EXPECT_ERRNO(EACCES, map(fd, page, PROT_READ | PROT_WRITE));
	EXPECT_ERRNO(EACCES, mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
				  MAP_SHARED, fd, page));
	EXPECT_ERRNO(EPERM, pwrite(fd, "evil", 4, 2 * page));
	EXPECT_ERRNO(EEXIST, isolate(fd, page, 2 * page, 0));
	EXPECT_EQ(0, isolate(fd, 2 * page, page, SHMDEV_ISOLATE_F_CLAIMABLE));
	EXPECT_EQ(0, kick(fd));
	close(fd);
}

/* Unregistering waits for a detach under way, of a segment that has ended */
TEST_F(probe, goes_while_a_segment_ends)
{
	const __u32 nap = 300;
	__u64 begin;
	pid_t pid;
	int fd;

	SKIP_WITHOUT_PROBE();
	fd = create(self->door, NULL, page_bytes(), 0600, 0, "probe");
	ASSERT_LE(0, fd);
	ASSERT_EQ(sizeof(nap), pwrite(fd, &nap, sizeof(nap), 0));
	pid = fork_child();
	if (!pid)
		pause();
	close(fd);
	begin = milliseconds();
	/* The child's is the last file: it sleeps in detach. */
	ASSERT_EQ(0, kill(pid, SIGKILL));
	usleep(50000);
	EXPECT_EQ(0, unload_module(PROBE)) TH_LOG("%s", strerror(errno));
	EXPECT_LE(begin + nap, milliseconds());
	EXPECT_EQ(128 + SIGKILL, reap(pid));
}

/*
 * OPEN, LIST, REMOVE, CREATE: a segment whose last file has gone is found by
 * nobody, and its name is free, however long its end takes
 */
TEST_F(probe, has_time_while_nobody_finds_the_segment)
{
	const __u32 nap = 1000;
	char name[SHMDEV_NAME_SIZE];
	int fd, path, fresh;
	__u64 id, begin;
	pid_t pid;

	SKIP_WITHOUT_PROBE();
	make_name(name, "ending");
	fd = create(self->door, name, page_bytes(), 0600, 0, "probe");
	ASSERT_LE(0, fd);
	ASSERT_EQ(sizeof(nap), pwrite(fd, &nap, sizeof(nap), 0));
	id = id_of(fd);
	path = reopen(fd, O_PATH);
	pid = fork_child();
	if (!pid)
		pause();
	close(fd);
	begin = milliseconds();
	ASSERT_EQ(0, kill(pid, SIGKILL));
	usleep(100000);
	EXPECT_ERRNO(ENOENT, open_named(self->door, name, O_RDWR));
	EXPECT_ERRNO(ENXIO, reopen(path, O_RDWR));
	EXPECT_FALSE(listed(self->door, SHMDEV_LIST_F_EVERYWHERE, id, NULL));
	EXPECT_ERRNO(ENOENT, remove_named(self->door, name));
	EXPECT_ERRNO(ENOENT, remove_id(self->door, id));
	fresh = create_named(self->door, name, page_bytes());
	EXPECT_LE(0, fresh);
	/* It was about the end, not about what was after it. */
	EXPECT_GT(begin + nap, milliseconds());
	EXPECT_EQ(128 + SIGKILL, reap(pid));
	EXPECT_LE(begin + nap, milliseconds());
	fd = open_named(self->door, name, O_RDWR);
	EXPECT_EQ(id_of(fresh), id_of(fd));
	close(fd);
	close(fresh);
	close(path);
}

/* Unregistering waits for a kick under way */
TEST_F(probe, goes_after_the_kick_that_it_answers)
{
	const int nap = 300;
	__u64 begin;
	pid_t pid;
	int fd;

	SKIP_WITHOUT_PROBE();
	fd = create(self->door, NULL, page_bytes(), 0600, 0, "probe");
	ASSERT_LE(0, fd);
	begin = milliseconds();
	pid = fork_child();
	if (!pid)
		_exit(kick_with(fd, nap));
	usleep(50000);
	EXPECT_EQ(0, unload_module(PROBE)) TH_LOG("%s", strerror(errno));
	EXPECT_LE(begin + nap, milliseconds());
	EXPECT_EQ(0, reap(pid));
	EXPECT_ERRNO(ESHUTDOWN, kick_with(fd, nap));
	close(fd);
}

/* KICK: those of one segment are served one at a time, others meanwhile */
TEST_F(probe, that_sleeps_holds_up_its_segment_only)
{
	int fds[3];
	pid_t pid;
	int i;

	SKIP_WITHOUT_PROBE();
	for (i = 0; i < 3; i++) {
		fds[i] = create(self->door, NULL, page_bytes(), 0600, 0,
				i < 2 ? "probe" : "hello");
		ASSERT_LE(0, fds[i]);
	}
	pid = fork_child();
	if (!pid)
		_exit(kick_with(fds[0], 60000));
	usleep(50000);
	for (i = 0; i < 3; i++) {
		pid_t other = fork_child();

		if (!other)
			_exit(kick(fds[i]) < 0);
		EXPECT_EQ(i ? 0 : -1, reap_within(other, i ? 2000 : 200));
	}
	i = create(self->door, NULL, page_bytes(), 0600, 0, "probe");
	EXPECT_LE(0, i);
	close(i);
	EXPECT_LE(0, kill_and_reap(pid));
	for (i = 0; i < 3; i++)
		close(fds[i]);
}

TEST_HARNESS_MAIN
