/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR MIT) */
/*
 * shmdev: memory that the kernel and processes use together.
 *
 * DOC: the device
 *
 * /dev/shmdev is two things. It is the *default segment*: mmap(), read(),
 * write(), lseek(), splice() and poll() on it work on memory that the driver
 * made when it was loaded. And it is the door to other segments: CREATE and
 * OPEN return a *segment file*, a descriptor whose mmap() is that segment.
 * A segment file behaves as a file of fixed size on tmpfs does, with three
 * differences: its size cannot change (EPERM), no hole can be punched into it
 * (EOPNOTSUPP), and a write past its end fails with ENOSPC.
 *
 * CREATE, OPEN, REMOVE and LIST are for /dev/shmdev only: whoever is handed a
 * segment file is handed that segment and no way to others. All other commands
 * are for both; on /dev/shmdev, "this segment" is the default segment.
 *
 * DOC: structs
 *
 * Each struct begins with the size that the caller knows it by, and grows at
 * its end. A caller with a longer struct than the driver's must have zeroes
 * where the driver knows no member (else E2BIG); members that an older caller
 * does not know are read as zero and not written. Flags and reserved members
 * that have no meaning must be zero (else EINVAL). All structs have the same
 * layout for 32-bit and 64-bit programs. A struct that comes back is wholly
 * written by the driver, reserved members as zeroes.
 *
 * The number in a command's name is what identifies it: the size that the
 * _IOWR() macro encodes is ignored, so that a command keeps its meaning when
 * its struct grows.
 *
 * DOC: errors
 *
 * Each errno means one thing in every command:
 *
 * ============  ==============================================================
 * E2BIG         a struct is longer than the driver's and its tail is not zero
 * EACCES        the mode of the segment does not grant what was asked for, or a
 *               writable mapping would reach isolated pages
 * EAGAIN        there is no reason to sleep: the word does not hold the expected
 *               value, or a peer has ended since (WAIT)
 * EALREADY      the caller is a peer through this file already (JOIN)
 * EBADF         the descriptor was not opened for writing (CREATE, KICK, WAKE,
 *               ISOLATE) or not for reading (WAIT, CLAIM), or is being closed
 *               (JOIN)
 * EBUSY         somebody may be writing the segment (ISOLATE), or no page is free
 *               (CLAIM)
 * EDQUOT        the creator's bytes would exceed max_user_bytes
 * EEXIST        the name is taken, or some of the pages are isolated already
 * EFAULT        a pointer leads to memory that the caller may not access
 * EINTR         a signal came before the memory was committed (CREATE; since
 *               Linux 6.5 only a signal that ends the process does that),
 *               while another's kick was being served (KICK), before
 *               anybody woke the caller (WAIT), or the process is ending
 *               (ISOLATE)
 * EINVAL        a size, flag, mode, name or reserved member that has no meaning
 * EIO           the machine has found the memory of the word to be broken (WAIT)
 * EMFILE        the process has no descriptor left
 * ENAMETOOLONG  a name without a zero byte in its array
 * ENFILE        the driver has max_segments already, or the system its files
 * ENOENT        there is no segment of this name or id
 * ENOMEM        the memory is not to be had (also: the cgroup's limit)
 * ENOPROTOOPT   no endpoint of this name is registered
 * ENOSPC        all segments' bytes would exceed max_bytes, or the segment has as
 *               many isolated parts as one can have
 * ENOTCONN      the segment has no endpoint
 * ENOTTY        no such command, or not on this kind of file
 * ENXIO         a mapping, a word or a part would reach past the end of the
 *               segment, or there are no pages to be claimed
 * EPERM         the caller does not own the segment (REMOVE, ISOLATE), or asked
 *               for what no segment allows (PROT_EXEC, a change of size), nor
 *               one with isolated pages (write())
 * ESHUTDOWN     the endpoint has gone; the memory stays
 * ESRCH         the caller is no peer through this file (LEAVE), or there is no
 *               record of a peer with this id (PEERS)
 * ETIMEDOUT     nobody woke the caller in time (WAIT)
 * ============  ==============================================================
 *
 * An endpoint may answer a kick with errors of its own; see KICK.
 */
