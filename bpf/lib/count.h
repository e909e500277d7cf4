// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Nothing is lost without being counted, nor left out.
 */
#ifndef LAPWING_COUNT_H
#define LAPWING_COUNT_H

static __always_inline void count__add(u32 counter)
{
	u64 *value = bpf_map_lookup_elem(&counters, &counter);
	if (value)
		*value += 1;
}

static __always_inline void count__lost(u32 row)
{
	u64 *value = bpf_map_lookup_elem(&lost, &row);
	if (value)
		*value += 1;
}

static __always_inline void count__unasked(u32 row)
{
	u64 *value = bpf_map_lookup_elem(&unasked, &row);
	if (value)
		*value += 1;
}

#endif
