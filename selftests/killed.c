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
	struct state before;
};

FIXTURE_VARIANT(killed) {
	/* Does not come back by itself. */
	void (*waits)(int door, int segment);
	bool with_probe;
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

FIXTURE_VARIANT_ADD(killed, in_poll) { waits_in_poll, false };
FIXTURE_VARIANT_ADD(killed, in_epoll) { waits_in_epoll, false };
FIXTURE_VARIANT_ADD(killed, in_poll_of_the_door) {
	waits_in_poll_of_the_door, false };
FIXTURE_VARIANT_ADD(killed, getting_memory) { waits_for_memory, false };
FIXTURE_VARIANT_ADD(killed, getting_memory_for_an_endpoint) {
	waits_for_memory_of_an_endpoint, false };
FIXTURE_VARIANT_ADD(killed, in_a_kick) { waits_for_the_endpoint, true };
FIXTURE_VARIANT_ADD(killed, behind_a_kick) { waits_for_another_kick, true };

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
	self->before = take_state(self->door);
}

FIXTURE_TEARDOWN(killed)
{
	if (variant->with_probe)
		unload_module(PROBE);
	close(self->segment);
	close(self->door);
}

/* KICK, CREATE, poll(): SIGKILL ends each wait, and nothing is left of it */
TEST_F_TIMEOUT(killed, ends_within_a_second, STORM_TIMEOUT)
{
	const __u64 end = milliseconds() + 700 * soak_factor();
	int elapsed, longest = 0, rounds = 0;
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
		longest = elapsed > longest ? elapsed : longest;
		rounds++;
	} while (milliseconds() < end);
	EXPECT_GE(1000, longest);
	TH_LOG("%d rounds, %d ms at most", rounds, longest);
	/* Kicks that were begun are counted. */
	if (variant->with_probe)
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
