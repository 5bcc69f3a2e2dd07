// SPDX-License-Identifier: GPL-2.0-only
/* Who takes part in segments, and how others ended. */
#include <errno.h>

#include "cli.h"

struct row {
	struct listed listed;
	struct shmdev_peer_info peer;
};

static void print_state(FILE *to, const void *data, bool for_people)
{
	static const char *const states[] = {
		[SHMDEV_PEER_STATE_ALIVE] = "alive",
		[SHMDEV_PEER_STATE_LEFT] = "left",
		[SHMDEV_PEER_STATE_CLOSED] = "closed",
		[SHMDEV_PEER_STATE_REPLACED] = "replaced",
		[SHMDEV_PEER_STATE_EXITED] = "exited",
		[SHMDEV_PEER_STATE_KILLED] = "killed",
		[SHMDEV_PEER_STATE_SHUTDOWN] = "shutdown",
	};
	const struct row *row = data;

	(void)for_people;
	if (row->peer.state < sizeof(states) / sizeof(*states))
		fputs(states[row->peer.state], to);
	else
		fprintf(to, "ended-%u", row->peer.state);
}

static void print_joined(FILE *to, const void *data, bool for_people)
{
	const struct row *row = data;

	(void)for_people;
	print_time(to, row->peer.joined);
}

static void print_ended(FILE *to, const void *data, bool for_people)
{
	const struct row *row = data;

	(void)for_people;
	if (row->peer.ended)
		print_time(to, row->peer.ended);
}

#define OFFSET(member) .offset = offsetof(struct row, member)

static const struct column columns[] = {
	{ "SEGMENT", "name of the segment", COLUMN_PRINT,
	  .print = print_listed_segment },
	{ "SEGID", "number of the segment", COLUMN_U64, OFFSET(listed.id) },
	{ "ID", "number of the peer in its segment", COLUMN_U64,
	  OFFSET(peer.id) },
	{ "ROLE", "what it calls itself", COLUMN_STRING, OFFSET(peer.role) },
	{ "PID", "the process; 0 if in the kernel or not visible from here",
	  COLUMN_U32, OFFSET(peer.pid) },
	{ "COMMAND", "name of the process when it joined", COLUMN_STRING,
	  OFFSET(peer.command) },
	{ "STATE", "alive, left, closed, replaced, exited, killed, shutdown",
	  COLUMN_PRINT, .print = print_state },
	{ "STATUS", "exit status, or the signal that killed it", COLUMN_U32,
	  OFFSET(peer.status) },
	{ "JOINED", "when it joined", COLUMN_PRINT, .print = print_joined },
	{ "ENDED", "when it ended", COLUMN_PRINT, .print = print_ended },
};

static const struct table peers_table = {
	.name = "peers",
	.columns = columns,
	.column_count = sizeof(columns) / sizeof(*columns),
	.default_columns = "SEGMENT,ID,ROLE,PID,COMMAND,STATE,STATUS",
	.row_size = sizeof(struct row),
};

static int list_peers(struct listing *listing,
		      const struct shmdev_segment *segment)
{
	struct shmdev_peer_list *list;
	int ret = shmdev_segment_peers(segment, &list);
	size_t count, i;
	struct row *rows;

	if (ret < 0)
		return ret;
	count = shmdev_peer_list_count(list);
	rows = listing_add(listing, count);
	for (i = 0; rows && i < count; i++) {
		rows[i].peer.size = sizeof(rows[i].peer);
		shmdev_peer_list_get(list, i, &rows[i].peer);
	}
	shmdev_peer_list_free(list);
	return rows ? 0 : -ENOMEM;
}

static int run(int argc, char **argv)
{
	return listing_run(argc, argv, &peers_table, list_peers);
}

const struct verb verb_peers = {
	.name = "peers",
	.arguments = "[OPTION]... [NAME]...",
	.summary = "Show who takes part in segments, and how others ended",
	.help = TABLE_HELP,
	.table = &peers_table,
	.run = run,
};
