// SPDX-License-Identifier: GPL-2.0-only
/*
 * DPDK's rte_ring: a ring of pointers, and one whose elements are the records,
 * of which one or 32 at a time are written and read in place. It is a struct
 * that one initializes in memory of one's own; the rest of DPDK is not started.
 */
#include "slots.h"

#if __has_include("rte_ring_peek_zc.h")
/* What DPDK's own flags for pkg-config would include. */
#include <rte_config.h>
#include <err.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>
#include <rte_ring_peek_zc.h>
#include <stdlib.h>

struct rte_shared {
	struct slots *slots;
	struct rte_ring *ring;
};

static struct rte_shared *rte_new(size_t bytes, unsigned int element,
				  unsigned int flags)
{
	struct rte_shared *shared = shared_memory(sizeof(*shared));
	unsigned int count = slots_wanted(bytes);
	ssize_t size = rte_ring_get_memsize_elem(element, count);

	if (size < 0)
		errx(1, "rte_ring: no ring of %u", count);
	shared->ring = shared_memory((size_t)size);
	if (rte_ring_init(shared->ring, "bench", count,
			  RING_F_SP_ENQ | RING_F_SC_DEQ | flags))
		errx(1, "rte_ring: cannot be initialized");
	return shared;
}

static void *rte_open(size_t bytes)
{
	struct rte_shared *shared = rte_new(bytes, sizeof(void *), 0);

	shared->slots = slots_new(bytes);
	return shared;
}

/* A full ring is waited for here, so that the record is copied once. */
ALWAYS_INLINE bool rte_send(struct side *side, const void *record, size_t bytes)
{
	struct rte_shared *shared = side->state;
	void *slot = slots_put(shared->slots, record, bytes);

	while (rte_ring_sp_enqueue(shared->ring, slot))
		spin_hint();
	return true;
}

ALWAYS_INLINE bool rte_receive(struct side *side, void *record, size_t bytes)
{
	struct rte_shared *shared = side->state;
	void *slot;

	if (rte_ring_sc_dequeue(shared->ring, &slot))
		return false;
	slots_get(slot, record, bytes);
	return true;
}

TRANSPORT_LOOPS(rte)

/* What has been granted of the ring, and how much of it has been used. */
struct rte_place {
	struct rte_ring_zc_data granted;
	struct rte_ring *ring;
	unsigned int count, used;
};

static void *rte_open_place(size_t bytes)
{
	return rte_new(bytes, (unsigned int)bytes, 0);
}

static void *rte_join(void *shared, size_t bytes, enum transport_role role)
{
	struct rte_place *mine = calloc(1, sizeof(*mine));

	(void)bytes;
	(void)role;
	if (!mine)
		err(1, "calloc");
	mine->ring = ((struct rte_shared *)shared)->ring;
	return mine;
}

static void rte_leave(void *state, enum transport_role role)
{
	(void)role;
	free(state);
}

ALWAYS_INLINE void *rte_next(struct rte_place *mine, size_t bytes)
{
	unsigned int i = mine->used++;

	return i < mine->granted.n1 ?
		       (char *)mine->granted.ptr1 + i * bytes :
		       (char *)mine->granted.ptr2 +
			       (i - mine->granted.n1) * bytes;
}

static inline void rte_flush(struct side *side)
{
	struct rte_place *mine = side->state;

	if (mine->used)
		rte_ring_enqueue_zc_elem_finish(mine->ring, mine->used);
	mine->count = 0;
	mine->used = 0;
}

static inline void rte_release(struct side *side)
{
	struct rte_place *mine = side->state;

	if (mine->used)
		rte_ring_dequeue_zc_elem_finish(mine->ring, mine->used);
	mine->count = 0;
	mine->used = 0;
}

ALWAYS_INLINE bool place_send(struct side *side, const void *record,
			      size_t bytes, unsigned int batch)
{
	struct rte_place *mine = side->state;

	if (!mine->count) {
		mine->count = rte_ring_enqueue_zc_burst_elem_start
			(mine->ring, (unsigned int)bytes, batch, &mine->granted,
			 NULL);
		if (!mine->count)
			return false;
	}
	memcpy(rte_next(mine, bytes), record, bytes);
	if (mine->used == mine->count)
		rte_flush(side);
	return true;
}

ALWAYS_INLINE bool place_receive(struct side *side, void *record, size_t bytes,
				 unsigned int batch)
{
	struct rte_place *mine = side->state;

	if (!mine->count) {
		mine->count = rte_ring_dequeue_zc_burst_elem_start
			(mine->ring, (unsigned int)bytes, batch, &mine->granted,
			 NULL);
		if (!mine->count)
			return false;
	}
	memcpy(record, rte_next(mine, bytes), bytes);
	if (mine->used == mine->count)
		rte_release(side);
	return true;
}

ALWAYS_INLINE bool single_send(struct side *side, const void *record,
			       size_t bytes)
{
	return place_send(side, record, bytes, 1);
}

ALWAYS_INLINE bool single_receive(struct side *side, void *record, size_t bytes)
{
	return place_receive(side, record, bytes, 1);
}

ALWAYS_INLINE bool batch_send(struct side *side, const void *record,
			      size_t bytes)
{
	return place_send(side, record, bytes, BATCH);
}

ALWAYS_INLINE bool batch_receive(struct side *side, void *record, size_t bytes)
{
	return place_receive(side, record, bytes, BATCH);
}

TRANSPORT_LOOPS(single)
TRANSPORT_LOOPS_FOR(batch, batch_send, batch_receive, rte_flush, rte_release)
#endif

const struct transport rte_transport = {
	.name = "ring rte_ring",
	.copies = "in and out; 8 bytes by value, others in slots",
#if __has_include("rte_ring_peek_zc.h")
	.open = rte_open,
	TRANSPORT_CALLS(rte),
#else
	.absent = "libdpdk-dev",
#endif
};

const struct transport rte_single = {
	.name = "ring rte_ring zero-copy",
	.copies = "in and out, to and from the ring's elements",
#if __has_include("rte_ring_peek_zc.h")
	.open = rte_open_place,
	.join = rte_join,
	.leave = rte_leave,
	TRANSPORT_CALLS(single),
#else
	.absent = "libdpdk-dev",
#endif
};

const struct transport rte_batch = {
	.name = "ring rte_ring zero-copy by 32",
	.copies = "in and out, to and from the ring's elements",
	.is_batched = true,
#if __has_include("rte_ring_peek_zc.h")
	.open = rte_open_place,
	.join = rte_join,
	.leave = rte_leave,
	TRANSPORT_CALLS(batch),
#else
	.absent = "libdpdk-dev",
#endif
};
