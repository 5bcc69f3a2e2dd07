// SPDX-License-Identifier: GPL-2.0-only
/*
 * Peers: who takes part in a segment, and how each of them ended.
 *
 * A peer is known by the file that it joined through and by its table of
 * descriptors, as POSIX locks are: close() flushes the file for that table,
 * whether a process asks for it or ends. A child that inherited the file has
 * another table, so it neither is the peer nor keeps it alive.
 *
 * One way leads past close(): executing a program that inherits the descriptor.
 * There is a tracepoint for that.
 *
 * Pointers to files and tables are compared here and never followed: a peer
 * ends before what it is known by can be freed.
 */
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>

#include "shmdev.h"
#include "trace.h"

/* Of those that have ended, the last ones are remembered. */
#define ENDED_MAX 64
/* Entries that are written by one call. */
#define PEERS_MAX 65536

struct linux_binprm;

/**
 * struct peer - one that is alive, or was
 * @link: in the segment's list of its kind
 * @file: a segment file; NULL for an endpoint
 * @owner: the table of descriptors; NULL for an endpoint
 * @pid: the process; NULL for an endpoint
 * @entry: what PEERS tells, but for the pid, which depends on who asks
 */
struct peer {
	struct list_head link;
	const struct file *file;
	fl_owner_t owner;
	struct pid *pid;
	struct shmdev_peer entry;
};

/* How many are alive in all segments: mostly, a program that begins is none. */
static atomic_t peers_alive;

static void peer_free(struct peer *peer)
{
	put_pid(peer->pid);
	kfree(peer);
}

static struct peer *peer_find_locked(const struct shmdev_segment *segment,
				     const struct file *file, fl_owner_t owner)
{
	struct peer *peer;

	lockdep_assert_held(&segment->peers_lock);
	list_for_each_entry(peer, &segment->peers, link)
		if (peer->file == file && peer->owner == owner)
			return peer;
	return NULL;
}

/* The record stays, but whom it was about is no longer known by it. */
static void peer_end_locked(struct shmdev_segment *segment, struct peer *peer,
			    u32 state, u32 status)
{
	struct peer *oldest;

	lockdep_assert_held(&segment->peers_lock);
	peer->file = NULL;
	peer->owner = NULL;
	peer->entry.state = state;
	peer->entry.status = status;
	peer->entry.ended = ktime_get_real_ns();
	list_move_tail(&peer->link, &segment->ended_peers);
	WRITE_ONCE(segment->peers_alive, segment->peers_alive - 1);
	/* Before everyone is woken: whoever then begins to wait sees it. */
	WRITE_ONCE(segment->last_end, segment->last_end + 1);
	atomic_dec(&peers_alive);
	if (segment->peers_ended < ENDED_MAX) {
		segment->peers_ended++;
	} else {
		oldest = list_first_entry(&segment->ended_peers, struct peer,
					  link);
		list_del(&oldest->link);
		peer_free(oldest);
	}
	trace_shmdev_end(segment, peer->entry.id, state, status);
}

static int peer_end(struct shmdev_segment *segment, const struct file *file,
		    fl_owner_t owner, u32 state, u32 status)
{
	struct peer *peer;

	spin_lock(&segment->peers_lock);
	peer = peer_find_locked(segment, file, owner);
	if (peer)
		peer_end_locked(segment, peer, state, status);
	spin_unlock(&segment->peers_lock);
	if (!peer)
		return -ESRCH;
	shmdev_wait_wake_everyone(segment);
	return 0;
}

/*
 * The peer gets to know its number while nobody can end it: afterwards @new may
 * be gone, since another thread may close the file.
 */
static int peer_add(struct shmdev_segment *segment, struct peer *new, u64 *id)
{
	int ret = 0;

	new->entry.joined = ktime_get_real_ns();
	spin_lock(&segment->peers_lock);
	if (peer_find_locked(segment, new->file, new->owner)) {
		ret = -EALREADY;
	} else {
		*id = new->entry.id = ++segment->last_peer;
		list_add_tail(&new->link, &segment->peers);
		WRITE_ONCE(segment->peers_alive, segment->peers_alive + 1);
		atomic_inc(&peers_alive);
		trace_shmdev_join(segment, new->entry.id);
	}
	spin_unlock(&segment->peers_lock);
	return ret;
}

