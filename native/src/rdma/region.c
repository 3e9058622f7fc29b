/*
 * Regions: registered memory, for READ and WRITE by this side and by the peers.
 *
 * One set of rights serves all, since the same array is now sent and now received into; a sink of READ needs the right of
 * remote writing on iWARP. Nobody but this job's ranks has a queue pair in the port's protection domain.
 * Ownership: the memory belongs to JavaScript, which holds its ArrayBuffer until the region is deregistered
 * (src/transport/rdma/region-cache.ts): an address by itself says nothing, it may be another array's by then.
 */

#include "rdma.h"

#ifdef TSMPI_HAS_VERBS

#include <errno.h>
#include <stdlib.h>

static const int kAccess = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE;

/* (port, memory, offset, byte length): [number, address, remote key] of the region, or -errno. */
napi_value rdma_register_memory(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(4);
  struct bytes memory;
  uint64_t offset, byte_length;
  struct port *port = read_port(env, arguments[0]);
  if (port == NULL || !read_bytes(env, arguments[1], "memory", &memory) || !read_count(env, arguments[2], "offset", &offset) ||
      !read_count(env, arguments[3], "byteLength", &byte_length) || !check_range(env, &memory, "memory", offset, byte_length)) {
    return NULL;
  }
  struct region *region = calloc(1, sizeof *region);
  int number = region == NULL ? -1 : keep_region(region);
  if (number < 0) {
    free(region);
    return make_int32(env, -ENOMEM);
  }
  verbs_counters[kCountRegister]++;
  region->registration = verbs.ibv_reg_mr_(port->domain, memory.start + offset, byte_length, kAccess);
  if (region->registration == NULL) {
    int error = errno == 0 ? EIO : errno;
    forget_region(number);
    free(region);
    return make_int32(env, -error);
  }
  verbs_counters[kCountRegisteredBytes] += byte_length;
  napi_value result = NULL;
  napi_create_array_with_length(env, 3, &result);
  napi_set_element(env, result, 0, make_int32(env, number));
  napi_set_element(env, result, 1, make_number(env, (double)(uintptr_t)region->registration->addr));
  napi_set_element(env, result, 2, make_number(env, region->registration->rkey));
  return result;
}

/* (region): 0 or -errno. */
napi_value rdma_deregister_memory(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  int32_t number;
  struct region *region = read_region(env, arguments[0], &number);
  if (region == NULL) return NULL;
  verbs_counters[kCountDeregister]++;
  int outcome = verbs.ibv_dereg_mr_(region->registration);
  forget_region(number);
  free(region);
  return make_int32(env, -outcome);
}

#endif
