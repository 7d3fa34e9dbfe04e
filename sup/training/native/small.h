// Loss and gradient of a small model: all of sixteen samples stays in registers, from the words to
// the gradient, whose sums have a vector for each weight and are added up at the batch's end.
#pragma once
#include "batch.h"

// out [M] = W x.
static INLINE void times_W(const float *W, const Lanes *x, Lanes *out) {
#pragma GCC unroll 32
  for (int j = 0; j < M; j++) {
    out[j] = x[0] * W[j * N];
#pragma GCC unroll 32
    for (int i = 1; i < N; i++) out[j] += x[i] * W[j * N + i];
  }
}

static float gradients(const float *W, const float *b, const Batch &batch, Room &,
                       float *gradient_W, float *gradient_b) {
  Lanes sum_W[M * N], sum_b[N], loss = 0;
  for (auto &one : sum_W) one = 0;
  for (auto &one : sum_b) one = 0;
  for (int64_t vector = 0; vector < batch.vectors; vector++) {
    Lanes x[N], h[M], z[N], by_h[M];
#pragma GCC unroll 32
    for (int i = 0; i < N; i++) x[i] = batch.input(vector, i, 0);
    times_W(W, x, h);
#pragma GCC unroll 32
    for (int i = 0; i < N; i++) {
      z[i] = b[i];
#pragma GCC unroll 32
      for (int j = 0; j < M; j++) z[i] += h[j] * W[j * N + i];
    }
    pull_back(z, x, batch, vector, 1, loss);
    times_W(W, z, by_h);
#pragma GCC unroll 32
    for (int i = 0; i < N; i++) {
      sum_b[i] += z[i];
#pragma GCC unroll 32
      for (int j = 0; j < M; j++) {
        sum_W[j * N + i] += h[j] * z[i];  // each one instruction; the sum first would take three
        sum_W[j * N + i] += by_h[j] * x[i];
      }
    }
  }
  for (int k = 0; k < M * N; k++) gradient_W[k] = sum(sum_W[k]);
  for (int i = 0; i < N; i++) gradient_b[i] = sum(sum_b[i]);
  return sum(loss) / 2;
}
