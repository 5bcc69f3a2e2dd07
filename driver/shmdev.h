/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the driver share.
 *
 * DOC: Locking
 *
 * Outermost first; what is indented is taken inside what is above it.
 *
 *	inode.i_rwsem			(VFS's) held by write() and fchmod()
 *	endpoint.c endpoints_lock	which endpoints there are and whom they
 *					serve; attach and detach
 *	  segment.endpoint_lock		segment.endpoint, .private; every call
 *					into the endpoint
 *	    segment.parts_lock		adding to segment.parts; they are read
 *					without it, see part.c
 *	names.c names_lock		ids, names, .published, .kept
 *	limits.c limits_lock		what is charged to whom (spinlock)
 *	inode.i_mmap_rwsem		(mm's) mappings.c walks under it
 *	files_struct.file_lock		(VFS's) while a program is executed
 *	  segment.peers_lock		who is a peer, and was (spinlock); also
 *					inside segment.endpoint_lock
 *	segment.waiters[].lock		(wait queues') any context, with interrupts
 *	segment.pollers.lock		off; never one in the other
 *
 * mmap_lock is outside all of them when a mapping is made. None of ours is held
 * over an access to user memory, so a command that is frozen in a page fault
 * holds up nobody; a write() that is holds up other writes to that segment, as
 * on any file, and those cannot be killed until it goes on.
 *
 * DOC: Lifetime
 *
 * A segment is counted in .refs. A reference is held by each segment file
 * (so by each mapping, through its vm_file), by the name of a kept segment,
 * by the driver for the default segment, and by whoever looked one up. The
 * last put detaches the endpoint, forgets the name and frees the memory; it
 * may sleep.
 *
 * A claimed page belongs to a segment file until that is released: a mapping of
 * it holds the file, so nobody else gets the page while it can be written.
 *
 * Every segment file and every open /dev/shmdev pins the module as the owner
 * of its file_operations; a kept name pins it by hand. So module exit finds no
 * segment but the default one.
 *
 * What still may come after the last put is a path without a file: somebody
 * holds an O_PATH descriptor, or is just opening /proc/PID/fd/N. Its dentry
 * leads to the segment by d_fsdata, read under RCU and turned into a reference
 * only while .refs is not 0. The last put takes care that such a path leads
 * nowhere, and not to this module, see close_paths() in backing.c.
 */
#ifndef _SHMDEV_H
#define _SHMDEV_H

#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/mutex.h>
#include <linux/ns_common.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/seq_file.h>
#include <linux/shmdev.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <uapi/linux/shmdev.h>

#define SHMDEV_RELEASE "0.1.0"

/* A segment has so many queues of waiters, as a power of two. */
#define SHMDEV_WAIT_BITS 4

/* Parts that a segment can have, and pages of one that can be claimed. */
#define SHMDEV_PARTS_MAX 8
#define SHMDEV_CLAIMS_MAX 64

/* No offset of a page. */
#define SHMDEV_NO_CLAIM U64_MAX

struct shmdev_owner;

/**
 * struct shmdev_part - pages that segment files may not write
 * @first: page
 * @end: the page after the last one
 * @claimed: those that a file has claimed, to write them; atomic bits, counted
 *           from @first
 * @used: those that ever were claimed; written by who has claimed
 * @claimable: whether they can be
 */
struct shmdev_part {
	pgoff_t first;
	pgoff_t end;
	DECLARE_BITMAP(claimed, SHMDEV_CLAIMS_MAX);
	DECLARE_BITMAP(used, SHMDEV_CLAIMS_MAX);
	bool claimable;
};

/**
 * struct shmdev_segment - a piece of memory with a name and a kernel party
 *
 * @id: see struct shmdev_info
 * @bytes: size, a multiple of PAGE_SIZE
 * @created: real time of creation
 * @name: empty if it never had one; REMOVE takes it out of the table only
 * @endpoint_name: empty if none was asked for
 * @inner: shmem's own file of the inode; never handed out
 * @data: the kernel's view, or NULL if there is no kernel party
 * @pages: the pages of @data, a reference held on each
 * @creator: the process that made it
 * @owner: whom @bytes is charged to; NULL for the default segment
 * @ipc_ns: the namespace that the name belongs to
 * @flags: SHMDEV_INFO_F_LAZY and _DEFAULT
 * @refs: see Lifetime above
 * @rcu: frees the struct after those who found it through a dentry
 * @by_name: in the table of names; unhashed if it has no name
 * @endpoint_lock: one call into the endpoint at a time
 * @endpoint: NULL if there is none, or when it has gone
 * @by_endpoint: in the endpoint's list, from attach to detach
 * @bound: it once was in such a list
 * @private: the endpoint's own
 * @events: times that pollers were told something
 * @kicks: kicks that reached the endpoint
 * @pollers: who sleeps in poll(); lives as long as any file of the segment
 * @waiters: who sleeps on a word, by the hash of its offset
 * @files: open segment files
 * @peers_lock: of the next six
 * @peers_alive: how many are in .peers
 * @peers_ended: how many are in .ended_peers
 * @last_peer: the id that was given last
 * @peers: those that are alive
 * @ended_peers: the last of those that are not
 * @last_end: how many have ended; who is about to wait reads it without the lock
 * @parts_count: how many there are; grows only, with release semantics
 * @parts_lock: of adding one
 * @parts: constant from when they are counted, but for the claims
 * @published: creation is over, others may find it
 * @kept: the name holds a reference, and one on the module
 */
struct shmdev_segment {
	/* Set before the segment is published, constant from then on. */
	u64 id;
	size_t bytes;
	u64 created;
	char name[SHMDEV_NAME_SIZE];
	char endpoint_name[SHMDEV_ENDPOINT_SIZE];
	struct file *inner;
	void *data;
	struct page **pages;
	struct pid *creator;
	struct shmdev_owner *owner;
	struct ns_common *ipc_ns;
	u32 flags;

	refcount_t refs;
	struct rcu_head rcu;

	struct hlist_node by_name; /* under names_lock */

	struct mutex endpoint_lock; /* one call into the endpoint at a time */
	/* Under endpoint_lock. */
	const struct shmdev_endpoint *endpoint;
	void *private;
	struct list_head by_endpoint; /* under endpoints_lock */

	/* Any context. */
	atomic64_t events;
	atomic64_t kicks;
	wait_queue_head_t pollers;
	wait_queue_head_t waiters[1 << SHMDEV_WAIT_BITS];
	atomic_t files;

	spinlock_t peers_lock; /* the lists of peers */
	/* Under peers_lock. */
	u32 peers_alive;
	u32 peers_ended;
	u64 last_peer;
	struct list_head peers;
	struct list_head ended_peers;
	u32 last_end;

	/* Written under parts_lock. */
	u32 parts_count;
	struct mutex parts_lock; /* adding a part */
	struct shmdev_part parts[SHMDEV_PARTS_MAX];

	/* Under names_lock. */
	bool published;
	bool kept;

	bool bound; /* set before the segment is published */
};

static inline struct inode *
shmdev_segment_inode(const struct shmdev_segment *segment)
{
	return file_inode(segment->inner);
}

/* main.c */
extern struct shmdev_segment *shmdev_default;

/* segment.c */
struct shmdev_segment * __must_check
shmdev_segment_create(const struct shmdev_create *spec, u32 flags);
void shmdev_segment_put(struct shmdev_segment *segment);
void shmdev_segment_put_file(struct shmdev_segment *segment);
void shmdev_segment_fill_info(const struct shmdev_segment *segment,
			      const struct inode *inode,
			      struct shmdev_info *info);

/* backing.c */
int shmdev_backing_init(void);
void shmdev_backing_exit(void);
int shmdev_backing_create(struct shmdev_segment *segment, umode_t mode);
struct page * __must_check
shmdev_backing_page(const struct shmdev_segment *segment, pgoff_t index);
bool shmdev_backing_is_pinned(const struct shmdev_segment *segment,
			      pgoff_t index);
int shmdev_backing_pin(struct shmdev_segment *segment);
void shmdev_backing_destroy(struct shmdev_segment *segment, int paths);

/* names.c */
struct ns_common *shmdev_current_ipc_ns(void);
int shmdev_names_check(const char *name, size_t size);
int shmdev_names_reserve(struct shmdev_segment *segment);
void shmdev_names_publish(struct shmdev_segment *segment, bool keep);
void shmdev_names_forget(struct shmdev_segment *segment);
int shmdev_names_remove(const char *name, u64 id);
void shmdev_names_fill_info(const struct shmdev_segment *segment,
			    struct shmdev_info *info);
struct shmdev_segment * __must_check shmdev_names_find(const char *name);
struct shmdev_segment * __must_check shmdev_names_next(u64 after);
void shmdev_names_exit(void);

/* limits.c */
void shmdev_limits_init(void);
int shmdev_limits_charge(struct shmdev_segment *segment);
void shmdev_limits_uncharge(struct shmdev_segment *segment);
extern const struct kernel_param_ops shmdev_bytes_param_ops;

/* endpoint.c */
int shmdev_endpoint_bind(struct shmdev_segment *segment);
void shmdev_endpoint_unbind(struct shmdev_segment *segment);
int shmdev_endpoint_kick(struct shmdev_segment *segment, u64 argument);
bool shmdev_endpoint_gone(const struct shmdev_segment *segment);

/* hello.c */
extern struct shmdev_endpoint shmdev_hello;

/* file.c */
void shmdev_file_init(const struct file_operations *shmem);
extern const struct file_operations *shmdev_file_operations;
struct file *shmdev_file_open(struct shmdev_segment *segment,
			      unsigned int flags);
struct file *shmdev_file_claim(struct shmdev_segment *segment, u64 *offset);
bool shmdev_file_may_write(const struct file *file);
struct shmdev_segment *shmdev_file_segment(const struct file *file);
u64 shmdev_file_events(const struct file *file);
void shmdev_file_looked(const struct file *file, u64 events);
void shmdev_file_show_fdinfo(struct seq_file *m, struct file *file);

/* device.c */
extern const struct file_operations shmdev_device_operations;
struct file *shmdev_device_file(const struct file *door);

/* wait.c */
void shmdev_wait_init(struct shmdev_segment *segment);
int shmdev_wait_check(const struct shmdev_segment *segment, u64 offset);
int shmdev_wait(struct shmdev_segment *segment, struct shmdev_wait *wait);
void shmdev_wait_wake_everyone(struct shmdev_segment *segment);

/* peer.c */
#define SHMDEV_PEER_ENDPOINT 1ULL /* its id: it is there before all others */
int shmdev_peers_init(void);
void shmdev_peers_exit(void);
void shmdev_peers_init_segment(struct shmdev_segment *segment);
void shmdev_peers_forget(struct shmdev_segment *segment);
int shmdev_peer_attach(struct shmdev_segment *segment);
void shmdev_peer_detach(struct shmdev_segment *segment);
int shmdev_peer_join(struct shmdev_segment *segment, const struct file *file,
		     const struct file *descriptor, const char *role, u64 *id);
int shmdev_peer_leave(struct shmdev_segment *segment, const struct file *file);
void shmdev_peer_flush(struct shmdev_segment *segment, const struct file *file,
		       fl_owner_t owner);
struct shmdev_peer * __must_check
shmdev_peers_get(struct shmdev_segment *segment, struct shmdev_peers *peers);

/* part.c */
#define SHMDEV_MAPS_FREELY	0	/* as it is */
#define SHMDEV_MAPS_TO_READ	1	/* never to be made writable */
#define SHMDEV_MAPS_NO_MORE	2	/* never to grow */
void shmdev_parts_init(struct shmdev_segment *segment);
bool shmdev_parts_any(const struct shmdev_segment *segment);
int shmdev_part_check_mapping(const struct shmdev_segment *segment, u64 claim,
			      pgoff_t first, pgoff_t pages,
			      unsigned long flags);
int shmdev_part_begin_write(struct shmdev_segment *segment);
void shmdev_part_end_write(struct shmdev_segment *segment);
int shmdev_part_isolate(struct shmdev_segment *segment, u64 offset, u64 bytes,
			bool claimable);
int shmdev_part_claim(struct shmdev_segment *segment, u64 *offset);
const unsigned long *shmdev_part_claimed(struct shmdev_segment *segment,
					 u64 offset);
void shmdev_part_unclaim(struct shmdev_segment *segment, u64 offset);

/* ioctl.c */
long shmdev_ioctl(struct file *file, struct file *door, unsigned int cmd,
		  unsigned long arg);

/* mappings.c */
u32 shmdev_mappings_count(const struct shmdev_segment *segment);
struct shmdev_mapping * __must_check
shmdev_mappings_get(const struct shmdev_segment *segment, u32 *count,
		    u32 *total);

#endif /* _SHMDEV_H */
