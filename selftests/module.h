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

static inline bool module_is_loaded(const char *module)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/module/%s", module);
	return !access(path, F_OK);
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

/* The driver as it was before a test unloads it. */
struct driver {
	char parameters[256];
	struct stat node;
};

/* Returns why the driver cannot be unloaded and loaded again, or NULL. */
static inline const char *driver_save(struct driver *driver)
{
	static const char *const names[] = {
		"size", "max_segments", "max_bytes", "max_user_bytes",
	};
	char path[80], text[32];
	size_t i, at = 0;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), PARAMETERS "%s", names[i]);
		if (read_file(path, text, sizeof(text)) <= 0)
			return "the module's parameters cannot be read";
		text[strcspn(text, "\n")] = '\0';
		at += snprintf(driver->parameters + at,
			       sizeof(driver->parameters) - at, "%s=%s ",
			       names[i], text);
	}
	if (stat(DEVICE, &driver->node))
		return DEVICE " is not there";
	if (!module_is_there("shmdev"))
		return "shmdev.ko is not in /lib/modules";
	if (module_refcnt())
		return "the module is in use, or cannot be unloaded";
	return NULL;
}

/* Whatever happened, the next program finds the device as it was. */
static inline int driver_restore(const struct driver *driver)
{
	if (access(DEVICE, F_OK) && load_module("shmdev", driver->parameters))
		return -1;
	return chmod(DEVICE, driver->node.st_mode & 07777) ||
	       chown(DEVICE, driver->node.st_uid, driver->node.st_gid) ? -1 : 0;
}

#endif /* SHMDEV_SELFTEST_MODULE_H */
