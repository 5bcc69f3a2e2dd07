// SPDX-License-Identifier: GPL-2.0-only
/*
 * Endpoints: the kernel parties of segments.
 *
 * An endpoint may go at any time, its module unloaded, while processes use the
 * segments that it serves. Then each of these is detached, under the lock that
 * every call into the endpoint holds, and later kicks fail with ESHUTDOWN. So
 * no segment pins the module of its endpoint.
 *
 * A segment is in its endpoint's list from attach to detach, and both happen
 * under endpoints_lock. So when an endpoint has emptied its list, none that is
 * still being created, and none that is being destroyed, can call it any more;
 * and one in the list cannot be freed under that lock.
 */
#include <linux/lockdep.h>
#include <linux/module.h>

#include "shmdev.h"
#include "trace.h"

static DEFINE_MUTEX(endpoints_lock);
/* Under endpoints_lock. */
static LIST_HEAD(endpoints);

static struct shmdev_endpoint *endpoint_find_locked(const char *name)
{
	struct shmdev_endpoint *endpoint;

	lockdep_assert_held(&endpoints_lock);
	list_for_each_entry(endpoint, &endpoints, link)
		if (!strcmp(endpoint->name, name))
			return endpoint;
	return NULL;
}

/**
 * shmdev_endpoint_register() - offer to serve segments
 * @endpoint: in memory that lives until it is unregistered
 *
 * Context: may sleep.
 * Return: 0, -EEXIST if the name is taken, -EINVAL if it is not well-formed
 */
int shmdev_endpoint_register(struct shmdev_endpoint *endpoint)
{
	int ret = 0;

	if (!endpoint->name || !*endpoint->name ||
	    shmdev_names_check(endpoint->name, SHMDEV_ENDPOINT_SIZE))
		return -EINVAL;

	INIT_LIST_HEAD(&endpoint->segments);
	mutex_lock(&endpoints_lock);
	if (endpoint_find_locked(endpoint->name))
		ret = -EEXIST;
	else
		list_add_tail(&endpoint->link, &endpoints);
	mutex_unlock(&endpoints_lock);
	return ret;
}
EXPORT_SYMBOL_GPL(shmdev_endpoint_register);

/* The one way for a segment to lose its endpoint; waits for a kick under way. */
static void detach_locked(struct shmdev_segment *segment)
{
	const struct shmdev_endpoint *endpoint;

	lockdep_assert_held(&endpoints_lock);
	mutex_lock(&segment->endpoint_lock);
	endpoint = segment->endpoint;
	if (endpoint) {
		if (endpoint->detach)
			endpoint->detach(segment);
		shmdev_peer_detach(segment);
		WRITE_ONCE(segment->endpoint, NULL);
		list_del(&segment->by_endpoint);
	}
	mutex_unlock(&segment->endpoint_lock);
}

/**
 * shmdev_endpoint_unregister() - stop serving segments
 * @endpoint: a registered one
 *
 * When this returns, no call into the endpoint is under way and none will
 * come: each of its segments has been detached. Their memory stays with the
 * processes that use it.
 *
 * Context: may sleep; waits for kicks under way, so not from within one. While
 * it waits, no segment with an endpoint, whichever, comes or goes.
 */
void shmdev_endpoint_unregister(struct shmdev_endpoint *endpoint)
{
	struct shmdev_segment *segment, *next;

	mutex_lock(&endpoints_lock);
	list_del(&endpoint->link);
	list_for_each_entry_safe(segment, next, &endpoint->segments,
				 by_endpoint)
		detach_locked(segment);
	mutex_unlock(&endpoints_lock);
}
EXPORT_SYMBOL_GPL(shmdev_endpoint_unregister);

/**
 * shmdev_endpoint_bind() - attach a new segment to the endpoint it names
 * @segment: one with memory, known to its creator only
 *
 * Context: may sleep.
 * Return: 0, -ENOPROTOOPT if there is no such endpoint, -ENOMEM, -EINTR if the
 * caller was killed meanwhile, or what its attach returns
 */
