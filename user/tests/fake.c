// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver made of files, to preload under programs that use the library, so
 * that their ways to success and to every error can be gone without a module.
 *
 * $SHMDEV_FAKE is a folder: its file "device" is the device, every other file a
 * kept segment. A sticky bit on a file says that endpoint "hello" serves it.
 *
 * $SHMDEV_FAKE_ERROR, "N:ERRNO": command number N fails.
 * $SHMDEV_FAKE_LIE: what endpoint "hello" gets wrong: text, length, crc, count;
 * or peers, of which none are written.
 * $SHMDEV_FAKE_MAPPINGS: how many mappings there are at the first look; at each
 * further look they are twice as many, up to the fourth.
 * $SHMDEV_FAKE_HOLDER: the first of them is of the process with this id, shared.
 * $SHMDEV_FAKE_COMMAND: what processes with mappings call themselves, but for a
 * number.
 * $SHMDEV_FAKE_PEERS: likewise how many peers there are. Before them come those
 * that have joined and are alive, whom the file ".peers" has. Of those that have
 * ended nothing is known but that.
 *
 * A segment has one isolated part at most, which the file ".isolated-INODE" has;
 * who has claimed a page of it has locked the first byte there. Nobody is kept
 * from writing.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <linux/futex.h>
#include <linux/shmdev.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

static const char *folder(void)
{
	return getenv("SHMDEV_FAKE");
}

static int open_in_folder(const char *name, int flags, mode_t mode)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder(), name);
	return open(path, flags | O_CLOEXEC, mode);
}

static int unlink_in_folder(const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder(), name);
	return unlink(path) ? -errno : 0;
}

struct part {
	uint64_t offset;
	uint64_t bytes;
};

/* Open, or -1 if nothing is isolated. */
static int open_part(ino_t segment, int flags)
{
	char name[64];

	snprintf(name, sizeof(name), ".isolated-%llu",
		 (unsigned long long)segment);
	return open_in_folder(name, flags, 0600);
}

static bool is_default(const struct stat *file)
{
	struct stat device;
	char path[4096];

	snprintf(path, sizeof(path), "%s/device", folder());
	return !stat(path, &device) && device.st_ino == file->st_ino;
}

static void fill_info(struct shmdev_info *info, const struct stat *file,
		      const char *name)
{
	bool first = is_default(file);
	int part = open_part(file->st_ino, O_RDONLY);

	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	info->flags = first ? SHMDEV_INFO_F_DEFAULT : SHMDEV_INFO_F_KEEP;
	if (part >= 0) {
		info->flags |= SHMDEV_INFO_F_ISOLATED;
		close(part);
	}
	info->id = first ? 1 : file->st_ino;
	info->bytes = file->st_size;
	info->resident = file->st_blocks * 512;
	info->inode = file->st_ino;
	info->created = file->st_ctim.tv_sec * 1000000000ULL;
	info->uid = file->st_uid;
	info->gid = file->st_gid;
	info->mode = file->st_mode & 0777;
	info->files = 1;
	info->peers = 3;
	if (!first)
		snprintf(info->name, sizeof(info->name), "%s", name);
	if (file->st_mode & S_ISVTX || first)
		snprintf(info->endpoint, sizeof(info->endpoint),
			 SHMDEV_HELLO_ENDPOINT);
}

static int do_version(struct shmdev_version *version)
{
	if (version->size != sizeof(*version) || version->flags)
		return -EINVAL;
	version->features = SHMDEV_FEATURE_ALL;
	version->default_bytes = 2 << 20;
	version->page_bytes = 4096;
	version->abi = SHMDEV_ABI;
	snprintf(version->release, sizeof(version->release), "fake");
	return 0;
}

