#include "dtype.h"

#include <stdlib.h> /* the C library tells by it whether it is glibc */
#include <string.h>

#include "layouts.h"

/* The loops are compiled for AVX2 too where one binary can hold both, and the machine chooses when it is loaded. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#define FUSED __attribute__((target_clones("fma", "default")))
#else
#define WIDE
#define FUSED
#endif

/* So many steps of a loop of wide instructions follow on each other, since a step alone counts as much as it does. */
#if defined(__GNUC__) && !defined(__clang__)
#define SAID(text) _Pragma(#text)
#define TIMES(count) SAID(GCC unroll count)
#else
#define TIMES(count)
#endif

#define FOURS 4 /* sums that grow side by side, since one alone would have to wait for each addition */

typedef double Four __attribute__((vector_size(4 * sizeof(double))));

static inline double float64_of(uint64_t bits)
{
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static inline double float32_of(uint32_t bits)
{
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static inline double bfloat16_of(uint16_t bits)
{
    return float32_of((uint32_t)bits << 16);
}

/* Exponents are counted from another number. Those of 0 are multiples of 2^-24: 2^-14 is added and taken off again, which
   is exact. Those of all ones are NaNs and infinities. Without a branch, so that many are converted at once. */
static inline uint32_t float16_widened(uint16_t bits)
{
    uint32_t magnitude = bits & 0x7fff, is_small = magnitude < 0x0400, is_odd = magnitude >= 0x7c00, wide;
    uint32_t exponent = 112 + is_small + 112 * is_odd;
    float number;
    wide = (magnitude << 13) + (exponent << 23);
    memcpy(&number, &wide, sizeof number);
    number -= (float)(int32_t)is_small * 0x1p-14f;
    memcpy(&wide, &number, sizeof wide);
    return wide | (uint32_t)(bits & 0x8000) << 16;
}

static inline double float16_of(uint16_t bits)
{
    return float32_of(float16_widened(bits));
}

/* Adds the elements of a block, all finite, and their squares to a tally. Squaring and adding may be one instruction
   (FUSED) where a double holds every square as it is: then both ways give the same bits. */
#define ADDING(NAME, UNSIGNED, CHOICE)                                                                                 \
    CHOICE static void NAME##_add(const UNSIGNED *all, int64_t count, Tally *tally)                                    \
    {                                                                                                                  \
        Four sums[FOURS] = {{0}}, squares[FOURS] = {{0}};                                                              \
        double sum = 0, of_squares = 0;                                                                                \
        int64_t i = 0;                                                                                                 \
        TIMES(2)                                                                                                       \
        for (; i + 4 * FOURS <= count; i += 4 * FOURS)                                                                 \
            for (int at = 0; at < FOURS; at++) {                                                                       \
                const UNSIGNED *four = all + i + 4 * at;                                                               \
                Four numbers = {NAME##_of(four[0]), NAME##_of(four[1]), NAME##_of(four[2]), NAME##_of(four[3])};       \
                sums[at] += numbers;                                                                                   \
                squares[at] += numbers * numbers;                                                                      \
            }                                                                                                          \
        for (; i < count; i++) {                                                                                       \
            double number = NAME##_of(all[i]);                                                                         \
            sum += number;                                                                                             \
            of_squares += number * number;                                                                             \
        }                                                                                                              \
        Four all_sums = (sums[0] + sums[1]) + (sums[2] + sums[3]);                                                     \
        Four all_squares = (squares[0] + squares[1]) + (squares[2] + squares[3]);                                      \
        sum += (all_sums[0] + all_sums[1]) + (all_sums[2] + all_sums[3]);                                              \
        of_squares += (all_squares[0] + all_squares[1]) + (all_squares[2] + all_squares[3]);                           \
        tally->sum += sum;                                                                                             \
        tally->squares += of_squares;                                                                                  \
    }

/* One dtype of floats: SIGNED and UNSIGNED are integers of its width, INFINITE the bits of infinity.

   A float's bits, read as an integer, grow with the number; for a negative one all but the sign are turned round. */
#define FLOATS(NAME, SIGNED, UNSIGNED, MAGNITUDE, INFINITE)                                                            \
    static inline SIGNED NAME##_order(UNSIGNED bits)                                                                   \
    {                                                                                                                  \
        return (SIGNED)(bits ^ ((UNSIGNED)((SIGNED)bits >> (8 * sizeof(SIGNED) - 1)) & (MAGNITUDE)));                  \
    }                                                                                                                  \
    static double NAME##_number(int64_t order)                                                                         \
    {                                                                                                                  \
        UNSIGNED bits = (UNSIGNED)NAME##_order((UNSIGNED)order); /* turned round twice */                              \
        return bits & (MAGNITUDE) ? NAME##_of(bits) : 0.0;                                                             \
    }                                                                                                                  \
    static double NAME##_element(const void *element)                                                                  \
    {                                                                                                                  \
        UNSIGNED bits;                                                                                                 \
        memcpy(&bits, element, sizeof bits);                                                                           \
        return NAME##_of(bits);                                                                                        \
    }                                                                                                                  \
    /* Values lie in a record one after the other, wherever the one before has ended. */                               \
    static inline UNSIGNED NAME##_magnitude(const void *elements, int64_t i)                                           \
    {                                                                                                                  \
        UNSIGNED bits;                                                                                                 \
        memcpy(&bits, (const char *)elements + i * (int64_t)sizeof bits, sizeof bits);                                 \
        return bits & (MAGNITUDE);                                                                                     \
    }                                                                                                                  \
    static int64_t NAME##_first(const void *elements, int64_t count)                                                   \
    {                                                                                                                  \
        for (int64_t i = 0; i < count; i++)                                                                            \
            if (NAME##_magnitude(elements, i) >= (INFINITE))                                                           \
                return i;                                                                                              \
        return -1;                                                                                                     \
    }                                                                                                                  \
    static uint16_t NAME##_odd(const void *elements, int64_t count)                                                    \
    {                                                                                                                  \
        int64_t first = NAME##_first(elements, count);                                                                 \
        uint16_t odd = 0;                                                                                              \
        for (int64_t i = first < 0 ? count : first; i < count; i++) {                                                  \
            UNSIGNED magnitude = NAME##_magnitude(elements, i);                                                        \
            if (magnitude >= (INFINITE))                                                                               \
                odd |= magnitude > (INFINITE) ? NANS : INFINITIES;                                                     \
        }                                                                                                              \
        return odd;                                                                                                    \
    }                                                                                                                  \
    /* Find the bounds of a block; false, and no bounds, where one element is not finite. Read as signed integers, bits\
       without a sign are in order, and above all those with one; read as unsigned ones, the least number is on top. */\
    WIDE static bool NAME##_bounds(const UNSIGNED *all, int64_t count, int64_t *lowest, int64_t *highest)              \
    {                                                                                                                  \
        SIGNED least = (SIGNED)all[0], greatest = least;                                                               \
        UNSIGNED top = all[0];                                                                                         \
        TIMES(4)                                                                                                       \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            SIGNED bits = (SIGNED)all[i];                                                                              \
            least = bits < least ? bits : least;                                                                       \
            greatest = bits > greatest ? bits : greatest;                                                              \
            top = all[i] > top ? all[i] : top;                                                                         \
        }                                                                                                              \
        bool has_signed = top > (MAGNITUDE), has_unsigned = greatest >= 0;                                             \
        UNSIGNED low = has_signed ? top : (UNSIGNED)least, high = has_unsigned ? (UNSIGNED)greatest : (UNSIGNED)least; \
        *lowest = NAME##_order(low);                                                                                   \
        *highest = NAME##_order(high);                                                                                 \
        return (low & (MAGNITUDE)) < (INFINITE) && (high & (MAGNITUDE)) < (INFINITE);                                  \
    }                                                                                                                  \
    static void NAME##_each(const UNSIGNED *all, int64_t count, Tally *tally)                                          \
    {                                                                                                                  \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            UNSIGNED magnitude = all[i] & (MAGNITUDE);                                                                 \
            if (magnitude < (INFINITE)) {                                                                              \
                widen(tally, NAME##_order(all[i]), NAME##_order(all[i]));                                              \
                tally->sum += NAME##_of(all[i]);                                                                       \
            } else if (magnitude > (INFINITE))                                                                         \
                tally->nan++;                                                                                          \
            else if (all[i] == magnitude)                                                                              \
                tally->posinf++;                                                                                       \
            else                                                                                                       \
                tally->neginf++;                                                                                       \
        }                                                                                                              \
    }                                                                                                                  \
    static void NAME##_tally(const void *elements, int64_t count, Tally *tally)                                        \
    {                                                                                                                  \
        int64_t low, high;                                                                                             \
        if (NAME##_bounds(elements, count, &low, &high)) {                                                             \
            widen(tally, low, high);                                                                                   \
            NAME##_add(elements, count, tally);                                                                        \
        } else                                                                                                         \
            NAME##_each(elements, count, tally);                                                                       \
    }

/* One dtype of integers: VALUE is what an element counts, TOTAL holds the sum of a block, SQUARES that of squares. */
#define INTEGERS(NAME, TYPE, VALUE, TOTAL, SQUARES)                                                                    \
    static double NAME##_element(const void *element)                                                                  \
    {                                                                                                                  \
        TYPE stored;                                                                                                   \
        memcpy(&stored, element, sizeof stored);                                                                       \
        return (double)VALUE(stored);                                                                                  \
    }                                                                                                                  \
    WIDE static void NAME##_tally(const void *elements, int64_t count, Tally *tally)                                   \
    {                                                                                                                  \
        const TYPE *all = elements;                                                                                    \
        TYPE low = VALUE(all[0]), high = low;                                                                          \
        TOTAL sum = 0;                                                                                                 \
        SQUARES squares = 0;                                                                                           \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            TYPE value = VALUE(all[i]);                                                                                \
            low = value < low ? value : low;                                                                           \
            high = value > high ? value : high;                                                                        \
            sum += (TOTAL)value;                                                                                       \
            squares += (SQUARES)value * (SQUARES)value;                                                                \
        }                                                                                                              \
        widen(tally, low, high);                                                                                       \
        tally->sum += (double)sum;                                                                                     \
        tally->squares += (double)squares;                                                                             \
    }

#define ITSELF(stored) (stored)
#define TRUTH(stored) ((stored) != 0)

static inline void widen(Tally *tally, int64_t low, int64_t high)
{
    if (low < tally->low)
        tally->low = low;
    if (high > tally->high)
        tally->high = high;
}

static double integer_number(int64_t order)
{
    return (double)order;
}

static int64_t integer_first(const void *elements, int64_t count)
{
    return -1;
}

static uint16_t integer_odd(const void *elements, int64_t count)
{
    return 0;
}

ADDING(float64, uint64_t, WIDE)
ADDING(float32, uint32_t, FUSED)
ADDING(bfloat16, uint16_t, FUSED)

/* Widened first, and then added: what it takes to widen four at once is not found by compilers. */
WIDE static void float16_add(const uint16_t *all, int64_t count, Tally *tally)
{
    uint32_t widened[BLOCK];
    for (int64_t i = 0; i < count; i++)
        widened[i] = float16_widened(all[i]);
    float32_add(widened, count, tally);
}

FLOATS(float64, int64_t, uint64_t, UINT64_C(0x7fffffffffffffff), UINT64_C(0x7ff0000000000000))
FLOATS(float32, int32_t, uint32_t, UINT32_C(0x7fffffff), UINT32_C(0x7f800000))
FLOATS(float16, int16_t, uint16_t, 0x7fffu, 0x7c00u)
FLOATS(bfloat16, int16_t, uint16_t, 0x7fffu, 0x7f80u)
INTEGERS(int64, int64_t, ITSELF, double, double)
INTEGERS(int32, int32_t, ITSELF, int64_t, double)
INTEGERS(int16, int16_t, ITSELF, int32_t, int64_t)
INTEGERS(int8, int8_t, ITSELF, int32_t, int32_t)
INTEGERS(uint8, uint8_t, ITSELF, int32_t, int32_t)
INTEGERS(boolean, uint8_t, TRUTH, int32_t, int32_t)

static const Dtype all[] = {
    {"float64", 8, float64_tally, float64_first, float64_odd, float64_number, float64_element, true},
    {"float32", 4, float32_tally, float32_first, float32_odd, float32_number, float32_element, true},
    {"float16", 2, float16_tally, float16_first, float16_odd, float16_number, float16_element, false},
    {"bfloat16", 2, bfloat16_tally, bfloat16_first, bfloat16_odd, bfloat16_number, bfloat16_element, false},
    {"int64", 8, int64_tally, integer_first, integer_odd, integer_number, int64_element, false},
    {"int32", 4, int32_tally, integer_first, integer_odd, integer_number, int32_element, false},
    {"int16", 2, int16_tally, integer_first, integer_odd, integer_number, int16_element, false},
    {"int8", 1, int8_tally, integer_first, integer_odd, integer_number, int8_element, false},
    {"uint8", 1, uint8_tally, integer_first, integer_odd, integer_number, uint8_element, false},
    {"bool", 1, boolean_tally, integer_first, integer_odd, integer_number, boolean_element, false},
};

const Dtype *dtype_named(const char *name)
{
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].name, name) == 0)
            return &all[i];
    return NULL;
}