#ifndef _UAPI_LINUX_SHMDEV_H
#define _UAPI_LINUX_SHMDEV_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * 0xE2 is wholly free in Documentation/userspace-api/ioctl/ioctl-number.rst
 * up to Linux 7.2.
 */
#define SHMDEV_IOC_MAGIC	0xE2

/* Bytes for a name with its terminating zero. */
#define SHMDEV_NAME_SIZE	64
#define SHMDEV_ENDPOINT_SIZE	32
#define SHMDEV_COMM_SIZE	16
#define SHMDEV_ROLE_SIZE	16

/**
 * struct shmdev_version - ioctl(SHMDEV_IOC_VERSION)
 * @size: sizeof(struct shmdev_version)
 * @flags: must be 0
 * @features: out: SHMDEV_FEATURE_* bits; what is not set is not there
 * @default_bytes: out: size of the default segment
 * @page_bytes: out: the unit of sizes and offsets; every segment is a multiple
 * @abi: out: 1; counts additions to this header, never a change of meaning
 * @release: out: the driver's release, for people
 *
 * Ask for a feature, not for a version.
 */
struct shmdev_version {
	__u32 size;
	__u32 flags;
	__aligned_u64 features;
	__aligned_u64 default_bytes;
	__u32 page_bytes;
	__u32 abi;
	char release[32];
};

#define SHMDEV_ABI			1

#define SHMDEV_FEATURE_SEGMENTS		(1 << 0)	/* CREATE to MAPPINGS */
#define SHMDEV_FEATURE_ENDPOINTS	(1 << 1)	/* KICK, LOOK */
#define SHMDEV_FEATURE_HELLO		(1 << 2)	/* endpoint "hello" */
#define SHMDEV_FEATURE_WAIT		(1 << 3)	/* WAIT, WAKE */
#define SHMDEV_FEATURE_PEERS		(1 << 4)	/* JOIN, LEAVE, PEERS */
#define SHMDEV_FEATURE_ISOLATE		(1 << 5)	/* ISOLATE, CLAIM */
#define SHMDEV_FEATURE_ALL		(SHMDEV_FEATURE_SEGMENTS | \
					 SHMDEV_FEATURE_ENDPOINTS | \
					 SHMDEV_FEATURE_HELLO | \
					 SHMDEV_FEATURE_WAIT | \
					 SHMDEV_FEATURE_PEERS | \
					 SHMDEV_FEATURE_ISOLATE)

/**
 * struct shmdev_create - ioctl(SHMDEV_IOC_CREATE)
 * @size: sizeof(struct shmdev_create)
 * @flags: SHMDEV_CREATE_F_*
 * @bytes: size of the segment; a positive multiple of the page size
 * @mode: permissions as of a file, 0 to 0777; the umask is not applied
 * @reserved: must be 0
 * @name: unique in the caller's IPC namespace, or empty for an anonymous
 *        segment. Letters, digits and any other bytes but '/', control
 *        characters and DEL; "." and ".." are refused
 * @endpoint: name of the endpoint that serves the segment, or empty
 *
 * Makes a segment, owned by the caller's filesystem uid and gid, and returns
 * a descriptor of it, open for reading and writing, close-on-exec. The memory
 * reads as zero but for what the endpoint writes there when it is attached.
 *
 * The memory is allocated and charged to the caller's cgroup before the call
 * returns, so that no later access can fail for want of it. With F_LAZY that
 * happens page by page at first touch, and a touch may meet the OOM killer as
 * one of ordinary memory may. A segment with an endpoint cannot be lazy.
 *
 * The segment lives until the last file and mapping of it has gone. F_KEEP
 * makes its name hold it too, until REMOVE; it needs a name.
 *
 * Errors: EBADF, EDQUOT, EEXIST, EINTR, EINVAL, EMFILE, ENAMETOOLONG, ENFILE,
 * ENOMEM, ENOPROTOOPT, ENOSPC, and what the endpoint's attach says.
 */
