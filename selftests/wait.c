// SPDX-License-Identifier: GPL-2.0
/* WAIT and WAKE: sleeping until somebody says that a word has changed. */
#include <sched.h>

#include "module.h"
#include "sleeper.h"

#define MANY		40

FIXTURE(wait) {
	struct target target;
	int fd;
	int other;
	__u32 *word;
};

FIXTURE_VARIANT(wait) {
	enum kind kind;
};

FIXTURE_VARIANT_ADD(wait, door) { DOOR };
FIXTURE_VARIANT_ADD(wait, segment) { SEGMENT };

FIXTURE_SETUP(wait)
{
	ASSERT_EQ(0, target_open(&self->target, variant->kind, page_bytes(),
				 NULL));
	self->fd = self->target.fd;
	self->other = reopen(self->fd, O_RDWR);
	ASSERT_LE(0, self->other);
	self->word = map(self->fd, page_bytes(), PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->word);
	memset(self->word, 0, page_bytes());
}

FIXTURE_TEARDOWN(wait)
{
	munmap(self->word, page_bytes());
	close(self->other);
	EXPECT_EQ(0, target_close(&self->target));
}

static __u64 now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000 * MS + time.tv_nsec;
}

/* WAIT: sleeps only if the word holds the expected value */
TEST_F(wait, other_value_is_eagain)
{
	self->word[3] = 7;
	EXPECT_EQ(EAGAIN, waited(self->fd, 12, 8, 0, WAIT_PATIENCE).error);
	EXPECT_EQ(EAGAIN, waited(self->fd, 12, 0, 0, WAIT_PATIENCE).error);
	EXPECT_EQ(ETIMEDOUT, waited(self->fd, 12, 7, 0, 0).error);
}

/* WAKE: those who wait for this word; returns how many it woke */
TEST_F(wait, wake_ends_a_wait)
{
	struct sleeper sleeper;
	int turn = 0;

	EXPECT_EQ(0, wake_word(self->other, 8, 1));
	ASSERT_TRUE(sleeper_start(&sleeper, self->fd, 8, &turn));
	EXPECT_EQ(1, wake_word(self->other, 8, SHMDEV_WAKE_ALL));
	pthread_join(sleeper.thread, NULL);
	EXPECT_EQ(0, sleeper.waited.error);
	EXPECT_EQ(0, wake_word(self->other, 8, SHMDEV_WAKE_ALL));
}

/* WAIT: between processes that share nothing but the segment */
TEST_F(wait, processes_wake_each_other)
{
	pid_t pid = fork_child();
	__u64 end = milliseconds() + 5000;

	if (!pid) {
		int fd = reopen(self->fd, O_RDWR);

		_exit(waited(fd, 0, 0, 0, WAIT_PATIENCE).error);
	}
	while (!wake_word(self->fd, 0, 1))
		ASSERT_GT(end, milliseconds());
	EXPECT_EQ(0, reap(pid));
}

/* WAKE @count: no more than so many, those first who have waited longest */
TEST_F(wait, longest_waiting_are_woken_first)
{
	struct sleeper sleepers[5];
	int turn = 0, i;

	for (i = 0; i < 5; i++)
		ASSERT_TRUE(sleeper_start(&sleepers[i], self->fd, 0, &turn));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(1, wake_word(self->fd, 0, 1));
		pthread_join(sleepers[i].thread, NULL);
		EXPECT_EQ(i + 1, sleepers[i].woken_as);
	}
	EXPECT_EQ(2, wake_word(self->fd, 0, 2));
	pthread_join(sleepers[2].thread, NULL);
	pthread_join(sleepers[3].thread, NULL);
	EXPECT_TRUE(sleeps(&sleepers[4]));
	EXPECT_EQ(1, wake_word(self->fd, 0, SHMDEV_WAKE_ALL));
	pthread_join(sleepers[4].thread, NULL);
	for (i = 0; i < 5; i++)
		EXPECT_EQ(0, sleepers[i].waited.error);
}

