// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library's contract (shmdev.h), with the driver of fake.c preloaded.
 * TAP.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shmdev-ring.h"
#include "shmdev.h"

/* Nothing of the library may touch errno. */
#define SENTINEL 4711

static unsigned int cases;
static bool failed;
static bool case_failed;

static void check_at(int line, const char *text, bool holds)
{
	if (errno != SENTINEL) {
		printf("# line %d: errno became %d in %s\n", line, errno, text);
		case_failed = true;
		errno = SENTINEL;
	}
	if (!holds) {
		printf("# line %d: does not hold: %s\n", line, text);
		case_failed = true;
	}
}

#define check(condition) check_at(__LINE__, #condition, condition)

static bool is_open(int fd)
{
	bool open = fcntl(fd, F_GETFD) >= 0;

	errno = SENTINEL;
	return open;
}

static unsigned int open_descriptors(void)
{
	unsigned int count = 0;
	int fd;

	for (fd = 0; fd < 1024; fd++)
		count += is_open(fd);
	return count;
}

static struct shmdev_device *open_device(int flags)
{
	struct shmdev_device *device = NULL;

	check(shmdev_device_open(getenv("SHMDEV_FAKE_DEVICE"), flags,
				 &device) == 0);
	return device;
}

/* A failing open says why and writes no result. */
static void device_open_errors(void)
{
	struct shmdev_device *device = (void *)&cases;

	check(shmdev_device_open("/nonexistent", O_RDWR, &device) == -ENOENT);
	check(shmdev_device_open("/dev/null", O_RDWR, &device) == -ENOTTY);
	check(shmdev_device_open("/dev/null", O_RDWR | O_CREAT, &device) ==
	      -EINVAL);
	check(shmdev_device_open("/dev/null", O_ACCMODE, &device) == -EINVAL);
	check(shmdev_device_open("/dev/null", O_RDWR, NULL) == -EINVAL);
	check(device == (void *)&cases);
}

/* The device tells about itself, and its descriptor is close-on-exec. */
static void device_tells(void)
{
	struct shmdev_device_info info = { .size = sizeof(info) };
	struct shmdev_device *device = open_device(O_RDONLY);

	check(shmdev_device_info(device, &info) == 0);
	check(info.features == (SHMDEV_DEVICE_SEGMENTS |
				SHMDEV_DEVICE_ENDPOINTS |
				SHMDEV_DEVICE_HELLO |
				SHMDEV_DEVICE_WAIT |
				SHMDEV_DEVICE_PEERS |
				SHMDEV_DEVICE_ISOLATE));
	check(info.page_bytes == 4096);
	check(info.default_bytes == 2 << 20);
	check(info.abi == 1);
	check(!strcmp(info.release, "fake"));
	check(fcntl(shmdev_device_fd(device), F_GETFD) == FD_CLOEXEC);
	shmdev_device_close(device);
}

/* Objects that are NULL are refused where they are needed. */
static void null_objects(void)
{
	struct shmdev_segment_info info = { .size = sizeof(info) };
	struct shmdev_mapping_info mapping = { .size = sizeof(mapping) };
	struct shmdev_segment *segment = NULL;
	struct shmdev_segment_list *list = NULL;
	struct shmdev_mapping_list *mappings = NULL;
	struct shmdev_peer_info peer = { .size = sizeof(peer) };
	struct shmdev_peer_list *peers = NULL;
	struct shmdev_device *device = open_device(O_RDWR);
	void *address = NULL;

	check(shmdev_device_fd(NULL) == -EINVAL);
	check(shmdev_device_info(NULL, NULL) == -EINVAL);
	check(shmdev_device_info(device, NULL) == -EINVAL);
	check(shmdev_device_list(NULL, 0, &list) == -EINVAL);
	check(shmdev_device_list(device, 0, NULL) == -EINVAL);
	check(shmdev_segment_create(NULL, NULL, 4096, NULL, &segment) ==
	      -EINVAL);
	check(shmdev_segment_create(device, NULL, 4096, NULL, NULL) ==
	      -EINVAL);
	check(shmdev_segment_create(device, "", 4096, NULL, &segment) ==
	      -EINVAL);
	check(shmdev_segment_open(NULL, "a", O_RDWR, &segment) == -EINVAL);
	check(shmdev_segment_open(device, NULL, O_RDWR, &segment) == -EINVAL);
	check(shmdev_segment_open(device, "", O_RDWR, &segment) == -EINVAL);
	check(shmdev_segment_open(device, "a", O_RDWR, NULL) == -EINVAL);
	check(shmdev_segment_open_default(NULL, &segment) == -EINVAL);
	check(shmdev_segment_open_default(device, NULL) == -EINVAL);
	check(shmdev_segment_from_fd(0, NULL) == -EINVAL);
	check(shmdev_segment_fd(NULL) == -EINVAL);
	check(shmdev_segment_bytes(NULL) == 0);
	check(shmdev_segment_info(NULL, &info) == -EINVAL);
	check(shmdev_segment_map(NULL, 0, 0, PROT_READ, &address) == -EINVAL);
	check(shmdev_segment_mappings(NULL, &mappings) == -EINVAL);
	check(shmdev_segment_kick(NULL, 0) == -EINVAL);
	check(shmdev_segment_look(NULL, NULL) == -EINVAL);
	check(shmdev_segment_chmod(NULL, 0) == -EINVAL);
	check(shmdev_segment_chown(NULL, 0, 0) == -EINVAL);
	check(shmdev_segment_remove(NULL, "a") == -EINVAL);
	check(shmdev_segment_remove(device, NULL) == -EINVAL);
	check(shmdev_segment_remove(device, "") == -EINVAL);
	check(shmdev_segment_remove_id(NULL, 1) == -EINVAL);
	check(shmdev_segment_remove_id(device, 0) == -EINVAL);
	check(shmdev_segment_list_count(NULL) == 0);
	check(shmdev_segment_list_get(NULL, 0, &info) == -ERANGE);
	check(shmdev_mapping_list_count(NULL) == 0);
	check(shmdev_mapping_list_get(NULL, 0, &mapping) == -ERANGE);
	check(shmdev_segment_wait(NULL, 0, 0, NULL) == -EINVAL);
	check(shmdev_segment_wait_until(NULL, 0, 0, NULL) == -EINVAL);
	check(shmdev_segment_wait_peers(NULL, 0, 0, 0, NULL) == -EINVAL);
	check(shmdev_segment_ends(NULL, &(uint32_t){ 0 }) == -EINVAL);
	check(shmdev_segment_wake(NULL, 0, 1) == -EINVAL);
	check(shmdev_segment_join(NULL, NULL, NULL) == -EINVAL);
	check(shmdev_segment_leave(NULL) == -EINVAL);
	check(shmdev_segment_peer(NULL, 1, &peer) == -EINVAL);
	check(shmdev_segment_peers(NULL, &peers) == -EINVAL);
	check(shmdev_peer_list_count(NULL) == 0);
	check(shmdev_peer_list_get(NULL, 0, &peer) == -ERANGE);
	shmdev_peer_list_free(NULL);
	shmdev_device_close(NULL);
	shmdev_segment_close(NULL);
	shmdev_segment_list_free(NULL);
	shmdev_mapping_list_free(NULL);
	shmdev_device_close(device);
}

