// SPDX-License-Identifier: GPL-2.0-only
/* Concurrency Kit's ring of pointers, one producer and one consumer. */
#include "slots.h"

#if __has_include("ck_ring.h")
#include <ck_ring.h>

struct ck_shared {
	ck_ring_t ring;
	struct slots *slots;
	ck_ring_buffer_t buffer[];
};

static void *ck_open(size_t bytes)
{
	unsigned int size = slots_wanted(bytes);
	struct ck_shared *shared = shared_memory(sizeof(*shared) + size *
						 sizeof(shared->buffer[0]));

	ck_ring_init(&shared->ring, size);
	shared->slots = slots_new(bytes);
	return shared;
}

/* A full ring is waited for here, so that the record is copied once. */
ALWAYS_INLINE bool ck_send(struct side *side, const void *record, size_t bytes)
{
	struct ck_shared *shared = side->state;
	void *slot = slots_put(shared->slots, record, bytes);

	while (!ck_ring_enqueue_spsc(&shared->ring, shared->buffer, slot))
		spin_hint();
	return true;
}

ALWAYS_INLINE bool ck_receive(struct side *side, void *record, size_t bytes)
{
	struct ck_shared *shared = side->state;
	void *slot;

	if (!ck_ring_dequeue_spsc(&shared->ring, shared->buffer, &slot))
		return false;
	slots_get(slot, record, bytes);
	return true;
}

TRANSPORT_LOOPS(ck)
#endif

const struct transport ck_transport = {
	.name = "ring ck_ring",
	.copies = "in and out; 8 bytes by value, others in slots",
#if __has_include("ck_ring.h")
	.open = ck_open,
	TRANSPORT_CALLS(ck),
#else
	.absent = "libck-dev",
#endif
};
