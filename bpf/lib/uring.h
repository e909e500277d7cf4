// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Operations of an io_uring: where a request has the values that a system call has as arguments. The kernel
 * has read the submission, and copied what it points to, before anything here looks: so what is seen is what
 * is acted on. Which operation is which call, the descriptors say; nothing here knows.
 */
#ifndef LAPWING_URING_H
#define LAPWING_URING_H

/* Flags of a submission (linux/io_uring.h), which are the lowest ones of a request. */
#define IOSQE_FIXED_FILE 0x01
#define IOSQE_CQE_SKIP_SUCCESS 0x40
#define IORING_ACCEPT_MULTISHOT 0x01
#define IORING_FILE_INDEX_ALLOC (~0u)
/* linux/splice.h of the kernel's io_uring: the source is a fixed file. */
#define SPLICE_F_FD_IN_FIXED (1u << 31)
/* Flags that share a word with the address of a fixed file (FFS_MASK of io_uring/filetable.h). */
#define FIXED_FLAGS 7ul

/* asm/fcntl.h. The kernel adds it to whatever it opens (force_o_largefile), so that it says nothing. */
#if defined(__TARGET_ARCH_arm64)
#define O_LARGEFILE 0400000
#else
#define O_LARGEFILE 0100000
#endif

/* A member of a request as an operation of this type has it; 0 where the kernel does not. */
#define uring__read(type, member)                                                                                      \
	(bpf_core_field_exists(((struct type *)0)->member) ? (u64)BPF_CORE_READ((struct type *)request, member) : 0)
/* The kernel's copy of a path. */
#define uring__read_path(type, member)                                                                                 \
	(bpf_core_field_exists(((struct type *)0)->member) ? (u64)BPF_CORE_READ((struct type *)request, member, name) : 0)

/* The kernel's copy of an address; 0 if there is none. Until 6.9 it is by itself, if connect did not succeed at
 * once; from 6.10 on it is in an io_async_msghdr; and by itself again since June 2026, in 6.18.44 for instance, which
 * no type tells. But a msghdr begins with a pointer or none, and an address with its family. */
static __always_inline u64 uring__address(u64 request)
{
	u64 copied = (u64)BPF_CORE_READ((struct io_kiocb *)request, async_data), first = 0;

	if (!copied || !bpf_core_field_exists(((struct io_async_msghdr *)0)->addr))
		return copied;
	bpf_probe_read_kernel(&first, sizeof(first), (void *)copied);
	if (!first || (first >> 56 == 0xff && !(first & 7)))
		return copied + bpf_core_field_offset(struct io_async_msghdr, addr);
	return copied;
}

/* The value in a place of a request. */
__noinline u64 uring__value(u64 request, u32 place)
{
	switch (place) {
	case LW_PLACE_FILE:
		return uring__read(io_kiocb, cqe.fd);
	case LW_PLACE_OPEN_DIRECTORY:
		return uring__read(io_open, dfd);
	case LW_PLACE_OPEN_PATH:
		return uring__read_path(io_open, filename);
	case LW_PLACE_OPEN_FLAGS:
		return uring__read(io_open, how.flags) & ~(u64)O_LARGEFILE;
	case LW_PLACE_OPEN_MODE:
		return uring__read(io_open, how.mode);
	case LW_PLACE_OPEN_SLOT:
		return uring__read(io_open, file_slot);
	case LW_PLACE_UNLINK_DIRECTORY:
		return uring__read(io_unlink, dfd);
	case LW_PLACE_UNLINK_PATH:
		return uring__read_path(io_unlink, filename);
	case LW_PLACE_UNLINK_FLAGS:
		return uring__read(io_unlink, flags);
	case LW_PLACE_RENAME_DIRECTORY:
		return uring__read(io_rename, old_dfd);
	case LW_PLACE_RENAME_PATH:
		return uring__read_path(io_rename, oldpath);
	case LW_PLACE_RENAME_NEW_DIRECTORY:
		return uring__read(io_rename, new_dfd);
	case LW_PLACE_RENAME_NEW_PATH:
		return uring__read_path(io_rename, newpath);
	case LW_PLACE_RENAME_FLAGS:
		return uring__read(io_rename, flags);
	case LW_PLACE_MKDIR_DIRECTORY:
		return uring__read(io_mkdir, dfd);
	case LW_PLACE_MKDIR_PATH:
		return uring__read_path(io_mkdir, filename);
	case LW_PLACE_MKDIR_MODE:
		return uring__read(io_mkdir, mode);
	case LW_PLACE_LINK_DIRECTORY:
		return uring__read(io_link, old_dfd);
	case LW_PLACE_LINK_PATH:
		return uring__read_path(io_link, oldpath);
	case LW_PLACE_LINK_NEW_DIRECTORY:
		return uring__read(io_link, new_dfd);
	case LW_PLACE_LINK_NEW_PATH:
		return uring__read_path(io_link, newpath);
	case LW_PLACE_LINK_FLAGS:
		return uring__read(io_link, flags);
	case LW_PLACE_XATTR_PATH:
		return uring__read_path(io_xattr, filename);
	case LW_PLACE_XATTR_NAME:
		return uring__read(io_xattr, ctx.kname);
	case LW_PLACE_SPLICE_SOURCE:
		return uring__read(io_splice, splice_fd_in);
	case LW_PLACE_SPLICE_LENGTH:
		return uring__read(io_splice, len);
	case LW_PLACE_SPLICE_FLAGS:
		return uring__read(io_splice, flags);
	case LW_PLACE_SOCKET_DOMAIN:
		return uring__read(io_socket, domain);
	case LW_PLACE_SOCKET_TYPE:
		return uring__read(io_socket, type);
	case LW_PLACE_SOCKET_PROTOCOL:
		return uring__read(io_socket, protocol);
	case LW_PLACE_SOCKET_SLOT:
		return uring__read(io_socket, file_slot);
	case LW_PLACE_ADDRESS:
		return uring__address(request);
	case LW_PLACE_CONNECT_LENGTH:
		return uring__read(io_connect, addr_len);
	case LW_PLACE_BIND_LENGTH:
		return uring__read(io_bind, addr_len);
	case LW_PLACE_ACCEPT_FLAGS:
		return uring__read(io_accept, flags);
	case LW_PLACE_ACCEPT_SLOT:
		return uring__read(io_accept, file_slot);
	default:
		return 0;
	}
}

