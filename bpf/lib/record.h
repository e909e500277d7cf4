// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Putting a record together in scratch memory: a head, then parts. `at` is where the next part goes; it
 * is a multiple of eight, and at most SCRATCH_BYTES, with room for the largest part behind that.
 */
#ifndef LAPWING_RECORD_H
#define LAPWING_RECORD_H

#define PATH_MAX 4096

/* Functions that the verifier looks at once, whoever calls them, take numbers only (5.8): so they find the
 * scratch memory themselves. */
static __always_inline struct scratch *record__scratch(u32 user)
{
	u32 key = user * cpu_count + bpf_get_smp_processor_id();
	struct scratch *s = bpf_map_lookup_elem(&scratch, &key);

	if (!s)
		count__add(LW_NO_SCRATCH);
	return s;
}

static __always_inline struct lw_record *record__head(struct scratch *s)
{
	return (struct lw_record *)s->bytes;
}

/* Memory of the record from `at` on, with room for SCRATCH_SLACK bytes behind it. The compiler must not
 * drop the mask for a check that the verifier cannot connect with it. */
static __always_inline u8 *record__bytes(struct scratch *s, u32 at)
{
	barrier_var(at);
	return s->bytes + (at & (SCRATCH_BYTES - 1));
}

static __always_inline void record__fill(struct lw_record *r, u16 kind, u16 row)
{
	r->kind = kind;
	r->row = row;
	r->time = bpf_ktime_get_boot_ns();
	r->interface = LW_NATIVE;
	r->unreadable = 0;
	r->omitted = 0;
	r->programs = 0;
	r->began = 0;
	r->result = 0;
	__builtin_memset(r->args, 0, sizeof(r->args));
}

/* Which process it is of, and which of its programs: so that a lost fork or exec is noticed. */
static __always_inline void record__mark(struct lw_record *r, struct task_struct *task)
{
	r->programs = BPF_CORE_READ(task, self_exec_id);
	r->began = BPF_CORE_READ(task, group_leader, start_boottime) >> LW_BEGAN_SHIFT;
}

/* The same of the current task, in a cheaper way. */
static __always_inline void record__mark_current(struct lw_record *r)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)) {
		struct task_struct *task = bpf_get_current_task_btf();
		r->programs = task->self_exec_id;
		r->began = task->group_leader->start_boottime >> LW_BEGAN_SHIFT;
	} else {
		record__mark(r, (struct task_struct *)bpf_get_current_task());
	}
}

static __always_inline void record__begin(struct scratch *s, u16 kind, u16 row)
{
	struct lw_record *r = record__head(s);

	record__fill(r, kind, row);
	if (own_pid_namespace == INITIAL_PID_NAMESPACE) {
		u64 numbers = bpf_get_current_pid_tgid();
		r->pid = numbers >> 32;
		r->tid = (u32)numbers;
	} else {
		struct task_struct *task = (struct task_struct *)bpf_get_current_task();
		r->pid = task__pid(task);
		r->tid = task__tid(task);
	}
	if (kind == LW_CALL)
		place__keep_both(s);
	else
		place__read_both(s);
	s->mounted.mount = 0;
	s->at = sizeof(struct lw_record);
}

/* Where the next part may be written; NULL when the record is full. */
static __always_inline struct lw_part *record__room(struct scratch *s)
{
	u32 at = s->at;

	if (at >= SCRATCH_BYTES) {
		record__head(s)->omitted += 1;
		count__add(LW_OMITTED);
		return NULL;
	}
	return (struct lw_part *)record__bytes(s, at);
}

static __always_inline void record__close(struct scratch *s, struct lw_part *part, u16 kind, u8 arg, u32 size, u8 flags)
{
	part->kind = kind;
	part->arg = arg;
	part->flags = flags;
	part->size = size;
	s->at += sizeof(struct lw_part) + ((size + 7) & ~7u);
}

/* A string in the caller's memory of at most `max` bytes. */
static __always_inline void record__put_text(struct scratch *s, u8 arg, u64 from, u32 max)
{
	struct lw_part *part = record__room(s);
	if (!part)
		return;
	if (max > PATH_MAX)
		max = PATH_MAX;
	/* One more than is kept, to know whether there is more; and the NUL. */
	long length = bpf_probe_read_user_str(part + 1, max + 2, (void *)from);
	if (length <= 0) {
		record__head(s)->unreadable |= 1 << arg;
		count__add(LW_UNREADABLE);
		return;
	}
	length -= 1;
	u8 flags = length > max ? LW_PART_TRUNCATED : 0;
	if (length > max)
		length = max;
	record__close(s, part, LW_PART_TEXT, arg, length, flags);
}

/* A string in the kernel's memory, likewise. */
static __always_inline void record__put_copied_text(struct scratch *s, u8 arg, u64 from, u32 max)
{
	struct lw_part *part = record__room(s);
	if (!part)
		return;
	if (max > PATH_MAX)
		max = PATH_MAX;
	long length = bpf_probe_read_kernel_str(part + 1, max + 2, (void *)from);
	if (length <= 0)
		return;
	length -= 1;
	u8 flags = length > max ? LW_PART_TRUNCATED : 0;
	if (length > max)
		length = max;
	record__close(s, part, LW_PART_TEXT, arg, length, flags);
}

/* As much of `size` bytes in the caller's memory as can be read: all or nothing. */
static __always_inline void record__put_data(struct scratch *s, u16 kind, u8 arg, u64 from, u32 size)
{
	struct lw_part *part = record__room(s);
	if (!part || !size)
		return;
	if (size > 256)
		size = 256;
	if (bpf_probe_read_user(part + 1, size, (void *)from)) {
		record__head(s)->unreadable |= 1 << arg;
		count__add(LW_UNREADABLE);
		return;
	}
	record__close(s, part, kind, arg, size, 0);
}

static __always_inline void record__put_credentials(struct scratch *s, struct task_struct *task)
{
	struct lw_part *part = record__room(s);
	if (!part)
		return;
	task__put_credentials(task, (struct lw_credentials *)(part + 1));
	record__close(s, part, LW_PART_CREDENTIALS, 0, sizeof(struct lw_credentials), 0);
}

static __always_inline void record__put_program(struct scratch *s, struct task_struct *task)
{
	struct lw_part *part = record__room(s);
	if (!part)
		return;
	task__put_program(task, (struct lw_program *)(part + 1));
	record__close(s, part, LW_PART_PROGRAM, 0, sizeof(struct lw_program), 0);
}

/* The record is complete: hands it over. */
static __always_inline u32 record__size(struct scratch *s)
{
	u32 size = s->at;

	if (size > SCRATCH_BYTES + SCRATCH_SLACK)
		size = SCRATCH_BYTES + SCRATCH_SLACK;
	record__head(s)->size = size;
	return size;
}

#endif
