// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Handing records over. A ring's reader is woken once, when what waits for it crosses a threshold: a
 * wake-up for each record would cost the watched program microseconds each.
 */
#ifndef LAPWING_RING_H
#define LAPWING_RING_H

static __always_inline u64 ring__wakeup(void *ring, u64 size)
{
	u64 waiting = bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA);
	bool crosses = waiting < wake_at && waiting + size >= wake_at;
	return crosses ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

static __always_inline long ring__output(void *ring, void *record, u64 size)
{
	long error = bpf_ringbuf_output(ring, record, size, ring__wakeup(ring, size));
	count__add(error ? LW_COUNTERS : LW_RECORDS);
	return error;
}

/* Rings of calls are shared by neighbouring CPUs. */
static __always_inline long ring__output_call(void *record, u64 size)
{
	switch ((bpf_get_smp_processor_id() / 2) % ring_count) {
	case 1:
		return ring__output(&calls_1, record, size);
	case 2:
		return ring__output(&calls_2, record, size);
	case 3:
		return ring__output(&calls_3, record, size);
	case 4:
		return ring__output(&calls_4, record, size);
	case 5:
		return ring__output(&calls_5, record, size);
	case 6:
		return ring__output(&calls_6, record, size);
	case 7:
		return ring__output(&calls_7, record, size);
	default:
		return ring__output(&calls_0, record, size);
	}
}

#endif
