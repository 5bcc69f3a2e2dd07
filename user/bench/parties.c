// SPDX-License-Identifier: GPL-2.0-only
/*
 * More parties than two: several producers of a queue, many readers of a
 * stream.
 */
#include <err.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"
#include "memory-ring.h"

#define BYTES 64
#define PRODUCERS 2

static __attribute__((noreturn)) void produce(int fd, uint64_t id,
					      struct ring_counts *counts,
					      uint64_t records)
{
	struct shmdev_ring *ring;
	char record[BYTES] = { };
	int ret = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(60);
	ring = memory_ring_attach(fd, id, SHMDEV_RING_PRODUCER, counts);
	for (uint64_t i = 0; i < records && !ret; i++) {
		memcpy(record, &id, sizeof(id));
		memcpy(record + sizeof(id), &i, sizeof(i));
		ret = shmdev_ring_send(ring, record, sizeof(record), NULL);
	}
	_exit(ret != 0);
}

/* Each producer's records come in their order. */
static void consume(struct shmdev_ring *ring, uint64_t records)
{
	uint64_t next[PRODUCERS + 1] = { }, id, number;
	char record[BYTES];

	for (uint64_t i = 0; i < records; i++) {
		if (shmdev_ring_receive(ring, record, sizeof(record), NULL,
					NULL) != sizeof(record))
			errx(1, "two producers: a record is lost");
		memcpy(&id, record, sizeof(id));
		memcpy(&number, record + sizeof(id), sizeof(number));
		if (id < 1 || id > PRODUCERS || number != next[id]++)
			errx(1, "two producers: a record is out of order");
	}
}

/* The consumer on its own processor, the producers on the others there are. */
static void place_parties(bool is_consumer)
{
	cpu_set_t set;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (is_consumer || cpus <= PRODUCERS) {
		pair_pin(is_consumer);
		return;
	}
	CPU_ZERO(&set);
	for (int cpu = 0; cpu < cpus; cpu++)
		CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

void measure_two_producers(void)
{
	const char *what = "two-producers", *who = "shmdev many waiting";
	const uint64_t records = 20000;
	struct ring_counts *counts;
	struct shmdev_ring *ring;
	pid_t children[PRODUCERS];
	uint64_t begin;
	int fd, status;

	if (!is_wanted(what, who))
		return;
	counts = shared_memory(sizeof(*counts));
	fd = memory_ring_new(SHMDEV_RING_IS_QUEUE, SHMDEV_RING_MANY, 1);
	place_parties(false);
	begin = pair_clock();
	for (unsigned int i = 0; i < PRODUCERS; i++) {
		children[i] = fork();
		if (children[i] < 0)
			err(1, "fork");
		if (!children[i])
			produce(fd, 1 + i, counts, records);
	}
	place_parties(true);
	ring = memory_ring_attach(fd, 1 + PRODUCERS, SHMDEV_RING_CONSUMER,
				  counts);
	consume(ring, PRODUCERS * records);
	tell(what, who, BYTES, "ns",
	     (double)(pair_clock() - begin) / (double)(PRODUCERS * records),
	     sysconf(_SC_NPROCESSORS_ONLN) > PRODUCERS ? "any" : "shared");
	for (unsigned int i = 0; i < PRODUCERS; i++)
		if (waitpid(children[i], &status, 0) != children[i] || status)
			errx(1, "two producers: one failed");
	shmdev_ring_detach(ring);
	close(fd);
	shared_memory_drop();
}

/* What it costs a producer that others could be asleep, or look on. */
static void measure_stream(const char *who, unsigned int cursors,
			   unsigned int readers, unsigned int observers)
{
	struct shmdev_ring **parties = calloc(readers + observers + 1,
					      sizeof(*parties));
	int fd = memory_ring_new(SHMDEV_RING_IS_STREAM, 0, cursors);
	const unsigned int records = 100000;
	struct ring_counts counts = { };
	struct shmdev_ring *producer;
	char record[BYTES] = { };
	uint64_t begin;

	if (!parties)
		err(1, "calloc");
	producer = memory_ring_attach(fd, 1, SHMDEV_RING_PRODUCER, &counts);
	for (unsigned int i = 0; i < readers + observers; i++)
		parties[i] = memory_ring_attach(fd, 2 + i,
						i < readers ?
							SHMDEV_RING_CONSUMER :
							SHMDEV_RING_OBSERVER,
						&counts);
	begin = 0;
	for (unsigned int i = 0; i < 2 * records; i++) {
		if (i == records)
			begin = pair_cpu_clock();
		if (shmdev_ring_send(producer, record, sizeof(record), NULL))
			errx(1, "a stream fails");
	}
	tell("stream-send", who, BYTES, "ns",
	     (double)(pair_cpu_clock() - begin) / records, "any");
	for (unsigned int i = 0; i < readers + observers; i++)
		shmdev_ring_detach(parties[i]);
	free(parties);
	shmdev_ring_detach(producer);
	close(fd);
}

void measure_readers(void)
{
	char who[64];

	for (unsigned int readers = 1; readers <= 32; readers *= 2) {
		snprintf(who, sizeof(who), "shmdev stream, readers: %u",
			 readers);
		if (is_wanted("stream-send", who))
			measure_stream(who, readers, readers, 0);
	}
	snprintf(who, sizeof(who), "shmdev stream, observers: 1000");
	if (is_wanted("stream-send", who))
		measure_stream(who, 1, 1, 1000);
}
