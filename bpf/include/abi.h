// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * What the BPF programs and Lapwing's user-space side agree on.
 *
 * This file is the source of truth: kernel-mode/src/abi mirrors it, and a test compares the mirror with
 * the types in the committed object. Everything is little-endian and padded by hand.
 */
#ifndef LAPWING_ABI_H
#define LAPWING_ABI_H

/* The syscall table: descriptors of calls by interface and number. */
#define LW_NUMBERS 1024
#define LW_INTERFACES 3
/* socketcall's numbers (linux/net.h) and the old mmap have descriptors of their own behind the rest. */
#define LW_REDIRECTS 32
/* Behind those, operations of an io_uring by number. The last one stands for all that it has no place for. */
#define LW_OPERATIONS 64
#define LW_FIRST_OPERATION (LW_INTERFACES * LW_NUMBERS + LW_REDIRECTS)
#define LW_DESCRIPTORS (LW_FIRST_OPERATION + LW_OPERATIONS)

enum lw_interface {
	LW_NATIVE = 0,
	LW_COMPAT = 1,
	LW_X32 = 2,
};

/* What an argument is, and so what is captured for it. */
enum lw_role {
	LW_ROLE_NONE = 0,
	/* A NUL-terminated string of at most `size` bytes. */
	LW_ROLE_TEXT,
	/* `size` bytes; the next argument limits them if LW_ARG_LENGTH is set. */
	LW_ROLE_DATA,
	/* A descriptor; its file goes to `slot`. */
	LW_ROLE_FD,
	/* A path; what it leads to goes to `slot`. */
	LW_ROLE_PATH,
	/* A descriptor of a socket. */
	LW_ROLE_SOCKET,
	/* A pidfd. */
	LW_ROLE_PIDFD,
	/* A thread's number. */
	LW_ROLE_TID,
};

/* Flags of an argument. */
#define LW_ARG_LENGTH 0x01    /* the next argument is its length */
#define LW_ARG_DIRFD 0x02     /* the argument before is the directory it starts from */
#define LW_ARG_NOFOLLOW 0x04  /* a symbolic link at the end is acted on itself */
#define LW_ARG_CREATE 0x08    /* the last component is made by the call */
#define LW_ARG_EARLY 0x10     /* is looked at before the call, which may change or remove it */
#define LW_ARG_EMPTY 0x20     /* an empty path always may mean the directory descriptor itself */
#define LW_ARG_NULL_OK 0x40   /* likewise a null pointer */
#define LW_ARG_MOUNTED 0x80   /* success mounts something there */

/* Where a request of an io_uring has a value, for the kernel has read the submission by then. */
enum lw_place {
	LW_PLACE_NONE = 0,
	/* The descriptor that it is about, or the number of a fixed file. */
	LW_PLACE_FILE,
	LW_PLACE_OPEN_DIRECTORY,
	LW_PLACE_OPEN_PATH,
	LW_PLACE_OPEN_FLAGS,
	LW_PLACE_OPEN_MODE,
	/* Where among the fixed files the result goes, instead of a descriptor: 0 for none, else one more. */
	LW_PLACE_OPEN_SLOT,
	LW_PLACE_UNLINK_DIRECTORY,
	LW_PLACE_UNLINK_PATH,
	LW_PLACE_UNLINK_FLAGS,
	LW_PLACE_RENAME_DIRECTORY,
	LW_PLACE_RENAME_PATH,
	LW_PLACE_RENAME_NEW_DIRECTORY,
	LW_PLACE_RENAME_NEW_PATH,
	LW_PLACE_RENAME_FLAGS,
	LW_PLACE_MKDIR_DIRECTORY,
	LW_PLACE_MKDIR_PATH,
	LW_PLACE_MKDIR_MODE,
	LW_PLACE_LINK_DIRECTORY,
	LW_PLACE_LINK_PATH,
	LW_PLACE_LINK_NEW_DIRECTORY,
	LW_PLACE_LINK_NEW_PATH,
	LW_PLACE_LINK_FLAGS,
	LW_PLACE_XATTR_PATH,
	LW_PLACE_XATTR_NAME,
	LW_PLACE_SPLICE_SOURCE,
	LW_PLACE_SPLICE_LENGTH,
	LW_PLACE_SPLICE_FLAGS,
	LW_PLACE_SOCKET_DOMAIN,
	LW_PLACE_SOCKET_TYPE,
	LW_PLACE_SOCKET_PROTOCOL,
	LW_PLACE_SOCKET_SLOT,
	LW_PLACE_ADDRESS,
	LW_PLACE_CONNECT_LENGTH,
	LW_PLACE_BIND_LENGTH,
	LW_PLACE_ACCEPT_FLAGS,
	LW_PLACE_ACCEPT_SLOT,
};

