// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * System calls: which one it is, whether anybody wants to know, and what there is to capture. What that
 * is, the descriptor says; nothing here knows any call.
 */
#ifndef LAPWING_CALL_H
#define LAPWING_CALL_H

/* The interface's bit in a number (asm/unistd.h), and TS_COMPAT of asm/thread_info.h. */
#define X32_BIT 0x40000000
#define TS_COMPAT 0x2

#define EPERM 1
#define EACCES 13
#define MAX_ERRNO 4095

#define AT_FDCWD (-100)
#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_SYMLINK_FOLLOW 0x400
#define AT_EMPTY_PATH 0x1000

#if defined(__TARGET_ARCH_x86)
static __always_inline void call__read(struct call *call, struct pt_regs *regs)
{
	if (call->interface == LW_COMPAT) {
		call->args[0] = (u32)regs->bx;
		call->args[1] = (u32)regs->cx;
		call->args[2] = (u32)regs->dx;
		call->args[3] = (u32)regs->si;
		call->args[4] = (u32)regs->di;
		call->args[5] = (u32)regs->bp;
		return;
	}
	call->args[0] = regs->di;
	call->args[1] = regs->si;
	call->args[2] = regs->dx;
	call->args[3] = regs->r10;
	call->args[4] = regs->r8;
	call->args[5] = regs->r9;
}

/* The number of the call that the task is in; of x32, with its bit. */
static __always_inline u32 call__number(struct pt_regs *regs)
{
	return regs->orig_ax;
}

/* Where the descriptor of the call is that the task is in; LW_DESCRIPTORS if there can be none. */
static __always_inline u32 call__index(u32 number, u8 *interface)
{
	*interface = LW_NATIVE;
	if (task__read_current(thread_info.status) & TS_COMPAT) {
		*interface = LW_COMPAT;
	} else if (number & X32_BIT) {
		*interface = LW_X32;
		number &= ~X32_BIT;
	}
	return number < LW_NUMBERS ? *interface * LW_NUMBERS + number : LW_DESCRIPTORS;
}
#elif defined(__TARGET_ARCH_arm64)
/* TIF_32BIT of asm/thread_info.h. */
#define TIF_32BIT (1u << 22)

static __always_inline void call__read(struct call *call, struct pt_regs *regs)
{
	bool narrow = call->interface == LW_COMPAT;

	/* The first argument's register holds the result by now. */
	call->args[0] = regs->orig_x0;
	for (int i = 1; i < 6; i++)
		call->args[i] = regs->user_regs.regs[i];
	for (int i = 0; narrow && i < 6; i++)
		call->args[i] = (u32)call->args[i];
}

static __always_inline u32 call__number(struct pt_regs *regs)
{
	return regs->syscallno;
}

static __always_inline u32 call__index(u32 number, u8 *interface)
{
	*interface = task__read_current(thread_info.flags) & TIF_32BIT ? LW_COMPAT : LW_NATIVE;
	return number < LW_NUMBERS ? *interface * LW_NUMBERS + number : LW_DESCRIPTORS;
}
#endif

/* Whether the arguments make it something that somebody wants. */
static __always_inline bool call__is_wanted(struct lw_descriptor *d, struct call *call)
{
	if (!d->tests_count)
		return true;
	for (u32 i = 0; i < LW_TESTS; i++) {
		if (i >= d->tests_count)
			break;
		if (call__holds(&d->tests[i], call))
			return true;
	}
	return false;
}

static __always_inline bool call__reads(struct lw_descriptor *d, struct call *call)
{
	for (u32 i = 0; i < 2; i++) {
		if (i < d->reads_count && !call__holds(&d->reads[i], call))
			return false;
	}
	return true;
}

static __always_inline bool call__failed(long result)
{
	return result < 0 && result >= -MAX_ERRNO;
}

static __always_inline bool call__is_reported(struct lw_descriptor *d, long result)
{
	if (!call__failed(result) || result == -EPERM || result == -EACCES)
		return true;
	for (u32 i = 0; i < LW_ERRORS; i++) {
		if (d->errors[i] == -result)
			return true;
	}
	return false;
}

/* Calls whose arguments lie in memory: reads those, and finds what they are really about. */
static __always_inline struct lw_descriptor *call__redirect(struct lw_descriptor *d, struct call *call)
{
	u32 block[8] = {};
	u32 index = d->redirect;

	if (d->selector < 6) {
		u64 selected = call__arg(call, d->selector);
		if (selected >= LW_REDIRECTS)
			return NULL;
		index += selected;
	}
	u64 from = call__arg(call, d->pointer);
	d = call__descriptor(index);
	if (!d || !(d->flags & LW_CALL_ENABLED))
		return NULL;
	u32 words = d->words;
	barrier_var(words);
	if (bpf_probe_read_user(block, (words & 7) * 4, (void *)from)) {
		count__add(LW_UNREADABLE);
		return NULL;
	}
	for (u32 i = 0; i < 6; i++)
		call->args[i] = block[i];
	call->descriptor = index;
	return d;
}

/* Where the path of an argument starts from. False if that is no directory descriptor that is open. */
static __always_inline bool call__base(struct scratch *s, struct lw_argument *a, struct call *call, u32 index, struct place *base)
{
	s32 fd = AT_FDCWD;

	if (a->flags & LW_ARG_DIRFD)
		fd = (s32)call__arg(call, index - 1);
	if (fd == AT_FDCWD) {
		path__directory(s, base);
		return true;
	}
	struct file *file = file__of(fd);
	if (!file)
		return false;
	place__read(&file->f_path, base);
	return true;
}

