// SPDX-License-Identifier: GPL-2.0-only
/*
 * Endpoint "bench", for measurements: does with a ring, or with memory, what it is
 * told to, as often as it is told to, see bench.h. What a kick costs beyond one
 * that does nothing is what that costs. The ring is made as the parameters say;
 * with kind 0 there is none.
 */
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/shmdev.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "bench.h"

static struct shmdev_ring_spec spec;

module_param_named(kind, spec.kind, uint, 0644);
module_param_named(consumes, spec.consumes, bool, 0644);
module_param_named(readers, spec.readers, uint, 0644);

/* Source and target of copies, of either kind of the kernel's own memory. */
static void *linear;
static void *virtual;

static int produce(struct shmdev_ring *ring, u32 times, size_t bytes)
{
	int ret = 0;

	while (!ret && times--)
		ret = shmdev_ring_write(ring, linear, bytes);
	return ret;
}

static int produce_in_place(struct shmdev_ring *ring, u32 times, size_t bytes)
{
	u64 *record;

	while (times--) {
		record = shmdev_ring_reserve(ring, bytes);
		if (IS_ERR(record))
			return PTR_ERR(record);
		WRITE_ONCE(*record, times);
		shmdev_ring_commit(ring);
	}
	return 0;
}

static int produce_batch(struct shmdev_ring *ring, u32 times, size_t bytes)
{
	void *record;

	while (times--) {
		record = shmdev_ring_reserve(ring, bytes);
		if (IS_ERR(record))
			return PTR_ERR(record);
		memcpy(record, linear, bytes);
		shmdev_ring_commit_later(ring);
	}
	shmdev_ring_flush(ring);
	return 0;
}

static int consume(struct shmdev_ring *ring, u32 times)
{
	ssize_t ret = 0;

	while (ret >= 0 && times--)
		ret = shmdev_ring_read(ring, linear, BENCH_RECORD_MAX);
	return min_t(ssize_t, ret, 0);
}

static int consume_in_place(struct shmdev_ring *ring, u32 times)
{
	const void *record;
	ssize_t ret;

	while (times--) {
		ret = shmdev_ring_peek(ring, &record);
		if (ret < 0)
			return ret;
		shmdev_ring_release(ring);
	}
	return 0;
}

static int copy(void *to, const void *from, u32 times, size_t bytes)
{
	while (times--) {
		memcpy(to, from, bytes);
		barrier_data(to);
	}
	return 0;
}

static int sum(const u64 *words, u32 times, size_t bytes)
{
	u64 total = 0;
	size_t i;

	while (times--)
		for (i = 0; i < bytes / sizeof(*words); i++)
			total += READ_ONCE(words[i]);
	return total & 1;
}

static int on_memory(struct shmdev_segment *segment, u32 operation, u32 times,
		     size_t bytes)
{
	void *data = shmdev_segment_data(segment);

	bytes = min3(bytes, BENCH_MEMORY,
		     shmdev_segment_bytes(segment));
	switch (operation) {
	case BENCH_COPY_SEGMENT:
		return copy(virtual, data, times, bytes);
	case BENCH_COPY_VMALLOC:
		return copy(virtual, virtual + BENCH_MEMORY, times, bytes);
	case BENCH_COPY_LINEAR:
		return copy(virtual, linear, times, bytes);
	case BENCH_SUM_SEGMENT:
		return sum(data, times, bytes);
	case BENCH_SUM_VMALLOC:
		return sum(virtual, times, bytes);
	case BENCH_SUM_LINEAR:
		return sum(linear, times, bytes);
	default:
		return -EINVAL;
	}
}

static int on_ring(struct shmdev_ring *ring, u32 operation, u32 times,
		   size_t bytes)
{
	if (bytes < sizeof(u64) || bytes > BENCH_RECORD_MAX)
		return -EINVAL;
	switch (operation) {
	case BENCH_PRODUCE:
		return produce(ring, times, bytes);
	case BENCH_PRODUCE_IN_PLACE:
		return produce_in_place(ring, times, bytes);
	case BENCH_PRODUCE_BATCH:
		return produce_batch(ring, times, bytes);
	case BENCH_CONSUME:
		return consume(ring, times);
	case BENCH_CONSUME_IN_PLACE:
		return consume_in_place(ring, times);
	default:
		return -EINVAL;
	}
}

static noinline int operate(struct shmdev_segment *segment, u64 argument)
{
	struct shmdev_ring *ring = shmdev_segment_private(segment);
	u32 operation = argument >> BENCH_SHIFT;
	u32 times = argument >> BENCH_TIMES_SHIFT & BENCH_TIMES;
	size_t bytes = argument & BENCH_BYTES;

	return ring ? on_ring(ring, operation, times, bytes) :
		      on_memory(segment, operation, times, bytes);
}

/* What the others do comes on top of a call that does nothing. */
static int bench_kick(struct shmdev_segment *segment, u64 argument)
{
	return argument >> BENCH_SHIFT ? operate(segment, argument) : 0;
}

static int bench_attach(struct shmdev_segment *segment)
{
	struct shmdev_ring *ring = NULL;

	if (spec.kind)
		ring = shmdev_ring_create(segment, &spec);
	shmdev_segment_set_private(segment, ring);
	return PTR_ERR_OR_ZERO(ring);
}

static void bench_detach(struct shmdev_segment *segment)
{
	shmdev_ring_destroy(shmdev_segment_private(segment));
}

static struct shmdev_endpoint bench = {
	.name = "bench",
	.attach = bench_attach,
	.detach = bench_detach,
	.kick = bench_kick,
};

static int __init bench_init(void)
{
	int ret = -ENOMEM;

	linear = kzalloc(BENCH_MEMORY, GFP_KERNEL);
	virtual = vzalloc(2 * BENCH_MEMORY);
	if (linear && virtual)
		ret = shmdev_endpoint_register(&bench);
	if (ret) {
		vfree(virtual);
		kfree(linear);
	}
	return ret;
}
module_init(bench_init);

static void __exit bench_exit(void)
{
	shmdev_endpoint_unregister(&bench);
	vfree(virtual);
	kfree(linear);
}
module_exit(bench_exit);

MODULE_DESCRIPTION("shmdev sample: moves records and bytes, to be measured");
MODULE_LICENSE("GPL");
