/*
 * Reductions: inout[i] = input[i] o inout[i] for whole arrays, what the loops of src/datatype/reduce-kernels.ts do for few
 * elements, with the same bits.
 *
 * The idea: the loops of reduce_kernels.h compiled once for the least that the architecture has and, on x86-64, once for
 * AVX2, taken where the processor has it: the binary is shipped, so it must run anywhere. No instruction set changes a result:
 * elements are independent, and nothing is contracted (-ffp-contract=off) or reordered.
 */

#include <float.h>
#include <string.h>

#include "addon.h"
#include "argument.h"

#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
#error "float and double must be computed in their own precision"
#endif

enum { kOperators = 12, kTypes = 12, kReplace = 12 };

typedef void (*reduce_kernel)(const void *restrict input, void *restrict inout, size_t count);

/* Bytes of an element by code: src/datatype/element-type.ts. */
static const uint8_t element_bytes[kTypes] = {1, 1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};

static inline int is_negative_f32(float value) {
  int32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits < 0;
}

static inline int is_negative_f64(double value) {
  int64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits < 0;
}

#define KERNEL(name) name##_base
#include "reduce_kernels.h"
#undef KERNEL

#if defined(__x86_64__) && !defined(__AVX2__)
#define HAS_AVX2_KERNELS
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif
#define KERNEL(name) name##_avx2
#include "reduce_kernels.h"
#undef KERNEL
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

static reduce_kernel kernel_of(int32_t op, int32_t code) {
#ifdef HAS_AVX2_KERNELS
  if (__builtin_cpu_supports("avx2")) return kernels_avx2[op][code];
#endif
  return kernels_base[op][code];
}

/* Bytes that are combined, then copied while the first cache holds them. */
enum { kBlock = 8192 };

static void reduce_and_copy(reduce_kernel kernel, const uint8_t *from, uint8_t *into, uint8_t *copy, uint64_t count, uint64_t bytes) {
  const uint64_t block = kBlock / bytes;
  for (uint64_t done = 0; done < count; done += block) {
    const uint64_t part = count - done < block ? count - done : block;
    const uint64_t offset = done * bytes;
    if (kernel == NULL) memcpy(into + offset, from + offset, part * bytes);
    else kernel(from + offset, into + offset, part);
    memcpy(copy + offset, into + offset, part * bytes);
  }
}

static napi_value reduce(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(9);
  int32_t op, code;
  uint64_t input_index, inout_index, count, copy_index = 0;
  struct bytes input, inout, copy = {NULL, 0};
  napi_valuetype copy_type = napi_undefined;
  if (!read_int32(env, arguments[0], "op", &op) || !read_int32(env, arguments[1], "code", &code) ||
      !read_bytes(env, arguments[2], "input", &input) || !read_count(env, arguments[3], "inputIndex", &input_index) ||
      !read_bytes(env, arguments[4], "inout", &inout) || !read_count(env, arguments[5], "inoutIndex", &inout_index) ||
      !read_count(env, arguments[6], "count", &count)) {
    return NULL;
  }
  napi_typeof(env, arguments[7], &copy_type);
  const bool is_copied = copy_type != napi_undefined;
  if (is_copied && (!read_bytes(env, arguments[7], "copy", &copy) || !read_count(env, arguments[8], "copyIndex", &copy_index))) {
    return NULL;
  }
  const bool is_known = op >= 0 && op <= kReplace && code >= 0 && code < kTypes;
  reduce_kernel kernel = is_known && op < kOperators ? kernel_of(op, code) : NULL;
  if (!is_known || (kernel == NULL && op != kReplace)) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "op or code names no reduction");
    return NULL;
  }
  const uint64_t bytes = element_bytes[code];
  /* Products of numbers of at most 2^53 with 8 cannot wrap. */
  if (!check_range(env, &input, "input", input_index * bytes, count * bytes) ||
      !check_range(env, &inout, "inout", inout_index * bytes, count * bytes) ||
      (is_copied && !check_range(env, &copy, "copy", copy_index * bytes, count * bytes)) || count == 0) {
    return NULL;
  }
  const uint8_t *from = input.start + input_index * bytes;
  uint8_t *into = inout.start + inout_index * bytes;
  if (is_copied) reduce_and_copy(op == kReplace ? NULL : kernel, from, into, copy.start + copy_index * bytes, count, bytes);
  else if (op == kReplace) memcpy(into, from, count * bytes);
  else kernel(from, into, count);
  return NULL;
}

napi_status reduce_register(napi_env env, napi_value exports) {
#ifdef HAS_AVX2_KERNELS
  __builtin_cpu_init();
#endif
  return addon_export(env, exports, "reduce", reduce);
}