/* What is created can be opened, mapped, seen, changed and removed. */
static void segment_life(void)
{
	struct shmdev_segment_options options = {
		.size = sizeof(options),
		.flags = SHMDEV_SEGMENT_KEEP,
		.mode = 0640,
		.endpoint = "hello",
	};
	struct shmdev_segment_info info = { .size = sizeof(info) };
	struct shmdev_device *device = open_device(O_RDWR);
	struct shmdev_segment *segment = NULL, *again = NULL;
	void *address = NULL;
	uint64_t events = 0;
	char byte = 0;

	check(shmdev_segment_create(device, "life", 8192, &options,
				    &segment) == 0);
	check(shmdev_segment_create(device, "life", 8192, &options,
				    &again) == -EEXIST);
	check(shmdev_segment_open(device, "life", O_RDONLY, &again) == 0);
	/* Objects do not depend on one another. */
	shmdev_device_close(device);

	check(shmdev_segment_bytes(again) == 8192);
	check(fcntl(shmdev_segment_fd(segment), F_GETFD) == FD_CLOEXEC);
	check(shmdev_segment_info(again, &info) == 0);
	check(!strcmp(info.name, "life") && !strcmp(info.endpoint, "hello"));
	check(info.mode == 0640 && info.bytes == 8192);
	check(info.flags == SHMDEV_SEGMENT_KEEP);
	check(info.uid == geteuid() && info.gid == getegid());

	check(shmdev_segment_map(segment, 4096, 0, PROT_READ | PROT_WRITE,
				 &address) == 0);
	*(char *)address = 'x';
	check(pread(shmdev_segment_fd(again), &byte, 1, 4096) == 1);
	check(byte == 'x');
	check(shmdev_segment_unmap(address, 4096) == 0);

	check(shmdev_segment_kick(segment, 0) == 0);
	check(shmdev_segment_kick(segment, 1) == -EINVAL);
	check(shmdev_segment_kick(again, 0) == -EBADF);
	check(shmdev_segment_look(segment, &events) == 0 && events == 42);
	check(shmdev_segment_look(segment, NULL) == 0);

	check(shmdev_segment_chmod(segment, 0600) == 0);
	check(shmdev_segment_chmod(segment, 01600) == -EINVAL);
	check(shmdev_segment_chown(segment, -1, -1) == 0);
	check(shmdev_segment_info(again, &info) == 0 && info.mode == 0600);

	device = open_device(O_RDONLY);
	check(shmdev_segment_remove(device, "life") == 0);
	check(shmdev_segment_remove(device, "life") == -ENOENT);
	check(shmdev_segment_remove_id(device, 12345) == -ENOENT);
	shmdev_device_close(device);
	shmdev_segment_close(segment);
	shmdev_segment_close(again);
}

/* A range outside the segment is not mapped, nor is anything executable. */
static void map_ranges(void)
{
	struct shmdev_device *device = open_device(O_RDWR);
	struct shmdev_segment *segment = NULL;
	void *address = (void *)&cases;

	check(shmdev_segment_create(device, NULL, 8192, NULL, &segment) == 0);
	check(shmdev_segment_map(segment, 8192, 0, PROT_READ, &address) ==
	      -ENXIO);
	check(shmdev_segment_map(segment, 8192, 1, PROT_READ, &address) ==
	      -ENXIO);
	check(shmdev_segment_map(segment, 4096, 4097, PROT_READ, &address) ==
	      -ENXIO);
	check(shmdev_segment_map(segment, 0, SIZE_MAX, PROT_READ, &address) ==
	      -ENXIO);
	check(shmdev_segment_map(segment, UINT64_MAX, 2, PROT_READ,
				 &address) == -ENXIO);
	check(shmdev_segment_map(segment, 100, 0, PROT_READ, &address) ==
	      -EINVAL);
	check(shmdev_segment_map(segment, 0, 0, PROT_READ, NULL) == -EINVAL);
	check(address == (void *)&cases);
	check(shmdev_segment_unmap((void *)1, 4096) == -EINVAL);
	shmdev_segment_close(segment);
	shmdev_device_close(device);
}