struct shmdev_create {
	__u32 size;
	__u32 flags;
	__aligned_u64 bytes;
	__u32 mode;
	__u32 reserved;
	char name[SHMDEV_NAME_SIZE];
	char endpoint[SHMDEV_ENDPOINT_SIZE];
};

#define SHMDEV_CREATE_F_KEEP	(1 << 0)	/* the name holds the segment */
#define SHMDEV_CREATE_F_LAZY	(1 << 1)	/* commit memory at first touch */
#define SHMDEV_CREATE_F_ALL	(SHMDEV_CREATE_F_KEEP | SHMDEV_CREATE_F_LAZY)

/**
 * struct shmdev_open - ioctl(SHMDEV_IOC_OPEN)
 * @size: sizeof(struct shmdev_open)
 * @flags: O_RDONLY, O_WRONLY or O_RDWR
 * @name: the segment's name
 *
 * Returns a descriptor of the named segment, close-on-exec. The segment's
 * owner, mode and ACL decide, as they do when a file is opened. One opened
 * O_RDONLY can never be mapped writable, nor made so later.
 *
 * Errors: EACCES, EINVAL, EMFILE, ENAMETOOLONG, ENFILE, ENOENT, ENOMEM.
 */
struct shmdev_open {
	__u32 size;
	__u32 flags;
	char name[SHMDEV_NAME_SIZE];
};

/**
 * struct shmdev_remove - ioctl(SHMDEV_IOC_REMOVE)
 * @size: sizeof(struct shmdev_remove)
 * @flags: must be 0
 * @id: a segment's id, if @name is empty; else 0
 * @name: a segment's name, or empty
 *
 * Takes the name away, at once; it can be given to another segment. The memory
 * goes with the last file and mapping. Only the owner may, or CAP_FOWNER. An
 * id reaches segments of other IPC namespaces, for CAP_SYS_ADMIN only: so an
 * administrator frees what a container left behind.
 *
 * Errors: EINVAL, ENAMETOOLONG, ENOENT, EPERM.
 */
struct shmdev_remove {
	__u32 size;
	__u32 flags;
	__aligned_u64 id;
	char name[SHMDEV_NAME_SIZE];
};

/**
 * struct shmdev_info - ioctl(SHMDEV_IOC_INFO), and the entries of LIST
 * @size: sizeof(struct shmdev_info)
 * @flags: out: SHMDEV_INFO_F_*; in: must be 0
 * @id: out: the segment's number, never used again while the driver is loaded
 * @bytes: out: its size
 * @resident: out: bytes of it that are in memory
 * @inode: out: st_ino of its files, the inode number in /proc/PID/maps
 * @created: out: when, in nanoseconds since the epoch
 * @events: out: times that something was made known to pollers
 * @kicks: out: kicks that reached the endpoint
 * @uid: out: the owner, in the caller's user namespace
 * @gid: out: the owning group, likewise
 * @mode: out: permission bits
 * @creator: out: pid of the process that made it, in the caller's pid
 *           namespace, or 0 if it is not visible there or has ended
 * @mappings: out: how many mappings there are now, in all processes; no more
 *            than 65536 are counted
 * @files: out: how many segment files are open now
 * @ipc_ns: out: inode number of the IPC namespace that the name belongs to
 * @peers: out: how many peers are alive now
 * @name: out: the name, empty if anonymous or removed
 * @endpoint: out: the endpoint's name, empty if none
 *
 * @mappings, @files, @peers, @resident, @events and @kicks may be out of date as
 * soon as they are read; they are for people and statistics.
 *
 * Errors: EINVAL.
 */
