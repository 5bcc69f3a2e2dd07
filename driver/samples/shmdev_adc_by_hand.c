// SPDX-License-Identifier: GPL-2.0-only
/*
 * The converter of shmdev_adc.c once more, without shmdev: /dev/adc_by_hand, a
 * character device with an mmap handler, a ring and poll of its own. It is here
 * to be compared with; how its readers go about it is in adc_by_hand.h.
 *
 * What it lacks of what the other has: samples of different sizes, more than one
 * converter, permissions for each of them, wake-ups only for who sleeps, rare
 * wake-ups, a library for its readers, and being seen by ls, stat and ps.
 */
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "../compat.h"
#include "adc_by_hand.h"

#define BYTES (PAGE_SIZE + ADC_BY_HAND_SAMPLES * sizeof(struct adc_sample))

struct reader {
	u64 seen;	/* samples that it knows of */
};

static struct adc_by_hand_page *page;	/* what is mapped begins with it */
static struct adc_sample *samples;
static u64 head;			/* as in @page, where it is only written */
static u32 value;
static ktime_t interval;		/* between two interrupts */
static u32 in_interval;			/* samples */
static struct hrtimer timer;
static DEFINE_MUTEX(timer_lock);	/* to start and stop */
static DECLARE_WAIT_QUEUE_HEAD(readers);

static void convert(void)
{
	if (head >= ADC_BY_HAND_SAMPLES)
		WRITE_ONCE(page->tail, head - ADC_BY_HAND_SAMPLES + 1);
	/* Before the sample is overwritten: whoever reads it sees that it goes. */
	smp_wmb();
	samples[head % ADC_BY_HAND_SAMPLES] = adc_convert(&value);
	head++;
	/* With the barrier of a reader, between the head and the sample. */
	smp_store_release(&page->head, head);
}

static enum hrtimer_restart tick(struct hrtimer *timer)
{
	u64 due = hrtimer_forward_now(timer, interval) * in_interval;

	for (due = min(due, ADC_BURST); due; due--)
		convert();
	wake_up_interruptible_poll(&readers, EPOLLIN | EPOLLRDNORM);
	return HRTIMER_RESTART;
}

static int set_period(u64 period)
{
	if (period && (period < ADC_PERIOD_MIN || period > ADC_PERIOD_MAX))
		return -EINVAL;
	mutex_lock(&timer_lock);
	hrtimer_cancel(&timer);
	if (period) {
		in_interval = adc_samples_at_once(period);
		interval = period * in_interval;
		hrtimer_start(&timer, interval, HRTIMER_MODE_REL);
	}
	mutex_unlock(&timer_lock);
	return 0;
}

static int by_hand_open(struct inode *inode, struct file *file)
{
	struct reader *reader = kzalloc(sizeof(*reader), GFP_KERNEL_ACCOUNT);

	if (!reader)
		return -ENOMEM;
	reader->seen = READ_ONCE(page->head);
	file->private_data = reader;
	return nonseekable_open(inode, file);
}

static int by_hand_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static int by_hand_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (vma->vm_flags & (VM_WRITE | VM_EXEC))
		return -EACCES;
	/* Nor later, by mprotect(). */
	vm_flags_clear(vma, VM_MAYWRITE | VM_MAYEXEC);
	return remap_vmalloc_range(vma, page, vma->vm_pgoff);
}

static __poll_t by_hand_poll(struct file *file, poll_table *wait)
{
	struct reader *reader = file->private_data;

	poll_wait(file, &readers, wait);
	return READ_ONCE(page->head) != READ_ONCE(reader->seen) ?
		       EPOLLIN | EPOLLRDNORM : 0;
}

static long by_hand_ioctl(struct file *file, unsigned int cmd,
			  unsigned long arg)
{
	struct reader *reader = file->private_data;
	u64 number;

	if (copy_from_user(&number, (void __user *)arg, sizeof(number)))
		return -EFAULT;
	switch (cmd) {
	case ADC_BY_HAND_PERIOD:
		return file->f_mode & FMODE_WRITE ? set_period(number) : -EBADF;
	case ADC_BY_HAND_SEEN:
		WRITE_ONCE(reader->seen, number);
		return 0;
	default:
		return -ENOTTY;
	}
}

static const struct file_operations by_hand_operations = {
	.owner = THIS_MODULE,
	.open = by_hand_open,
	.release = by_hand_release,
	.mmap = by_hand_mmap,
	.poll = by_hand_poll,
	.unlocked_ioctl = by_hand_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice by_hand = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "adc_by_hand",
	.fops = &by_hand_operations,
	.mode = 0666,
};

static int __init by_hand_init(void)
{
	int ret;

	page = vmalloc_user(BYTES);
	if (!page)
		return -ENOMEM;
	samples = (void *)page + PAGE_SIZE;
	hrtimer_setup(&timer, tick, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	ret = misc_register(&by_hand);
	if (ret)
		vfree(page);
	return ret;
}
module_init(by_hand_init);

/* Nobody has it open or mapped any more. */
static void __exit by_hand_exit(void)
{
	misc_deregister(&by_hand);
	hrtimer_cancel(&timer);
	vfree(page);
}
module_exit(by_hand_exit);

MODULE_DESCRIPTION("shmdev_adc, written by hand");
MODULE_LICENSE("GPL");
