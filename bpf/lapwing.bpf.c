// SPDX-License-Identifier: Apache-2.0 OR MIT
/* Everything as one object: the compiler sees all of it at once, and there is nothing to link. */
#include "abi.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct task_struct {
	int tgid;
} __attribute__((preserve_access_index));

struct linux_binprm;

/* One entry. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lapwing_counts);
} counts SEC(".maps");

SEC("tp_btf/sched_process_exec")
int BPF_PROG(count_exec, struct task_struct *task, int old_pid, struct linux_binprm *program)
{
	__u32 zero = 0;
	struct lapwing_counts *here = bpf_map_lookup_elem(&counts, &zero);

	if (!here)
		return 0;
	here->execs++;
	here->last_pid = (__u32)task->tgid;
	return 0;
}
