// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wait words: processes and endpoints sleep until a 32-bit word of a segment
 * changes and somebody says so. What a futex is to processes, for everybody
 * who takes part in a segment; the kernel's own futexes cannot be woken by a
 * module.
 *
 * No wake-up is lost. A sleeper is in its queue before it reads the word, and
 * a waker has written the word before it looks into the queue, with a full
 * barrier between the two on each side: so the sleeper sees the word, or the
 * waker the sleeper.
 *
 * A segment has queues of its own, so that those who wait in one cannot make a
 * wake-up in another slow.
 */
#include <linux/freezer.h>
#include <linux/hash.h>
#include <linux/highmem.h>
#include <linux/hrtimer.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/time_namespace.h>

#include "shmdev.h"
#include "trace.h"

/* What a waker looks for. */
struct wake {
	size_t offset;
	u32 woken;
	bool everywhere;	/* whatever the offset */
};

struct waiter {
	struct wait_queue_entry entry;
	size_t offset;
	bool woken;		/* written under the queue's lock */
};

static struct wait_queue_head *word_queue(struct shmdev_segment *segment,
					  size_t offset)
{
	return &segment->waiters[hash_long(offset, SHMDEV_WAIT_BITS)];
}

/**
 * shmdev_wait_init() - let a new segment have waiters
 * @segment: one that nobody else knows
 *
 * Context: any.
 */
void shmdev_wait_init(struct shmdev_segment *segment)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(segment->waiters); i++)
		init_waitqueue_head(&segment->waiters[i]);
}

/**
 * shmdev_wait_check() - is there such a word?
 * @segment: a referenced one
 * @offset: of the word, in bytes
 *
 * Context: any.
 * Return: 0, -EINVAL if @offset is no multiple of 4, -ENXIO if it lies outside
 */
int shmdev_wait_check(const struct shmdev_segment *segment, u64 offset)
{
	if (offset % sizeof(u32))
		return -EINVAL;
	return offset < segment->bytes ? 0 : -ENXIO;
}

/*
 * Called for each in the queue, under its lock. One that is not asleep yet
 * counts as well: it will find that it was woken.
 */
static int wake_waiter(struct wait_queue_entry *entry, unsigned int mode,
		       int flags, void *key)
{
	struct waiter *waiter = container_of(entry, struct waiter, entry);
	struct wake *wake = key;

	if (!wake->everywhere && waiter->offset != wake->offset)
		return 0;
	wake->woken++;
	WRITE_ONCE(waiter->woken, true);
	default_wake_function(entry, mode, flags, NULL);
	/* The last access: from here on the sleeper may return. */
	list_del_init_careful(&entry->entry);
	return 1;
}

static u32 read_word(struct page *page, size_t offset)
{
	u32 *words = kmap_local_page(page);
	u32 value = READ_ONCE(words[offset_in_page(offset) / sizeof(*words)]);

	kunmap_local(words);
	return value;
}

static int sleep_until(const struct waiter *waiter, ktime_t *until)
{
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		if (READ_ONCE(waiter->woken))
			return 0;
		if (signal_pending(current))
			return -ERESTARTSYS;
		if (!schedule_hrtimeout_range(until, current->timer_slack_ns,
					      HRTIMER_MODE_ABS))
			return -ETIMEDOUT;
	}
}

/* Is there still reason to sleep, now that whoever ends that would find us? */
static bool is_reason(const struct shmdev_segment *segment, struct page *page,
		      size_t offset, u32 expected, const u32 *ended)
{
	return read_word(page, offset) == expected &&
	       (!ended || READ_ONCE(segment->last_end) == *ended);
}

static int wait_while(struct shmdev_segment *segment, size_t offset,
		      u32 expected, const u32 *ended, ktime_t *until)
{
	struct wait_queue_head *queue = word_queue(segment, offset);
	struct waiter waiter = { .offset = offset };
	struct page *page;
	int ret;

	page = shmdev_backing_page(segment, offset >> PAGE_SHIFT);
	if (IS_ERR(page))
		return PTR_ERR(page);

	trace_shmdev_wait(segment, offset, expected);
	init_waitqueue_func_entry(&waiter.entry, wake_waiter);
	waiter.entry.private = current;
	add_wait_queue_exclusive(queue, &waiter.entry);
	smp_mb(); /* pairs with that of shmdev_segment_wake() */
	if (is_reason(segment, page, offset, expected, ended))
		ret = sleep_until(&waiter, until);
	else
		ret = -EAGAIN;
	finish_wait(queue, &waiter.entry);
	put_page(page);
	/* Whoever was counted as woken has been woken, whatever came then. */
	return READ_ONCE(waiter.woken) ? 0 : ret;
}

