// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * An io_uring takes an operation. What it names is looked up now, as before a system call; the rest follows
 * when it is complete. Other programs than those that use io_uring never come here.
 */

/* What an argument of the operation names. Returns LW_OPERATION_*. */
__noinline int submit__put_argument(u32 user, u32 index)
{
	struct scratch *s = record__scratch(user);
	u32 flags = 0;

	if (!s || index > 5)
		return 0;
	struct call *call = &s->call;
	struct lw_descriptor *d = call__descriptor(call->descriptor);
	if (!d)
		return 0;
	struct lw_argument *a = &d->args[index];
	u64 value = call__arg(call, index);

	switch (a->role) {
	case LW_ROLE_DATA:
		flags = uring__put_address(s, s->operation.request, index, value, call__stated(a, call, index, a->size));
		break;
	case LW_ROLE_TEXT:
	case LW_ROLE_PATH:
		if (value)
			record__put_copied_text(s, index, value, a->size);
		if (a->role == LW_ROLE_PATH)
			call__put_path(user, index);
		if (a->flags & LW_ARG_CREATE)
			uring__keep_name(s, a->slot);
		break;
	default:
		return 0;
	}
	/* An address of the kernel's is nobody's business. */
	s->operation.args[index] = 0;
	return flags;
}

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(io_uring_submit_req, struct io_kiocb *request)
{
	u32 index = BPF_CORE_READ(request, opcode), tgid = bpf_get_current_pid_tgid() >> 32;

	index = LW_FIRST_OPERATION + (index < LW_OPERATIONS ? index : LW_OPERATIONS - 1);
	struct lw_descriptor *d = call__descriptor(index);
	if (!d || !(d->flags & LW_CALL_ENABLED))
		return 0;
	if (!scope__holds_current())
		return 0;
	/* It removes, renames or links something at some time from now on. */
	if (keeps_discarders && (d->flags & LW_CALL_UNSEEN))
		upkeep__give_up();
	if (d->flags & LW_CALL_QUIET)
		return 0;
	if (d->flags & LW_CALL_OPAQUE) {
		uring__tell(d);
		return 0;
	}
	struct scratch *s = record__scratch(URING_SUBMIT);
	if (!s)
		return 0;
	struct call *call = &s->call;
	volatile struct operation *o = &s->operation;
	call->descriptor = index;
	call->interface = LW_NATIVE;
	/* What is written to memory of a map comes back as a number. */
	o->request = (u64)request;
	u64 address = o->request;
	for (u32 i = 0; i < 6; i++) {
		u64 value = uring__value(address, d->args[i].place);
		call->args[i] = value;
		o->args[i] = value;
	}
	if (!call__is_wanted(d, call))
		return 0;
	int reason = filter__begin(URING_SUBMIT);
	if (reason) {
		filter__count(&s->filter, reason);
		return 0;
	}
	record__begin(s, LW_URING, d->row);
	struct lw_record *r = record__head(s);
	u32 submitted = BPF_CORE_READ(request, flags);
	o->tgid = tgid;
	o->pid = r->pid;
	o->tid = r->tid;
	o->descriptor = index;
	o->token = r->time << 10 | (bpf_get_smp_processor_id() & 1023);
	o->result_slot = uring__value(address, d->result_slot);
	o->name_length = 0;
	o->ring = (u64)BPF_CORE_READ(request, ctx);
	o->user_data = BPF_CORE_READ(request, cqe.user_data);
	o->many = (d->flags & LW_CALL_MAKES_SOCKET) && (uring__read(io_accept, iou_flags) & IORING_ACCEPT_MULTISHOT);
	u32 flags = 0;
	for (u32 i = 0; i < 6; i++) {
		if (d->args[i].role != LW_ROLE_NONE)
			flags |= submit__put_argument(URING_SUBMIT, i);
	}
	bool quiet = submitted & IOSQE_CQE_SKIP_SUCCESS;
	if (s->filter.asks && filter__drops(URING_SUBMIT))
		return 0;
	for (u32 i = 0; i < 6; i++)
		r->args[i] = o->args[i];
	uring__put_operation(s, o->token, flags | (quiet ? LW_OPERATION_QUIET : 0));
	if (!quiet) {
		struct operation_key key = {.object = o->request};
		long error = bpf_map_update_elem(&operations, &key, &s->operation, 0);
		if (!error && o->many) {
			key.object = o->ring;
			key.data = o->user_data;
			error = bpf_map_update_elem(&operations, &key, &s->operation, 0);
		}
		if (error)
			count__add(LW_OPERATIONS_FULL);
	}
	if (ring__output_call(s->bytes, record__size(s))) {
		count__add(quiet ? LW_LOST_CALLS : LW_LOST_EARLY);
		if (quiet)
			count__lost(d->row);
	}
	return 0;
}
