// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records are made known in batches: each is what one read() returned, so none
 * waits for input that is yet to come.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const struct option options[] = {
	{ "prefixed", no_argument, NULL, 'p' },
	{ "size", required_argument, NULL, 's' },
	{ "timeout", required_argument, NULL, 't' },
	COMMON_OPTIONS
};

/* As much as a pipe has. */
#define INPUT_BYTES (64 << 10)

struct sender {
	const char *name;	/* of the segment */
	struct shmdev_ring *ring;
	enum framing framing;
	uint64_t size;		/* FRAMING_NONE: of each record */
	bool limited;
	struct timespec timeout;
	uint64_t sent;

	/* Input that was read and not sent yet. */
	const char *file;	/* NULL: standard input */
	char *buffer;
	size_t room, begin, end;
	bool ended;
};

/* A record, and how far it goes in the input. */
struct piece {
	const char *data;
	uint64_t bytes;
	uint64_t span;
};

/* 1: there is one; 0: more input has to tell; or -errno. */
static int find_line(const struct sender *sender, struct piece *piece)
{
	const char *end = memchr(piece->data, '\n', piece->bytes);

	if (!end)
		return sender->ended;
	piece->bytes = end - piece->data;
	piece->span = piece->bytes + 1;
	return 1;
}

static int find_prefixed(const struct sender *sender, struct piece *piece)
{
	uint64_t available = piece->bytes;
	uint32_t prefix;

	if (available < sizeof(prefix))
		return sender->ended ? -EPROTO : 0;
	memcpy(&prefix, piece->data, sizeof(prefix));
	piece->data += sizeof(prefix);
	piece->bytes = le32toh(prefix);
	piece->span = sizeof(prefix) + piece->bytes;
	if (piece->span <= available ||
	    piece->bytes > shmdev_ring_record_max(sender->ring))
		return 1;
	return sender->ended ? -EPROTO : 0;
}

static int find_sized(const struct sender *sender, struct piece *piece)
{
	if (piece->bytes < sender->size)
		return sender->ended;
	piece->bytes = sender->size;
	piece->span = sender->size;
	return 1;
}

static int find_piece(const struct sender *sender, struct piece *piece)
{
	int ret;

	*piece = (struct piece){
		.data = sender->buffer + sender->begin,
		.bytes = sender->end - sender->begin,
	};
	piece->span = piece->bytes;
	if (!piece->bytes)
		return 0;
	if (sender->framing == FRAMING_PREFIXED)
		ret = find_prefixed(sender, piece);
	else if (sender->framing == FRAMING_LINES)
		ret = find_line(sender, piece);
	else
		ret = find_sized(sender, piece);
	/* What is too long already need not be read to its end. */
	if (ret >= 0 && piece->bytes > shmdev_ring_record_max(sender->ring))
		ret = -EMSGSIZE;
	return ret;
}

static int send_failure(const struct sender *sender, int error)
{
	if (error == -ETIMEDOUT) {
		say("no room came to be in '%s', where %" PRIu64 " records "
		    "were sent; 'shmdev peers' shows who is there",
		    sender->name, sender->sent);
		return STATUS_TIMEOUT;
	}
	if (error == -EMSGSIZE) {
		say("record %" PRIu64 " has more than the %zu bytes that one "
		    "can have in '%s'; make a larger ring with 'shmdev create "
		    "--ring'", sender->sent + 1,
		    shmdev_ring_record_max(sender->ring), sender->name);
		return STATUS_FAILED;
	}
	return segment_failure("send to", sender->name, error);
}

static int send_piece(struct sender *sender, const struct piece *piece)
{
	struct shmdev_ring *ring = sender->ring;
	struct timespec deadline;
	void *record;
	int ret;

	ret = shmdev_ring_reserve(ring, piece->bytes, SHMDEV_RING_NOW, &record);
	if (ret == -EAGAIN) {
		deadline = time_from_now(&sender->timeout);
		ret = shmdev_ring_reserve(ring, piece->bytes, sender->limited ?
					  &deadline : NULL, &record);
	}
	if (ret < 0)
		return ret;
	memcpy(record, piece->data, piece->bytes);
	ret = shmdev_ring_commit_later(ring);
	if (!ret)
		sender->sent++;
	return ret;
}