/* WAKE: one that was woken is not woken, nor counted, once more */
TEST_F(wait, each_wake_is_for_another_waiter)
{
	static struct sleeper sleepers[MANY];
	int turn = 0, i;

	for (i = 0; i < MANY; i++)
		ASSERT_TRUE(sleeper_start(&sleepers[i], self->fd, 0, &turn));
	for (i = 0; i < MANY; i++)
		EXPECT_EQ(1, wake_word(self->fd, 0, 1));
	EXPECT_EQ(0, wake_word(self->fd, 0, SHMDEV_WAKE_ALL));
	for (i = 0; i < MANY; i++) {
		pthread_join(sleepers[i].thread, NULL);
		EXPECT_EQ(0, sleepers[i].waited.error);
	}
}

/* WAKE: those who wait for this word, and no others */
TEST_F(wait, waiters_on_other_words_sleep_on)
{
	static struct sleeper sleepers[MANY];
	int turn = 0, i, j;

	for (i = 0; i < MANY; i++)
		ASSERT_TRUE(sleeper_start(&sleepers[i], self->fd, 4 * i,
					  &turn));
	EXPECT_EQ(0, wake_word(self->fd, 4 * MANY, SHMDEV_WAKE_ALL));
	EXPECT_EQ(0, wake_word(self->fd, page_bytes() - 4, SHMDEV_WAKE_ALL));
	for (i = 0; i < MANY; i++) {
		EXPECT_EQ(1, wake_word(self->fd, 4 * i, SHMDEV_WAKE_ALL));
		pthread_join(sleepers[i].thread, NULL);
		EXPECT_EQ(0, sleepers[i].waited.error);
		EXPECT_EQ(i + 1, turn);
		for (j = i + 1; j < MANY; j++)
			EXPECT_TRUE(sleeps(&sleepers[j]));
	}
}

/* WAKE: of this segment; the same word of another is another word */
TEST_F(wait, waiters_in_other_segments_sleep_on)
{
	int second = create_anonymous(self->target.door, page_bytes());
	struct sleeper sleepers[2];
	int turn = 0;

	ASSERT_TRUE(sleeper_start(&sleepers[0], self->fd, 0, &turn));
	ASSERT_TRUE(sleeper_start(&sleepers[1], second, 0, &turn));
	EXPECT_EQ(1, wake_word(second, 0, SHMDEV_WAKE_ALL));
	pthread_join(sleepers[1].thread, NULL);
	EXPECT_TRUE(sleeps(&sleepers[0]));
	EXPECT_EQ(1, wake_word(self->fd, 0, SHMDEV_WAKE_ALL));
	pthread_join(sleepers[0].thread, NULL);
	close(second);
}

/* WAKE: makes known to pollers that something is new, whoever sleeps */
TEST_F(wait, wake_is_reported_by_poll_until_looked_at)
{
	__u64 before = look(self->fd);

	look(self->other);
	EXPECT_FALSE(readable(self->other, 0));
	EXPECT_EQ(0, wake_word(self->fd, 0, SHMDEV_WAKE_ALL));
	EXPECT_TRUE(readable(self->other, 0));
	EXPECT_TRUE(readable(self->fd, 0));
	EXPECT_EQ(before + 1, look(self->other));
	EXPECT_FALSE(readable(self->other, 0));
	EXPECT_TRUE(readable(self->fd, 0));
}

/* WAKE @count: 0 to tell pollers only */
TEST_F(wait, wake_of_nobody_tells_pollers)
{
	struct sleeper sleeper;
	int turn = 0;

	look(self->other);
	ASSERT_TRUE(sleeper_start(&sleeper, self->fd, 0, &turn));
	EXPECT_EQ(0, wake_word(self->fd, 0, 0));
	EXPECT_TRUE(readable(self->other, 0));
	EXPECT_TRUE(sleeps(&sleeper));
	EXPECT_EQ(1, wake_word(self->fd, 0, 1));
	pthread_join(sleeper.thread, NULL);
}

