/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading words that others may write at any time.
 *
 * A word is read once for each use of it. That no word is read a second time is
 * what a build with SHMDEV_FICKLE shows: there each word changes right after it
 * was read, as if its owner had waited for that moment, and is set back only when
 * the call is over.
 */
#ifndef _SHMDEV_SHARED_H
#define _SHMDEV_SHARED_H

#include <asm/barrier.h>
#include <linux/compiler.h>
#include <linux/types.h>

#ifdef SHMDEV_FICKLE

/* So many for each call: more than there are gates. */
#define SHMDEV_FICKLE_MAX 100

struct shmdev_fickle {
	struct {
		void *word;
		u64 was;
		size_t bytes;
	} changed[SHMDEV_FICKLE_MAX];
	u32 count;
};

/* Unless its owner has written to it meanwhile. */
static inline void shared_exchange(void *word, size_t bytes, u64 old, u64 new)
{
	if (bytes == sizeof(u32))
		cmpxchg((u32 *)word, (u32)old, (u32)new);
	else
		cmpxchg((u64 *)word, old, new);
}

static inline void shared_change(struct shmdev_fickle *fickle, void *word,
				 size_t bytes, u64 was)
{
	if (fickle->count == SHMDEV_FICKLE_MAX)
		return;
	fickle->changed[fickle->count].word = word;
	fickle->changed[fickle->count].was = was;
	fickle->changed[fickle->count].bytes = bytes;
	fickle->count++;
	shared_exchange(word, bytes, was, ~was);
}

static inline void shared_end(struct shmdev_fickle *fickle)
{
	u64 was;

	while (fickle->count--) {
		was = fickle->changed[fickle->count].was;
		shared_exchange(fickle->changed[fickle->count].word,
				fickle->changed[fickle->count].bytes, ~was, was);
	}
	fickle->count = 0;
}

#define shared_once(fickle, value, word) ({				\
	typeof(value) __was = (value);					\
									\
	shared_change(fickle, (void *)(word), sizeof(__was), __was);	\
	__was;								\
})

#else

struct shmdev_fickle {
};

static inline void shared_end(struct shmdev_fickle *fickle)
{
}

#define shared_once(fickle, value, word) ((void)(fickle), (value))

#endif

/* The word. */
#define shared_read(fickle, word) ({					\
	typeof(word) __word = (word);					\
									\
	shared_once(fickle, READ_ONCE(*__word), __word);		\
})

/* The word, and what its owner wrote before it. */
#define shared_acquire(fickle, word) ({					\
	typeof(word) __word = (word);					\
									\
	/* with the release of whoever wrote it */			\
	shared_once(fickle, smp_load_acquire(__word), __word);		\
})

#endif /* _SHMDEV_SHARED_H */
