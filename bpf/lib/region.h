// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Reading several members of a structure at once. A read of the kernel's memory costs about as much
 * whether it is of 8 or of 100 bytes, and an opened file is described by some twenty members of four
 * structures. Where the members are is known when the programs are loaded; should they ever be too far
 * apart for the region, they are read one by one, and the verifier never sees the other way.
 */
#ifndef LAPWING_REGION_H
#define LAPWING_REGION_H

/* Where a member is, and whether it ends within a region of `size` bytes that begins at `base`. */
#define region__within(base, size, type, member)                                                                       \
	(bpf_core_field_offset(type, member) >= (base) &&                                                              \
	 bpf_core_field_offset(type, member) + bpf_core_field_size(((type *)0)->member) <= (base) + (size))

/* A member out of a region that was read. */
#define region__get(region, base, type, member)                                                                        \
	(*(typeof(((type *)0)->member) *)((u8 *)(region) + (bpf_core_field_offset(type, member) - (base))))

#endif
