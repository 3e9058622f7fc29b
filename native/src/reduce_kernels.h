/*
 * Reduction kernels: inout[i] = input[i] o inout[i], one function for each operator and element type, made by macros.
 *
 * reduce.c includes this file once for each set of instructions, with KERNEL(name) giving the functions names of their own.
 * They do what src/datatype/reduce-kernels.ts does, bit for bit (a NaN's sign and payload apart, which JavaScript leaves open):
 *     SUM PROD     integers wrap, so they are computed unsigned and in at least 32 bits; u8c clamps; f32 is rounded once,
 *                  which is what rounding JavaScript's double gives (53 bits are more than 2 x 24 + 2)
 *     MIN MAX      NaN wins, -0 < +0
 *     MINLOC ...   pairs; of equal values, NaNs among them, the lower location
 * Limits: `input` and `inout` do not overlap; count is even for pairs.
 */

#define LOOP(name, type, expression)                                                        \
  static void KERNEL(name)(const void *restrict from, void *restrict into, size_t count) {  \
    const type *restrict input = from;                                                      \
    type *restrict inout = into;                                                            \
    for (size_t i = 0; i < count; i++) {                                                    \
      const type a = input[i], b = inout[i];                                                \
      inout[i] = (type)(expression);                                                        \
    }                                                                                       \
  }

/* Written without branches, so that compilers make vector code of it; the last choice lets a NaN in a win, the first one in b. */
#define EXTREMUM(name, type, better, prefers_a)                                             \
  static void KERNEL(name)(const void *restrict from, void *restrict into, size_t count) {  \
    const type *restrict input = from;                                                      \
    type *restrict inout = into;                                                            \
    for (size_t i = 0; i < count; i++) {                                                    \
      const type a = input[i], b = inout[i];                                                \
      const type ordered = a better b ? a : b;                                              \
      const type signed_zero = (a == b) & (prefers_a) ? a : ordered;                        \
      inout[i] = a != a ? a : signed_zero;                                                  \
    }                                                                                       \
  }

/* is_better and is_equal see a, b; a sign of zero only floats have. */
#define PAIR_LOOP(name, type, is_better, is_equal, smaller)                                 \
  static void KERNEL(name)(const void *restrict from, void *restrict into, size_t count) {  \
    const type *restrict input = from;                                                      \
    type *restrict inout = into;                                                            \
    for (size_t i = 0; i < count; i += 2) {                                                 \
      const type a = input[i], b = inout[i], at = input[i + 1], bt = inout[i + 1];          \
      if ((is_better) || ((is_equal) && at < bt)) {                                         \
        inout[i] = a;                                                                       \
        inout[i + 1] = at;                                                                  \
      } else if ((is_equal) && at == bt) {                                                  \
        inout[i] = smaller;                                                                 \
      }                                                                                     \
    }                                                                                       \
  }

