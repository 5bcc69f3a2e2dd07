// SPDX-License-Identifier: GPL-2.0-only
/*
 * No record waits for a page, once a ring has been populated. On a memfd, or with
 * SEGMENT on a segment. TAP.
 */
#include <sys/resource.h>

#include "ring-pair.h"

#define PAGE 4096UL
#define PAGES 64
#define RECORD 1000

static long faults_so_far(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage))
		abort();
	return usage.ru_minflt + usage.ru_majflt;
}

static struct pair new_pair(enum shmdev_ring_kind kind)
{
	return pair_of((struct shmdev_ring_options){
		.size = sizeof(struct shmdev_ring_options),
		.kind = kind,
		.data_bytes = PAGES * PAGE,
	});
}

static void exchange(const struct pair *pair)
{
	static char sent[RECORD], received[RECORD];

	check(shmdev_ring_send(pair->producer, sent, RECORD, NOW) == 0);
	check(shmdev_ring_receive(pair->consumer, received, RECORD, NOW,
				  NULL) == RECORD);
}

/* Over both mappings of the data, so that there is no other that faults. */
static long faults_of_two_laps(const struct pair *pair)
{
	long before;

	/* What is this program's own. */
	exchange(pair);
	before = faults_so_far();
	for (size_t bytes = 0; bytes < 2 * PAGES * PAGE; bytes += RECORD)
		exchange(pair);
	return faults_so_far() - before;
}

/* In either kind of ring, by each party for itself. */
static void populated_ring_has_no_faults(void)
{
	static const enum shmdev_ring_kind kinds[] = {
		SHMDEV_RING_IS_QUEUE, SHMDEV_RING_IS_STREAM,
	};

	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct pair pair = new_pair(kinds[i]);

		check(shmdev_ring_populate(pair.producer) == 0);
		check(shmdev_ring_populate(pair.consumer) == 0);
		check(faults_of_two_laps(&pair) == 0);
		pair_end(&pair);
	}
}

/* Else there are some, so they would have been seen. */
static void others_have_some(void)
{
	struct pair pair = new_pair(SHMDEV_RING_IS_QUEUE);

	check(faults_of_two_laps(&pair) > 0);
	pair_end(&pair);
}

/* Also by who only looks, and while it is in use. */
static void anybody_may_populate(void)
{
	struct pair pair = new_pair(SHMDEV_RING_IS_QUEUE);
	struct shmdev_ring *observer = attach(pair.fd, SHMDEV_RING_OBSERVER);

	exchange(&pair);
	check(shmdev_ring_populate(observer) == 0);
	check(shmdev_ring_populate(pair.producer) == 0);
	check(shmdev_ring_populate(pair.producer) == 0);
	exchange(&pair);
	check(shmdev_ring_populate(NULL) == -EINVAL);
	shmdev_ring_detach(observer);
	pair_end(&pair);
}

#ifndef SEGMENT
/* Where memory ends it is an error, and no signal. A segment does not shrink. */
static void no_memory_is_told(void)
{
	struct pair pair = new_pair(SHMDEV_RING_IS_QUEUE);

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
