// SPDX-License-Identifier: GPL-2.0
/*
 * SIGKILL ends whoever waits for something of a segment within a second. (Who
 * is frozen in a copy is in frozen.c.)
 */
#include <sys/epoll.h>

#include "module.h"
#include "storm.h"

#define PROBE	"shmdev_probe"
#define LONG	60000

FIXTURE(killed) {
	int door;
	int segment;
	__u32 peers[2];		/* of the one and of the other */
	struct state before;
};

FIXTURE_VARIANT(killed) {
	/* Does not come back by itself. */
	void (*waits)(int door, int segment);
	bool with_probe;
	bool as_peer;
};

/* Never readable: nobody kicks it. */
static void waits_in_poll(int door, int segment)
{
	struct pollfd file = { .fd = segment, .events = POLLIN };

	poll(&file, 1, -1);
}

static void waits_in_epoll(int door, int segment)
{
	struct epoll_event event = { .events = EPOLLIN };
	int set = epoll_create1(0);

	CHILD_CHECK(!epoll_ctl(set, EPOLL_CTL_ADD, segment, &event));
	epoll_wait(set, &event, 1, -1);
}

static void waits_in_poll_of_the_door(int door, int segment)
{
	struct pollfd file = { .fd = open_door(), .events = POLLIN };

	poll(&file, 1, -1);
}

/* Most of the time is spent on getting memory, and on giving it back. */
static void waits_for_memory(int door, int segment)
{
	for (;;)
		close(create_anonymous(door, 64 * MIB));
}

static void waits_for_memory_of_an_endpoint(int door, int segment)
{
	for (;;)
		close(create(door, NULL, 64 * MIB, 0600, 0, "hello"));
}

static void waits_for_the_endpoint(int door, int segment)
{
	kick_with(segment, LONG);
}

/* The first that is served has the other wait for its turn. */
static void waits_for_another_kick(int door, int segment)
{
	if (fork())
		usleep(20000);
	else
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	kick_with(segment, LONG);
}

/* On the last word, which holds what is expected. */
static void sleep_on(int fd, __u64 timeout)
{
	__u64 at = bytes_of(fd) - sizeof(__u32);
	__u32 word;

	CHILD_CHECK(pread(fd, &word, sizeof(word), at) == sizeof(word));
	wait_word(fd, at, word, timeout);
}

static void waits_for_a_word(int door, int segment)
{
	sleep_on(segment, SHMDEV_WAIT_FOREVER);
}

static void waits_for_a_word_of_the_door(int door, int segment)
{
	sleep_on(door, SHMDEV_WAIT_FOREVER);
}

static void waits_for_a_word_for_a_time(int door, int segment)
{
	sleep_on(segment, LONG * NSEC_PER_MSEC);
}

static void waits_for_a_word_until_a_time(int door, int segment)
{
	struct shmdev_wait arg = {
		.size = sizeof(arg),
		.flags = SHMDEV_WAIT_F_ABSOLUTE,
		.offset = page_bytes() - sizeof(__u32),
		.timeout = (milliseconds() + LONG) * NSEC_PER_MSEC,
	};

	ioctl(segment, SHMDEV_IOC_WAIT, &arg);
}

/* A peer of both; its own end does not wake it to anything. */
static void waits_as_a_peer(int door, int segment)
{
	CHILD_CHECK(!join(door, "killed", NULL));
	CHILD_CHECK(!join(segment, "killed", NULL));
	sleep_on(segment, SHMDEV_WAIT_FOREVER);
}

/* Each of the threads waits, and the end of one is that of all. */
static void *thread_that_waits(void *segment)
{
	sleep_on((long)segment, SHMDEV_WAIT_FOREVER);
	return NULL;
}

static void waits_in_threads(int door, int segment)
{
	pthread_t thread;
	int i;

	CHILD_CHECK(!join(segment, "killed", NULL));
	for (i = 0; i < 4; i++)
		CHILD_CHECK(!pthread_create(&thread, NULL, thread_that_waits,
					    (void *)(long)segment));
	sleep_on(door, SHMDEV_WAIT_FOREVER);
}

FIXTURE_VARIANT_ADD(killed, in_poll) { .waits = waits_in_poll };
FIXTURE_VARIANT_ADD(killed, in_epoll) { .waits = waits_in_epoll };
FIXTURE_VARIANT_ADD(killed, in_poll_of_the_door) {
	.waits = waits_in_poll_of_the_door };
FIXTURE_VARIANT_ADD(killed, getting_memory) { .waits = waits_for_memory };
FIXTURE_VARIANT_ADD(killed, getting_memory_for_an_endpoint) {
	.waits = waits_for_memory_of_an_endpoint };
