// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "cli.h"

char *find_beside(const char *relative)
{
	char *tool = realpath("/proc/self/exe", NULL);
	char *slash = tool ? strrchr(tool, '/') : NULL;
	char *path, *found = NULL;

	if (slash && asprintf(&path, "%.*s/%s", (int)(slash - tool), tool,
			      relative) >= 0) {
		found = realpath(path, NULL);
		free(path);
	}
	free(tool);
	return found;
}
