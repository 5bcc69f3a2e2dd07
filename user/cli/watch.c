// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli.h"

static const struct option options[] = {
	{ "count", required_argument, NULL, 'c' },
	{ "interval", required_argument, NULL, 'i' },
	TABLE_OPTIONS,
	COMMON_OPTIONS
};

struct row {
	const char *role;
	struct shmdev_peer_info peer;	/* id 0: nobody */
	bool counts;			/* records, not only bytes */
	double records;			/* in a second */
	uint64_t speed;			/* bytes in a second */
	uint64_t backlog;
	double fill;
	uint64_t lost;
};

static void print_role(FILE *to, const void *data, bool for_people)
{
	const struct row *row = data;

	(void)for_people;
	fputs(row->role, to);
}

static void print_id(FILE *to, const void *data, bool for_people)
{
	const struct row *row = data;

	(void)for_people;
	if (row->peer.id)
		fprintf(to, "%" PRIu64, row->peer.id);
}

static void print_pid(FILE *to, const void *data, bool for_people)
{
	const struct row *row = data;

	(void)for_people;
	if (row->peer.id)
		fprintf(to, "%d", row->peer.pid);
}

static bool counts(const void *data)
{
	const struct row *row = data;

	return row->counts;
}

#define OFFSET(member) .offset = offsetof(struct row, member)

static const struct column columns[] = {
	{ "ROLE", "producer (all of them), consumer or reader", COLUMN_PRINT,
	  .print = print_role },
	{ "ID", "number of the peer; of producers, whose turn it is",
	  COLUMN_NUMBER, .print = print_id },
	{ "PID", "the process; 0 if not visible from here", COLUMN_NUMBER,
	  .print = print_pid },
	{ "COMMAND", "name of the process when it joined", COLUMN_STRING,
	  OFFSET(peer.command) },
	{ "RECORDS", "records sent in a second", COLUMN_TENTHS,
	  OFFSET(records), .is_there = counts },
	{ "SPEED", "bytes in a second, and 8 and padding for each record",
	  COLUMN_BYTES, OFFSET(speed) },
	{ "BACKLOG", "bytes in the ring; or of them, those yet to be read",
	  COLUMN_BYTES, OFFSET(backlog) },
	{ "FILL", "that, in percent of the ring", COLUMN_TENTHS,
	  OFFSET(fill) },
	{ "LOST", "records that this reader lost so far", COLUMN_U64,
	  OFFSET(lost) },
};

static const struct table ring_table = {
	.name = "ring",
	.columns = columns,
	.column_count = sizeof(columns) / sizeof(*columns),
	.default_columns =
		"ROLE,ID,PID,COMMAND,RECORDS,SPEED,BACKLOG,FILL,LOST",
	.row_size = sizeof(struct row),
};

struct watcher {
	const char *name;
	struct shmdev_segment *segment;
	struct shmdev_ring *ring;
	struct table_options table;
	struct timespec interval;
	uint64_t rest;		/* tables yet to be shown */
};

/* What was written there may be anything, but more than full it cannot be. */
static double percent(const struct row *row, const struct shmdev_ring_info *ring)
{
	double fill = 100.0 * row->backlog / ring->data_bytes;

	return fill < 100 ? fill : 100;
}

/* Whether there is such a peer, and it is alive. */
static bool find_peer(const struct watcher *watcher, uint64_t id,
		      struct shmdev_peer_info *peer)
{
	struct shmdev_peer_info found = { .size = sizeof(found) };

	if (!id || shmdev_segment_peer(watcher->segment, id, &found) ||
	    found.state != SHMDEV_PEER_STATE_ALIVE)
		return false;
	*peer = found;
	return true;
}

