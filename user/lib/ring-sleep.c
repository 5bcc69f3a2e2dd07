// SPDX-License-Identifier: MIT
/*
 * Rings: sleeping until the other side has done something, and waking it.
 *
 * A sleeper writes its gate, then looks at the position; the other side writes
 * the position, then looks at the gate. A full barrier between the two on each
 * side, so that at least one of them sees the other's. (Store buffering: without
 * both barriers, each may see the old value.) Between the sleeper's look and its
 * sleep the other side may come, and changes the word that is slept on.
 *
 * In an asymmetric ring the sleeper makes both: membarrier() returns when each
 * thread of those who have registered has been through a full barrier since it
 * was called. One that had not looked at the gate before then sees it; one that
 * had has its position seen. As in liburcu, and by the Linux manual.
 */
#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ring.h"

#define LOOKS_PER_TIME 8
#define LOOKS_PER_MOMENT 6

SHMDEV_API const struct timespec *shmdev_ring_now(void)
{
	static const struct timespec now;

	return &now;
}

uint64_t shmdev_ring_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/*
 * Each look takes the line from the other side, also when that has asked for it but
 * has not written it yet, and then has to ask for it once more. So there are a few
 * in the time that a line takes, not as many as could be.
 */
static void relax_between_looks(const struct shmdev_ring *ring)
{
	unsigned int times = ring->linger.moment / LOOKS_PER_MOMENT + 1;

	while (times--)
		relax();
}

bool shmdev_ring_spin(const struct shmdev_ring *ring,
		      struct shmdev_ring_spin *spin)
{
	uint64_t now;

	if (!ring->spin)
		return false;
	relax_between_looks(ring);
	/* No processor reads on ahead past a question for the time: so, few. */
	if (++spin->looks % LOOKS_PER_TIME)
		return true;
	now = shmdev_ring_time();
	if (!spin->end)
		spin->end = now + ring->spin;
	return now < spin->end;
}

/*
 * Spins longer where that would have spared a sleep, and less where nothing came
 * for long: so an idle ring costs nothing, and two who answer each other find out
 * that neither has to sleep, though each finds the other asleep at first.
 */
static void learn(struct shmdev_ring *ring, uint64_t began)
{
	if (shmdev_ring_time() - began > ring->spin_max)
		ring->spin /= 2;
	else if (2 * ring->spin < ring->spin_max)
		ring->spin = 2 * ring->spin + ring->spin_max / 10;
	else
		ring->spin = ring->spin_max;
}

/* A consumer that has read nothing yet waits for a producer to come. */
static bool has_begun(const struct shmdev_ring *ring)
{
	return ring->role != SHMDEV_RING_CONSUMER ||
	       ring->at.position != ring->first_position;
}

/* Nothing to wait for: everything was read, and nobody is there to send more. */
static int check_producers(struct shmdev_ring *ring)
{
	const struct shmdev_ring_calls *calls = ring->memory.calls;
	int ret;

	if (ring->role != SHMDEV_RING_CONSUMER || !calls->producers ||
	    !has_begun(ring))
		return 0;
	ret = calls->producers(ring->memory.context);
	if (ret < 0)
		return ret;
	return ret ? 0 : -EPIPE;
}

static int membarrier(int command)
{
	int saved = errno;
	int ret = syscall(SYS_membarrier, command, 0, 0) < 0 ? -errno : 0;

	errno = saved;
	return ret;
}

int shmdev_ring_register(const struct shmdev_ring *ring)
{
	int ret;

	if (!(ring->flags & SHMDEV_RING_F_ASYMMETRIC))
		return 0;
	ret = membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED);
	/* Else it does not have it, not this command of it, or is told not to. */
	return !ret || ret == -ENOMEM ? ret : -EOPNOTSUPP;
}

int shmdev_ring_barrier_for_all(void)
{
	return membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED);
}

int shmdev_ring_announce(const struct shmdev_ring *ring,
			 struct shmdev_ring_gate *gate,
			 const struct shmdev_ring_gate *wanted)
{
	store(&gate->sequence, wanted->sequence);
	store_release(&gate->position, wanted->position);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return ring->flags & SHMDEV_RING_F_ASYMMETRIC ?
		       shmdev_ring_barrier_for_all() : 0;
}

/*
 * Is there reason to sleep? After the ends were counted: one that comes later is
 * not slept over. And while none comes, a producer that is there stays, so that
 * it needs to be asked only once.
 */
