// SPDX-License-Identifier: GPL-2.0
/* That no wake-up is ever lost, however many there are. */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>

#include "storm.h"

#define PATIENCE	20000	/* milliseconds, never needed */
#define LOOKS		100	/* of the watchdog, 10 ms apart: a second */

/*
 * Members of a ring pass a turn on: whoever's it is makes the number that of
 * the next, says so and goes to sleep. Once a wake-up is lost, all sleep on.
 */
struct ring {
	__u32 *number;
	__u32 members;
	__u32 wakes;
	void (*sleep)(struct worker *self, __u32 number);
};

struct member {
	const struct ring *ring;
	__u32 place;
	int file;	/* its own: each has to look for itself */
	int set;
	pid_t tid;
	unsigned long slept;
};

static bool is_over(const struct storm *storm)
{
	return __atomic_load_n(&storm->over, __ATOMIC_SEQ_CST);
}

/* Whether there is reason to: it is not over, and another's turn. */
static bool begin_to_sleep(struct worker *self, __u32 *number)
{
	const struct member *member = self->with;
	const struct ring *ring = member->ring;

	/* What is made known from here on ends the sleep, so the look is first. */
	if (!ring->wakes)
		look(member->file);
	*number = __atomic_load_n(ring->number, __ATOMIC_SEQ_CST);
	return *number % ring->members != member->place &&
	       !is_over(self->storm);
}

static void sleep_in_wait(struct worker *self, __u32 number)
{
	const struct member *member = self->with;

	if (wait_word(member->file, 0, number, PATIENCE * NSEC_PER_MSEC))
		STORM_CHECK(self->storm, errno == EAGAIN);
}

static void sleep_in_poll(struct worker *self, __u32 number)
{
	const struct member *member = self->with;

	STORM_CHECK(self->storm, readable(member->file, PATIENCE));
}

static void sleep_in_select(struct worker *self, __u32 number)
{
	const struct member *member = self->with;
	struct timeval timeout = { .tv_sec = PATIENCE / 1000 };
	fd_set files;

	FD_ZERO(&files);
	FD_SET(member->file, &files);
	STORM_CHECK(self->storm, select(member->file + 1, &files, NULL, NULL,
					&timeout) == 1);
}

static void sleep_in_epoll(struct worker *self, __u32 number)
{
	const struct member *member = self->with;
	struct epoll_event event;

	STORM_CHECK(self->storm,
		    epoll_wait(member->set, &event, 1, PATIENCE) == 1);
}

/* How often the kernel took the processor from it because it slept. */
static unsigned long times_slept(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nvcsw;
}

/* From a moment to about what a system call takes, each magnitude as likely. */
static void dawdle(struct worker *self)
{
	volatile unsigned int steps = dice(self, 1 << dice(self, 12));

	while (steps)
		steps--;
}

/*
 * Most of the time all but sleep: a member waits, awake, until the next is about
 * to wake it, so that both are on their way into the driver at once.
 */
static void meet(struct worker *self, __u32 number)
{
	const struct member *member = self->with;
	const __u32 *coming = &member->ring->number[1];
	unsigned int looks = 20000;

	if (number / 64 % 4 == 0)
		return;
	while (looks-- && !is_over(self->storm) &&
	       __atomic_load_n(coming, __ATOMIC_RELAXED) <= number)
		;
	dawdle(self);
}

/* Interrupts now and then, so that a processor is late wherever it is. */
static void interrupts(struct worker *self)
{
	prctl(PR_SET_TIMERSLACK, 1);
	while (!is_over(self->storm)) {
		self->rounds++;
		usleep(100);
	}
}

static void passes_the_turn_on(struct worker *self)
{
	struct member *member = self->with;
	const struct ring *ring = member->ring;
	unsigned long before = times_slept();
	__u32 number;

	__atomic_store_n(&member->tid, gettid(), __ATOMIC_RELEASE);
	while (!is_over(self->storm)) {
		while (begin_to_sleep(self, &number)) {
			ring->sleep(self, number);
			__atomic_store_n(&member->slept, times_slept() - before,
					 __ATOMIC_RELAXED);
		}
		self->rounds++;
		__atomic_store_n(&ring->number[1], number + 1,
				 __ATOMIC_RELAXED);
		dawdle(self);
		if (number % ring->members == member->place)
			__atomic_fetch_add(ring->number, 1, __ATOMIC_SEQ_CST);
		STORM_CHECK(self->storm,
			    wake_word(member->file, 0, ring->wakes) >= 0);
		meet(self, number + 1);
	}
}

static bool is_asleep(const struct member *member)
{
	char path[40], text[400], *state;
	pid_t tid = __atomic_load_n(&member->tid, __ATOMIC_ACQUIRE);

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	if (!tid || read_file(path, text, sizeof(text)) <= 0)
		return false;
	state = strrchr(text, ')');
	return state && state[2] == 'S';
}

FIXTURE(wakeups) {
	int door;
	int segment;
	struct ring ring;
	struct member *members;
};

