// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "cli.h"

static const struct option options[] = {
	{ "timeout", required_argument, NULL, 't' },
	{ "while", required_argument, NULL, 'w' },
	COMMON_OPTIONS
};

struct wish {
	bool given;		/* else: what the word holds at first */
	uint32_t unwanted;
	uint32_t value;		/* what the word held at the last look */
};

static bool has_changed(uint32_t value, void *data)
{
	struct wish *wish = data;

	if (!wish->given) {
		wish->given = true;
		wish->unwanted = value;
	}
	wish->value = value;
	return value != wish->unwanted;
}

static int wait_for(const struct shmdev_segment *segment, const char *name,
		    uint64_t offset, struct wish *wish,
		    const struct timespec *deadline)
{
	uint32_t *word;
	int ret = word_map(segment, offset, PROT_READ, &word);

	if (ret < 0)
		return segment_failure("map", name, ret);
	ret = shmdev_segment_await(segment, offset, word, has_changed, wish,
				   deadline);
	word_unmap(word);
	if (ret == -ETIMEDOUT) {
		say("the word at %" PRIu64 " still holds %" PRIu32, offset,
		    wish->value);
		return STATUS_TIMEOUT;
	}
	if (ret < 0)
		return segment_failure("wait in", name, ret);
	printf("%" PRIu32 "\n", wish->value);
	return STATUS_OK;
}

static int wait_in(const char *name, uint64_t offset, struct wish *wish,
		   const struct timespec *deadline)
{
	struct shmdev_segment *segment;
	int status = connect_segment(name, O_RDONLY, &segment);

	if (status)
		return status;
	status = word_check(segment, offset);
	if (!status)
		status = wait_for(segment, name, offset, wish, deadline);
	shmdev_segment_close(segment);
	return status;
}

static int run(int argc, char **argv)
{
	struct wish wish = { };
	bool limited = false;
	struct timespec time;
	const char *name;
	uint64_t offset;
	int status;
	int option;

	while ((option = next_option(argc, argv, "t:w:", options)) != -1) {
		if (option == 't') {
			status = seconds_argument("timeout", optarg, &time);
			limited = true;
		} else {
			status = word_argument("value", optarg, &wish.unwanted);
			wish.given = true;
		}
		if (status)
			return status;
	}
	status = word_arguments(argc, argv, &name, &offset);
	if (status)
		return status;
	if (limited)
		time = time_from_now(&time);
	return wait_in(name, offset, &wish, limited ? &time : NULL);
}

const struct verb verb_wait = {
	.name = "wait",
	.arguments = "[OPTION]... [NAME] OFFSET",
	.summary = "Wait until a 32-bit word changes; print what it holds then",
	.help = "  -w, --while VALUE    until it holds anything else, not what it "
		"holds now\n"
		"  -t, --timeout TIME   for so many seconds at most, such as 10 or "
		"0.5; then the\n"
		"                       exit status is 5\n",
	.run = run,
};
