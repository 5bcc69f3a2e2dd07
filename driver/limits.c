// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many segments there may be, and how many bytes, in all and of one user.
 *
 * A segment is charged to the user who created it, for as long as it lives,
 * whoever owns it later. The default segment is the administrator's and is
 * charged to nobody.
 */
#include <linux/cred.h>
#include <linux/ctype.h>
#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "shmdev.h"

/* One user with at least one segment. */
struct shmdev_owner {
	struct hlist_node node;
	u64 bytes;
	kuid_t uid;
	unsigned int segments;
};

static unsigned int max_segments = 16384;
static u64 max_bytes;
static u64 max_user_bytes;

static DEFINE_SPINLOCK(limits_lock);
/* Under limits_lock. */
static unsigned int charged_segments;
static u64 charged_bytes;
static DEFINE_HASHTABLE(owners, 6);

static int bytes_param_set(const char *val, const struct kernel_param *param)
{
	char *end;
	u64 bytes;

	if (!isdigit(*val))
		return -EINVAL;
	bytes = memparse(val, &end);
	if (*end == '\n')
		end++;
	if (*end)
		return -EINVAL;
	WRITE_ONCE(*(u64 *)param->arg, bytes);
	return 0;
}

static int bytes_param_get(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%llu\n", READ_ONCE(*(u64 *)param->arg));
}

/* A number of bytes, with K, M, G or T behind it if the user likes. */
const struct kernel_param_ops shmdev_bytes_param_ops = {
	.set = bytes_param_set,
	.get = bytes_param_get,
};

module_param(max_segments, uint, 0644);
MODULE_PARM_DESC(max_segments,
		 "Most segments there may be (default: 16384)");
module_param_cb(max_bytes, &shmdev_bytes_param_ops, &max_bytes, 0644);
MODULE_PARM_DESC(max_bytes,
		 "Most bytes of all segments together (default: half of RAM)");
module_param_cb(max_user_bytes, &shmdev_bytes_param_ops, &max_user_bytes, 0644);
MODULE_PARM_DESC(max_user_bytes,
		 "Most bytes of one user's segments (default: a quarter of RAM)");

/* Set the limits that no parameter has set. */
void __init shmdev_limits_init(void)
{
	u64 ram = (u64)totalram_pages() << PAGE_SHIFT;

	if (!max_bytes)
		max_bytes = ram / 2;
	if (!max_user_bytes)
		max_user_bytes = ram / 4;
}

static struct shmdev_owner *owner_find_locked(kuid_t uid)
{
	struct shmdev_owner *owner;

	lockdep_assert_held(&limits_lock);
	hash_for_each_possible(owners, owner, node, __kuid_val(uid))
		if (uid_eq(owner->uid, uid))
			return owner;
	return NULL;
}

/* Would @charged and @more together be over @limit? None of them may wrap. */
static bool over(u64 charged, u64 more, u64 limit)
{
	u64 sum;

	return check_add_overflow(charged, more, &sum) || sum > limit;
}

/**
 * shmdev_limits_charge() - charge a new segment to the current user
 * @segment: with its size; its owner is set on success
 *
 * Context: may sleep.
 * Return: 0, -ENFILE, -ENOSPC or -EDQUOT for the limit that is in the way, or
 * -ENOMEM.
 */
int shmdev_limits_charge(struct shmdev_segment *segment)
{
	struct shmdev_owner *owner, *fresh;
	kuid_t uid = current_fsuid();
	int ret = 0;

	if (segment->flags & SHMDEV_INFO_F_DEFAULT)
		return 0;

	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
	if (!fresh)
		return -ENOMEM;
	fresh->uid = uid;

	spin_lock(&limits_lock);
	owner = owner_find_locked(uid) ?: fresh;
	if (charged_segments >= READ_ONCE(max_segments))
		ret = -ENFILE;
	else if (over(charged_bytes, segment->bytes, READ_ONCE(max_bytes)))
		ret = -ENOSPC;
	else if (over(owner->bytes, segment->bytes, READ_ONCE(max_user_bytes)))
		ret = -EDQUOT;
	if (!ret) {
		if (owner == fresh) {
			hash_add(owners, &owner->node, __kuid_val(uid));
			fresh = NULL;
		}
		charged_segments++;
		charged_bytes += segment->bytes;
		owner->bytes += segment->bytes;
		owner->segments++;
		segment->owner = owner;
	}
	spin_unlock(&limits_lock);

	kfree(fresh);
	return ret;
}

/**
 * shmdev_limits_uncharge() - undo shmdev_limits_charge()
 * @segment: charged or not
 *
 * Context: may sleep.
 */
void shmdev_limits_uncharge(struct shmdev_segment *segment)
{
	struct shmdev_owner *owner = segment->owner;

	if (!owner)
		return;
	spin_lock(&limits_lock);
	charged_segments--;
	charged_bytes -= segment->bytes;
	owner->bytes -= segment->bytes;
	if (--owner->segments)
		owner = NULL;
	else
		hash_del(&owner->node);
	spin_unlock(&limits_lock);
	kfree(owner);
}