/**
 * shmdev_segment_wait() - sleep until a word of a segment is woken
 * @segment: one that the caller holds, or that the calling endpoint is
 *           attached to
 * @offset: of the word, in bytes
 * @expected: what the word holds while there is reason to sleep
 * @until: a time of CLOCK_MONOTONIC, or NULL for ever
 *
 * Being woken is a hint to look again; it may be for the end of a peer.
 *
 * Context: may sleep. In an endpoint's kick a signal ends it; elsewhere a kernel
 * thread should not wait for ever.
 * Return: 0 if woken, -EAGAIN if the word does not hold @expected, -ETIMEDOUT,
 * -ERESTARTSYS, -EINVAL if @offset is no multiple of 4, -ENXIO if it lies
 * outside, -ENOMEM
 */
int shmdev_segment_wait(struct shmdev_segment *segment, size_t offset,
			u32 expected, ktime_t *until)
{
	int ret = shmdev_wait_check(segment, offset);

	return ret ?: wait_while(segment, offset, expected, NULL, until);
}
EXPORT_SYMBOL_GPL(shmdev_segment_wait);

/**
 * shmdev_segment_wake() - wake who sleeps on a word, and tell pollers
 * @segment: one that the caller holds, or that the calling endpoint is
 *           attached to
 * @offset: of the word, in bytes; one outside has no sleepers
 * @count: how many at most, U32_MAX for all
 *
 * What was written to the segment before is visible to those who wake up.
 *
 * Context: any, hard interrupts included (but not those of PREEMPT_RT).
 * Return: how many were woken
 */
u32 shmdev_segment_wake(struct shmdev_segment *segment, size_t offset,
			u32 count)
{
	struct wait_queue_head *queue = word_queue(segment, offset);
	struct wake wake = { .offset = offset };

	/* To __wake_up(), 0 would mean all. */
	if (count && wq_has_sleeper(queue))
		__wake_up(queue, TASK_NORMAL, min_t(u32, count, INT_MAX), &wake);
	trace_shmdev_wake(segment, offset, wake.woken);
	shmdev_segment_notify(segment);
	return wake.woken;
}
EXPORT_SYMBOL_GPL(shmdev_segment_wake);

/**
 * shmdev_wait_wake_everyone() - wake who sleeps on any word, and tell pollers
 * @segment: a referenced one
 *
 * Context: as shmdev_segment_wake()
 */
void shmdev_wait_wake_everyone(struct shmdev_segment *segment)
{
	struct wake wake = { .everywhere = true };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(segment->waiters); i++)
		__wake_up(&segment->waiters[i], TASK_NORMAL, 0, &wake);
	shmdev_segment_notify(segment);
}

/* A time of the caller's CLOCK_MONOTONIC, as the kernel's own. */
static ktime_t monotonic_to_host(ktime_t time)
{
	struct timespec64 shift = {};
	ktime_t offset;

	timens_add_monotonic(&shift);
	offset = timespec64_to_ktime(shift);
	if (offset < 0)
		return ktime_add_safe(time, -offset);
	return time > offset ? ktime_sub(time, offset) : 0;
}

/**
 * shmdev_wait() - carry out WAIT
 * @segment: a referenced one
 * @wait: from the process, its flags are known; if a signal ended the wait, a
 *        relative timeout has become what is left of it
 *
 * Context: process context, may sleep.
 * Return: as shmdev_segment_wait(); -EAGAIN also if a peer has ended since
 */
int shmdev_wait(struct shmdev_segment *segment, struct shmdev_wait *wait)
{
	const u32 *ended = wait->flags & SHMDEV_WAIT_F_PEERS ? &wait->ended :
								NULL;
	bool absolute = wait->flags & SHMDEV_WAIT_F_ABSOLUTE;
	ktime_t until = min_t(u64, wait->timeout, KTIME_MAX);
	int ret = shmdev_wait_check(segment, wait->offset);

	if (ret)
		return ret;
	if (wait->timeout == SHMDEV_WAIT_FOREVER)
		return wait_while(segment, wait->offset, wait->expected, ended,
				  NULL);
	until = absolute ? monotonic_to_host(until) :
			   ktime_add_safe(ktime_get(), until);
	ret = wait_while(segment, wait->offset, wait->expected, ended, &until);
	if (ret == -ERESTARTSYS && !absolute)
		wait->timeout = max(ktime_sub(until, ktime_get()), 0);
	return ret;
}