/* Names and endpoints that do not fit are refused, the longest that do not. */
static void name_lengths(void)
{
	struct shmdev_segment_options options = { .size = sizeof(options) };
	struct shmdev_device *device = open_device(O_RDWR);
	struct shmdev_segment *segment = NULL;
	char name[SHMDEV_SEGMENT_NAME_SIZE + 1];

	memset(name, 'n', sizeof(name));
	name[SHMDEV_SEGMENT_NAME_SIZE] = '\0';
	check(shmdev_segment_create(device, name, 4096, NULL, &segment) ==
	      -ENAMETOOLONG);
	check(shmdev_segment_open(device, name, O_RDWR, &segment) ==
	      -ENAMETOOLONG);
	check(shmdev_segment_remove(device, name) == -ENAMETOOLONG);
	options.endpoint = name;
	check(shmdev_segment_create(device, NULL, 4096, &options, &segment) ==
	      -ENAMETOOLONG);
	name[SHMDEV_SEGMENT_ENDPOINT_SIZE - 1] = '\0';
	check(shmdev_segment_create(device, NULL, 4096, &options, &segment) ==
	      -ENOPROTOOPT);
	name[SHMDEV_SEGMENT_ENDPOINT_SIZE - 1] = 'n';
	name[SHMDEV_SEGMENT_NAME_SIZE - 1] = '\0';
	options.endpoint = NULL;
	options.flags = SHMDEV_SEGMENT_KEEP;
	check(shmdev_segment_create(device, name, 4096, &options,
				    &segment) == 0);
	check(shmdev_segment_remove(device, name) == 0);
	shmdev_segment_close(segment);
	shmdev_device_close(device);
}

/* Structs of older and newer callers than the library. */
static void struct_growth(void)
{
	struct {
		struct shmdev_segment_info info;
		char tail[64];
	} longer;
	struct {
		struct shmdev_segment_options options;
		char tail[8];
	} options = { };
	struct shmdev_device *device = open_device(O_RDWR);
	struct shmdev_segment *segment = NULL;
	size_t i;

	check(shmdev_segment_open_default(device, &segment) == 0);
	memset(&longer, 0x55, sizeof(longer));
	longer.info.size = sizeof(longer);
	check(shmdev_segment_info(segment, &longer.info) == 0);
	check(longer.info.size == sizeof(longer));
	check(longer.info.flags == SHMDEV_SEGMENT_DEFAULT);
	for (i = 0; i < sizeof(longer.tail); i++)
		check(longer.tail[i] == 0);
	check(longer.info.peers == 3 && longer.info.reserved == 0);
	/* One from before there were peers. */
	longer.info.size = offsetof(struct shmdev_segment_info, peers);
	longer.info.peers = 77;
	check(shmdev_segment_info(segment, &longer.info) == 0);
	check(longer.info.bytes == 2 << 20 && longer.info.peers == 77);
	longer.info.size = offsetof(struct shmdev_segment_info, peers) - 1;
	longer.info.id = 77;
	check(shmdev_segment_info(segment, &longer.info) == -EINVAL);
	check(longer.info.id == 77);
	shmdev_segment_close(segment);

	options.options.size = sizeof(options);
	check(shmdev_segment_create(device, NULL, 4096, &options.options,
				    &segment) == 0);
	shmdev_segment_close(segment);
	options.tail[7] = 1;
	check(shmdev_segment_create(device, NULL, 4096, &options.options,
				    &segment) == -E2BIG);
	options.options.size = 8;
	check(shmdev_segment_create(device, NULL, 4096, &options.options,
				    &segment) == -EINVAL);
	options.options.size = sizeof(options.options);
	options.options.flags = SHMDEV_SEGMENT_DEFAULT;
	check(shmdev_segment_create(device, NULL, 4096, &options.options,
				    &segment) == -EINVAL);
	shmdev_device_close(device);
}

/* A list longer than the library asks for at a time is whole and in order. */
static void list_pages(void)
{
	const struct shmdev_segment_options keep = {
		.size = sizeof(keep),
		.flags = SHMDEV_SEGMENT_KEEP,
	};
	struct shmdev_segment_info info = { .size = sizeof(info) };
	struct shmdev_device *device = open_device(O_RDWR);
	struct shmdev_segment_list *list = NULL;
	struct shmdev_segment *segment = NULL;
	uint64_t last = 0;
	char name[16];
	size_t i;

	for (i = 0; i < 150; i++) {
		snprintf(name, sizeof(name), "list%zu", i);
		check(shmdev_segment_create(device, name, 4096, &keep,
					    &segment) == 0);
		shmdev_segment_close(segment);
	}
	check(shmdev_device_list(device, 0, &list) == 0);
	check(shmdev_segment_list_count(list) == 151);
	for (i = 0; i < 151; i++) {
		check(shmdev_segment_list_get(list, i, &info) == 0);
		check(info.id > last);
		last = info.id;
	}
	check(shmdev_segment_list_get(list, 151, &info) == -ERANGE);
	check(shmdev_segment_list_get(list, SIZE_MAX, &info) == -ERANGE);
	check(shmdev_segment_list_get(list, 0, NULL) == -EINVAL);
	shmdev_segment_list_free(list);
	check(shmdev_device_list(device, SHMDEV_LIST_EVERYWHERE, &list) == 0);
	shmdev_segment_list_free(list);
	check(shmdev_device_list(device, 2, &list) == -EINVAL);
	for (i = 0; i < 150; i++) {
		snprintf(name, sizeof(name), "list%zu", i);
		check(shmdev_segment_remove(device, name) == 0);
	}
	shmdev_device_close(device);
}