struct shmdev_info {
	__u32 size;
	__u32 flags;
	__aligned_u64 id;
	__aligned_u64 bytes;
	__aligned_u64 resident;
	__aligned_u64 inode;
	__aligned_u64 created;
	__aligned_u64 events;
	__aligned_u64 kicks;
	__u32 uid;
	__u32 gid;
	__u32 mode;
	__u32 creator;
	__u32 mappings;
	__u32 files;
	__u32 ipc_ns;
	__u32 peers;
	char name[SHMDEV_NAME_SIZE];
	char endpoint[SHMDEV_ENDPOINT_SIZE];
};

#define SHMDEV_INFO_F_KEEP	(1 << 0)	/* its name holds it */
#define SHMDEV_INFO_F_LAZY	(1 << 1)	/* committed at first touch */
#define SHMDEV_INFO_F_DEFAULT	(1 << 2)	/* it is the default segment */
#define SHMDEV_INFO_F_SHUTDOWN	(1 << 3)	/* its endpoint has gone */
#define SHMDEV_INFO_F_ISOLATED	(1 << 4)	/* it has isolated pages */

/**
 * struct shmdev_list - ioctl(SHMDEV_IOC_LIST)
 * @size: sizeof(struct shmdev_list)
 * @flags: SHMDEV_LIST_F_*
 * @after: in: list segments with ids above this, 0 to begin; out: the last id
 *         that was looked at: give it back to go on
 * @entries: address of an array of struct shmdev_info
 * @count: in: entries that the array has room for, at least 1; out: entries
 *         that were written, 0 at the end
 * @entry_size: sizeof(struct shmdev_info) as the caller knows it
 *
 * Lists, by ascending id, the segments of the caller's IPC namespace that the
 * caller could open for reading or owns, the default segment among them.
 * F_EVERYWHERE lists those of all namespaces and needs CAP_SYS_ADMIN.
 * Segments that come and go meanwhile may or may not be listed; the others are
 * listed exactly once.
 *
 * Errors: E2BIG, EFAULT, EINVAL, ENOMEM, EPERM.
 */
struct shmdev_list {
	__u32 size;
	__u32 flags;
	__aligned_u64 after;
	__aligned_u64 entries;
	__u32 count;
	__u32 entry_size;
};

#define SHMDEV_LIST_F_EVERYWHERE	(1 << 0)
#define SHMDEV_LIST_F_ALL		SHMDEV_LIST_F_EVERYWHERE

/**
 * struct shmdev_mapping - one entry of MAPPINGS
 * @offset: first byte of the segment that is mapped
 * @bytes: length of the mapping
 * @pid: the process, in the caller's pid namespace; 0 if not visible there
 * @flags: SHMDEV_MAPPING_F_*
 * @comm: the process' name, empty if @pid is 0
 */
struct shmdev_mapping {
	__aligned_u64 offset;
	__aligned_u64 bytes;
	__u32 pid;
	__u32 flags;
	char comm[SHMDEV_COMM_SIZE];
};

#define SHMDEV_MAPPING_F_READ	(1 << 0)
#define SHMDEV_MAPPING_F_WRITE	(1 << 1)
#define SHMDEV_MAPPING_F_SHARED	(1 << 2)	/* clear: MAP_PRIVATE */

/**
 * struct shmdev_mappings - ioctl(SHMDEV_IOC_MAPPINGS)
 * @size: sizeof(struct shmdev_mappings)
 * @flags: must be 0
 * @entries: address of an array of struct shmdev_mapping
 * @count: in: entries that the array has room for, 0 to only count; out:
 *         entries that were written
 * @entry_size: sizeof(struct shmdev_mapping) as the caller knows it
 * @total: out: mappings that there are; more than @count if the array was too
 *         small
 * @reserved: must be 0
 *
 * Who has this segment mapped, an entry for each contiguous mapping with the
 * same rights: what the memory manager holds at one instant, not a record of
 * calls. Processes that share their memory (vfork, CLONE_VM) have an entry
 * each.
 *
 * No more than 65536 entries are written by one call, and with more mappings
 * than that it fails with ENOMEM.
 *
 * Errors: E2BIG, EFAULT, EINVAL, ENOMEM.
 */