/* WAIT @timeout: a time from now */
TEST_F(wait, relative_timeout_is_kept)
{
	struct waited result = waited(self->fd, 0, 0, 0, 60 * MS);

	EXPECT_EQ(ETIMEDOUT, result.error);
	EXPECT_LE(59, result.elapsed);
	EXPECT_GE(10000, result.elapsed);
	EXPECT_EQ(60 * MS, result.left);
	EXPECT_EQ(ETIMEDOUT, waited(self->fd, 0, 0, 0, 0).error);
	EXPECT_EQ(ETIMEDOUT, waited(self->fd, 0, 0, 0, 1).error);
}

/* WAIT, F_ABSOLUTE: a time of CLOCK_MONOTONIC */
TEST_F(wait, absolute_timeout_is_kept)
{
	__u64 until = now() + 60 * MS;
	struct waited result;

	result = waited(self->fd, 0, 0, SHMDEV_WAIT_F_ABSOLUTE, until);
	EXPECT_EQ(ETIMEDOUT, result.error);
	EXPECT_LE(until, now());
	EXPECT_GE(10000, result.elapsed);
	EXPECT_EQ(ETIMEDOUT, waited(self->fd, 0, 0, SHMDEV_WAIT_F_ABSOLUTE,
				    until).error);
	EXPECT_EQ(ETIMEDOUT, waited(self->fd, 0, 0, SHMDEV_WAIT_F_ABSOLUTE,
				    0).error);
}

/* WAIT @timeout: any, however far */
TEST_F(wait, far_timeouts_do_not_end_at_once)
{
	const __u64 far[] = {
		SHMDEV_WAIT_FOREVER, SHMDEV_WAIT_FOREVER - 1, INT64_MAX,
		INT64_MAX + 1ULL,
	};
	__u64 end = milliseconds() + 10000;
	size_t i;
	int absolute;

	for (i = 0; i < 2 * ARRAY_SIZE(far); i++) {
		pid_t pid = fork_child();

		absolute = i % 2 ? SHMDEV_WAIT_F_ABSOLUTE : 0;
		if (!pid)
			_exit(waited(self->fd, 0, 0, absolute,
				     far[i / 2]).error);
		while (!wake_word(self->fd, 0, 1))
			ASSERT_GT(end, milliseconds());
		EXPECT_EQ(0, reap(pid));
	}
}

static void ignore(int sig)
{
}

/* One that is asleep gets @count signals, 40 ms apart. */
static struct waited interrupted(int fd, int handler_flags, __u32 flags,
				 __u64 timeout, int count)
{
	struct sigaction action = {
		.sa_handler = ignore,
		.sa_flags = handler_flags,
	};
	pid_t pid, parent = getpid();
	struct waited result;

	sigaction(SIGUSR1, &action, NULL);
	pid = fork_child();
	if (!pid) {
		while (!is_asleep(parent))
			usleep(1000);
		while (count--) {
			usleep(40000);
			kill(parent, SIGUSR1);
		}
		_exit(0);
	}
	result = waited(fd, 0, 0, flags, timeout);
	reap(pid);
	return result;
}

/* WAIT: a signal handler without SA_RESTART ends it; what is left is told */
TEST_F(wait, signal_ends_it)
{
	struct waited result = interrupted(self->fd, 0, 0, WAIT_PATIENCE, 1);

	EXPECT_EQ(EINTR, result.error);
	EXPECT_LE(39, result.elapsed);
	EXPECT_GE(WAIT_PATIENCE - 38 * MS, result.left);
	/* No more has gone than time has. */
	EXPECT_LE(WAIT_PATIENCE - (result.elapsed + 2) * MS, result.left);

	result = interrupted(self->fd, 0, 0, SHMDEV_WAIT_FOREVER, 1);
	EXPECT_EQ(EINTR, result.error);
	EXPECT_EQ(SHMDEV_WAIT_FOREVER, result.left);

	result = interrupted(self->fd, 0, SHMDEV_WAIT_F_ABSOLUTE,
			     now() + WAIT_PATIENCE, 1);
	EXPECT_EQ(EINTR, result.error);
}

