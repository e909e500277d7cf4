// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * The kernel's own number of a process that Lapwing knows by the number in its own pid namespace. Whoever
 * reads the iterator gets it as four bytes, or nothing if there is no such process. Only loaded in a pid
 * namespace below the initial one; it compares, and observes nothing.
 */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#pragma clang attribute pop

/* The process that is looked for, as numbered in Lapwing's pid namespace. */
const volatile u32 sought_process = 0;

SEC("iter/task")
int iter_task(struct bpf_iter__task *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;

	/* Once more at the end, with none. */
	if (!task)
		return 0;
	u32 number = BPF_CORE_READ(task, pid), process = BPF_CORE_READ(task, tgid);
	/* Not of its other threads. */
	if (number == process && task__pid(task) == sought_process)
		bpf_seq_write(seq, &process, sizeof(process));
	return 0;
}
