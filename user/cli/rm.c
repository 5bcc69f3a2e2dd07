// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>

#include "cli.h"

static const struct option options[] = {
	{ "id", required_argument, NULL, 'i' },
	COMMON_OPTIONS
};

static int remove_by_id(const struct shmdev_device *device, const char *text)
{
	uint64_t id;
	int status = number_argument("id", text, &id);
	int ret;

	if (status)
		return status;
	ret = shmdev_segment_remove_id(device, id);
	return ret < 0 ? segment_failure("remove", text, ret) : STATUS_OK;
}

static int remove_names(const struct shmdev_device *device, char **names,
			size_t count)
{
	int status = STATUS_OK;
	size_t i;

	for (i = 0; i < count; i++) {
		int ret = shmdev_segment_remove(device, names[i]);

		if (ret < 0)
			status = segment_failure("remove", names[i], ret);
	}
	return status;
}

static int run(int argc, char **argv)
{
	struct shmdev_device *device;
	const char *id = NULL;
	int status;

	while (next_option(argc, argv, "i:", options) != -1)
		id = optarg;
	if (!id == !argv[optind])
		return usage_error("give either names or an --id");
	status = connect_device(O_RDONLY, &device);
	if (status)
		return status;
	if (id)
		status = remove_by_id(device, id);
	else
		status = remove_names(device, argv + optind, argc - optind);
	shmdev_device_close(device);
	return status;
}

const struct verb verb_rm = {
	.name = "rm",
	.arguments = "NAME... | --id N",
	.summary = "Remove segments: names at once, memory with the last user",
	.help = "  -i, --id N           the segment with this number; as root, "
		"of any container\n",
	.run = run,
};
