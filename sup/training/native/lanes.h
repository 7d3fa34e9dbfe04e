// Sixteen numbers at once, and the functions that activations are written in.
//
// GCC's and Clang's vector types: one register where the processor has AVX-512, two or four of
// smaller ones elsewhere. A class around them lets an expression mix them with plain numbers.
//
// Of libraries, only C's is used: a compiler that brings no other will do.
#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>

#define INLINE inline __attribute__((always_inline))
constexpr int LANES = 16;

typedef float Floats __attribute__((vector_size(64)));
typedef int32_t Ints __attribute__((vector_size(64)));
typedef uint32_t Words __attribute__((vector_size(64)));

struct Mask {
  Ints v;
};

struct Lanes {
  Floats v;
  INLINE Lanes() {}
  INLINE Lanes(Floats given) : v(given) {}
  INLINE Lanes(double given) : v(static_cast<float>(given) + Floats{}) {}
};

static INLINE Lanes operator+(Lanes a, Lanes b) { return a.v + b.v; }
static INLINE Lanes operator-(Lanes a, Lanes b) { return a.v - b.v; }
static INLINE Lanes operator*(Lanes a, Lanes b) { return a.v * b.v; }
static INLINE Lanes operator/(Lanes a, Lanes b) { return a.v / b.v; }
static INLINE Lanes operator-(Lanes a) { return -a.v; }
static INLINE Lanes &operator+=(Lanes &a, Lanes b) { return a.v += b.v, a; }
static INLINE Mask operator<(Lanes a, Lanes b) { return {a.v < b.v}; }
static INLINE Mask operator>(Lanes a, Lanes b) { return {a.v > b.v}; }
static INLINE Mask operator<=(Lanes a, Lanes b) { return {a.v <= b.v}; }
static INLINE Mask operator>=(Lanes a, Lanes b) { return {a.v >= b.v}; }
static INLINE Mask operator&(Mask a, Mask b) { return {a.v & b.v}; }
static INLINE Mask operator|(Mask a, Mask b) { return {a.v | b.v}; }

// a where the mask says so, else b.
static INLINE Lanes where(Mask mask, Lanes a, Lanes b) { return mask.v ? a.v : b.v; }
// Of a number that is none, the second argument, so that one in z is still one in max(z, 0).
static INLINE Lanes max(Lanes a, Lanes b) { return where(b > a, b, a); }
static INLINE Lanes min(Lanes a, Lanes b) { return where(b < a, b, a); }
static INLINE Lanes abs(Lanes a) { return max(a, -a); }

static INLINE Lanes sqrt(Lanes a) {
  Lanes root;
  for (int k = 0; k < LANES; k++) root.v[k] = sqrtf(a.v[k]);
  return root;
}

static INLINE Lanes log(Lanes a) {
  Lanes result;
  for (int k = 0; k < LANES; k++) result.v[k] = logf(a.v[k]);
  return result;
}

// Sum of the lanes, always in the same order.
static INLINE float sum(Lanes a) {
  typedef float Eight __attribute__((vector_size(32)));
  typedef float Four __attribute__((vector_size(16)));
  Eight half[2];
  Four quarter[2];
  memcpy(half, &a.v, sizeof half);
  half[0] += half[1];
  memcpy(quarter, half, sizeof quarter);
  const Four four = quarter[0] + quarter[1];
  return (four[0] + four[2]) + (four[1] + four[3]);
}

// A polynomial, its coefficients from the constant up.
template <int COUNT> static INLINE Lanes polynomial(Lanes t, const double (&coefficient)[COUNT]) {
  Lanes value = coefficient[COUNT - 1];
#pragma GCC unroll 16
  for (int k = COUNT - 2; k >= 0; k--) value = value * t + coefficient[k];
  return value;
}

// e^a of a up to 88: 2^k times a polynomial on [-ln 2 / 2, ln 2 / 2], whose own error is 2e-9. Below
// -87 it is 0, as it must be where a huge number is multiplied by it; what is not a number stays so.
static INLINE Lanes exp_to_88(Lanes a) {
  const Lanes to_integer = 12582912.0;  // 1.5 * 2^23: added, it leaves no bits for a fraction
  const Lanes shifted = a * 1.44269504 + to_integer;
  const Lanes k = shifted - to_integer;
  const Lanes r = (a - k * 0.693145751953125) - k * 1.42860677e-6;
  const Lanes power = polynomial(r, {1, 1, 0.49999991059303284, 0.16666419804096222,
                                     0.04166822507977486, 0.008374815806746483,
                                     0.0013836845755577087});
  const Lanes result = (Floats)((Ints)power.v + ((Ints)shifted.v << 23));
  return where(a < -87.0, 0, result);
}

// Above 88 that of 88, which is as good as infinity, but 0 times 0.
static INLINE Lanes exp(Lanes a) { return exp_to_88(min(a, 88.0)); }

static INLINE Lanes sigmoid(Lanes a) { return where(a < -87.0, 0, Lanes(1) / (exp(-a) + 1)); }
static INLINE Lanes tanh(Lanes a) {
  const Lanes t = exp_to_88(abs(a) * -2), size = (Lanes(1) - t) / (t + 1);
  return where(a < 0, -size, size);
}

// The normal density without its factor, and the normal distribution: its tail is e^(-a^2/2) times
// a function that a polynomial in 1 / (1 + .35 |a|) follows to 3e-8 of its value.
static INLINE Lanes gauss(Lanes a) { return exp_to_88(a * a * -0.5); }
static INLINE Lanes normal_cdf(Lanes a) {
  const Lanes t = Lanes(1) / (abs(a) * 0.35 + 1);
  const Lanes share = polynomial(t, {0.13962140679359436, 0.13986186683177948, 0.11983285844326019,
                                     0.10550802946090698, -0.023109903559088707,
                                     0.15917426347732544, -0.2557143568992615, 0.1439717411994934,
                                     -0.029145939275622368});
  const Lanes tail = share * t * gauss(a);
  return where(a > 0, Lanes(1) - tail, tail);
}
static INLINE Lanes erf(Lanes a) { return normal_cdf(a * 1.41421356) * 2 - 1; }