/* Mappings that become more while they are read are all there in the end. */
static void mappings_grow(void)
{
	struct shmdev_mapping_info info = { .size = sizeof(info) };
	struct shmdev_device *device = open_device(O_RDONLY);
	struct shmdev_mapping_list *list = NULL;
	struct shmdev_segment *segment = NULL;

	check(shmdev_segment_open_default(device, &segment) == 0);
	setenv("SHMDEV_FAKE_MAPPINGS", "100", 1);
	check(shmdev_segment_mappings(segment, &list) == 0);
	/* 100, then 200 and 400, and 800 when there was room for all. */
	check(shmdev_mapping_list_count(list) == 800);
	check(shmdev_mapping_list_get(list, 59, &info) == 0);
	check(info.pid == 60 && info.offset == 59 * 4096UL);
	check(!strcmp(info.command, "fake59"));
	check(info.flags == (SHMDEV_MAPPING_READ | SHMDEV_MAPPING_SHARED));
	check(shmdev_mapping_list_get(list, 58, &info) == 0);
	check(info.flags == (SHMDEV_MAPPING_READ | SHMDEV_MAPPING_WRITE));
	check(shmdev_mapping_list_get(list, 800, &info) == -ERANGE);
	shmdev_mapping_list_free(list);
	unsetenv("SHMDEV_FAKE_MAPPINGS");
	shmdev_segment_close(segment);
	shmdev_device_close(device);
}

/* A shared anonymous segment of one page, and where it is mapped. */
static struct shmdev_segment *map_page(void **memory)
{
	struct shmdev_device *device = open_device(O_RDWR);
	struct shmdev_segment *segment = NULL;

	check(shmdev_segment_create(device, NULL, 4096, NULL, &segment) == 0);
	check(shmdev_segment_map(segment, 0, 0, PROT_READ | PROT_WRITE,
				 memory) == 0);
	shmdev_device_close(device);
	return segment;
}

static void unmap_page(struct shmdev_segment *segment, void *memory)
{
	check(shmdev_segment_unmap(memory, 4096) == 0);
	shmdev_segment_close(segment);
}

/* Until as many as @count have been woken, since they may not sleep yet. */
static void wake_some(const struct shmdev_segment *segment, uint64_t offset,
		      int count)
{
	while (count > 0) {
		int woken = shmdev_segment_wake(segment, offset, count);

		if (woken < 0)
			_exit(1);
		count -= woken;
		usleep(1000);
	}
}

static void reap(pid_t child)
{
	int status = -1;

	check(waitpid(child, &status, 0) == child && status == 0);
}

/* A wait ends when it is woken, and says why when it ends otherwise. */
static void wait_and_wake(void)
{
	const struct timespec moment = { .tv_nsec = 50000000 };
	const struct timespec last = { .tv_nsec = 999999999 };
	const struct timespec never = {
		.tv_sec = sizeof(time_t) == 8 ? INT64_MAX : INT32_MAX,
		.tv_nsec = 999999999,
	};
	/* More than 2^64 nanoseconds, by less than the 400 ms below. */
	const struct timespec wraps = {
		.tv_sec = sizeof(time_t) == 8 ? 18446744074 : INT32_MAX,
	};
	const struct timespec *forever[] = { NULL, &never, &wraps };
	struct timespec now, after;
	struct shmdev_segment *segment;
	uint32_t *words = NULL;
	pid_t child;
	size_t i;

	segment = map_page((void **)&words);
	words[3] = 7;
	check(shmdev_segment_wait(segment, 12, 8, NULL) == -EAGAIN);
	check(shmdev_segment_wait_until(segment, 12, 8, NULL) == -EAGAIN);
	check(shmdev_segment_wait(segment, 12, 8, &last) == -EAGAIN);
	clock_gettime(CLOCK_MONOTONIC, &now);
	check(shmdev_segment_wait(segment, 12, 7, &moment) == -ETIMEDOUT);
	clock_gettime(CLOCK_MONOTONIC, &after);
	check((after.tv_sec - now.tv_sec) * 1000000000LL + after.tv_nsec -
	      now.tv_nsec >= moment.tv_nsec);
	check(shmdev_segment_wait_until(segment, 12, 7, &now) == -ETIMEDOUT);
	check(shmdev_segment_wait(segment, 2, 0, NULL) == -EINVAL);
	check(shmdev_segment_wait(segment, 4096, 0, NULL) == -ENXIO);
	check(shmdev_segment_wake(segment, 12, SHMDEV_WAKE_EVERYONE) == 0);
	check(shmdev_segment_wake(segment, 2, 1) == -EINVAL);
	check(shmdev_segment_wake(segment, UINT64_MAX - 3, 1) == -ENXIO);
	for (i = 0; i < sizeof(forever) / sizeof(*forever); i++) {
		child = fork();
		if (!child) {
			usleep(forever[i] == &wraps ? 400000 : 0);
			wake_some(segment, 12, 1);
			_exit(0);
		}
		errno = SENTINEL;
		if (i % 2)
			check(shmdev_segment_wait_until(segment, 12, 7,
							forever[i]) == 0);
		else
			check(shmdev_segment_wait(segment, 12, 7,
						  forever[i]) == 0);
		reap(child);
	}
	unmap_page(segment, words);
}

