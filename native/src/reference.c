/*
 * Bare references for the benchmarks: what the machine does for C with nothing in between.
 *
 * Ping-pong and pipeline run in two processes over the same mapping at the same byte offset, zeroed before the first run;
 * allreduce runs in two threads of one process. They spin without bound: a peer that never comes blocks the caller.
 *
 *     ping-pong   +0 flag of side 0, +128 flag of side 1            256 bytes
 *     pipeline    slots x 64 bytes of state words (even: empty, odd: full), then slots x slotByteLength of payload
 */

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "addon.h"
#include "argument.h"

enum { kFlagDistance = 128, kLine = 64 };

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool read_side(napi_env env, napi_value value, int32_t *side) {
  if (!read_int32(env, value, "side", side)) return false;
  if (*side == 0 || *side == 1) return true;
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "side is neither 0 nor 1");
  return false;
}

static bool check_alignment(napi_env env, uint64_t byte_offset) {
  if (byte_offset % kLine == 0) return true;
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "byteOffset is not a multiple of 64");
  return false;
}

static napi_value reference_ping_pong(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(4);
  struct bytes segment;
  uint64_t byte_offset;
  int32_t side, iterations;
  if (!read_bytes(env, arguments[0], "segment", &segment) || !read_count(env, arguments[1], "byteOffset", &byte_offset) ||
      !read_side(env, arguments[2], &side) || !read_int32(env, arguments[3], "iterations", &iterations) ||
      !check_alignment(env, byte_offset) || !check_range(env, &segment, "segment", byte_offset, 2 * kFlagDistance)) {
    return NULL;
  }
  uint8_t *start = segment.start + byte_offset;
  uint32_t *mine = (uint32_t *)(start + kFlagDistance * side);
  const uint32_t *other = (const uint32_t *)(start + kFlagDistance * (1 - side));
  /* Only its owner writes a flag, so runs may follow each other: both go on from the same number. */
  uint32_t base = __atomic_load_n(mine, __ATOMIC_ACQUIRE);
  uint64_t begin = now_ns();
  for (int32_t turn = 1; turn <= iterations; turn++) {
    uint32_t number = base + (uint32_t)turn;
    if (side == 0) __atomic_store_n(mine, number, __ATOMIC_RELEASE);
    while (__atomic_load_n(other, __ATOMIC_ACQUIRE) != number) continue;
    if (side == 1) __atomic_store_n(mine, number, __ATOMIC_RELEASE);
  }
  return make_number(env, iterations > 0 ? (double)(now_ns() - begin) / (2.0 * iterations) : 0);
}

struct pipeline {
  uint8_t *states;
  uint8_t *payload;
  uint64_t slots;
  uint64_t slot_byte_length;
};

static uint32_t *state_of(const struct pipeline *pipeline, uint64_t slot) {
  return (uint32_t *)(pipeline->states + slot * kLine);
}

/* Wait until the slot is full (parity 1) or empty (0). Return its state. */
static uint32_t await_parity(const uint32_t *state, uint32_t parity) {
  uint32_t seen;
  while (((seen = __atomic_load_n(state, __ATOMIC_ACQUIRE)) & 1) != parity) continue;
  return seen;
}

/* Move one message through the slots. Side 0 copies in, side 1 out. Return the slot after the last one used. */
static uint64_t move_message(const struct pipeline *pipeline, int32_t side, uint8_t *user, uint64_t byte_length, uint64_t slot) {
  for (uint64_t done = 0; done < byte_length;) {
    uint64_t left = byte_length - done;
    uint64_t piece = left < pipeline->slot_byte_length ? left : pipeline->slot_byte_length;
    uint32_t *state = state_of(pipeline, slot);
    uint8_t *payload = pipeline->payload + slot * pipeline->slot_byte_length;
    uint32_t seen = await_parity(state, (uint32_t)side);
    if (side == 0) memcpy(payload, user + done, piece);
    else memcpy(user + done, payload, piece);
    __atomic_store_n(state, seen + 1, __ATOMIC_RELEASE);
    done += piece;
    slot = slot + 1 == pipeline->slots ? 0 : slot + 1;
  }
  return slot;
}

