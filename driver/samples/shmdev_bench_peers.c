// SPDX-License-Identifier: GPL-2.0-only
/*
 * What shmdev is compared with, as plainly as it can be written: the device
 * "shmdev_bench_peers", whose read() hands out a record and whose write() takes
 * one, with one copy each, and whose ioctl() does nothing; and a relay channel in
 * debugfs, into which the endpoint "bench-relay" writes records.
 */
#include <linux/debugfs.h>
#include <linux/minmax.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/relay.h>
#include <linux/shmdev.h>
#include <linux/uaccess.h>

#include "bench.h"

static u8 record[BENCH_RECORD_MAX];

static ssize_t peers_read(struct file *file, char __user *to, size_t bytes,
			  loff_t *position)
{
	bytes = min(bytes, sizeof(record));
	return copy_to_user(to, record, bytes) ? -EFAULT : bytes;
}

static ssize_t peers_write(struct file *file, const char __user *from,
			   size_t bytes, loff_t *position)
{
	bytes = min(bytes, sizeof(record));
	return copy_from_user(record, from, bytes) ? -EFAULT : bytes;
}

static long peers_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return 0;
}

static const struct file_operations peers_fops = {
	.owner = THIS_MODULE,
	.read = peers_read,
	.write = peers_write,
	.unlocked_ioctl = peers_ioctl,
};

static struct miscdevice peers_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "shmdev_bench_peers",
	.fops = &peers_fops,
};

static struct dentry *create_relay_file(const char *name,
					struct dentry *parent, umode_t mode,
					struct rchan_buf *buf, int *is_global)
{
	*is_global = 1;
	return debugfs_create_file(name, mode, parent, buf,
				   &relay_file_operations);
}

static int remove_relay_file(struct dentry *file)
{
	debugfs_remove(file);
	return 0;
}

static const struct rchan_callbacks relay_callbacks = {
	.create_buf_file = create_relay_file,
	.remove_buf_file = remove_relay_file,
};

static struct rchan *channel;

static int relay_kick(struct shmdev_segment *segment, u64 argument)
{
	u32 times = argument >> BENCH_TIMES_SHIFT & BENCH_TIMES;
	size_t bytes = argument & BENCH_BYTES;

	if (bytes > sizeof(record))
		return -EINVAL;
	while (times--)
		relay_write(channel, record, bytes);
	return 0;
}

static struct shmdev_endpoint bench_relay = {
	.name = "bench-relay",
	.kick = relay_kick,
};

static int __init peers_init(void)
{
	int ret;

	channel = relay_open("shmdev_bench", NULL, BENCH_RELAY_PART,
			     BENCH_RELAY_PARTS, &relay_callbacks, NULL);
	if (!channel)
		return -ENOMEM;
	ret = misc_register(&peers_device);
	if (ret)
		goto err_relay;
	ret = shmdev_endpoint_register(&bench_relay);
	if (ret)
		goto err_device;
	return 0;

err_device:
	misc_deregister(&peers_device);
err_relay:
	relay_close(channel);
	return ret;
}
module_init(peers_init);

static void __exit peers_exit(void)
{
	shmdev_endpoint_unregister(&bench_relay);
	misc_deregister(&peers_device);
	relay_close(channel);
}
module_exit(peers_exit);

MODULE_DESCRIPTION("shmdev sample: what it is compared with");
MODULE_LICENSE("GPL");
