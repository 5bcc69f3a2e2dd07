// SPDX-License-Identifier: GPL-2.0-only
/*
 * No record waits for a page, once a ring has been populated. On a memfd, or with
 * SEGMENT on a segment. TAP.
 */
#include <sys/resource.h>

#include "ring-pair.h"

#define PAGE 4096UL
#define PAGES 64UL
#define SMALL 1000
/* So large that both mappings of the data are used up to their ends. */
#define LARGE ((PAGES - 1) * PAGE)
/* The first has this program's own faults, too; and a host may take pages away. */
#define TRIES 4

static long faults_so_far(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage))
		abort();
	return usage.ru_minflt + usage.ru_majflt;
}

static struct pair new_pair(enum shmdev_ring_kind kind, uint32_t flags)
{
	return pair_of((struct shmdev_ring_options){
		.size = sizeof(struct shmdev_ring_options),
		.kind = kind,
		.flags = flags,
		.data_bytes = PAGES * PAGE,
	});
}

static void exchange(const struct pair *pair, size_t bytes)
{
	static char sent[LARGE], received[LARGE];

	check(shmdev_ring_send(pair->producer, sent, bytes, NOW) == 0);
	check(shmdev_ring_receive(pair->consumer, received, bytes, NOW, NULL) ==
	      (ssize_t)bytes);
}

static long faults_of_laps(const struct pair *pair)
{
	long before = faults_so_far();

	for (size_t bytes = 0; bytes < 2 * PAGES * PAGE; bytes += SMALL)
		exchange(pair, SMALL);
	for (unsigned int i = 0; i < PAGES; i++)
		exchange(pair, LARGE);
	return faults_so_far() - before;
}

static long least_faults(enum shmdev_ring_kind kind, uint32_t flags,
			 bool populated)
{
	long least = 0, faults;

	for (unsigned int i = 0; i < TRIES; i++) {
		struct pair pair = new_pair(kind, flags);

		if (populated) {
			check(shmdev_ring_populate(pair.producer) == 0);
			check(shmdev_ring_populate(pair.consumer) == 0);
		}
		faults = faults_of_laps(&pair);
		if (!i || faults < least)
			least = faults;
		pair_end(&pair);
	}
	return least;
}

/* In each kind of ring, whoever writes there. */
static void populated_ring_has_no_faults(void)
{
	check(least_faults(SHMDEV_RING_IS_QUEUE, 0, true) == 0);
	check(least_faults(SHMDEV_RING_IS_QUEUE, SHMDEV_RING_CLEARS, true) ==
	      0);
	check(least_faults(SHMDEV_RING_IS_STREAM, 0, true) == 0);
}

/* Else there are some, so they would have been seen. */
static void others_have_some(void)
{
	check(least_faults(SHMDEV_RING_IS_QUEUE, 0, false) > 0);
}

/* Also by who only looks, and while it is in use. */
static void anybody_may_populate(void)
{
	struct pair pair = new_pair(SHMDEV_RING_IS_QUEUE, 0);
	struct shmdev_ring *observer = attach(pair.fd, SHMDEV_RING_OBSERVER);

	exchange(&pair, SMALL);
	check(shmdev_ring_populate(observer) == 0);
	check(shmdev_ring_populate(pair.producer) == 0);
	check(shmdev_ring_populate(pair.producer) == 0);
	exchange(&pair, SMALL);
	check(shmdev_ring_populate(NULL) == -EINVAL);
	shmdev_ring_detach(observer);
	pair_end(&pair);
}

#ifndef SEGMENT
/* Where memory ends it is an error, and no signal. A segment does not shrink. */
static void no_memory_is_told(void)
{
	struct pair pair = new_pair(SHMDEV_RING_IS_QUEUE, 0);

	check(ftruncate(pair.fd, 8 * PAGE) == 0);
	errno = 0;
	check(shmdev_ring_populate(pair.producer) == -EFAULT);
	check(errno == 0);
	pair_end(&pair);
}
#endif

int main(void)
{
	world_begin();
	RUN(populated_ring_has_no_faults);
	RUN(others_have_some);
	RUN(anybody_may_populate);
#ifndef SEGMENT
	RUN(no_memory_is_told);
#endif
	printf("1..%u\n", cases);
	return failed;
}
