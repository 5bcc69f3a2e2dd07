// SPDX-License-Identifier: GPL-2.0
/*
 * Rings with the kernel on one side: with the samples "adc", which streams from
 * interrupts, "echo", which answers requests, "ringprobe", which does as it is
 * told; and with the converter that was written by hand. The processes' side is
 * the library's.
 */
#include <linux/shmdev_ring.h>
#include <pthread.h>
#include <shmdev-ring.h>

#include "adc_by_hand.h"
#include "module.h"
#include "ringprobe.h"
#include "sleeper.h"

#define SECOND 1000

static struct timespec in_ms(unsigned int ms)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	time.tv_nsec += ms % SECOND * NSEC_PER_MSEC;
	time.tv_sec += ms / SECOND + time.tv_nsec / NSEC_PER_SEC;
	time.tv_nsec %= NSEC_PER_SEC;
	return time;
}

/* A party of the ring at @offset, through an open file of its own. */
struct party {
	struct shmdev_segment *segment;
	struct shmdev_ring *ring;
};

static int attach_at(struct party *party, int fd, __u64 offset,
		     enum shmdev_ring_role role)
{
	int ret = shmdev_segment_from_fd(reopen(fd, O_RDWR | O_CLOEXEC),
					 &party->segment);

	party->ring = NULL;
	if (ret)
		return ret;
	ret = shmdev_ring_attach(party->segment, offset, role, &party->ring);
	if (ret)
		shmdev_segment_close(party->segment);
	return ret;
}

static void detach(struct party *party)
{
	shmdev_ring_detach(party->ring);
	shmdev_segment_close(party->segment);
}

static bool samples_are_there(void)
{
	return module_is_there("shmdev_adc");
}

#define SKIP_WITHOUT_SAMPLES() do {					\
	if (!samples_are_there())					\
		SKIP(return, "the samples are not in /lib/modules");	\
} while (0)

FIXTURE(adc) {
	int door;
	int fd;
	struct party reader;
};

FIXTURE_SETUP(adc)
{
	self->door = open_door();
	ASSERT_LE(0, self->door);
	SKIP_WITHOUT_SAMPLES();
	unload_module("shmdev_adc");
	ASSERT_EQ(0, load_module("shmdev_adc", ""));
	/* 8 readers, and 4 pages of data. */
	self->fd = create(self->door, NULL, 14 * page_bytes(), 0600, 0, "adc");
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, attach_at(&self->reader, self->fd, 0,
			       SHMDEV_RING_CONSUMER));
}

FIXTURE_TEARDOWN(adc)
{
	if (samples_are_there()) {
		detach(&self->reader);
		close(self->fd);
		unload_module("shmdev_adc");
	}
	close(self->door);
}

/*
 * The next sample; returns how many were lost before it, or -errno. @last is the
 * one before, and becomes this one.
 */
static ssize_t next_sample(struct shmdev_ring *ring, struct adc_sample *last,
			   const struct timespec *deadline)
{
	struct shmdev_ring_record record;
	struct adc_sample sample;
	ssize_t ret = shmdev_ring_receive(ring, &sample, sizeof(sample),
					  deadline, &record);

	if (ret < 0)
		return ret;
	if (ret != sizeof(sample) || sample.reserved)
		return -EBADMSG;
	/* One more than the last, and never before it. */
	if (last->time && (sample.value != last->value + 1 + record.lost ||
			   sample.time < last->time))
		return -EILSEQ;
	*last = sample;
	return record.lost;
}

/* stream: each reader sees every record, from the interrupt on, in order */
TEST_F(adc, streams_to_all_readers)
{
	struct adc_sample last = { }, others = { };
	struct party other;
	struct timespec patience = in_ms(20 * SECOND);
	int i;

	SKIP_WITHOUT_SAMPLES();
	ASSERT_EQ(0, attach_at(&other, self->fd, 0, SHMDEV_RING_CONSUMER));
	ASSERT_EQ(0, kick_with(self->fd, NSEC_PER_MSEC));
	for (i = 0; i < 200; i++) {
		ASSERT_EQ(0, next_sample(self->reader.ring, &last, &patience));
		ASSERT_EQ(i, last.value);
		ASSERT_EQ(0, next_sample(other.ring, &others, &patience));
		ASSERT_EQ(i, others.value);
		ASSERT_EQ(last.time, others.time);
	}
	detach(&other);
}

/* 100,000 a second: what is not lost is in order, what is lost is counted */
TEST_F(adc, at_full_speed_counts_what_is_lost)
{
	struct timespec patience = in_ms(20 * SECOND), end;
	struct adc_sample last = { };
	__u64 got = 1, lost = 0;
	ssize_t ret;

	SKIP_WITHOUT_SAMPLES();
	/* A machine with one processor may do nothing else then. */
	ASSERT_EQ(0, kick_with(self->fd, NSEC_PER_MSEC));
	ASSERT_EQ(0, next_sample(self->reader.ring, &last, &patience));
	ASSERT_EQ(0, last.value);
	ASSERT_EQ(0, kick_with(self->fd, 10000));
	end = in_ms(SECOND);
	while ((ret = next_sample(self->reader.ring, &last, &end)) >= 0) {
		lost += ret;
		got++;
	}
	ASSERT_EQ(-ETIMEDOUT, ret);
	ASSERT_EQ(0, kick_with(self->fd, 0));
	while ((ret = next_sample(self->reader.ring, &last,
				  SHMDEV_RING_NOW)) >= 0) {
		lost += ret;
		got++;
	}
	EXPECT_EQ(-EAGAIN, ret);
	EXPECT_EQ(last.value + 1, got + lost);
	TH_LOG("%llu read, %llu lost in a second", got, lost);
}

/* stream: a lapped reader is told exactly how many it lost, and goes on */
TEST_F(adc, overtakes_a_reader_who_is_told)
{
	struct timespec patience = in_ms(20 * SECOND);
	struct adc_sample last = { };
	ssize_t ret;
	int i;

	SKIP_WITHOUT_SAMPLES();
	ASSERT_EQ(0, kick_with(self->fd, 50000));
	ASSERT_EQ(0, next_sample(self->reader.ring, &last, &patience));
	/* There is room for 682, which a busy machine may take a while to send. */
	for (i = 0, ret = 0; i < 100 && !ret; i++) {
		usleep(200000);
		ret = next_sample(self->reader.ring, &last, &patience);
	}
	EXPECT_LT(0, ret) TH_LOG("%zd", ret);
}

