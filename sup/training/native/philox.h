// Philox4x32-10 (Salmon et al. 2011): the same words as `sup.model.philox` makes.
#pragma once
#include "lanes.h"
#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

constexpr int WORDS = 4;  // of one call, those of four features

// Eight words, each the lower half of its lane: what is above them is never looked at.
typedef uint64_t Wide __attribute__((vector_size(64)));

// The 64-bit products of words.
static INLINE Wide product(Wide a, uint32_t factor) {
#if defined(__AVX512F__)
  return (Wide)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(factor));
#elif defined(__AVX2__)
  __m256i half[2];
  memcpy(half, &a, sizeof a);
  for (auto &one : half) one = _mm256_mul_epu32(one, _mm256_set1_epi64x(factor));
  memcpy(&a, half, sizeof a);
  return a;
#else
  return (a & 0xffffffff) * factor;
#endif
}

struct Counter {
  Wide c[WORDS];
};

static INLINE Counter philox(Counter at, uint32_t key0, uint32_t key1) {
  Wide *c = at.c;
#pragma GCC unroll 10
  for (int round = 0; round < 10; round++) {
    const Wide first = product(c[0], 0xD2511F53), second = product(c[2], 0xCD9E8D57);
    c[0] = (second >> 32) ^ c[1] ^ key0;
    c[1] = second;
    c[2] = (first >> 32) ^ c[3] ^ key1;
    c[3] = first;
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  return at;
}

static INLINE Words packed(Wide low, Wide high) {
  Words words;
  for (int k = 0; k < 8; k++) {
    words[k] = static_cast<uint32_t>(low[k]);
    words[k + 8] = static_cast<uint32_t>(high[k]);
  }
  return words;
}

// The words of one step and seed: [block, feature, vector, lane], `block` vectors in a block.
static void draw_step(uint32_t *words, uint64_t seed, uint64_t step, uint32_t purpose,
                      int64_t features, int64_t first_sample, int64_t vectors, int64_t block) {
  const uint32_t key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);
  const Wide zero = {}, low_step = zero + (step & 0xffffffff);
  const Wide rest = zero + ((step >> 32) * 256 + purpose);
  for (int64_t vector = 0; vector < vectors; vector++) {
    Wide low, high;
    for (int k = 0; k < 8; k++) low[k] = first_sample + LANES * vector + k;
    high = low + 8;
    uint32_t *const start = words + ((vector / block) * features * block + vector % block) * LANES;
    for (int64_t feature = 0; feature < features; feature += WORDS) {
      const Wide quad = zero + feature / WORDS;
      const Counter a = philox({{low, quad, low_step, rest}}, key0, key1);
      const Counter b = philox({{high, quad, low_step, rest}}, key0, key1);
#pragma GCC unroll 4
      for (int word = 0; word < WORDS; word++)
        if (feature + word < features) {
          const Words both = packed(a.c[word], b.c[word]);
          memcpy(start + (feature + word) * block * LANES, &both, sizeof both);
        }
    }
  }
}