struct shmdev_mappings {
	__u32 size;
	__u32 flags;
	__aligned_u64 entries;
	__u32 count;
	__u32 entry_size;
	__u32 total;
	__u32 reserved;
};

/**
 * struct shmdev_kick - ioctl(SHMDEV_IOC_KICK)
 * @size: sizeof(struct shmdev_kick)
 * @flags: must be 0
 * @argument: handed to the endpoint, which says what it means
 *
 * Tells the endpoint of this segment to look. The endpoint has looked, and
 * answered if it answers, when the call returns; the value returned is the
 * endpoint's. Kicks of one segment are served one at a time, those of
 * different segments at the same time. Pollers of the segment are woken.
 *
 * Instead of a struct, NULL will do, and is faster: the argument is 0 then.
 *
 * Errors: EBADF, EINVAL, ENOTCONN, ESHUTDOWN, and the endpoint's own.
 */
struct shmdev_kick {
	__u32 size;
	__u32 flags;
	__aligned_u64 argument;
};

/**
 * struct shmdev_look - ioctl(SHMDEV_IOC_LOOK)
 * @size: sizeof(struct shmdev_look)
 * @flags: must be 0
 * @events: out: times that something was made known to pollers of this segment
 *
 * poll() reports POLLIN on a file from when something was made known until LOOK
 * on that same file, so the order is poll, LOOK, then read the memory. Made
 * known are: each WAKE, each answer to a KICK, each peer that comes or ends, and
 * what an endpoint wishes. A file begins with everything looked at.
 *
 * Errors: EINVAL.
 */
struct shmdev_look {
	__u32 size;
	__u32 flags;
	__aligned_u64 events;
};

/**
 * struct shmdev_wait - ioctl(SHMDEV_IOC_WAIT)
 * @size: sizeof(struct shmdev_wait)
 * @flags: SHMDEV_WAIT_F_*
 * @offset: of a 32-bit word in the segment, a multiple of 4
 * @timeout: nanoseconds, or SHMDEV_WAIT_FOREVER
 * @expected: what the word holds while there is reason to wait
 * @ended: with F_PEERS, what PEERS told as @ended, else 0
 *
 * Sleeps until somebody wakes those who wait for this word, if it holds the
 * expected value. Looking at the word and going to sleep are one step to those
 * who change the word first and call WAKE then: no wake-up is lost between.
 *
 * Returns 0 when woken. That is a hint, not a promise: look at the word again,
 * since another may have been faster, and since the end of any peer of the
 * segment wakes all who wait in it. Who waits for a peer that may have ended
 * just before asks for PEERS first, and waits with F_PEERS then: if one has ended
 * since, that is EAGAIN, too.
 *
 * @timeout is a time from now, or with F_ABSOLUTE a time of CLOCK_MONOTONIC.
 * A signal handler with SA_RESTART does not end the wait, any other does; a time
 * from now has become the time that is left then.
 *
 * Errors: EAGAIN, EBADF, EINTR, EINVAL, EIO, ENOMEM, ENXIO, ETIMEDOUT.
 */
struct shmdev_wait {
	__u32 size;
	__u32 flags;
	__aligned_u64 offset;
	__aligned_u64 timeout;
	__u32 expected;
	__u32 ended;
};

#define SHMDEV_WAIT_F_ABSOLUTE	(1 << 0)	/* of CLOCK_MONOTONIC */
#define SHMDEV_WAIT_F_PEERS	(1 << 1)	/* only while no peer ends */
#define SHMDEV_WAIT_F_ALL	(SHMDEV_WAIT_F_ABSOLUTE | SHMDEV_WAIT_F_PEERS)

