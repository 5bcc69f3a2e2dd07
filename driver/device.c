// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/shmdev: the default segment, and the door to the others.
 *
 * Each open has a segment file of the default segment, opened for the same
 * access, and hands everything on to it. Who may open is decided by the mode
 * of the device node, so nothing is asked again here.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/uio.h>

#include "shmdev.h"
#include "compat.h"

/**
 * shmdev_device_file() - the segment file that an open /dev/shmdev stands for
 * @door: held by the caller
 *
 * Return: the file, which @door holds
 */
struct file *shmdev_device_file(const struct file *door)
{
	return door->private_data;
}

static int shmdev_device_open(struct inode *inode, struct file *door)
{
	struct file *file = shmdev_file_open(shmdev_default,
					     door->f_flags & O_ACCMODE);

	if (IS_ERR(file))
		return PTR_ERR(file);
	door->private_data = file;
	/* For the same reason as that of segment files. */
	door->f_mode |= FMODE_NOWAIT;
	return 0;
}

/* For the segment file, whose descriptor this is to the process. */
static int shmdev_device_flush(struct file *door, fl_owner_t owner)
{
	struct file *file = shmdev_device_file(door);

	return file->f_op->flush(file, owner);
}

static int shmdev_device_release(struct inode *inode, struct file *door)
{
	fput(shmdev_device_file(door));
	return 0;
}

static loff_t shmdev_device_llseek(struct file *door, loff_t offset, int whence)
{
	return generic_file_llseek_size(door, offset, whence, MAX_LFS_FILESIZE,
					shmdev_default->bytes);
}

static ssize_t shmdev_device_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	return vfs_iter_read(shmdev_device_file(iocb->ki_filp), to,
			     &iocb->ki_pos, 0);
}

static ssize_t shmdev_device_write_iter(struct kiocb *iocb,
					struct iov_iter *from)
{
	/* The position of an append is the end, where there is no room. */
	if (iocb->ki_flags & IOCB_APPEND)
		return iov_iter_count(from) ? -ENOSPC : 0;
	/* As on a segment file. */
	if (iocb->ki_flags & IOCB_NOWAIT)
		return -EAGAIN;
	return vfs_iter_write(shmdev_device_file(iocb->ki_filp), from,
			      &iocb->ki_pos, 0);
}

static ssize_t shmdev_device_splice_read(struct file *door, loff_t *pos,
					 struct pipe_inode_info *pipe,
					 size_t len, unsigned int flags)
{
	struct file *file = shmdev_device_file(door);

	return file->f_op->splice_read(file, pos, pipe, len, flags);
}

/*
 * Writing to the segment's file system comes before the lock of the pipe, as
 * in a splice to a segment file; iter_file_splice_write() on the door would
 * take the two the other way round.
 */
static ssize_t shmdev_device_splice_write(struct pipe_inode_info *pipe,
					  struct file *door, loff_t *pos,
					  size_t len, unsigned int flags)
{
	struct file *file = shmdev_device_file(door);
	ssize_t ret;

	file_start_write(file);
	ret = file->f_op->splice_write(pipe, file, pos, len, flags);
	file_end_write(file);
	return ret;
}

static __poll_t shmdev_device_poll(struct file *door, poll_table *wait)
{
	return vfs_poll(shmdev_device_file(door), wait);
}

/*
 * The mapping becomes one of the segment file: from here on the door is not
 * involved, and may be closed. The segment file keeps the module in place.
 */
static int shmdev_device_mmap(struct file *door, struct vm_area_struct *vma)
{
	/*
	 * Segments are mounted without exec, but the check has been made on
	 * the file system of the device node.
	 */
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	vm_flags_clear(vma, VM_MAYEXEC);

	vma_set_file(vma, shmdev_device_file(door));
	return vfs_mmap(shmdev_device_file(door), vma);
}

static unsigned long
shmdev_device_get_unmapped_area(struct file *door, unsigned long addr,
				unsigned long len, unsigned long pgoff,
				unsigned long flags)
{
	struct file *file = shmdev_device_file(door);

	return file->f_op->get_unmapped_area(file, addr, len, pgoff, flags);
}

static long shmdev_device_ioctl(struct file *door, unsigned int cmd,
				unsigned long arg)
{
	return shmdev_ioctl(shmdev_device_file(door), door, cmd, arg);
}

static void shmdev_device_show_fdinfo(struct seq_file *m, struct file *door)
{
	shmdev_file_show_fdinfo(m, shmdev_device_file(door));
}

const struct file_operations shmdev_device_operations = {
	.owner = THIS_MODULE,
	.open = shmdev_device_open,
	.flush = shmdev_device_flush,
	.release = shmdev_device_release,
	.llseek = shmdev_device_llseek,
	.read_iter = shmdev_device_read_iter,
	.write_iter = shmdev_device_write_iter,
	.splice_read = shmdev_device_splice_read,
	.splice_write = shmdev_device_splice_write,
	.poll = shmdev_device_poll,
	.mmap = shmdev_device_mmap,
	.get_unmapped_area = shmdev_device_get_unmapped_area,
	.fsync = noop_fsync,
	.unlocked_ioctl = shmdev_device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = shmdev_device_show_fdinfo,
};
