// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library's operations, to be counted: by callgrind, see the script that is
 * called instructions; and how often they enter the kernel, exactly. One
 * process is both sides, and each does its part when the other one has done its
 * own.
 *
 * What a cache costs is not in such counts: lines that are cleared look like a
 * loss here. They are there to see that nothing was added by mistake.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if __has_include("valgrind/callgrind.h")
#include <valgrind/callgrind.h>
#else
/* To look at the exact counts, or for a check that reads this only. */
#define RUNNING_ON_VALGRIND 0
#define CALLGRIND_ZERO_STATS ((void)0)
#define CALLGRIND_DUMP_STATS_AT(name) ((void)(name))
#endif

#include "memory-ring.h"
#include "transport.h"

/* Of each operation so many, and twice as many: a multiple of BATCH. */
#define COUNT 1024

struct rings {
	struct shmdev_ring *producer, *consumer;
	size_t bytes;
	/* What each sleep lets the other side do, and how often. */
	void (*other_side)(struct rings *rings, unsigned int count,
			   const struct timespec *deadline);
	unsigned int burst;
	struct ring_counts counts;
};

static unsigned char buffer[RECORD_MAX];

static void must(long ret, const char *what)
{
	if (ret < 0)
		errx(1, "%s: %s", what, strerror((int)-ret));
}

static void send_receive(struct rings *rings, unsigned int count)
{
	const struct timespec *now = SHMDEV_RING_NOW;

	while (count--) {
		must(shmdev_ring_send(rings->producer, buffer, rings->bytes,
				      now), "send");
		must(shmdev_ring_receive(rings->consumer, buffer, rings->bytes,
					 now, NULL), "receive");
	}
}

/* As above, but of most it is known that they are there, or have room. */
static void behind(struct rings *rings, unsigned int count)
{
	const struct timespec *now = SHMDEV_RING_NOW;
	unsigned int some;

	for (; count; count -= some) {
		some = count < BATCH ? count : BATCH;
		for (unsigned int i = 0; i < some; i++)
			must(shmdev_ring_send(rings->producer, buffer,
					      rings->bytes, now), "send");
		for (unsigned int i = 0; i < some; i++)
			must(shmdev_ring_receive(rings->consumer, buffer,
						 rings->bytes, now, NULL),
			     "receive");
	}
}

/* Nothing is copied, so the size has no part in it. */
static void in_place(struct rings *rings, unsigned int count)
{
	const struct timespec *now = SHMDEV_RING_NOW;
	struct shmdev_ring_record record;
	void *room;

	while (count--) {
		must(shmdev_ring_reserve(rings->producer, rings->bytes, now,
					 &room), "reserve");
		must(shmdev_ring_commit(rings->producer), "commit");
		must(shmdev_ring_peek(rings->consumer, now, &record), "peek");
		must(shmdev_ring_release(rings->consumer), "release");
	}
}

static void by_32(struct rings *rings, unsigned int count)
{
	const struct timespec *now = SHMDEV_RING_NOW;
	struct shmdev_ring_record records[BATCH];
	void *rooms[BATCH];
	int some;

	/*
	 * Or by as many as have room at once. In the fewest instructions; what is
	 * timed as "by 32" commits later, which takes more, and less time.
	 */
	for (unsigned int i = 0; i < count; i += some) {
		some = count - i < BATCH ? count - i : BATCH;
		some = shmdev_ring_reserve_many(rings->producer, rings->bytes,
						some, now, rooms);
		must(some, "reserve");
		for (int j = 0; j < some; j++)
			memcpy(rooms[j], buffer, rings->bytes);
		must(shmdev_ring_commit_many(rings->producer, some), "commit");
		must(shmdev_ring_peek_many(rings->consumer, records, some, now),
		     "peek");
		for (int j = 0; j < some; j++)
			memcpy(buffer, records[j].data, records[j].bytes);
		must(shmdev_ring_release(rings->consumer), "release");
	}
}

typedef void operation_fn(struct rings *rings, unsigned int count);

static const struct {
	const char *name;
	operation_fn *run;
} operations[] = {
	{ "send+receive", send_receive },
	{ "behind", behind },
	{ "in-place", in_place },
	{ "by-32", by_32 },
};

static const struct {
	const char *name;
	uint32_t flags;
} kinds[] = {
	{ "isolated", 0 },
	{ "asymmetric", SHMDEV_RING_ASYMMETRIC },
	{ "cleared", SHMDEV_RING_CLEARS },
	{ "many", SHMDEV_RING_MANY },
	{ "many-asymmetric", SHMDEV_RING_MANY | SHMDEV_RING_ASYMMETRIC },
};

static void count_instructions(const char *operation, const char *kind,
			       operation_fn *run, struct rings *rings)
{
	char name[128];

	/* All pages have been touched, and all that is looked up once. */
	run(rings, FOOTPRINT / (rings->bytes + 8) / BATCH * BATCH + BATCH);
	for (unsigned int times = 1; times <= 2; times++) {
		snprintf(name, sizeof(name), "%s shmdev-%s %zu %u", operation,
			 kind, rings->bytes, times * COUNT);
		CALLGRIND_ZERO_STATS;
		run(rings, times * COUNT);
		CALLGRIND_DUMP_STATS_AT(name);
	}
}