FIXTURE_VARIANT(wakeups) {
	void (*sleep)(struct worker *self, __u32 number);
	__u32 members;
	__u32 wakes;
	__u32 events;	/* of epoll */
	unsigned long sleeps;
};

FIXTURE_VARIANT_ADD(wakeups, of_one_that_waits) {
	sleep_in_wait, 2, 1, 0, 2500
};

FIXTURE_VARIANT_ADD(wakeups, of_all_that_wait) {
	sleep_in_wait, 5, SHMDEV_WAKE_ALL, 0, 5000
};

FIXTURE_VARIANT_ADD(wakeups, of_poll) { sleep_in_poll, 2, 0, 0, 2500 };
FIXTURE_VARIANT_ADD(wakeups, of_select) { sleep_in_select, 3, 0, 0, 2500 };

FIXTURE_VARIANT_ADD(wakeups, of_epoll) {
	sleep_in_epoll, 2, 0, EPOLLIN, 1250
};

FIXTURE_VARIANT_ADD(wakeups, of_edge_triggered_epoll) {
	sleep_in_epoll, 3, 0, EPOLLIN | EPOLLET, 1250
};

FIXTURE_SETUP(wakeups)
{
	__u32 i;

	self->door = open_door();
	ASSERT_LE(0, self->door);
	self->segment = create_anonymous(self->door, page_bytes());
	ASSERT_LE(0, self->segment);
	self->ring = (struct ring){
		.number = map(self->segment, page_bytes(),
			      PROT_READ | PROT_WRITE),
		.members = variant->members,
		.wakes = variant->wakes,
		.sleep = variant->sleep,
	};
	ASSERT_NE(MAP_FAILED, self->ring.number);
	self->members = shared_memory(variant->members *
				      sizeof(*self->members));
	ASSERT_NE(MAP_FAILED, self->members);
	for (i = 0; i < variant->members; i++) {
		struct epoll_event event = { .events = variant->events };
		struct member *member = &self->members[i];

		*member = (struct member){
			.ring = &self->ring,
			.place = i,
			.file = reopen(self->segment, O_RDWR),
			.set = epoll_create1(EPOLL_CLOEXEC),
		};
		ASSERT_EQ(0, epoll_ctl(member->set, EPOLL_CTL_ADD,
				       member->file, &event));
	}
}

FIXTURE_TEARDOWN(wakeups)
{
	__u32 i;

	for (i = 0; i < variant->members; i++) {
		close(self->members[i].set);
		close(self->members[i].file);
	}
	munmap(self->members, variant->members * sizeof(*self->members));
	munmap(self->ring.number, page_bytes());
	close(self->segment);
	close(self->door);
}

/*
 * Until they have slept so often. That a wake-up is late, as on a machine that
 * stands still, does not count: somebody is not asleep then.
 */
static unsigned long watch(struct storm *storm, const struct ring *ring,
			   const struct member *members, unsigned long enough)
{
	unsigned long slept = 0;
	__u32 number, last = 0, looks = 0, asleep, i;

	while (slept < enough && !is_over(storm)) {
		usleep(10000);
		slept = 0;
		asleep = 0;
		for (i = 0; i < ring->members; i++) {
			asleep += is_asleep(&members[i]);
			slept += __atomic_load_n(&members[i].slept,
						 __ATOMIC_RELAXED);
		}
		number = __atomic_load_n(ring->number, __ATOMIC_SEQ_CST);
		looks = asleep == ring->members && number == last ? looks + 1 :
								    0;
		last = number;
		if (looks > LOOKS)
			storm_fault(storm, __LINE__, "a wake-up is lost");
	}
	return slept;
}

/*
 * WAIT, LOOK: no wake-up is lost between looking and going to sleep. A soak is
 * more than 10^6 sleeps in WAIT and 10^6 for a file, watched for a second each.
 */
TEST_F_TIMEOUT(wakeups, none_is_lost, STORM_TIMEOUT)
{
	const unsigned long enough = variant->sleeps * soak_factor();
	struct storm *storm = storm_begin(100000);	/* at most */
	unsigned long slept;
	__u32 i;

	for (i = 0; i < variant->members; i++)
		if (i % 2)
			storm_thread(storm, passes_the_turn_on,
				     &self->members[i]);
		else
			storm_process(storm, passes_the_turn_on,
				      &self->members[i]);
	storm_process(storm, interrupts, NULL);
	storm_process(storm, interrupts, NULL);
	slept = watch(storm, &self->ring, self->members, enough);
	__atomic_store_n(&storm->over, true, __ATOMIC_SEQ_CST);
	/* Nobody stays asleep who has not seen yet that it is over. */
	__atomic_fetch_add(self->ring.number, variant->members,
			   __ATOMIC_SEQ_CST);
	EXPECT_LE(0, wake_word(self->segment, 0, SHMDEV_WAKE_ALL));
	TH_LOG("%lu sleeps", slept);
	EXPECT_LE(enough, slept);
	storm_end(_metadata, storm);
}

TEST_HARNESS_MAIN
