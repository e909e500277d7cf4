// SPDX-License-Identifier: Apache-2.0 OR MIT
/* What programs and user space exchange. Padding is explicit, and the layout is checked on both sides. */
#pragma once

typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef unsigned short __u16;
typedef unsigned char __u8;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

enum { BPF_MAP_TYPE_PERCPU_ARRAY = 6 };

/* What the programs counted, one per CPU. */
struct lapwing_counts {
	__u64 execs;
	__u32 last_pid;
	__u32 reserved;
};

_Static_assert(sizeof(struct lapwing_counts) == 16, "mirrored in Rust");
