// What the kernel is told: the models, their inputs, and the steps that they are to take.
#pragma once
#include "lanes.h"

extern "C" {

// One block of models, those of one activation, in the memory of torch's tensors; all by the names
// and in the shapes of `sup.training.native.call`, which fills it in.
struct Call {
  // Models: [model, M, N] and [model, N], with Adam's moments.
  float *W, *b, *mean_W, *mean_b, *square_W, *square_b;
  // Gradients of a single step, where they alone are wanted; else null.
  float *gradient_W, *gradient_b;
  float *loss;             // [row, all models]: each step's loss is added to its row
  int64_t *diverged_at;    // [model]: the first step that was not finite, 0 for none
  const float *importance; // [model, N], over the number of samples
  const float *decay;      // [model]
  const float *parameter;  // [model, PARAMETERS]
  const int32_t *seed, *input, *rate_group;  // [model]: which of them is the model's
  // Inputs, sampled: words [step, seed, block, N, vector, lane]; [input, N].
  const uint32_t *words, *last;
  const float *scale;
  // Inputs, by quadrature: nodes [block, N, vector, lane], their probabilities [input, block, vector, lane].
  const float *nodes, *probability;
  // Steps: rates [step, rate group]; biases of the moments [step].
  const float *rate, *mean_bias, *square_bias;
  const int32_t *row;  // [step]: of `loss`
  // Of a gradient in the mean, 1 - beta1; of the square before, and of the gradient's: 1 - beta2
  // taken from a beta2 in float32 would be off by 1e-5.
  float share1, beta2, share2, eps;
  int64_t models, all_models, seeds, rate_groups, first_step, steps, samples;
  int64_t next;  // the next model that no thread has taken
};

// A drawing of words: as `words` of a call, for the steps and samples that follow the first.
struct Draw {
  uint32_t *words;
  const uint64_t *seed;  // [seed]
  int64_t seeds, features, first_step, steps, first_sample, samples, block, purpose;
  int64_t next;  // the next step of a seed that no thread has taken
};
}

static INLINE int64_t in_parts(int64_t count, int64_t size) { return (count + size - 1) / size; }
