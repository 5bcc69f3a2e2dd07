// SPDX-License-Identifier: GPL-2.0-only
/* What wait and wake have in common: a 32-bit word of a segment. */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "cli.h"

int word_argument(const char *what, const char *text, uint32_t *value)
{
	uint64_t number;
	int status = number_argument(what, text, &number);

	if (status)
		return status;
	if (number > UINT32_MAX)
		return usage_error("the %s '%s' does not fit into 32 bits",
				   what, text);
	*value = number;
	return STATUS_OK;
}

int word_arguments(int argc, char **argv, const char **name, uint64_t *offset)
{
	int status;

	if (argc == optind)
		return usage_error("give the offset of a word");
	if (argc - optind > 2)
		return usage_error("'%s' is one argument too many",
				   argv[optind + 2]);
	*name = argc - optind == 2 ? argv[optind] : NULL;
	status = bytes_argument("offset", argv[argc - 1], offset);
	if (status)
		return status;
	if (*offset % sizeof(uint32_t))
		return usage_error("the offset %" PRIu64 " is not a multiple "
				   "of 4", *offset);
	return STATUS_OK;
}

int word_check(const struct shmdev_segment *segment, uint64_t offset)
{
	uint64_t bytes = shmdev_segment_bytes(segment);

	if (offset < bytes)
		return STATUS_OK;
	return usage_error("the offset %" PRIu64 " is past the end, the "
			   "segment has %" PRIu64 " bytes", offset, bytes);
}

int word_map(const struct shmdev_segment *segment, uint64_t offset,
	     int protection, uint32_t **word)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *address;
	int ret = shmdev_segment_map(segment, offset - offset % page, page,
				     protection, &address);

	if (ret < 0)
		return ret;
	*word = (uint32_t *)((char *)address + offset % page);
	return 0;
}

void word_unmap(uint32_t *word)
{
	size_t page = sysconf(_SC_PAGESIZE);

	shmdev_segment_unmap((char *)word - (uintptr_t)word % page, page);
}
