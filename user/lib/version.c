// SPDX-License-Identifier: MIT
#include "internal.h"

SHMDEV_API const char *shmdev_library_version(void)
{
	return SHMDEV_VERSION;
}