static int do_create(struct shmdev_create *create)
{
	mode_t mode = create->mode | (*create->endpoint ? S_ISVTX : 0);
	struct stat file;
	char part[64];
	int fd;

	if (create->size != sizeof(*create) || create->reserved ||
	    create->flags & ~SHMDEV_CREATE_F_ALL || create->mode & ~0777 ||
	    !create->bytes || create->bytes % 4096 ||
	    strchr(create->name, '/'))
		return -EINVAL;
	if (*create->endpoint && strcmp(create->endpoint, "hello"))
		return -ENOPROTOOPT;
	if (*create->name)
		fd = open_in_folder(create->name, O_RDWR | O_CREAT | O_EXCL,
				    0600);
	else
		fd = memfd_create("anonymous", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, create->bytes) || fchmod(fd, mode) ||
	    fstat(fd, &file))
		return -errno;
	/* Of another that had this number. */
	snprintf(part, sizeof(part), ".isolated-%llu",
		 (unsigned long long)file.st_ino);
	unlink_in_folder(part);
	if (*create->name && !(create->flags & SHMDEV_CREATE_F_KEEP))
		unlink_in_folder(create->name);
	return fd;
}

static int do_open(struct shmdev_open *command)
{
	int fd;

	if (command->size != sizeof(*command) ||
	    command->flags & ~(unsigned int)O_ACCMODE || !*command->name)
		return -EINVAL;
	fd = open_in_folder(command->name, command->flags, 0);
	return fd < 0 ? -errno : fd;
}

static int do_remove(struct shmdev_remove *command)
{
	if (command->size != sizeof(*command) || command->flags ||
	    !command->id == !*command->name)
		return -EINVAL;
	if (command->id)
		return -ENOENT;
	return unlink_in_folder(command->name);
}

/* Sets @name and @file to the segment with the lowest id above @after. */
static bool next_segment(uint64_t after, char *name, struct stat *file)
{
	struct dirent *entry;
	uint64_t best = UINT64_MAX;
	struct stat status;
	DIR *dir = opendir(folder());

	if (!dir)
		return false;
	while ((entry = readdir(dir))) {
		uint64_t id;

		if (*entry->d_name == '.' ||
		    fstatat(dirfd(dir), entry->d_name, &status, 0))
			continue;
		id = is_default(&status) ? 1 : status.st_ino;
		if (id <= after || id >= best)
			continue;
		best = id;
		snprintf(name, NAME_MAX + 1, "%s", entry->d_name);
		*file = status;
	}
	closedir(dir);
	return best != UINT64_MAX;
}

static int do_list(struct shmdev_list *list)
{
	struct shmdev_info *entries = (void *)(uintptr_t)list->entries;
	char name[NAME_MAX + 1];
	struct stat file;
	uint32_t i;

	if (list->size != sizeof(*list) || !list->count ||
	    list->flags & ~SHMDEV_LIST_F_ALL ||
	    list->entry_size != sizeof(*entries))
		return -EINVAL;
	for (i = 0; i < list->count; i++) {
		if (!next_segment(list->after, name, &file))
			break;
		fill_info(&entries[i], &file, name);
		list->after = entries[i].id;
	}
	list->count = i;
	return 0;
}

static int do_info(int fd, struct shmdev_info *info)
{
	char link[64], path[4096] = "";
	struct stat file;

	if (info->size != sizeof(*info) || info->flags)
		return -EINVAL;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (fstat(fd, &file) || readlink(link, path, sizeof(path) - 1) < 0)
		return -errno;
	fill_info(info, &file, file.st_nlink ? strrchr(path, '/') + 1 : "");
	return 0;
}

/* What grows while it is read: as many as @variable says, twice, and so on. */
static uint32_t growing(const char *variable, unsigned int *looks)
{
	const char *first = getenv(variable);
	uint32_t count = (first ? strtoul(first, NULL, 10) : 2) << *looks;

	if (*looks < 3)
		++*looks;
	return count;
}

