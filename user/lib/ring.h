/* SPDX-License-Identifier: MIT */
/* What the files of the ring share. */
#ifndef RING_H
#define RING_H

#include <linux/shmdev_ring.h>
#include <stdbool.h>
#include <string.h>

#include "internal.h"
#include "shmdev-ring.h"

/*
 * Who waits for an owner's word waits for its low half, where others look; and a
 * record's two halves are read and written as one word.
 */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "the low half of a word is where the word begins");

#define RECORD_HEAD sizeof(struct shmdev_record)

/* No owner's word is that. */
#define NO_TURN (~0ULL)

/* Somewhere that one cannot get to in a lifetime. */
#define FAR (1ULL << 62)

/* How far a consumer is. */
struct shmdev_ring_place {
	uint64_t position;
	uint64_t sequence;	/* what the record there should have */
	uint64_t lost;		/* records, up to there */
	bool is_next;		/* it has that: none was passed by */
};

/* How a consumer lingers, see ring-linger.c. */
struct shmdev_ring_linger {
	unsigned int moment;	/* how often to relax() for one */
	unsigned int moments;	/* before each look */
	unsigned int usual;	/* how many, if it is not a try; 0, 1, 2, 4, 8 or 16 */
	bool less;		/* what is tried, or will be */
	unsigned int periods;	/* since the last try */
	unsigned int patience;	/* so many, before the next one */
	uint64_t cost;		/* of a record, with the usual moments */

	/* The period: */
	unsigned int looks;
	uint64_t began;		/* a time */
	uint64_t first;		/* sequence numbers: when it did, and now */
	uint64_t sequence;
};

/* As shmdev_ring_send(), for a short record, and as shmdev_ring_receive(). */
typedef int shmdev_ring_send_fn(struct shmdev_ring *ring, const void *data,
				size_t bytes, const struct timespec *deadline);
typedef ssize_t shmdev_ring_receive_fn(struct shmdev_ring *ring, void *buffer,
				       size_t room,
				       const struct timespec *deadline,
				       struct shmdev_ring_record *record);

#define ON_OWN_LINE __attribute__((aligned(SHMDEV_RING_LINE)))

/*
 * What a party knows itself is in here: shared memory is written from it, and
 * read only where somebody else writes. What each record needs comes first, and in
 * as few lines as can be.
 */
struct shmdev_ring {
	shmdev_ring_send_fn *send_short;
	shmdev_ring_receive_fn *receive;
	unsigned char *data;
	uint64_t data_bytes;
	struct shmdev_ring_producer *producer;
	struct shmdev_ring_cursor *cursor; /* one's own, or a queue's only one */
	enum shmdev_ring_role role;
	uint32_t kind;
	uint32_t flags;
	uint32_t cursors;

	/* Producer. */
	uint64_t head ON_OWN_LINE; /* behind what was committed */
	uint64_t published;	/* what others know of it */
	uint64_t tail;		/* queue: what the consumer has surely done with */
	uint64_t sequence;	/* of the next record */
	size_t reserved;	/* bytes of the record in progress, or 0 */
	unsigned int many;	/* of that size, if any is in progress */
	bool is_owner;		/* of a producer's or of a cursor's page */
	/* One of many in an asymmetric ring, see ring-turn.c. */
	uint64_t paused;	/* as @kept, or NO_TURN: it cannot be gone on with */
	struct shmdev_ring_keeper *keeper; /* one's own, or NULL */
	uint64_t kept;		/* the owner's word, if the turn is kept, or 0 */
	uint64_t times;		/* it was kept so often */
	unsigned int alone;	/* turns with nobody else's in between */
	unsigned int patience;	/* so many, before the turn is kept */
	size_t bytes_max;	/* of a record; 0 for who is no producer */
	uint64_t woken[SHMDEV_RING_CURSORS_MAX];

	/* Consumer. */
	struct shmdev_ring_place at;	/* behind what was peeked at */
	uint64_t seen;		/* the head, when it was last looked at */
	uint64_t usual;		/* bytes of a record: as the last one had */
	struct shmdev_ring_place done;	/* behind what was given back */
	unsigned int laps;	/* without a record in between */
	unsigned int slot;	/* which cursor */
	struct shmdev_ring_linger linger;
	uint64_t producer_woken;
	uint64_t throttle_bytes;
	uint32_t throttle_records;
	uint32_t throttle_us;