/* poll: an armed reader is told of the next record, by an interrupt */
TEST_F(adc, wakes_poll)
{
	struct adc_sample last = { };
	int fd = shmdev_segment_fd(self->reader.segment);
	int i, ret;

	SKIP_WITHOUT_SAMPLES();
	ASSERT_EQ(0, shmdev_ring_arm(self->reader.ring));
	EXPECT_FALSE(readable(fd, 0));
	ASSERT_EQ(0, kick_with(self->fd, 20 * NSEC_PER_MSEC));
	for (i = 0; i < 20; i++) {
		while ((ret = shmdev_ring_arm(self->reader.ring)) == 1)
			ASSERT_LE(0, next_sample(self->reader.ring, &last,
						 SHMDEV_RING_NOW));
		ASSERT_EQ(0, ret);
		ASSERT_TRUE(readable(fd, 20 * SECOND));
		ASSERT_EQ(0, next_sample(self->reader.ring, &last,
					 SHMDEV_RING_NOW));
	}
}

/* F_THROTTLE: a reader who wants many at once is woken once for them */
TEST_F(adc, wakes_a_throttled_reader_rarely)
{
	struct timespec patience = in_ms(20 * SECOND);
	struct adc_sample last = { };
	struct shmdev_info before = { .size = sizeof(before) }, after;
	int i;

	SKIP_WITHOUT_SAMPLES();
	shmdev_ring_set_spin(self->reader.ring, 0);
	shmdev_ring_throttle(self->reader.ring, 50, 0, 0);
	ASSERT_EQ(0, kick_with(self->fd, NSEC_PER_MSEC));
	after = before;
	ASSERT_EQ(0, info(self->fd, &before));
	for (i = 0; i < 200; i++)
		ASSERT_EQ(0, next_sample(self->reader.ring, &last, &patience));
	ASSERT_EQ(0, info(self->fd, &after));
	/* Each 50 take one wake-up for the first and one for the last. */
	EXPECT_GE(20, after.events - before.events);
}

/* Kick: the period is checked, and 0 stops */
TEST_F(adc, takes_a_period_that_makes_sense)
{
	struct timespec soon;
	struct adc_sample last = { };
	ssize_t ret;

	SKIP_WITHOUT_SAMPLES();
	EXPECT_ERRNO(EINVAL, kick_with(self->fd, 1));
	EXPECT_ERRNO(EINVAL, kick_with(self->fd, ~0ULL));
	EXPECT_EQ(0, kick_with(self->fd, NSEC_PER_MSEC));
	EXPECT_EQ(0, kick_with(self->fd, 0));
	do {
		ret = next_sample(self->reader.ring, &last, SHMDEV_RING_NOW);
	} while (!ret);
	EXPECT_EQ(-EAGAIN, ret);
	soon = in_ms(50);
	EXPECT_EQ(-ETIMEDOUT, next_sample(self->reader.ring, &last, &soon));
}

static void *unload_soon(void *module)
{
	usleep(100000);
	return (void *)(long)unload_module(module);
}

/* EPIPE: the endpoint has gone, and so wakes whoever waits for its records */
TEST_F(adc, that_goes_is_epipe)
{
	struct timespec patience = in_ms(20 * SECOND);
	struct adc_sample last = { };
	pthread_t thread;
	void *result;
	ssize_t ret;

	SKIP_WITHOUT_SAMPLES();
	ASSERT_EQ(0, kick_with(self->fd, NSEC_PER_MSEC));
	ASSERT_EQ(0, pthread_create(&thread, NULL, unload_soon, "shmdev_adc"));
	do {
		ret = next_sample(self->reader.ring, &last, &patience);
	} while (ret >= 0);
	EXPECT_EQ(-EPIPE, ret);
	pthread_join(thread, &result);
	EXPECT_EQ(NULL, result);
	EXPECT_TRUE(has_shut_down(self->fd));
}

/* CREATE: -EINVAL of an attach if the segment is too small; nothing is left */
TEST_F(adc, needs_room)
{
	struct state before;

	SKIP_WITHOUT_SAMPLES();
	before = take_state(self->door);
	EXPECT_ERRNO(EINVAL, create(self->door, NULL, 10 * page_bytes(), 0600,
				    0, "adc"));
	expect_unchanged(_metadata, self->door, &before);
}

/* What the kernel produces no process writes; nor what it has consumed */
TEST_F(adc, lets_nobody_else_produce)
{
	struct shmdev_info about = { };
	unsigned int page;
	struct party rival;

	SKIP_WITHOUT_SAMPLES();
	EXPECT_EQ(-EACCES, attach_at(&rival, self->fd, 0,
				     SHMDEV_RING_PRODUCER));
	for (page = 0; page < 14; page++)
		EXPECT_EQ(MAP_FAILED, mmap(NULL, page_bytes(), PROT_READ |
					   PROT_WRITE, MAP_SHARED, self->fd,
					   page * page_bytes()));
	ASSERT_EQ(0, info(self->fd, &about));
	EXPECT_TRUE(about.flags & SHMDEV_INFO_F_ISOLATED);
}

/* A reader needs the permission to read, and nothing else */
TEST_F(adc, streams_to_who_may_only_read)
{
	struct timespec patience = in_ms(20 * SECOND);
	struct adc_sample last = { };
	struct party guest;

	SKIP_WITHOUT_SAMPLES();
	ASSERT_EQ(0, shmdev_segment_from_fd(reopen(self->fd, O_RDONLY |
						   O_CLOEXEC),
					    &guest.segment));
	ASSERT_EQ(0, shmdev_ring_attach(guest.segment, 0, SHMDEV_RING_CONSUMER,
					&guest.ring));
	ASSERT_EQ(0, kick_with(self->fd, NSEC_PER_MSEC));
	ASSERT_EQ(0, next_sample(guest.ring, &last, &patience));
	detach(&guest);
}

