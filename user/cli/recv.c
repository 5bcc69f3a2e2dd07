// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was written is given back only when it has left this process: the records
 * of a queue that nobody got, since the output was closed or the process killed,
 * are there for the next consumer.
 */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "cli.h"

enum {
	OPTION_FROM = OPTION_OF_VERB,
};

static const struct option options[] = {
	{ "count", required_argument, NULL, 'c' },
	{ "follow", no_argument, NULL, 'f' },
	{ "from", required_argument, NULL, OPTION_FROM },
	{ "json", no_argument, NULL, 'J' },
	{ "prefixed", no_argument, NULL, 'p' },
	{ "raw", no_argument, NULL, 'r' },
	{ "timeout", required_argument, NULL, 't' },
	COMMON_OPTIONS
};

/* Written before it is given back, if the ring has room for several times that. */
#define BATCH_BYTES (64 << 10)

struct receiver {
	const char *name;
	struct shmdev_segment *segment;
	struct shmdev_ring *ring;
	bool is_stream;

	const char *from;	/* NULL: now, or all that is in a queue */
	enum framing framing;
	bool json;
	bool follow;
	bool limited;
	struct timespec timeout;
	uint64_t rest;		/* so many records are still wanted */

	char *copy;		/* of a record */
	size_t room;
	size_t held;		/* bytes, that were not given back yet */
	bool has_lost;
};

/* A line of JSON; @text ends with a 0 that is not counted. */
struct row {
	struct shmdev_ring_record record;
	const char *text;
	bool is_text;
};

/* As the locale has it, which may go on beyond Unicode. */
static bool is_unicode(const char *text, size_t bytes)
{
	mbstate_t state = { };
	wchar_t character;
	size_t length;

	for (; bytes; bytes -= length, text += length) {
		length = mbrtowc(&character, text, bytes, &state);
		if (!length || length > bytes || character > 0x10ffff)
			return false;
	}
	return true;
}

/* JSON is UTF-8, whatever the user's locale is. */
static bool is_text(const char *text, size_t bytes)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
	locale_t before;
	bool is;

	if (!utf8)
		return false;
	before = uselocale(utf8);
	is = is_unicode(text, bytes);
	uselocale(before);
	freelocale(utf8);
	return is;
}

static void print_data(FILE *to, const void *data, bool for_people)
{
	const struct row *row = data;

	(void)for_people;
	if (row->is_text)
		fputs(row->text, to);
}

static void print_hex(FILE *to, const void *data, bool for_people)
{
	const struct row *row = data;
	size_t i;

	(void)for_people;
	for (i = 0; i < row->record.bytes && !row->is_text; i++)
		fprintf(to, "%02x", (unsigned char)row->text[i]);
}

static void print_length(FILE *to, const void *data, bool for_people)
{
	const struct row *row = data;

	(void)for_people;
	fprintf(to, "%zu", row->record.bytes);
}

#define OFFSET(member) .offset = offsetof(struct row, record.member)

static const struct column columns[] = {
	{ "SEQUENCE", "its number", COLUMN_U64, OFFSET(sequence) },
	{ "LOST", "how many were lost right before it", COLUMN_U64,
	  OFFSET(lost) },
	{ "BYTES", "its length", COLUMN_NUMBER, .print = print_length },
	{ "DATA", "the record, if it is UTF-8", COLUMN_PRINT,
	  .print = print_data },
	{ "HEX", "the record in hexadecimal, if it is not", COLUMN_PRINT,
	  .print = print_hex },
};

static const struct table records_table = {
	.name = "records",
	.columns = columns,
	.column_count = sizeof(columns) / sizeof(*columns),
	.default_columns = "SEQUENCE,LOST,BYTES,DATA,HEX",
	.row_size = sizeof(struct row),
};

static int write_json(const struct shmdev_ring_record *record, const char *text)
{
	const struct table_options json = { .json = true };
	const struct row row = {
		.record = *record,
		.text = text,
		.is_text = is_text(text, record->bytes),
	};

	return table_print(&records_table, &json, &row, 1);
}

/* Whether it could be written, the next fflush() tells. */
static void write_record(enum framing framing,
			 const struct shmdev_ring_record *record,
			 const char *data)
{
	uint32_t prefix = htole32(record->bytes);

	if (framing == FRAMING_PREFIXED)
		fwrite(&prefix, sizeof(prefix), 1, stdout);
	fwrite(data, 1, record->bytes, stdout);
	if (framing == FRAMING_LINES)
		putchar('\n');
}

