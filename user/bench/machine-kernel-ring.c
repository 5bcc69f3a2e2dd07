// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings with the kernel on one side, by the endpoint "bench": a kick makes it
 * produce or consume many records.
 */
#include <fcntl.h>

#include "../../driver/samples/bench.h"
#include "machine.h"

/* So that twice as many of the longest fit. */
#define TIMES 24
#define READERS_MAX 32

struct ring {
	struct shmdev_segment *segment;
	struct shmdev_ring *ring;
	size_t bytes;
	char record[RECORD_MAX];
};

static void kick(struct ring *ring, unsigned int operation, unsigned int times)
{
	ok(shmdev_segment_kick(ring->segment,
			       BENCH_ARGUMENT(operation, times, ring->bytes)),
	   "KICK");
}

static void kernel_produce(void *data, unsigned int times)
{
	kick(data, BENCH_PRODUCE, times);
}

static void kernel_produce_batch(void *data, unsigned int times)
{
	kick(data, BENCH_PRODUCE_BATCH, times);
}

static void kernel_produce_in_place(void *data, unsigned int times)
{
	kick(data, BENCH_PRODUCE_IN_PLACE, times);
}

static void kernel_consume(void *data, unsigned int times)
{
	kick(data, BENCH_CONSUME, times);
}

static void kernel_consume_in_place(void *data, unsigned int times)
{
	kick(data, BENCH_CONSUME_IN_PLACE, times);
}

static void consume(void *data, unsigned int times)
{
	struct ring *ring = data;

	while (times--)
		ok(shmdev_ring_receive(ring->ring, ring->record, RECORD_MAX,
				       SHMDEV_RING_NOW, NULL), "receive");
}

static void consume_in_place(void *data, unsigned int times)
{
	struct ring *ring = data;
	struct shmdev_ring_record record;

	while (times--) {
		ok(shmdev_ring_peek(ring->ring, SHMDEV_RING_NOW, &record),
		   "peek");
		ok(shmdev_ring_release(ring->ring), "release");
	}
}

/* Whatever is there, as libbpf does it: each is looked at where it is, */
static void drain_in_place(void *data, unsigned int times)
{
	struct shmdev_ring_record records[2 * TIMES];
	struct ring *ring = data;

	while (times)
		times -= ok(shmdev_ring_peek_many(ring->ring, records, times,
						  SHMDEV_RING_NOW), "peek");
	ok(shmdev_ring_release(ring->ring), "release");
}

/* or copied. */
static void drain(void *data, unsigned int times)
{
	struct shmdev_ring_record records[2 * TIMES];
	struct ring *ring = data;
	long found, i;

	for (; times; times -= found) {
		found = ok(shmdev_ring_peek_many(ring->ring, records, times,
						 SHMDEV_RING_NOW), "peek");
		for (i = 0; i < found; i++)
			memcpy(ring->record, records[i].data,
			       records[i].bytes);
	}
	ok(shmdev_ring_release(ring->ring), "release");
}

static void produce(void *data, unsigned int times)
{
	struct ring *ring = data;

	while (times--)
		ok(shmdev_ring_send(ring->ring, ring->record, ring->bytes,
				    SHMDEV_RING_NOW), "send");
}

static void produce_in_place(void *data, unsigned int times)
{
	struct ring *ring = data;
	void *record;

	while (times--) {
		ok(shmdev_ring_reserve(ring->ring, ring->bytes, SHMDEV_RING_NOW,
				       &record), "reserve");
		poke(record, times);
		ok(shmdev_ring_commit(ring->ring), "commit");
	}
}

/* With an argument, as those that it stands for have one. */
static void kick_for_nothing(void *data, unsigned int times)
{
	const struct ring *ring = data;

	while (times--)
		ok(shmdev_segment_kick(ring->segment,
				       BENCH_ARGUMENT(BENCH_NOTHING, 0, 1)),
		   "KICK");
}

static void look_in_vain(void *data, unsigned int times)
{
	struct ring *ring = data;
	struct shmdev_ring_record record;

	while (times--)
		need(shmdev_ring_peek(ring->ring, SHMDEV_RING_NOW, &record) ==
		     -EAGAIN, "peek");
}