FIXTURE(echo) {
	int door;
	int fd;
	__u64 half;
	struct party client;
	struct party answers;
};

FIXTURE_SETUP(echo)
{
	self->door = open_door();
	ASSERT_LE(0, self->door);
	SKIP_WITHOUT_SAMPLES();
	unload_module("shmdev_echo");
	ASSERT_EQ(0, load_module("shmdev_echo", ""));
	/* Twice 3 pages, and one of data. */
	self->half = 4 * page_bytes();
	self->fd = create(self->door, NULL, 2 * self->half, 0600, 0, "echo");
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, attach_at(&self->client, self->fd, 0,
			       SHMDEV_RING_PRODUCER));
	ASSERT_EQ(0, attach_at(&self->answers, self->fd, self->half,
			       SHMDEV_RING_CONSUMER));
}

FIXTURE_TEARDOWN(echo)
{
	if (samples_are_there()) {
		detach(&self->client);
		detach(&self->answers);
		close(self->fd);
		unload_module("shmdev_echo");
	}
	close(self->door);
}

static void fill(char *record, size_t bytes, unsigned int number)
{
	size_t i;

	for (i = 0; i < bytes; i++)
		record[i] = number + i * 7;
}

static int ask(struct shmdev_ring *ring, size_t bytes, unsigned int number)
{
	char request[4096];

	fill(request, bytes, number);
	return shmdev_ring_send(ring, request, bytes, SHMDEV_RING_NOW);
}

/* Returns 0 if the next answer is that to the request of these. */
static int check_answer(struct shmdev_ring *ring, size_t bytes,
			unsigned int number)
{
	char request[4096], answer[4096];
	ssize_t ret = shmdev_ring_receive(ring, answer, sizeof(answer),
					  SHMDEV_RING_NOW, NULL);

	if (ret < 0)
		return ret;
	fill(request, bytes, number);
	return ret != bytes || memcmp(request, answer, bytes) ? -EILSEQ : 0;
}

/* queue: each request, whatever its length, gets its answer, in order */
TEST_F(echo, answers_in_order)
{
	size_t most;
	unsigned int i, round;

	SKIP_WITHOUT_SAMPLES();
	most = shmdev_ring_record_max(self->client.ring);
	EXPECT_EQ(0, kick(self->fd));
	for (i = 1; i <= most; i = i < 100 ? i + 1 : i + 97) {
		ASSERT_EQ(0, ask(self->client.ring, i, i));
		ASSERT_EQ(1, kick(self->fd));
		ASSERT_EQ(0, check_answer(self->answers.ring, i, i));
	}
	for (round = 0; round < 1000; round++) {
		for (i = 0; i < 3; i++)
			ASSERT_EQ(0, ask(self->client.ring, 500 + i, round + i));
		ASSERT_EQ(3, kick(self->fd));
		for (i = 0; i < 3; i++)
			ASSERT_EQ(0, check_answer(self->answers.ring, 500 + i,
						  round + i));
	}
	EXPECT_EQ(-EAGAIN, check_answer(self->answers.ring, 1, 1));
}

/* queue: nothing is lost where there is no room for the answers */
TEST_F(echo, waits_for_room_of_answers)
{
	unsigned int asked = 0, answered = 0;
	int i;

	SKIP_WITHOUT_SAMPLES();
	for (i = 0; i < 3; i++) {
		while (!ask(self->client.ring, 1000, asked))
			asked++;
		kick(self->fd);
	}
	EXPECT_LT(4, asked);
	EXPECT_EQ(0, kick(self->fd));
	while (answered < asked) {
		ASSERT_EQ(0, check_answer(self->answers.ring, 1000, answered));
		answered++;
		kick(self->fd);
	}
	EXPECT_EQ(-EAGAIN, check_answer(self->answers.ring, 1, 1));
}

static unsigned int kernel_views(void)
{
	char line[256];
	unsigned int views = 0;
	FILE *file = fopen("/proc/vmallocinfo", "r");

	while (file && fgets(line, sizeof(line), file))
		views += !!strstr(line, "[shmdev]");
	if (file)
		fclose(file);
	return views;
}

/* shmdev_ring_destroy(): nothing is left of a ring when its segment goes */
TEST_F(echo, leaves_nothing)
{
	unsigned int before;
	int fd, i;

	SKIP_WITHOUT_SAMPLES();
	before = kernel_views();
	for (i = 0; i < 10; i++) {
		fd = create(self->door, NULL, 2 * self->half, 0600, 0, "echo");
		ASSERT_LE(0, fd);
		/* The segment's, and the data of both rings. */
		EXPECT_EQ(before ? before + 3 : 0, kernel_views());
		close(fd);
	}
	EXPECT_EQ(before, kernel_views());
}

/* What the kernel has consumed it alone says; a second consumer is none */
TEST_F(echo, lets_nobody_else_consume)
{
	struct party rival;

	SKIP_WITHOUT_SAMPLES();
	EXPECT_EQ(-EACCES, attach_at(&rival, self->fd, 0,
				     SHMDEV_RING_CONSUMER));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, page_bytes(), PROT_READ | PROT_WRITE,
				   MAP_SHARED, self->fd, 0));
}

/* F_MANY: several processes may produce for the kernel, in turn */
TEST_F(echo, serves_many_producers)
{
	struct party other;

	SKIP_WITHOUT_SAMPLES();
	ASSERT_EQ(0, attach_at(&other, self->fd, 0, SHMDEV_RING_PRODUCER));
	EXPECT_EQ(0, ask(self->client.ring, 30, 1));
	EXPECT_EQ(0, ask(other.ring, 40, 2));
	EXPECT_EQ(0, ask(self->client.ring, 50, 3));
	EXPECT_EQ(3, kick(self->fd));
	EXPECT_EQ(0, check_answer(self->answers.ring, 30, 1));
	EXPECT_EQ(0, check_answer(self->answers.ring, 40, 2));
	EXPECT_EQ(0, check_answer(self->answers.ring, 50, 3));
	detach(&other);
}

