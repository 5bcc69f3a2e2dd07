// SPDX-License-Identifier: GPL-2.0-only
/*
 * The segment: how one comes to be and goes, and what is to be said of it.
 */
#include <linux/cred.h>
#include <linux/pagemap.h>
#include <linux/poll.h>
#include <linux/proc_ns.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "shmdev.h"
#include "trace.h"

/*
 * Nobody can find the segment any more, and whoever could has put it. Each
 * step also takes a segment that creation left half-built: every part is NULL
 * or empty until it is there.
 */
static void segment_destroy(struct shmdev_segment *segment, int paths)
{
	shmdev_endpoint_unbind(segment);
	shmdev_peers_forget(segment);
	shmdev_names_forget(segment);
	shmdev_backing_destroy(segment, paths);
	shmdev_limits_uncharge(segment);
	if (segment->ipc_ns && segment->ipc_ns->ops)
		segment->ipc_ns->ops->put(segment->ipc_ns);
	put_pid(segment->creator);
	kfree_rcu(segment, rcu);
}

/**
 * shmdev_segment_put() - give a reference back
 * @segment: may be NULL
 *
 * Context: may sleep; calls the endpoint's detach if it was the last one.
 */
void shmdev_segment_put(struct shmdev_segment *segment)
{
	might_sleep();
	if (segment && refcount_dec_and_test(&segment->refs))
		segment_destroy(segment, 0);
}

/**
 * shmdev_segment_put_file() - give the reference of a segment file back
 * @segment: its segment
 *
 * The file still has its path to the segment; that one leads nobody there.
 *
 * Context: as shmdev_segment_put()
 */
void shmdev_segment_put_file(struct shmdev_segment *segment)
{
	might_sleep();
	if (refcount_dec_and_test(&segment->refs))
		segment_destroy(segment, 1);
}

/**
 * shmdev_segment_create() - make a segment that nobody else can see yet
 * @spec: what a process asked for; its strings, flags and size are valid
 * @flags: SHMDEV_INFO_F_LAZY and _DEFAULT
 *
 * The caller goes on to shmdev_names_publish(), or puts it.
 *
 * Context: may sleep.
 * Return: the segment with a reference for the caller, or an ERR_PTR.
 */
struct shmdev_segment *shmdev_segment_create(const struct shmdev_create *spec,
					     u32 flags)
{
	struct ns_common *ns = shmdev_current_ipc_ns();
	struct shmdev_segment *segment;
	int ret;

	segment = kzalloc(sizeof(*segment), GFP_KERNEL_ACCOUNT);
	if (!segment)
		return ERR_PTR(-ENOMEM);

	refcount_set(&segment->refs, 1);
	mutex_init(&segment->endpoint_lock);
	init_waitqueue_head(&segment->pollers);
	shmdev_wait_init(segment);
	shmdev_peers_init_segment(segment);
	shmdev_parts_init(segment);
	INIT_HLIST_NODE(&segment->by_name);
	INIT_LIST_HEAD(&segment->by_endpoint);
	segment->bytes = spec->bytes;
	segment->flags = flags;
	segment->created = ktime_get_real_ns();
	segment->creator = get_pid(task_tgid(current));
	segment->ipc_ns = ns->ops ? ns->ops->get(current) : ns;
	strscpy(segment->name, spec->name, sizeof(segment->name));
	strscpy(segment->endpoint_name, spec->endpoint,
		sizeof(segment->endpoint_name));

	ret = shmdev_limits_charge(segment);
	if (!ret)
		ret = shmdev_names_reserve(segment);
	if (!ret)
		ret = shmdev_backing_create(segment, spec->mode);
	if (!ret)
		ret = shmdev_endpoint_bind(segment);
	if (ret) {
		shmdev_segment_put(segment);
		return ERR_PTR(ret);
	}
	trace_shmdev_create(segment);
	return segment;
}

