// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long a consumer lingers, in worlds where it is known what a record costs
 * then. TAP.
 */
#include "ring-world.h"

#include "../lib/ring.h"

#define RECORDS 100

typedef uint64_t cost_fn(unsigned int moments);

static struct shmdev_ring_linger linger;

/* Of so many periods, those with @least moments or more. */
static unsigned int live(cost_fn *cost, unsigned int periods,
			 unsigned int least)
{
	unsigned int count = 0;

	while (periods--) {
		count += linger.moments >= least;
		shmdev_ring_linger_learn(&linger, RECORDS * cost(linger.moments),
					 RECORDS);
		check(linger.moments <= MOMENTS_MAX);
	}
	return count;
}

/* As measured: who looks at once takes the line away. */
static uint64_t disturbed(unsigned int moments)
{
	static const uint64_t costs[] = { 277, 93, 62, 62, 28, 28, 28, 28, 26 };

	return costs[moments < 8 ? moments : 8];
}

/* Each look holds up the producer for long. */
static uint64_t held_up(unsigned int moments)
{
	return 20 + 1000 / (moments + 1);
}

/* Records come when they come. */
static uint64_t paced(unsigned int moments)
{
	(void)moments;
	return 100;
}

/* A record comes when the last one was answered. */
static uint64_t answered(unsigned int moments)
{
	return 385 + 200 * moments;
}

/* It lingers as long as that makes records come faster, and no longer than may be. */
static void finds_how_long_pays(void)
{
	live(disturbed, 100, 0);
	check(live(disturbed, 1000, 4) >= 950);
	check(live(disturbed, 1000, 8) <= 50);
	live(held_up, 1000, 0);
	check(live(held_up, 1000, MOMENTS_MAX) >= 900);
}

/* Where it gains nothing it does not linger, but for one period in 256. */
static void does_not_where_nothing_is_gained(void)
{
	live(disturbed, 100, 0);
	live(paced, 1000, 0);
	check(live(paced, 25600, 1) <= 100);
	live(disturbed, 100, 0);
	live(answered, 1000, 0);
	check(live(answered, 25600, 1) <= 100);
}

/* What paid once may not do so any more, and the other way round. */
static void follows_a_change(void)
{
	for (int i = 0; i < 3; i++) {
		live(answered, 10000, 0);
		check(!linger.usual);
		live(disturbed, 300, 0);
		check(linger.usual == 4 || linger.usual == 8);
	}
}

/* Where records are rare there is nothing to be gained. */
static void ends_with_a_pause(void)
{
	live(disturbed, 100, 0);
	check(linger.moments);
	shmdev_ring_linger_learn(&linger, 1000000, RECORDS);
	check(!linger.moments);
}

/* Sequence numbers are the producer's, who may go back, or stay where it is. */
static void believes_no_number(void)
{
	for (uint64_t i = 0; i < 10000; i++)
		shmdev_ring_linger(&linger, i % 2, MOMENTS_MAX);
	for (uint64_t i = 0; i < 10000; i++)
		shmdev_ring_linger(&linger, -i, MOMENTS_MAX);
	for (uint64_t i = 0; i < 1000; i++)
		shmdev_ring_linger_learn(&linger, 1000, i % 2 ? 0 : ~0ULL);
	check(linger.moments <= MOMENTS_MAX);
}

int main(void)
{
	shmdev_ring_linger_begin(&linger);
	RUN(finds_how_long_pays);
	RUN(does_not_where_nothing_is_gained);
	RUN(follows_a_change);
	RUN(ends_with_a_pause);
	RUN(believes_no_number);
	printf("1..%u\n", cases);
	return failed;
}
