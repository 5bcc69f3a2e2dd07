// SPDX-License-Identifier: GPL-2.0-only
/*
 * The smallest endpoint, "sum": a process writes two 32-bit words at the start
 * of a segment and kicks; the kernel adds them up into the third.
 */
#include <linux/module.h>
#include <linux/shmdev.h>

static int sum_kick(struct shmdev_segment *segment, u64 argument)
{
	u32 *word = shmdev_segment_data(segment);

	WRITE_ONCE(word[2], READ_ONCE(word[0]) + READ_ONCE(word[1]));
	return 0;
}

static struct shmdev_endpoint sum = {
	.name = "sum",
	.kick = sum_kick,
};
module_shmdev_endpoint(sum);

MODULE_DESCRIPTION("shmdev sample: adds two numbers in shared memory");
MODULE_LICENSE("GPL");
