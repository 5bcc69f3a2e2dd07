/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: what happens to segments, for perf, trace-cmd and bpftrace.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM shmdev

#if !defined(_SHMDEV_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _SHMDEV_TRACE_H

#include <linux/tracepoint.h>

#include "shmdev.h"

DECLARE_EVENT_CLASS(shmdev_segment,
	TP_PROTO(const struct shmdev_segment *segment),
	TP_ARGS(segment),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, bytes)
		__array(char, name, SHMDEV_NAME_SIZE)
		__array(char, endpoint, SHMDEV_ENDPOINT_SIZE)
	),
	TP_fast_assign(
		__entry->id = segment->id;
		__entry->bytes = segment->bytes;
		memcpy(__entry->name, segment->name, SHMDEV_NAME_SIZE);
		memcpy(__entry->endpoint, segment->endpoint_name,
		       SHMDEV_ENDPOINT_SIZE);
	),
	TP_printk("id=%llu bytes=%llu name=%s endpoint=%s", __entry->id,
		  __entry->bytes, __entry->name, __entry->endpoint)
);

DEFINE_EVENT(shmdev_segment, shmdev_create,
	TP_PROTO(const struct shmdev_segment *segment),
	TP_ARGS(segment)
);

DEFINE_EVENT(shmdev_segment, shmdev_remove,
	TP_PROTO(const struct shmdev_segment *segment),
	TP_ARGS(segment)
);

TRACE_EVENT(shmdev_open,
	TP_PROTO(const struct shmdev_segment *segment, bool read, bool write),
	TP_ARGS(segment, read, write),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(bool, read)
		__field(bool, write)
	),
	TP_fast_assign(
		__entry->id = segment->id;
		__entry->read = read;
		__entry->write = write;
	),
	TP_printk("id=%llu access=%s%s", __entry->id,
		  __entry->read ? "r" : "", __entry->write ? "w" : "")
);

TRACE_EVENT(shmdev_map,
	TP_PROTO(const struct shmdev_segment *segment, u64 offset, u64 bytes),
	TP_ARGS(segment, offset, bytes),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, offset)
		__field(u64, bytes)
	),
	TP_fast_assign(
		__entry->id = segment->id;
		__entry->offset = offset;
		__entry->bytes = bytes;
	),
	TP_printk("id=%llu offset=%llu bytes=%llu", __entry->id,
		  __entry->offset, __entry->bytes)
);

TRACE_EVENT(shmdev_kick,
	TP_PROTO(const struct shmdev_segment *segment, u64 argument, int ret),
	TP_ARGS(segment, argument, ret),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, argument)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->id = segment->id;
		__entry->argument = argument;
		__entry->ret = ret;
	),
	TP_printk("id=%llu argument=%llu ret=%d", __entry->id,
		  __entry->argument, __entry->ret)
);

TRACE_EVENT(shmdev_wait,
	TP_PROTO(const struct shmdev_segment *segment, u64 offset,
		 u32 expected),
	TP_ARGS(segment, offset, expected),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, offset)
		__field(u32, expected)
	),
	TP_fast_assign(
		__entry->id = segment->id;
		__entry->offset = offset;
		__entry->expected = expected;
	),
	TP_printk("id=%llu offset=%llu expected=%u", __entry->id,
		  __entry->offset, __entry->expected)
);

TRACE_EVENT(shmdev_wake,
	TP_PROTO(const struct shmdev_segment *segment, u64 offset, u32 woken),
	TP_ARGS(segment, offset, woken),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, offset)
		__field(u32, woken)
	),
	TP_fast_assign(
		__entry->id = segment->id;
		__entry->offset = offset;
		__entry->woken = woken;
	),
	TP_printk("id=%llu offset=%llu woken=%u", __entry->id,
		  __entry->offset, __entry->woken)
);

TRACE_EVENT(shmdev_join,
	TP_PROTO(const struct shmdev_segment *segment, u64 peer),
	TP_ARGS(segment, peer),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, peer)
	),
	TP_fast_assign(
		__entry->id = segment->id;
		__entry->peer = peer;
	),
	TP_printk("id=%llu peer=%llu", __entry->id, __entry->peer)
);

TRACE_EVENT(shmdev_end,
	TP_PROTO(const struct shmdev_segment *segment, u64 peer, u32 state,
		 u32 status),
	TP_ARGS(segment, peer, state, status),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, peer)
		__field(u32, state)
		__field(u32, status)
	),
	TP_fast_assign(
		__entry->id = segment->id;
		__entry->peer = peer;
		__entry->state = state;
		__entry->status = status;
	),
	TP_printk("id=%llu peer=%llu state=%u status=%u", __entry->id,
		  __entry->peer, __entry->state, __entry->status)
);

TRACE_EVENT(shmdev_isolate,
	TP_PROTO(const struct shmdev_segment *segment, u64 offset, u64 bytes,
		 bool claimable),
	TP_ARGS(segment, offset, bytes, claimable),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, offset)
		__field(u64, bytes)
		__field(bool, claimable)
	),
	TP_fast_assign(
		__entry->id = segment->id;
		__entry->offset = offset;
		__entry->bytes = bytes;
		__entry->claimable = claimable;
	),
	TP_printk("id=%llu offset=%llu bytes=%llu claimable=%u", __entry->id,
		  __entry->offset, __entry->bytes, __entry->claimable)
);

TRACE_EVENT(shmdev_claim,
	TP_PROTO(const struct shmdev_segment *segment, u64 offset),
	TP_ARGS(segment, offset),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, offset)
	),
	TP_fast_assign(
		__entry->id = segment->id;
		__entry->offset = offset;
	),
	TP_printk("id=%llu offset=%llu", __entry->id, __entry->offset)
);

#endif /* _SHMDEV_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