static int count_ends(struct shmdev_ring *ring,
		      const struct shmdev_ring_sleep *sleep)
{
	const struct shmdev_ring_calls *calls = ring->memory.calls;
	int ret = calls->ends ? calls->ends(ring->memory.context, &ring->ends) :
				0;

	ret = ret ?: sleep->is_reached(ring, &sleep->wanted);
	ret = ret ?: check_producers(ring);
	if (ret == -EPIPE)
		ret = sleep->is_reached(ring, &sleep->wanted) ?: -EPIPE;
	ring->ends_count = !ret && calls->ends && has_begun(ring);
	return ret;
}

/* For who does not sleep, and so is not told: 0, 1 or -EPIPE, as above. */
static int look_for_ends(struct shmdev_ring *ring,
			 const struct shmdev_ring_sleep *sleep)
{
	const struct shmdev_ring_calls *calls = ring->memory.calls;
	uint32_t ends = 0;
	int ret;

	if (ring->role != SHMDEV_RING_CONSUMER || !has_begun(ring))
		return 0;
	if (ring->ends_count) {
		ret = calls->ends(ring->memory.context, &ends);
		if (ret < 0 || ends == ring->ends)
			return ret;
	}
	return count_ends(ring, sleep);
}

/* Once round. 1: reached; 0: not yet; or -errno. */
static int sleep_once(struct shmdev_ring *ring,
		      const struct shmdev_ring_sleep *sleep,
		      const struct timespec *deadline)
{
	const struct shmdev_ring_calls *calls = ring->memory.calls;
	uint32_t turn = load_acquire(sleep->turn);
	int ret, reached;

	ret = shmdev_ring_announce(ring, sleep->gate, &sleep->wanted);
	ret = ret ?: sleep->is_reached(ring, &sleep->wanted);
	if (!ret && !ring->ends_count)
		ret = count_ends(ring, sleep);
	if (!ret && sleep->before_wait)
		ret = sleep->before_wait(ring);
	if (ret)
		return ret;
	ret = calls->wait(ring->memory.context,
			  offset_of(ring, sleep->turn), sleep->turn, turn,
			  ring->ends, deadline);
	reached = sleep->is_reached(ring, &sleep->wanted);
	/* If it was in vain, it may have been for an end. */
	if (ret || reached <= 0)
		ring->ends_count = false;
	return ret && ret != -EAGAIN ? ret : reached;
}

int shmdev_ring_sleep(struct shmdev_ring *ring,
		      const struct shmdev_ring_sleep *sleep,
		      const struct timespec *deadline)
{
	struct shmdev_ring_spin spin = { };
	uint64_t began = 0;
	int ret;

	ret = sleep->is_reached(ring, &sleep->wanted);
	if (deadline == SHMDEV_RING_NOW) {
		if (!ret)
			ret = look_for_ends(ring, sleep) ?: -EAGAIN;
		return ret < 0 ? ret : 0;
	}
	while (!ret && shmdev_ring_spin(ring, &spin)) {
		/* With the position, not after it: each takes a line's way. */
		if (sleep->next)
			__builtin_prefetch(sleep->next);
		ret = sleep->is_reached(ring, &sleep->wanted);
	}
	if (ret)
		return ret < 0 ? ret : 0;
	if (ring->spin_max)
		began = spin.end ? spin.end - ring->spin : shmdev_ring_time();
	do {
		ret = sleep_once(ring, sleep, deadline);
	} while (!ret && !sleep->no_longer);
	if (ring->spin_max)
		learn(ring, began);
	store(&sleep->gate->position, SHMDEV_RING_NOBODY);
	/* However it was woken, the position has the last say. */
	if (ret < 0 && sleep->is_reached(ring, &sleep->wanted) > 0)
		ret = 1;
	return ret < 0 ? ret : 0;
}

int shmdev_ring_wake(struct shmdev_ring *ring,
		     const struct shmdev_ring_gate *gate, uint64_t wanted,
		     uint32_t *turn, uint64_t position, uint64_t sequence,
		     uint64_t *woken)
{
	int ret;

	/* A position once reached stays so: whoever still wants it died asleep. */
	if (wanted == *woken)
		return 0;
	if (is_before(position, wanted) &&
	    is_before(sequence, load(&gate->sequence)))
		return 0;
	if (!is_before(position, wanted))
		*woken = wanted;
	/* Of many producers, several may be here: their turns may have ended. */
	__atomic_fetch_add(turn, 1, __ATOMIC_RELEASE);
	ret = ring->memory.calls->wake(ring->memory.context,
				       offset_of(ring, turn), turn,
				       SHMDEV_WAKE_EVERYONE);
	return ret < 0 ? ret : 0;
}
