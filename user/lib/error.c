// SPDX-License-Identifier: MIT
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "internal.h"

static const struct {
	int error;
	const char *text;
} meanings[] = {
	{ E2BIG, "the driver is too old for what was asked" },
	{ EACCES, "its permissions do not allow this, or the pages are isolated" },
	{ EAGAIN, "the word has another value, a peer has ended, or one would have to wait" },
	{ EALREADY, "this process is a peer through this descriptor already" },
	{ EBADF, "the descriptor is closed, or was not opened for this" },
	{ EBADMSG, "what is in the ring contradicts itself" },
	{ EBUSY, "somebody has this part already, or may be writing it" },
	{ EDQUOT, "your segments together would exceed max_user_bytes" },
	{ EEXIST, "the pages are isolated already, or a segment of this name exists" },
	{ EINTR, "a signal came first" },
	{ EINVAL, "a size, flag, mode or name that has no meaning" },
	{ EIO, "the machine has found this memory to be broken" },
	{ EMFILE, "this process has no file descriptor left" },
	{ EMSGSIZE, "the record is larger than one can be in this ring" },
	{ ENAMETOOLONG, "the name is too long" },
	{ ENFILE, "there are max_segments segments already" },
	{ ENODATA, "there is no ring" },
	{ ENOENT, "there is no such segment" },
	{ ENOMEM, "there is not enough memory" },
	{ ENOPROTOOPT, "no endpoint of this name is registered" },
	{ ENOSPC, "all segments together would exceed max_bytes, or it has 8 isolated parts" },
	{ ENOTCONN, "the segment has no endpoint" },
	{ ENOTTY, "not a shmdev device, or not a file for this command" },
	{ ENXIO, "the range or word is not in the segment, or no page there can be claimed" },
	{ EOPNOTSUPP, "no hole can be punched into a segment, or the ring needs membarrier(2)" },
	{ EOVERFLOW, "the records were overwritten before they were read" },
	{ EPERM, "this is for the segment's owner, or no segment allows it" },
	{ EPIPE, "all producers have gone" },
	{ EPROTO, "the driver's answer makes no sense, or a ring of another version" },
	{ ERANGE, "the list is not that long" },
	{ ESHUTDOWN, "the segment's endpoint has gone" },
	{ ESRCH, "there is no such peer, or not any more" },
	{ ETIMEDOUT, "nobody woke the caller in time" },
};

SHMDEV_API const char *shmdev_strerror(int error)
{
	size_t i;

	if (error < 0 && error != INT_MIN)
		error = -error;
	for (i = 0; i < sizeof(meanings) / sizeof(*meanings); i++)
		if (meanings[i].error == error)
			return meanings[i].text;
	return strerror(error);
}