static __u64 any(unsigned int *seed)
{
	static const __u64 edges[] = { 0, 1, 7, 8, 4088, 4096, 4104,
		1ULL << 31, 1ULL << 32, 1ULL << 63, ~0ULL, ~7ULL };
	__u64 value = (__u64)rand_r(seed) << 33 ^ rand_r(seed);

	switch (rand_r(seed) % 3) {
	case 0:
		return edges[(unsigned int)rand_r(seed) % ARRAY_SIZE(edges)];
	case 1:
		return value & 0x3ff8;
	default:
		return value;
	}
}

/* Where a page can be written by a process that may, or -1. */
static void *writable(int fd, unsigned int page)
{
	void *address = mmap(NULL, page_bytes(), PROT_READ | PROT_WRITE,
			     MAP_SHARED, fd, page * page_bytes());
	__u64 claimed = page * page_bytes();

	if (address != MAP_FAILED)
		return address;
	fd = claim(fd, &claimed);
	return fd < 0 ? MAP_FAILED : mmap(NULL, page_bytes(), PROT_READ |
					  PROT_WRITE, MAP_SHARED, fd, claimed);
}

/* Writes anything to any word of a segment that it can, until it is killed. */
static pid_t hostile(int fd, __u64 bytes)
{
	static volatile __u64 *words[16];
	size_t pages = bytes / page_bytes(), i, count = 0;
	unsigned int seed = 1;
	pid_t pid = fork_child();
	size_t at;

	if (pid)
		return pid;
	for (i = 0; i < pages && count < ARRAY_SIZE(words); i++) {
		words[count] = writable(fd, i);
		count += words[count] != MAP_FAILED;
	}
	if (!count)
		_exit(1);
	for (;;) {
		i = (unsigned int)rand_r(&seed) % count;
		at = (unsigned int)rand_r(&seed) % (page_bytes() / 8);
		/* Most are where there is something to be said. */
		if (rand_r(&seed) % 4)
			at %= 40;
		words[i][at] = any(&seed);
	}
}

/* A hostile process gets itself an error, and nothing else */
TEST_F(echo, survives_a_process_that_writes_everywhere)
{
	unsigned long kicks = 0, errors = 0;
	struct party other, others_answers;
	__u64 end = milliseconds() + 2 * SECOND;
	int fd, ret;
	pid_t pid;

	SKIP_WITHOUT_SAMPLES();
	/* Beside it, a client is served as ever. */
	fd = create(self->door, NULL, 2 * self->half, 0600, 0, "echo");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, attach_at(&other, fd, 0, SHMDEV_RING_PRODUCER));
	ASSERT_EQ(0, attach_at(&others_answers, fd, self->half,
			       SHMDEV_RING_CONSUMER));
	pid = hostile(self->fd, 2 * self->half);
	ASSERT_LT(0, pid);
	while (milliseconds() < end) {
		ask(self->client.ring, 100, 1);
		ret = kick(self->fd);
		if (ret < 0)
			ASSERT_EQ(EBADMSG, errno);
		errors += ret < 0;
		kicks++;
		ASSERT_EQ(0, ask(other.ring, 100, kicks));
		ASSERT_EQ(1, kick(fd));
		ASSERT_EQ(0, check_answer(others_answers.ring, 100, kicks));
	}
	EXPECT_LE(0, kill_and_reap(pid));
	TH_LOG("%lu kicks, %lu of them EBADMSG", kicks, errors);
	detach(&other);
	detach(&others_answers);
	close(fd);
}

/* What others write is read once: both sides at once, by interrupts */
TEST_F(adc, survives_a_process_that_writes_everywhere)
{
	struct adc_sample last;
	struct timespec soon;
	__u64 end = milliseconds() + 2 * SECOND;
	ssize_t ret;
	pid_t pid;

	SKIP_WITHOUT_SAMPLES();
	pid = hostile(self->fd, 14 * page_bytes());
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, kick_with(self->fd, 20000));
	while (milliseconds() < end) {
		last.time = 0;
		soon = in_ms(5);
		ret = next_sample(self->reader.ring, &last, &soon);
		ASSERT_NE(-EPIPE, ret);
	}
	EXPECT_LE(0, kill_and_reap(pid));
	EXPECT_EQ(0, kick_with(self->fd, 0));
}

FIXTURE(probe) {
	int door;
	int fd;
	char *bench;
	char *page;
};

FIXTURE_VARIANT(probe) {
	__u64 in_interrupt;
};

FIXTURE_VARIANT_ADD(probe, process) { };
FIXTURE_VARIANT_ADD(probe, interrupt) {
	.in_interrupt = RINGPROBE_IN_INTERRUPT,
};

FIXTURE_SETUP(probe)
{
	self->door = open_door();
	ASSERT_LE(0, self->door);
	self->fd = -1;
}

static void probe_close(FIXTURE_DATA(probe) *self)
{
	if (self->fd >= 0) {
		munmap(self->bench, page_bytes());
		close(self->fd);
	}
	self->fd = -1;
}

FIXTURE_TEARDOWN(probe)
{
	probe_close(self);
	close(self->door);
	unload_module("shmdev_ringprobe");
}

/* A segment with a ring of some pages, and the page behind it. */
static int probe_open_pages(FIXTURE_DATA(probe) *self, const char *spec,
			    unsigned int pages)
{
	__u64 ring = pages * page_bytes();

	probe_close(self);
	unload_module("shmdev_ringprobe");
	if (load_module("shmdev_ringprobe", spec))
		return -1;
	self->fd = create(self->door, NULL, ring + page_bytes(), 0600, 0,
			  "ringprobe");
	if (self->fd < 0)
		return -1;
	self->bench = mmap(NULL, page_bytes(), PROT_READ | PROT_WRITE,
			   MAP_SHARED, self->fd, ring);
	return self->bench == MAP_FAILED ? -1 : 0;
}

/* One page of them is data. */
static int probe_open(FIXTURE_DATA(probe) *self, const char *spec)
{
	return probe_open_pages(self, spec, 4);
}

