// SPDX-License-Identifier: GPL-2.0-only
/* Who takes part in segments and in their rings, and how others ended. */
#include <errno.h>

#include "cli.h"

struct row {
	struct listed listed;
	struct shmdev_peer_info peer;
	enum shmdev_ring_role part;	/* an observer: none in a ring */
	uint64_t position;
	uint64_t lag;
	uint64_t lost;
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

static bool is_in_ring(const void *data)
{
	const struct row *row = data;

	return row->part != SHMDEV_RING_OBSERVER;
}

static bool is_reader(const void *data)
{
	const struct row *row = data;

	return row->part == SHMDEV_RING_CONSUMER;
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
	{ "POSITION", "bytes of the ring's that it has sent, or done with",
	  COLUMN_U64, OFFSET(position), .is_there = is_in_ring },
	{ "LAG", "bytes that were sent and that it has yet to read",
	  COLUMN_BYTES, OFFSET(lag), .is_there = is_reader },
	{ "LOST", "records that it lost so far", COLUMN_U64, OFFSET(lost),
	  .is_there = is_reader },
};

static const struct table peers_table = {
	.name = "peers",
	.columns = columns,
	.column_count = sizeof(columns) / sizeof(*columns),
	.default_columns =
		"SEGMENT,ID,ROLE,PID,COMMAND,STATE,STATUS,POSITION,LAG,LOST",
	.row_size = sizeof(struct row),
};

static void add_place(struct row *row, const struct ring_moment *moment)
{
	uint32_t i;

	if (row->peer.id == moment->ring.producer) {
		row->part = SHMDEV_RING_PRODUCER;
		row->position = moment->ring.head;
	}
	for (i = 0; i < moment->ring.readers; i++) {
		const struct shmdev_ring_cursor_info *cursor =
			&moment->cursors[i];

		if (row->peer.id != cursor->id)
			continue;
		row->part = SHMDEV_RING_CONSUMER;
		row->position = cursor->position;
		row->lag = moment->ring.head - cursor->position;
		row->lost = cursor->lost;
	}
}

/*
 * A segment without a ring, or with what only looks like one, has peers all the
 * same; and one that nobody takes part in is not to get a page for this.
 */
static void add_places(const struct shmdev_segment *segment, struct row *rows,
		       size_t count)
{
	struct ring_moment moment;
	struct shmdev_ring *ring;
	size_t i;

	if (!count ||
	    shmdev_ring_attach(segment, 0, SHMDEV_RING_OBSERVER, &ring))
		return;
	ring_look(ring, &moment);
	shmdev_ring_detach(ring);
	for (i = 0; i < count; i++)
		add_place(&rows[i], &moment);
}

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
	if (rows)
		add_places(segment, rows, count);
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
