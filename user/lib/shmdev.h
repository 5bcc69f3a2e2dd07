/* SPDX-License-Identifier: MIT */
/*
 * libshmdev: memory that the kernel and processes use together.
 *
 *	struct shmdev_device *device;
 *	struct shmdev_segment *segment;
 *	void *memory;
 *
 *	shmdev_device_open(NULL, O_RDWR, &device);
 *	shmdev_segment_create(device, "frames", 64 << 20, NULL, &segment);
 *	shmdev_segment_map(segment, 0, 0, PROT_READ | PROT_WRITE, &memory);
 *
 * shmdev(7) explains the words, shmdev(4) what the device promises.
 *
 * Errors. Functions that return int return 0, or a positive value where their
 * comment says so, or a negative errno; errno itself is left alone. Each errno
 * means one thing; shmdev_strerror() says it. Besides the errors that a comment
 * names, any of these functions may return -EINVAL for an argument without a
 * meaning and -ENOMEM. When a function fails, it has not written its results.
 *
 * Ownership. Results named by a pointer to a pointer are the caller's, who
 * gives them back with the _close() or _free() of the same object; NULL is
 * fine there. Objects do not depend on one another: a device may be closed
 * while segments that came from it are in use, and memory stays mapped when
 * its segment has been closed.
 *
 * Threads. Objects do not change after they were made. All functions may be
 * called from any thread at any time, except that nobody may use an object
 * that is being closed or freed.
 *
 * Growth. Every struct here begins with its size, which the caller sets:
 *
 *	struct shmdev_segment_info info = { .size = sizeof(info) };
 *
 * Structs grow at their end only. The library writes no more than it was given
 * room for, and writes zeroes where the caller knows more members than it does.
 *
 * All sizes and offsets are bytes.
 */
#ifndef SHMDEV_H
#define SHMDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct shmdev_device;
struct shmdev_segment;
struct shmdev_segment_list;
struct shmdev_mapping_list;
struct shmdev_peer_list;
struct timespec;	/* of <time.h> */

/* Bytes for a name with its terminating zero. */
#define SHMDEV_SEGMENT_NAME_SIZE	64
#define SHMDEV_SEGMENT_ENDPOINT_SIZE	32
#define SHMDEV_PEER_ROLE_SIZE		16

/* Properties of a segment; the first two can be asked for. */
#define SHMDEV_SEGMENT_KEEP	(1U << 0) /* its name holds it until removed */
#define SHMDEV_SEGMENT_LAZY	(1U << 1) /* memory comes at first touch */
#define SHMDEV_SEGMENT_DEFAULT	(1U << 2) /* it is the default segment */
#define SHMDEV_SEGMENT_SHUTDOWN	(1U << 3) /* its endpoint has gone */
#define SHMDEV_SEGMENT_ISOLATED	(1U << 4) /* it has isolated pages */

/* For shmdev_segment_isolate(). */
#define SHMDEV_ISOLATE_CLAIMABLE	(1U << 0)

/* Rights of a mapping. */
#define SHMDEV_MAPPING_READ	(1U << 0)
#define SHMDEV_MAPPING_WRITE	(1U << 1)
#define SHMDEV_MAPPING_SHARED	(1U << 2) /* clear: a private copy on write */

/* How a peer is. Later drivers may know more ways to end than these. */
#define SHMDEV_PEER_STATE_ALIVE		0
#define SHMDEV_PEER_STATE_LEFT		1 /* by shmdev_segment_leave() */
#define SHMDEV_PEER_STATE_CLOSED	2 /* closed its descriptor */
#define SHMDEV_PEER_STATE_REPLACED	3 /* executed another program */
#define SHMDEV_PEER_STATE_EXITED	4
#define SHMDEV_PEER_STATE_KILLED	5 /* by a signal */
#define SHMDEV_PEER_STATE_SHUTDOWN	6 /* an endpoint that has gone */

/* For shmdev_segment_wake(): all who wait for the word. */
#define SHMDEV_WAKE_EVERYONE	(~0U)