#define SHMDEV_WAIT_FOREVER	(~0ULL)

/**
 * struct shmdev_wake - ioctl(SHMDEV_IOC_WAKE)
 * @size: sizeof(struct shmdev_wake)
 * @flags: must be 0
 * @offset: of a 32-bit word in the segment, a multiple of 4
 * @count: wake no more than so many, those first who have waited longest; or
 *         SHMDEV_WAKE_ALL; or 0 to tell pollers only
 * @reserved: must be 0
 *
 * Wakes those who wait for this word, and no others, and makes known to pollers
 * of the segment that something is new. Returns how many it woke. Change the
 * word first.
 *
 * Errors: EBADF, EINVAL, ENXIO.
 */
struct shmdev_wake {
	__u32 size;
	__u32 flags;
	__aligned_u64 offset;
	__u32 count;
	__u32 reserved;
};

#define SHMDEV_WAKE_ALL		(~0U)

/**
 * struct shmdev_join - ioctl(SHMDEV_IOC_JOIN)
 * @size: sizeof(struct shmdev_join)
 * @flags: must be 0
 * @id: out: the peer's number, never used again in this segment
 * @role: what the peer calls itself, for others to read: as a segment's name
 *        is formed, or empty
 *
 * Makes the calling process a peer of the segment, until
 *
 * - it calls LEAVE,
 * - it closes this descriptor, or any duplicate of it that is its own (as with
 *   the locks of POSIX, fcntl(F_SETLK)),
 * - it executes another program, whether or not that inherits the descriptor,
 * - it ends, in whatever way.
 *
 * All are known at once, though others, children among them, may have the same
 * file open: to them it means nothing. The end of a peer wakes everyone who
 * waits in this segment, and is made known to pollers.
 *
 * The process here is whoever shares one table of descriptors. A process can be
 * several peers, through several files. If @id cannot be written (EFAULT) it has
 * left again at once.
 *
 * Errors: EALREADY, EBADF, EINVAL, ENAMETOOLONG, ENOMEM.
 */
struct shmdev_join {
	__u32 size;
	__u32 flags;
	__aligned_u64 id;
	char role[SHMDEV_ROLE_SIZE];
};

/**
 * struct shmdev_leave - ioctl(SHMDEV_IOC_LEAVE)
 * @size: sizeof(struct shmdev_leave)
 * @flags: must be 0
 *
 * The calling process is no longer a peer through this file.
 *
 * Errors: EINVAL, ESRCH.
 */
struct shmdev_leave {
	__u32 size;
	__u32 flags;
};

/**
 * struct shmdev_peer - one entry of PEERS
 * @id: as JOIN gave it; they ascend in the order of joining
 * @joined: when, in nanoseconds since the epoch
 * @ended: likewise, or 0 if it is alive
 * @pid: the process, in the caller's pid namespace; 0 if not visible there, or
 *       the kernel. When it has ended, others may have the number
 * @state: SHMDEV_PEER_*
 * @status: its exit status if it has EXITED, the number of the signal if it was
 *          KILLED, else 0
 * @reserved: 0
 * @role: as it calls itself
 * @comm: the process' name when it joined; empty if @pid is 0
 */
struct shmdev_peer {
	__aligned_u64 id;
	__aligned_u64 joined;
	__aligned_u64 ended;
	__u32 pid;
	__u32 state;
	__u32 status;
	__u32 reserved;
	char role[SHMDEV_ROLE_SIZE];
	char comm[SHMDEV_COMM_SIZE];
};

#define SHMDEV_PEER_ALIVE	0
#define SHMDEV_PEER_LEFT	1	/* by LEAVE */
#define SHMDEV_PEER_CLOSED	2	/* closed its descriptor */
#define SHMDEV_PEER_REPLACED	3	/* executed another program */
#define SHMDEV_PEER_EXITED	4
#define SHMDEV_PEER_KILLED	5	/* by a signal */
#define SHMDEV_PEER_SHUTDOWN	6	/* an endpoint that has gone */