static int is_file(const void *file, struct file *other, unsigned int fd)
{
	return file == other;
}

/**
 * shmdev_peer_join() - make the current process a peer
 * @segment: the segment of @file
 * @file: a segment file
 * @descriptor: the file that the process has a descriptor of: @file, or the
 *              open /dev/shmdev that it belongs to
 * @role: what it calls itself
 * @id: out: its number
 *
 * Context: process context, may sleep.
 * Return: 0, -EALREADY, -ENOMEM, or -EBADF if there is no descriptor of the
 * file any more
 */
int shmdev_peer_join(struct shmdev_segment *segment, const struct file *file,
		     const struct file *descriptor, const char *role, u64 *id)
{
	struct peer *peer = kzalloc(sizeof(*peer), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!peer)
		return -ENOMEM;
	peer->file = file;
	peer->owner = current->files;
	peer->pid = get_pid(task_tgid(current));
	strscpy(peer->entry.role, role, sizeof(peer->entry.role));
	get_task_comm(peer->entry.comm, current->group_leader);

	ret = peer_add(segment, peer, id);
	if (ret) {
		peer_free(peer);
		return ret;
	}
	shmdev_segment_notify(segment);
	/*
	 * Another thread may have closed the descriptor meanwhile, and then
	 * nobody would be told of the end.
	 */
	if (!iterate_fd(current->files, 0, is_file, descriptor)) {
		peer_end(segment, file, current->files, SHMDEV_PEER_CLOSED, 0);
		return -EBADF;
	}
	return 0;
}

/**
 * shmdev_peer_leave() - the current process is a peer no more
 * @segment: the segment of @file
 * @file: a segment file
 *
 * Context: process context.
 * Return: 0, or -ESRCH if it was none through this file
 */
int shmdev_peer_leave(struct shmdev_segment *segment, const struct file *file)
{
	return peer_end(segment, file, current->files, SHMDEV_PEER_LEFT, 0);
}

/**
 * shmdev_peer_flush() - a descriptor of a segment file is being closed
 * @segment: the segment of @file
 * @file: a segment file
 * @owner: the table of descriptors that it is closed in
 *
 * Context: process context.
 */
void shmdev_peer_flush(struct shmdev_segment *segment, const struct file *file,
		       fl_owner_t owner)
{
	u32 state = SHMDEV_PEER_CLOSED, status = 0;

	/* Whoever is just joining through it will find that it was closed. */
	if (!READ_ONCE(segment->peers_alive))
		return;
	if (current->flags & PF_EXITING) {
		/*
		 * As waitpid() has it. This is the last thread, so that is
		 * known, and may not be what this thread ended by.
		 */
		status = current->signal->group_exit_code;
		state = status & 0x7f ? SHMDEV_PEER_KILLED : SHMDEV_PEER_EXITED;
		status = status & 0x7f ?: status >> 8 & 0xff;
	} else if (current->in_execve) {
		state = SHMDEV_PEER_REPLACED;
	}
	peer_end(segment, file, owner, state, status);
}

/**
 * shmdev_peer_attach() - make the endpoint of a segment its first peer
 * @segment: one that nobody else knows
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM
 */
int shmdev_peer_attach(struct shmdev_segment *segment)
{
	struct peer *peer = kzalloc(sizeof(*peer), GFP_KERNEL_ACCOUNT);
	u64 id;

	if (!peer)
		return -ENOMEM;
	strscpy(peer->entry.role, "endpoint", sizeof(peer->entry.role));
	return peer_add(segment, peer, &id);
}

/**
 * shmdev_peer_detach() - the endpoint of a segment has gone
 * @segment: one with an endpoint
 *
 * Context: may sleep.
 */
void shmdev_peer_detach(struct shmdev_segment *segment)
{
	peer_end(segment, NULL, NULL, SHMDEV_PEER_SHUTDOWN, 0);
}

/**
 * struct listing - the peers, as somebody wants to have them
 * @id: of the one that is asked for, or 0
 * @entries: room for them
 * @room: how many
 * @total: out: how many there are
 */
struct listing {
	u64 id;
	struct shmdev_peer *entries;
	u32 room;
	u32 total;
};