/* Times that are none. */
static void times_without_meaning(void)
{
	const struct timespec bad[] = {
		{ .tv_sec = -1 },
		{ .tv_nsec = -1 },
		{ .tv_nsec = 1000000000 },
	};
	struct shmdev_segment *segment;
	void *memory = NULL;
	size_t i;

	segment = map_page(&memory);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		check(shmdev_segment_wait(segment, 0, 0, &bad[i]) == -EINVAL);
		check(shmdev_segment_wait_until(segment, 0, 0, &bad[i]) ==
		      -EINVAL);
	}
	unmap_page(segment, memory);
}

static void do_nothing(int signal)
{
	(void)signal;
}

/* A signal handler ends a wait. */
static void wait_and_signal(void)
{
	const struct sigaction action = { .sa_handler = do_nothing };
	const struct itimerval soon = {
		.it_value.tv_usec = 1000,
		.it_interval.tv_usec = 10000,
	};
	const struct itimerval off = { };
	struct shmdev_segment *segment;
	struct sigaction before;
	void *memory = NULL;

	segment = map_page(&memory);
	sigaction(SIGALRM, &action, &before);
	setitimer(ITIMER_REAL, &soon, NULL);
	check(shmdev_segment_wait(segment, 0, 0, NULL) == -EINTR);
	setitimer(ITIMER_REAL, &off, NULL);
	sigaction(SIGALRM, &before, NULL);
	unmap_page(segment, memory);
}

struct asked {
	uint32_t wanted;
	unsigned int times;
	uint32_t last;
};

static bool is_wanted(uint32_t value, void *data)
{
	struct asked *asked = data;

	asked->times++;
	asked->last = value;
	return value == asked->wanted;
}

/* Only what the caller wants ends an await, however often it is woken. */
static void await_value(void)
{
	struct asked asked = { .wanted = 2 };
	struct shmdev_segment *segment;
	uint32_t *words = NULL;
	pid_t child;

	segment = map_page((void **)&words);
	words[5] = 2;
	check(shmdev_segment_await(segment, 20, &words[5], is_wanted, &asked,
				   NULL) == 0);
	check(asked.times == 1 && asked.last == 2);

	words[5] = 0;
	asked.times = 0;
	child = fork();
	if (!child) {
		wake_some(segment, 20, 1);
		__atomic_store_n(&words[5], 1, __ATOMIC_RELEASE);
		/* The second time it sleeps on the new value, for sure. */
		wake_some(segment, 20, 2);
		__atomic_store_n(&words[5], 2, __ATOMIC_RELEASE);
		shmdev_segment_wake(segment, 20, 1);
		_exit(0);
	}
	errno = SENTINEL;
	check(shmdev_segment_await(segment, 20, &words[5], is_wanted, &asked,
				   NULL) == 0);
	check(asked.times >= 3 && asked.last == 2);
	reap(child);
	unmap_page(segment, words);
}

/* An await that fails has looked a last time; one that never sleeps ends too. */
static void await_deadline(void)
{
	struct asked asked = { .wanted = 1 };
	struct shmdev_segment *segment;
	struct timespec now, soon;
	uint32_t *words = NULL;

	clock_gettime(CLOCK_MONOTONIC, &now);
	soon = now;
	segment = map_page((void **)&words);
	check(shmdev_segment_await(segment, 0, words, is_wanted, &asked,
				   &now) == -ETIMEDOUT);
	check(asked.times == 2);
	setenv("SHMDEV_FAKE_ERROR", "9:11", 1);
	soon.tv_sec += soon.tv_nsec >= 900000000;
	soon.tv_nsec = (soon.tv_nsec + 100000000) % 1000000000;
	asked.times = 0;
	check(shmdev_segment_await(segment, 0, words, is_wanted, &asked,
				   &soon) == -ETIMEDOUT);
	check(asked.times > 2);
	setenv("SHMDEV_FAKE_ERROR", "9:4", 1);
	check(shmdev_segment_await(segment, 0, words, is_wanted, &asked,
				   NULL) == -EINTR);
	unsetenv("SHMDEV_FAKE_ERROR");
	unmap_page(segment, words);
}

/* A word that cannot be the one at the offset is refused, and so is no wish. */
static void await_mistakes(void)
{
	struct asked asked = { .wanted = 0 };
	struct shmdev_segment *segment;
	uint32_t *words = NULL;

	segment = map_page((void **)&words);
	check(shmdev_segment_await(NULL, 0, words, is_wanted, &asked, NULL) ==
	      -EINVAL);
	check(shmdev_segment_await(segment, 0, NULL, is_wanted, &asked,
				   NULL) == -EINVAL);
	check(shmdev_segment_await(segment, 0, words, NULL, NULL, NULL) ==
	      -EINVAL);
	check(shmdev_segment_await(segment, 64, words, is_wanted, &asked,
				   NULL) == -EINVAL);
	check(shmdev_segment_await(segment, 0, &words[1], is_wanted, &asked,
				   NULL) == -EINVAL);
	check(shmdev_segment_await(segment, 2, (char *)words + 2, is_wanted,
				   &asked, NULL) == -EINVAL);
	check(asked.times == 0);
	unmap_page(segment, words);
}

