// SPDX-License-Identifier: GPL-2.0-only
/* atomic_queue's AtomicQueue2 for one producer and one consumer. */
#include "typed.hpp"

#if __has_include("atomic_queue/atomic_queue.h")
#include <atomic_queue/atomic_queue.h>
#include <new>

template <size_t BYTES>
struct Atomic {
	using Element = Record<BYTES>;
	/* Spread over lines, as fast as it can, in no total order, one each. */
	using Queue = atomic_queue::AtomicQueue2<Element, FOOTPRINT / BYTES,
						 true, true, false, true>;

	static void *open()
	{
		return new (shared_memory(sizeof(Queue))) Queue;
	}

	ALWAYS_INLINE bool send(struct side *side, const void *record, size_t)
	{
		return static_cast<Queue *>(side->state)
			->try_push(*static_cast<const Element *>(record));
	}

	ALWAYS_INLINE bool receive(struct side *side, void *record, size_t)
	{
		return static_cast<Queue *>(side->state)
			->try_pop(*static_cast<Element *>(record));
	}
};

TYPED_TRANSPORT(atomic, Atomic)
#endif

const struct transport atomic_transport = {
	.name = "ring atomic_queue",
#if __has_include("atomic_queue/atomic_queue.h")
	.copies = "in and out, of a size known when compiled",
	.open = atomic_open,
	TRANSPORT_CALLS(atomic),
#else
	.absent = "libatomic-queue-dev",
#endif
};
