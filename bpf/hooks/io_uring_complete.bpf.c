// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * An operation of an io_uring is complete: what success has made is there, and what it was submitted with
 * is known. The thread may be one that the kernel made for the ring; it is one of the process's.
 */

/* The file that an argument is about. */
static __always_inline struct file *complete__file(struct operation *o, struct lw_argument *a, u64 value, u32 flags)
{
	struct io_kiocb *request = (struct io_kiocb *)o->request;

	if (a->place == LW_PLACE_FILE)
		return BPF_CORE_READ(request, file);
	/* Of a splice: whether its source is a fixed file, its own flags tell. */
	if (flags & SPLICE_F_FD_IN_FIXED)
		return uring__fixed(o->ring, value);
	return file__of(value);
}

/* What an argument is about. */
__noinline int complete__put_argument(u32 user, u32 index)
{
	struct scratch *s = record__scratch(user);

	if (!s || index > 5)
		return 0;
	struct call *call = &s->call;
	struct lw_descriptor *d = call__descriptor(call->descriptor);
	if (!d)
		return 0;
	struct lw_argument *a = &d->args[index];
	u32 flags = d->flags_arg < 6 ? call__arg(call, d->flags_arg) : 0;

	struct file *file = complete__file(&s->operation, a, call__arg(call, index), flags);
	if (!file)
		return 0;
	if (a->role == LW_ROLE_FD)
		file__put_open(user, a->slot, file);
	else
		socket__put_kind(s, file);
	return 0;
}

/* What success has made. */
__noinline int complete__put_result(u32 user, u32 result)
{
	struct scratch *s = record__scratch(user);

	if (!s)
		return 0;
	struct operation *o = &s->operation;
	struct lw_descriptor *d = call__descriptor(o->descriptor);
	u32 slot = o->result_slot;
	struct file *made;

	if (!d)
		return 0;
	if (d->flags & (LW_CALL_MAKES_FILE | LW_CALL_MAKES_SOCKET)) {
		if (slot)
			made = uring__fixed(o->ring, slot == IORING_FILE_INDEX_ALLOC ? result : slot - 1);
		else
			made = file__of(result);
		if (!made)
			return 0;
		if (d->flags & LW_CALL_MAKES_FILE)
			file__put_open(user, 0, made);
		else
			socket__put_peer(s, made);
	}
	return uring__put_made(user);
}

SEC("tp_btf/io_uring_complete")
int BPF_PROG(io_uring_complete, u64 ring, u64 request, u64 third)
{
	struct operation_key key = {.object = request};
	struct io_uring_cqe entry = {};
	int result;

	/* One of many completions. Since 6.15 the third argument is the completion, the last that was taken off the
	 * ring's unused ones. */
	if (!request) {
		u64 unused = (u64)BPF_CORE_READ((struct io_ring_ctx *)ring, cqe_cached);
		if (third + 16 != unused && third + 32 != unused)
			return 0;
		bpf_probe_read_kernel(&entry, sizeof(entry), (void *)third);
		key.object = ring;
		key.data = entry.user_data;
	}
	struct operation *found = bpf_map_lookup_elem(&operations, &key);
	if (!found)
		return 0;
	struct scratch *s = record__scratch(URING_COMPLETE);
	struct lw_descriptor *d = call__descriptor(found->descriptor);
	if (!s || !d)
		return 0;
	struct operation *o = &s->operation;
	bpf_probe_read_kernel(o, sizeof(*o), found);
	result = request ? BPF_CORE_READ((struct io_kiocb *)request, cqe.res) : entry.res;
	s->call.descriptor = o->descriptor;
	s->call.interface = LW_NATIVE;
	__builtin_memcpy(s->call.args, o->args, sizeof(o->args));
	/* That was asked when it was submitted. */
	s->filter.asks = 0;
	record__begin(s, LW_URING_END, d->row);
	struct lw_record *r = record__head(s);
	r->pid = o->pid;
	r->tid = o->tid;
	r->result = result;
	__builtin_memcpy(r->args, o->args, sizeof(r->args));
	/* Of a process that has ended, the kernel finishes what it left. */
	if (call__is_reported(d, result) && bpf_get_current_pid_tgid() >> 32 == o->tgid) {
		for (u32 i = 0; i < 6; i++) {
			if (d->args[i].role == LW_ROLE_FD || d->args[i].role == LW_ROLE_SOCKET)
				complete__put_argument(URING_COMPLETE, i);
		}
		if (result >= 0)
			complete__put_result(URING_COMPLETE, result);
	}
	uring__put_operation(s, o->token, 0);
	if (request) {
		bpf_map_delete_elem(&operations, &key);
		if (o->many) {
			key.object = o->ring;
			key.data = o->user_data;
			bpf_map_delete_elem(&operations, &key);
		}
	}
	if (ring__output_call(s->bytes, record__size(s))) {
		count__add(LW_LOST_CALLS);
		count__lost(d->row);
	}
	return 0;
}
