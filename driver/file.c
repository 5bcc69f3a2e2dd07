// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segment files: what CREATE and OPEN hand out, and what /dev/shmdev forwards
 * to. Their operations are tmpfs' own but for those below.
 *
 * .fallocate is missing on purpose. It is how a hole is punched, by
 * fallocate(2) and by madvise(MADV_REMOVE): processes would see new pages
 * from then on, and the kernel the old ones.
 */
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "shmdev.h"
#include "compat.h"
#include "trace.h"

/* One open of a segment, the file's private_data. */
struct shmdev_opened {
	struct shmdev_segment *segment;
	atomic64_t looked;	/* events that this file has looked at */
	u64 claim;		/* the page it may write, or SHMDEV_NO_CLAIM */
};

/* tmpfs' table, and ours; set up once, before the first segment. */
static const struct file_operations *shmem_fops __ro_after_init;
static struct file_operations segment_fops __ro_after_init;
const struct file_operations *shmdev_file_operations __ro_after_init =
	&segment_fops;

static struct shmdev_opened *opened(const struct file *file)
{
	return file->private_data;
}

/**
 * shmdev_file_segment() - the segment of a segment file
 * @file: held by the caller
 *
 * Return: the segment, which the file holds
 */
struct shmdev_segment *shmdev_file_segment(const struct file *file)
{
	return opened(file)->segment;
}

/**
 * shmdev_file_events() - how often pollers of the segment were told something
 * @file: a segment file
 *
 * Context: any.
 * Return: the count; what was written before the last of these events is
 * visible from now on
 */
u64 shmdev_file_events(const struct file *file)
{
	return atomic64_read_acquire(&opened(file)->segment->events);
}

/**
 * shmdev_file_looked() - note that the owner of a file has looked
 * @file: a segment file
 * @events: those that the owner knows of; poll() is silent about them
 *
 * Context: any.
 */
void shmdev_file_looked(const struct file *file, u64 events)
{
	atomic64_set(&opened(file)->looked, events);
}

/**
 * shmdev_file_may_write() - was a file opened for writing?
 * @file: a segment file
 *
 * Return: true if so; a file that has claimed a page may write that page only,
 * and is to all others one that was opened for reading
 */
bool shmdev_file_may_write(const struct file *file)
{
	return file->f_mode & FMODE_WRITE &&
	       opened(file)->claim == SHMDEV_NO_CLAIM;
}

/* By name, by CREATE, or by a path in /proc: all of them come here. */
static int shmdev_fop_open(struct inode *inode, struct file *file)
{
	struct shmdev_opened *open;
	struct shmdev_segment *segment;
	int ret;

	/* The last put may have come between finding the path and here. */
	rcu_read_lock();
	segment = READ_ONCE(file->f_path.dentry->d_fsdata);
	if (segment && !refcount_inc_not_zero(&segment->refs))
		segment = NULL;
	rcu_read_unlock();
	if (!segment)
		return -ENXIO;

	ret = shmem_fops->open ? shmem_fops->open(inode, file) : 0;
	if (ret)
		goto err_put;

	ret = -ENOMEM;
	open = kzalloc(sizeof(*open), GFP_KERNEL_ACCOUNT);
	if (!open)
		goto err_put;
	open->segment = segment;
	open->claim = SHMDEV_NO_CLAIM;
	file->private_data = open;
	/*
	 * io_uring would otherwise wait for POLLIN before it reads, which is
	 * not about read() here. What is read is memory; only a page that is
	 * swapped out is waited for.
	 */
	file->f_mode |= FMODE_NOWAIT;
	atomic_inc(&segment->files);
	shmdev_file_looked(file, shmdev_file_events(file));
	trace_shmdev_open(segment, file->f_mode & FMODE_READ,
			  file->f_mode & FMODE_WRITE);
	return 0;

err_put:
	shmdev_segment_put_file(segment);
	return ret;
}

static int shmdev_fop_flush(struct file *file, fl_owner_t owner)
{
	shmdev_peer_flush(shmdev_file_segment(file), file, owner);
	return 0;
}

