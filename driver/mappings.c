// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has a segment mapped: read from the memory manager, not recorded.
 *
 * Every VMA of a file is in the interval tree of its inode, i_mmap, from mmap()
 * until munmap(), exit or exec, through every split, merge, move and fork. So
 * the tree, under its lock, is the answer; a count of ours could only differ
 * from it.
 */
#include <linux/interval_tree_generic.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "shmdev.h"

static inline unsigned long vma_first(struct vm_area_struct *vma)
{
	return vma->vm_pgoff;
}

static inline unsigned long vma_last(struct vm_area_struct *vma)
{
	return vma->vm_pgoff + vma_pages(vma) - 1;
}

/* The kernel's own instance of these functions is not exported. */
INTERVAL_TREE_DEFINE(struct vm_area_struct, shared.rb, unsigned long,
		     shared.rb_subtree_last, vma_first, vma_last,
		     static __maybe_unused, vma_tree)

static struct vm_area_struct *first_locked(struct address_space *mapping)
{
	lockdep_assert_held(&mapping->i_mmap_rwsem);
	return vma_tree_iter_first(&mapping->i_mmap, 0, ULONG_MAX);
}

static struct vm_area_struct *next_locked(struct vm_area_struct *vma)
{
	return vma_tree_iter_next(vma, 0, ULONG_MAX);
}

/* A VMA as it was under the lock. */
struct found {
	struct mm_struct *mm;	/* to compare only */
	u64 offset;
	u64 bytes;
	u32 flags;
	bool claimed;		/* by a process; of the first of each mm */
};

/*
 * More are not looked at: the tree is locked meanwhile, for everyone who wants
 * to map or unmap the segment, and the processor is not given away.
 */
#define MAPPINGS_MAX	65536U

static u32 count_locked(struct address_space *mapping)
{
	struct vm_area_struct *vma;
	u32 count = 0;

	for (vma = first_locked(mapping); vma && count <= MAPPINGS_MAX;
	     vma = next_locked(vma))
		count++;
	return count;
}

/**
 * shmdev_mappings_count() - how many mappings a segment has
 * @segment: a referenced one
 *
 * Context: may sleep. The number may be stale when it is returned.
 * Return: the number, but MAPPINGS_MAX at most
 */
u32 shmdev_mappings_count(const struct shmdev_segment *segment)
{
	struct address_space *mapping = segment->inner->f_mapping;
	u32 count;

	i_mmap_lock_read(mapping);
	count = count_locked(mapping);
	i_mmap_unlock_read(mapping);
	return min(count, MAPPINGS_MAX);
}

static int compare_mm(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->mm != y->mm)
		return x->mm < y->mm ? -1 : 1;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return 0;
}

static void collect_locked(struct address_space *mapping, struct found *found)
{
	struct vm_area_struct *vma;
	unsigned long flags;

	for (vma = first_locked(mapping); vma; vma = next_locked(vma)) {
		found->mm = vma->vm_mm;
		found->offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
		found->bytes = vma->vm_end - vma->vm_start;
		/* mprotect() may be changing them: they are as of now. */
		flags = READ_ONCE(vma->vm_flags);
		if (flags & VM_READ)
			found->flags |= SHMDEV_MAPPING_F_READ;
		if (flags & VM_WRITE)
			found->flags |= SHMDEV_MAPPING_F_WRITE;
		/* VM_SHARED is clear where the file cannot be written to. */
		if (flags & VM_MAYSHARE)
			found->flags |= SHMDEV_MAPPING_F_SHARED;
		found++;
	}
}

/* The memory of a process, whose first thread may have ended before others. */
static struct mm_struct *process_mm(struct task_struct *process)
{
	struct task_struct *thread;
	struct mm_struct *mm;

	if (process->flags & PF_KTHREAD)
		return NULL;
	for_each_thread(process, thread) {
		mm = READ_ONCE(thread->mm);
		if (mm)
			return mm;
	}
	return NULL;
}

/* What is written out, and how much of it. */
struct result {
	struct shmdev_mapping *entries;
	u32 room;
	u32 count;
	u32 total;
};