/* Who joins is a peer, with its role, until it leaves. */
static void join_and_leave(void)
{
	struct shmdev_peer_info info = { .size = sizeof(info) };
	struct shmdev_segment *segment;
	void *memory = NULL;
	uint64_t id = 0, second = 0;

	segment = map_page(&memory);
	check(shmdev_segment_leave(segment) == -ESRCH);
	check(shmdev_segment_join(segment, "0123456789abcdef", &id) ==
	      -ENAMETOOLONG);
	check(id == 0);
	check(shmdev_segment_join(segment, "0123456789abcde", &id) == 0);
	check(id == 10001);
	check(shmdev_segment_join(segment, NULL, &second) == -EALREADY);
	check(second == 0);
	check(shmdev_segment_peer(segment, id, &info) == 0);
	check(info.id == id && info.pid == getpid() && info.joined == 1);
	check(info.state == SHMDEV_PEER_STATE_ALIVE && !info.ended);
	check(!strcmp(info.role, "0123456789abcde"));
	check(!strcmp(info.command, "fake"));
	check(shmdev_segment_leave(segment) == 0);
	check(shmdev_segment_join(segment, NULL, NULL) == 0);
	check(shmdev_segment_leave(segment) == 0);
	check(shmdev_segment_peer(segment, id, &info) == -ESRCH);
	check(shmdev_segment_peer(segment, 0, &info) == -EINVAL);
	check(shmdev_segment_peer(segment, 1, NULL) == -EINVAL);
	info.size--;
	check(shmdev_segment_peer(segment, 1, &info) == -EINVAL);
	unmap_page(segment, memory);
}

/* Peers that become more while they are read are all there, and how they are. */
static void ends_are_not_missed(void)
{
	struct timespec now;
	struct shmdev_segment *segment;
	uint32_t *words = NULL, ends = SENTINEL;

	segment = map_page((void **)&words);
	clock_gettime(CLOCK_MONOTONIC, &now);
	check(shmdev_segment_ends(segment, NULL) == -EINVAL);
	check(shmdev_segment_ends(segment, &ends) == 0);
	check(shmdev_segment_wait_peers(segment, 0, 1, ends, &now) == -EAGAIN);
	check(shmdev_segment_wait_peers(segment, 0, 0, ends, &now) ==
	      -ETIMEDOUT);
	check(shmdev_segment_join(segment, NULL, NULL) == 0);
	check(shmdev_segment_wait_peers(segment, 0, 0, ends, &now) ==
	      -ETIMEDOUT);
	check(shmdev_segment_leave(segment) == 0);
	check(shmdev_segment_wait_peers(segment, 0, 0, ends, NULL) == -EAGAIN);
	check(shmdev_segment_ends(segment, &ends) == 0);
	check(shmdev_segment_wait_peers(segment, 0, 0, ends, &now) ==
	      -ETIMEDOUT);
	unmap_page(segment, words);
}

static void peers_grow(void)
{
	struct shmdev_peer_info info = { .size = sizeof(info) };
	struct shmdev_device *device = open_device(O_RDONLY);
	struct shmdev_peer_list *list = NULL;
	struct shmdev_segment *segment = NULL;

	check(shmdev_segment_open_default(device, &segment) == 0);
	setenv("SHMDEV_FAKE_PEERS", "70", 1);
	check(shmdev_segment_peers(segment, &list) == 0);
	/* 70, then 140 and 280, and 560 when there was room for all. */
	check(shmdev_peer_list_count(list) == 560);
	check(shmdev_peer_list_get(list, 5, &info) == 0);
	check(info.id == 6 && info.pid == 6 && info.ended == 2000000000);
	check(info.state == SHMDEV_PEER_STATE_KILLED && info.status == 9);
	check(!strcmp(info.role, "role5") && !strcmp(info.command, "fake5"));
	check(shmdev_peer_list_get(list, 559, &info) == 0 && info.id == 560);
	check(shmdev_peer_list_get(list, 560, &info) == -ERANGE);
	check(shmdev_peer_list_get(list, 0, NULL) == -EINVAL);
	shmdev_peer_list_free(list);
	unsetenv("SHMDEV_FAKE_PEERS");
	shmdev_segment_close(segment);
	shmdev_device_close(device);
}

