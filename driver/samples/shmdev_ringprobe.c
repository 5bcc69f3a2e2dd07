// SPDX-License-Identifier: GPL-2.0-only
/*
 * Endpoint "ringprobe", for tests: does with a ring what it is told to. The ring
 * is made as the parameters say; it is followed by one page, from where records
 * are taken, and where they are copied to. A kick's argument is an operation and a
 * length, see ringprobe.h.
 */
#include <linux/irq_work.h>
#include <linux/module.h>
#include <linux/shmdev.h>

#include "ringprobe.h"

static struct shmdev_ring_spec spec = { .kind = SHMDEV_RING_QUEUE };

module_param_named(kind, spec.kind, uint, 0644);
module_param_named(consumes, spec.consumes, bool, 0644);
module_param_named(flags, spec.flags, uint, 0644);
module_param_named(readers, spec.readers, uint, 0644);
module_param_named(offset, spec.offset, ulong, 0644);
module_param_named(bytes, spec.bytes, ulong, 0644);
module_param_named(position, spec.position, ullong, 0644);
module_param_named(sequence, spec.sequence, ullong, 0644);

/* How many are made, and how far apart; all but the first go at once. */
static uint times = 1;
module_param(times, uint, 0644);
static ulong step;
module_param(step, ulong, 0644);

struct operation {
	struct irq_work work;
	struct shmdev_segment *segment;
	u64 argument;
	int result;
};

static int peek(struct shmdev_ring *ring, void *bench)
{
	const void *record;
	ssize_t bytes = shmdev_ring_peek(ring, &record);

	if (bytes > 0)
		shmdev_copy_once(bench, record, min_t(size_t, bytes, PAGE_SIZE));
	return bytes;
}

static int reserve(struct shmdev_ring *ring, const void *bench, size_t bytes)
{
	void *record = shmdev_ring_reserve(ring, bytes);

	if (IS_ERR(record))
		return PTR_ERR(record);
	memcpy(record, bench, min(bytes, PAGE_SIZE));
	return 0;
}

static int operate(struct shmdev_segment *segment, u64 argument)
{
	struct shmdev_ring *ring = shmdev_segment_private(segment);
	void *bench = shmdev_segment_data(segment) +
		      shmdev_segment_bytes(segment) - PAGE_SIZE;
	size_t bytes = argument & RINGPROBE_BYTES;
	ktime_t until;

	switch (argument >> RINGPROBE_SHIFT & RINGPROBE_MASK) {
	case RINGPROBE_RECORD_MAX:
		return shmdev_ring_record_max(ring);
	case RINGPROBE_RESERVE:
		return reserve(ring, bench, bytes);
	case RINGPROBE_COMMIT:
		shmdev_ring_commit(ring);
		return 0;
	case RINGPROBE_COMMIT_LATER:
		shmdev_ring_commit_later(ring);
		return 0;
	case RINGPROBE_FLUSH:
		shmdev_ring_flush(ring);
		return 0;
	case RINGPROBE_DISCARD:
		shmdev_ring_discard(ring);
		return 0;
	case RINGPROBE_WRITE:
		/* It has no more than its page to copy from. */
		return bytes > PAGE_SIZE ? -E2BIG :
					   shmdev_ring_write(ring, bench, bytes);
	case RINGPROBE_PEEK:
		return peek(ring, bench);
	case RINGPROBE_RELEASE:
		shmdev_ring_release(ring);
		return 0;
	case RINGPROBE_UNPEEK:
		shmdev_ring_unpeek(ring);
		return 0;
	case RINGPROBE_READ:
		return shmdev_ring_read(ring, bench, min(bytes, PAGE_SIZE));
	case RINGPROBE_WAIT:
		until = ktime_add_ms(ktime_get(), bytes);
		return shmdev_ring_wait(ring, &until);
	default:
		return -EINVAL;
	}
}

static void operate_in_interrupt(struct irq_work *work)
{
	struct operation *operation = container_of(work, struct operation,
						   work);

	operation->result = operate(operation->segment, operation->argument);
}

static int ringprobe_kick(struct shmdev_segment *segment, u64 argument)
{
	struct operation operation = {
		.segment = segment,
		.argument = argument,
	};

	if (!(argument & RINGPROBE_IN_INTERRUPT))
		return operate(segment, argument);
	init_irq_work(&operation.work, operate_in_interrupt);
	irq_work_queue(&operation.work);
	irq_work_sync(&operation.work);
	return operation.result;
}

static int ringprobe_attach(struct shmdev_segment *segment)
{
	struct shmdev_ring_spec now = spec;
	struct shmdev_ring *ring, *next;
	uint i;

	if (!now.bytes)
		now.bytes = shmdev_segment_bytes(segment) - now.offset -
			    PAGE_SIZE;
	ring = shmdev_ring_create(segment, &now);
	for (i = 1; i < times && !IS_ERR(ring); i++) {
		now.offset += step;
		next = shmdev_ring_create(segment, &now);
		shmdev_ring_destroy(IS_ERR(next) ? ring : next);
		if (IS_ERR(next))
			ring = next;
	}
	shmdev_segment_set_private(segment, ring);
	return PTR_ERR_OR_ZERO(ring);
}

static void ringprobe_detach(struct shmdev_segment *segment)
{
	shmdev_ring_destroy(shmdev_segment_private(segment));
}

static struct shmdev_endpoint ringprobe = {
	.name = "ringprobe",
	.attach = ringprobe_attach,
	.detach = ringprobe_detach,
	.kick = ringprobe_kick,
};
module_shmdev_endpoint(ringprobe);

MODULE_DESCRIPTION("shmdev sample: does with a ring what it is told to");
MODULE_LICENSE("GPL");
