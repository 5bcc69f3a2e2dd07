// SPDX-License-Identifier: GPL-2.0-only
/*
 * Endpoint "probe", for tests: one that takes its time, and that says what it
 * sees. A kick with argument 0 counts the bytes of the kernel's view that are
 * not zero; with another it sleeps so many milliseconds, until a fatal signal;
 * with bit 63 also set it waits for the second 32-bit word instead, while that
 * is 0, and until any signal.
 * detach sleeps as many as the first 32-bit word of the segment says, a second
 * at most. With the parameter isolated it keeps processes from writing so many
 * pages at the beginning.
 */
#include <linux/delay.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/shmdev.h>

#define NAP_MAX		60000U
#define DETACH_MAX	1000U
#define WAITS		BIT_ULL(63)
#define WORD		sizeof(u32)

static unsigned int isolated;
module_param(isolated, uint, 0444);

static int probe_attach(struct shmdev_segment *segment)
{
	if (!isolated)
		return 0;
	return shmdev_segment_isolate(segment, 0, isolated * PAGE_SIZE, false);
}

static int probe_count(struct shmdev_segment *segment)
{
	const u8 *byte = shmdev_segment_data(segment);
	const u8 *end = byte + shmdev_segment_bytes(segment);
	int count = 0;

	for (; byte < end && count < INT_MAX; byte++)
		count += !!READ_ONCE(*byte);
	return count;
}

static int probe_wait(struct shmdev_segment *segment, u64 milliseconds)
{
	ktime_t until = ktime_add_ms(ktime_get(), min_t(u64, milliseconds,
							NAP_MAX));

	return shmdev_segment_wait(segment, WORD, 0, &until);
}

static int probe_kick(struct shmdev_segment *segment, u64 argument)
{
	if (!argument)
		return probe_count(segment);
	if (argument & WAITS)
		return probe_wait(segment, argument & ~WAITS);
	schedule_timeout_killable(msecs_to_jiffies(min_t(u64, argument,
							 NAP_MAX)));
	return fatal_signal_pending(current) ? -EINTR : 0;
}

static void probe_detach(struct shmdev_segment *segment)
{
	u32 *word = shmdev_segment_data(segment);

	msleep(min(READ_ONCE(*word), DETACH_MAX));
}

static struct shmdev_endpoint probe = {
	.name = "probe",
	.attach = probe_attach,
	.detach = probe_detach,
	.kick = probe_kick,
};

/* So that a test can see a bad one refused. */
module_param_cb(name, &param_ops_charp, &probe.name, 0444);

module_shmdev_endpoint(probe);

MODULE_DESCRIPTION("shmdev sample: an endpoint that sleeps, and looks");
MODULE_LICENSE("GPL");
