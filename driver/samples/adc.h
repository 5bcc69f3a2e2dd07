/* SPDX-License-Identifier: GPL-2.0-only */
/* The simulated converter of shmdev_adc.c and of shmdev_adc_by_hand.c. */
#ifndef _ADC_H
#define _ADC_H

#include <linux/types.h>

/* 16 bytes, for 32- and 64-bit programs. */
struct adc_sample {
	__aligned_u64 time;	/* of CLOCK_MONOTONIC, in nanoseconds */
	__u32 value;		/* each one more than the last */
	__u32 reserved;
};

#ifdef __KERNEL__

#include <linux/ktime.h>
#include <linux/time64.h>

#define ADC_PERIOD_MIN	(10 * NSEC_PER_USEC)
#define ADC_PERIOD_MAX	(10 * NSEC_PER_SEC)
/* As a converter with a memory of its own: not an interrupt for each sample. */
#define ADC_INTERRUPT	(100 * NSEC_PER_USEC)
/* Samples that one interrupt makes up for, if it comes late. */
#define ADC_BURST	64ULL

static inline u32 adc_samples_at_once(u64 period)
{
	return period < ADC_INTERRUPT ? ADC_INTERRUPT / (u32)period : 1;
}

static inline struct adc_sample adc_convert(u32 *value)
{
	return (struct adc_sample){
		.time = ktime_get_ns(),
		.value = (*value)++,
	};
}

#endif

#endif /* _ADC_H */
