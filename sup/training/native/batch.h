// The inputs of one model's step, and what its outputs cost.
#pragma once
#include "call.h"

#if LARGE
constexpr int BLOCK = 16;  // vectors of samples that are worked on together
#else
constexpr int BLOCK = 1;
#endif

// What a thread works in: x, z, h and by_h of a block; gradients; a model's new W and b, each with
// its moments.
struct Room {
  Lanes x[N * BLOCK], z[N * BLOCK], h[M * BLOCK], by_h[M * BLOCK];
  float gradient_W[M * N], gradient_b[N], W[3][M * N], b[3][N];
};

struct Batch {
  const uint32_t *words, *last;
  const float *scale, *nodes, *probability, *importance, *parameter;
  int64_t samples, vectors;

  Batch(const Call &call, int64_t model, int64_t step)
      : samples(call.samples), vectors(in_parts(call.samples, LANES)) {
    const int64_t input = call.input[model], padded = in_parts(vectors, BLOCK) * BLOCK * LANES;
    words = call.words + (step * call.seeds + call.seed[model]) * padded * N;
    last = call.last + input * N;
    scale = call.scale + input * N;
    nodes = call.nodes;
    probability = call.probability + input * padded;
    importance = call.importance + model * N;
    parameter = call.parameter + model * PARAMETERS;
  }

  // x of a feature, of the samples of a vector of the block that begins with another.
  INLINE Lanes input(int64_t start, int feature, int vector) const {
    const int64_t place = ((start * N) + feature * BLOCK + vector) * LANES;
#if QUADRATURE
    Lanes x;
    memcpy(&x.v, nodes + place, sizeof x.v);
    return x;
#else
    Words word;
    memcpy(&word, words + place, sizeof word);
    const Lanes x = Lanes(__builtin_convertvector(word, Floats)) * scale[feature];
    return where(Mask{(Ints)(word <= last[feature])}, x, 0);
#endif
  }

  // What is of samples; 0 in the lanes that fill up the last vector, whatever came of them.
  INLINE Lanes of_samples(Lanes values, int64_t vector) const {
    if (__builtin_expect((vector + 1) * LANES <= samples, 1)) return values;
    Ints is_sample;
    for (int k = 0; k < LANES; k++) is_sample[k] = -(vector * LANES + k < samples);
    return where(Mask{is_sample}, values, 0);
  }

  // Twice the cost of the errors of a feature, given twice its importance.
  INLINE Lanes cost(Lanes error, float doubled, int64_t vector) const {
#if QUADRATURE
    Lanes share;
    memcpy(&share.v, probability + vector * LANES, sizeof share.v);
    return error * doubled * share;
#else
    return error * doubled;
#endif
  }
};

// Turn the pre-activations z [feature, vector] of a block of samples into the loss's gradient by
// them, in place, and add to `loss` twice what the samples cost. `start`: the block's first vector.
#if SOLU  // z softmax(z / T), over the features: the transposed Jacobian, as in sup.model.activations
static INLINE void pull_back(Lanes *z, const Lanes *x, const Batch &batch, int64_t start,
                             int vectors, Lanes &loss) {
  const Lanes inverse = batch.parameter[0];  // 1 / T; where it is 1, nothing is rounded otherwise
  for (int v = 0; v < vectors; v++) {
    Lanes share[N], by_y[N], most = z[v], total = 0, dot = 0, own = 0;
#pragma GCC unroll 32
    for (int i = 1; i < N; i++) most = max(most, z[i * BLOCK + v]);
#pragma GCC unroll 32
    for (int i = 0; i < N; i++) total += share[i] = exp_to_88((z[i * BLOCK + v] - most) * inverse);
    total = Lanes(1) / total;
#pragma GCC unroll 32
    for (int i = 0; i < N; i++) {
      share[i] = share[i] * total;
      const Lanes y = z[i * BLOCK + v] * share[i];
      const Lanes error = batch.of_samples(y - x[i * BLOCK + v], start + v);
      by_y[i] = batch.cost(error, 2 * batch.importance[i], start + v);
      own += by_y[i] * error;
      dot += by_y[i] * (y * inverse);
    }
#pragma GCC unroll 32
    for (int i = 0; i < N; i++)
      z[i * BLOCK + v] =
          batch.of_samples(share[i] * (by_y[i] * (z[i * BLOCK + v] * inverse + 1) - dot), start + v);
    loss += own;
  }
}
#else
static INLINE void pull_back(Lanes *z, const Lanes *x, const Batch &batch, int64_t start,
                             int vectors, Lanes &loss) {
#pragma GCC unroll 32
  for (int i = 0; i < N; i++) {
    const float doubled = 2 * batch.importance[i];
    Lanes own = 0;  // a sum of few before that of many: its rounding does not grow with N
    for (int v = 0; v < vectors; v++) {
      Lanes y, slope;
      activate(z[i * BLOCK + v], batch.parameter, y, slope);
      const Lanes error = batch.of_samples(y - x[i * BLOCK + v], start + v);
      const Lanes by_y = batch.cost(error, doubled, start + v);
      own += by_y * error;
      z[i * BLOCK + v] = batch.of_samples(by_y * slope, start + v);
    }
    loss += own;
  }
}
#endif