/* The mappings of one process, or of one that is not (or no longer) listed. */
static void report(struct result *result, const struct found *found, u32 count,
		   struct task_struct *process)
{
	struct shmdev_mapping *entry;

	if (check_add_overflow(result->total, count, &result->total))
		result->total = U32_MAX;
	for (; count && result->count < result->room; count--, found++) {
		entry = &result->entries[result->count++];
		*entry = (struct shmdev_mapping){
			.offset = found->offset,
			.bytes = found->bytes,
			.flags = found->flags,
			.pid = process ? task_tgid_vnr(process) : 0,
		};
		if (entry->pid)
			get_task_comm(entry->comm, process);
	}
}

/* The index of the first VMA at or after @i that is not of @found[@i]'s memory. */
static u32 group_end(const struct found *found, u32 i, u32 count)
{
	const struct mm_struct *mm = found[i].mm;

	while (i < count && found[i].mm == mm)
		i++;
	return i;
}

/*
 * The VMAs are sorted by the memory they belong to, so each process finds its
 * own by bisection. A VMA in the tree keeps its mm_struct from being freed, so
 * while the tree is locked equal addresses mean the same memory.
 */
static void attribute_locked(struct address_space *mapping,
			     struct found *found, u32 count,
			     struct result *result)
{
	struct task_struct *process;
	struct mm_struct *mm;
	u32 i, low, high;

	lockdep_assert_held(&mapping->i_mmap_rwsem);
	rcu_read_lock();
	for_each_process(process) {
		mm = process_mm(process);
		if (!mm)
			continue;
		for (low = 0, high = count; low < high;) {
			i = low + (high - low) / 2;
			if (found[i].mm < mm)
				low = i + 1;
			else
				high = i;
		}
		if (low == count || found[low].mm != mm)
			continue;
		found[low].claimed = true;
		report(result, &found[low],
		       group_end(found, low, count) - low, process);
	}
	rcu_read_unlock();

	/* A fork under way, or memory whose last thread has gone. */
	for (low = 0; low < count; low = high) {
		high = group_end(found, low, count);
		if (!found[low].claimed)
			report(result, &found[low], high - low, NULL);
	}
}

/**
 * shmdev_mappings_get() - list who has a segment mapped
 * @segment: a referenced one
 * @count: in: entries wanted; out: entries in the array
 * @total: out: entries that there are
 *
 * Context: may sleep.
 * Return: an array for the caller to kvfree(), or an ERR_PTR: -ENOMEM, also if
 * there are more than MAPPINGS_MAX
 */
struct shmdev_mapping *
shmdev_mappings_get(const struct shmdev_segment *segment, u32 *count,
		    u32 *total)
{
	struct address_space *mapping = segment->inner->f_mapping;
	struct result result = { .room = min(*count, MAPPINGS_MAX) };
	struct found *found;
	u32 vmas, room;

	result.entries = kvcalloc(result.room, sizeof(*result.entries),
				  GFP_KERNEL_ACCOUNT);
	if (!result.entries)
		return ERR_PTR(-ENOMEM);

	/*
	 * Memory cannot be allocated under the lock, which reclaim takes too;
	 * so guess, look, and guess better until it is enough.
	 */
	for (vmas = shmdev_mappings_count(segment);;) {
		room = vmas + vmas / 8 + 16;
		found = kvcalloc(room, sizeof(*found), GFP_KERNEL_ACCOUNT);
		if (!found)
			break;

		i_mmap_lock_read(mapping);
		vmas = count_locked(mapping);
		if (vmas <= min(room, MAPPINGS_MAX)) {
			collect_locked(mapping, found);
			sort(found, vmas, sizeof(*found), compare_mm, NULL);
			attribute_locked(mapping, found, vmas, &result);
		}
		i_mmap_unlock_read(mapping);

		kvfree(found);
		if (vmas > MAPPINGS_MAX)
			break;
		if (vmas <= room) {
			*count = result.count;
			*total = result.total;
			return result.entries;
		}
	}
	kvfree(result.entries);
	return ERR_PTR(-ENOMEM);
}
