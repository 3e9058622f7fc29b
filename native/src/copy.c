/*
 * Copies: within this process, and between this process and another (process_vm_readv, process_vm_writev).
 *
 * These calls are on the path of every long message: no allocation, one Node-API call per argument. What may be read of
 * another process is the kernel's affair (user namespaces, Yama); src/transport/shm tests each direction at wire-up.
 */

#include <errno.h>
#include <stdio.h>
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

/* Move `count` blocks of a size the compiler knows: one load and store each. */
#define COPY_BLOCKS_OF(size)                                                                             \
  case size:                                                                                             \
    for (uint64_t k = 0; k < count; k++, target += target_stride, source += source_stride) memcpy(target, source, size); \
    break

static void copy_blocks_of(uint8_t *target, int64_t target_stride, const uint8_t *source, int64_t source_stride,
                           uint64_t block_byte_length, uint64_t count) {
  switch (block_byte_length) {
    COPY_BLOCKS_OF(1);
    COPY_BLOCKS_OF(2);
    COPY_BLOCKS_OF(4);
    COPY_BLOCKS_OF(8);
    COPY_BLOCKS_OF(12);
    COPY_BLOCKS_OF(16);
    COPY_BLOCKS_OF(24);
    COPY_BLOCKS_OF(32);
    default:
      for (uint64_t k = 0; k < count; k++, target += target_stride, source += source_stride) {
        memmove(target, source, block_byte_length);
      }
  }
}

/* Check that blocks at these distances lie in the memory; a negative stride runs backwards from the offset. */
static bool check_blocks(napi_env env, const struct bytes *bytes, const char *name, uint64_t offset, int64_t stride,
                         uint64_t block_byte_length, uint64_t count) {
  /* In doubles nothing wraps; what is large enough to be rounded is out of range anyway. */
  double last = (double)stride * (double)(count - 1);
  double low = (double)offset + (last < 0 ? last : 0);
  double high = (double)offset + (last > 0 ? last : 0) + (double)block_byte_length;
  if (low >= 0 && high <= (double)bytes->length) return true;
  char message[160];
  snprintf(message, sizeof message, "blocks from byte %.0f to %.0f lie outside %s, which has %llu bytes", low, high, name,
           (unsigned long long)bytes->length);
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE", message);
  return false;
}

static napi_value copy_blocks(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(8);
  struct bytes target, source;
  uint64_t target_offset, source_offset, block_byte_length, count;
  int64_t target_stride, source_stride;
  if (!read_bytes(env, arguments[0], "target", &target) || !read_count(env, arguments[1], "targetOffset", &target_offset) ||
      !read_stride(env, arguments[2], "targetStride", &target_stride) || !read_bytes(env, arguments[3], "source", &source) ||
      !read_count(env, arguments[4], "sourceOffset", &source_offset) ||
      !read_stride(env, arguments[5], "sourceStride", &source_stride) ||
      !read_count(env, arguments[6], "blockByteLength", &block_byte_length) ||
      !read_count(env, arguments[7], "count", &count)) {
    return NULL;
  }
  if (count == 0 || block_byte_length == 0) return NULL;
  if (!check_blocks(env, &target, "target", target_offset, target_stride, block_byte_length, count) ||
      !check_blocks(env, &source, "source", source_offset, source_stride, block_byte_length, count)) {
    return NULL;
  }
  copy_blocks_of(target.start + target_offset, target_stride, source.start + source_offset, source_stride, block_byte_length,
                 count);
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
  addon_export(env, exports, "copyBlocks", copy_blocks);
  addon_export(env, exports, "readMemory", read_memory);
  addon_export(env, exports, "writeMemory", write_memory);
  return addon_export(env, exports, "setPtracer", set_ptracer);
}
