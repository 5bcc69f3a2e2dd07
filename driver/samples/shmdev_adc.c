// SPDX-License-Identifier: GPL-2.0-only
/*
 * Endpoint "adc": a simulated converter, whose samples any number of processes
 * read as a stream. A kick's argument is the period in nanoseconds, 10000 at
 * least, or 0 to stop. Compare shmdev_adc_by_hand.c.
 */
#include <linux/hrtimer.h>
#include <linux/module.h>
#include <linux/shmdev.h>
#include <linux/slab.h>

#include "../compat.h"
#include "adc.h"

struct adc {
	struct hrtimer timer;
	struct shmdev_ring *ring;
	ktime_t interval;	/* between two interrupts */
	u32 samples;		/* in an interval */
	u32 value;
};

static enum hrtimer_restart adc_tick(struct hrtimer *timer)
{
	struct adc *adc = container_of(timer, struct adc, timer);
	u64 due = hrtimer_forward_now(timer, adc->interval) * adc->samples;
	struct adc_sample *sample;

	/* As many as were due, if the processor was busy elsewhere. */
	for (due = min(due, ADC_BURST); due; due--) {
		sample = shmdev_ring_reserve(adc->ring, sizeof(*sample));
		if (IS_ERR(sample))
			break;
		*sample = adc_convert(&adc->value);
		shmdev_ring_commit_later(adc->ring);
	}
	shmdev_ring_flush(adc->ring);
	return HRTIMER_RESTART;
}

static int adc_attach(struct shmdev_segment *segment)
{
	static const struct shmdev_ring_spec stream = {
		.kind = SHMDEV_RING_STREAM,
	};
	struct adc *adc = kzalloc(sizeof(*adc), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!adc)
		return -ENOMEM;
	adc->ring = shmdev_ring_create(segment, &stream);
	if (IS_ERR(adc->ring)) {
		ret = PTR_ERR(adc->ring);
		kfree(adc);
		return ret;
	}
	hrtimer_setup(&adc->timer, adc_tick, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL);
	shmdev_segment_set_private(segment, adc);
	return 0;
}

static void adc_detach(struct shmdev_segment *segment)
{
	struct adc *adc = shmdev_segment_private(segment);

	hrtimer_cancel(&adc->timer);
	shmdev_ring_destroy(adc->ring);
	kfree(adc);
}

static int adc_kick(struct shmdev_segment *segment, u64 period)
{
	struct adc *adc = shmdev_segment_private(segment);

	if (period && (period < ADC_PERIOD_MIN || period > ADC_PERIOD_MAX))
		return -EINVAL;
	hrtimer_cancel(&adc->timer);
	if (!period)
		return 0;
	adc->samples = adc_samples_at_once(period);
	adc->interval = period * adc->samples;
	hrtimer_start(&adc->timer, adc->interval, HRTIMER_MODE_REL);
	return 0;
}

static struct shmdev_endpoint adc = {
	.name = "adc",
	.attach = adc_attach,
	.detach = adc_detach,
	.kick = adc_kick,
};
module_shmdev_endpoint(adc);

MODULE_DESCRIPTION("shmdev sample: a converter that streams from interrupts");
MODULE_LICENSE("GPL");
