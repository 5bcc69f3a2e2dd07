// SPDX-License-Identifier: MIT
/*
 * Rings: whose turn it is to produce, and whose a cursor is.
 *
 * A word tells the owner. Of one that has ended it is taken over; who waits for
 * one that lives says so in the word's lowest bit, and sleeps on it.
 *
 * To take one's turn and to give it back costs a producer two barriers for each
 * record. In an asymmetric ring, one that has long been alone keeps its turn, and
 * only says in a word of its own which record it is busy with: when that is there,
 * it is no longer. Who wants the turn says so, and then makes all go through a
 * barrier: if the keeper had not looked at the owner's word before that, it will
 * see that it has to give it up; if it had, it is seen to be busy, and will see it
 * when it is not. So the two never take the turn both, and the keeper needs no
 * barrier. (Biased locking; as Kawachiya, Koseki and Onodera have it in "Lock
 * Reservation", with a system call for the rare side.)
 */
#include <errno.h>

#include "ring.h"

/* Turns with nobody else's in between, before the first is kept, and at most. */
#define PATIENCE_FIRST 64
#define PATIENCE_MAX (1 << 20)
/* More are not told apart, see SHMDEV_RING_KEPT_SHIFT. */
#define TIMES_MAX (1 << 20)

/* 1: done; 0: @word was not @old. */
ALWAYS_INLINE int exchange(__u64 *word, __u64 old, __u64 new, int order)
{
	return __atomic_compare_exchange_n(word, &old, new, false, order,
					   __ATOMIC_RELAXED);
}

uint64_t shmdev_ring_id_of(uint64_t owner)
{
	return (owner & ((1ULL << SHMDEV_RING_KEPT_SHIFT) - 1)) >> 1;
}

static bool turns_can_be_kept(const struct shmdev_ring *ring)
{
	const uint32_t both = SHMDEV_RING_F_MANY | SHMDEV_RING_F_ASYMMETRIC;

	return (ring->flags & both) == both;
}

/* Of a word that may be any: NULL if the turn is not kept. */
static const struct shmdev_ring_keeper *
keeper_of(const struct shmdev_ring *ring, uint64_t owner)
{
	uint64_t number = (owner >> SHMDEV_RING_KEPT_SHIFT) %
			  SHMDEV_RING_KEEPERS_MAX;

	if (!number || number > SHMDEV_RING_KEEPERS || !turns_can_be_kept(ring))
		return NULL;
	return &ring->producer->keepers[number - 1];
}

/*
 * Whether a turn that was gone on with has not ended; after a barrier for all. What
 * was shown is looked at first: who stays in its turn has said so before that.
 */
static bool is_busy(const struct shmdev_ring *ring,
		    const struct shmdev_ring_keeper *keeper)
{
	uint64_t shown = load_acquire(&ring->producer->sequence) << 1;
	uint64_t busy = load_acquire(&keeper->busy);

	return busy && !is_before(busy, shown);
}

/*
 * Takes the turn from who keeps it, as @kept says: 1. 0: that has changed, or the
 * keeper is busy, and will see that it is waited for.
 */
static int take_kept(struct shmdev_ring *ring, uint64_t kept)
{
	__u64 *owner = &ring->producer->owner;
	int ret;

	if (!(kept & 1) && !exchange(owner, kept, kept | 1, __ATOMIC_RELAXED))
		return 0;
	ret = shmdev_ring_barrier_for_all();
	if (ret < 0 || is_busy(ring, keeper_of(ring, kept)))
		return ret;
	return exchange(owner, kept | 1, ring->memory.id << 1 | 1,
			__ATOMIC_ACQUIRE);
}