static int give_back(struct receiver *receiver)
{
	int ret;

	/* What failed before that left no reason. */
	errno = EIO;
	if (fflush(stdout) || ferror(stdout))
		return output_failure(errno);
	receiver->held = 0;
	ret = shmdev_ring_release(receiver->ring);
	return ret < 0 ? segment_failure("receive from", receiver->name, ret) :
			 STATUS_OK;
}

/* With a 0 behind it. */
static int copy_record(struct receiver *receiver,
		       const struct shmdev_ring_record *record)
{
	char *copy;

	if (record->bytes >= receiver->room) {
		copy = realloc(receiver->copy, record->bytes + 1);
		if (!copy)
			return -ENOMEM;
		receiver->copy = copy;
		receiver->room = record->bytes + 1;
	}
	memcpy(receiver->copy, record->data, record->bytes);
	receiver->copy[record->bytes] = 0;
	return 0;
}

static void say_lost(struct receiver *receiver,
		     const struct shmdev_ring_record *record)
{
	if (!record->lost)
		return;
	receiver->has_lost = true;
	say("%" PRIu64 " records lost before number %" PRIu64, record->lost,
	    record->sequence);
}

static int take(struct receiver *receiver,
		const struct shmdev_ring_record *record)
{
	size_t enough = shmdev_ring_record_max(receiver->ring) / 4;
	int ret = copy_record(receiver, record);
	int status = STATUS_OK;

	/* A stream goes on meanwhile, and may have been faster than the copy. */
	if (!ret && receiver->is_stream)
		ret = shmdev_ring_release(receiver->ring);
	if (ret == -EOVERFLOW)
		return STATUS_OK;
	if (ret < 0)
		return segment_failure("receive from", receiver->name, ret);
	say_lost(receiver, record);
	if (receiver->json)
		status = write_json(record, receiver->copy);
	else
		write_record(receiver->framing, record, receiver->copy);
	receiver->rest--;
	receiver->held += record->bytes;
	if (!status && (receiver->held > BATCH_BYTES ||
			receiver->held > enough))
		status = give_back(receiver);
	return status;
}

/* 0 or -errno. @until: NULL for ever. */
static int poll_segment(const struct shmdev_segment *segment,
			const struct timespec *until)
{
	struct pollfd fd = {
		.fd = shmdev_segment_fd(segment),
		.events = POLLIN,
	};
	struct timespec rest = { };
	int ret;

	if (until) {
		clock_gettime(CLOCK_MONOTONIC, &rest);
		rest.tv_sec = until->tv_sec - rest.tv_sec;
		rest.tv_nsec = until->tv_nsec - rest.tv_nsec;
		if (rest.tv_nsec < 0) {
			rest.tv_nsec += 1000000000;
			rest.tv_sec--;
		}
		if (rest.tv_sec < 0)
			return -ETIMEDOUT;
	}
	ret = ppoll(&fd, 1, until ? &rest : NULL, NULL);
	if (ret < 0)
		return -errno;
	return ret ? 0 : -ETIMEDOUT;
}

/* For the first record of a producer who is yet to come: it tells pollers. */
static int await_producer(struct receiver *receiver,
			  const struct timespec *until,
			  struct shmdev_ring_record *record)
{
	int ret;

	do {
		ret = shmdev_ring_arm(receiver->ring);
		if (ret >= 0)
			ret = shmdev_ring_peek(receiver->ring, SHMDEV_RING_NOW,
					       record);
		if (ret != -EPIPE)
			return ret;
		ret = poll_segment(receiver->segment, until);
	} while (!ret);
	return ret;
}

static int await_record(struct receiver *receiver,
			struct shmdev_ring_record *record)
{
	struct timespec deadline = time_from_now(&receiver->timeout);
	const struct timespec *until = receiver->limited ? &deadline : NULL;
	int ret;

	do {
		ret = shmdev_ring_peek(receiver->ring, until, record);
		if (ret == -EPIPE && receiver->follow)
			ret = await_producer(receiver, until, record);
	} while (ret == -EAGAIN);
	return ret;
}

static int receive_failure(const struct receiver *receiver, int error)
{
	if (error != -ETIMEDOUT)
		return segment_failure("receive from", receiver->name, error);
	say("no record came in time from '%s'", receiver->name);
	return STATUS_TIMEOUT;
}

