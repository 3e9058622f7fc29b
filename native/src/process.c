/* What a process or thread says about itself to the kernel: the cores it may use, adopted children, its thread id. */

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "addon.h"
#include "argument.h"

/* Cores that a set is made for: beyond any machine, and the kernel wants a set no smaller than its own. */
enum { kMaxCores = 1 << 16 };

static napi_value get_affinity(napi_env env, napi_callback_info info) {
  (void)info;
  size_t byte_length = CPU_ALLOC_SIZE(kMaxCores);
  cpu_set_t *set = CPU_ALLOC(kMaxCores);
  if (set == NULL) {
    throw_errno(env, "getAffinity failed", ENOMEM);
    return NULL;
  }
  CPU_ZERO_S(byte_length, set);
  napi_value cores = NULL;
  if (sched_getaffinity(0, byte_length, set) != 0) {
    throw_errno(env, "sched_getaffinity failed", errno);
  } else if (napi_create_array(env, &cores) == napi_ok) {
    uint32_t count = 0;
    for (int core = 0; core < kMaxCores; core++) {
      if (CPU_ISSET_S(core, byte_length, set)) napi_set_element(env, cores, count++, make_int32(env, core));
    }
  }
  CPU_FREE(set);
  return cores;
}

static bool read_cores(napi_env env, napi_value cores, cpu_set_t *set, size_t byte_length) {
  uint32_t count;
  if (napi_get_array_length(env, cores, &count) != napi_ok) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "cores is not an array");
    return false;
  }
  for (uint32_t index = 0; index < count; index++) {
    napi_value element;
    uint64_t core;
    if (napi_get_element(env, cores, index, &element) != napi_ok) return false;
    if (!read_count(env, element, "core", &core)) return false;
    if (core >= kMaxCores) {
      napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "core is beyond 65535");
      return false;
    }
    CPU_SET_S(core, byte_length, set);
  }
  return true;
}

static napi_value set_affinity(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  size_t byte_length = CPU_ALLOC_SIZE(kMaxCores);
  cpu_set_t *set = CPU_ALLOC(kMaxCores);
  if (set == NULL) return make_int32(env, -ENOMEM);
  CPU_ZERO_S(byte_length, set);
  napi_value result = NULL;
  if (read_cores(env, arguments[0], set, byte_length)) result = make_outcome(env, sched_setaffinity(0, byte_length, set));
  CPU_FREE(set);
  return result;
}

static napi_value set_subreaper(napi_env env, napi_callback_info info) {
  (void)info;
  return make_outcome(env, prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
}

static napi_value reap(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  int32_t pid;
  if (!read_int32(env, arguments[0], "pid", &pid)) return NULL;
  int status = 0;
  pid_t ended = waitpid(pid, &status, WNOHANG);
  if (ended <= 0) return make_outcome(env, ended);
  napi_value pair = NULL;
  napi_create_array_with_length(env, 2, &pair);
  napi_set_element(env, pair, 0, make_int32(env, ended));
  napi_set_element(env, pair, 1, make_int32(env, status));
  return pair;
}

static napi_value thread_id(napi_env env, napi_callback_info info) {
  (void)info;
  return make_int32(env, (int32_t)syscall(SYS_gettid));
}

napi_status process_register(napi_env env, napi_value exports) {
  addon_export(env, exports, "getAffinity", get_affinity);
  addon_export(env, exports, "setAffinity", set_affinity);
  addon_export(env, exports, "setSubreaper", set_subreaper);
  addon_export(env, exports, "reap", reap);
  return addon_export(env, exports, "threadId", thread_id);
}