/* What the path of an argument leads to. */
__noinline int call__put_path(u32 user, u32 index)
{
	struct scratch *s = record__scratch(user);
	struct place base = {};

	if (!s || index > 5)
		return 0;
	struct walk *w = &s->walk;
	struct call *call = &s->call;
	struct lw_descriptor *d = call__descriptor(call->descriptor);
	if (!d)
		return 0;
	struct lw_argument *a = &d->args[index];
	u64 from = call__arg(call, index);
	u64 at_flags = a->at_flags < 6 ? (u32)call__arg(call, a->at_flags) : 0;
	bool follow = !(a->flags & (LW_ARG_NOFOLLOW | LW_ARG_CREATE));
	bool known = call__base(s, a, call, index, &base);
	u32 flags = 0, slot = a->slot;
	long size = 1;

	if (user == SYS_EXIT && looks_early && (a->flags & LW_ARG_EARLY))
		slot |= LW_PART_LATE << 8;

	if (at_flags & AT_SYMLINK_NOFOLLOW)
		follow = false;
	if ((at_flags & AT_SYMLINK_FOLLOW) && !(a->flags & LW_ARG_CREATE))
		follow = true;
	w->current = 0;
	w->path[0][0] = 0;
	if (from) {
		/* The kernel has copied it by then. */
		if (user == URING_SUBMIT)
			size = bpf_probe_read_kernel_str(w->path[0], WALK_PATH, (void *)from);
		else
			size = bpf_probe_read_user_str(w->path[0], WALK_PATH, (void *)from);
		if (size <= 0)
			return 0;
	}
	w->length = size - 1;
	w->at = 0;
	w->next = 0;
	if (!known && w->path[0][0] != '/') {
		path__root(s, &base);
		return file__put(user, slot, base.dentry, base.mount,
				 (w->length & 0xfff) | (LW_FILE_UNCERTAIN | LW_FILE_NO_BASE) << 16);
	}
	if (size == 1) {
		bool allowed = (a->flags & LW_ARG_EMPTY) || (at_flags & AT_EMPTY_PATH) || (!from && (a->flags & LW_ARG_NULL_OK));
		if (!allowed)
			return 0;
		return file__put(user, slot, base.dentry, base.mount, 0);
	}
	u32 status = walk__path(user, base.dentry, base.mount, follow);
	if (status == WALK_FOUND) {
		if (user == SYS_EXIT && (a->flags & LW_ARG_MOUNTED))
			file__put_root(user, w->mount);
		return file__put(user, slot, w->dentry, w->mount, 0);
	}
	if (status == WALK_LOST) {
		flags = LW_FILE_UNCERTAIN;
		count__add(LW_WALKS_GIVEN_UP);
	}
	u32 rest = w->length - w->at;
	return file__put(user, slot, w->dentry, w->mount, (rest & 0xfff) | flags << 16);
}

static __always_inline u32 call__stated(struct lw_argument *a, struct call *call, u32 index, u32 size)
{
	if (!(a->flags & LW_ARG_LENGTH))
		return size;
	u32 stated = (u32)call__arg(call, index + 1);
	return stated < size ? stated : size;
}

static __always_inline void call__put_file(u32 user, u8 slot, u32 fd)
{
	struct file *file = file__of(fd);

	if (file)
		file__put_open(user, slot, file);
}

/* Whose a thread is. First threads are not remembered: they have their process's number. */
static __always_inline void call__put_thread(struct scratch *s, u8 arg, u32 tid)
{
	u32 *pid = bpf_map_lookup_elem(&threads, &tid);
	struct lw_part *part = record__room(s);

	if (!pid || !part)
		return;
	*(u32 *)(part + 1) = *pid;
	record__close(s, part, LW_PART_TARGET, arg, 4, 0);
}

/* What the arguments say in the caller's memory, and which descriptors they are. */
__noinline int call__put_argument(u32 user, u32 index)
{
	struct scratch *s = record__scratch(user);

	if (!s || index > 5)
		return 0;
	struct call *call = &s->call;
	struct lw_descriptor *d = call__descriptor(call->descriptor);
	if (!d)
		return 0;
	struct lw_argument *a = &d->args[index];
	u64 value = call__arg(call, index);

	switch (a->role) {
	case LW_ROLE_TEXT:
	case LW_ROLE_PATH:
		if (value && (a->role == LW_ROLE_PATH || call__reads(d, call)))
			record__put_text(s, index, value, a->size);
		break;
	case LW_ROLE_DATA:
		if (value && call__reads(d, call))
			record__put_data(s, LW_PART_DATA, index, value, call__stated(a, call, index, a->size));
		break;
	case LW_ROLE_FD:
		if (user != SYS_EXIT || !looks_early || !(a->flags & LW_ARG_EARLY))
			call__put_file(user, a->slot, value);
		break;
	case LW_ROLE_SOCKET:
		socket__put_kind(s, file__of(value));
		break;
	case LW_ROLE_PIDFD:
		socket__put_pidfd(s, index, (u32)value);
		break;
	case LW_ROLE_TID:
		call__put_thread(s, index, (u32)value);
		break;
	}
	return 0;
}

#endif