static int do_mappings(struct shmdev_mappings *mappings)
{
	struct shmdev_mapping *entries = (void *)(uintptr_t)mappings->entries;
	const char *command = getenv("SHMDEV_FAKE_COMMAND") ?: "fake";
	const char *holder = getenv("SHMDEV_FAKE_HOLDER");
	static unsigned int looks;
	uint32_t i;

	if (mappings->size != sizeof(*mappings) || mappings->flags ||
	    mappings->reserved || mappings->entry_size != sizeof(*entries))
		return -EINVAL;
	mappings->total = growing("SHMDEV_FAKE_MAPPINGS", &looks);
	for (i = 0; i < mappings->count && i < mappings->total; i++) {
		memset(&entries[i], 0, sizeof(entries[i]));
		entries[i].offset = i * 4096ULL;
		entries[i].bytes = 4096;
		entries[i].pid = i + 1;
		entries[i].flags = SHMDEV_MAPPING_F_READ |
				   (i % 2 ? SHMDEV_MAPPING_F_SHARED :
					    SHMDEV_MAPPING_F_WRITE);
		snprintf(entries[i].comm, sizeof(entries[i].comm), "%s%u",
			 command, i);
	}
	if (holder && mappings->count) {
		entries[0].pid = strtoul(holder, NULL, 10);
		entries[0].flags |= SHMDEV_MAPPING_F_SHARED;
	}
	mappings->count = i;
	return 0;
}

static void answer(struct shmdev_hello *hello)
{
	const char *lie = getenv("SHMDEV_FAKE_LIE") ?: "";
	size_t length = strnlen(hello->request, sizeof(hello->request));

	snprintf(hello->greeting, sizeof(hello->greeting),
		 SHMDEV_HELLO_GREETING);
	memset(hello->answer.text, 0, sizeof(hello->answer.text));
	memcpy(hello->answer.text, hello->request, length);
	hello->answer.length = length;
	hello->answer.crc32 = crc32(0, (void *)hello->request, length);
	hello->answer.count++;
	if (!strcmp(lie, "text"))
		hello->answer.text[0] ^= 1;
	else if (!strcmp(lie, "length"))
		hello->answer.length++;
	else if (!strcmp(lie, "crc"))
		hello->answer.crc32 ^= 1;
	else if (!strcmp(lie, "count"))
		hello->answer.count--;
}

static int do_kick(int fd, struct shmdev_kick *kick)
{
	struct shmdev_info info = { .size = sizeof(info) };
	struct shmdev_hello *hello;

	if (kick && (kick->size != sizeof(*kick) || kick->flags || kick->argument))
		return -EINVAL;
	if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	do_info(fd, &info);
	if (!*info.endpoint)
		return -ENOTCONN;
	if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY)
		return 0;
	hello = mmap(NULL, sizeof(*hello), PROT_READ | PROT_WRITE, MAP_SHARED,
		     fd, 0);
	if (hello == MAP_FAILED)
		return -errno;
	answer(hello);
	munmap(hello, sizeof(*hello));
	return 0;
}

static int do_look(struct shmdev_look *look)
{
	if (look->size != sizeof(*look) || look->flags)
		return -EINVAL;
	look->events = 42;
	return 0;
}

