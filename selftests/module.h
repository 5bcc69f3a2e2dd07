/* SPDX-License-Identifier: GPL-2.0 */
/* Loading and unloading, for the few tests that do it. */
#ifndef SHMDEV_SELFTEST_MODULE_H
#define SHMDEV_SELFTEST_MODULE_H

#include <sys/utsname.h>

#include "shmdev_test.h"

/* Where depmod and modprobe look for what does not come with the kernel. */
static inline void module_path(char *path, size_t room, const char *module)
{
	struct utsname name;

	uname(&name);
	snprintf(path, room, "/lib/modules/%s/extra/%s.ko", name.release,
		 module);
}

static inline bool module_is_there(const char *module)
{
	char path[200];

	module_path(path, sizeof(path), module);
	return !access(path, R_OK);
}

static inline int load_module(const char *module, const char *parameters)
{
	char path[200];
	int fd, ret;

	module_path(path, sizeof(path), module);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ret = syscall(SYS_finit_module, fd, parameters, 0);
	close(fd);
	return ret;
}

static inline int unload_module(const char *module)
{
	return syscall(SYS_delete_module, module, O_NONBLOCK);
}

#endif /* SHMDEV_SELFTEST_MODULE_H */
