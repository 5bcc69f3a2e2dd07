// SPDX-License-Identifier: GPL-2.0-only
/*
 * PipeWire's spa_ringbuffer: bytes. So that records can be of any size, as in
 * ours, each has its length before it.
 */
#include "transport.h"

#if __has_include("spa/utils/ringbuffer.h")
#include <spa/utils/ringbuffer.h>

struct spa_shared {
	struct spa_ringbuffer ring;
	unsigned char data[FOOTPRINT] ON_OWN_LINE;
};

static void *spa_open(size_t bytes)
{
	struct spa_shared *shared = shared_memory(sizeof(*shared));

	(void)bytes;
	spa_ringbuffer_init(&shared->ring);
	return shared;
}

ALWAYS_INLINE bool spa_send(struct side *side, const void *record, size_t bytes)
{
	struct spa_shared *shared = side->state;
	uint64_t length = bytes;
	uint32_t at;
	int32_t filled = spa_ringbuffer_get_write_index(&shared->ring, &at);

	if (filled + sizeof(length) + bytes > FOOTPRINT)
		return false;
	spa_ringbuffer_write_data(&shared->ring, shared->data, FOOTPRINT,
				  at % FOOTPRINT, &length, sizeof(length));
	at += sizeof(length);
	spa_ringbuffer_write_data(&shared->ring, shared->data, FOOTPRINT,
				  at % FOOTPRINT, record, (uint32_t)bytes);
	spa_ringbuffer_write_update(&shared->ring, (int32_t)(at + bytes));
	return true;
}

ALWAYS_INLINE bool spa_receive(struct side *side, void *record, size_t bytes)
{
	struct spa_shared *shared = side->state;
	uint64_t length;
	uint32_t at;

	if (!spa_ringbuffer_get_read_index(&shared->ring, &at))
		return false;
	spa_ringbuffer_read_data(&shared->ring, shared->data, FOOTPRINT,
				 at % FOOTPRINT, &length, sizeof(length));
	at += sizeof(length);
	if (length > bytes)
		return false;
	spa_ringbuffer_read_data(&shared->ring, shared->data, FOOTPRINT,
				 at % FOOTPRINT, record, (uint32_t)length);
	spa_ringbuffer_read_update(&shared->ring, (int32_t)(at + length));
	return true;
}

TRANSPORT_LOOPS(spa)
#endif

const struct transport spa_transport = {
	.name = "ring spa_ringbuffer",
	.copies = "in and out, with a length",
#if __has_include("spa/utils/ringbuffer.h")
	.open = spa_open,
	TRANSPORT_CALLS(spa),
#else
	.absent = "libspa-0.2-dev",
#endif
};
