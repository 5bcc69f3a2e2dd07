// SPDX-License-Identifier: GPL-2.0-only
/* What read, write and dump have in common: a part of a segment to go over. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli.h"

/* What the user asked for; NULL: from 0, to the end. */
static int range_argument(const struct shmdev_segment *segment,
			  const char *offset, const char *length,
			  struct range *range)
{
	uint64_t bytes = shmdev_segment_bytes(segment);
	int status = STATUS_OK;

	range->offset = 0;
	if (offset)
		status = bytes_argument("offset", offset, &range->offset);
	if (status)
		return status;
	if (range->offset > bytes)
		return usage_error("the offset %" PRIu64 " is past the end, "
				   "the segment has %" PRIu64 " bytes",
				   range->offset, bytes);
	range->bytes = bytes - range->offset;
	if (!length)
		return STATUS_OK;
	status = bytes_argument("length", length, &bytes);
	if (status)
		return status;
	if (bytes > range->bytes)
		return usage_error("%" PRIu64 " bytes are more than the %"
				   PRIu64 " from there to the end", bytes,
				   range->bytes);
	range->bytes = bytes;
	return STATUS_OK;
}

int range_read(const struct shmdev_segment *segment, struct range *range,
	       void *buffer, size_t *got)
{
	size_t want = range->bytes < TRANSFER_BYTES ? range->bytes :
						      TRANSFER_BYTES;

	for (*got = 0; *got < want;) {
		ssize_t ret = pread(shmdev_segment_fd(segment),
				    (char *)buffer + *got, want - *got,
				    range->offset);

		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0)
			return -errno;
		/* A segment does not shrink: its end cannot come early. */
		if (!ret)
			return -EPROTO;
		*got += ret;
		range->offset += ret;
		range->bytes -= ret;
	}
	return 0;
}

static int transfer_segment(const struct shmdev_segment *segment,
			    const char *name, const char *offset,
			    const char *length, transfer_fn *transfer)
{
	struct range range;
	char *buffer;
	int status = range_argument(segment, offset, length, &range);

	if (status)
		return status;
	buffer = malloc(TRANSFER_BYTES);
	if (!buffer)
		return segment_failure("copy", name, -ENOMEM);
	status = transfer(segment, name, &range, buffer);
	free(buffer);
	return status;
}

int transfer_run(int argc, char **argv, const struct option *options,
		 int flags, transfer_fn *transfer)
{
	const char *offset = NULL, *length = NULL, *name;
	struct shmdev_segment *segment;
	int option;
	int status;

	while ((option = next_option(argc, argv, "l:o:", options)) != -1) {
		if (option == 'l')
			length = optarg;
		else
			offset = optarg;
	}
	name = argv[optind];
	if (argc - optind > 1)
		return usage_error("'%s' is one argument too many",
				   argv[optind + 1]);
	status = connect_segment(name, flags, &segment);
	if (status)
		return status;
	status = transfer_segment(segment, name, offset, length, transfer);
	shmdev_segment_close(segment);
	return status;
}
