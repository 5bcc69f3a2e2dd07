// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is found by which id and name. Ids are the driver's own; names belong to
 * an IPC namespace, as those of System V and POSIX shared memory do.
 *
 * A segment is entered when its creation begins, so that of two creations of
 * one name the second fails before it has taken any memory, but can be found
 * only from publication on.
 */
#include <linux/capability.h>
#include <linux/hashtable.h>
#include <linux/ipc_namespace.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <linux/stringhash.h>
#include <linux/xarray.h>

#include "shmdev.h"
#include "compat.h"
#include "trace.h"

static DEFINE_MUTEX(names_lock);
/* Under names_lock. */
static DEFINE_XARRAY(ids);
static unsigned long last_id;
static DEFINE_HASHTABLE(names, 10);

/**
 * shmdev_current_ipc_ns() - the namespace whose names the caller sees
 *
 * Context: process context of a task that is not exiting.
 * Return: the namespace, no reference taken.
 */
struct ns_common *shmdev_current_ipc_ns(void)
{
	return &current->nsproxy->ipc_ns->ns;
}

static u32 name_hash(const struct ns_common *ns, const char *name)
{
	return full_name_hash(ns, name, strlen(name));
}

/**
 * shmdev_names_check() - is this a well-formed name, or none?
 * @name: from a process
 * @size: of the array that it lies in
 *
 * A name may show up in terminals, file listings and scripts, so nothing that
 * could be mistaken for a path or a control sequence is one.
 *
 * Return: 0, -ENAMETOOLONG if nothing ends it, or -EINVAL
 */
int shmdev_names_check(const char *name, size_t size)
{
	if (strnlen(name, size) == size)
		return -ENAMETOOLONG;
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return -EINVAL;
	for (; *name; name++)
		if (*name == '/' || *name == 0x7f || (u8)*name < ' ')
			return -EINVAL;
	return 0;
}

/*
 * A segment that nobody holds any more is on its way out: its name is free,
 * whoever asks.
 */
static struct shmdev_segment *name_find_locked(const char *name)
{
	struct ns_common *ns = shmdev_current_ipc_ns();
	struct shmdev_segment *segment;

	lockdep_assert_held(&names_lock);
	hash_for_each_possible(names, segment, by_name, name_hash(ns, name))
		if (segment->ipc_ns == ns && !strcmp(segment->name, name) &&
		    refcount_read(&segment->refs))
			return segment;
	return NULL;
}

/**
 * shmdev_names_reserve() - give a segment its id, and its name if it has one
 * @segment: a new one, with name and namespace
 *
 * Context: may sleep.
 * Return: 0, -EEXIST or -ENOMEM
 */
int shmdev_names_reserve(struct shmdev_segment *segment)
{
	int ret = -EEXIST;

	mutex_lock(&names_lock);
	if (!*segment->name || !name_find_locked(segment->name))
		ret = xa_insert(&ids, last_id + 1, segment,
				GFP_KERNEL_ACCOUNT);
	if (!ret) {
		segment->id = ++last_id;
		if (*segment->name)
			hash_add(names, &segment->by_name,
				 name_hash(segment->ipc_ns, segment->name));
	}
	mutex_unlock(&names_lock);
	return ret;
}

/**
 * shmdev_names_publish() - let others find a segment
 * @segment: a complete one
 * @keep: its name shall hold it, and the module, until it is removed
 *
 * Context: may sleep; the caller's file pins the module.
 */
void shmdev_names_publish(struct shmdev_segment *segment, bool keep)
{
	mutex_lock(&names_lock);
	if (keep) {
		refcount_inc(&segment->refs);
		__module_get(THIS_MODULE);
	}
	segment->kept = keep;
	segment->published = true;
	mutex_unlock(&names_lock);
}

/**
 * shmdev_names_forget() - undo shmdev_names_reserve()
 * @segment: whose last reference has gone
 *
 * Context: may sleep.
 */
