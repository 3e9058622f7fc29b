/*
 * CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), by which messages are checked end to end.
 *
 * By the processor's own instruction where there is one (SSE 4.2: 8 bytes every 3 cycles), else by a table, a byte at a time.
 */

#include <string.h>

#include "addon.h"
#include "argument.h"

static uint32_t table[256];

static void fill_table(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; bit++) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82f63b78u : 0);
    table[byte] = value;
  }
}

static uint32_t by_table(uint32_t crc, const uint8_t *data, size_t length) {
  if (table[1] == 0) fill_table();
  for (size_t index = 0; index < length; index++) crc = (crc >> 8) ^ table[(crc ^ data[index]) & 0xff];
  return crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const uint8_t *data, size_t length) {
  uint64_t wide = crc;
  while (length >= 8) {
    uint64_t word;
    memcpy(&word, data, 8);
    wide = __builtin_ia32_crc32di(wide, word);
    data += 8;
    length -= 8;
  }
  crc = (uint32_t)wide;
  while (length-- > 0) crc = __builtin_ia32_crc32qi(crc, *data++);
  return crc;
}

static uint32_t update(uint32_t crc, const uint8_t *data, size_t length) {
  return __builtin_cpu_supports("sse4.2") ? by_instruction(crc, data, length) : by_table(crc, data, length);
}

#else

static uint32_t update(uint32_t crc, const uint8_t *data, size_t length) {
  return by_table(crc, data, length);
}

#endif

/* (data, offset, byte length, seed): the checksum as an Int32. */
static napi_value crc32c(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(4);
  struct bytes data;
  uint64_t offset, byte_length;
  int32_t seed;
  if (!read_bytes(env, arguments[0], "data", &data) || !read_count(env, arguments[1], "offset", &offset) ||
      !read_count(env, arguments[2], "byteLength", &byte_length) || !read_int32(env, arguments[3], "seed", &seed) ||
      !check_range(env, &data, "data", offset, byte_length)) {
    return NULL;
  }
  return make_int32(env, (int32_t)~update(~(uint32_t)seed, data.start + offset, byte_length));
}

napi_status checksum_register(napi_env env, napi_value exports) {
  return addon_export(env, exports, "crc32c", crc32c);
}