	/* Nanoseconds to look again and again, before going to sleep. */
	uint64_t spin_max;
	uint64_t spin;
	/* Sleep: how many had ended when there was last reason to sleep. */
	uint32_t ends;
	bool ends_count;	/* as long as it is so many, there still is */

	/* What is mapped: one range of addresses for all. */
	unsigned char *base;
	size_t page_bytes;
	size_t mapped;
	struct shmdev_ring_memory memory;
	const struct shmdev_segment *joined;	/* to leave at last, or NULL */
	struct shmdev_segment *claimed;	/* to write one's cursor, or NULL */
	uint64_t first_position;
};

/*
 * Where readers may not write each other's cursors: claims one for @ring, whose
 * header has been read and whose pages have not been mapped. 0 also if there is
 * nothing to claim.
 */
typedef int shmdev_ring_claim_fn(struct shmdev_ring *ring);

/* As shmdev_ring_attach_memory(); @claim: NULL, or for a consumer. */
int shmdev_ring_attach_claiming(const struct shmdev_ring_memory *memory,
				enum shmdev_ring_role role,
				shmdev_ring_claim_fn *claim,
				struct shmdev_ring **ring);

/*
 * A record of 8 bytes takes some hundred instructions on its way: calls of half of
 * a function each, and tests of what nearly always holds, would double that.
 */
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

/* Nothing but a hint that this thread waits for another. */
static inline void relax(void)
{
#if __has_builtin(__builtin_ia32_pause)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

#define load(pointer) __atomic_load_n(pointer, __ATOMIC_RELAXED)
#define load_acquire(pointer) __atomic_load_n(pointer, __ATOMIC_ACQUIRE)
#define store(pointer, value) __atomic_store_n(pointer, value, __ATOMIC_RELAXED)
#define store_release(pointer, value) \
	__atomic_store_n(pointer, value, __ATOMIC_RELEASE)

/* Positions and sequence numbers go round. */
static inline bool is_before(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) < 0;
}

/* What a record takes up. */
static inline uint64_t record_span(uint64_t bytes)
{
	return (RECORD_HEAD + bytes + SHMDEV_RECORD_ALIGN - 1) &
	       -SHMDEV_RECORD_ALIGN;
}

static inline struct shmdev_record *record_at(const struct shmdev_ring *ring,
					      uint64_t position)
{
	return (struct shmdev_record *)(ring->data +
					(position & (ring->data_bytes - 1)));
}

/* Both halves at once: what a record takes up, and that it is the one. */
typedef uint64_t __attribute__((may_alias)) record_word;

ALWAYS_INLINE void store_record(struct shmdev_record *record, size_t bytes,
				uint64_t sequence)
{
	store((record_word *)record, bytes | sequence << 32);
}

ALWAYS_INLINE uint64_t load_record(const struct shmdev_record *record)
{
	return load((const record_word *)record);
}

static inline struct shmdev_ring_cursor *
cursor_of(const struct shmdev_ring *ring, unsigned int slot)
{
	return (struct shmdev_ring_cursor *)(ring->base +
					     (2 + slot) * ring->page_bytes);
}

/*
 * The number of which @low is the low half: the one that is the nearest to
 * @near. There are never so many records in a ring that it could be another.
 */
static inline uint64_t whole_sequence(uint64_t near, uint32_t low)
{
	return near + (int32_t)(low - (uint32_t)near);
}

/* Where @word of the header, of a producer's or of a cursor's page is in the file. */
static inline uint64_t offset_of(const struct shmdev_ring *ring,
				 const void *word)
{
	return ring->memory.offset + ((const unsigned char *)word - ring->base);
}

/*
 * As memcpy(), for memory that others may be writing: who reads finds out later,
 * and nothing is made of the bytes until then.
 */