FIXTURE_VARIANT_ADD(killed, in_a_wait) { .waits = waits_for_a_word };
FIXTURE_VARIANT_ADD(killed, in_a_wait_of_the_door) {
	.waits = waits_for_a_word_of_the_door };
FIXTURE_VARIANT_ADD(killed, in_a_wait_for_a_time) {
	.waits = waits_for_a_word_for_a_time };
FIXTURE_VARIANT_ADD(killed, in_a_wait_until_a_time) {
	.waits = waits_for_a_word_until_a_time };
FIXTURE_VARIANT_ADD(killed, in_a_wait_as_a_peer) {
	.waits = waits_as_a_peer, .as_peer = true };
FIXTURE_VARIANT_ADD(killed, in_a_wait_of_each_thread) {
	.waits = waits_in_threads, .as_peer = true };
FIXTURE_VARIANT_ADD(killed, in_a_kick) {
	.waits = waits_for_the_endpoint, .with_probe = true };
FIXTURE_VARIANT_ADD(killed, behind_a_kick) {
	.waits = waits_for_another_kick, .with_probe = true };

FIXTURE_SETUP(killed)
{
	bool ready = !variant->with_probe || module_is_there(PROBE);

	self->segment = -1;
	self->door = open_door();
	ASSERT_LE(0, self->door);
	if (!ready)
		return;
	if (variant->with_probe) {
		unload_module(PROBE);
		ASSERT_EQ(0, load_module(PROBE, ""));
	}
	self->segment = create(self->door, NULL, page_bytes(), 0600, 0,
			       variant->with_probe ? "probe" : "hello");
	ASSERT_LE(0, self->segment);
	self->peers[0] = peers_of(self->door);
	self->peers[1] = peers_of(self->segment);
	self->before = take_state(self->door);
}

FIXTURE_TEARDOWN(killed)
{
	if (variant->with_probe)
		unload_module(PROBE);
	close(self->segment);
	close(self->door);
}

/* KICK, CREATE, WAIT, poll(): SIGKILL ends each wait, and nothing is left of it */
TEST_F_TIMEOUT(killed, ends_within_a_second, STORM_TIMEOUT)
{
	const __u64 end = milliseconds() + 700 * soak_factor();
	int elapsed, longest = 0, late = 0, rounds = 0;
	unsigned int seed = 1;

	if (self->segment < 0)
		SKIP(return, PROBE ".ko is not in /lib/modules");
	do {
		pid_t pid = fork_child();

		if (!pid) {
			variant->waits(self->door, self->segment);
			CHILD_CHECK(!"it did not wait");
		}
		usleep(1000 + rand_r(&seed) % 100000);
		elapsed = kill_and_reap(pid);
		ASSERT_LE(0, elapsed);
		/* "All are known at once" */
		EXPECT_EQ(self->peers[0], peers_of(self->door));
		EXPECT_EQ(self->peers[1], peers_of(self->segment));
		longest = elapsed > longest ? elapsed : longest;
		late += elapsed > 1000;
		rounds++;
	} while (milliseconds() < end || rounds < 3);
	/* A machine that stands still does so now and then, not mostly. */
	EXPECT_GE(rounds / 2, late);
	TH_LOG("%d rounds, %d ms at most", rounds, longest);
	/* Kicks that were begun are counted, and so are those who joined. */
	if (variant->with_probe || variant->as_peer)
		self->before.digest = take_state(self->door).digest;
	expect_unchanged_soon(_metadata, self->door, &self->before);
}

/*
 * CREATE: an endpoint that goes, which waits for its kicks, has segments of
 * other endpoints wait too; SIGKILL ends that
 */
TEST(creator_behind_an_endpoint_that_goes_ends_within_a_second)
{
	int door = open_door(), segment, elapsed;
	pid_t kicker, unloader, creator;

	if (!module_is_there(PROBE))
		SKIP(return, PROBE ".ko is not in /lib/modules");
	unload_module(PROBE);
	ASSERT_EQ(0, load_module(PROBE, ""));
	segment = create(door, NULL, page_bytes(), 0600, 0, "probe");
	ASSERT_LE(0, segment);
	kicker = fork_child();
	if (!kicker)
		_exit(kick_with(segment, LONG));
	usleep(50000);
	unloader = fork_child();
	if (!unloader)
		_exit(unload_module(PROBE));
	usleep(50000);
	creator = fork_child();
	if (!creator)
		_exit(create(door, NULL, page_bytes(), 0600, 0, "hello") < 0);
	EXPECT_EQ(-1, reap_within(creator, 100));
	elapsed = kill_and_reap(creator);
	EXPECT_LE(0, elapsed);
	EXPECT_GE(1000, elapsed);
	EXPECT_LE(0, kill_and_reap(kicker));
	EXPECT_EQ(0, reap_within(unloader, 5000));
	close(segment);
	close(door);
}

TEST_HARNESS_MAIN