static struct row producer_row(const struct watcher *watcher,
			       const struct ring_moment *before,
			       const struct ring_moment *now)
{
	double seconds = seconds_between(&before->time, &now->time);
	struct row row = {
		.role = "producer",
		.counts = true,
		.records = (now->ring.sequence - before->ring.sequence) /
			   seconds,
		.speed = ring_speed(now->ring.head - before->ring.head,
				    seconds),
		.backlog = now->ring.head - now->ring.tail,
	};

	find_peer(watcher, now->ring.producer, &row.peer);
	row.fill = percent(&row, &now->ring);
	return row;
}

static struct row reader_row(const struct ring_moment *before,
			     const struct ring_moment *now, unsigned int i)
{
	const struct shmdev_ring_cursor_info *cursor = &now->cursors[i];
	double seconds = seconds_between(&before->time, &now->time);
	struct row row = {
		.role = now->ring.kind == SHMDEV_RING_IS_QUEUE ? "consumer" :
								 "reader",
		.backlog = now->ring.head - cursor->position,
		.lost = cursor->lost,
	};

	/* How far one has gone that was not there before, nobody knows. */
	if (before->cursors[i].id == cursor->id)
		row.speed = ring_speed(cursor->position -
				       before->cursors[i].position, seconds);
	row.fill = percent(&row, &now->ring);
	return row;
}

static int show(const struct watcher *watcher,
		const struct ring_moment *before, const struct ring_moment *now)
{
	struct row rows[1 + SHMDEV_RING_CURSORS_MAX];
	struct shmdev_peer_info peer;
	size_t count = 0;
	unsigned int i;
	int status;

	rows[count++] = producer_row(watcher, before, now);
	for (i = 0; i < now->ring.readers; i++) {
		if (!find_peer(watcher, now->cursors[i].id, &peer))
			continue;
		rows[count] = reader_row(before, now, i);
		rows[count++].peer = peer;
	}
	status = table_print(&ring_table, &watcher->table, rows, count);
	if (!status && fflush(stdout))
		status = output_failure(errno);
	return status;
}

static int watch(struct watcher *watcher)
{
	bool for_people = !watcher->table.json && !watcher->table.raw;
	struct timespec until;
	struct ring_moment moments[2];
	int status = STATUS_OK;
	bool is_first = true;

	ring_look(watcher->ring, &moments[0]);
	until = time_from_now(&watcher->interval);
	while (watcher->rest-- && !status) {
		sleep_until(&until);
		until = time_from_now(&watcher->interval);
		ring_look(watcher->ring, &moments[1]);
		if (!is_first && for_people)
			putchar('\n');
		is_first = false;
		status = show(watcher, &moments[0], &moments[1]);
		moments[0] = moments[1];
	}
	return status;
}

static int run(int argc, char **argv)
{
	struct watcher watcher = {
		.interval.tv_sec = 1,
		.rest = UINT64_MAX,
	};
	int status = STATUS_OK;
	int option;

	while ((option = next_option(argc, argv, "c:i:" TABLE_SHORT_OPTIONS,
				     options)) != -1) {
		if (option == 'c')
			status = number_argument("count", optarg,
						 &watcher.rest);
		else if (option == 'i')
			status = seconds_argument("interval", optarg,
						  &watcher.interval);
		else
			table_option(&watcher.table, option);
		if (status)
			return status;
	}
	if (!watcher.interval.tv_sec && !watcher.interval.tv_nsec)
		return usage_error("the interval has to be longer than 0");
	status = ring_argument(argc, argv, &watcher.name);
	if (!status)
		status = ring_open("watch", watcher.name, SHMDEV_RING_OBSERVER,
				   &watcher.segment, &watcher.ring);
	if (status)
		return status;
	status = watch(&watcher);
	ring_close(watcher.segment, watcher.ring);
	return status;
}

const struct verb verb_watch = {
	.name = "watch",
	.arguments = "[OPTION]... NAME",
	.summary = "Show again and again how much goes through a ring",
	.help = "  -c, --count N        end after N tables\n"
		"  -i, --interval TIME  so many seconds between two, 1 if not "
		"given\n"
		TABLE_HELP,
	.table = &ring_table,
	.run = run,
};
