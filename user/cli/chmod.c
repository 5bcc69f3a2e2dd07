// SPDX-License-Identifier: GPL-2.0-only
/* chmod and chown */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const struct option options[] = {
	COMMON_OPTIONS
};

struct change {
	const char *doing;
	bool of_mode;
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

static int change_one(const struct shmdev_device *device, const char *name,
		      const struct change *change)
{
	struct shmdev_segment *segment;
	int ret = connect_segment_somehow(device, name, &segment);

	if (ret < 0)
		return segment_failure("open", name, ret);
	if (change->of_mode)
		ret = shmdev_segment_chmod(segment, change->mode);
	else
		ret = shmdev_segment_chown(segment, change->uid, change->gid);
	shmdev_segment_close(segment);
	return ret < 0 ? segment_failure(change->doing, name, ret) : STATUS_OK;
}

static int change_all(const struct change *change, char **names, size_t count)
{
	struct shmdev_device *device;
	int status = connect_device(O_RDONLY, &device);
	int failure = STATUS_OK;
	size_t i;

	if (status)
		return status;
	for (i = 0; i < count; i++) {
		status = change_one(device, names[i], change);
		if (status)
			failure = status;
	}
	shmdev_device_close(device);
	return failure;
}

static int run_chmod(int argc, char **argv)
{
	struct change change = {
		.doing = "change the mode of",
		.of_mode = true,
	};
	int status;

	next_option(argc, argv, "", options);
	if (argc - optind < 2)
		return usage_error("give a mode and names");
	status = mode_argument(argv[optind], &change.mode);
	if (status)
		return status;
	return change_all(&change, argv + optind + 1, argc - optind - 1);
}

/* All ones is "do not change" to chown(2), and nobody's id. */
static int id_argument(const char *what, const char *text, uint32_t *id)
{
	uint64_t number;

	if (parse_number(text, &number) || number >= UINT32_MAX)
		return usage_error("there is no %s '%s'", what, text);
	*id = number;
	return STATUS_OK;
}

static int user_argument(const char *text, uid_t *uid)
{
	struct passwd *user = getpwnam(text);

	if (!user)
		return id_argument("user", text, uid);
	*uid = user->pw_uid;
	return STATUS_OK;
}

static int group_argument(const char *text, gid_t *gid)
{
	struct group *group = getgrnam(text);

	if (!group)
		return id_argument("group", text, gid);
	*gid = group->gr_gid;
	return STATUS_OK;
}

/* [OWNER][:GROUP]; @text is cut at its colon. */
static int owner_argument(char *text, struct change *change)
{
	char *group = strchr(text, ':');
	int status = STATUS_OK;

	if (group)
		*group++ = '\0';
	if (!*text && (!group || !*group))
		return usage_error("the owner is neither OWNER, :GROUP nor "
				   "OWNER:GROUP");
	if (*text)
		status = user_argument(text, &change->uid);
	if (!status && group && *group)
		status = group_argument(group, &change->gid);
	return status;
}

static int run_chown(int argc, char **argv)
{
	struct change change = {
		.doing = "change the owner of",
		.uid = -1,
		.gid = -1,
	};
	int status;

	next_option(argc, argv, "", options);
	if (argc - optind < 2)
		return usage_error("give an owner and names");
	status = owner_argument(argv[optind], &change);
	if (status)
		return status;
	return change_all(&change, argv + optind + 1, argc - optind - 1);
}

const struct verb verb_chmod = {
	.name = "chmod",
	.arguments = "MODE NAME...",
	.summary = "Change who may use segments; MODE is octal, such as 0660",
	.help = "",
	.run = run_chmod,
};

const struct verb verb_chown = {
	.name = "chown",
	.arguments = "[OWNER][:GROUP] NAME...",
	.summary = "Change the owner and the group of segments",
	.help = "",
	.run = run_chown,
};
