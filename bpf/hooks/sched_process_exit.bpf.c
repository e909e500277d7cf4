// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * A thread ends; with the last one, its process.
 */

/* linux/sched/signal.h */
#define SIGNAL_GROUP_EXIT 0x4

SEC("tp_btf/sched_process_exit")
int BPF_PROG(sched_process_exit, struct task_struct *task)
{
	u32 tgid = BPF_CORE_READ(task, tgid);
	struct signal_struct *signal = BPF_CORE_READ(task, signal);

	if (!scope__holds(task, tgid) || scope__is_kernels(task)) {
		if (keeps_made)
			made__forget(tgid);
		return 0;
	}
	if (BPF_CORE_READ(task, pid) != (int)tgid) {
		u32 thread = task__tid(task);
		bpf_map_delete_elem(&threads, &thread);
	}
	if (BPF_CORE_READ(signal, live.counter) != 0)
		return 0;
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	if (!scope__ends(leader, tgid))
		return 0;
	if (keeps_made)
		made__end(tgid);
	if (keeps_discarders)
		discard__end_process(tgid);
	struct lw_record *r = bpf_ringbuf_reserve(&lifecycle, sizeof(*r), 0);
	if (!r) {
		count__add(LW_LOST_LIFECYCLE);
		return 0;
	}
	record__fill(r, LW_EXIT, 0);
	record__mark(r, leader);
	r->size = sizeof(*r);
	r->pid = task__tid(leader);
	r->tid = r->pid;
	/* What wait(2) will say (wait_task_zombie of kernel/exit.c). */
	r->result = BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT ? BPF_CORE_READ(signal, group_exit_code)
								      : BPF_CORE_READ(leader, exit_code);
	bpf_ringbuf_submit(r, ring__wakeup(&lifecycle, sizeof(*r)));
	count__add(LW_RECORDS);
	return 0;
}
