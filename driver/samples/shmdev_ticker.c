// SPDX-License-Identifier: GPL-2.0-only
/*
 * Endpoint "ticker": counts in the first 32-bit word of a segment, from a timer
 * interrupt, and wakes who waits for that word. A kick's argument is the period
 * in nanoseconds, or 0 to stop.
 */
#include <linux/hrtimer.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/shmdev.h>
#include <linux/slab.h>

#include "../compat.h"

#define PERIOD_MIN (10 * NSEC_PER_USEC)
#define PERIOD_MAX (10 * NSEC_PER_SEC)

struct ticker {
	struct hrtimer timer;
	struct shmdev_segment *segment;
	ktime_t period;
	u32 ticks;	/* not read from the segment, where anybody may write */
};

static enum hrtimer_restart ticker_tick(struct hrtimer *timer)
{
	struct ticker *ticker = container_of(timer, struct ticker, timer);
	u32 *word = shmdev_segment_data(ticker->segment);

	WRITE_ONCE(*word, ++ticker->ticks);
	shmdev_segment_wake(ticker->segment, 0, U32_MAX);
	hrtimer_forward_now(timer, ticker->period);
	return HRTIMER_RESTART;
}

static int ticker_attach(struct shmdev_segment *segment)
{
	struct ticker *ticker = kzalloc(sizeof(*ticker), GFP_KERNEL_ACCOUNT);

	if (!ticker)
		return -ENOMEM;
	ticker->segment = segment;
	hrtimer_setup(&ticker->timer, ticker_tick, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL);
	shmdev_segment_set_private(segment, ticker);
	return 0;
}

static void ticker_detach(struct shmdev_segment *segment)
{
	struct ticker *ticker = shmdev_segment_private(segment);

	hrtimer_cancel(&ticker->timer);
	kfree(ticker);
}

static int ticker_kick(struct shmdev_segment *segment, u64 period)
{
	struct ticker *ticker = shmdev_segment_private(segment);

	if (period && (period < PERIOD_MIN || period > PERIOD_MAX))
		return -EINVAL;
	hrtimer_cancel(&ticker->timer);
	ticker->period = period;
	if (period)
		hrtimer_start(&ticker->timer, period, HRTIMER_MODE_REL);
	return 0;
}

static struct shmdev_endpoint ticker = {
	.name = "ticker",
	.attach = ticker_attach,
	.detach = ticker_detach,
	.kick = ticker_kick,
};
module_shmdev_endpoint(ticker);

MODULE_DESCRIPTION("shmdev sample: counts in shared memory, from an interrupt");
MODULE_LICENSE("GPL");