#define DO(operation, bytes)						\
	kick_with(self->fd, (__u64)RINGPROBE_##operation <<		\
			    RINGPROBE_SHIFT | (bytes) |			\
			    variant->in_interrupt)

#define PRODUCES "kind=1 position=18446744073709547520 sequence=4294967294"
#define CONSUMES "kind=1 consumes=1 position=18446744073709547520"

/* queue: the kernel produces, nothing is lost; -EAGAIN where there is no room */
TEST_F(probe, fills_a_queue)
{
	struct shmdev_ring_record record;
	struct party reader;
	unsigned int sent, got, round;

	SKIP_WITHOUT_SAMPLES();
	ASSERT_EQ(0, probe_open(self, PRODUCES));
	ASSERT_EQ(0, attach_at(&reader, self->fd, 0, SHMDEV_RING_CONSUMER));
	EXPECT_EQ(page_bytes() - 16, DO(RECORD_MAX, 0));
	for (round = got = sent = 0; round < 50; round++) {
		for (;;) {
			fill(self->bench, 24, sent);
			if (DO(WRITE, 24))
				break;
			sent++;
		}
		EXPECT_EQ(EAGAIN, errno);
		/* All room is used: 127 records of 32 bytes, and a head. */
		ASSERT_EQ(got + 127, sent);
		while (got < sent)
			ASSERT_EQ(0, check_answer(reader.ring, 24, got++));
	}
	ASSERT_EQ(0, DO(WRITE, 1));
	ASSERT_EQ(0, shmdev_ring_peek(reader.ring, SHMDEV_RING_NOW, &record));
	EXPECT_EQ(4294967294ULL + sent, record.sequence);
	detach(&reader);
}

/* reserve, commit, discard: what was not committed nobody sees */
TEST_F(probe, commits_and_discards)
{
	struct party reader;

	SKIP_WITHOUT_SAMPLES();
	ASSERT_EQ(0, probe_open(self, PRODUCES));
	ASSERT_EQ(0, attach_at(&reader, self->fd, 0, SHMDEV_RING_CONSUMER));
	EXPECT_ERRNO(EINVAL, DO(RESERVE, 0));
	EXPECT_ERRNO(EMSGSIZE, DO(RESERVE, page_bytes() - 15));
	EXPECT_ERRNO(EMSGSIZE, DO(RESERVE, 0xffffffff));
	EXPECT_ERRNO(EINVAL, DO(PEEK, 0));
	EXPECT_ERRNO(EINVAL, DO(READ, 8));
	EXPECT_ERRNO(EINVAL, kick_with(self->fd, ~0ULL >> 1));
	EXPECT_EQ(0, DO(COMMIT, 0));
	EXPECT_EQ(0, DO(COMMIT_LATER, 0));
	EXPECT_EQ(-EAGAIN, check_answer(reader.ring, 8, 1));

	fill(self->bench, 100, 1);
	EXPECT_EQ(0, DO(RESERVE, 100));
	EXPECT_ERRNO(EBUSY, DO(RESERVE, 8));
	EXPECT_ERRNO(EBUSY, DO(WRITE, 8));
	EXPECT_EQ(0, DO(DISCARD, 0));
	EXPECT_EQ(0, DO(FLUSH, 0));
	EXPECT_EQ(-EAGAIN, check_answer(reader.ring, 100, 1));

	EXPECT_EQ(0, DO(RESERVE, 100));
	EXPECT_EQ(0, DO(COMMIT_LATER, 0));
	fill(self->bench, 50, 2);
	EXPECT_EQ(0, DO(RESERVE, 50));
	EXPECT_EQ(0, DO(COMMIT_LATER, 0));
	EXPECT_EQ(-EAGAIN, check_answer(reader.ring, 100, 1));
	EXPECT_EQ(0, DO(FLUSH, 0));
	EXPECT_EQ(0, check_answer(reader.ring, 100, 1));
	EXPECT_EQ(0, check_answer(reader.ring, 50, 2));

	/* As large as it can be; and what was committed makes no room unseen. */
	EXPECT_EQ(0, DO(WRITE, 8));
	EXPECT_EQ(8, shmdev_ring_receive(reader.ring, self->bench, 8,
					 SHMDEV_RING_NOW, NULL));
	fill(self->bench, page_bytes() - 16, 3);
	EXPECT_EQ(0, DO(RESERVE, page_bytes() - 16));
	EXPECT_EQ(0, DO(COMMIT_LATER, 0));
	EXPECT_ERRNO(EAGAIN, DO(RESERVE, 1));
	EXPECT_EQ(0, check_answer(reader.ring, page_bytes() - 16, 3));
	detach(&reader);
}

/* stream: the producer never waits, and gives up the oldest, one by one */
TEST_F(probe, overwrites_a_stream)
{
	struct shmdev_ring_record record;
	struct party reader;
	unsigned int i;

	SKIP_WITHOUT_SAMPLES();
	ASSERT_EQ(0, probe_open(self, "kind=2 readers=1 position=4294963200"));
	ASSERT_EQ(0, attach_at(&reader, self->fd, 0, SHMDEV_RING_CONSUMER));
	for (i = 0; i < 300; i++) {
		fill(self->bench, 24, i);
		ASSERT_EQ(0, DO(WRITE, 24));
	}
	ASSERT_EQ(0, shmdev_ring_peek(reader.ring, SHMDEV_RING_NOW, &record));
	EXPECT_EQ(300 - 127, record.lost);
	EXPECT_EQ(300 - 127, record.sequence);
	/* In a batch that goes round more than once, too. */
	for (i = 0; i < 200; i++) {
		ASSERT_EQ(0, DO(RESERVE, 24));
		ASSERT_EQ(0, DO(COMMIT_LATER, 0));
	}
	ASSERT_EQ(0, DO(FLUSH, 0));
	EXPECT_EQ(-EOVERFLOW, shmdev_ring_release(reader.ring));
	ASSERT_EQ(0, shmdev_ring_peek(reader.ring, SHMDEV_RING_NOW, &record));
	EXPECT_EQ(500 - 127, record.sequence);
	/* One that takes the room of all. */
	ASSERT_EQ(0, DO(WRITE, page_bytes() - 16));
	EXPECT_EQ(-EOVERFLOW, shmdev_ring_release(reader.ring));
	ASSERT_EQ(0, shmdev_ring_peek(reader.ring, SHMDEV_RING_NOW, &record));
	EXPECT_EQ(500, record.sequence);
	EXPECT_EQ(page_bytes() - 16, record.bytes);
	detach(&reader);
}

