// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

int shmdev_read_entries(const struct shmdev_segment *segment,
			shmdev_read_fn *read, size_t head, size_t entry,
			void **list, size_t *count)
{
	uint32_t total = 48;
	uint32_t room, got;
	char *new;
	int ret;

	/* They may have become more while we made room: leave some to spare. */
	for (;;) {
		room = total + total / 4 + 4;
		new = malloc(head + room * entry);
		if (!new)
			return -ENOMEM;
		got = room;
		ret = read(shmdev_segment_fd(segment), new + head, &got,
			   &total);
		/* As many as there was room for, or all: nothing in between. */
		if (ret >= 0 && got != (total < room ? total : room))
			ret = -EPROTO;
		if (ret >= 0 && total <= room)
			break;
		free(new);
		if (ret < 0)
			return ret;
	}
	*list = new;
	*count = got;
	return 0;
}
