// SPDX-License-Identifier: MIT
/*
 * Rings: a consumer that has read all it knew of lets some moments pass before it
 * looks for more.
 *
 * Who looks at once takes the line with the head, and by what its processor fetches
 * ahead also the lines behind it, from a producer that is about to write them: for
 * each record anew. Some moments later there are several. How many moments pay
 * depends on the processors, on how fast records are made, and on whether their
 * producer waits for an answer. So it is tried out: twice as many are kept if the
 * records then come faster; half as many if they do not come slower, since they are
 * read the sooner. If neither is so, the next try comes later.
 */
#include "ring.h"

/* About as long as a line takes from one processor to another. */
#define MOMENT 200ULL
#define RELAX_TRIED 64
/* In each period. */
#define LOOKS 64
/* Periods between two tries, at most. */
#define PATIENCE_MAX 256
/* Nanoseconds between two looks: so many moments make no difference. */
#define SELDOM 10000ULL
/* Of a nanosecond. */
#define FRACTION 64

/* It takes from 4 cycles to 140. */
static unsigned int measure_moment(void)
{
	uint64_t begin = shmdev_ring_time(), took;

	for (unsigned int i = 0; i < RELAX_TRIED; i++)
		relax();
	took = shmdev_ring_time() - begin;
	return took ? RELAX_TRIED * MOMENT / took + 1 : RELAX_TRIED;
}

void shmdev_ring_linger_begin(struct shmdev_ring_linger *linger)
{
	*linger = (struct shmdev_ring_linger){
		.moment = measure_moment(),
		.patience = 1,
	};
}

static void try_others(struct shmdev_ring_linger *linger)
{
	if (!linger->moments)
		linger->less = false;
	else if (linger->moments == MOMENTS_MAX)
		linger->less = true;
	if (linger->less)
		linger->moments /= 2;
	else
		linger->moments = 2 * linger->moments ?: 1;
}

static void judge(struct shmdev_ring_linger *linger, uint64_t cost)
{
	uint64_t eighth = linger->cost / 8;

	if (linger->less ? cost <= linger->cost + eighth :
			   cost < linger->cost - eighth) {
		/* The next try is one step further. */
		linger->usual = linger->moments;
		linger->patience = 1;
		return;
	}
	linger->moments = linger->usual;
	linger->less = !linger->less;
	if (linger->patience < PATIENCE_MAX)
		linger->patience *= 2;
}

void shmdev_ring_linger_learn(struct shmdev_ring_linger *linger,
			      uint64_t nanoseconds, uint64_t records)
{
	/* There were some, unless the producer lies. */
	uint64_t cost = nanoseconds * FRACTION / (records ?: 1);

	if (nanoseconds >= LOOKS * SELDOM) {
		linger->usual = 0;
		linger->moments = 0;
	} else if (linger->moments != linger->usual) {
		judge(linger, cost);
		linger->periods = 0;
	} else {
		linger->cost = cost;
		if (++linger->periods >= linger->patience)
			try_others(linger);
	}
}

void shmdev_ring_linger_for(const struct shmdev_ring_linger *linger,
			    unsigned int moments)
{
	for (unsigned int i = moments * linger->moment; i; i--)
		relax();
}

void shmdev_ring_linger(struct shmdev_ring_linger *linger, uint64_t sequence,
			unsigned int most)
{
	uint64_t now;

	/* That nothing has come since is for the spin, and for sleep. */
	if (sequence == linger->sequence)
		return;
	linger->sequence = sequence;
	if (++linger->looks == LOOKS) {
		now = shmdev_ring_time();
		shmdev_ring_linger_learn(linger, now - linger->began,
					 sequence - linger->first);
		linger->looks = 0;
		linger->began = now;
		linger->first = sequence;
	}
	if (linger->moments < most)
		most = linger->moments;
	shmdev_ring_linger_for(linger, most);
}
