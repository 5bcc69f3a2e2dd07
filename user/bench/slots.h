/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For rings that pass pointers: slots for the records that they point to, used
 * in turn. What fits into a pointer needs none, and is passed as one.
 */
#ifndef SLOTS_H
#define SLOTS_H

#include "transport.h"

struct slots {
	size_t bytes;		/* of a slot */
	uint64_t count;
	uint64_t next;		/* the producer's */
	unsigned char data[] ON_OWN_LINE;
};

/* How many pointers a ring for them has: a power of two. */
static inline unsigned int slots_wanted(size_t bytes)
{
	return (unsigned int)(FOOTPRINT / bytes);
}

/*
 * Two more than the ring has pointers: one record is being copied in, and one,
 * which has left the ring, is being copied out.
 */
static inline struct slots *slots_new(size_t bytes)
{
	uint64_t count = slots_wanted(bytes) + 2;
	struct slots *slots = (struct slots *)shared_memory(sizeof(*slots) +
							    count * bytes);

	slots->bytes = bytes;
	slots->count = count;
	return slots;
}

ALWAYS_INLINE void *slots_put(struct slots *slots, const void *record,
			      size_t bytes)
{
	void *slot;

	if (bytes <= sizeof(any_word))
		return (void *)(uintptr_t)*(const any_word *)record;
	slot = slots->data + slots->next * slots->bytes;
	memcpy(slot, record, bytes);
	if (++slots->next == slots->count)
		slots->next = 0;
	return slot;
}

ALWAYS_INLINE void slots_get(const void *slot, void *record, size_t bytes)
{
	if (bytes <= sizeof(any_word))
		*(any_word *)record = (uintptr_t)slot;
	else
		memcpy(record, slot, bytes);
}

#endif /* SLOTS_H */