/* peek, release, unpeek, read: the kernel consumes a queue */
TEST_F(probe, consumes_a_queue)
{
	struct party writer;
	unsigned int i, sent;
	char record[32];

	SKIP_WITHOUT_SAMPLES();
	ASSERT_EQ(0, probe_open(self, CONSUMES));
	ASSERT_EQ(0, attach_at(&writer, self->fd, 0, SHMDEV_RING_PRODUCER));
	EXPECT_ERRNO(EAGAIN, DO(PEEK, 0));
	EXPECT_ERRNO(EAGAIN, DO(READ, 32));
	EXPECT_ERRNO(EINVAL, DO(WRITE, 8));
	EXPECT_EQ(0, DO(RELEASE, 0));
	for (sent = 0; !ask(writer.ring, 24, sent); sent++)
		;
	EXPECT_EQ(127, sent);
	fill(record, 24, 0);
	EXPECT_EQ(24, DO(PEEK, 0));
	EXPECT_EQ(0, memcmp(self->bench, record, 24));
	fill(record, 24, 1);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, i ? DO(UNPEEK, 0) : 0);
		EXPECT_EQ(24, DO(PEEK, 0));
		EXPECT_EQ(0, memcmp(self->bench, record, 24));
		/* Nothing has been given back. */
		EXPECT_EQ(-EAGAIN, ask(writer.ring, 24, 0));
	}
	EXPECT_EQ(0, DO(RELEASE, 0));
	EXPECT_EQ(0, DO(UNPEEK, 0));
	EXPECT_EQ(0, ask(writer.ring, 24, sent));
	EXPECT_EQ(0, ask(writer.ring, 24, sent + 1));
	EXPECT_EQ(-EAGAIN, ask(writer.ring, 24, 0));
	for (i = 2; i <= sent + 1; i++) {
		fill(record, 24, i);
		ASSERT_EQ(24, DO(READ, 24));
		ASSERT_EQ(0, memcmp(self->bench, record, 24));
	}
	EXPECT_ERRNO(EAGAIN, DO(READ, 24));
	/* What has no room is dropped, and told. */
	EXPECT_EQ(0, ask(writer.ring, 25, 0));
	EXPECT_EQ(0, ask(writer.ring, 24, 1));
	EXPECT_ERRNO(EMSGSIZE, DO(READ, 24));
	EXPECT_EQ(24, DO(READ, 24));
	detach(&writer);
}

/* -EBADMSG: a consumer that claims what cannot be; then it goes on */
TEST_F(probe, does_not_believe_a_consumer)
{
	struct shmdev_ring_cursor *cursor;
	static const __s64 lies[] = { -8, 1, 4, 4096 + 8, 1 << 20,
				      (__s64)(1ULL << 63) };
	__u64 was;
	size_t i;

	SKIP_WITHOUT_SAMPLES();
	ASSERT_EQ(0, probe_open(self, PRODUCES));
	cursor = writable(self->fd, 2);
	ASSERT_NE(MAP_FAILED, cursor);
	fill(self->bench, 24, 5);
	while (!DO(WRITE, 24))
		;
	was = cursor->position;
	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		cursor->position = was + lies[i];
		EXPECT_ERRNO(EBADMSG, DO(WRITE, 24));
	}
	cursor->position = was;
	EXPECT_ERRNO(EAGAIN, DO(WRITE, 24));
	cursor->position = was + 32;
	EXPECT_EQ(0, DO(WRITE, 24));
	EXPECT_ERRNO(EAGAIN, DO(WRITE, 24));
	munmap(cursor, page_bytes());
}

/* -EBADMSG: a producer that claims what cannot be; then it goes on */
TEST_F(probe, does_not_believe_a_producer)
{
	static const __s64 heads[] = { -8, 4, 4096, 4096 + 8, 1 << 20,
				       (__s64)(1ULL << 63) };
	static const __u32 lengths[] = { 0, 25, 4080, 4096, 0x7fffffff,
					 0xfffffff0, 0xffffffff };
	struct shmdev_ring_producer *producer;
	struct shmdev_record *record;
	struct party writer;
	__u64 was;
	size_t i;

	SKIP_WITHOUT_SAMPLES();
	ASSERT_EQ(0, probe_open(self, CONSUMES));
	ASSERT_EQ(0, attach_at(&writer, self->fd, 0, SHMDEV_RING_PRODUCER));
	producer = writable(self->fd, 1);
	ASSERT_NE(MAP_FAILED, producer);
	/* The ring begins at a multiple of its size. */
	record = writable(self->fd, 3);
	ASSERT_NE(MAP_FAILED, record);

	was = producer->head;
	for (i = 0; i < ARRAY_SIZE(heads); i++) {
		producer->head = was + heads[i];
		EXPECT_ERRNO(EBADMSG, DO(PEEK, 0));
	}
	/* A record that leaves no room for what follows it. */
	record->bytes = page_bytes() - 8;
	producer->head = was + page_bytes();
	EXPECT_ERRNO(EBADMSG, DO(PEEK, 0));
	record->bytes = 0;
	producer->head = was;
	EXPECT_ERRNO(EAGAIN, DO(PEEK, 0));

	ASSERT_EQ(0, ask(writer.ring, 24, 7));
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		record->bytes = lengths[i];
		EXPECT_ERRNO(EBADMSG, DO(PEEK, 0));
		EXPECT_ERRNO(EBADMSG, DO(READ, 24));
	}
	record->bytes = 24;
	EXPECT_EQ(24, DO(READ, 24));
	munmap(producer, page_bytes());
	munmap(record, page_bytes());
	detach(&writer);
}

