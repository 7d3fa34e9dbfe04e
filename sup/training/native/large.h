// Loss and gradient of a larger model: blocks of samples whose x, h and z stay in the cache, and
// products in tiles of four rows by four vectors, which stay in registers.
#pragma once
#include "batch.h"

constexpr int ROWS = 4, VECTORS = 4;  // of a tile: 16 sums, 4 numbers and 4 vectors in 32 registers

// COUNT rows of a product with a block: sums over `depth` of A's numbers times rows of B.
template <int COUNT, int WIDTH>
static INLINE void tile(const float *A, int row, int inner, int depth, const Lanes *B, Lanes *out,
                        const float *start) {
  Lanes sums[COUNT][WIDTH];
  for (int r = 0; r < COUNT; r++)
    for (int v = 0; v < WIDTH; v++) sums[r][v] = start ? Lanes(start[r]) : Lanes(0);
  for (int k = 0; k < depth; k++)
#pragma GCC unroll 4
    for (int r = 0; r < COUNT; r++)
#pragma GCC unroll 4
      for (int v = 0; v < WIDTH; v++) sums[r][v] += B[k * BLOCK + v] * A[r * row + k * inner];
  for (int r = 0; r < COUNT; r++)
    for (int v = 0; v < WIDTH; v++) out[r * BLOCK + v] = sums[r][v];
}

template <int COUNT>
static INLINE void rows(const float *A, int row, int inner, int depth, const Lanes *B, Lanes *out,
                        const float *start, int vectors) {
  int v = 0;
  for (; v + VECTORS <= vectors; v += VECTORS)
    tile<COUNT, VECTORS>(A, row, inner, depth, B + v, out + v, start);
  for (; v < vectors; v++) tile<COUNT, 1>(A, row, inner, depth, B + v, out + v, start);
}

// out [count, block] = start + A B, A's numbers `row` and `inner` apart.
template <int TOTAL>
static void product(const float *A, int row, int inner, int depth, const Lanes *B, Lanes *out,
                    const float *start, int vectors) {
  constexpr int WHOLE = TOTAL / ROWS * ROWS;
  for (int r = 0; r < WHOLE; r += ROWS)
    rows<ROWS>(A + r * row, row, inner, depth, B, out + r * BLOCK, start ? start + r : nullptr, vectors);
  if constexpr (TOTAL > WHOLE)
    rows<TOTAL - WHOLE>(A + WHOLE * row, row, inner, depth, B, out + WHOLE * BLOCK,
                        start ? start + WHOLE : nullptr, vectors);
}

// Add the products of J rows with I rows, for each sample of a block.
template <int J, int I>
static INLINE void add_products(const Lanes *a, const Lanes *b, int vectors, Lanes (&sums)[J][I]) {
  for (int v = 0; v < vectors; v++)
#pragma GCC unroll 4
    for (int j = 0; j < J; j++)
#pragma GCC unroll 4
      for (int i = 0; i < I; i++) sums[j][i] += a[j * BLOCK + v] * b[i * BLOCK + v];
}

// Add to a tile of W's gradient the products h g + by_h x, summed over the samples of a block.
template <int J, int I>
static INLINE void outer_tile(const Lanes *h, const Lanes *g, const Lanes *by_h, const Lanes *x,
                              int vectors, float *gradient) {
  Lanes sums[J][I];
  for (auto &row : sums)
    for (auto &one : row) one = 0;
  add_products<J, I>(h, g, vectors, sums);
  add_products<J, I>(by_h, x, vectors, sums);
  for (int j = 0; j < J; j++)
    for (int i = 0; i < I; i++) gradient[j * N + i] += sum(sums[j][i]);
}

template <int J>
static void outer_rows(const Lanes *h, const Lanes *g, const Lanes *by_h, const Lanes *x,
                       int vectors, float *gradient) {
  constexpr int WHOLE = N / ROWS * ROWS;
  for (int i = 0; i < WHOLE; i += ROWS)
    outer_tile<J, ROWS>(h, g + i * BLOCK, by_h, x + i * BLOCK, vectors, gradient + i);
  if constexpr (N > WHOLE)
    outer_tile<J, N - WHOLE>(h, g + WHOLE * BLOCK, by_h, x + WHOLE * BLOCK, vectors, gradient + WHOLE);
}

static float gradients(const float *W, const float *b, const Batch &batch, Room &room,
                       float *gradient_W, float *gradient_b) {
  Lanes *x = room.x, *z = room.z, *h = room.h, *by_h = room.by_h, loss = 0, sum_b[N];
  for (auto &one : sum_b) one = 0;
  memset(gradient_W, 0, sizeof(float) * M * N);
  for (int64_t start = 0; start < batch.vectors; start += BLOCK) {
    const int64_t left = batch.vectors - start;
    const int vectors = left < BLOCK ? static_cast<int>(left) : BLOCK;
    for (int i = 0; i < N; i++)
      for (int v = 0; v < vectors; v++) x[i * BLOCK + v] = batch.input(start, i, v);
    product<M>(W, N, 1, N, x, h, nullptr, vectors);
    product<N>(W, 1, N, M, h, z, b, vectors);
    pull_back(z, x, batch, start, vectors, loss);
    product<M>(W, N, 1, N, z, by_h, nullptr, vectors);
    constexpr int WHOLE = M / ROWS * ROWS;
    for (int j = 0; j < WHOLE; j += ROWS)
      outer_rows<ROWS>(h + j * BLOCK, z, by_h + j * BLOCK, x, vectors, gradient_W + j * N);
    if constexpr (M > WHOLE)
      outer_rows<M - WHOLE>(h + WHOLE * BLOCK, z, by_h + WHOLE * BLOCK, x, vectors,
                            gradient_W + WHOLE * N);
    for (int i = 0; i < N; i++)
      for (int v = 0; v < vectors; v++) sum_b[i] += z[i * BLOCK + v];
  }
  for (int i = 0; i < N; i++) gradient_b[i] = sum(sum_b[i]);
  return sum(loss) / 2;
}
