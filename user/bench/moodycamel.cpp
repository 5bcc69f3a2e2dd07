// SPDX-License-Identifier: GPL-2.0-only
/*
 * moodycamel's ReaderWriterQueue. It allocates its blocks, so its parties are
 * threads; with room for all from the beginning, it never allocates later.
 */
#include "typed.hpp"

#if __has_include("readerwriterqueue/readerwriterqueue.h")
#include <readerwriterqueue/readerwriterqueue.h>

/* Who closes it has to know its type. */
struct Opened {
	void *queue;
	void (*close)(void *queue);
};

template <size_t BYTES>
struct Moody {
	using Element = Record<BYTES>;
	using Queue = moodycamel::ReaderWriterQueue<Element>;

	static void *open()
	{
		return new Opened{ new Queue(FOOTPRINT / BYTES), close };
	}

	static void close(void *queue)
	{
		delete static_cast<Queue *>(queue);
	}

	ALWAYS_INLINE bool send(struct side *side, const void *record, size_t)
	{
		return static_cast<Queue *>(side->state)
			->try_enqueue(*static_cast<const Element *>(record));
	}

	ALWAYS_INLINE bool receive(struct side *side, void *record, size_t)
	{
		return static_cast<Queue *>(side->state)
			->try_dequeue(*static_cast<Element *>(record));
	}
};

static void *moody_join(void *shared, size_t, enum transport_role)
{
	return static_cast<Opened *>(shared)->queue;
}

static void moody_close(void *shared)
{
	Opened *opened = static_cast<Opened *>(shared);

	opened->close(opened->queue);
	delete opened;
}

TYPED_TRANSPORT(moody, Moody)
#endif

const struct transport moodycamel_transport = {
	.name = "ring moodycamel (threads)",
#if __has_include("readerwriterqueue/readerwriterqueue.h")
	.copies = "in and out, of a size known when compiled",
	.is_for_threads = true,
	.open = moody_open,
	.close = moody_close,
	.join = moody_join,
	TRANSPORT_CALLS(moody),
#else
	.absent = "libreaderwriterqueue-dev",
#endif
};