int shmdev_ring_own(struct shmdev_ring *ring, __u64 *owner,
		    const struct timespec *deadline)
{
	const struct shmdev_ring_calls *calls = ring->memory.calls;
	void *context = ring->memory.context;
	bool is_turn = owner == &ring->producer->owner;
	uint64_t me = ring->memory.id << 1, others = 0, asked = 0;
	__u64 old;
	struct shmdev_ring_spin spin = { };
	uint32_t ends = 0;
	int ret;

	for (;;) {
		old = 0;
		if (__atomic_compare_exchange_n(owner, &old, me | others, false,
						__ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return 0;
		/* Once: whoever else may keep it then, this one may not. */
		if (is_turn && keeper_of(ring, old) && (old | 1) != asked) {
			ret = take_kept(ring, old);
			if (ret)
				return ret < 0 ? ret : 0;
			asked = old | 1;
			continue;
		}
		if (deadline != SHMDEV_RING_NOW &&
		    shmdev_ring_spin(ring, &spin))
			continue;
		/*
		 * Its end may come right after this, so the ends are counted
		 * before.
		 */
		ret = calls->ends ? calls->ends(context, &ends) : 0;
		if (ret < 0)
			return ret;
		ret = calls->has_ended(context, shmdev_ring_id_of(old));
		if (ret < 0)
			return ret;
		if (ret) {
			/* It may have left others asleep. */
			if (exchange(owner, old, me | 1, __ATOMIC_ACQUIRE))
				return 0;
			continue;
		}
		if (deadline == SHMDEV_RING_NOW ||
		    shmdev_ring_id_of(old) == ring->memory.id)
			return -EBUSY;
		/* Who gives it back then knows that somebody sleeps. */
		if (!(old & 1) &&
		    !exchange(owner, old, old | 1, __ATOMIC_RELAXED))
			continue;
		ret = calls->wait(context, offset_of(ring, owner),
				  (uint32_t *)owner, (uint32_t)old | 1, ends,
				  deadline);
		if (ret < 0 && ret != -EAGAIN)
			return ret;
		/* Of those who were woken, not all may get it. */
		others = 1;
		/* Who asked as well, and was to take it, may have ended. */
		asked = 0;
	}
}

static void wake_next(struct shmdev_ring *ring, __u64 *owner)
{
	ring->memory.calls->wake(ring->memory.context, offset_of(ring, owner),
				 (uint32_t *)owner, 1);
}

void shmdev_ring_disown(struct shmdev_ring *ring, __u64 *owner)
{
	if (__atomic_exchange_n(owner, 0, __ATOMIC_RELEASE) & 1)
		wake_next(ring, owner);
}

/* Others come, so it does not pay to keep the turn. */
static void lose_patience(struct shmdev_ring *ring)
{
	ring->kept = 0;
	ring->paused = NO_TURN;
	ring->alone = 0;
	if (ring->patience < PATIENCE_MAX)
		ring->patience *= 2;
}

bool shmdev_ring_turn_is_ours(struct shmdev_ring *ring)
{
	bool ours = exchange(&ring->producer->owner, ring->kept | 1,
			     ring->memory.id << 1 | 1, __ATOMIC_ACQUIRE);

	lose_patience(ring);
	return ours;
}

/* Unless others wait, or as many already keep theirs as can. */
static __attribute__((noinline)) bool keep_turn(struct shmdev_ring *ring)
{
	struct shmdev_ring_producer *producer = ring->producer;
	uint64_t me = ring->memory.id << 1, kept;

	if (!ring->patience)
		ring->patience = PATIENCE_FIRST;
	if (++ring->alone < ring->patience)
		return false;
	ring->alone = 0;
	for (unsigned int i = 0; !ring->keeper && i < SHMDEV_RING_KEEPERS; i++)
		if (!shmdev_ring_own(ring, &producer->keepers[i].owner,
				     SHMDEV_RING_NOW))
			ring->keeper = &producer->keepers[i];
	if (!ring->keeper || ring->times == TIMES_MAX)
		return false;
	/* One that has ended may have left it otherwise, or one that was taken. */
	store(&ring->keeper->busy, 0);
	kept = (ring->times++ * SHMDEV_RING_KEEPERS_MAX +
		(ring->keeper - producer->keepers) + 1)
		       << SHMDEV_RING_KEPT_SHIFT | me;
	if (!exchange(&producer->owner, me, kept, __ATOMIC_RELEASE))
		return false;
	ring->kept = kept;
	ring->paused = kept;
	ring->send_short = shmdev_ring_sender(ring);
	return true;
}

/* Unless it has been taken. */
static __attribute__((noinline)) void give_back(struct shmdev_ring *ring)
{
	__u64 *owner = &ring->producer->owner;

	if (exchange(owner, ring->kept | 1, 0, __ATOMIC_RELEASE))
		wake_next(ring, owner);
	lose_patience(ring);
}

void shmdev_ring_end_turn(struct shmdev_ring *ring)
{
	if (ring->kept)
		give_back(ring);
	else if (!turns_can_be_kept(ring) || !keep_turn(ring))
		shmdev_ring_disown(ring, &ring->producer->owner);
}

void shmdev_ring_leave_turns(struct shmdev_ring *ring)
{
	if (ring->kept) {
		if (!exchange(&ring->producer->owner, ring->kept, 0,
			      __ATOMIC_RELEASE))
			give_back(ring);
	} else if (ring->is_owner) {
		shmdev_ring_disown(ring, &ring->producer->owner);
	}
	if (ring->keeper)
		shmdev_ring_disown(ring, &ring->keeper->owner);
}