/* What the driver can do. */
#define SHMDEV_DEVICE_SEGMENTS	(1ULL << 0) /* segments besides the default */
#define SHMDEV_DEVICE_ENDPOINTS	(1ULL << 1) /* kick and look */
#define SHMDEV_DEVICE_HELLO	(1ULL << 2) /* the endpoint "hello" */
#define SHMDEV_DEVICE_WAIT	(1ULL << 3) /* wait words */
#define SHMDEV_DEVICE_PEERS	(1ULL << 4) /* who takes part, and how it ended */
#define SHMDEV_DEVICE_ISOLATE	(1ULL << 5) /* pages that may not be written */

/* For shmdev_device_list(). */
#define SHMDEV_LIST_EVERYWHERE	(1U << 0) /* the segments of all containers */

/* What shmdev_device_info() tells. */
struct shmdev_device_info {
	size_t size;
	uint64_t features;	/* SHMDEV_DEVICE_*; ask these, not versions */
	uint64_t default_bytes;	/* size of the default segment */
	uint32_t page_bytes;	/* sizes and offsets are multiples of this */
	uint32_t abi;		/* counts additions to the kernel interface */
	char release[32];	/* the driver's release, for people */
};

/* What shmdev_segment_create() can be told; all zeroes is what NULL means. */
struct shmdev_segment_options {
	size_t size;
	unsigned int flags;	/* SHMDEV_SEGMENT_KEEP, SHMDEV_SEGMENT_LAZY */
	mode_t mode;		/* as of a file, umask not applied; 0 for 0600 */
	const char *endpoint;	/* who serves it in the kernel, or NULL */
};

/* What shmdev_segment_info() and shmdev_segment_list_get() tell. */
struct shmdev_segment_info {
	size_t size;
	uint64_t id;		/* never used again while the driver is loaded */
	uint64_t bytes;
	uint64_t resident;	/* bytes that are in memory now */
	uint64_t inode;		/* inode number in /proc/PID/maps */
	uint64_t created;	/* nanoseconds since the epoch */
	uint64_t events;	/* times that pollers were told something */
	uint64_t kicks;		/* kicks that reached the endpoint */
	uint32_t flags;		/* SHMDEV_SEGMENT_* */
	uint32_t mappings;	/* mappings now, in all processes */
	uint32_t files;		/* open segment files now */
	uint32_t ipc_namespace;	/* inode number of the namespace of the name */
	uid_t uid;
	gid_t gid;
	mode_t mode;
	pid_t creator;		/* 0: not visible from here, or has ended */
	char name[SHMDEV_SEGMENT_NAME_SIZE];		/* empty: anonymous */
	char endpoint[SHMDEV_SEGMENT_ENDPOINT_SIZE];	/* empty: none */
	uint32_t peers;		/* peers that are alive now */
	uint32_t reserved;	/* 0 */
};

/* What shmdev_mapping_list_get() tells. */
struct shmdev_mapping_info {
	size_t size;
	uint64_t offset;	/* first byte of the segment that is mapped */
	uint64_t bytes;
	uint32_t flags;		/* SHMDEV_MAPPING_* */
	pid_t pid;		/* 0: not visible from here */
	char command[16];	/* the process' name; empty if pid is 0 */
};

/* What shmdev_segment_peer() and shmdev_peer_list_get() tell. */
struct shmdev_peer_info {
	size_t size;
	uint64_t id;		/* never used again in this segment */
	uint64_t joined;	/* nanoseconds since the epoch */
	uint64_t ended;		/* likewise; 0: it is alive */
	uint32_t state;		/* SHMDEV_PEER_STATE_* */
	uint32_t status;	/* exit status, or the signal that killed it */
	pid_t pid;		/* 0: not visible from here, or the kernel */
	uint32_t reserved;	/* 0 */
	char role[SHMDEV_PEER_ROLE_SIZE];	/* what it calls itself */
	char command[16];	/* its name as it joined; empty if pid is 0 */
};

/* The library's version, such as "0.1.0". */
const char *shmdev_library_version(void);

/*
 * What an error of these functions means, in a short sentence without a full
 * stop. Takes it with or without its minus. The text is never freed.
 */
const char *shmdev_strerror(int error);