static inline void copy(void *to, const void *from, size_t bytes)
{
#ifdef __SANITIZE_THREAD__
	/* A reader of a stream races by design, and then throws the bytes away. */
	for (size_t i = 0; i < bytes; i++)
		store((char *)to + i, load((const char *)from + i));
#else
	memcpy(to, from, bytes);
#endif
}

/*
 * Makes this party the one that @owner, a word of the ring, tells. Takes over
 * from one that has ended; waits for one that lives until @deadline. -EBUSY: it
 * lives, and @deadline is SHMDEV_RING_NOW, or it is this party.
 */
int shmdev_ring_own(struct shmdev_ring *ring, __u64 *owner,
		    const struct timespec *deadline);
void shmdev_ring_disown(struct shmdev_ring *ring, __u64 *owner);

/* Whom the word of an owner tells. */
uint64_t shmdev_ring_id_of(uint64_t owner);

/* That is paused: nobody wants it. @producer: of @ring. */
ALWAYS_INLINE bool is_turn_kept(const struct shmdev_ring *ring,
				const struct shmdev_ring_producer *producer)
{
	return load(&producer->owner) == ring->paused;
}

/* Until the next records are shown. One has a keeper. */
ALWAYS_INLINE void say_busy(struct shmdev_ring *ring)
{
	store(&ring->keeper->busy, ring->sequence << 1 | 1);
}

/*
 * Begins a turn that was kept, and that ends with the next records that are shown.
 * False: there is none, or perhaps not any more, which the next one has to find
 * out: until then this one is busy. One has a keeper: without a kept turn, others
 * do not mind what that says.
 */