/* Pages that only those write who have claimed them. */
static void isolate_and_claim(void)
{
	struct shmdev_device *device = open_device(O_RDWR);
	struct shmdev_segment_info info = { .size = sizeof(info) };
	struct shmdev_segment *segment = NULL, *none = (void *)&cases;
	struct shmdev_segment *one = NULL, *other = NULL;
	uint64_t at = 8192, another = 8192;

	check(shmdev_segment_create(device, NULL, 16384, NULL, &segment) == 0);
	check(shmdev_segment_info(segment, &info) == 0);
	check(!(info.flags & SHMDEV_SEGMENT_ISOLATED));
	check(shmdev_segment_claim(segment, &at, &none) == -ENXIO);
	check(shmdev_segment_isolate(NULL, 0, 4096, 0) == -EINVAL);
	check(shmdev_segment_isolate(segment, 0, 4096, 2) == -EINVAL);
	check(shmdev_segment_isolate(segment, 8192, 8192,
				     SHMDEV_ISOLATE_CLAIMABLE) == 0);
	check(shmdev_segment_isolate(segment, 8192, 4096, 0) == -EEXIST);
	check(shmdev_segment_info(segment, &info) == 0);
	check(info.flags & SHMDEV_SEGMENT_ISOLATED);

	check(shmdev_segment_claim(NULL, &at, &none) == -EINVAL);
	check(shmdev_segment_claim(segment, NULL, &none) == -EINVAL);
	check(shmdev_segment_claim(segment, &at, NULL) == -EINVAL);
	check(shmdev_segment_claim(segment, &at, &one) == 0 && at == 8192);
	check(shmdev_segment_fd(one) != shmdev_segment_fd(segment));
	check(shmdev_segment_bytes(one) == 16384);
	check(shmdev_segment_claim(segment, &another, &other) == 0);
	check(another == 12288);
	check(shmdev_segment_claim(segment, &at, &none) == -EBUSY);
	check(none == (void *)&cases && at == 8192);
	/* INFO fails after CLAIM went well: its descriptor must not stay. */
	shmdev_segment_close(other);
	setenv("SHMDEV_FAKE_ERROR", "5:12", 1);
	check(shmdev_segment_claim(segment, &at, &none) == -ENOMEM);
	unsetenv("SHMDEV_FAKE_ERROR");
	check(at == 8192);
	shmdev_segment_close(one);
	shmdev_segment_close(segment);
	shmdev_device_close(device);
}

/* A descriptor is taken over when it is a segment's, and only then. */
static void descriptor_taken_over(void)
{
	struct shmdev_device *device = open_device(O_RDWR);
	struct shmdev_segment *segment = NULL, *second = NULL;
	int fd;

	check(shmdev_segment_create(device, NULL, 4096, NULL, &segment) == 0);
	fd = dup(shmdev_segment_fd(segment));
	check(shmdev_segment_from_fd(fd, &second) == 0);
	check(shmdev_segment_fd(second) == fd);
	shmdev_segment_close(second);
	check(!is_open(fd));

	check(shmdev_segment_from_fd(-1, &second) == -EBADF);
	fd = open("/dev/null", O_RDONLY);
	check(shmdev_segment_from_fd(fd, &second) == -ENOTTY);
	check(is_open(fd));
	close(fd);
	shmdev_segment_close(segment);
	shmdev_device_close(device);
}

/* What is mapped already may stay, and @more than that may not be. */
static struct rlimit limit_mappings(rlim_t more)
{
	FILE *file = fopen("/proc/self/statm", "r");
	struct rlimit before, limit;
	char pages[20] = "";

	check(file && fgets(pages, sizeof(pages), file));
	fclose(file);
	getrlimit(RLIMIT_AS, &before);
	limit = before;
	limit.rlim_cur = strtoul(pages, NULL, 10) *
			 (rlim_t)sysconf(_SC_PAGESIZE) + more;
	check(!setrlimit(RLIMIT_AS, &limit));
	errno = SENTINEL;
	return before;
}

/* A ring that could be created but not mapped leaves no name and no result. */
static void ring_create_is_undone(void)
{
	const struct shmdev_segment_options keep = {
		.size = sizeof(keep),
		.flags = SHMDEV_SEGMENT_KEEP,
	};
	const struct shmdev_ring_options options = {
		.size = sizeof(options),
		.kind = SHMDEV_RING_IS_QUEUE,
		.data_bytes = 1ULL << 36,
	};
	struct shmdev_segment *const untouched = (void *)&cases;
	struct shmdev_segment *segment = untouched, *left = NULL;
	struct shmdev_device *device = open_device(O_RDWR);
	struct rlimit before = limit_mappings(1 << 30);

	check(shmdev_ring_create(device, "undone", &keep, &options,
				 &segment) == -ENOMEM);
	check(segment == untouched);
	check(shmdev_segment_open(device, "undone", O_RDONLY, &left) ==
	      -ENOENT);
	check(shmdev_ring_create(device, NULL, NULL, &options, &segment) ==
	      -ENOMEM);
	check(segment == untouched);

	setrlimit(RLIMIT_AS, &before);
	segment = NULL;
	check(shmdev_ring_create(device, "undone", &keep, &options,
				 &segment) == 0);
	check(shmdev_segment_remove(device, "undone") == 0);
	shmdev_segment_close(segment);
	shmdev_segment_close(left);
	shmdev_device_close(device);
}

