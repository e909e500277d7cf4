// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * The processes that run, each by its numbers: those that are observed, or all where user space says whom to
 * observe. Whoever reads the iterator gets them as struct lw_numbers, one after the other. Not loaded where
 * nobody has to be found.
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

SEC("iter/task")
int iter_task(struct bpf_iter__task *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;

	/* Once more at the end, with none. */
	if (!task)
		return 0;
	u32 number = BPF_CORE_READ(task, pid), process = BPF_CORE_READ(task, tgid);
	/* Not of its other threads, and not of what has ended and was not waited for. */
	if (number != process || scope__is_kernels(task) || !BPF_CORE_READ(task, signal, live.counter))
		return 0;
	struct lw_numbers numbers = {.pid = task__pid(task), .tgid = process};
	numbers.ppid = task__pid(BPF_CORE_READ(task, real_parent));
	if (numbers.pid && (scope == LW_SCOPE_TREE || scope__holds(task, process)))
		bpf_seq_write(seq, &numbers, sizeof(numbers));
	return 0;
}
