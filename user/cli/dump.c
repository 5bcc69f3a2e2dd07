// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "cli.h"

static const struct option options[] = {
	{ "length", required_argument, NULL, 'l' },
	{ "offset", required_argument, NULL, 'o' },
	COMMON_OPTIONS
};

#define LINE_BYTES 16
struct dump {
	uint64_t offset;		/* of the next line */
	unsigned char last[LINE_BYTES];
	bool has_last;			/* the line before was a full one */
	bool squeezing;			/* and this one was like it */
};

static void print_line(uint64_t offset, const unsigned char *from, size_t bytes)
{
	size_t i;

	printf("%08" PRIx64 " ", offset);
	for (i = 0; i < LINE_BYTES; i++) {
		if (i == LINE_BYTES / 2)
			putchar(' ');
		if (i < bytes)
			printf(" %02x", from[i]);
		else
			printf("   ");
	}
	printf("  |");
	for (i = 0; i < bytes; i++)
		putchar(from[i] < 0x80 && isprint(from[i]) ? from[i] : '.');
	printf("|\n");
}

/* A line like the one before is not shown; a run of them becomes a "*". */
static void dump_line(struct dump *dump, const unsigned char *from,
		      size_t bytes)
{
	if (dump->has_last && bytes == LINE_BYTES &&
	    !memcmp(from, dump->last, LINE_BYTES)) {
		if (!dump->squeezing)
			printf("*\n");
		dump->squeezing = true;
	} else {
		print_line(dump->offset, from, bytes);
		dump->squeezing = false;
	}
	dump->has_last = bytes == LINE_BYTES;
	memcpy(dump->last, from, bytes);
	dump->offset += bytes;
}

static int dump_range(const struct shmdev_segment *segment, const char *name,
		      struct range *range, char *buffer)
{
	struct dump dump = { .offset = range->offset };

	while (range->bytes && !ferror(stdout)) {
		size_t got, done;
		int ret = range_read(segment, range, buffer, &got);

		if (ret < 0)
			return segment_failure("read", name, ret);
		for (done = 0; done < got; done += LINE_BYTES)
			dump_line(&dump, (unsigned char *)buffer + done,
				  got - done < LINE_BYTES ? got - done :
							    LINE_BYTES);
	}
	printf("%08" PRIx64 "\n", dump.offset);
	return STATUS_OK;
}

static int run(int argc, char **argv)
{
	return transfer_run(argc, argv, options, O_RDONLY, dump_range);
}

const struct verb verb_dump = {
	.name = "dump",
	.arguments = "[OPTION]... [NAME]",
	.summary = "Show a segment, or the default one, in hexadecimal",
	.help = "  -o, --offset N       from this byte on, 0 if not given\n"
		"  -l, --length N       this many bytes, to the end if not "
		"given\n",
	.run = run,
};
