// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

static const struct option options[] = {
	{ "length", required_argument, NULL, 'l' },
	{ "offset", required_argument, NULL, 'o' },
	COMMON_OPTIONS
};

/* How much input there is; 0 if only its end will tell. */
static uint64_t input_bytes(void)
{
	struct stat input;

	if (fstat(STDIN_FILENO, &input) || !S_ISREG(input.st_mode))
		return 0;
	return input.st_size;
}

/* -errno, or how many bytes of input there are; 0 at its end. */
static ssize_t read_input(char *buffer)
{
	ssize_t ret;

	do {
		ret = read(STDIN_FILENO, buffer, TRANSFER_BYTES);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

/* Moves @range on by what was written; -ENOSPC when it has come to the end. */
static int write_all(const struct shmdev_segment *segment, const char *from,
		     size_t bytes, struct range *range)
{
	while (bytes) {
		ssize_t ret;

		if (!range->bytes)
			return -ENOSPC;
		ret = pwrite(shmdev_segment_fd(segment), from,
			     bytes < range->bytes ? bytes : range->bytes,
			     range->offset);
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0)
			return -errno;
		from += ret;
		bytes -= ret;
		range->offset += ret;
		range->bytes -= ret;
	}
	return 0;
}

static int copy(const struct shmdev_segment *segment, const char *name,
		struct range *range, char *buffer)
{
	uint64_t total = range->bytes;
	struct progress *progress = progress_begin(input_bytes());
	ssize_t got;
	int ret = 0;

	while ((got = read_input(buffer)) > 0) {
		ret = write_all(segment, buffer, got, range);
		if (ret < 0)
			break;
		progress_at(progress, total - range->bytes);
	}
	progress_end(progress);
	if (got < 0) {
		say("cannot read the input: %s", strerror((int)-got));
		return STATUS_FAILED;
	}
	if (ret == -ENOSPC) {
		say("the input is longer than there is room for; its first %"
		    PRIu64 " bytes were written", total);
		return STATUS_FAILED;
	}
	return ret < 0 ? segment_failure("write", name, ret) : STATUS_OK;
}

static int run(int argc, char **argv)
{
	return transfer_run(argc, argv, options, O_WRONLY, copy);
}

const struct verb verb_write = {
	.name = "write",
	.arguments = "[OPTION]... [NAME]",
	.summary = "Copy standard input to a segment, or to the default one",
	.help = "  -o, --offset N       from this byte on, 0 if not given\n"
		"  -l, --length N       this many bytes at most, to the end if "
		"not given\n",
	.run = run,
};
