// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * A system call begins that may remove or move what it names. That is looked up now; the record of the
 * call itself follows when it returns. Costs every system call a few tens of nanoseconds, so it is only
 * attached when such calls are wanted.
 */

SEC("tp_btf/sys_enter")
int BPF_PROG(sys_enter, struct pt_regs *regs, long id)
{
	u8 interface;

	/* Whoever makes the call, most calls end here. */
	if (!call__is_in(LW_SET_EARLY, id))
		return 0;
	u32 index = call__index(call__number(regs), &interface);
	struct lw_descriptor *d = call__descriptor(index);

	if (!d || !(d->flags & LW_CALL_EARLY))
		return 0;
	if (!scope__holds_current())
		return 0;
	struct scratch *s = record__scratch(SYS_ENTER);
	if (!s)
		return 0;
	s->call.descriptor = index;
	s->call.interface = interface;
	call__read(&s->call, regs);
	if (!call__is_wanted(d, &s->call))
		return 0;
	filter__forget();
	int reason = filter__begin(SYS_ENTER);
	struct filter *filter = &s->filter;
	/* What it does to discarders matters in any case. */
	bool concerns = keeps_discarders && (filter->asks & FILTER_IDENTITY);
	if (reason && !concerns)
		return 0;
	record__begin(s, LW_EARLY, d->row);
	for (u32 i = 0; i < 6; i++) {
		if (!(d->args[i].flags & LW_ARG_EARLY))
			continue;
		if (d->args[i].role == LW_ROLE_PATH)
			call__put_path(SYS_ENTER, i);
		else
			call__put_argument(SYS_ENTER, i);
	}
	if (concerns) {
		/* What a new name names until now. */
		u32 end = s->at;
		for (u32 i = 0; i < 6; i++) {
			if (filter->type == LW_TYPE_RENAME && (d->args[i].flags & LW_ARG_CREATE))
				call__put_path(SYS_ENTER, i);
		}
		s->at = end;
		upkeep__before(SYS_ENTER);
	}
	if (filter->asks)
		filter__remember(s);
	if (reason || (filter->found & (FILTER_DISCARDED | FILTER_UNNAMED)) || filter__is_quiet(d, filter))
		return 0;
	if (ring__output_call(s->bytes, record__size(s)))
		count__add(LW_LOST_EARLY);
	return 0;
}