static int shmdev_fop_release(struct inode *inode, struct file *file)
{
	struct shmdev_opened *open = opened(file);

	atomic_dec(&open->segment->files);
	if (open->claim != SHMDEV_NO_CLAIM)
		shmdev_part_unclaim(open->segment, open->claim);
	shmdev_segment_put_file(open->segment);
	kfree(open);
	return 0;
}

/*
 * tmpfs would map what lies past the end, and send SIGBUS when it is touched.
 * SHMDEV_MAPS_*, or -errno.
 */
static int check_mapping(const struct file *file, pgoff_t first,
			 unsigned long bytes, unsigned long flags)
{
	const struct shmdev_segment *segment = shmdev_file_segment(file);
	pgoff_t pages = segment->bytes >> PAGE_SHIFT;
	int ret;

	if (first > pages || bytes >> PAGE_SHIFT > pages - first)
		return -ENXIO;
	ret = shmdev_part_check_mapping(segment, opened(file)->claim, first,
					bytes >> PAGE_SHIFT, flags);
	if (ret >= 0)
		trace_shmdev_map(segment, (u64)first << PAGE_SHIFT, bytes);
	return ret;
}

#ifdef SHMDEV_MMAP_PREPARE
static int shmdev_fop_mmap_prepare(struct vm_area_desc *desc)
{
	int ret = check_mapping(desc->file, desc->pgoff,
				desc->end - desc->start,
				shmdev_desc_flags(desc));

	if (ret < 0)
		return ret;
	if (ret == SHMDEV_MAPS_TO_READ)
		shmdev_desc_clear_maywrite(desc);
	if (ret == SHMDEV_MAPS_NO_MORE)
		shmdev_desc_set_dontexpand(desc);
	return shmem_fops->mmap_prepare(desc);
}
#endif

static int __maybe_unused shmdev_fop_mmap(struct file *file,
					  struct vm_area_struct *vma)
{
	int ret = check_mapping(file, vma->vm_pgoff,
				vma->vm_end - vma->vm_start, vma->vm_flags);

	if (ret < 0)
		return ret;
	if (ret == SHMDEV_MAPS_TO_READ)
		vm_flags_clear(vma, VM_MAYWRITE);
	if (ret == SHMDEV_MAPS_NO_MORE)
		vm_flags_set(vma, VM_DONTEXPAND);
	return shmem_fops->mmap(file, vma);
}

/* tmpfs looks for an address that suits huge pages, and insists on its file. */
static unsigned long
shmdev_fop_get_unmapped_area(struct file *file, unsigned long addr,
			     unsigned long len, unsigned long pgoff,
			     unsigned long flags)
{
	struct file *inner = shmdev_file_segment(file)->inner;

	return shmem_fops->get_unmapped_area(inner, addr, len, pgoff, flags);
}

/* A file that cannot grow is full at its end: write up to it, then ENOSPC. */
static ssize_t shmdev_fop_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct shmdev_segment *segment = shmdev_file_segment(iocb->ki_filp);
	loff_t bytes = segment->bytes;
	size_t count = iov_iter_count(from);
	size_t cut = 0;
	ssize_t ret;

	if (!count)
		return 0;
	if (iocb->ki_flags & IOCB_APPEND || iocb->ki_pos >= bytes)
		return -ENOSPC;
	/* tmpfs has no way to write without waiting for its lock. */
	if (iocb->ki_flags & IOCB_NOWAIT)
		return -EAGAIN;
	ret = shmdev_part_begin_write(segment);
	if (ret)
		return ret;
	if (count > bytes - iocb->ki_pos)
		cut = count - (bytes - iocb->ki_pos);
	iov_iter_truncate(from, count - cut);
	ret = shmem_fops->write_iter(iocb, from);
	iov_iter_reexpand(from, iov_iter_count(from) + cut);
	shmdev_part_end_write(segment);
	return ret;
}

