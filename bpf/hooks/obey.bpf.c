// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * What user space wants done about discarders. It is attached to nothing: user space runs it, one run at
 * a time, with an order in place of a tracepoint's arguments (BPF_PROG_TEST_RUN, 5.10).
 */

SEC("raw_tp/obey")
int obey(u64 *order)
{
	u32 what = order[0], type = order[3], any = LW_CELL_DISCARDERS;
	struct lw_inode_key key = {.inode = order[1], .mount = order[2], .leaf = order[5]};
	u64 timeout = order[4], moment = order[6];
	u32 process = key.inode, answer;
	bool counts_process = what == LW_ORDER_PUSH_PID;
	u32 *discarders = bpf_map_lookup_elem(&filter_cells, &any);

	if (!discarders)
		return LW_ANSWER_NO_ROOM;
	if (what == LW_ORDER_FLUSH) {
		discard__bump_all();
		*discarders = 0;
		return LW_ANSWER_DONE;
	}
	if (discard__cell(LW_CELL_UNSEEN))
		return LW_ANSWER_UNSEEN;
	if (what == LW_ORDER_EXPIRE) {
		discard__expire(key.inode, key.mount);
		return LW_ANSWER_DONE;
	}
	if (counts_process) {
		/* Of a process and what it runs, or of whatever has its number. */
		struct lw_discarder *other = bpf_map_lookup_elem(&pid_discarders, &process);
		if (moment && other && other->mark != moment)
			bpf_map_delete_elem(&pid_discarders, &process);
		answer = discard__add(&pid_discarders, &process, 0, 0, type, timeout, 0, moment);
		if (answer == LW_ANSWER_OUTDATED)
			discard__end_process(process);
	} else {
		u32 *parents = discard__parents(key.mount), first = 0;
		struct place *own = bpf_map_lookup_elem(&own_root, &first), root;
		/* Runs in the task that asks for it. Only once: where it was then, paths are looked up. */
		if (own && !own->dentry) {
			place__read_root(&root);
			own->mount = root.mount;
			own->dentry = root.dentry;
		}
		if (parents && !key.leaf)
			*parents = 1;
		answer = discard__add(&inode_discarders, &key, key.inode, key.mount, type, timeout, moment, 0);
		if (answer == LW_ANSWER_OUTDATED)
			discard__expire(key.inode, key.mount);
	}
	if (answer != LW_ANSWER_DONE)
		return answer;
	*discarders = 1;
	/* Sight was lost meanwhile. */
	if (discard__cell(LW_CELL_UNSEEN)) {
		upkeep__give_up();
		return LW_ANSWER_UNSEEN;
	}
	struct lw_filter_counts *counts = discard__counts(counts_process ? 0 : type & (LW_FILTERED - 1));
	if (counts)
		counts->added += 1;
	return LW_ANSWER_DONE;
}