/*
 * Opens the device. @path: NULL for /dev/shmdev. @flags: O_RDONLY, O_WRONLY or
 * O_RDWR; creating segments and kicking the default one need it writable.
 * The descriptor is close-on-exec.
 *
 * -ENOENT: the module is not loaded. -EACCES: no permission. -ENOTTY: the file
 * is not a shmdev device.
 */
int shmdev_device_open(const char *path, int flags,
		       struct shmdev_device **device);
void shmdev_device_close(struct shmdev_device *device);

/* The device's descriptor; it stays the device's. */
int shmdev_device_fd(const struct shmdev_device *device);

int shmdev_device_info(const struct shmdev_device *device,
		       struct shmdev_device_info *info);

/*
 * Lists, by ascending id, the segments that the caller could open for reading
 * or owns, the default segment among them. @flags: 0 or SHMDEV_LIST_EVERYWHERE,
 * which needs CAP_SYS_ADMIN (else -EPERM). It is a picture of one moment.
 */
int shmdev_device_list(const struct shmdev_device *device, unsigned int flags,
		       struct shmdev_segment_list **list);
size_t shmdev_segment_list_count(const struct shmdev_segment_list *list);
/* -ERANGE: @index is not below the count. */
int shmdev_segment_list_get(const struct shmdev_segment_list *list,
			    size_t index, struct shmdev_segment_info *info);
void shmdev_segment_list_free(struct shmdev_segment_list *list);

/*
 * Makes a segment, open for reading and writing, whose memory is there and
 * reads as zero. @name: NULL for an anonymous segment. @bytes: a positive
 * multiple of the page size. @options: NULL for mode 0600, no endpoint, and
 * a life until the last descriptor and mapping has gone.
 *
 * -EBADF: the device is not open for writing. -EEXIST: the name is taken.
 * -ENAMETOOLONG: the name or the endpoint's. -ENOPROTOOPT: no such endpoint.
 * -EDQUOT, -ENOSPC, -ENFILE: over a limit. -EINTR: a signal came first.
 */
int shmdev_segment_create(const struct shmdev_device *device, const char *name,
			  uint64_t bytes,
			  const struct shmdev_segment_options *options,
			  struct shmdev_segment **segment);

/*
 * Opens the segment called @name. @flags: O_RDONLY, O_WRONLY or O_RDWR; mapping
 * needs it readable, mapping writable needs O_RDWR.
 *
 * -ENOENT: no such segment. -EACCES: its mode does not allow it.
 */
int shmdev_segment_open(const struct shmdev_device *device, const char *name,
			int flags, struct shmdev_segment **segment);

/*
 * The default segment, through a duplicate of the device's descriptor: with the
 * access that the device was opened with, and the same file position.
 */
int shmdev_segment_open_default(const struct shmdev_device *device,
				struct shmdev_segment **segment);

/*
 * A segment from a descriptor that came from elsewhere: over a socket, or from
 * the parent process. It belongs to the segment from now on; after an error
 * it is still the caller's. -ENOTTY: it is not a segment file.
 */
int shmdev_segment_from_fd(int fd, struct shmdev_segment **segment);
void shmdev_segment_close(struct shmdev_segment *segment);

/* The segment's descriptor, to poll, send or inherit; it stays the segment's. */
int shmdev_segment_fd(const struct shmdev_segment *segment);

/* The size of the segment, which never changes. */
uint64_t shmdev_segment_bytes(const struct shmdev_segment *segment);

int shmdev_segment_info(const struct shmdev_segment *segment,
			struct shmdev_segment_info *info);

/*
 * Maps @bytes of the segment from @offset, shared. @offset: a multiple of the
 * page size. @bytes: 0 for all from there to the end. @protection: PROT_READ,
 * PROT_WRITE or both.
 *
 * -ENXIO: the range does not lie inside the segment. -EACCES: it was not opened
 * for this, or has isolated pages there. -EPERM: PROT_EXEC.
 */
int shmdev_segment_map(const struct shmdev_segment *segment, uint64_t offset,
		       size_t bytes, int protection, void **address);
/* Takes an @address from shmdev_segment_map() and the bytes mapped there. */
int shmdev_segment_unmap(void *address, size_t bytes);