/**
 * struct shmdev_peers - ioctl(SHMDEV_IOC_PEERS)
 * @size: sizeof(struct shmdev_peers)
 * @flags: must be 0
 * @id: 0 for all peers, or the one that is asked for
 * @entries: address of an array of struct shmdev_peer
 * @count: in: entries that the array has room for, 0 to only count; out:
 *         entries that were written
 * @entry_size: sizeof(struct shmdev_peer) as the caller knows it
 * @total: out: records that there are; more than @count if the array was too
 *         small
 * @alive: out: how many of them are alive
 * @ended: out: how many peers of the segment have ended, modulo 2^32; for WAIT
 * @reserved: must be 0
 *
 * Who takes part in this segment, and how others ended: the living first, then
 * those that ended, in the order in which they did; of these the last 64 are
 * known. The endpoint of a segment is a peer with the role "endpoint". No more
 * than 65536 entries are written by one call.
 *
 * Errors: E2BIG, EFAULT, EINVAL, ENOMEM, ESRCH.
 */
struct shmdev_peers {
	__u32 size;
	__u32 flags;
	__aligned_u64 id;
	__aligned_u64 entries;
	__u32 count;
	__u32 entry_size;
	__u32 total;
	__u32 alive;
	__u32 ended;
	__u32 reserved;
};

/**
 * struct shmdev_isolate - ioctl(SHMDEV_IOC_ISOLATE)
 * @size: sizeof(struct shmdev_isolate)
 * @flags: SHMDEV_ISOLATE_F_*
 * @offset: of the first page
 * @bytes: a positive multiple of the page size
 *
 * From now on, and for good, no process writes these pages, whoever it is and
 * however it opened the segment; but for those that are claimed one by one, with
 * F_CLAIMABLE (then there may be 64 of them at most). The kernel goes on writing
 * them, if it has them. A segment can have 8 such parts.
 *
 * A shared mapping that reaches such a page can only be mapped for reading
 * (EACCES), and never be made writable. A shared mapping of other pages that may
 * be written cannot grow (mremap(): EFAULT) and is not locked by mlock(). write()
 * is refused for the whole segment (EPERM). Private mappings are as ever.
 *
 * Only the owner may, or CAP_FOWNER, and nobody with the default segment. As
 * long as somebody has a shared mapping that can be written or could be made so,
 * is in a write(), or has left one of the pages pinned for a device or for
 * io_uring, it is refused (EBUSY); who maps or writes at this very moment may see
 * EPERM. So do it before others get the segment.
 *
 * Errors: EBADF, EBUSY, EEXIST, EINTR, EINVAL, ENOSPC, ENXIO, EPERM.
 */
struct shmdev_isolate {
	__u32 size;
	__u32 flags;
	__aligned_u64 offset;
	__aligned_u64 bytes;
};

#define SHMDEV_ISOLATE_F_CLAIMABLE	(1 << 0) /* for CLAIM, a page each */
#define SHMDEV_ISOLATE_F_ALL		SHMDEV_ISOLATE_F_CLAIMABLE

/**
 * struct shmdev_claim - ioctl(SHMDEV_IOC_CLAIM)
 * @size: sizeof(struct shmdev_claim)
 * @flags: must be 0
 * @offset: in: of a page of a part that was isolated with F_CLAIMABLE; out: of
 *          the page that was claimed
 *
 * Takes one page of that part that nobody has, for which it is enough to be able
 * to read the segment, and returns a new descriptor of the segment,
 * close-on-exec. It is one for reading that has two rights more: this page, and
 * no other, can be mapped shared for writing, on its own; and WAKE is allowed.
 *
 * The page is the descriptor's until that and all its duplicates and mappings
 * have gone, those of children included. What is in it stays. It is not free
 * (EBUSY, if no other is) while whoever had it has left it pinned for a device or
 * for io_uring. Where the kernel has made one large page of several, all of that
 * counts, here and in ISOLATE.
 *
 * Errors: EBADF, EBUSY, EFAULT, EINVAL, EMFILE, ENFILE, ENOMEM, ENXIO.
 */
