// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/shmdev_ring.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum {
	OPTION_ASYMMETRIC = OPTION_OF_VERB,
	OPTION_KEEP,
	OPTION_LAZY,
	OPTION_MANY,
	OPTION_READERS,
	OPTION_RING,
	OPTION_TRUSTING,
};

static const struct option options[] = {
	{ "anonymous", no_argument, NULL, 'a' },
	{ "asymmetric", no_argument, NULL, OPTION_ASYMMETRIC },
	{ "endpoint", required_argument, NULL, 'e' },
	{ "keep", no_argument, NULL, OPTION_KEEP },
	{ "lazy", no_argument, NULL, OPTION_LAZY },
	{ "many", no_argument, NULL, OPTION_MANY },
	{ "mode", required_argument, NULL, 'm' },
	{ "readers", required_argument, NULL, OPTION_READERS },
	{ "ring", required_argument, NULL, OPTION_RING },
	{ "trusting", no_argument, NULL, OPTION_TRUSTING },
	COMMON_OPTIONS
};

/* Where a command that is run with a segment finds it. */
#define COMMAND_FD 3
#define COMMAND_FD_TEXT "3"

struct request {
	const char *name;	/* NULL: anonymous */
	uint64_t bytes;
	struct shmdev_segment_options options;
	struct shmdev_ring_options ring;	/* kind 0: none */
	char **command;		/* NULL: none */
};

/* The kernel says no more than EINVAL; here we still know of what. */
static int check_size(const struct shmdev_device *device, uint64_t bytes)
{
	struct shmdev_device_info info = { .size = sizeof(info) };
	uint64_t rest;
	int ret = shmdev_device_info(device, &info);

	if (ret < 0)
		return device_failure(ret);
	rest = bytes % info.page_bytes;
	if (bytes && !rest)
		return STATUS_OK;
	return usage_error("the size %" PRIu64 " is not a positive multiple of "
			   "the page size; the next one is %" PRIu64, bytes,
			   bytes - rest + info.page_bytes);
}

/* All but the size, which is one for the ring's data. */
static int ring_usage(const struct request *request)
{
	const struct shmdev_ring_options *ring = &request->ring;

	if (!ring->kind)
		return ring->flags || ring->readers ?
		       usage_error("--asymmetric, --many, --trusting and "
				   "--readers are for a --ring") : STATUS_OK;
	if (request->options.endpoint)
		return usage_error("an endpoint has its own use of the "
				   "memory: --ring and --endpoint exclude each "
				   "other");
	if (ring->kind == SHMDEV_RING_IS_QUEUE && ring->readers)
		return usage_error("a queue has one consumer: --readers is "
				   "for a stream");
	if (ring->kind == SHMDEV_RING_IS_STREAM &&
	    ring->flags & SHMDEV_RING_CLEARS)
		return usage_error("readers of a stream write nothing: "
				   "--trusting is for a queue");
	return STATUS_OK;
}

/* All else that the library could say EINVAL to has been looked at. */
static int check_ring_size(uint64_t bytes,
			   const struct shmdev_ring_options *ring)
{
	uint64_t power = sysconf(_SC_PAGESIZE);
	uint64_t all;

	if (!shmdev_ring_bytes(ring, &all))
		return STATUS_OK;
	while (power < bytes && power < SHMDEV_RING_DATA_MAX)
		power <<= 1;
	return usage_error("the size %" PRIu64 " is not one of a ring, which "
			   "is a power of two, such as %" PRIu64, bytes, power);
}

static int kind_argument(const char *text, uint32_t *kind)
{
	if (!strcmp(text, "queue"))
		*kind = SHMDEV_RING_IS_QUEUE;
	else if (!strcmp(text, "stream"))
		*kind = SHMDEV_RING_IS_STREAM;
	else
		return usage_error("a ring is a queue or a stream, not '%s'",
				   text);
	return STATUS_OK;
}

static int readers_argument(const char *text, uint32_t *readers)
{
	uint64_t number;
	int status = number_argument("number of readers", text, &number);

	if (status)
		return status;
	if (!number || number > SHMDEV_RING_CURSORS_MAX)
		return usage_error("a stream has from 1 to %u readers",
				   SHMDEV_RING_CURSORS_MAX);
	*readers = number;
	return STATUS_OK;
}

static int create_failure(const struct request *request, int error)
{
	const char *name = request->name ? request->name : "(anonymous)";

	if (error == -EINVAL && request->name && !request->options.endpoint) {
		say("a segment cannot be called '%s'; a name has no '/' and no "
		    "control characters, and is not '.' or '..'", name);
		return STATUS_FAILED;
	}
	if (error == -EBADF)
		return device_failure(-EACCES);
	return segment_failure("create", name, error);
}

