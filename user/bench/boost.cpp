// SPDX-License-Identifier: GPL-2.0-only
/* Boost's queue of one producer and one consumer, with its elements inside. */
#include "typed.hpp"

#if __has_include("boost/lockfree/spsc_queue.hpp")
#include <boost/lockfree/spsc_queue.hpp>
#include <new>

template <size_t BYTES>
struct Boost {
	using Element = Record<BYTES>;
	using Queue = boost::lockfree::spsc_queue<
		Element, boost::lockfree::capacity<FOOTPRINT / BYTES>>;

	static void *open()
	{
		return new (shared_memory(sizeof(Queue))) Queue;
	}

	ALWAYS_INLINE bool send(struct side *side, const void *record, size_t)
	{
		return static_cast<Queue *>(side->state)
			->push(*static_cast<const Element *>(record));
	}

	ALWAYS_INLINE bool receive(struct side *side, void *record, size_t)
	{
		return static_cast<Queue *>(side->state)
			->pop(*static_cast<Element *>(record));
	}
};

TYPED_TRANSPORT(boost, Boost)
#endif

const struct transport boost_transport = {
	.name = "ring boost spsc_queue",
#if __has_include("boost/lockfree/spsc_queue.hpp")
	.copies = "in and out, of a size known when compiled",
	.open = boost_open,
	TRANSPORT_CALLS(boost),
#else
	.absent = "libboost-dev",
#endif
};