void shmdev_names_forget(struct shmdev_segment *segment)
{
	mutex_lock(&names_lock);
	WARN_ON_ONCE(segment->kept);
	if (segment->id)
		xa_erase(&ids, segment->id);
	hash_del(&segment->by_name);
	mutex_unlock(&names_lock);
}

/**
 * shmdev_names_fill_info() - fill in what REMOVE can change
 * @segment: a referenced segment
 * @info: gets the name and SHMDEV_INFO_F_KEEP
 *
 * Context: may sleep.
 */
void shmdev_names_fill_info(const struct shmdev_segment *segment,
			    struct shmdev_info *info)
{
	mutex_lock(&names_lock);
	if (!hlist_unhashed(&segment->by_name))
		memcpy(info->name, segment->name, sizeof(info->name));
	if (segment->kept)
		info->flags |= SHMDEV_INFO_F_KEEP;
	mutex_unlock(&names_lock);
}

/**
 * shmdev_names_find() - look a name up in the caller's namespace
 * @name: well-formed
 *
 * Context: may sleep.
 * Return: the segment with a reference for the caller, or NULL
 */
struct shmdev_segment *shmdev_names_find(const char *name)
{
	struct shmdev_segment *segment;

	mutex_lock(&names_lock);
	segment = name_find_locked(name);
	if (segment && (!segment->published ||
			!refcount_inc_not_zero(&segment->refs)))
		segment = NULL;
	mutex_unlock(&names_lock);
	return segment;
}

/**
 * shmdev_names_next() - walk over all segments, in the order of their ids
 * @after: the id before
 *
 * Context: may sleep.
 * Return: the segment with a reference for the caller, or NULL at the end
 */
struct shmdev_segment *shmdev_names_next(u64 after)
{
	unsigned long id = min_t(u64, after, ULONG_MAX);
	struct shmdev_segment *segment;

	mutex_lock(&names_lock);
	do {
		segment = xa_find_after(&ids, &id, ULONG_MAX, XA_PRESENT);
	} while (segment && (!segment->published ||
			     !refcount_inc_not_zero(&segment->refs)));
	mutex_unlock(&names_lock);
	return segment;
}

/* By id: somebody else's namespace is reached by administrators only. */
static struct shmdev_segment *id_find_locked(u64 id)
{
	struct shmdev_segment *segment;

	lockdep_assert_held(&names_lock);
	segment = id <= ULONG_MAX ? xa_load(&ids, id) : NULL;
	if (!segment || hlist_unhashed(&segment->by_name) ||
	    !refcount_read(&segment->refs))
		return NULL;
	if (segment->ipc_ns != shmdev_current_ipc_ns() &&
	    !capable(CAP_SYS_ADMIN))
		return NULL;
	return segment;
}

/**
 * shmdev_names_remove() - take a segment's name away
 * @name: well-formed, or empty
 * @id: whose name, if @name is empty
 *
 * Context: may sleep; the caller's file pins the module.
 * Return: 0, -ENOENT or -EPERM
 */
int shmdev_names_remove(const char *name, u64 id)
{
	struct shmdev_segment *segment;
	bool kept = false;
	int ret = 0;

	mutex_lock(&names_lock);
	segment = *name ? name_find_locked(name) : id_find_locked(id);
	if (!segment || !segment->published) {
		ret = -ENOENT;
	} else if (!shmdev_inode_owner_or_capable(shmdev_segment_inode(segment))) {
		ret = -EPERM;
	} else {
		trace_shmdev_remove(segment);
		hash_del(&segment->by_name);
		kept = segment->kept;
		segment->kept = false;
	}
	mutex_unlock(&names_lock);

	if (kept) {
		/* The reference and the pin that the name held are ours now. */
		shmdev_segment_put(segment);
		module_put(THIS_MODULE);
	}
	return ret;
}

/**
 * shmdev_names_exit() - nothing may be left at module exit
 */
void shmdev_names_exit(void)
{
	WARN_ON(!xa_empty(&ids));
}