/*
 * WAIT: a signal handler with SA_RESTART does not, nor makes it longer: signals
 * come for 800 ms, so one that began anew would take 1800, each time. One that did
 * not may take as long if the machine stands still, but not each time.
 */
TEST_F(wait, restarted_wait_ends_when_it_would_have)
{
	static const __u32 kinds[] = { 0, SHMDEV_WAIT_F_ABSOLUTE };
	struct waited result;
	int tries;
	__u64 begin;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (tries = 0; tries < 3; tries++) {
			begin = now();
			result = interrupted(self->fd, SA_RESTART, kinds[i],
					     (kinds[i] ? begin : 0) + 1000 * MS,
					     20);
			EXPECT_EQ(ETIMEDOUT, result.error);
			EXPECT_LE(begin + 1000 * MS, now());
			if (result.elapsed <= 1600)
				break;
		}
		EXPECT_GT(3, tries);
	}
}

/* "errors": no word there is EINVAL or ENXIO, whatever it would have held */
TEST_F(wait, offset_must_be_of_a_word)
{
	const __u64 bytes = self->target.bytes;
	const __u64 outside[] = {
		bytes, bytes + 4, 1ULL << 32, 1ULL << 63, -4ULL,
	};
	size_t i;
	int odd;

	for (odd = 1; odd < 4; odd++) {
		EXPECT_EQ(EINVAL, waited(self->fd, odd, 0, 0, 0).error);
		EXPECT_ERRNO(EINVAL, wake_word(self->fd, odd, 1));
	}
	for (i = 0; i < ARRAY_SIZE(outside); i++) {
		EXPECT_EQ(ENXIO, waited(self->fd, outside[i], 0, 0, 0).error);
		EXPECT_ERRNO(ENXIO, wake_word(self->fd, outside[i], 1));
		EXPECT_EQ(ENXIO, waited(self->fd, outside[i], 0, 0,
					SHMDEV_WAIT_FOREVER).error);
	}
	EXPECT_EQ(ETIMEDOUT, waited(self->fd, bytes - 4, 0, 0, 0).error);
	EXPECT_EQ(0, wake_word(self->fd, bytes - 4, 1));
}

/* EBADF: WAIT reads, WAKE is for those who may write */
TEST_F(wait, needs_the_access_that_it_makes)
{
	int reader = reopen(self->fd, O_RDONLY);
	int writer = reopen(self->fd, O_WRONLY);

	look(self->fd);
	EXPECT_EQ(ETIMEDOUT, waited(reader, 0, 0, 0, 0).error);
	EXPECT_ERRNO(EBADF, wake_word(reader, 0, 1));
	EXPECT_FALSE(readable(self->fd, 0));
	EXPECT_EQ(EBADF, waited(writer, 0, 0, 0, 0).error);
	EXPECT_EQ(0, wake_word(writer, 0, 1));
	EXPECT_TRUE(readable(self->fd, 0));
	close(reader);
	close(writer);
}

/* WAIT: the word is the segment's, mapped or not, touched or not */
TEST(word_of_a_lazy_segment_is_zero)
{
	int door = open_door();
	int fd = create(door, NULL, 4 * page_bytes(), 0600,
			SHMDEV_CREATE_F_LAZY, NULL);
	__u64 last = 4 * page_bytes() - 4;
	__u32 value = 5;

	ASSERT_LE(0, fd);
	EXPECT_EQ(EAGAIN, waited(fd, last, 5, 0, 0).error);
	EXPECT_EQ(ETIMEDOUT, waited(fd, last, 0, 0, 0).error);
	ASSERT_EQ(sizeof(value), pwrite(fd, &value, sizeof(value), last));
	EXPECT_EQ(ETIMEDOUT, waited(fd, last, 5, 0, 0).error);
	EXPECT_EQ(EAGAIN, waited(fd, last, 0, 0, 0).error);
	close(fd);
	close(door);
}

