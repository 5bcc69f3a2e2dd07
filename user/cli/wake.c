// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>

#include "cli.h"

static const struct option options[] = {
	{ "add", required_argument, NULL, 'a' },
	{ "count", required_argument, NULL, 'c' },
	{ "set", required_argument, NULL, 's' },
	COMMON_OPTIONS
};

struct change {
	bool set, add;
	uint32_t value;
};

/* Whoever sees the new value sees what was written to the segment before. */
static int change_word(const struct shmdev_segment *segment, const char *name,
		       uint64_t offset, const struct change *change)
{
	uint32_t *word;
	int ret = word_map(segment, offset, PROT_READ | PROT_WRITE, &word);

	if (ret < 0)
		return segment_failure("map", name, ret);
	if (change->add)
		__atomic_fetch_add(word, change->value, __ATOMIC_RELEASE);
	else
		__atomic_store_n(word, change->value, __ATOMIC_RELEASE);
	word_unmap(word);
	return STATUS_OK;
}

static int change_and_wake(const struct shmdev_segment *segment,
			   const char *name, uint64_t offset,
			   const struct change *change, uint32_t count)
{
	int status = word_check(segment, offset);
	int ret;

	if (!status && (change->set || change->add))
		status = change_word(segment, name, offset, change);
	if (status)
		return status;
	ret = shmdev_segment_wake(segment, offset, count);
	if (ret < 0)
		return segment_failure("wake in", name, ret);
	printf("%d\n", ret);
	return STATUS_OK;
}

static int run(int argc, char **argv)
{
	uint32_t count = SHMDEV_WAKE_EVERYONE;
	struct shmdev_segment *segment;
	struct change change = { };
	int status = STATUS_OK;
	const char *name;
	uint64_t offset;
	int option;

	while ((option = next_option(argc, argv, "a:c:s:", options)) != -1) {
		change.add |= option == 'a';
		change.set |= option == 's';
		if (option == 'c')
			status = word_argument("count", optarg, &count);
		else
			status = word_argument("value", optarg, &change.value);
		if (status)
			return status;
	}
	if (change.set && change.add)
		return usage_error("--set and --add exclude each other");
	status = word_arguments(argc, argv, &name, &offset);
	if (status)
		return status;
	/* Only writing the word needs it mapped, and that needs both rights. */
	status = connect_segment(name, change.set || change.add ? O_RDWR :
				       O_WRONLY, &segment);
	if (status)
		return status;
	status = change_and_wake(segment, name, offset, &change, count);
	shmdev_segment_close(segment);
	return status;
}

const struct verb verb_wake = {
	.name = "wake",
	.arguments = "[OPTION]... [NAME] OFFSET",
	.summary = "Wake who waits for a 32-bit word; print how many that were",
	.help = "  -s, --set VALUE      write this there first\n"
		"  -a, --add VALUE      add this to what is there first, in one "
		"step\n"
		"  -c, --count N        wake the N that have waited longest, not "
		"all\n",
	.run = run,
};