#define BIT_LOOPS(name, type)       \
  LOOP(band_##name, type, a &b)     \
  LOOP(bor_##name, type, a | b)     \
  LOOP(bxor_##name, type, a ^ b)

/* wide: unsigned, so that nothing overflows, and no narrower than int, so that nothing is promoted to it. */
#define ARITHMETIC_LOOPS(name, type, wide)          \
  LOOP(sum_##name, type, (wide)a + (wide)b)         \
  LOOP(prod_##name, type, (wide)a *(wide)b)

#define INTEGER_LOOPS(name, type)                                   \
  LOOP(min_##name, type, a < b ? a : b)                             \
  LOOP(max_##name, type, a > b ? a : b)                             \
  LOOP(land_##name, type, (a != 0) & (b != 0))                      \
  LOOP(lor_##name, type, (a != 0) | (b != 0))                       \
  LOOP(lxor_##name, type, (a != 0) ^ (b != 0))                      \
  BIT_LOOPS(name, type)                                             \
  PAIR_LOOP(minloc_##name, type, a < b, a == b, b)                  \
  PAIR_LOOP(maxloc_##name, type, a > b, a == b, b)

#define FLOAT_LOOPS(name, type, is_negative)                                                          \
  LOOP(sum_##name, type, a + b)                                                                       \
  LOOP(prod_##name, type, a *b)                                                                       \
  EXTREMUM(min_##name, type, <, is_negative(a))                                                       \
  EXTREMUM(max_##name, type, >, !is_negative(a))                                                      \
  PAIR_LOOP(minloc_##name, type, a < b || (a != a && b == b), a == b || (a != a && b != b), is_negative(a) ? a : b) \
  PAIR_LOOP(maxloc_##name, type, a > b || (a != a && b == b), a == b || (a != a && b != b), is_negative(a) ? a : b)

ARITHMETIC_LOOPS(i8, int8_t, uint32_t)
ARITHMETIC_LOOPS(u8, uint8_t, uint32_t)
LOOP(sum_u8c, uint8_t, (uint32_t)a + b > 255 ? 255 : (uint32_t)a + b)
LOOP(prod_u8c, uint8_t, (uint32_t)a *b > 255 ? 255 : (uint32_t)a *b)
ARITHMETIC_LOOPS(i16, int16_t, uint32_t)
ARITHMETIC_LOOPS(u16, uint16_t, uint32_t)
ARITHMETIC_LOOPS(i32, int32_t, uint32_t)
ARITHMETIC_LOOPS(u32, uint32_t, uint32_t)
ARITHMETIC_LOOPS(i64, int64_t, uint64_t)
ARITHMETIC_LOOPS(u64, uint64_t, uint64_t)
INTEGER_LOOPS(i8, int8_t)
INTEGER_LOOPS(u8, uint8_t)
INTEGER_LOOPS(i16, int16_t)
INTEGER_LOOPS(u16, uint16_t)
INTEGER_LOOPS(i32, int32_t)
INTEGER_LOOPS(u32, uint32_t)
INTEGER_LOOPS(i64, int64_t)
INTEGER_LOOPS(u64, uint64_t)
FLOAT_LOOPS(f32, float, is_negative_f32)
FLOAT_LOOPS(f64, double, is_negative_f64)

/* Columns by element code: bytes, i8, u8, u8c, i16, u16, i32, u32, f32, f64, i64, u64. */
#define NUMBERS(op)                                                                                        \
  {NULL,                KERNEL(op##_i8),  KERNEL(op##_u8),  KERNEL(op##_u8), KERNEL(op##_i16), KERNEL(op##_u16), \
   KERNEL(op##_i32), KERNEL(op##_u32), KERNEL(op##_f32), KERNEL(op##_f64), KERNEL(op##_i64), KERNEL(op##_u64)}
#define CLAMPED_NUMBERS(op)                                                                                \
  {NULL,                KERNEL(op##_i8),  KERNEL(op##_u8),  KERNEL(op##_u8c), KERNEL(op##_i16), KERNEL(op##_u16), \
   KERNEL(op##_i32), KERNEL(op##_u32), KERNEL(op##_f32), KERNEL(op##_f64), KERNEL(op##_i64), KERNEL(op##_u64)}
#define INTEGERS(op, bytes)                                                                                \
  {bytes,               KERNEL(op##_i8),  KERNEL(op##_u8),  KERNEL(op##_u8), KERNEL(op##_i16), KERNEL(op##_u16), \
   KERNEL(op##_i32), KERNEL(op##_u32), NULL,             NULL,             KERNEL(op##_i64), KERNEL(op##_u64)}

/* Rows by operator id: OP_NAMES in src/datatype/operator.ts, as far as they combine. */
static const reduce_kernel KERNEL(kernels)[kOperators][kTypes] = {
    CLAMPED_NUMBERS(sum),
    CLAMPED_NUMBERS(prod),
    NUMBERS(min),
    NUMBERS(max),
    INTEGERS(land, NULL),
    INTEGERS(lor, NULL),
    INTEGERS(lxor, NULL),
    INTEGERS(band, KERNEL(band_u8)),
    INTEGERS(bor, KERNEL(bor_u8)),
    INTEGERS(bxor, KERNEL(bxor_u8)),
    NUMBERS(minloc),
    NUMBERS(maxloc),
};

#undef LOOP
#undef EXTREMUM
#undef PAIR_LOOP
#undef BIT_LOOPS
#undef ARITHMETIC_LOOPS
#undef INTEGER_LOOPS
#undef FLOAT_LOOPS
#undef NUMBERS
#undef CLAMPED_NUMBERS
#undef INTEGERS