/* WAIT, F_ABSOLUTE: of the caller's CLOCK_MONOTONIC */
TEST_F(wait, absolute_timeout_is_of_the_time_namespace)
{
	const char *const shifts[] = { "monotonic 100000 0",
				       "monotonic -1 0" };
	size_t i;

	if (access("/proc/self/timens_offsets", W_OK))
		SKIP(return, "this kernel has no time namespaces");
	for (i = 0; i < ARRAY_SIZE(shifts); i++) {
		pid_t pid = fork_child();

		if (!pid) {
			CHILD_CHECK(!unshare(CLONE_NEWTIME));
			CHILD_CHECK(!write_file("/proc/self/timens_offsets",
						shifts[i]));
			pid = fork_child();
			if (!pid) {
				__u64 deadline = now() + 60 * MS;
				struct waited result;

				result = waited(self->fd, 0, 0,
						SHMDEV_WAIT_F_ABSOLUTE,
						deadline);
				CHILD_CHECK(result.error == ETIMEDOUT);
				CHILD_CHECK(now() >= deadline);
				CHILD_CHECK(result.elapsed < 10000);
				_exit(0);
			}
			_exit(reap(pid));
		}
		EXPECT_EQ(0, reap(pid));
	}
}

/* A segment that is served by a sample module. */
struct served {
	const char *module;
	int door;
	int fd;
	__u32 *word;
};

static bool served_open(struct served *served, const char *module,
			const char *endpoint)
{
	served->module = module;
	unload_module(module);
	if (load_module(module, ""))
		return false;
	served->door = open_door();
	served->fd = create(served->door, NULL, page_bytes(), 0600, 0,
			    endpoint);
	served->word = map(served->fd, page_bytes(), PROT_READ | PROT_WRITE);
	return served->word != MAP_FAILED;
}

static void served_close(struct served *served)
{
	munmap(served->word, page_bytes());
	close(served->fd);
	close(served->door);
	unload_module(served->module);
}

/* shmdev_segment_wake(): from an interrupt; sleepers and pollers */
TEST(kernel_wakes_from_an_interrupt)
{
	struct served served;
	__u32 ticks = 0, seen;
	int error = 0;

	if (!module_is_there("shmdev_ticker"))
		SKIP(return, "shmdev_ticker.ko is not in /lib/modules");
	ASSERT_TRUE(served_open(&served, "shmdev_ticker", "ticker"));
	look(served.fd);
	ASSERT_EQ(0, kick_with(served.fd, 2 * MS));
	while (ticks < 50 && !error) {
		seen = __atomic_load_n(served.word, __ATOMIC_ACQUIRE);
		ASSERT_LE(ticks, seen);
		ticks = seen;
		error = waited(served.fd, 0, ticks, 0, WAIT_PATIENCE).error;
		if (error == EAGAIN)
			error = 0;
	}
	EXPECT_EQ(0, error);
	EXPECT_TRUE(readable(served.fd, 0));
	ASSERT_EQ(0, kick_with(served.fd, 0));
	ticks = *served.word;
	EXPECT_EQ(ETIMEDOUT, waited(served.fd, 0, ticks, 0, 20 * MS).error);
	served_close(&served);
}

/* shmdev_segment_wait(): the kernel waits for processes, on the same words */
TEST(kernel_waits_for_a_process)
{
	const __u64 waits = 1ULL << 63;
	__u64 end = milliseconds() + 5000;
	struct served served;
	pid_t pid;

	if (!module_is_there("shmdev_probe"))
		SKIP(return, "shmdev_probe.ko is not in /lib/modules");
	ASSERT_TRUE(served_open(&served, "shmdev_probe", "probe"));
	EXPECT_ERRNO(ETIMEDOUT, kick_with(served.fd, waits | 20));
	pid = fork_child();
	if (!pid)
		_exit(kick_with(served.fd, waits | 5000) ? errno : 0);
	while (!wake_word(served.fd, 4, 1))
		ASSERT_GT(end, milliseconds());
	EXPECT_EQ(0, reap(pid));
	served.word[1] = 1;
	EXPECT_ERRNO(EAGAIN, kick_with(served.fd, waits | 5000));
	served_close(&served);
}

TEST_HARNESS_MAIN