static void one_by_one(void *data, unsigned int times)
{
	while (times--) {
		kick(data, BENCH_PRODUCE, 1);
		consume(data, 1);
	}
}

static void open_ring(struct ring *ring, unsigned int kind, unsigned int slots,
		      bool kernel_consumes)
{
	ring->segment = segment_with_ring(kind, slots, kernel_consumes);
	ok(shmdev_ring_attach(ring->segment, 0, kernel_consumes ?
			      SHMDEV_RING_PRODUCER : SHMDEV_RING_CONSUMER,
			      &ring->ring), "attach");
	ring->bytes = 8;
}

static void close_ring(struct ring *ring)
{
	shmdev_ring_detach(ring->ring);
	shmdev_segment_close(ring->segment);
}

/* Somebody else who reads the same stream, and does not get on. */
static void open_idle(struct ring *idle, const struct ring *ring)
{
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d",
		 shmdev_segment_fd(ring->segment));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	need(fd >= 0, path);
	ok(shmdev_segment_from_fd(fd, &idle->segment), "segment");
	ok(shmdev_ring_attach(idle->segment, 0, SHMDEV_RING_CONSUMER,
			      &idle->ring), "attach");
}

/* @slots: how many may read; @readers: how many do. */
static void to_user(const char *who, unsigned int kind, unsigned int slots,
		    unsigned int readers)
{
	static const struct step copying[] = {
		{ "kernel-produces", kernel_produce },
		{ "user-consumes", consume },
		{ "kernel-produces batch", kernel_produce_batch },
		{ "user-drains", drain },
	};
	static const struct step in_place[] = {
		{ "kernel-produces in place", kernel_produce_in_place },
		{ "user-consumes in place", consume_in_place },
		{ "kernel-produces in place", kernel_produce_in_place },
		{ "user-drains in place", drain_in_place },
	};
	static struct ring idle[READERS_MAX];
	struct ring ring;
	double nothing;
	unsigned int i;

	open_ring(&ring, kind, slots, false);
	for (i = 1; i < readers; i++)
		open_idle(&idle[i], &ring);
	nothing = measure_one("trigger", who, 0, TIMES, kick_for_nothing, &ring,
			      0);
	wake_ups();
	for (i = 0; i < LENGTHS; i++) {
		ring.bytes = lengths[i];
		measure(who, ring.bytes, TIMES, copying, 4, &ring);
		measure(who, ring.bytes, TIMES, in_place, 4, &ring);
		measure_one("one by one, polled", who, ring.bytes, TIMES,
			    one_by_one, &ring, nothing);
	}
	report("wake-ups by polled records", who, 0, "count", wake_ups(), 0);
	measure_one("user looks in vain", who, 0, TIMES, look_in_vain, &ring,
		    0);
	for (i = 1; i < readers; i++)
		close_ring(&idle[i]);
	close_ring(&ring);
}

static void to_kernel(void)
{
	static const struct step copying[] = {
		{ "user-produces", produce },
		{ "kernel-consumes", kernel_consume },
	};
	static const struct step in_place[] = {
		{ "user-produces in place", produce_in_place },
		{ "kernel-consumes in place", kernel_consume_in_place },
	};
	struct ring ring;

	open_ring(&ring, SHMDEV_RING_IS_QUEUE, 1, true);
	for (size_t i = 0; i < LENGTHS; i++) {
		ring.bytes = lengths[i];
		measure("shmdev queue", ring.bytes, TIMES, copying, 2, &ring);
		measure("shmdev queue", ring.bytes, TIMES, in_place, 2, &ring);
	}
	close_ring(&ring);
}

void run_kernel_ring(void)
{
	/* The one tracepoint that tells of wake-ups. */
	set("/sys/kernel/tracing/events/shmdev/shmdev_wake/enable", "1");
	to_user("shmdev queue", SHMDEV_RING_IS_QUEUE, 1, 1);
	to_user("shmdev stream", SHMDEV_RING_IS_STREAM, 8, 1);
	to_user("shmdev stream, 8 readers", SHMDEV_RING_IS_STREAM, 8, 8);
	to_user("shmdev stream, 32 readers", SHMDEV_RING_IS_STREAM, READERS_MAX,
		READERS_MAX);
	set("/sys/kernel/tracing/events/shmdev/shmdev_wake/enable", "0");
	to_kernel();
}
