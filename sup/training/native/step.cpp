// Optimizer steps of toy models x' = f(W^T W x + b), many models and many steps in one call.
//
// Compiled for one activation and one size: N features, M hidden dimensions. A model takes all of
// its steps in one thread and looks at nothing of its neighbours, so its numbers are the same to
// the bit whatever is trained beside it, and by however many threads. Samples stand innermost,
// sixteen in a vector.
#if LARGE
#include "large.h"
#else
#include "small.h"
#endif
#include <stdlib.h>

#include "philox.h"

struct Update {
  float rate, decay, mean_bias, square_bias, share1, beta2, share2, eps;
};

// One tensor of a model, with Adam's moments.
struct Moving {
  int count;
  float *value, *mean, *square;
  const float *gradient;

  // Write Adam's new value and moments; false where a number is not finite.
  // Loshchilov & Hutter, 2019, algorithm 2.
  bool moved(const Update &by, float *new_value, float *new_mean, float *new_square) const {
    const float kept = 1 - by.rate * by.decay, rate = by.rate / by.mean_bias;
    int wrong = 0;
    for (int k = 0; k < count; k++) {
      const float g = gradient[k];
      new_mean[k] = mean[k] + by.share1 * (g - mean[k]);
      new_square[k] = square[k] * by.beta2 + by.share2 * g * g;
      const float size = sqrtf(new_square[k] / by.square_bias) + by.eps;
      new_value[k] = value[k] * kept - rate * (new_mean[k] / size);
      wrong |= new_value[k] - new_value[k] != 0;  // not a number, where it is not finite
    }
    return !wrong;
  }
};

// Take a step of a model; false, and nothing changed, where it is not finite.
static bool take(const Call &call, int64_t model, int64_t step, Room &room) {
  const int64_t at_W = model * M * N, at_b = model * N;
  float &loss = call.loss[call.row[step] * call.all_models + model];
  const Batch batch(call, model, step);
  const float found = gradients(call.W + at_W, call.b + at_b, batch, room, room.gradient_W,
                                room.gradient_b);
  loss += found;
  const Update update{call.rate[step * call.rate_groups + call.rate_group[model]],
                      call.decay[model], call.mean_bias[step], call.square_bias[step],
                      call.share1, call.beta2, call.share2, call.eps};
  const Moving W{M * N, call.W + at_W, call.mean_W + at_W, call.square_W + at_W, room.gradient_W};
  const Moving b{N, call.b + at_b, call.mean_b + at_b, call.square_b + at_b, room.gradient_b};
  const bool finite_W = W.moved(update, room.W[0], room.W[1], room.W[2]);
  const bool finite_b = b.moved(update, room.b[0], room.b[1], room.b[2]);
  if (!(finite_W && finite_b && found - found == 0)) return false;
  float *const to_W[] = {W.value, W.mean, W.square}, *const to_b[] = {b.value, b.mean, b.square};
  for (int k = 0; k < 3; k++) {
    memcpy(to_W[k], room.W[k], sizeof room.W[k]);
    memcpy(to_b[k], room.b[k], sizeof room.b[k]);
  }
  return true;
}

// Take all steps of a model. One that is not finite any more keeps its last finite weights; its
// losses are not a number from then on.
static void train(const Call &call, int64_t model, Room &room) {
  int64_t &diverged_at = call.diverged_at[model];
  for (int64_t step = 0; step < call.steps; step++) {
    if (!diverged_at && !take(call, model, step, room)) diverged_at = call.first_step + step + 1;
    if (diverged_at) call.loss[call.row[step] * call.all_models + model] = NAN;
  }
}

static int64_t taken(int64_t &next) { return __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED); }

static Room *new_room() { return static_cast<Room *>(aligned_alloc(alignof(Room), sizeof(Room))); }

extern "C" {

// Train the models that no other thread has taken; 1 where there is no memory for it, else 0.
int train(Call *call) {
  Room *const room = new_room();
  if (!room) return 1;
  for (int64_t model; (model = taken(call->next)) < call->models;) train(*call, model, *room);
  free(room);
  return 0;
}

// Leave losses and gradients of the call's first step, of the models that no other thread takes.
int differentiate(Call *call) {
  Room *const room = new_room();
  if (!room) return 1;
  for (int64_t model; (model = taken(call->next)) < call->models;) {
    const int64_t at_W = model * M * N, at_b = model * N;
    call->loss[model] = gradients(call->W + at_W, call->b + at_b, Batch(*call, model, 0), *room,
                                  call->gradient_W + at_W, call->gradient_b + at_b);
  }
  free(room);
  return 0;
}

// Draw the words that no other thread draws.
int draw(Draw *draw) {
  const int64_t vectors = in_parts(draw->samples, LANES);
  const int64_t size = in_parts(vectors, draw->block) * draw->block * draw->features * LANES;
  for (int64_t item; (item = taken(draw->next)) < draw->steps * draw->seeds;)
    draw_step(draw->words + item * size, draw->seed[item % draw->seeds],
              draw->first_step + item / draw->seeds, static_cast<uint32_t>(draw->purpose),
              draw->features, draw->first_sample, vectors, draw->block);
  return 0;
}

#if !SOLU
// Value and slope of the activation at `count` numbers, a multiple of sixteen.
void evaluate(const float *z, const float *parameter, int64_t count, float *value, float *slope) {
  for (int64_t k = 0; k < count; k += LANES) {
    Lanes at, y, s;
    memcpy(&at.v, z + k, sizeof at.v);
    activate(at, parameter, y, s);
    memcpy(value + k, &y.v, sizeof y.v);
    memcpy(slope + k, &s.v, sizeof s.v);
  }
}
#endif
}