/* What the driver answers to a command is what the caller gets. */
static void driver_errors(void)
{
	struct shmdev_device *device = open_device(O_RDWR);
	struct shmdev_segment_list *list = (void *)&cases;
	struct shmdev_mapping_list *mappings = (void *)&cases;
	struct shmdev_peer_list *peers = (void *)&cases;
	struct shmdev_peer_info peer = { .size = sizeof(peer) };
	uint64_t id = 77;
	struct shmdev_segment *segment = NULL, *none = (void *)&cases;

	check(shmdev_segment_open_default(device, &segment) == 0);
	setenv("SHMDEV_FAKE_ERROR", "1:122", 1);
	check(shmdev_segment_create(device, NULL, 4096, NULL, &none) ==
	      -EDQUOT);
	/* INFO fails after CREATE went well: its descriptor must not stay. */
	setenv("SHMDEV_FAKE_ERROR", "5:12", 1);
	check(shmdev_segment_create(device, NULL, 4096, NULL, &none) ==
	      -ENOMEM);
	check(shmdev_segment_open_default(device, &none) == -ENOMEM);
	setenv("SHMDEV_FAKE_ERROR", "4:1", 1);
	check(shmdev_device_list(device, 0, &list) == -EPERM);
	setenv("SHMDEV_FAKE_ERROR", "6:14", 1);
	check(shmdev_segment_mappings(segment, &mappings) == -EFAULT);
	setenv("SHMDEV_FAKE_ERROR", "7:108", 1);
	check(shmdev_segment_kick(segment, 0) == -ESHUTDOWN);
	setenv("SHMDEV_FAKE_ERROR", "8:22", 1);
	check(shmdev_segment_look(segment, NULL) == -EINVAL);
	setenv("SHMDEV_FAKE_ERROR", "9:12", 1);
	check(shmdev_segment_wait(segment, 0, 0, NULL) == -ENOMEM);
	setenv("SHMDEV_FAKE_ERROR", "10:9", 1);
	check(shmdev_segment_wake(segment, 0, 1) == -EBADF);
	setenv("SHMDEV_FAKE_ERROR", "11:9", 1);
	check(shmdev_segment_join(segment, NULL, &id) == -EBADF);
	setenv("SHMDEV_FAKE_ERROR", "12:22", 1);
	check(shmdev_segment_leave(segment) == -EINVAL);
	setenv("SHMDEV_FAKE_ERROR", "13:12", 1);
	check(shmdev_segment_peers(segment, &peers) == -ENOMEM);
	check(shmdev_segment_peer(segment, 1, &peer) == -ENOMEM);
	setenv("SHMDEV_FAKE_ERROR", "14:16", 1);
	check(shmdev_segment_isolate(segment, 0, 4096, 0) == -EBUSY);
	setenv("SHMDEV_FAKE_ERROR", "15:24", 1);
	check(shmdev_segment_claim(segment, &id, &none) == -EMFILE);
	unsetenv("SHMDEV_FAKE_ERROR");
	setenv("SHMDEV_FAKE_LIE", "peers", 1);
	check(shmdev_segment_peers(segment, &peers) == -EPROTO);
	check(shmdev_segment_peer(segment, 1, &peer) == -EPROTO);
	unsetenv("SHMDEV_FAKE_LIE");
	check(none == (void *)&cases && list == (void *)&cases);
	check(mappings == (void *)&cases && peers == (void *)&cases);
	check(id == 77 && peer.id == 0);
	shmdev_segment_close(segment);
	shmdev_device_close(device);
}

/* Every error has words, with and without its minus. */
static void error_texts(void)
{
	check(!strcmp(shmdev_strerror(-EDQUOT), shmdev_strerror(EDQUOT)));
	check(strstr(shmdev_strerror(-EDQUOT), "max_user_bytes"));
	check(strstr(shmdev_strerror(-ENOSPC), "max_bytes"));
	check(strstr(shmdev_strerror(-ENFILE), "max_segments"));
	check(*shmdev_strerror(0));
	check(!strcmp(shmdev_strerror(-EDOM), strerror(EDOM)));
	check(*shmdev_strerror(INT_MIN));
	errno = SENTINEL;
}

static void version_is_a_version(void)
{
	check(!strcmp(shmdev_library_version(), SHMDEV_VERSION));
}

static void run(const char *name, void (*test)(void))
{
	unsigned int before = open_descriptors();

	case_failed = false;
	test();
	if (open_descriptors() != before) {
		printf("# descriptors leaked\n");
		case_failed = true;
	}
	cases++;
	if (case_failed)
		printf("not ok %u - %s\n", cases, name);
	else
		printf("ok %u - %s\n", cases, name);
	failed |= case_failed;
}

static const struct {
	const char *name;
	void (*test)(void);
} tests[] = {
	{ "opening a device that is not there or not one", device_open_errors },
	{ "the device tells about itself", device_tells },
	{ "objects that are NULL", null_objects },
	{ "the life of a segment", segment_life },
	{ "ranges to map", map_ranges },
	{ "lengths of names", name_lengths },
	{ "structs of other releases", struct_growth },
	{ "a list of many pages", list_pages },
	{ "mappings that grow while they are read", mappings_grow },
	{ "wait and wake", wait_and_wake },
	{ "times without a meaning", times_without_meaning },
	{ "wait and a signal", wait_and_signal },
	{ "await a value", await_value },
	{ "await with a deadline", await_deadline },
	{ "await another word", await_mistakes },
	{ "join and leave", join_and_leave },
	{ "the end of a peer before a wait", ends_are_not_missed },
	{ "peers that grow while they are read", peers_grow },
	{ "isolated pages and claims", isolate_and_claim },
	{ "a descriptor taken over", descriptor_taken_over },
	{ "a ring that cannot be mapped", ring_create_is_undone },
	{ "the driver's errors", driver_errors },
	{ "errors in words", error_texts },
	{ "the version", version_is_a_version },
};

int main(void)
{
	size_t i;

	printf("1..%zu\n", sizeof(tests) / sizeof(*tests));
	for (i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		run(tests[i].name, tests[i].test);
	return failed;
}
