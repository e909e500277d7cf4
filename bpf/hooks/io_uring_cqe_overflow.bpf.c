// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * A ring has no room for a completion, which then is kept elsewhere, and does not come by. It says nothing
 * that tells which operation it was.
 */

SEC("tp_btf/io_uring_cqe_overflow")
int BPF_PROG(io_uring_cqe_overflow)
{
	struct lw_descriptor *d = call__descriptor(LW_DESCRIPTORS - 1);

	if (d && (d->flags & LW_CALL_OPAQUE) && scope__holds_current())
		uring__tell(d);
	return 0;
}