static int run_command(struct shmdev_segment *segment, char **command)
{
	int fd = shmdev_segment_fd(segment);

	/* dup2() clears close-on-exec, but not onto itself. */
	if (fd == COMMAND_FD ? fcntl(fd, F_SETFD, 0) < 0 :
			       dup2(fd, COMMAND_FD) < 0) {
		say("cannot hand on descriptor " COMMAND_FD_TEXT ": %s",
		    strerror(errno));
		return STATUS_FAILED;
	}
	if (!setenv("SHMDEV_FD", COMMAND_FD_TEXT, 1))
		execvp(*command, command);
	say("cannot run '%s': %s", *command, strerror(errno));
	return STATUS_FAILED;
}

static int create(const struct request *request)
{
	struct shmdev_segment *segment;
	struct shmdev_device *device;
	int status = connect_device(O_RDWR, &device);
	int ret;

	if (status)
		return status;
	if (request->ring.kind)
		status = check_ring_size(request->bytes, &request->ring);
	else
		status = check_size(device, request->bytes);
	if (status) {
		shmdev_device_close(device);
		return status;
	}
	if (request->ring.kind)
		ret = shmdev_ring_create(device, request->name,
					 &request->options, &request->ring,
					 &segment);
	else
		ret = shmdev_segment_create(device, request->name,
					    request->bytes, &request->options,
					    &segment);
	shmdev_device_close(device);
	if (ret < 0)
		return create_failure(request, ret);
	if (request->command)
		status = run_command(segment, request->command);
	shmdev_segment_close(segment);
	return status;
}

static int run(int argc, char **argv)
{
	struct request request = {
		.options.size = sizeof(request.options),
		.ring.size = sizeof(request.ring),
	};
	bool anonymous = false;
	bool keep = false;
	mode_t mode;
	int option;
	int status;

	while ((option = next_option(argc, argv, "ae:m:", options)) != -1) {
		switch (option) {
		case 'a':
			anonymous = true;
			break;
		case 'e':
			request.options.endpoint = optarg;
			break;
		case 'm':
			status = mode_argument(optarg, &mode);
			if (status)
				return status;
			request.options.mode = mode;
			break;
		case OPTION_KEEP:
			keep = true;
			break;
		case OPTION_LAZY:
			request.options.flags |= SHMDEV_SEGMENT_LAZY;
			break;
		case OPTION_MANY:
			request.ring.flags |= SHMDEV_RING_MANY;
			break;
		case OPTION_READERS:
			status = readers_argument(optarg,
						  &request.ring.readers);
			if (status)
				return status;
			break;
		case OPTION_RING:
			status = kind_argument(optarg, &request.ring.kind);
			if (status)
				return status;
			break;
		case OPTION_ASYMMETRIC:
			request.ring.flags |= SHMDEV_RING_ASYMMETRIC;
			break;
		case OPTION_TRUSTING:
			request.ring.flags |= SHMDEV_RING_CLEARS;
			break;
		}
	}
	if (argc - optind < (anonymous ? 1 : 2))
		return usage_error("give a name and a size");
	if (!anonymous)
		request.name = argv[optind++];
	status = bytes_argument("size", argv[optind++], &request.bytes);
	if (!status)
		status = ring_usage(&request);
	if (status)
		return status;
	request.ring.data_bytes = request.bytes;
	if (optind < argc)
		request.command = argv + optind;
	if (request.options.endpoint &&
	    request.options.flags & SHMDEV_SEGMENT_LAZY)
		return usage_error("an endpoint needs the memory at once: "
				   "--lazy and --endpoint exclude each other");
	if (anonymous && keep)
		return usage_error("only a name can keep a segment");
	if (anonymous && !request.command)
		return usage_error("an anonymous segment lives only as long as "
				   "a command that uses it: give one");
	/* Without a user, only its name can hold it. */
	if (keep || !request.command)
		request.options.flags |= SHMDEV_SEGMENT_KEEP;
	return create(&request);
}

const struct verb verb_create = {
	.name = "create",
	.arguments = "[OPTION]... NAME|--anonymous SIZE [-- COMMAND [ARG]...]",
	.summary = "Create a segment that stays until it is removed",
	.help = "With a COMMAND, it stays only while something uses it; the "
		"command finds it at\n"
		"the descriptor that $SHMDEV_FD names. SIZE is one such as "
		"64K, 64M or 2G.\n\n"
		"  -a, --anonymous      without a name\n"
		"  -e, --endpoint NAME  have it served by this endpoint, such "
		"as hello\n"
		"      --keep           keep it when the COMMAND has ended\n"
		"      --lazy           take memory only at first touch\n"
		"  -m, --mode MODE      permissions, octal; 0600 if not given\n"
		"      --ring KIND      with a ring in it: a 'queue', or a "
		"'stream' for many\n"
		"                       readers; SIZE is then that of its data, "
		"a power of two\n"
		"      --many           the ring has many producers, in turn\n"
		"      --readers N      up to so many readers of a stream, 8 if "
		"not given\n"
		"      --trusting       the consumer of a queue may write its "
		"data, which makes\n"
		"                       the producer faster\n",
	.run = run,
};
