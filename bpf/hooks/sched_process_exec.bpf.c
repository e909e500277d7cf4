// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * A process runs a new program. Arguments and environment are read from the program's own memory, where
 * nobody has changed them yet.
 */

#define PAGE 4096
/* Arguments and environment, each. */
#define BLOCK_PAGES 15

struct block {
	struct program_scratch *to;
	u64 from;
	u64 end;
	u32 at;
	u32 size;
};

static __always_inline u8 *exec__bytes(struct program_scratch *p, u32 at)
{
	barrier_var(at);
	return p->bytes + (at & (PROGRAM_BYTES - 1));
}

/* Adds the memory from `from` to `end` as a part. Page by page: one that cannot be read ends it. */
__noinline int exec__put_block(u32 at, u64 from, u64 end, u32 kind)
{
	u32 start = at + sizeof(struct lw_part), size = 0, key = bpf_get_smp_processor_id();
	struct program_scratch *p = bpf_map_lookup_elem(&program_scratch, &key);
	u8 flags = 0;

	if (!p || at >= PROGRAM_BYTES || end < from)
		return at;
	struct lw_part *part = (struct lw_part *)exec__bytes(p, at);
	for (int i = 0; i < BLOCK_PAGES; i++) {
		u64 left = end - from;
		u32 chunk = PAGE - (from & (PAGE - 1));
		u32 to = start + size;

		if (!left)
			break;
		if (chunk > left)
			chunk = left;
		if (chunk > PAGE || to >= PROGRAM_BYTES)
			break;
		/* Said once more, in a way that the verifier of 6.1 and before understands. */
		barrier_var(chunk);
		chunk &= 2 * PAGE - 1;
		if (bpf_probe_read_user(exec__bytes(p, to), chunk, (void *)from)) {
			count__add(LW_UNREADABLE);
			break;
		}
		size += chunk;
		from += chunk;
	}
	if (from < end)
		flags = LW_PART_TRUNCATED;
	part->kind = kind;
	part->arg = 0;
	part->flags = flags;
	part->size = size;
	return start + ((size + 7) & ~7u);
}

/* The path that was executed, as it was passed; where the kernel made one up of a descriptor and a path
 * ("/dev/fd/5/prog", fs/exec.c), user space takes it apart. */
static __always_inline void exec__put_name(struct scratch *s, struct linux_binprm *program)
{
	struct lw_part *part = record__room(s);
	if (!part)
		return;
	long size = bpf_probe_read_kernel_str(part + 1, PATH_MAX, BPF_CORE_READ(program, filename));
	if (size <= 0)
		return;
	record__close(s, part, LW_PART_TEXT, BPF_CORE_READ(program, fdpath) ? 1 : 0, size - 1, 0);
}

/* The script: the file that was executed, where another one interprets it. */
__noinline int exec__put_script(u64 filename)
{
	struct scratch *s = record__scratch(EXEC);
	struct place base;

	if (!s)
		return 0;
	struct walk *w = &s->walk;
	w->current = 0;
	long size = bpf_probe_read_kernel_str(w->path[0], WALK_PATH, (void *)filename);
	if (size <= 1)
		return 0;
	w->length = size - 1;
	path__directory(s, &base);
	u32 status = walk__path(EXEC, base.dentry, base.mount, 1);
	if (status == WALK_FOUND)
		return file__put(EXEC, 0, w->dentry, w->mount, 0);
	u32 flags = status == WALK_LOST ? LW_FILE_UNCERTAIN : 0;
	u32 rest = w->length - w->at;
	return file__put(EXEC, 0, w->dentry, w->mount, (rest & 0xfff) | flags << 16);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(sched_process_exec, struct task_struct *task, int old_pid, struct linux_binprm *program)
{
	u32 key = bpf_get_smp_processor_id();

	if (!scope__holds_current())
		return 0;
	if (keeps_discarders)
		discard__begin_process(bpf_get_current_pid_tgid() >> 32);
	if (keeps_made)
		made__end(bpf_get_current_pid_tgid() >> 32);
	struct scratch *s = record__scratch(EXEC);
	struct program_scratch *p = bpf_map_lookup_elem(&program_scratch, &key);
	if (!s || !p) {
		count__add(LW_NO_SCRATCH);
		return 0;
	}
	record__begin(s, LW_EXEC, 0);
	struct lw_record *r = record__head(s);
	record__mark_current(r);
	r->args[0] = BPF_CORE_READ(task, group_leader, start_boottime);
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct file *executable = BPF_CORE_READ(mm, exe_file);
	/* A script has been replaced by what interprets it. */
	bool script = BPF_CORE_READ(program, interp) != BPF_CORE_READ(program, filename);
	exec__put_name(s, program);
	if (executable)
		file__put_open(EXEC, script ? 1 : 0, executable);
	if (script)
		exec__put_script((u64)BPF_CORE_READ(program, filename));
	record__put_credentials(s, task);
	record__put_program(s, task);
	u32 at = record__size(s);
	if (at > SCRATCH_BYTES)
		at = SCRATCH_BYTES;
	bpf_probe_read_kernel(p->bytes, at, s->bytes);
	at &= 2 * SCRATCH_BYTES - 1;
	at = exec__put_block(at, BPF_CORE_READ(mm, arg_start), BPF_CORE_READ(mm, arg_end), LW_PART_ARGV);
	at = exec__put_block(at, BPF_CORE_READ(mm, env_start), BPF_CORE_READ(mm, env_end), LW_PART_ENVP);
	if (at > PROGRAM_BYTES + PROGRAM_SLACK)
		at = PROGRAM_BYTES + PROGRAM_SLACK;
	((struct lw_record *)p->bytes)->size = at;
	if (ring__output(&lifecycle, p->bytes, at))
		enter__keep(s);
	return 0;
}
