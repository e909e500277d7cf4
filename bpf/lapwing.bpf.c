// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Everything that runs in the kernel, as one object.
 */
#include "include/kernel.h"
#include "include/kernel_uring.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "include/abi.h"
#include "lib/config.h"
#include "lib/maps.h"
#include "lib/count.h"
#include "lib/region.h"
#include "lib/task.h"
#include "lib/place.h"
#include "lib/ring.h"
#include "lib/record.h"
#include "lib/scope.h"
#include "lib/made.h"
#include "lib/path.h"
#include "lib/argument.h"
#include "lib/discard.h"
#include "lib/filter.h"
#include "lib/approve.h"
#include "lib/look.h"
#include "lib/upkeep.h"
#include "lib/file.h"
#include "lib/enter.h"
#include "lib/walk.h"
#include "lib/socket.h"
#include "lib/call.h"
#include "lib/uring.h"

#include "hooks/sched_process_fork.bpf.c"
#include "hooks/sched_process_exec.bpf.c"
#include "hooks/sched_process_exit.bpf.c"
#include "hooks/cgroup_attach_task.bpf.c"
#include "hooks/sys_enter.bpf.c"
#include "hooks/sys_enter_all.bpf.c"
#include "hooks/sys_exit.bpf.c"
#include "hooks/io_uring_submit_req.bpf.c"
#include "hooks/io_uring_complete.bpf.c"
#include "hooks/io_uring_cqe_overflow.bpf.c"
#include "hooks/obey.bpf.c"
#include "hooks/iter_task.bpf.c"

char LICENSE[] SEC("license") = "Dual MIT/GPL";