/*
 * Keeps all processes, whoever they are, from writing these pages from now on,
 * for good: they can be mapped shared for reading only, and write() is refused
 * for the whole segment. @offset and @bytes: multiples of the page size. @flags:
 * 0, or SHMDEV_ISOLATE_CLAIMABLE for up to 64 pages that are to be claimed. Of a
 * mapping of the other pages that may be written, mremap() makes no larger one.
 *
 * -EPERM: the caller does not own the segment. -EBADF: it is not open for
 * writing. -EBUSY: somebody may be writing it, by a mapping, by write(), or by
 * what was pinned: do this before others get the segment. -EEXIST: some of them
 * are isolated already. -ENOSPC: there are 8 such parts. -ENXIO: they lie
 * outside.
 */
int shmdev_segment_isolate(const struct shmdev_segment *segment,
			   uint64_t offset, uint64_t bytes,
			   unsigned int flags);
/*
 * Takes one claimable page that nobody has; @offset: in, of any page of that
 * part; out, of the one that was taken. @segment needs to be open for reading
 * only. @claimed: the same segment again, through which that page, on its own,
 * can be mapped for writing, and shmdev_segment_wake() be used, but else only
 * what is for readers. The page is taken until that is closed and unmapped, in
 * children, too.
 *
 * -EBUSY: none is free. -ENXIO: there is no such part. -EBADF: @segment is not
 * open for reading.
 */
int shmdev_segment_claim(const struct shmdev_segment *segment, uint64_t *offset,
			 struct shmdev_segment **claimed);

/*
 * Who has the segment mapped: an entry for each contiguous mapping of each
 * process, the caller among them. It is a picture of one moment.
 */
int shmdev_segment_mappings(const struct shmdev_segment *segment,
			    struct shmdev_mapping_list **list);
size_t shmdev_mapping_list_count(const struct shmdev_mapping_list *list);
/* -ERANGE: @index is not below the count. */
int shmdev_mapping_list_get(const struct shmdev_mapping_list *list,
			    size_t index, struct shmdev_mapping_info *info);
void shmdev_mapping_list_free(struct shmdev_mapping_list *list);

/*
 * Tells the segment's endpoint to look, and returns when it has. The endpoint
 * says what @argument means, and what a positive return value means.
 *
 * -EBADF: the segment is not open for writing. -ENOTCONN: it has no endpoint.
 * -ESHUTDOWN: its endpoint has gone. Others are the endpoint's own.
 */
int shmdev_segment_kick(const struct shmdev_segment *segment,
			uint64_t argument);

/*
 * After poll() has reported POLLIN: makes it quiet until something new is made
 * known, and counts in @events (which may be NULL) how often that has been.
 * The order is poll, look, then read the memory.
 */
int shmdev_segment_look(const struct shmdev_segment *segment, uint64_t *events);

/*
 * Sleeps while the 32-bit word at @offset holds @expected, until somebody wakes
 * those who wait for it. @timeout: from now; NULL: for ever. 0 is a hint: look
 * at the word again, since another may have been faster, and the end of a peer
 * wakes everybody. shmdev_segment_await() does that.
 *
 * -EAGAIN: the word does not hold @expected. -ETIMEDOUT. -EINTR: a signal
 * handler ran that was not installed with SA_RESTART. -EINVAL: @offset is no
 * multiple of 4. -ENXIO: the word is outside. -EBADF: the segment is not open
 * for reading.
 *
 * On 32-bit systems, programs must have been compiled with the same size of
 * time_t as the library.
 */
int shmdev_segment_wait(const struct shmdev_segment *segment, uint64_t offset,
			uint32_t expected, const struct timespec *timeout);
/* The same; @deadline: a time of CLOCK_MONOTONIC. */
int shmdev_segment_wait_until(const struct shmdev_segment *segment,
			      uint64_t offset, uint32_t expected,
			      const struct timespec *deadline);