/* What was read, but for the beginning of a record that goes on. */
static int send_pieces(struct sender *sender)
{
	struct piece piece;
	int flushed;
	int ret;

	while ((ret = find_piece(sender, &piece)) > 0) {
		/* Of nothing one cannot make a record. */
		ret = piece.bytes ? send_piece(sender, &piece) : 0;
		if (ret < 0)
			break;
		sender->begin += piece.span;
	}
	/* Those before one that could not be sent are sent all the same. */
	flushed = shmdev_ring_flush(sender->ring);
	ret = ret < 0 ? ret : flushed;
	if (ret != -EPROTO)
		return ret < 0 ? send_failure(sender, ret) : STATUS_OK;
	say("the input ends inside record %" PRIu64 ", which was not sent",
	    sender->sent + 1);
	return STATUS_FAILED;
}

static int make_buffer_larger(struct sender *sender)
{
	size_t room = sender->room ? 2 * sender->room : INPUT_BYTES;
	char *buffer = realloc(sender->buffer, room);

	if (!buffer)
		return segment_failure("send to", sender->name, -ENOMEM);
	sender->buffer = buffer;
	sender->room = room;
	return STATUS_OK;
}

static int read_input(struct sender *sender, int fd)
{
	size_t rest = sender->end - sender->begin;
	int status = STATUS_OK;
	ssize_t ret;

	if (rest)
		memmove(sender->buffer, sender->buffer + sender->begin, rest);
	sender->begin = 0;
	sender->end = rest;
	if (rest == sender->room)
		status = make_buffer_larger(sender);
	if (status)
		return status;
	do {
		ret = read(fd, sender->buffer + rest, sender->room - rest);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0) {
		say("cannot read %s: %s", sender->file ?: "the input",
		    strerror(errno));
		return STATUS_FAILED;
	}
	sender->ended = !ret;
	sender->end += ret;
	return STATUS_OK;
}

static int send_input(struct sender *sender, int fd)
{
	int status;

	sender->begin = 0;
	sender->end = 0;
	sender->ended = false;
	do {
		status = read_input(sender, fd);
		if (!status)
			status = send_pieces(sender);
	} while (!status && !sender->ended);
	return status;
}

/* @file: NULL for standard input. */
static int send_file(struct sender *sender, const char *file)
{
	int status, fd;

	sender->file = file;
	if (!file)
		return send_input(sender, STDIN_FILENO);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		say("cannot open %s: %s", file, strerror(errno));
		return STATUS_FAILED;
	}
	status = send_input(sender, fd);
	close(fd);
	return status;
}

static int send_files(struct sender *sender, char **files)
{
	struct shmdev_segment *segment;
	int status = ring_open("send to", sender->name, SHMDEV_RING_PRODUCER,
			       &segment, &sender->ring);
	size_t most;

	if (status)
		return status;
	most = shmdev_ring_record_max(sender->ring);
	if (sender->size > most)
		status = usage_error("a record of '%s' can have %zu bytes, "
				     "not %" PRIu64, sender->name, most,
				     sender->size);
	else if (!*files)
		status = send_file(sender, NULL);
	/* After one that failed, who reads would take the next for its rest. */
	for (; *files && !status; files++)
		status = send_file(sender, strcmp(*files, "-") ? *files : NULL);
	free(sender->buffer);
	ring_close(segment, sender->ring);
	return status;
}

static int run(int argc, char **argv)
{
	struct sender sender = { .framing = FRAMING_LINES };
	bool prefixed = false, sized = false;
	int status = STATUS_OK;
	int option;

	while ((option = next_option(argc, argv, "ps:t:", options)) != -1) {
		switch (option) {
		case 'p':
			prefixed = true;
			sender.framing = FRAMING_PREFIXED;
			break;
		case 's':
			sized = true;
			sender.framing = FRAMING_NONE;
			status = bytes_argument("size", optarg, &sender.size);
			break;
		case 't':
			sender.limited = true;
			status = seconds_argument("timeout", optarg,
						  &sender.timeout);
			break;
		}
		if (status)
			return status;
	}
	if (prefixed && sized)
		return usage_error("--prefixed and --size exclude each other");
	if (sized && !sender.size)
		return usage_error("a record has one byte at least");
	if (argc == optind)
		return usage_error("give the name of a segment");
	sender.name = argv[optind];
	return send_files(&sender, argv + optind + 1);
}

const struct verb verb_send = {
	.name = "send",
	.arguments = "[OPTION]... NAME [FILE]...",
	.summary = "Send the lines of files, or of standard input, to a ring",
	.help = "  -p, --prefixed       before each record is its length: 4 "
		"bytes, low one first\n"
		"  -s, --size N         not lines, but records of N bytes; the "
		"last of a file may\n"
		"                       be shorter\n"
		"  -t, --timeout TIME   wait for room for so many seconds at "
		"most, such as 10 or\n"
		"                       0.5; then the exit status is 5\n",
	.run = run,
};
