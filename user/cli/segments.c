// SPDX-License-Identifier: GPL-2.0-only
/* The columns of ls and stat; top has its own. */
#include <assert.h>
#include <stddef.h>

#include "cli.h"

void print_segment_name(FILE *to, const void *row, bool for_people)
{
	const struct shmdev_segment_info *info = row;

	if (*info->name)
		fputs(info->name, to);
	else if (for_people && info->flags & SHMDEV_SEGMENT_DEFAULT)
		fputs("(default)", to);
	else if (for_people)
		fputs("(anonymous)", to);
}

static void print_owner(FILE *to, const void *row, bool for_people)
{
	const struct shmdev_segment_info *info = row;

	(void)for_people;
	print_user(to, info->uid);
}

static void print_owning_group(FILE *to, const void *row, bool for_people)
{
	const struct shmdev_segment_info *info = row;

	(void)for_people;
	print_group(to, info->gid);
}

static void print_mode(FILE *to, const void *row, bool for_people)
{
	const struct shmdev_segment_info *info = row;

	(void)for_people;
	fprintf(to, "%04o", info->mode);
}

static void print_created(FILE *to, const void *row, bool for_people)
{
	const struct shmdev_segment_info *info = row;

	(void)for_people;
	print_time(to, info->created);
}

static void print_flags(FILE *to, const void *row, bool for_people)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} flags[] = {
		{ SHMDEV_SEGMENT_DEFAULT, "default" },
		{ SHMDEV_SEGMENT_KEEP, "keep" },
		{ SHMDEV_SEGMENT_LAZY, "lazy" },
		{ SHMDEV_SEGMENT_SHUTDOWN, "shutdown" },
		{ SHMDEV_SEGMENT_ISOLATED, "isolated" },
	};
	const struct shmdev_segment_info *info = row;
	const char *comma = "";
	size_t i;

	(void)for_people;
	for (i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		if (info->flags & flags[i].flag) {
			fprintf(to, "%s%s", comma, flags[i].name);
			comma = ",";
		}
	}
}

#define OFFSET(member) .offset = offsetof(struct shmdev_segment_info, member)

static const struct column columns[] = {
	{ "ID", "its number", COLUMN_U64, OFFSET(id) },
	{ "NAME", "its name", COLUMN_PRINT,
	  .print = print_segment_name },
	{ "SIZE", "its size", COLUMN_BYTES, OFFSET(bytes) },
	{ "RESIDENT", "how much of it is in memory", COLUMN_BYTES,
	  OFFSET(resident) },
	{ "OWNER", "the user who owns it", COLUMN_PRINT,
	  .print = print_owner },
	{ "GROUP", "the group that owns it", COLUMN_PRINT,
	  .print = print_owning_group },
	{ "MODE", "its permissions, octal", COLUMN_PRINT,
	  .print = print_mode },
	{ "MAPPINGS", "mappings in all processes", COLUMN_U32,
	  OFFSET(mappings) },
	{ "FILES", "open segment files, or held by a mapping", COLUMN_U32, OFFSET(files) },
	{ "PEERS", "who takes part in it now", COLUMN_U32, OFFSET(peers) },
	{ "ENDPOINT", "who serves it in the kernel", COLUMN_STRING,
	  OFFSET(endpoint) },
	{ "FLAGS", "default, keep, lazy, shutdown (its endpoint has gone), "
	  "isolated (readers write no page but their own)",
	  COLUMN_PRINT, .print = print_flags },
	{ "KICKS", "kicks that reached the endpoint", COLUMN_U64,
	  OFFSET(kicks) },
	{ "EVENTS", "times that pollers were told something", COLUMN_U64,
	  OFFSET(events) },
	{ "CREATED", "when it was made", COLUMN_PRINT,
	  .print = print_created },
	{ "CREATOR", "the process that made it, 0 if it has ended", COLUMN_U32,
	  OFFSET(creator) },
	{ "UID", "number of the owner", COLUMN_U32, OFFSET(uid) },
	{ "GID", "number of the group", COLUMN_U32, OFFSET(gid) },
	{ "INODE", "its inode number in /proc/PID/maps", COLUMN_U64,
	  OFFSET(inode) },
	{ "IPCNS", "inode number of its IPC namespace", COLUMN_U32,
	  OFFSET(ipc_namespace) },
};

static_assert(sizeof(uid_t) == 4 && sizeof(gid_t) == 4 && sizeof(pid_t) == 4,
	      "COLUMN_U32 reads these");

const struct table segments_table = {
	.name = "segments",
	.columns = columns,
	.column_count = sizeof(columns) / sizeof(*columns),
	.default_columns =
		"ID,NAME,SIZE,RESIDENT,OWNER,GROUP,MODE,MAPPINGS,FILES,PEERS,"
		"ENDPOINT",
	.row_size = sizeof(struct shmdev_segment_info),
};