/*
 * Sleeps until the word at @offset is as the caller wants it: until @done,
 * which gets its value and @data, says true. @word: where the caller has that same
 * word mapped. @deadline: as above.
 *
 * @done is asked first before any sleep, then after each wake-up, and a last
 * time when the wait has failed: 0 always means that it said true. It sees all
 * that was written before the value that it gets. There is no way to wait for
 * "a change" only, because nobody could tell a change just before the call from
 * none: say from which value.
 *
 * A peer that ends wakes the caller, who goes back to sleep unless @done says
 * true: who waits for a peer uses shmdev_segment_wait_peers().
 *
 * -ETIMEDOUT, -EINTR, -ENXIO, -EBADF: as above. -EINVAL also: @word cannot be
 * at @offset, since the two are not equally far from the start of a page.
 */
int shmdev_segment_await(const struct shmdev_segment *segment, uint64_t offset,
			 const void *word,
			 bool (*done)(uint32_t value, void *data), void *data,
			 const struct timespec *deadline);

/*
 * Wakes @count of those who wait for the word at @offset, the longest waiting
 * first, or SHMDEV_WAKE_EVERYONE, and tells pollers of the segment. Returns how
 * many it woke. Change the word first.
 *
 * -EBADF: the segment is not open for writing. -EINVAL, -ENXIO: as above.
 */
int shmdev_segment_wake(const struct shmdev_segment *segment, uint64_t offset,
			unsigned int count);

/*
 * Makes this process a peer of the segment, until it leaves, closes a
 * descriptor of the same file, executes another program, or ends. @role: what
 * it calls itself, for others to read; NULL for nothing. @id (which may be
 * NULL): its number.
 *
 * With a segment from shmdev_segment_open_default(), closing the device ends
 * the peer too, since they have the file in common.
 *
 * -EALREADY: it is one through this file. -ENAMETOOLONG: @role.
 */
int shmdev_segment_join(const struct shmdev_segment *segment, const char *role,
			uint64_t *id);
/* -ESRCH: this process is no peer through this file. */
int shmdev_segment_leave(const struct shmdev_segment *segment);

/*
 * How many peers of the segment have ended so far, modulo 2^32: to be asked
 * before looking whether a peer is alive, and then given to _wait_peers(),
 * which is as _wait_until() but does not sleep once another has ended (-EAGAIN).
 * So no end is missed, whenever it comes.
 */
int shmdev_segment_ends(const struct shmdev_segment *segment, uint32_t *ends);
int shmdev_segment_wait_peers(const struct shmdev_segment *segment,
			      uint64_t offset, uint32_t expected, uint32_t ends,
			      const struct timespec *deadline);

/* -ESRCH: there is no peer @id, or it ended before the last 64 that did. */
int shmdev_segment_peer(const struct shmdev_segment *segment, uint64_t id,
			struct shmdev_peer_info *info);

/*
 * Who takes part in the segment, in the order of joining, then the last 64 that
 * ended, in that order. Its endpoint is a peer too. It is a picture of one
 * moment.
 */
int shmdev_segment_peers(const struct shmdev_segment *segment,
			 struct shmdev_peer_list **list);
size_t shmdev_peer_list_count(const struct shmdev_peer_list *list);
/* -ERANGE: @index is not below the count. */
int shmdev_peer_list_get(const struct shmdev_peer_list *list, size_t index,
			 struct shmdev_peer_info *info);
void shmdev_peer_list_free(struct shmdev_peer_list *list);

/* As fchmod() and fchown(); -EPERM: the caller does not own the segment. */
int shmdev_segment_chmod(const struct shmdev_segment *segment, mode_t mode);
int shmdev_segment_chown(const struct shmdev_segment *segment, uid_t uid,
			 gid_t gid);

/*
 * Takes the name away at once, so that it is free for another segment; the
 * memory goes with the last descriptor and mapping. By id, a segment of any
 * container can be removed, with CAP_SYS_ADMIN.
 *
 * -ENOENT: there is none of this name or id, or it is one that nobody can
 * remove: the default segment, or an anonymous one. -EPERM: someone else's.
 */
int shmdev_segment_remove(const struct shmdev_device *device, const char *name);
int shmdev_segment_remove_id(const struct shmdev_device *device, uint64_t id);

#ifdef __cplusplus
}
#endif

#endif /* SHMDEV_H */