static void list_locked(const struct list_head *peers, struct listing *listing)
{
	struct shmdev_peer *entry;
	struct peer *peer;

	list_for_each_entry(peer, peers, link) {
		if (listing->id && listing->id != peer->entry.id)
			continue;
		if (listing->total++ >= listing->room)
			continue;
		entry = &listing->entries[listing->total - 1];
		*entry = peer->entry;
		entry->pid = pid_vnr(peer->pid);
		if (!entry->pid)
			memset(entry->comm, 0, sizeof(entry->comm));
	}
}

/**
 * shmdev_peers_get() - list the peers of a segment
 * @segment: a referenced one
 * @peers: what a process asked for; its results are filled in
 *
 * Context: may sleep.
 * Return: an array for the caller to kvfree(), or an ERR_PTR: -ENOMEM, -ESRCH
 */
struct shmdev_peer *shmdev_peers_get(struct shmdev_segment *segment,
				     struct shmdev_peers *peers)
{
	struct listing listing = {
		.id = peers->id,
		.room = min_t(u32, peers->count, PEERS_MAX),
	};

	listing.entries = kvcalloc(listing.room, sizeof(*listing.entries),
				   GFP_KERNEL_ACCOUNT);
	if (!listing.entries)
		return ERR_PTR(-ENOMEM);

	spin_lock(&segment->peers_lock);
	list_locked(&segment->peers, &listing);
	peers->alive = listing.total;
	list_locked(&segment->ended_peers, &listing);
	peers->ended = segment->last_end;
	spin_unlock(&segment->peers_lock);

	if (peers->id && !listing.total) {
		kvfree(listing.entries);
		return ERR_PTR(-ESRCH);
	}
	peers->count = min(listing.total, listing.room);
	peers->total = listing.total;
	return listing.entries;
}

/**
 * shmdev_peers_init_segment() - let a new segment have peers
 * @segment: one that nobody else knows
 *
 * Context: any.
 */
void shmdev_peers_init_segment(struct shmdev_segment *segment)
{
	spin_lock_init(&segment->peers_lock);
	INIT_LIST_HEAD(&segment->peers);
	INIT_LIST_HEAD(&segment->ended_peers);
}

/**
 * shmdev_peers_forget() - free what is known of the peers of a segment
 * @segment: one without references, so without files that peers could hold
 *
 * Context: any.
 */
void shmdev_peers_forget(struct shmdev_segment *segment)
{
	struct peer *peer, *next;

	WARN_ON_ONCE(!list_empty(&segment->peers));
	list_for_each_entry_safe(peer, next, &segment->ended_peers, link)
		peer_free(peer);
}

static int end_replaced(const void *unused, struct file *file, unsigned int fd)
{
	if (file->f_op == &shmdev_device_operations)
		file = shmdev_device_file(file);
	if (file->f_op == shmdev_file_operations)
		peer_end(shmdev_file_segment(file), file, current->files,
			 SHMDEV_PEER_REPLACED, 0);
	return 0;
}

/* The current process has become another program, which inherited files. */
static void peers_exec(void *unused, struct task_struct *process, pid_t old,
		       struct linux_binprm *program)
{
	if (atomic_read(&peers_alive))
		iterate_fd(current->files, 0, end_replaced, NULL);
}

static struct tracepoint *exec_tracepoint __ro_after_init;

static void __init find_exec(struct tracepoint *tracepoint, void *unused)
{
	if (!strcmp(tracepoint->name, "sched_process_exec"))
		exec_tracepoint = tracepoint;
}

/**
 * shmdev_peers_init() - begin to see programs that replace peers
 *
 * Where the kernel has no such tracepoint, or where its probes may not take
 * locks, such a peer ends when the descriptor that it left behind is closed.
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM
 */
int __init shmdev_peers_init(void)
{
	if (IS_ENABLED(CONFIG_TRACEPOINTS) && !IS_ENABLED(CONFIG_PREEMPT_RT))
		for_each_kernel_tracepoint(find_exec, NULL);
	if (!exec_tracepoint)
		return 0;
	return tracepoint_probe_register(exec_tracepoint, peers_exec, NULL);
}

/**
 * shmdev_peers_exit() - the opposite
 *
 * Context: may sleep.
 */
void shmdev_peers_exit(void)
{
	if (!exec_tracepoint)
		return;
	tracepoint_probe_unregister(exec_tracepoint, peers_exec, NULL);
	tracepoint_synchronize_unregister();
}
