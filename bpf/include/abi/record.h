// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * What is handed over: records, their parts, and the rings they come by.
 */
#ifndef LAPWING_ABI_RECORD_H
#define LAPWING_ABI_RECORD_H

/* What a record is about. */
enum lw_kind {
	LW_FORK = 1,
	LW_EXEC,
	LW_EXIT,
	/* A call is about to be made: what LW_ARG_EARLY arguments name. Its LW_CALL follows, or is not reported. */
	LW_EARLY,
	LW_CALL,
	/* An operation of an io_uring was submitted: what it names. Its LW_URING_END follows. */
	LW_URING,
	/* A process is observed from now on whose fork was not: it was moved to a control group, or the maker is not
	 * observed. */
	LW_ENTER,
	/* An operation of an io_uring is complete; otherwise like LW_CALL. */
	LW_URING_END,
	/* The calls that a process has made since its program began, which ends: struct lw_made_record. */
	LW_MADE,
};

/* Units of `began`. */
#define LW_BEGAN_SHIFT 20

struct lw_record {
	/* Bytes of the record with its parts. */
	unsigned int size;
	unsigned char kind;
	/* enum lw_interface. */
	unsigned char interface;
	unsigned short row;
	/* Nanoseconds since boot, suspension included (CLOCK_BOOTTIME). */
	unsigned long long time;
	/* As numbered in Lapwing's pid namespace; 0 if not there. */
	unsigned int pid;
	unsigned int tid;
	/* Arguments that could not be read, one bit each. */
	unsigned char unreadable;
	/* Parts that did not fit. */
	unsigned char omitted;
	/* How many programs the process and those it descends from have run, modulo 2^16 (self_exec_id of the kernel). */
	unsigned short programs;
	/* When the process began, in units of 2^20 ns since boot: tells processes of the same number apart. 0 if that was
	 * not looked at. */
	unsigned int began;
	/* Result of a call; child of LW_FORK; raw exit status of LW_EXIT. */
	long long result;
	/* Of LW_ENTER and LW_EXEC, the first is when the process began, in nanoseconds since boot. */
	unsigned long long args[6];
};
_Static_assert(sizeof(struct lw_record) == 88, "lw_record");

enum lw_part_kind {
	LW_PART_TEXT = 1,
	LW_PART_DATA,
	/* struct lw_file, then its names, then what is left of the path; `arg` is the slot. */
	LW_PART_FILE,
	/* struct lw_socket. */
	LW_PART_SOCKET,
	/* struct lw_credentials. */
	LW_PART_CREDENTIALS,
	/* A process id as an unsigned int. */
	LW_PART_TARGET,
	/* struct lw_program. */
	LW_PART_PROGRAM,
	LW_PART_ARGV,
	LW_PART_ENVP,
	/* A socket address. */
	LW_PART_PEER,
	/* struct lw_operation. */
	LW_PART_OPERATION,
};

/* The slot of the way from the root of a file system to what the mount that the call is about shows of it. */
#define LW_SLOT_ROOT 2

#define LW_PART_TRUNCATED 0x01
/* Looked at after the call although that may have changed it: for want of anything better. */
#define LW_PART_LATE 0x02

/* Parts follow the record, each padded to eight bytes. */
struct lw_part {
	unsigned short kind;
	unsigned char arg;
	unsigned char flags;
	/* Bytes of the content, without padding. */
	unsigned int size;
};
_Static_assert(sizeof(struct lw_part) == 8, "lw_part");

/* Flags of a file. */
#define LW_FILE_INODE 0x01     /* the inode's fields are filled in */
#define LW_FILE_ROOTED 0x02    /* the names end at the process's root */
#define LW_FILE_TRUNCATED 0x04 /* there are more names, or longer ones */
#define LW_FILE_INTERNAL 0x08  /* on a mount of the kernel's own: pipes, sockets, memfds */
#define LW_FILE_UNCERTAIN 0x10 /* `rest` could not be looked up, which does not mean that it is not there */
#define LW_FILE_NO_BASE 0x20   /* not even where the path begins is known */
#define LW_FILE_ELSEWHERE 0x40 /* on a mount that is not among those of the process */
#define LW_FILE_DETACHED 0x80  /* on a mount that is in no namespace */

struct lw_file {
	unsigned long long inode;
	/* Nanoseconds since the epoch. */
	unsigned long long modified;
	unsigned long long changed;
	unsigned int mount;
	unsigned int uid;
	unsigned int gid;
	unsigned int links;
	unsigned int magic;
	unsigned short mode;
	unsigned short flags;
	/* Bytes of the names, innermost first, each with its NUL. */
	unsigned short names;
	/* Bytes of what could not be looked up, relative to the names. */
	unsigned short rest;
	char filesystem[20];
};
_Static_assert(sizeof(struct lw_file) == 72, "lw_file");

struct lw_socket {
	unsigned short family;
	unsigned short type;
	unsigned short protocol;
	unsigned short padding;
};
_Static_assert(sizeof(struct lw_socket) == 8, "lw_socket");

struct lw_credentials {
	unsigned int uid, gid, euid, egid, fsuid, fsgid, auid;
	unsigned int padding;
	unsigned long long cap_effective;
	unsigned long long cap_permitted;
};
_Static_assert(sizeof(struct lw_credentials) == 48, "lw_credentials");

struct lw_program {
	/* Stands for the set of control groups: equal ones are the same set. */
	unsigned long long cgroups;
	unsigned long long cgroup_id;
	unsigned int ppid;
	unsigned int padding;
	char comm[16];
	char tty[32];
};
_Static_assert(sizeof(struct lw_program) == 72, "lw_program");

/* The completion will not be heard of if the operation succeeds: nobody is told. */
#define LW_OPERATION_QUIET 0x01
/* An address was read from the caller's memory, not from the kernel's copy. */
#define LW_OPERATION_USER_READ 0x02

struct lw_operation {
	/* Both records of an operation have the same. */
	unsigned long long token;
	/* LW_OPERATION_*. */
	unsigned int flags;
	unsigned int padding;
};
_Static_assert(sizeof(struct lw_operation) == 16, "lw_operation");

#define LW_RINGS 8

/* Processes whose records did not fit into their ring, and the most that is kept of each: a record without arguments
 * and environment. */
#define LW_MISSED 4096
#define LW_MISSED_BYTES 1024

#endif