/* The creator's pid for the caller, 0 if it has ended or is not visible. */
static u32 segment_creator(const struct shmdev_segment *segment)
{
	u32 pid = 0;

	rcu_read_lock();
	if (pid_task(segment->creator, PIDTYPE_TGID))
		pid = pid_vnr(segment->creator);
	rcu_read_unlock();
	return pid;
}

/**
 * shmdev_segment_fill_info() - describe a segment to the current process
 * @segment: a referenced segment
 * @inode: whose owner and mode count: the segment's, or /dev/shmdev's for the
 *         default segment
 * @info: written wholly, but for @info->size
 *
 * What others change meanwhile is as it was at some moment, each member at one of
 * its own: pages come without a lock of ours, and so do an owner and a mode.
 *
 * Context: may sleep.
 */
void shmdev_segment_fill_info(const struct shmdev_segment *segment,
			      const struct inode *inode,
			      struct shmdev_info *info)
{
	const struct inode *memory = shmdev_segment_inode(segment);
	struct user_namespace *user_ns = current_user_ns();

	*info = (struct shmdev_info){
		.size = info->size,
		.flags = segment->flags,
		.id = segment->id,
		.bytes = segment->bytes,
		.resident = (u64)READ_ONCE(memory->i_mapping->nrpages)
			    << PAGE_SHIFT,
		.inode = memory->i_ino,
		.created = segment->created,
		.events = atomic64_read(&segment->events),
		.kicks = atomic64_read(&segment->kicks),
		.uid = from_kuid_munged(user_ns, READ_ONCE(inode->i_uid)),
		.gid = from_kgid_munged(user_ns, READ_ONCE(inode->i_gid)),
		.mode = READ_ONCE(inode->i_mode) & 07777,
		.creator = segment_creator(segment),
		.mappings = shmdev_mappings_count(segment),
		.files = atomic_read(&segment->files),
		.ipc_ns = segment->ipc_ns->inum,
		.peers = READ_ONCE(segment->peers_alive),
	};
	shmdev_names_fill_info(segment, info);
	if (shmdev_endpoint_gone(segment))
		info->flags |= SHMDEV_INFO_F_SHUTDOWN;
	if (shmdev_parts_any(segment))
		info->flags |= SHMDEV_INFO_F_ISOLATED;
	memcpy(info->endpoint, segment->endpoint_name, sizeof(info->endpoint));
}

/**
 * shmdev_segment_data() - the kernel's address of a segment's first byte
 * @segment: one that the calling endpoint is attached to
 *
 * Context: any. The address is valid until the endpoint's detach returns.
 */
void *shmdev_segment_data(const struct shmdev_segment *segment)
{
	return segment->data;
}
EXPORT_SYMBOL_GPL(shmdev_segment_data);

/**
 * shmdev_segment_bytes() - the size of a segment
 * @segment: one that the calling endpoint is attached to
 *
 * Context: any. The size never changes.
 */
size_t shmdev_segment_bytes(const struct shmdev_segment *segment)
{
	return segment->bytes;
}
EXPORT_SYMBOL_GPL(shmdev_segment_bytes);

/**
 * shmdev_segment_notify() - tell whoever polls a segment to look
 * @segment: one that the calling endpoint is attached to
 *
 * What was written to the segment before is visible to those who wake up.
 *
 * Context: any, hard interrupts included.
 */
void shmdev_segment_notify(struct shmdev_segment *segment)
{
	/* What poll() compares, so it goes up before the queue is looked at. */
	atomic64_inc_return(&segment->events);
	/*
	 * That was a full barrier, too. There is one between a poller's entry
	 * into the queue and its look at the count: so this side sees the
	 * poller, or that side the event.
	 */
	if (waitqueue_active(&segment->pollers))
		wake_up_interruptible_poll(&segment->pollers,
					   EPOLLIN | EPOLLRDNORM);
}
EXPORT_SYMBOL_GPL(shmdev_segment_notify);