struct lw_argument {
	unsigned char role;
	unsigned char slot;
	unsigned char flags;
	/* Which argument has AT_* flags about this path; 0xff for none. */
	unsigned char at_flags;
	unsigned short size;
	/* Of an operation: enum lw_place. */
	unsigned char place;
	unsigned char padding;
};
_Static_assert(sizeof(struct lw_argument) == 8, "lw_argument");

enum lw_condition {
	LW_ALWAYS = 0,
	LW_ANY_BIT,
	LW_NO_BIT,
	LW_IS,
	LW_IS_NOT,
	LW_PRESENT,
};

struct lw_test {
	unsigned char condition;
	unsigned char arg;
	unsigned char padding[6];
	unsigned long long value;
};
_Static_assert(sizeof(struct lw_test) == 16, "lw_test");

/* Flags of a descriptor. */
#define LW_CALL_ENABLED 0x01      /* somebody wants what it becomes */
#define LW_CALL_EARLY 0x02        /* has arguments with LW_ARG_EARLY */
#define LW_CALL_MAKES_FILE 0x04   /* the result is a descriptor of the file in slot 0 */
#define LW_CALL_MAKES_SOCKET 0x08 /* the result is a socket, connected if there is a peer */
#define LW_CALL_CREDENTIALS 0x10  /* the thread's credentials may have changed */
#define LW_CALL_PROGRAM 0x20      /* success is seen where the new program begins */
#define LW_CALL_INDIRECT 0x40     /* the arguments lie in memory */
#define LW_CALL_NEW_CWD 0x80      /* success makes the file in slot 0 the working directory */
#define LW_CALL_CREATES 0x100     /* makes the file in slot 0 under the name that it is given */
#define LW_CALL_QUIET 0x200       /* nobody wants `type`: only discarders are concerned */
#define LW_CALL_FIRST_QUIET 0x400 /* likewise `first_type` */
#define LW_CALL_UPHEAVAL 0x800    /* success ends all discarders: mounts are elsewhere */
#define LW_CALL_UNSEEN 0x1000     /* success lets the caller change files unseen: discarders are over. Of an operation: when it is submitted */
#define LW_CALL_OPAQUE 0x2000     /* an operation that nobody can see into: said once of a process */
#define LW_CALL_MAKES_MOUNT 0x4000 /* the file that the result is a descriptor of is the root of a new mount */

#define LW_TESTS 6
#define LW_ERRORS 4

/* Sets of numbers of calls, whatever the interface: indexes of the map `number_sets`. */
enum lw_set {
	LW_SET_WANTED = 0, /* LW_CALL_ENABLED may be found in a descriptor */
	LW_SET_EARLY,      /* likewise LW_CALL_EARLY */
	LW_SETS,
};

#define LW_SET_BYTES 128
_Static_assert(LW_SET_BYTES * 8 == LW_NUMBERS, "LW_SET_BYTES");

struct lw_number_set {
	/* A bit each, the lowest first. */
	unsigned char bits[LW_SET_BYTES];
};
_Static_assert(sizeof(struct lw_number_set) == 128, "lw_number_set");

struct lw_descriptor {
	unsigned int flags;
	/* Index of the row in the catalogue. */
	unsigned short row;
	/* For LW_CALL_INDIRECT: the first descriptor to go on with, and which argument selects (0xff: none). */
	unsigned short redirect;
	unsigned char selector;
	unsigned char pointer;
	unsigned char words;
	/* How many of `tests` there are; the call is of interest if one of them holds, or there is none. */
	unsigned char tests_count;
	/* `read_when`: strings and structures are there to be read only if all of them hold. */
	unsigned char reads_count;
	/* Number of the type of event that it becomes, if filters or discarders have to know; else 0. */
	unsigned char type;
	/* Another one, which it becomes if `first_when` holds; 0 for none. */
	unsigned char first_type;
	/* Which argument has the flags that an approver looks at, or points to them; 0xff for none. */
	unsigned char flags_arg;
	/* Error numbers that are reported besides EPERM and EACCES; 0 ends the list. */
	unsigned short errors[LW_ERRORS];
	struct lw_argument args[6];
	struct lw_test tests[LW_TESTS];
	struct lw_test reads[2];
	struct lw_test first_when;
	/* Flags that the call implies. */
	unsigned int implied_flags;
	/* For LW_CALL_UPHEAVAL: only if one of these flags is set; 0 for always. */
	unsigned int upheaval;
	/* Of an operation: enum lw_place of the fixed file that its result goes to; 0 for none. */
	unsigned char result_slot;
	unsigned char padding[7];
};
_Static_assert(sizeof(struct lw_descriptor) == 24 + 6 * 8 + 9 * 16 + 16, "lw_descriptor");

