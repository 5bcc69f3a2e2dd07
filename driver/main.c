// SPDX-License-Identifier: GPL-2.0-only
/*
 * shmdev: memory that the kernel and processes use together.
 *
 * From a program, without the library and without looking at errors:
 *
 *	int fd = open("/dev/shmdev", O_RDWR);
 *	struct shmdev_hello *hello = mmap(NULL, sizeof(*hello),
 *			PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
 *
 *	puts(hello->greeting);
 *	strcpy(hello->request, "Hello from user space");
 *	ioctl(fd, SHMDEV_IOC_KICK, NULL);
 *	puts(hello->answer.text);
 */
#include <linux/err.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sizes.h>

#include "shmdev.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* The segment behind /dev/shmdev; there before the device is, and after. */
struct shmdev_segment *shmdev_default __ro_after_init;

static u64 size = SZ_2M;
module_param_cb(size, &shmdev_bytes_param_ops, &size, 0444);
MODULE_PARM_DESC(size, "Bytes of the default segment (default: 2M)");

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = KBUILD_MODNAME,
	.fops = &shmdev_device_operations,
};

static struct shmdev_segment * __init create_default(void)
{
	const struct shmdev_create spec = {
		.bytes = size,
		.mode = 0600,
		.endpoint = SHMDEV_HELLO_ENDPOINT,
	};
	struct shmdev_segment *segment;

	if (!size || !PAGE_ALIGNED(size) || size > MAX_LFS_FILESIZE)
		return ERR_PTR(-EINVAL);
	segment = shmdev_segment_create(&spec, SHMDEV_INFO_F_DEFAULT);
	if (!IS_ERR(segment))
		shmdev_names_publish(segment, false);
	return segment;
}

static int __init shmdev_init(void)
{
	struct shmdev_segment *segment;
	int ret;

	shmdev_limits_init();
	ret = shmdev_backing_init();
	if (ret)
		return ret;
	ret = shmdev_peers_init();
	if (ret)
		goto err_backing;
	ret = shmdev_endpoint_register(&shmdev_hello);
	if (ret)
		goto err_peers;
	segment = create_default();
	if (IS_ERR(segment)) {
		ret = PTR_ERR(segment);
		goto err_endpoint;
	}
	shmdev_default = segment;
	ret = misc_register(&device);
	if (ret)
		goto err_default;
	return 0;

err_default:
	shmdev_segment_put(segment);
err_endpoint:
	shmdev_endpoint_unregister(&shmdev_hello);
err_peers:
	shmdev_peers_exit();
err_backing:
	shmdev_backing_exit();
	return ret;
}

static void __exit shmdev_exit(void)
{
	misc_deregister(&device);
	shmdev_segment_put(shmdev_default);
	shmdev_endpoint_unregister(&shmdev_hello);
	shmdev_peers_exit();
	shmdev_names_exit();
	shmdev_backing_exit();
}

module_init(shmdev_init);
module_exit(shmdev_exit);

MODULE_DESCRIPTION("Memory that the kernel and processes use together");
MODULE_AUTHOR("The shmdev authors");
MODULE_VERSION(SHMDEV_RELEASE);
MODULE_LICENSE("GPL");