/* What was peeked at counts: heads that follow one another lead to no more room */
TEST_F(probe, does_not_believe_a_producer_bit_by_bit)
{
	struct shmdev_ring_producer *producer;
	struct shmdev_record *records;
	unsigned int i;

	SKIP_WITHOUT_SAMPLES();
	ASSERT_EQ(0, probe_open(self, CONSUMES));
	producer = writable(self->fd, 1);
	ASSERT_NE(MAP_FAILED, producer);
	records = writable(self->fd, 3);
	ASSERT_NE(MAP_FAILED, records);
	for (i = 0; i < page_bytes() / 8; i++)
		records[i].bytes = 1016;
	for (i = 0; i < 3; i++) {
		producer->head += 1024;
		EXPECT_EQ(1016, DO(PEEK, 0));
	}
	producer->head += 1024;
	EXPECT_ERRNO(EBADMSG, DO(PEEK, 0));
	EXPECT_EQ(0, DO(RELEASE, 0));
	EXPECT_EQ(1016, DO(PEEK, 0));
	munmap(producer, page_bytes());
	munmap(records, page_bytes());
}

struct doing {
	int fd;
	__u64 argument;
	struct shmdev_ring *ring;
	int ret;
	int error;
};

static void *kick_later(void *arg)
{
	struct doing *doing = arg;

	doing->ret = kick_with(doing->fd, doing->argument);
	doing->error = errno;
	return NULL;
}

/* shmdev_ring_wait(): sleeps until a process sends, or the time has come */
TEST_F(probe, sleeps_until_there_is_a_record)
{
	struct doing doing = {
		.argument = (__u64)RINGPROBE_WAIT << RINGPROBE_SHIFT | 20000,
	};
	__u64 begun;
	struct party writer;
	pthread_t thread;
	int i;

	SKIP_WITHOUT_SAMPLES();
	if (variant->in_interrupt)
		SKIP(return, "nobody sleeps in an interrupt");
	ASSERT_EQ(0, probe_open(self, PRODUCES));
	EXPECT_ERRNO(EINVAL, DO(WAIT, 1));
	ASSERT_EQ(0, probe_open(self, CONSUMES));
	ASSERT_EQ(0, attach_at(&writer, self->fd, 0, SHMDEV_RING_PRODUCER));
	EXPECT_ERRNO(ETIMEDOUT, DO(WAIT, 10));
	for (i = 0; i < 20; i++) {
		doing.fd = self->fd;
		begun = milliseconds();
		ASSERT_EQ(0, pthread_create(&thread, NULL, kick_later, &doing));
		/* Mostly while it sleeps. */
		usleep(i * 1000);
		EXPECT_EQ(0, ask(writer.ring, 24, i));
		pthread_join(thread, NULL);
		EXPECT_EQ(0, doing.ret) TH_LOG("%s", strerror(doing.error));
		EXPECT_GT(10000, milliseconds() - begun);
		EXPECT_EQ(24, DO(READ, 24));
	}
	EXPECT_EQ(0, ask(writer.ring, 24, i));
	EXPECT_EQ(0, DO(WAIT, 20000));
	detach(&writer);
}

static void *send_one(void *arg)
{
	struct timespec patience = in_ms(20 * SECOND);
	struct doing *doing = arg;
	char record[24] = "";

	doing->ret = shmdev_ring_send(doing->ring, record, sizeof(record),
				      &patience);
	return NULL;
}

/* queue: a producer that waits for room is woken when the kernel gives it back */
TEST_F(probe, gives_room_to_who_sleeps)
{
	struct doing doing;
	struct party writer;
	pthread_t thread;
	int i;

	SKIP_WITHOUT_SAMPLES();
	ASSERT_EQ(0, probe_open(self, CONSUMES));
	ASSERT_EQ(0, attach_at(&writer, self->fd, 0, SHMDEV_RING_PRODUCER));
	shmdev_ring_set_spin(writer.ring, 0);
	while (!ask(writer.ring, 24, 0))
		;
	for (i = 0; i < 20; i++) {
		doing.ring = writer.ring;
		ASSERT_EQ(0, pthread_create(&thread, NULL, send_one, &doing));
		usleep(i * 1000);
		EXPECT_EQ(24, DO(READ, 24));
		pthread_join(thread, NULL);
		EXPECT_EQ(0, doing.ret);
	}
	detach(&writer);
}

static void *receive_one(void *arg)
{
	struct timespec patience = in_ms(20 * SECOND);
	struct doing *doing = arg;
	char record[4096];

	doing->ret = shmdev_ring_receive(doing->ring, record, sizeof(record),
					 &patience, NULL);
	return NULL;
}

/* Throttled: whoever waits for more than fits is woken when there is no room */
TEST_F(probe, wakes_a_throttled_consumer_when_there_is_no_room)
{
	struct doing doing;
	struct party reader;
	pthread_t thread;
	int i, ret;

	SKIP_WITHOUT_SAMPLES();
	ASSERT_EQ(0, probe_open(self, PRODUCES));
	ASSERT_EQ(0, attach_at(&reader, self->fd, 0, SHMDEV_RING_CONSUMER));
	shmdev_ring_set_spin(reader.ring, 0);
	shmdev_ring_throttle(reader.ring, 1000, 1 << 20, 0);
	doing.ring = reader.ring;
	ASSERT_EQ(0, DO(WRITE, 24));
	ASSERT_EQ(0, pthread_create(&thread, NULL, receive_one, &doing));
	usleep(20000);
	/* Less than half of the room is used, and this does not fit. */
	for (i = 0; i < 20000; i++) {
		ret = DO(WRITE, page_bytes() - 32);
		if (!ret)
			break;
		ASSERT_EQ(EAGAIN, errno);
		usleep(1000);
	}
	EXPECT_EQ(0, ret);
	pthread_join(thread, NULL);
	EXPECT_EQ(24, doing.ret);
	detach(&reader);
}