/* The word as everybody sees it, in the first @bytes of a mapping. */
static int map_word(int fd, uint64_t offset, uint32_t **word, size_t *bytes)
{
	struct stat file;
	char link[64];
	void *address;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (offset % sizeof(**word))
		return -EINVAL;
	if (fstat(fd, &file) || offset >= (uint64_t)file.st_size)
		return -ENXIO;
	/* WAKE is for those who may only write, and they cannot map. */
	fd = open(link, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*bytes = file.st_size;
	address = mmap(NULL, *bytes, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (address == MAP_FAILED)
		return -ENOMEM;
	*word = (uint32_t *)((char *)address + offset);
	return 0;
}

static int futex(uint32_t *word, int operation, uint32_t value,
		 const struct timespec *deadline)
{
	long ret = syscall(SYS_futex, word, operation, value, deadline, NULL,
			   FUTEX_BITSET_MATCH_ANY);

	return ret < 0 ? -errno : (int)ret;
}

/* Those who have joined, of all segments and processes. */
struct book {
	uint64_t last_id;
	uint32_t ended;
	struct joined {
		ino_t segment;
		int fd;
		struct shmdev_peer peer;	/* id 0: a free place */
	} joined[64];
};

/* Who has the lock is the only one who has it open. */
static int open_book(struct book *book)
{
	int fd = open_in_folder(".peers", O_RDWR | O_CREAT, 0600);

	*book = (struct book){ .last_id = 10000 };
	flock(fd, LOCK_EX);
	if (pread(fd, book, sizeof(*book), 0) < 0)
		abort();
	/* Whoever was killed could not say so. */
	for (size_t i = 0; i < ARRAY_SIZE(book->joined); i++) {
		struct shmdev_peer *peer = &book->joined[i].peer;

		if (peer->id && kill(peer->pid, 0) && errno == ESRCH) {
			peer->id = 0;
			book->ended++;
		}
	}
	return fd;
}

static void close_book(int fd, const struct book *book)
{
	if (pwrite(fd, book, sizeof(*book), 0) < 0)
		abort();
	close(fd);
}

/* The one that is this process through this descriptor, or a free place. */
static struct joined *find_self(struct book *book, int fd)
{
	struct joined *free_place = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(book->joined); i++) {
		struct joined *joined = &book->joined[i];

		if (joined->peer.id && joined->peer.pid == (uint32_t)getpid() &&
		    joined->fd == fd)
			return joined;
		if (!joined->peer.id)
			free_place = joined;
	}
	return free_place;
}

static uint32_t count_ended(void)
{
	struct book book;

	close_book(open_book(&book), &book);
	return book.ended;
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec ||
	       (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

static int do_wait(int fd, struct shmdev_wait *wait)
{
	bool forever = wait->timeout == SHMDEV_WAIT_FOREVER;
	uint64_t time = wait->timeout;
	struct timespec deadline, soon;
	uint32_t *word = NULL;
	size_t bytes = 0;
	int ret;

	if (wait->size != sizeof(*wait) || wait->flags & ~SHMDEV_WAIT_F_ALL)
		return -EINVAL;
	if (wait->ended && !(wait->flags & SHMDEV_WAIT_F_PEERS))
		return -EINVAL;
	if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY)
		return -EBADF;
	ret = map_word(fd, wait->offset, &word, &bytes);
	if (ret < 0)
		return ret;
	if (wait->flags & SHMDEV_WAIT_F_PEERS && wait->ended != count_ended())
		return -EAGAIN;
	clock_gettime(CLOCK_MONOTONIC, &deadline);
	soon = deadline;
	soon.tv_nsec += 10000000;
	if (soon.tv_nsec >= 1000000000) {
		soon.tv_nsec -= 1000000000;
		soon.tv_sec++;
	}
	if (wait->flags & SHMDEV_WAIT_F_ABSOLUTE)
		deadline = (struct timespec){ };
	time += deadline.tv_nsec;
	deadline.tv_sec += time / 1000000000;
	deadline.tv_nsec = time % 1000000000;
	if (!(wait->flags & SHMDEV_WAIT_F_PEERS) ||
	    (!forever && is_before(&deadline, &soon))) {
		ret = futex(word, FUTEX_WAIT_BITSET, wait->expected,
			    forever ? NULL : &deadline);
	} else {
		/* Peers that end wake nobody here: let the caller look again. */
		ret = futex(word, FUTEX_WAIT_BITSET, wait->expected, &soon);
		ret = ret == -ETIMEDOUT ? 0 : ret;
	}
	munmap((char *)word - wait->offset, bytes);
	return ret;
}

static int do_wake(int fd, struct shmdev_wake *wake)
{
	uint32_t *word = NULL;
	size_t bytes = 0;
	int ret;

	if (wake->size != sizeof(*wake) || wake->flags || wake->reserved)
		return -EINVAL;
	if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	ret = map_word(fd, wake->offset, &word, &bytes);
	if (ret < 0)
		return ret;
	ret = futex(word, FUTEX_WAKE_BITSET,
		    wake->count > INT_MAX ? INT_MAX : wake->count, NULL);
	munmap((char *)word - wake->offset, bytes);
	return ret;
}

static int do_join(int fd, struct shmdev_join *join)
{
	struct joined *self;
	struct book book;
	struct stat file;
	int lock, ret;

	if (join->size != sizeof(*join) || join->flags || fstat(fd, &file))
		return -EINVAL;
	lock = open_book(&book);
	self = find_self(&book, fd);
	ret = !self ? -ENOSPC : self->peer.id ? -EALREADY : 0;
	if (!ret) {
		join->id = ++book.last_id;
		self->segment = file.st_ino;
		self->fd = fd;
		self->peer = (struct shmdev_peer){ .id = join->id, .joined = 1,
						   .pid = getpid(), };
		memcpy(self->peer.role, join->role, sizeof(self->peer.role));
		snprintf(self->peer.comm, sizeof(self->peer.comm), "fake");
	}
	close_book(lock, &book);
	return ret;
}

static int do_leave(int fd, struct shmdev_leave *leave)
{
	struct joined *self;
	struct book book;
	int lock, ret;

	if (leave->size != sizeof(*leave) || leave->flags)
		return -EINVAL;
	lock = open_book(&book);
	self = find_self(&book, fd);
	ret = self && self->peer.id ? 0 : -ESRCH;
	if (!ret) {
		self->peer.id = 0;
		book.ended++;
	}
	close_book(lock, &book);
	return ret;
}

/* The @i-th of those who are made up; they have ended in all ways, in turn. */
static struct shmdev_peer made_up_peer(uint32_t i)
{
	struct shmdev_peer peer = {
		.id = i + 1,
		.joined = 1000000000,
		.ended = i % 7 ? 2000000000 : 0,
		.pid = i + 1,
		.state = i % 7,
		.status = i % 7 == SHMDEV_PEER_EXITED ? 3 :
			  i % 7 == SHMDEV_PEER_KILLED ? 9 : 0,
	};

	snprintf(peer.role, sizeof(peer.role), "role%u", i);
	snprintf(peer.comm, sizeof(peer.comm), "fake%u", i);
	return peer;
}

static void add_peer(struct shmdev_peers *peers, const struct shmdev_peer *peer)
{
	struct shmdev_peer *entries = (void *)(uintptr_t)peers->entries;

	if (peers->id && peer->id != peers->id)
		return;
	if (peers->total++ < peers->count)
		entries[peers->total - 1] = *peer;
}

static int do_peers(int fd, struct shmdev_peers *peers)
{
	static unsigned int looks;
	uint32_t made_up = growing("SHMDEV_FAKE_PEERS", &looks);
	const char *lie = getenv("SHMDEV_FAKE_LIE") ?: "";
	struct shmdev_peer peer;
	struct book book;
	struct stat file;
	uint32_t i;

	if (peers->size != sizeof(*peers) || peers->flags || peers->reserved ||
	    peers->entry_size != sizeof(peer) || fstat(fd, &file))
		return -EINVAL;
	close_book(open_book(&book), &book);
	peers->total = 0;
	peers->ended = book.ended;
	for (i = 0; i < ARRAY_SIZE(book.joined); i++)
		if (book.joined[i].peer.id &&
		    book.joined[i].segment == file.st_ino)
			add_peer(peers, &book.joined[i].peer);
	for (i = 0; i < made_up; i++) {
		peer = made_up_peer(i);
		add_peer(peers, &peer);
	}
	if (!strcmp(lie, "peers"))
		peers->count = 0;
	if (peers->count > peers->total)
		peers->count = peers->total;
	return peers->id && !peers->total ? -ESRCH : 0;
}

static int do_isolate(int fd, const struct shmdev_isolate *isolate)
{
	const struct part part = { isolate->offset, isolate->bytes };
	struct stat file;
	int to;

	if (isolate->size != sizeof(*isolate) || fstat(fd, &file) ||
	    isolate->flags & ~SHMDEV_ISOLATE_F_ALL || !part.bytes ||
	    part.offset % 4096 || part.bytes % 4096)
		return -EINVAL;
	if (part.offset + part.bytes > (uint64_t)file.st_size)
		return -ENXIO;
	to = open_part(file.st_ino, O_RDWR | O_CREAT | O_EXCL);
	if (to < 0)
		return -errno;
	if (write(to, &part, sizeof(part)) != sizeof(part))
		abort();
	close(to);
	return 0;
}

static int do_claim(int fd, struct shmdev_claim *claim)
{
	struct flock lock = { .l_type = F_WRLCK, .l_len = 1 };
	struct part part = { };
	struct stat file;
	char link[64];
	int from, ret;

	if (claim->size != sizeof(*claim) || claim->flags || fstat(fd, &file))
		return -EINVAL;
	from = open_part(file.st_ino, O_RDONLY);
	if (from >= 0 && read(from, &part, sizeof(part)) != sizeof(part))
		abort();
	if (from >= 0)
		close(from);
	if (claim->offset - part.offset >= part.bytes)
		return -ENXIO;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ret = open(link, O_RDWR | O_CLOEXEC);
	if (ret < 0)
		return -errno;
	for (uint64_t at = 0; at < part.bytes; at += 4096) {
		lock.l_start = part.offset + at;
		if (!fcntl(ret, F_OFD_SETLK, &lock)) {
			claim->offset = lock.l_start;
			return ret;
		}
	}
	close(ret);
	return -EBUSY;
}

static int serve(int fd, unsigned int number, void *argument)
{
	const char *error = getenv("SHMDEV_FAKE_ERROR");
	char *after;

	if (error && strtoul(error, &after, 10) == number && *after == ':')
		return -(int)strtoul(after + 1, NULL, 10);
	switch (number) {
	case _IOC_NR(SHMDEV_IOC_VERSION):
		return do_version(argument);
	case _IOC_NR(SHMDEV_IOC_CREATE):
		return do_create(argument);
	case _IOC_NR(SHMDEV_IOC_OPEN):
		return do_open(argument);
	case _IOC_NR(SHMDEV_IOC_REMOVE):
		return do_remove(argument);
	case _IOC_NR(SHMDEV_IOC_LIST):
		return do_list(argument);
	case _IOC_NR(SHMDEV_IOC_INFO):
		return do_info(fd, argument);
	case _IOC_NR(SHMDEV_IOC_MAPPINGS):
		return do_mappings(argument);
	case _IOC_NR(SHMDEV_IOC_KICK):
		return do_kick(fd, argument);
	case _IOC_NR(SHMDEV_IOC_LOOK):
		return do_look(argument);
	case _IOC_NR(SHMDEV_IOC_WAIT):
		return do_wait(fd, argument);
	case _IOC_NR(SHMDEV_IOC_WAKE):
		return do_wake(fd, argument);
	case _IOC_NR(SHMDEV_IOC_JOIN):
		return do_join(fd, argument);
	case _IOC_NR(SHMDEV_IOC_LEAVE):
		return do_leave(fd, argument);
	case _IOC_NR(SHMDEV_IOC_PEERS):
		return do_peers(fd, argument);
	case _IOC_NR(SHMDEV_IOC_ISOLATE):
		return do_isolate(fd, argument);
	case _IOC_NR(SHMDEV_IOC_CLAIM):
		return do_claim(fd, argument);
	default:
		return -ENOTTY;
	}
}

/* Files of the folder are segments, and so are those without a name. */
static bool is_segment(int fd)
{
	char link[64], path[4096] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return readlink(link, path, sizeof(path) - 1) >= 0 &&
	       (!strncmp(path, folder(), strlen(folder())) ||
		!strncmp(path, "/memfd:", strlen("/memfd:")));
}

int ioctl(int fd, unsigned long request, ...)
{
	int (*real)(int fd, unsigned long request, void *argument);
	va_list arguments;
	void *argument;
	int ret;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	if (_IOC_TYPE(request) != SHMDEV_IOC_MAGIC) {
		real = (typeof(real))dlsym(RTLD_NEXT, "ioctl");
		return real(fd, request, argument);
	}
	if (fcntl(fd, F_GETFD) < 0)
		return -1;
	ret = is_segment(fd) ? serve(fd, _IOC_NR(request), argument) : -ENOTTY;
	if (ret < 0) {
		errno = -ret;
		return -1;
	}
	return ret;
}