static int receive(struct receiver *receiver)
{
	struct shmdev_ring_record record;
	int status = STATUS_OK;
	int ret = 0;

	while (receiver->rest && !status) {
		ret = shmdev_ring_peek(receiver->ring, SHMDEV_RING_NOW,
				       &record);
		if (ret == -EAGAIN || ret == -EPIPE) {
			/* Whoever reads the output has it before we sleep. */
			status = give_back(receiver);
			if (status)
				return status;
			ret = await_record(receiver, &record);
		}
		if (ret < 0)
			break;
		status = take(receiver, &record);
	}
	if (!status)
		status = give_back(receiver);
	if (!status && ret < 0 && ret != -EPIPE)
		status = receive_failure(receiver, ret);
	return !status && receiver->has_lost ? STATUS_LOST : status;
}

static int seek(const struct receiver *receiver,
		const struct shmdev_ring_info *info)
{
	const char *from = receiver->from;
	uint64_t number;
	int ret;

	if (!receiver->is_stream)
		return usage_error("'%s' is a queue, which has nothing but "
				   "what nobody received: --from is for "
				   "streams", receiver->name);
	if (!strcmp(from, "oldest")) {
		ret = shmdev_ring_seek_oldest(receiver->ring);
	} else if (!strcmp(from, "now")) {
		ret = shmdev_ring_seek_now(receiver->ring);
	} else {
		parse_number(from, &number);
		ret = shmdev_ring_seek(receiver->ring, number);
	}
	if (ret == -ERANGE) {
		say("record %s was not sent yet; the next one is %" PRIu64,
		    from, info->sequence);
		return STATUS_FAILED;
	}
	return ret < 0 ? segment_failure("receive from", receiver->name, ret) :
			 STATUS_OK;
}

static int receive_from(struct receiver *receiver)
{
	struct shmdev_ring_info info = { .size = sizeof(info) };
	int status = ring_open("receive from", receiver->name,
			       SHMDEV_RING_CONSUMER, &receiver->segment,
			       &receiver->ring);

	if (status)
		return status;
	shmdev_ring_info(receiver->ring, &info);
	receiver->is_stream = info.kind == SHMDEV_RING_IS_STREAM;
	if (receiver->from)
		status = seek(receiver, &info);
	if (!status)
		status = receive(receiver);
	free(receiver->copy);
	ring_close(receiver->segment, receiver->ring);
	return status;
}

static int from_argument(const char *from)
{
	uint64_t number;

	if (!strcmp(from, "oldest") || !strcmp(from, "now") ||
	    !parse_number(from, &number))
		return STATUS_OK;
	return usage_error("--from '%s' is not 'oldest', 'now' or the number "
			   "of a record", from);
}

static int run(int argc, char **argv)
{
	struct receiver receiver = {
		.framing = FRAMING_LINES,
		.rest = UINT64_MAX,
	};
	unsigned int formats = 0;
	int status = STATUS_OK;
	int option;

	while ((option = next_option(argc, argv, "c:fJprt:", options)) != -1) {
		formats += option == 'J' || option == 'p' || option == 'r';
		switch (option) {
		case 'c':
			status = number_argument("count", optarg,
						 &receiver.rest);
			break;
		case 'f':
			receiver.follow = true;
			break;
		case 'J':
			receiver.json = true;
			break;
		case 'p':
			receiver.framing = FRAMING_PREFIXED;
			break;
		case 'r':
			receiver.framing = FRAMING_NONE;
			break;
		case 't':
			receiver.limited = true;
			status = seconds_argument("timeout", optarg,
						  &receiver.timeout);
			break;
		case OPTION_FROM:
			receiver.from = optarg;
			status = from_argument(optarg);
			break;
		}
		if (status)
			return status;
	}
	if (formats > 1)
		return usage_error("--json, --prefixed and --raw exclude each "
				   "other");
	status = ring_argument(argc, argv, &receiver.name);
	return status ? status : receive_from(&receiver);
}

const struct verb verb_recv = {
	.name = "recv",
	.arguments = "[OPTION]... NAME",
	.summary = "Write the records that come in a ring, a line each",
	.help = "It ends when all producers have gone and nothing is left.\n\n"
		"  -c, --count N        end after N records\n"
		"  -f, --follow         go on, and wait for the next producer\n"
		"      --from WHERE     in a stream: from record 'oldest', 'now' "
		"or number N on;\n"
		"                       from now on if not given\n"
		"  -J, --json           write JSON: of each record its sequence "
		"number, how many\n"
		"                       were lost before it, its bytes, and its "
		"data or hex\n"
		"  -p, --prefixed       before each record its length: 4 bytes, "
		"low one first\n"
		"  -r, --raw            nothing between records\n"
		"  -t, --timeout TIME   wait for a record for so many seconds at "
		"most, such as\n"
		"                       10 or 0.5; then the exit status is 5\n",
	.run = run,
};
