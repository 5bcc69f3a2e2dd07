/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/adc_by_hand: mapped for reading, it is a page that begins with this struct,
 * and then ADC_BY_HAND_SAMPLES samples, number n at n modulo that many. A reader
 * looks at @head; copies those before it; looks at @tail, with a barrier in
 * between, and drops those that are before that: they were overwritten meanwhile.
 */
#ifndef _ADC_BY_HAND_H
#define _ADC_BY_HAND_H

#include <linux/ioctl.h>
#include <linux/types.h>

#include "adc.h"

#define ADC_BY_HAND_SAMPLES	4096

struct adc_by_hand_page {
	__aligned_u64 head;	/* samples that there were */
	__aligned_u64 tail;	/* those that are gone */
};

/* Nanoseconds, or 0 to stop; for who has it open for writing. */
#define ADC_BY_HAND_PERIOD	_IOW('a', 0, __u64)
/* So many samples are known: poll() is to tell of more. */
#define ADC_BY_HAND_SEEN	_IOW('a', 1, __u64)

#endif /* _ADC_BY_HAND_H */
