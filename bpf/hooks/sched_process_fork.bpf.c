// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * A process or thread was made and does not run yet. The children of whom one names are observed with it.
 */

SEC("tp_btf/sched_process_fork")
int BPF_PROG(sched_process_fork, struct task_struct *maker, struct task_struct *child)
{
	u32 maker_tgid = BPF_CORE_READ(maker, tgid), tgid = BPF_CORE_READ(child, tgid), one = 1;

	bool observed = scope__holds(maker, maker_tgid);
	if (scope == LW_SCOPE_TREE && !observed)
		return 0;
	if (maker_tgid == tgid) {
		if (!observed)
			return 0;
		u32 thread = task__tid(child), process = task__pid(child);
		if (bpf_map_update_elem(&threads, &thread, &process, 0))
			count__add(LW_THREADS_FULL);
		return 0;
	}
	if (scope__is_kernels(child))
		return 0;
	if (!observed || scope__is_kernels(maker)) {
		if (scope__holds(child, tgid))
			enter__put(FORK, child, ENTER_TELL);
		return 0;
	}
	if (keeps_discarders) {
		discard__begin_process(tgid);
		/* Copies of mounts have ids that others may have had. */
		if (BPF_CORE_READ(maker, nsproxy, mnt_ns) != BPF_CORE_READ(child, nsproxy, mnt_ns))
			discard__bump_all();
	}
	if (scope == LW_SCOPE_TREE && bpf_map_update_elem(&tree, &tgid, &one, 0))
		count__add(LW_TREE_FULL);
	struct lw_record *r = bpf_ringbuf_reserve(&lifecycle, sizeof(*r), 0);
	if (!r) {
		enter__put(FORK, child, ENTER_KEEP);
		return 0;
	}
	/* With CLONE_PARENT it is not the maker. */
	struct task_struct *parent = BPF_CORE_READ(child, real_parent);
	record__fill(r, LW_FORK, 0);
	record__mark(r, parent);
	r->size = sizeof(*r);
	r->pid = task__pid(parent);
	r->tid = parent == BPF_CORE_READ(maker, group_leader) ? task__tid(maker) : task__tid(parent);
	r->result = task__tid(child);
	bpf_ringbuf_submit(r, ring__wakeup(&lifecycle, sizeof(*r)));
	count__add(LW_RECORDS);
	return 0;
}