/* An address: the kernel's copy, or what the caller passed where there is none. Returns LW_OPERATION_*. */
static __always_inline u32 uring__put_address(struct scratch *s, u64 request, u32 arg, u64 copied, u32 size)
{
	struct lw_part *part;

	if (!copied) {
		u64 passed = uring__read(io_connect, addr);
		if (passed)
			record__put_data(s, LW_PART_DATA, arg, passed, size);
		return LW_OPERATION_USER_READ;
	}
	part = record__room(s);
	if (!part || !size)
		return 0;
	if (size > 128)
		size = 128;
	if (!bpf_probe_read_kernel(part + 1, size, (void *)copied))
		record__close(s, part, LW_PART_DATA, arg, size, 0);
	return 0;
}

/* Remembers which name the walk looked up last, if the path ends there: it is to be made, and looked up again when
 * that is done. */
static __always_inline void uring__keep_name(struct scratch *s, u32 slot)
{
	volatile struct operation *o = &s->operation;
	struct walk *w = &s->walk;
	struct dentry *entry = (struct dentry *)w->dentry;
	u32 length = w->name_length;

	/* A slash behind it means nothing. */
	if (w->next + 1 < w->length || !length || length > NAME_MAX)
		return;
	o->parent.mount = w->mount;
	o->parent.dentry = w->status == WALK_FOUND ? (u64)BPF_CORE_READ(entry, d_parent) : (u64)entry;
	bpf_probe_read_kernel((void *)s->operation.name, sizeof(s->operation.name), w->name);
	o->name_length = length;
	o->slot = slot;
}

/* What that name leads to now. */
__noinline int uring__put_made(u32 user)
{
	struct scratch *s = record__scratch(user);

	if (!s)
		return 0;
	struct walk *w = &s->walk;
	struct operation *o = &s->operation;
	u32 length = o->name_length;

	/* As where paths are followed. */
	if (!length || !bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop))
		return 0;
	bpf_probe_read_kernel(w->name, sizeof(o->name), o->name);
	w->name_length = length;
	w->dentry = o->parent.dentry;
	walk__search(w);
	if (w->found)
		file__put(user, o->slot, w->found, o->parent.mount, 0);
	return 0;
}

/* A fixed file of a ring. */
static __always_inline struct file *uring__fixed(u64 ring, u32 index)
{
	struct io_ring_ctx *r = (struct io_ring_ctx *)ring;
	struct io_rsrc_node *node = NULL;

	if (!bpf_core_field_exists(r->file_table.data.nodes))
		return NULL;
	if (index >= BPF_CORE_READ(r, file_table.data.nr))
		return NULL;
	bpf_probe_read_kernel(&node, sizeof(node), BPF_CORE_READ(r, file_table.data.nodes) + index);
	return node ? (struct file *)(BPF_CORE_READ(node, file_ptr) & ~FIXED_FLAGS) : NULL;
}

static __always_inline void uring__put_operation(struct scratch *s, u64 token, u32 flags)
{
	struct lw_part *part = record__room(s);
	if (!part)
		return;
	struct lw_operation *to = (struct lw_operation *)(part + 1);
	to->token = token;
	to->flags = flags;
	to->padding = 0;
	record__close(s, part, LW_PART_OPERATION, 0, sizeof(*to), 0);
}

/* The process does something that nobody can see into: that is said once. */
static __always_inline void uring__tell(struct lw_descriptor *d)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	u64 began = BPF_CORE_READ(task, group_leader, start_boottime);
	struct lw_record r;
	u32 one = 1;

	if (bpf_map_update_elem(&opaque, &began, &one, BPF_NOEXIST))
		return;
	record__fill(&r, LW_CALL, d->row);
	r.size = sizeof(r);
	r.pid = task__pid(task);
	r.tid = task__tid(task);
	if (ring__output_call(&r, sizeof(r))) {
		count__add(LW_LOST_CALLS);
		count__lost(d->row);
	}
}

#endif
