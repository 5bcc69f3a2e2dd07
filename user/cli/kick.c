// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>

#include "cli.h"

static const struct option options[] = {
	{ "argument", required_argument, NULL, 'a' },
	COMMON_OPTIONS
};

static int kick(const char *name, uint64_t argument)
{
	struct shmdev_segment *segment;
	int status = connect_segment(name, O_WRONLY, &segment);
	int ret;

	if (status)
		return status;
	ret = shmdev_segment_kick(segment, argument);
	shmdev_segment_close(segment);
	if (ret == -EINVAL) {
		say("the endpoint does not take the argument %#jx; "
		    "'hello' takes only 0", (uintmax_t)argument);
		return STATUS_FAILED;
	}
	if (ret < 0)
		return segment_failure("kick", name, ret);
	printf("%d\n", ret);
	return STATUS_OK;
}

static int run(int argc, char **argv)
{
	uint64_t argument = 0;
	int status;

	while (next_option(argc, argv, "a:", options) != -1) {
		status = number_argument("argument", optarg, &argument);
		if (status)
			return status;
	}
	if (argc - optind > 1)
		return usage_error("'%s' is one argument too many",
				   argv[optind + 1]);
	return kick(argv[optind], argument);
}

const struct verb verb_kick = {
	.name = "kick",
	.arguments = "[OPTION]... [NAME]",
	.summary = "Tell the endpoint of a segment to look; print its answer",
	.help = "  -a, --argument N     a number for the endpoint, 0 if not "
		"given\n",
	.run = run,
};