/* Throttled by records: woken when there are so many, however few bytes these are */
TEST_F(probe, wakes_a_throttled_consumer_when_there_are_enough)
{
	struct doing doing;
	struct party reader;
	pthread_t thread;
	__u64 begun = milliseconds();
	int i;

	SKIP_WITHOUT_SAMPLES();
	ASSERT_EQ(0, probe_open(self, PRODUCES));
	ASSERT_EQ(0, attach_at(&reader, self->fd, 0, SHMDEV_RING_CONSUMER));
	shmdev_ring_set_spin(reader.ring, 0);
	shmdev_ring_throttle(reader.ring, 10, 0, 0);
	doing.ring = reader.ring;
	ASSERT_EQ(0, pthread_create(&thread, NULL, receive_one, &doing));
	for (i = 0; i < 10; i++) {
		usleep(10000);
		ASSERT_EQ(0, DO(WRITE, 24));
	}
	pthread_join(thread, NULL);
	EXPECT_EQ(24, doing.ret);
	/* Else by its deadline. */
	EXPECT_GT(15000, milliseconds() - begun);
	detach(&reader);
}

/*
 * shmdev_ring_create(): -EINVAL for what makes no sense, -EEXIST if there is one
 * already, -ENOSPC if there are too many; and nothing is left
 */
TEST_F(probe, refuses_a_ring)
{
	static const struct {
		const char *spec;
		unsigned int pages;
		int error;
	} rings[] = {
		{ "kind=0", 60, EINVAL },
		{ "kind=3", 60, EINVAL },
		{ "kind=2 consumes=1", 60, EINVAL },
		{ "kind=1 flags=1", 60, EINVAL },
		{ "kind=1 consumes=1 flags=2", 60, EINVAL },
		{ "kind=1 flags=4", 60, EINVAL },
		{ "kind=1 readers=2", 60, EINVAL },
		{ "kind=2 readers=33", 60, EINVAL },
		{ "kind=1 position=4", 60, EINVAL },
		{ "kind=1 offset=8", 60, EINVAL },
		{ "kind=1 bytes=12288", 60, EINVAL },
		{ "kind=1 offset=1048576 bytes=4096", 60, EINVAL },
		{ "kind=1 offset=4096 bytes=20480", 4, EINVAL },
		{ "kind=2 readers=4", 4, EINVAL },
		{ "kind=1 bytes=16384 times=2", 60, EEXIST },
		{ "kind=1 bytes=16384 times=2 step=12288", 60, EEXIST },
		{ "kind=1 bytes=16384 consumes=1 times=2", 60, EEXIST },
		{ "kind=1 bytes=16384 times=2 step=16384", 60, 0 },
		{ "kind=1 bytes=16384 times=3 step=16384", 60, ENOSPC },
		{ "kind=1 bytes=16384 consumes=1 times=4 step=16384", 60, 0 },
		{ "kind=1 bytes=16384 consumes=1 times=5 step=16384", 60,
		  ENOSPC },
	};
	struct state before;
	size_t i;

	SKIP_WITHOUT_SAMPLES();
	if (page_bytes() != 4096)
		SKIP(return, "the sizes are for pages of 4096 bytes");
	unload_module("shmdev_ringprobe");
	before = take_state(self->door);
	for (i = 0; i < ARRAY_SIZE(rings); i++) {
		int ret = probe_open_pages(self, rings[i].spec, rings[i].pages);
		int error = ret ? errno : 0;

		EXPECT_EQ(rings[i].error, error) TH_LOG("%s", rings[i].spec);
		probe_close(self);
		ASSERT_EQ(0, unload_module("shmdev_ringprobe"));
	}
	expect_unchanged(_metadata, self->door, &before);
}

/* The converter written by hand does what the other does */
TEST(by_hand_streams_too)
{
	struct adc_by_hand_page *page;
	struct adc_sample *samples, sample;
	__u64 period = NSEC_PER_MSEC, seen = 0, head, tail, size;
	struct pollfd poller = { .events = POLLIN };
	unsigned int i;
	int fd;

	SKIP_WITHOUT_SAMPLES();
	unload_module("shmdev_adc_by_hand");
	ASSERT_EQ(0, load_module("shmdev_adc_by_hand", ""));
	size = page_bytes() + ADC_BY_HAND_SAMPLES * sizeof(sample);
	fd = open("/dev/adc_by_hand", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(MAP_FAILED, map(fd, size, PROT_READ | PROT_WRITE));
	page = map(fd, size, PROT_READ);
	ASSERT_NE(MAP_FAILED, page);
	EXPECT_ERRNO(EACCES, mprotect(page, size, PROT_READ | PROT_WRITE));
	samples = (void *)((char *)page + page_bytes());
	ASSERT_EQ(0, ioctl(fd, ADC_BY_HAND_PERIOD, &period));
	poller.fd = fd;
	while (seen < 200) {
		ASSERT_EQ(1, poll(&poller, 1, 20 * SECOND));
		head = __atomic_load_n(&page->head, __ATOMIC_ACQUIRE);
		ASSERT_LT(seen, head);
		for (i = 0; seen < head; seen++, i++) {
			sample = samples[seen % ADC_BY_HAND_SAMPLES];
			__atomic_thread_fence(__ATOMIC_ACQUIRE);
			tail = __atomic_load_n(&page->tail, __ATOMIC_RELAXED);
			ASSERT_LE(tail, seen);
			ASSERT_EQ(seen, sample.value);
		}
		ASSERT_EQ(0, ioctl(fd, ADC_BY_HAND_SEEN, &seen));
	}
	/* Once round, it says what is gone. */
	EXPECT_EQ(0, page->tail);
	period = 10000;
	ASSERT_EQ(0, ioctl(fd, ADC_BY_HAND_PERIOD, &period));
	while (__atomic_load_n(&page->head, __ATOMIC_ACQUIRE) <
	       ADC_BY_HAND_SAMPLES + 100)
		usleep(1000);
	period = 0;
	EXPECT_EQ(0, ioctl(fd, ADC_BY_HAND_PERIOD, &period));
	EXPECT_EQ(page->head - ADC_BY_HAND_SAMPLES, page->tail);
	munmap(page, size);
	close(fd);
	EXPECT_EQ(0, unload_module("shmdev_adc_by_hand"));
}

TEST_HARNESS_MAIN