static int never_waits(void *context, uint64_t offset, const uint32_t *word,
		       uint32_t expected, uint32_t ends,
		       const struct timespec *deadline)
{
	(void)context;
	(void)offset;
	(void)word;
	(void)expected;
	(void)ends;
	(void)deadline;
	errx(1, "a busy ring sleeps");
}

static int never_wakes(void *context, uint64_t offset, uint32_t *word,
		       unsigned int count)
{
	(void)context;
	(void)offset;
	(void)word;
	(void)count;
	errx(1, "a busy ring wakes somebody");
}

static int nobody_has_ended(void *context, uint64_t id)
{
	(void)context;
	(void)id;
	return 0;
}

/* With both sides busy, no ring needs the kernel, so it is not there. */
static const struct shmdev_ring_calls busy_calls = {
	.wait = never_waits,
	.wake = never_wakes,
	.has_ended = nobody_has_ended,
};

static struct rings open_rings(uint32_t flags, size_t bytes,
			       const struct shmdev_ring_calls *calls,
			       void *context)
{
	int fd = memory_ring_new(SHMDEV_RING_IS_QUEUE, flags, 1);
	struct rings rings = {
		.producer = memory_ring_attach_with(fd, 1, SHMDEV_RING_PRODUCER,
						    calls, context),
		.consumer = memory_ring_attach_with(fd, 2, SHMDEV_RING_CONSUMER,
						    calls, context),
		.bytes = bytes,
	};

	close(fd);
	/* How often one looks again depends on the time. */
	shmdev_ring_set_spin(rings.producer, 0);
	shmdev_ring_set_spin(rings.consumer, 0);
	return rings;
}

static void close_rings(struct rings *rings)
{
	shmdev_ring_detach(rings->producer);
	shmdev_ring_detach(rings->consumer);
}

static void count_sizes(const char *operation, operation_fn *run,
			const char *kind, uint32_t flags)
{
	static const size_t sizes[] = { 8, 64, 256, 1024, 4096 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct rings rings = open_rings(flags, sizes[i], &busy_calls,
						NULL);

		count_instructions(operation, kind, run, &rings);
		close_rings(&rings);
	}
}

static void count_all_instructions(void)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
			count_sizes(operations[i].name, operations[i].run,
				    kinds[k].name, kinds[k].flags);
}

static void receive_each(struct rings *rings, unsigned int count,
			 const struct timespec *deadline)
{
	while (count--)
		must(shmdev_ring_receive(rings->consumer, buffer, rings->bytes,
					 deadline, NULL), "receive");
}

static void send_each(struct rings *rings, unsigned int count,
		      const struct timespec *deadline)
{
	while (count--)
		must(shmdev_ring_send(rings->producer, buffer, rings->bytes,
				      deadline), "send");
}

/*
 * Who sleeps lets the other side do a burst: here is where a second process
 * would run. It is woken by what that does, or it would sleep for ever.
 */
static int goes_to_sleep(void *context, uint64_t offset, const uint32_t *word,
			 uint32_t expected, uint32_t ends,
			 const struct timespec *deadline)
{
	struct rings *rings = context;

	(void)offset;
	(void)ends;
	(void)deadline;
	rings->counts.sleeps++;
	rings->other_side(rings, rings->burst, SHMDEV_RING_NOW);
	if (*word == expected)
		errx(1, "nobody wakes who sleeps");
	return 0;
}

static int wakes(void *context, uint64_t offset, uint32_t *word,
		 unsigned int count)
{
	struct rings *rings = context;

	(void)offset;
	(void)word;
	(void)count;
	rings->counts.kicks++;
	return 0;
}

static void count_calls(const char *who, bool reads, unsigned int burst)
{
	const struct shmdev_ring_calls calls = {
		.wait = goes_to_sleep,
		.wake = wakes,
		.has_ended = nobody_has_ended,
	};
	const unsigned int records = FOOTPRINT;
	struct rings rings;

	rings = open_rings(0, 64, &calls, &rings);
	rings.other_side = reads ? send_each : receive_each;
	rings.burst = burst;
	(reads ? receive_each : send_each)(&rings, records, NULL);
	printf("kicks\t%s\t%zu\tper record\t%.6g\tcounted\t0\n", who,
	       rings.bytes, (double)rings.counts.kicks / records);
	printf("sleeps\t%s\t%zu\tper record\t%.6g\tcounted\t0\n", who,
	       rings.bytes, (double)rings.counts.sleeps / records);
	close_rings(&rings);
}

int main(void)
{
	if (RUNNING_ON_VALGRIND) {
		count_all_instructions();
		return 0;
	}
	/* As if counted: it ends if one side sleeps, or wakes the other. */
	count_all_instructions();
	printf("kicks\tshmdev both busy\t0\tper record\t0\tcounted\t0\n");
	printf("sleeps\tshmdev both busy\t0\tper record\t0\tcounted\t0\n");
	count_calls("shmdev reader sleeps", true, 1);
	count_calls("shmdev reader sleeps, bursts of 32", true, 32);
	count_calls("shmdev writer sleeps", false, 1);
	count_calls("shmdev writer sleeps, bursts of 32", false, 32);
	return 0;
}