static napi_value reference_pipeline(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(8);
  struct bytes segment, user;
  uint64_t byte_offset, byte_length, slots, slot_byte_length, repetitions;
  int32_t side;
  if (!read_bytes(env, arguments[0], "segment", &segment) || !read_count(env, arguments[1], "byteOffset", &byte_offset) ||
      !read_side(env, arguments[2], &side) || !read_bytes(env, arguments[3], "user", &user) ||
      !read_count(env, arguments[4], "byteLength", &byte_length) || !read_count(env, arguments[5], "slots", &slots) ||
      !read_count(env, arguments[6], "slotByteLength", &slot_byte_length) ||
      !read_count(env, arguments[7], "repetitions", &repetitions) || !check_alignment(env, byte_offset) ||
      !check_range(env, &user, "user", 0, byte_length)) {
    return NULL;
  }
  if (slots == 0 || slots > 65536 || slot_byte_length == 0 || slot_byte_length > segment.length) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "slots or slotByteLength is zero or too large");
    return NULL;
  }
  if (!check_range(env, &segment, "segment", byte_offset, slots * (kLine + slot_byte_length))) return NULL;
  struct pipeline pipeline = {
      .states = segment.start + byte_offset,
      .payload = segment.start + byte_offset + slots * kLine,
      .slots = slots,
      .slot_byte_length = slot_byte_length,
  };
  uint64_t begin = now_ns();
  uint64_t slot = 0;
  for (uint64_t turn = 0; turn < repetitions; turn++) slot = move_message(&pipeline, side, user.start, byte_length, slot);
  /* The sender's time ends when all of it has been taken; the next run then finds every slot empty. */
  for (uint64_t index = 0; side == 0 && index < slots; index++) await_parity(state_of(&pipeline, index), 0);
  return make_number(env, (double)(now_ns() - begin));
}

struct allreduce {
  const double *inputs[2];
  double *outputs[2];
  uint64_t count;
  uint64_t repetitions;
  int32_t core;
  /* Arrivals of both threads so far. */
  uint32_t arrivals;
};

/* Wait for the other thread; each has called this equally often. */
static void meet(struct allreduce *work, uint32_t *met) {
  *met += 2;
  __atomic_add_fetch(&work->arrivals, 1, __ATOMIC_ACQ_REL);
  while ((int32_t)(__atomic_load_n(&work->arrivals, __ATOMIC_ACQUIRE) - *met) < 0) continue;
}

/* One thread's share: it adds its half of both inputs into both outputs. */
static void reduce_half(struct allreduce *work, int side) {
  const uint64_t middle = work->count / 2;
  const uint64_t begin = side == 0 ? 0 : middle, end = side == 0 ? middle : work->count;
  const double *restrict first = work->inputs[0], *restrict second = work->inputs[1];
  double *restrict to_first = work->outputs[0], *restrict to_second = work->outputs[1];
  uint32_t met = 0;
  for (uint64_t turn = 0; turn < work->repetitions; turn++) {
    meet(work, &met);
    for (uint64_t i = begin; i < end; i++) {
      const double sum = first[i] + second[i];
      to_first[i] = sum;
      to_second[i] = sum;
    }
  }
  meet(work, &met);
}

static void *run_second(void *data) {
  struct allreduce *work = data;
  if (work->core >= 0) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(work->core, &cores);
    pthread_setaffinity_np(pthread_self(), sizeof cores, &cores);
  }
  reduce_half(work, 1);
  return NULL;
}

static napi_value reference_allreduce(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(6);
  struct bytes memory[4];
  static const char *const names[4] = {"firstInput", "secondInput", "firstOutput", "secondOutput"};
  uint64_t repetitions;
  int32_t core;
  for (int index = 0; index < 4; index++) {
    if (!read_bytes(env, arguments[index], names[index], &memory[index])) return NULL;
    if (!check_range(env, &memory[index], names[index], 0, memory[0].length)) return NULL;
  }
  if (!read_count(env, arguments[4], "repetitions", &repetitions) || !read_int32(env, arguments[5], "core", &core)) return NULL;
  struct allreduce work = {
      .inputs = {(const double *)memory[0].start, (const double *)memory[1].start},
      .outputs = {(double *)memory[2].start, (double *)memory[3].start},
      .count = memory[0].length / sizeof(double),
      .repetitions = repetitions,
      .core = core < CPU_SETSIZE ? core : -1,
  };
  pthread_t second;
  int error = pthread_create(&second, NULL, run_second, &work);
  if (error != 0) {
    throw_errno(env, "the second thread does not start", -error);
    return NULL;
  }
  uint64_t begin = now_ns();
  reduce_half(&work, 0);
  uint64_t end = now_ns();
  pthread_join(second, NULL);
  return make_number(env, (double)(end - begin));
}

napi_status reference_register(napi_env env, napi_value exports) {
  addon_export(env, exports, "referencePingPong", reference_ping_pong);
  addon_export(env, exports, "referencePipeline", reference_pipeline);
  return addon_export(env, exports, "referenceAllreduce", reference_allreduce);
}
