// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cli.h"

static const struct option options[] = {
	{ "length", required_argument, NULL, 'l' },
	{ "offset", required_argument, NULL, 'o' },
	COMMON_OPTIONS
};

static int write_all(const char *from, size_t bytes)
{
	while (bytes) {
		ssize_t ret = write(STDOUT_FILENO, from, bytes);

		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0)
			return output_failure(errno);
		from += ret;
		bytes -= ret;
	}
	return STATUS_OK;
}

static int copy(const struct shmdev_segment *segment, const char *name,
		struct range *range, char *buffer)
{
	uint64_t total = range->bytes;
	struct progress *progress = progress_begin(total);
	int status = STATUS_OK;

	while (range->bytes && !status) {
		size_t got;
		int ret = range_read(segment, range, buffer, &got);

		if (ret < 0)
			status = segment_failure("read", name, ret);
		else
			status = write_all(buffer, got);
		progress_at(progress, total - range->bytes);
	}
	progress_end(progress);
	return status;
}

static int run(int argc, char **argv)
{
	return transfer_run(argc, argv, options, O_RDONLY, copy);
}

const struct verb verb_read = {
	.name = "read",
	.arguments = "[OPTION]... [NAME]",
	.summary = "Copy a segment, or the default one, to standard output",
	.help = "  -o, --offset N       from this byte on, 0 if not given\n"
		"  -l, --length N       this many bytes, to the end if not "
		"given\n",
	.run = run,
};
