// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * The kernel's types for io_uring, as in kernel.h: with the members that are read.
 */
#ifndef LAPWING_KERNEL_URING_H
#define LAPWING_KERNEL_URING_H

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct filename {
	const char *name;
};

struct io_cqe {
	u64 user_data;
	s32 res;
	int fd;
};

struct io_rsrc_node {
	unsigned long file_ptr;
};

struct io_rsrc_data {
	unsigned int nr;
	struct io_rsrc_node **nodes;
};

/* Fixed files are nodes since 6.13 (7029acd8a950); pointers with flags before. */
struct io_file_table {
	struct io_rsrc_data data;
};

struct io_uring_cqe;

struct io_ring_ctx {
	struct io_file_table file_table;
	struct io_uring_cqe *cqe_cached;
};

struct io_kiocb {
	struct file *file;
	u8 opcode;
	u64 flags;
	struct io_cqe cqe;
	struct io_ring_ctx *ctx;
	void *async_data;
};

struct open_how {
	u64 flags;
	u64 mode;
};

/* What a request begins with, by operation. */
struct io_open {
	int dfd;
	u32 file_slot;
	struct filename *filename;
	struct open_how how;
};

struct io_unlink {
	int dfd;
	int flags;
	struct filename *filename;
};

struct io_rename {
	int old_dfd;
	int new_dfd;
	struct filename *oldpath;
	struct filename *newpath;
	int flags;
};

struct io_mkdir {
	int dfd;
	u16 mode;
	struct filename *filename;
};

struct io_link {
	int old_dfd;
	int new_dfd;
	struct filename *oldpath;
	struct filename *newpath;
	int flags;
};

struct xattr_name {
	char name[256];
};

/* Another type, `xattr_ctx`, until 6.13. */
struct kernel_xattr_ctx {
	struct xattr_name *kname;
};

struct io_xattr {
	struct kernel_xattr_ctx ctx;
	struct filename *filename;
};

struct io_splice {
	u64 len;
	int splice_fd_in;
	unsigned int flags;
};

struct io_socket {
	int domain;
	int type;
	int protocol;
	u32 file_slot;
};

struct io_accept {
	int flags;
	int iou_flags;
	u32 file_slot;
};

struct sockaddr;

struct io_connect {
	struct sockaddr *addr;
	int addr_len;
};

struct io_bind {
	int addr_len;
};

struct __kernel_sockaddr_storage {
	char bytes[128];
};

/* Has the address of connect and bind from 6.10 on, but not for ever: see uring__address. */
struct io_async_msghdr {
	struct __kernel_sockaddr_storage addr;
};

#pragma clang attribute pop

/* As programs see it (uapi/linux/io_uring.h). */
struct io_uring_cqe {
	u64 user_data;
	s32 res;
	u32 flags;
};

#endif
