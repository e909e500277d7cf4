// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Whether anybody wants to hear of a call: approvers first, then discarders. The flags and the process are
 * looked at before anything is captured, a file before its names are (look.h). What a call names may have to be
 * looked at before the call; what was found out then waits in `pending`.
 */
#ifndef LAPWING_FILTER_H
#define LAPWING_FILTER_H

/* What there is to be asked about files. */
#define FILTER_NAMES 0x01      /* whether a basename is approved */
#define FILTER_DISCARDERS 0x02 /* whether the file is discarded */
#define FILTER_IDENTITY 0x04   /* which files they are: what is said about them may end */
#define FILTER_DENIED 0x08     /* only what is approved is reported */
#define FILTER_FLAGS 0x10      /* the flags are approved */
#define FILTER_CREATES 0x20    /* LW_CALL_CREATES */

/* What was found. */
#define FILTER_NAMED 0x01
#define FILTER_DISCARDED 0x02
#define FILTER_SUBJECT 0x04 /* of a splice: the file that is none of the pipes */
#define FILTER_UNNAMED 0x08 /* the only file has no approved name, and nothing else approves */

#define S_IFMT 0170000
#define S_IFDIR 0040000
#define S_IFIFO 0010000

/* Why no file has to be looked at. */
enum filter_reason {
	FILTER_NONE = 0,
	FILTER_REJECTED,
	FILTER_PROCESS,
};

static __always_inline bool filter__invalidates(u32 type)
{
	return type == LW_TYPE_UNLINK || type == LW_TYPE_RMDIR || type == LW_TYPE_RENAME || type == LW_TYPE_LINK ||
	       type == LW_TYPE_MOUNT || type == LW_TYPE_UMOUNT;
}

static __always_inline bool filter__is_quiet(struct lw_descriptor *d, struct filter *f)
{
	return d->flags & (d->first_type && f->type == d->first_type ? LW_CALL_FIRST_QUIET : LW_CALL_QUIET);
}

/* The flags that the event will show. */
static __always_inline u64 filter__flags(struct lw_descriptor *d, struct call *call)
{
	u32 index = d->flags_arg;
	u64 value;

	if (index > 5)
		return d->implied_flags;
	value = call__arg(call, index);
	if (d->args[index].role != LW_ROLE_DATA)
		return (u32)value | d->implied_flags;
	if (bpf_probe_read_user(&value, sizeof(value), (void *)value))
		return 0;
	return value;
}

/* What is to be asked about the files of the call that is looked at; and whether it need not be, for nobody wants the
 * event whatever files they are. */
__noinline int filter__begin(u32 user)
{
	struct scratch *s = record__scratch(user);

	if (!s)
		return FILTER_NONE;
	struct filter *f = &s->filter;
	struct lw_descriptor *d = call__descriptor(s->call.descriptor);
	if (!d)
		return FILTER_NONE;
	u32 type = d->type;

	if (d->first_type && call__holds(&d->first_when, &s->call))
		type = d->first_type;
	__builtin_memset(f, 0, sizeof(*f));
	if (!type)
		return FILTER_NONE;
	f->type = type;
	if (keeps_discarders && filter__invalidates(type))
		f->asks = FILTER_IDENTITY;
	if (type >= LW_FILTERED)
		return FILTER_NONE;
	if (discard__cell(LW_CELL_POLICIES)) {
		struct lw_policy *policy = bpf_map_lookup_elem(&policies, &type);
		if (!policy || policy->mode == LW_MODE_NO_FILTER)
			return FILTER_NONE;
		if (policy->mode == LW_MODE_DENY) {
			u64 flags = filter__flags(d, &s->call);
			f->asks |= FILTER_DENIED;
			if ((flags & policy->flags) || (policy->no_flag && !flags))
				f->asks |= FILTER_FLAGS;
			else if (!policy->named)
				return FILTER_REJECTED;
			if (policy->named)
				f->asks |= FILTER_NAMES;
		}
	}
	/* What an operation of a ring names may be another file by the time it is done. */
	if (keeps_discarders && user != URING_SUBMIT && discard__cell(LW_CELL_DISCARDERS)) {
		f->asks |= FILTER_DISCARDERS;
		if (d->flags & LW_CALL_CREATES)
			f->asks |= FILTER_CREATES;
		if (discard__covers_process(bpf_get_current_pid_tgid() >> 32, type))
			return FILTER_PROCESS;
	}
	return FILTER_NONE;
}

/* Counts an event that is left out whatever files it is about. */
static __always_inline void filter__count(struct filter *f, int reason)
{
	struct lw_filter_counts *counts = discard__counts(f->type);
	struct lw_filter_counts *of_processes = discard__counts(0);

	if (!counts || !of_processes)
		return;
	if (reason == FILTER_PROCESS) {
		counts->discarded += 1;
		of_processes->discarded += 1;
	} else {
		counts->rejected += 1;
	}
}

/* Whether the event is left out, now that all is known; counts it. */
__noinline int filter__drops(u32 user)
{
	struct scratch *s = record__scratch(user);

	if (!s)
		return 0;
	struct filter *f = &s->filter;
	if (!(f->asks & (FILTER_DENIED | FILTER_DISCARDERS)))
		return 0;
	struct lw_filter_counts *counts = discard__counts(f->type);
	if (!counts)
		return 0;
	if (f->asks & FILTER_DENIED) {
		if ((f->asks & FILTER_NAMES) && (f->found & FILTER_NAMED)) {
			counts->by_basename += 1;
		} else if (f->asks & FILTER_FLAGS) {
			counts->by_flags += 1;
		} else {
			counts->rejected += 1;
			return 1;
		}
	}
	if (!(f->found & FILTER_DISCARDED))
		return 0;
	counts->discarded += 1;
	return 1;
}

/* A call begins: whatever was remembered of the thread's last one is over. */
static __always_inline void filter__forget(void)
{
	u32 thread = bpf_get_current_pid_tgid();
	struct pending *last = bpf_map_lookup_elem(&pending, &thread);
	if (last)
		last->descriptor = LW_DESCRIPTORS;
}

/* Remembers until the call's end what was found before it. */
static __always_inline void filter__remember(struct scratch *s)
{
	u32 thread = bpf_get_current_pid_tgid();
	struct pending found = {.descriptor = s->call.descriptor};

	found.filter = s->filter;
	bpf_map_update_elem(&pending, &thread, &found, 0);
}

/* Recalls that. What nobody remembers gets the benefit of the doubt. */
__noinline int filter__recall(u32 user)
{
	struct scratch *s = record__scratch(user);
	u32 thread = bpf_get_current_pid_tgid();
	struct pending *found = bpf_map_lookup_elem(&pending, &thread);

	if (!s)
		return 0;
	struct filter *f = &s->filter;
	if (!found || found->descriptor != s->call.descriptor) {
		f->found |= FILTER_NAMED;
		return 0;
	}
	f->found |= found->filter.found;
	f->files[0] = found->filter.files[0];
	return 0;
}

#endif
