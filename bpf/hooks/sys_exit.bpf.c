// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * A system call returns. Its arguments are still in the registers and its result is known, so that one
 * hook sees everything, and a failed lookup costs nanoseconds.
 */

SEC("tp_btf/sys_exit")
int BPF_PROG(sys_exit, struct pt_regs *regs, long result)
{
	u32 number = call__number(regs);
	u8 interface;

	/* Whoever makes the call, most calls end here. */
	if (!call__is_in(LW_SET_WANTED, number))
		return 0;
	u32 index = call__index(number, &interface);
	struct lw_descriptor *d = call__descriptor(index);
	bool failed = call__failed(result);

	if (!d || !(d->flags & LW_CALL_ENABLED))
		return 0;
	if (!scope__holds_current())
		return 0;
	/* The new program is seen where it begins. */
	if ((d->flags & LW_CALL_PROGRAM) && !failed)
		return 0;
	if (!(d->flags & LW_CALL_INDIRECT) && !call__is_reported(d, result))
		return 0;
	struct scratch *s = record__scratch(SYS_EXIT);
	if (!s)
		return 0;
	struct call *call = &s->call;
	call->descriptor = index;
	call->interface = interface;
	call__read(call, regs);
	if (!call__is_wanted(d, call)) {
		count__unasked(d->row);
		return 0;
	}
	if (d->flags & LW_CALL_INDIRECT) {
		d = call__redirect(d, call);
		if (!d || !call__is_reported(d, result) || !call__is_wanted(d, call))
			return 0;
	}
	int reason = filter__begin(SYS_EXIT);
	struct filter *filter = &s->filter;
	bool quiet = filter__is_quiet(d, filter);
	/* What it did to discarders matters in any case. */
	bool concerns = keeps_discarders && !failed && ((filter->asks & FILTER_IDENTITY) || (d->flags & LW_CALL_UPHEAVAL));
	if (keeps_discarders && (d->flags & LW_CALL_UNSEEN) && !failed)
		upkeep__give_up();
	if ((reason || quiet) && !concerns) {
		if (reason)
			filter__count(filter, reason);
		return 0;
	}
	if (filter->asks && looks_early && (d->flags & LW_CALL_EARLY))
		filter__recall(SYS_EXIT);
	bool made = (d->flags & LW_CALL_MAKES_FILE) && !failed;
	/* Before anything else is looked at: most files have no name that anybody asks for. */
	if (made && !concerns && (filter->asks & FILTER_DENIED) && file__look_at_open(SYS_EXIT, (u32)result) &&
	    (filter->found & FILTER_UNNAMED) && filter__drops(SYS_EXIT))
		return 0;
	bool moved = (d->flags & LW_CALL_NEW_CWD) && !failed;
	record__begin(s, LW_CALL, d->row);
	struct lw_record *r = record__head(s);
	record__mark_current(r);
	r->interface = interface;
	r->result = result;
	__builtin_memcpy(r->args, call->args, sizeof(r->args));
	if (made) {
		struct file *file = file__made((u32)result);
		if (file)
			file__put_open(SYS_EXIT, 0, file);
		if (file && (d->flags & LW_CALL_MAKES_MOUNT)) {
			struct place place;
			place__read(&file->f_path, &place);
			file__put_root(SYS_EXIT, place.mount);
		}
	}
	/* Already known, and so nothing else is captured. */
	if (!concerns && (filter->found & (FILTER_DISCARDED | FILTER_UNNAMED)) && filter__drops(SYS_EXIT))
		return 0;
	for (u32 i = 0; i < 6; i++) {
		if (d->args[i].role == LW_ROLE_NONE)
			continue;
		call__put_argument(SYS_EXIT, i);
		if (d->args[i].role == LW_ROLE_PATH && !moved && (!made || d->args[i].slot))
			call__put_path(SYS_EXIT, i);
	}
	if (moved) {
		struct place place;
		path__directory(s, &place);
		file__put(SYS_EXIT, LW_PART_LATE << 8, place.dentry, place.mount, 0);
	}
	if ((d->flags & LW_CALL_MAKES_SOCKET) && !failed)
		socket__put_peer(s, file__of(result));
	if ((d->flags & LW_CALL_CREDENTIALS) && !failed)
		record__put_credentials(s, (struct task_struct *)bpf_get_current_task());
	if (concerns)
		upkeep__after(SYS_EXIT);
	if (reason)
		filter__count(filter, reason);
	if (reason || quiet || filter__drops(SYS_EXIT))
		return 0;
	if (ring__output_call(s->bytes, record__size(s))) {
		count__add(LW_LOST_CALLS);
		count__lost(d->row);
	}
	return 0;
}