/* Whom to observe. */
enum lw_scope {
	LW_SCOPE_TREE = 0, /* processes that user space names, and what they start */
	LW_SCOPE_HOST,     /* everybody */
	LW_SCOPE_CGROUPS,  /* the members of control groups, and of groups below those */
};

/* Hierarchies of control groups: that of version 2, and those of version 1 by a controller. */
enum lw_hierarchy {
	LW_HIERARCHY_UNIFIED = 0,
	LW_HIERARCHY_CPUSET,
	LW_HIERARCHY_CPU,
	LW_HIERARCHY_CPUACCT,
	LW_HIERARCHY_BLKIO,
	LW_HIERARCHY_MEMORY,
	LW_HIERARCHY_DEVICES,
	LW_HIERARCHY_FREEZER,
	LW_HIERARCHY_PIDS,
};

/* What a process is numbered, as the program `iter_task` tells of all. */
struct lw_numbers {
	/* In Lapwing's pid namespace. */
	unsigned int pid;
	/* By the kernel itself. */
	unsigned int tgid;
	/* Its parent, in Lapwing's pid namespace; 0 if it is not there. */
	unsigned int ppid;
};
_Static_assert(sizeof(struct lw_numbers) == 12, "lw_numbers");

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

/* Why something was not captured; indexes of the map `counters`. */
enum lw_counter {
	LW_LOST_LIFECYCLE = 0, /* fork, exec or exit: the ring was full */
	LW_LOST_CALLS,         /* a call: the ring was full */
	LW_LOST_EARLY,         /* what a call names: the ring was full */
	LW_NO_SCRATCH,         /* no buffer for this CPU */
	LW_TREE_FULL,          /* a process could not be added to the tree that is watched */
	LW_WALKS_GIVEN_UP,     /* a path was not followed to its end */
	LW_UNREADABLE,         /* the caller's memory could not be read */
	LW_OMITTED,            /* parts that did not fit into a record */
	LW_THREADS_FULL,       /* a thread could not be remembered: signals to it will not say whose it is */
	LW_RECORDS,            /* records handed over */
	LW_OPERATIONS_FULL,    /* an operation of an io_uring could not be remembered until its completion */
	LW_LOST_MADE,          /* which calls a process made: the map or the ring was full */
	LW_COUNTERS,
};

/* Processes of which it is known at a time which calls they made. */
#define LW_MADE_PROCESSES 16384
/* A bit for each number of an interface. */
#define LW_MADE_WORDS 16

struct lw_made_key {
	/* The kernel's own number of the process. */
	unsigned int tgid;
	/* enum lw_interface. */
	unsigned int interface;
};
_Static_assert(sizeof(struct lw_made_key) == 8, "lw_made_key");

struct lw_made {
	/* When the program made its first call (CLOCK_BOOTTIME). */
	unsigned long long since;
	/* The process as numbered in Lapwing's pid namespace. */
	unsigned int pid;
	unsigned int padding;
	unsigned long long numbers[LW_MADE_WORDS];
};
_Static_assert(sizeof(struct lw_made) == 144, "lw_made");

struct lw_made_record {
	struct lw_record head;
	unsigned long long numbers[LW_MADE_WORDS];
};
_Static_assert(sizeof(struct lw_made_record) == 216, "lw_made_record");

#define LW_RINGS 8

/* Types of events that have discarders or approvers are numbered below this. */
#define LW_FILTERED 16
/* Processes whose records did not fit into their ring, and the most that is kept of each: a record without arguments
 * and environment. */
#define LW_MISSED 4096
#define LW_MISSED_BYTES 1024

#define LW_INODE_DISCARDERS 16384
#define LW_PID_DISCARDERS 512
/* A power of two. */
#define LW_MOUNT_REVISIONS 4096
#define LW_BASENAMES 4096
/* NAME_MAX of linux/limits.h, and NUL. */
#define LW_BASENAME 256
#define LW_COMPONENTS 4096
/* What is told apart of a component of a path, with NUL. */
#define LW_COMPONENT 32

