/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shmdev for other kernel modules: serve segments as their endpoint.
 *
 * An endpoint is the kernel's side of a segment. A process creates a segment
 * and names the endpoint that shall serve it; the endpoint sees the same bytes
 * at a kernel address, and is called when the process kicks. A whole module:
 *
 *	static int sum_kick(struct shmdev_segment *segment, u64 argument)
 *	{
 *		u32 *word = shmdev_segment_data(segment);
 *
 *		WRITE_ONCE(word[2], READ_ONCE(word[0]) + READ_ONCE(word[1]));
 *		return 0;
 *	}
 *
 *	static struct shmdev_endpoint sum = {
 *		.name = "sum",
 *		.kick = sum_kick,
 *	};
 *	module_shmdev_endpoint(sum);
 *	MODULE_LICENSE("GPL");
 *
 * shmdev_segment_wake() tells processes that there is something new, from an
 * interrupt too; see driver/samples/shmdev_ticker.c.
 *
 * For records in either direction, an endpoint makes a ring in its segment, see
 * struct shmdev_ring_spec, and driver/samples/shmdev_adc.c and shmdev_echo.c.
 *
 * Trust nothing that is in a segment: processes can change every byte at any
 * moment, between two reads too. Read a word once, with READ_ONCE(), or copy
 * what you need with shmdev_copy_once(), then validate and use your copy. What
 * must stay true (positions, lengths, counts) belongs in memory of your own,
 * see shmdev_segment_set_private().
 */
#ifndef _LINUX_SHMDEV_H
#define _LINUX_SHMDEV_H

#include <linux/compiler.h>
#include <linux/device/driver.h>
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/string.h>
#include <linux/types.h>
#include <uapi/linux/shmdev_ring.h>

struct shmdev_segment;
struct shmdev_ring;

/**
 * struct shmdev_endpoint - the kernel's side of segments
 * @name: what processes ask for; unique, 1 to 31 bytes
 * @attach: optional. A segment has been created for this endpoint; no process
 *          can reach it yet and it reads as zero. An error (negative errno;
 *          EINVAL if the segment is too small) undoes the creation and is
 *          handed to the process; @detach is not called then.
 * @detach: optional. The last call for this segment: its last user has gone,
 *          or the endpoint is being unregistered while processes still use
 *          the memory. Free here what attach allocated.
 * @kick: optional. A process asks to look. The result (0 or more, or a
 *        negative errno) is what its ioctl() returns.
 * @link: for shmdev
 * @segments: for shmdev
 *
 * Context: all three are called in process context and may sleep. For one
 * segment they are called one at a time, attach first, detach last. Kicks of
 * different segments come at the same time; attach and detach, of any segment
 * of any endpoint, one at a time, so they should be short. None may register
 * or unregister an endpoint. A kick that sleeps must be killable.
 */
struct shmdev_endpoint {
	const char *name;
	int (*attach)(struct shmdev_segment *segment);
	void (*detach)(struct shmdev_segment *segment);
	int (*kick)(struct shmdev_segment *segment, u64 argument);
	struct list_head link;
	struct list_head segments;
};

int shmdev_endpoint_register(struct shmdev_endpoint *endpoint);
void shmdev_endpoint_unregister(struct shmdev_endpoint *endpoint);

/**
 * module_shmdev_endpoint() - a module that is an endpoint and nothing else
 * @endpoint: a static struct shmdev_endpoint
 */
#define module_shmdev_endpoint(endpoint) \
	module_driver(endpoint, shmdev_endpoint_register, \
		      shmdev_endpoint_unregister)

void *shmdev_segment_data(const struct shmdev_segment *segment);
size_t shmdev_segment_bytes(const struct shmdev_segment *segment);
void *shmdev_segment_private(const struct shmdev_segment *segment);
void shmdev_segment_set_private(struct shmdev_segment *segment, void *data);
int shmdev_segment_isolate(struct shmdev_segment *segment, size_t offset,
			   size_t bytes, bool claimable);
void shmdev_segment_notify(struct shmdev_segment *segment);
int shmdev_segment_wait(struct shmdev_segment *segment, size_t offset,
			u32 expected, ktime_t *until);
u32 shmdev_segment_wake(struct shmdev_segment *segment, size_t offset,
			u32 count);

/**
 * shmdev_copy_once() - copy bytes that a process may be changing
 * @to: memory of the caller's own
 * @from: in a segment
 * @bytes: how many
 *
 * What arrives may be a mixture of old and new bytes, but it is what the
 * caller will go on seeing: the barrier keeps the compiler from reading @from
 * a second time in place of @to.
 *
 * Context: any.
 */
static inline void shmdev_copy_once(void *to, const void *from, size_t bytes)
{
	memcpy(to, from, bytes);
	barrier();
}

/**
 * struct shmdev_ring_spec - a ring in a segment, with the kernel on one side
 * @offset: where in the segment, a multiple of PAGE_SIZE
 * @bytes: what it may take up there; 0: all that follows. The data gets the
 *         largest power of two that fits
 * @position: of the first record, a multiple of 8; mostly 0
 * @sequence: number of the first record; mostly 0
 * @data_bytes: for shmdev
 * @kind: SHMDEV_RING_QUEUE: each record to one, none lost; SHMDEV_RING_STREAM:
 *        each to all readers, who are told what they lost
 * @flags: SHMDEV_RING_F_MANY: several processes may produce, in turn
 * @readers: of a stream, at a time, at most SHMDEV_RING_CURSORS_MAX; 0: 8
 * @consumes: processes produce and the kernel consumes, which takes a queue; else
 *            the other way round
 *
 * The layout is that of <linux/shmdev_ring.h>, so processes take part by the
 * library's shmdev_ring_attach(). What the other side writes can make these
 * functions fail, with an error that says so, and nothing else.
 *
 * The functions that move records need no lock of shmdev's, and may be called in
 * interrupts; for one ring, only one at a time. They are there on 64-bit kernels.
 */
struct shmdev_ring_spec {
	size_t offset;
	size_t bytes;
	u64 position;
	u64 sequence;
	u64 data_bytes;
	u32 kind;
	u32 flags;
	u32 readers;
	bool consumes;
};

struct shmdev_ring *shmdev_ring_create(struct shmdev_segment *segment,
				       const struct shmdev_ring_spec *spec);
void shmdev_ring_destroy(struct shmdev_ring *ring);
size_t shmdev_ring_record_max(const struct shmdev_ring *ring);

void *shmdev_ring_reserve(struct shmdev_ring *ring, size_t bytes);
void shmdev_ring_commit(struct shmdev_ring *ring);
void shmdev_ring_commit_later(struct shmdev_ring *ring);
void shmdev_ring_flush(struct shmdev_ring *ring);
void shmdev_ring_discard(struct shmdev_ring *ring);
int shmdev_ring_write(struct shmdev_ring *ring, const void *data, size_t bytes);

ssize_t shmdev_ring_peek(struct shmdev_ring *ring, const void **record);
void shmdev_ring_unpeek(struct shmdev_ring *ring);
void shmdev_ring_release(struct shmdev_ring *ring);
ssize_t shmdev_ring_read(struct shmdev_ring *ring, void *to, size_t room);
int shmdev_ring_wait(struct shmdev_ring *ring, ktime_t *until);

#endif /* _LINUX_SHMDEV_H */