struct shmdev_claim {
	__u32 size;
	__u32 flags;
	__aligned_u64 offset;
};

#define SHMDEV_IOC_VERSION  _IOWR(SHMDEV_IOC_MAGIC, 0x00, struct shmdev_version)
#define SHMDEV_IOC_CREATE   _IOW(SHMDEV_IOC_MAGIC, 0x01, struct shmdev_create)
#define SHMDEV_IOC_OPEN     _IOW(SHMDEV_IOC_MAGIC, 0x02, struct shmdev_open)
#define SHMDEV_IOC_REMOVE   _IOW(SHMDEV_IOC_MAGIC, 0x03, struct shmdev_remove)
#define SHMDEV_IOC_LIST     _IOWR(SHMDEV_IOC_MAGIC, 0x04, struct shmdev_list)
#define SHMDEV_IOC_INFO     _IOWR(SHMDEV_IOC_MAGIC, 0x05, struct shmdev_info)
#define SHMDEV_IOC_MAPPINGS _IOWR(SHMDEV_IOC_MAGIC, 0x06, struct shmdev_mappings)
#define SHMDEV_IOC_KICK     _IOW(SHMDEV_IOC_MAGIC, 0x07, struct shmdev_kick)
#define SHMDEV_IOC_LOOK     _IOWR(SHMDEV_IOC_MAGIC, 0x08, struct shmdev_look)
#define SHMDEV_IOC_WAIT     _IOWR(SHMDEV_IOC_MAGIC, 0x09, struct shmdev_wait)
#define SHMDEV_IOC_WAKE     _IOW(SHMDEV_IOC_MAGIC, 0x0a, struct shmdev_wake)
#define SHMDEV_IOC_JOIN     _IOWR(SHMDEV_IOC_MAGIC, 0x0b, struct shmdev_join)
#define SHMDEV_IOC_LEAVE    _IOW(SHMDEV_IOC_MAGIC, 0x0c, struct shmdev_leave)
#define SHMDEV_IOC_PEERS    _IOWR(SHMDEV_IOC_MAGIC, 0x0d, struct shmdev_peers)
#define SHMDEV_IOC_ISOLATE  _IOW(SHMDEV_IOC_MAGIC, 0x0e, struct shmdev_isolate)
#define SHMDEV_IOC_CLAIM    _IOWR(SHMDEV_IOC_MAGIC, 0x0f, struct shmdev_claim)

/**
 * struct shmdev_hello - what endpoint "hello" keeps at the start of a segment
 * @greeting: the endpoint writes "Hello from kernel space" here when it is
 *            attached
 * @request: the process writes a text here: up to the first zero byte, or all
 * @answer: the endpoint writes here on every kick
 * @answer.count: kicks of this segment that were answered, this one included
 * @answer.length: bytes of text that the kernel read from @request
 * @answer.crc32: CRC-32 (IEEE 802.3, as zlib's crc32()) of those bytes
 * @answer.text: those bytes, the rest of the array zero
 *
 * The kick's argument must be 0 (else EINVAL).
 * The default segment is served by this endpoint.
 */
struct shmdev_hello {
	char greeting[1024];
	char request[1024];
	struct {
		__aligned_u64 count;
		__u32 length;
		__u32 crc32;
		char text[1024];
	} answer;
};

#define SHMDEV_HELLO_ENDPOINT	"hello"
#define SHMDEV_HELLO_GREETING	"Hello from kernel space"

#endif /* _UAPI_LINUX_SHMDEV_H */