static __poll_t shmdev_fop_poll(struct file *file, poll_table *wait)
{
	struct shmdev_opened *open = opened(file);
	__poll_t mask = 0;

	poll_wait(file, &open->segment->pollers, wait);
	smp_mb(); /* pairs with that of shmdev_segment_notify() */
	if (file->f_mode & FMODE_WRITE)
		mask |= EPOLLOUT | EPOLLWRNORM;
	if (file->f_mode & FMODE_READ &&
	    shmdev_file_events(file) != atomic64_read(&open->looked))
		mask |= EPOLLIN | EPOLLRDNORM;
	return mask;
}

static long shmdev_fop_ioctl(struct file *file, unsigned int cmd,
			     unsigned long arg)
{
	return shmdev_ioctl(file, NULL, cmd, arg);
}

/**
 * shmdev_file_show_fdinfo() - describe a segment file in /proc/PID/fdinfo
 * @m: where to
 * @file: a segment file
 */
void shmdev_file_show_fdinfo(struct seq_file *m, struct file *file)
{
	const struct shmdev_segment *segment = shmdev_file_segment(file);
	u64 claim = opened(file)->claim;

	seq_printf(m, "shmdev-id:\t%llu\n", segment->id);
	seq_printf(m, "shmdev-bytes:\t%zu\n", segment->bytes);
	seq_printf(m, "shmdev-name:\t%s\n", segment->name);
	seq_printf(m, "shmdev-endpoint:\t%s\n", segment->endpoint_name);
	if (claim != SHMDEV_NO_CLAIM)
		seq_printf(m, "shmdev-claim:\t%llu\n", claim);
}

/**
 * shmdev_file_init() - derive our operations from tmpfs'
 * @shmem: the operations of a file on our mount
 */
void __init shmdev_file_init(const struct file_operations *shmem)
{
	shmem_fops = shmem;

	segment_fops = *shmem;
	segment_fops.owner = THIS_MODULE;
	segment_fops.open = shmdev_fop_open;
	segment_fops.flush = shmdev_fop_flush;
	segment_fops.release = shmdev_fop_release;
#ifdef SHMDEV_MMAP_PREPARE
	/* A table may have one of the two; ours has the one that tmpfs has. */
	if (shmem->mmap_prepare)
		segment_fops.mmap_prepare = shmdev_fop_mmap_prepare;
	else
#endif
		segment_fops.mmap = shmdev_fop_mmap;
	segment_fops.get_unmapped_area = shmdev_fop_get_unmapped_area;
	segment_fops.write_iter = shmdev_fop_write_iter;
	segment_fops.fallocate = NULL;
	segment_fops.poll = shmdev_fop_poll;
	segment_fops.unlocked_ioctl = shmdev_fop_ioctl;
	segment_fops.compat_ioctl = compat_ptr_ioctl;
	segment_fops.show_fdinfo = shmdev_file_show_fdinfo;
}

/**
 * shmdev_file_open() - open a segment
 * @segment: a referenced one
 * @flags: O_RDONLY, O_WRONLY or O_RDWR; permission has been checked
 *
 * Context: may sleep.
 * Return: a file with a reference of its own on the segment, or an ERR_PTR
 */
struct file *shmdev_file_open(struct shmdev_segment *segment,
			      unsigned int flags)
{
	return dentry_open(&segment->inner->f_path, flags | O_LARGEFILE,
			   current_cred());
}

/**
 * shmdev_file_claim() - claim a page, and open the segment to write it
 * @segment: a referenced one
 * @offset: as to shmdev_part_claim()
 *
 * Context: may sleep.
 * Return: a file as of shmdev_file_open(), whose release gives the page back, or
 * an ERR_PTR
 */
struct file *shmdev_file_claim(struct shmdev_segment *segment, u64 *offset)
{
	int ret = shmdev_part_claim(segment, offset);
	struct file *file;

	if (ret)
		return ERR_PTR(ret);
	file = shmdev_file_open(segment, O_RDWR);
	if (IS_ERR(file))
		shmdev_part_unclaim(segment, *offset);
	else
		opened(file)->claim = *offset;
	return file;
}
