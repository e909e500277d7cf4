// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Sockets behind descriptors: their kind, and who is at the other end.
 */
#ifndef LAPWING_SOCKET_H
#define LAPWING_SOCKET_H

/* linux/socket.h */
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
/* linux/magic.h */
#define SOCKFS_MAGIC 0x534f434b
#define PID_FS_MAGIC 0x50494446
#define ANON_INODE_FS_MAGIC 0x09041934

static __always_inline struct socket *socket__of(struct file *file)
{
	if (!file || BPF_CORE_READ(file, f_inode, i_sb, s_magic) != SOCKFS_MAGIC)
		return NULL;
	return BPF_CORE_READ(file, private_data);
}

static __always_inline void socket__put_kind(struct scratch *s, struct file *file)
{
	struct socket *socket = socket__of(file);
	struct sock *sock = socket ? BPF_CORE_READ(socket, sk) : NULL;
	struct lw_part *part = record__room(s);

	if (!sock || !part)
		return;
	struct lw_socket *to = (struct lw_socket *)(part + 1);
	to->family = BPF_CORE_READ(sock, __sk_common.skc_family);
	to->type = BPF_CORE_READ(socket, type);
	to->protocol = BPF_CORE_READ(sock, sk_protocol);
	to->padding = 0;
	record__close(s, part, LW_PART_SOCKET, 0, sizeof(*to), 0);
}

/* The address of the peer, as getpeername(2) words it. */
static __always_inline void socket__put_peer(struct scratch *s, struct file *file)
{
	struct socket *socket = socket__of(file);
	struct sock *sock = socket ? BPF_CORE_READ(socket, sk) : NULL;
	struct lw_part *part = record__room(s);

	if (!sock || !part)
		return;
	u8 *to = (u8 *)(part + 1);
	u16 family = BPF_CORE_READ(sock, __sk_common.skc_family);
	u32 size = 2;
	__builtin_memset(to, 0, 128);
	__builtin_memcpy(to, &family, 2);
	if (family == AF_INET) {
		bpf_core_read(to + 2, 2, &sock->__sk_common.skc_dport);
		bpf_core_read(to + 4, 4, &sock->__sk_common.skc_daddr);
		size = 16;
	} else if (family == AF_INET6) {
		bpf_core_read(to + 2, 2, &sock->__sk_common.skc_dport);
		bpf_core_read(to + 8, 16, &sock->__sk_common.skc_v6_daddr);
		/* Link-local addresses are of one interface. */
		if (to[8] == 0xfe && (to[9] & 0xc0) == 0x80)
			bpf_core_read(to + 24, 4, &sock->__sk_common.skc_bound_dev_if);
		size = 28;
	} else if (family == AF_UNIX) {
		struct unix_sock *peer = (struct unix_sock *)BPF_CORE_READ((struct unix_sock *)sock, peer);
		struct unix_address *address = peer ? BPF_CORE_READ(peer, addr) : NULL;
		if (address) {
			u32 length = BPF_CORE_READ(address, len);
			if (length > 2 && length <= 110) {
				/* Said in a way that the verifier of 6.12 and before understands. */
				barrier_var(length);
				length &= 127;
				bpf_probe_read_kernel(to, length, (void *)((u64)address + bpf_core_field_offset(struct unix_address, name)));
				size = length;
			}
		}
	}
	record__close(s, part, LW_PART_PEER, 0, size, 0);
}

/* The process that a pidfd stands for. */
static __always_inline void socket__put_pidfd(struct scratch *s, u8 arg, u32 fd)
{
	struct file *file = file__of(fd);
	struct lw_part *part = record__room(s);
	struct pid *pid = NULL;

	if (!file || !part)
		return;
	u32 magic = BPF_CORE_READ(file, f_inode, i_sb, s_magic);
	/* Since 6.9 a file system of their own (cb12fd8e0dab). */
	if (magic == PID_FS_MAGIC)
		pid = BPF_CORE_READ(file, f_inode, i_private);
	else if (magic == ANON_INODE_FS_MAGIC)
		pid = BPF_CORE_READ(file, private_data);
	if (!pid)
		return;
	*(u32 *)(part + 1) = task__number((u64)pid);
	record__close(s, part, LW_PART_TARGET, arg, 4, 0);
}

#endif
