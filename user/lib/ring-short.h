/* SPDX-License-Identifier: MIT */
/*
 * Rings: short records in a queue.
 *
 * They cost what is done for each record, not what is done for its bytes. So to
 * send and to receive one has a fast path, on which no function is called: then
 * nothing needs to be saved for one, and a compiler keeps all in registers. What is
 * out of the ordinary is left to the slow one, before anything is written that others
 * look at, but that one is busy with a kept turn; there the slow one goes on. To
 * reserve and to peek at a record of any length are done likewise.
 */
#ifndef RING_SHORT_H
#define RING_SHORT_H

#include "ring.h"

#define SHORT_MIN 8
#define SHORT_MAX 64

ALWAYS_INLINE bool is_short(uint64_t bytes)
{
	return bytes - SHORT_MIN <= SHORT_MAX - SHORT_MIN;
}

/* In a register, where there are such. */
typedef uint64_t bytes16 __attribute__((vector_size(16), may_alias, aligned(1)));
typedef uint64_t bytes8 __attribute__((may_alias, aligned(1)));

/* 16 bytes that nobody is about to write. */
ALWAYS_INLINE void read_at_once(bytes16 *both, const void *from)
{
	*both = *(const bytes16 *)from;
}

/*
 * 16 bytes that this thread may just have written, by words. What a processor has
 * still to write it hands on to who reads nothing else with it; who does waits until
 * that is in its cache, with all that was written before: 64 bytes then take 9 ns,
 * not 6. A compiler would make one of the two.
 */
ALWAYS_INLINE void read_by_words(bytes16 *both, const void *from)
{
	const bytes8 *words = from;

	/* Sanitizers are to see what is read. */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && \
	!defined(__SANITIZE_THREAD__)
	__asm__("movq %1, %0\n\tmovhps %2, %0"
		: "=x"(*both) : "m"(words[0]), "m"(words[1]));
#else
	*both = (bytes16){ words[0], words[1] };
#endif
}

typedef void read16(bytes16 *both, const void *from);

/*
 * From both ends, which overlap if there is less between them. All is read before
 * anything is written: a processor that writes first has to compare addresses
 * before it reads on.
 */
ALWAYS_INLINE void copy_short(void *to, const void *from, size_t bytes,
			      read16 *read)
{
	const void *from_end = (const char *)from + bytes;
	void *to_end = (char *)to + bytes;
	bytes16 a, b, c, d;
	bytes8 first, last;

	if (bytes < sizeof(a)) {
		first = *(const bytes8 *)from;
		last = ((const bytes8 *)from_end)[-1];
		*(bytes8 *)to = first;
		((bytes8 *)to_end)[-1] = last;
		return;
	}
	read(&a, from);
	read(&d, (const bytes16 *)from_end - 1);
	if (bytes > 2 * sizeof(a)) {
		read(&b, (const bytes16 *)from + 1);
		read(&c, (const bytes16 *)from_end - 2);
		((bytes16 *)to)[1] = b;
		((bytes16 *)to_end)[-2] = c;
	}
	((bytes16 *)to)[0] = a;
	((bytes16 *)to_end)[-1] = d;
}

/*
 * @value, which most often is @usual. A processor waits for it only if it is not:
 * else it has long gone on with @usual.
 */
ALWAYS_INLINE uint64_t expected(uint64_t value, uint64_t *usual)
{
	uint64_t guess = *usual;

	/* The compiler is not to see that the two are the same. */
	__asm__("" : "+r"(guess));
	if (unlikely(value != *usual)) {
		*usual = value;
		guess = value;
	}
	return guess;
}

#endif /* RING_SHORT_H */
