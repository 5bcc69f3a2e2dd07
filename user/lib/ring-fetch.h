/* SPDX-License-Identifier: MIT */
/*
 * Rings: lines of the cache are asked for before they are needed.
 *
 * Each line of a record comes from the other side's cache, once to be written and
 * once to be read, and a processor by itself asks for few of them ahead: what is
 * written has to wait in order, and where the next record begins is known when this
 * one's head is there. So with each record as many lines are asked for some way
 * further on: each line once, whatever the sizes. Who asks makes sure that those are
 * free, or there: others would be taken away from who needs them.
 */
#ifndef RING_FETCH_H
#define RING_FETCH_H

#include "ring.h"

/* Behind where a record begins. */
#define FETCH_AHEAD 4096
/* Larger records are fetched by who goes through them, if that is in order. */
#define FETCHED_MAX 8192

/* Smaller ones share lines, which a processor fetches as fast by itself. */
ALWAYS_INLINE bool is_to_fetch(uint64_t span, uint64_t most)
{
	return span - SHMDEV_RING_LINE <= most - SHMDEV_RING_LINE;
}

ALWAYS_INLINE void fetch_to_read(const struct shmdev_record *record,
				 uint64_t span)
{
	const char *from = (const char *)record + FETCH_AHEAD;

	for (uint64_t i = 0; i < span; i += SHMDEV_RING_LINE)
		__builtin_prefetch(from + i);
}

/* It writes nothing. */
ALWAYS_INLINE void fetch_to_write(const struct shmdev_record *record,
				  uint64_t span)
{
	const char *from = (const char *)record + FETCH_AHEAD;

	for (uint64_t i = 0; i < span; i += SHMDEV_RING_LINE)
#if defined(__x86_64__)
		/*
		 * Which compilers use only if they are told that there is one; it
		 * does nothing where there is none.
		 */
		__asm__ volatile("prefetchw %0" : : "m"(from[i]));
#else
		__builtin_prefetch(from + i, 1);
#endif
}

#endif /* RING_FETCH_H */
