/*
 * Copies: within this process, and between this process and another (process_vm_readv, process_vm_writev).
 *
 * These calls are on the path of every long message: no allocation, one Node-API call per argument. What may be read of
 * another process is the kernel's affair (user namespaces, Yama); src/transport/shm tests each direction at wire-up.
 */

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#include "addon.h"
#include "argument.h"

static napi_value address_of(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  struct bytes data;
  if (!read_bytes(env, arguments[0], "data", &data)) return NULL;
  return make_number(env, (double)(uintptr_t)data.start);
}

static napi_value copy(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(5);
  struct bytes target, source;
  uint64_t target_offset, source_offset, byte_length;
  if (!read_bytes(env, arguments[0], "target", &target) || !read_count(env, arguments[1], "targetOffset", &target_offset) ||
      !read_bytes(env, arguments[2], "source", &source) || !read_count(env, arguments[3], "sourceOffset", &source_offset) ||
      !read_count(env, arguments[4], "byteLength", &byte_length) ||
      !check_range(env, &target, "target", target_offset, byte_length) ||
      !check_range(env, &source, "source", source_offset, byte_length)) {
    return NULL;
  }
  /* Both may lie in one buffer. Nothing to copy may mean no memory at all (NULL). */
  if (byte_length > 0) memmove(target.start + target_offset, source.start + source_offset, byte_length);
  return NULL;
}

typedef ssize_t (*transfer_function)(pid_t, const struct iovec *, unsigned long, const struct iovec *, unsigned long,
                                     unsigned long);

/* Arguments: pid, address, local memory, offset in it, byte length. */
static napi_value transfer(napi_env env, napi_callback_info info, const char *name, transfer_function move) {
  READ_ARGUMENTS(5);
  int32_t pid;
  uint64_t address, offset, byte_length;
  struct bytes memory;
  if (!read_int32(env, arguments[0], "pid", &pid) || !read_count(env, arguments[1], "address", &address) ||
      !read_bytes(env, arguments[2], name, &memory) || !read_count(env, arguments[3], "offset", &offset) ||
      !read_count(env, arguments[4], "byteLength", &byte_length) || !check_range(env, &memory, name, offset, byte_length)) {
    return NULL;
  }
  struct iovec local = {.iov_base = memory.start + offset, .iov_len = byte_length};
  struct iovec remote = {.iov_base = (void *)(uintptr_t)address, .iov_len = byte_length};
  return make_outcome(env, move(pid, &local, 1, &remote, 1, 0));
}

static napi_value read_memory(napi_env env, napi_callback_info info) {
  return transfer(env, info, "target", process_vm_readv);
}

static napi_value write_memory(napi_env env, napi_callback_info info) {
  return transfer(env, info, "source", process_vm_writev);
}

static napi_value set_ptracer(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  int32_t pid;
  if (!read_int32(env, arguments[0], "pid", &pid)) return NULL;
  return make_outcome(env, prctl(PR_SET_PTRACER, (unsigned long)pid, 0, 0, 0));
}

napi_status copy_register(napi_env env, napi_value exports) {
  addon_export(env, exports, "addressOf", address_of);
  addon_export(env, exports, "copy", copy);
  addon_export(env, exports, "readMemory", read_memory);
  addon_export(env, exports, "writeMemory", write_memory);
  return addon_export(env, exports, "setPtracer", set_ptracer);
}