/* Types of events that make discarders wrong or have two files, numbered as everywhere in Lapwing. */
enum lw_type {
	LW_TYPE_LINK = 3,
	LW_TYPE_RENAME = 4,
	LW_TYPE_UNLINK = 5,
	LW_TYPE_RMDIR = 6,
	LW_TYPE_SPLICE = 12,
	LW_TYPE_MOUNT = 21,
	LW_TYPE_UMOUNT = 22,
};

/* Indexes of the map `filter_cells`. */
enum lw_cell {
	LW_CELL_POLICIES = 0, /* whether a type is treated otherwise than without filters */
	LW_CELL_DISCARDERS,   /* whether something was discarded that may hold still */
	LW_CELL_REVISION,     /* raised to invalidate all discarders */
	LW_CELL_FRONT,        /* which half of `filter_counts` is counted in */
	LW_CELL_UNSEEN,       /* whether files can be changed unseen, so that there are no discarders any more */
	LW_CELL_MOVES,        /* raised when a directory was moved: part of the revision of every mount */
	LW_CELL_CHANGES,      /* raised whenever something about files is invalidated */
	LW_CELLS,
};

enum lw_mode {
	LW_MODE_NO_FILTER = 0,
	LW_MODE_ACCEPT,
	LW_MODE_DENY,
};

/* What user space asks the program `obey` to do, and its answers. */
enum lw_order {
	LW_ORDER_PUSH = 1,
	LW_ORDER_PUSH_PID,
	LW_ORDER_EXPIRE,
	LW_ORDER_FLUSH,
};

enum lw_answer {
	LW_ANSWER_DONE = 0,
	LW_ANSWER_RETAINED,
	LW_ANSWER_OUTDATED,
	LW_ANSWER_UNSEEN,
	LW_ANSWER_NO_ROOM,
	LW_ANSWER_OVERTAKEN,
};

struct lw_inode_key {
	unsigned long long inode;
	unsigned int mount;
	/* 1 for the file itself, 0 for what lies below the directory. */
	unsigned int leaf;
};
_Static_assert(sizeof(struct lw_inode_key) == 16, "lw_inode_key");

struct lw_discarder {
	/* The types of events that are discarded: bit `number - 1` each. */
	unsigned long long types;
	/* End of the retention (CLOCK_MONOTONIC); 0 if it is not retained. */
	unsigned long long retained;
	unsigned int revision;
	unsigned int mount_revision;
	/* Of a process: which one it is and which of its programs (task__mark); 0 if any. */
	unsigned long long mark;
	/* Until when, by number of the type; 0 for ever. */
	unsigned long long until[LW_FILTERED];
};
_Static_assert(sizeof(struct lw_discarder) == 32 + 16 * 8, "lw_discarder");

/* The type has basenames, components. */
#define LW_NAMED_LAST 0x01
#define LW_NAMED_ANY 0x02
/* Words of 64 marks. Powers of two. */
#define LW_NAME_MARKS 16
#define LW_COMPONENT_MARKS 4

struct lw_policy {
	/* Flags of which one is enough. */
	unsigned long long flags;
	/* Which basenames and components may be approved at all: a bit for each, by their first eight bytes and their
	 * length (filter__mark). */
	unsigned long long names[LW_NAME_MARKS];
	unsigned long long components[LW_COMPONENT_MARKS];
	/* enum lw_mode. */
	unsigned char mode;
	/* Whether no flag at all is approved too. */
	unsigned char no_flag;
	/* LW_NAMED_* */
	unsigned char named;
	unsigned char padding[5];
};
_Static_assert(sizeof(struct lw_policy) == 176, "lw_policy");

/* Padded with zeros. */
struct lw_basename {
	char bytes[LW_BASENAME];
};
_Static_assert(sizeof(struct lw_basename) == 256, "lw_basename");

/* The beginning of a component of a path, padded with zeros. */
struct lw_component {
	char bytes[LW_COMPONENT];
};
_Static_assert(sizeof(struct lw_component) == 32, "lw_component");

struct lw_filter_counts {
	unsigned long long added;
	unsigned long long discarded;
	unsigned long long by_basename;
	unsigned long long by_flags;
	unsigned long long rejected;
};
_Static_assert(sizeof(struct lw_filter_counts) == 40, "lw_filter_counts");

#endif