int shmdev_endpoint_bind(struct shmdev_segment *segment)
{
	struct shmdev_endpoint *endpoint;
	int ret;

	if (!*segment->endpoint_name)
		return 0;
	ret = shmdev_backing_pin(segment);
	if (ret)
		return ret;

	if (mutex_lock_killable(&endpoints_lock))
		return -EINTR;
	mutex_lock(&segment->endpoint_lock);
	endpoint = endpoint_find_locked(segment->endpoint_name);
	ret = endpoint ? shmdev_peer_attach(segment) : -ENOPROTOOPT;
	if (!ret && endpoint->attach) {
		ret = endpoint->attach(segment);
		if (ret)
			shmdev_peer_detach(segment);
	}
	if (!ret) {
		segment->bound = true;
		WRITE_ONCE(segment->endpoint, endpoint);
		list_add_tail(&segment->by_endpoint, &endpoint->segments);
	}
	mutex_unlock(&segment->endpoint_lock);
	mutex_unlock(&endpoints_lock);
	return ret;
}

/**
 * shmdev_endpoint_unbind() - detach a segment from its endpoint, if any
 * @segment: one that is being destroyed
 *
 * Context: may sleep.
 */
void shmdev_endpoint_unbind(struct shmdev_segment *segment)
{
	/*
	 * One that never was in a list must not wait for an endpoint that goes,
	 * since its creator may have been killed while it waited for that.
	 */
	if (!segment->bound)
		return;
	mutex_lock(&endpoints_lock);
	detach_locked(segment);
	mutex_unlock(&endpoints_lock);
}

/* Had it an endpoint that is no more? Good for a report only. */
bool shmdev_endpoint_gone(const struct shmdev_segment *segment)
{
	return *segment->endpoint_name && !READ_ONCE(segment->endpoint);
}

/**
 * shmdev_endpoint_kick() - let a segment's endpoint look
 * @segment: a referenced one
 * @argument: from the process
 *
 * Context: may sleep.
 * Return: what the endpoint returns, -ENOTCONN if there never was one,
 * -ESHUTDOWN if it has gone, -ERESTARTSYS
 */
int shmdev_endpoint_kick(struct shmdev_segment *segment, u64 argument)
{
	const struct shmdev_endpoint *endpoint;
	int ret = 0;

	if (!*segment->endpoint_name)
		return -ENOTCONN;
	if (mutex_lock_interruptible(&segment->endpoint_lock))
		return -ERESTARTSYS;
	endpoint = segment->endpoint;
	if (endpoint) {
		atomic64_inc(&segment->kicks);
		if (endpoint->kick)
			ret = endpoint->kick(segment, argument);
	} else {
		ret = -ESHUTDOWN;
	}
	mutex_unlock(&segment->endpoint_lock);

	trace_shmdev_kick(segment, argument, ret);
	if (ret >= 0)
		shmdev_segment_notify(segment);
	return ret;
}

/**
 * shmdev_segment_private() - the endpoint's own data of a segment
 * @segment: one that the calling endpoint is attached to
 *
 * Context: within the endpoint's callbacks, or where the endpoint itself keeps
 * detach from running.
 */
void *shmdev_segment_private(const struct shmdev_segment *segment)
{
	return segment->private;
}
EXPORT_SYMBOL_GPL(shmdev_segment_private);

/**
 * shmdev_segment_set_private() - keep the endpoint's own data of a segment
 * @segment: one that the calling endpoint is attached to
 * @data: what shmdev_segment_private() shall return
 *
 * Context: within the endpoint's callbacks.
 */
void shmdev_segment_set_private(struct shmdev_segment *segment, void *data)
{
	lockdep_assert_held(&segment->endpoint_lock);
	segment->private = data;
}
EXPORT_SYMBOL_GPL(shmdev_segment_set_private);