ALWAYS_INLINE bool go_on_with_turn(struct shmdev_ring *ring)
{
	const struct shmdev_ring_producer *producer = ring->producer;

	say_busy(ring);
	/* Others make the barrier between the two. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return is_turn_kept(ring, producer);
}

/* Before records are shown that the turn is not to end with, as others follow. */
ALWAYS_INLINE void stay_in_turn(struct shmdev_ring *ring)
{
	if (ring->kept)
		say_busy(ring);
}

/* After that: whether there is one, after all. */
bool shmdev_ring_turn_is_ours(struct shmdev_ring *ring);

/* Ends a turn that is kept, however it was used. False: somebody wants it. */
ALWAYS_INLINE bool pause_turn(struct shmdev_ring *ring)
{
	ring->paused = ring->kept;
	store_release(&ring->keeper->busy, 0);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return is_turn_kept(ring, ring->producer);
}

/* Ends a turn, and keeps it if that seems to pay. The second: slowly. */
void shmdev_ring_end_turn(struct shmdev_ring *ring);

ALWAYS_INLINE void end_turn(struct shmdev_ring *ring)
{
	ring->is_owner = false;
	if (!ring->kept || !pause_turn(ring))
		shmdev_ring_end_turn(ring);
}

/* A producer's, for good. */
void shmdev_ring_leave_turns(struct shmdev_ring *ring);

/* What is the fastest for a party of that ring. */
shmdev_ring_send_fn *shmdev_ring_sender(const struct shmdev_ring *ring);
shmdev_ring_receive_fn *shmdev_ring_receiver(const struct shmdev_ring *ring);

/* Where a producer begins: where the last one ended, however it did. */
int shmdev_ring_resume(struct shmdev_ring *ring);
/* Where a consumer begins: there too, or in a stream with what is sent next. */
int shmdev_ring_begin(struct shmdev_ring *ring);

/* One who looks again and again, instead of sleeping. */
struct shmdev_ring_spin {
	unsigned int looks;
	uint64_t end;	/* a time of CLOCK_MONOTONIC in nanoseconds, or 0 */
};

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t shmdev_ring_time(void);

/* How many moments one lingers, at most: one who waits, and one who is not to. */
#define MOMENTS_MAX 16
#define MOMENTS_NOW 2

ALWAYS_INLINE unsigned int moments_until(const struct timespec *deadline)
{
	return deadline == SHMDEV_RING_NOW ? MOMENTS_NOW : MOMENTS_MAX;
}

void shmdev_ring_linger_begin(struct shmdev_ring_linger *linger);
/*
 * Before a look for more, for no more than @most moments: @sequence is what the
 * next record will have.
 */
void shmdev_ring_linger(struct shmdev_ring_linger *linger, uint64_t sequence,
			unsigned int most);
/* Lets moments pass, each about as long as a line takes to get here. */
void shmdev_ring_linger_for(const struct shmdev_ring_linger *linger,
			    unsigned int moments);
/* Its part that decides, at the end of a period that brought @records. */
void shmdev_ring_linger_learn(struct shmdev_ring_linger *linger,
			      uint64_t nanoseconds, uint64_t records);

/* Waits for the moment before the next look. False: it is time to sleep. */
bool shmdev_ring_spin(const struct shmdev_ring *ring,
		      struct shmdev_ring_spin *spin);

/* Before one is a party of @ring: others may rely on it for their barriers. */
int shmdev_ring_register(const struct shmdev_ring *ring);
/* Makes those of all who have registered. */
int shmdev_ring_barrier_for_all(void);

/*
 * Says at @gate what one waits for, with the full barrier after which one has to
 * look again; and makes that of let_sleepers_see() for all.
 */
int shmdev_ring_announce(const struct shmdev_ring *ring,
			 struct shmdev_ring_gate *gate,
			 const struct shmdev_ring_gate *wanted);

/*
 * As __atomic_thread_fence(__ATOMIC_SEQ_CST), for which compilers lock the word at
 * the top of the stack. A function that ends reads that next, and waits for it; so
 * here, as in the kernel's smp_mb(), it is another, in the red zone. It stays what
 * it is.
 */
ALWAYS_INLINE void full_barrier(void)
{
#if defined(__x86_64__)
	__asm__ volatile("lock orl $0, -64(%%rsp)" ::: "memory", "cc");
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/*
 * A full barrier between what others may wait for, which was written, and the
 * look at whether they do.
 */
ALWAYS_INLINE void let_sleepers_see(uint32_t flags)
{
	if (flags & SHMDEV_RING_F_ASYMMETRIC)
		/* They make it; the compiler must not undo that. */
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
	else
		full_barrier();
}

/*
 * Sleeps on @turn, which the other side changes, until @is_reached. @gate is
 * where this side says what it waits for, and @wanted what that is. @no_longer:
 * than until it is woken, for whatever reason.
 */
struct shmdev_ring_sleep {
	struct shmdev_ring_gate *gate;
	struct shmdev_ring_gate wanted;
	bool no_longer;
	const uint32_t *turn;
	const void *next;	/* what will be read then, or NULL */
	/* 1: it is; 0: it is not; or -errno. */
	int (*is_reached)(struct shmdev_ring *ring,
			  const struct shmdev_ring_gate *wanted);
	/* What others have to know, once the gate is written; or NULL. */
	int (*before_wait)(struct shmdev_ring *ring);
};

int shmdev_ring_sleep(struct shmdev_ring *ring,
		      const struct shmdev_ring_sleep *sleep,
		      const struct timespec *deadline);

/*
 * Wakes who sleeps on @turn, if @wanted, what it said at @gate, is reached by
 * @position and @sequence, once: @woken is what it had said when it was last
 * woken.
 */
int shmdev_ring_wake(struct shmdev_ring *ring,
		     const struct shmdev_ring_gate *gate, uint64_t wanted,
		     uint32_t *turn, uint64_t position, uint64_t sequence,
		     uint64_t *woken);

/* Whether somebody waits there, after let_sleepers_see(). */
ALWAYS_INLINE bool is_awaited(const struct shmdev_ring_gate *gate)
{
	return !(load_acquire(&gate->position) & SHMDEV_RING_NOBODY);
}

/* After let_sleepers_see(), after the position was published. */
ALWAYS_INLINE int knock(struct shmdev_ring *ring,
			const struct shmdev_ring_gate *gate, uint32_t *turn,
			uint64_t position, uint64_t sequence, uint64_t *woken)
{
	uint64_t wanted = load_acquire(&gate->position);

	if (wanted & SHMDEV_RING_NOBODY)
		return 0;
	return shmdev_ring_wake(ring, gate, wanted, turn, position, sequence,
				woken);
}

#endif /* RING_H */
