// Results as the page holds them: models by their place in the grid of the axes.

class Results {
  /** @param held see payload.py; arrays are unpacked where they are first looked at. */
  constructor(held, functions, reasons) {
    Object.assign(this, held);
    this.functions = functions;
    this.reasons = reasons;
    this.open = {};
    this.sizes = this.axes.map((axis) => axis.values.length);
    this.count = this.sizes.reduce((a, b) => a * b, 1);
  }

  has(name) {
    return name in this.arrays;
  }

  /** Return the numbers of an array that belong to one model, of which it has `size`. */
  slice(name, model, size, offset = 0, each = size) {
    const {axes} = this.arrays[name];
    const place = axes ? this.placeAlong(axes, this.places(model)) : model;
    this.open[name] ??= unpacked(this.arrays[name]);
    return this.open[name].slice(place * each + offset, place * each + offset + size);
  }

  /** Return a measure of a model; undefined where results lack it. */
  measure(name, model) {
    return this.has(name) ? this.slice(name, model, 1)[0] : undefined;
  }

  /** Return the number of a model, by its place along each axis. */
  place(at) {
    return this.placeAlong([...at.keys()], at);
  }

  /** Return its number in a grid of some of the axes. */
  placeAlong(axes, at) {
    return axes.reduce((place, k) => place * this.sizes[k] + at[k], 0);
  }

  /** Return its place along each axis, of a model's number. */
  places(model) {
    const at = [];
    for (let k = this.sizes.length - 1; k >= 0; k--) {
      at[k] = model % this.sizes[k];
      model = Math.floor(model / this.sizes[k]);
    }
    return at;
  }

  /** Tell whether there is a model at a place, diverged or not. */
  isThere(model) {
    return Number.isFinite(this.slice("W", model, 1, 0, this.hidden * this.features)[0]);
  }

  hasDiverged(model) {
    return this.measure("diverged", model) > 0;
  }

  /**
   * Return the model nearest to a place that has the same value along one axis: first of all one
   * that differs along the fewest others. A sweep may have each activation along its own parameter.
   */
  nearest(at, axis) {
    if (this.isThere(this.place(at))) return at;
    let best = null, least = Infinity;
    for (let model = 0; model < this.count; model++) {
      if (!this.isThere(model)) continue;
      const other = this.places(model);
      if (axis !== null && other[axis] !== at[axis]) continue;
      let distance = 0;
      other.forEach((index, k) => {
        if (index !== at[k]) distance += 1 + Math.abs(index - at[k]) / (this.sizes[k] + 1);
      });
      if (distance < least) [best, least] = [other, distance];
    }
    return best ?? at;
  }

  /** Return a matrix [hidden][feature] without the rows and columns that a smaller model lacks. */
  matrix(flat) {
    const rows = [];
    for (let k = 0; k < this.hidden; k++) {
      const row = Array.from(flat.slice(k * this.features, (k + 1) * this.features));
      if (Number.isFinite(row[0])) rows.push(row.filter(Number.isFinite));
    }
    return rows;
  }

  /** Return the weights at a snapshot, or the trained ones. */
  weights(model, snapshot) {
    const size = this.hidden * this.features;
    if (snapshot === null) return this.matrix(this.slice("W", model, size));
    const each = this.snapshots.length * size;
    return this.matrix(this.slice("training_W", model, size, snapshot * size, each));
  }

  /** Return a trained model: weights, activations, and what is measured of it. */
  model(place) {
    const W = this.weights(place, null), n = W[0].length, size = this.hidden * this.features;
    const structure = this.structures[this.slice("structure", place, 1)[0]];
    const f = this.slice("activation", place, 1)[0];
    const p = this.slice("parameters", place, this.parameters);
    const [activation, hidden] = [this.functions[f], this.functions[structure.hidden]];
    return {
      W, n,
      D: this.has("decoder") ? this.matrix(this.slice("decoder", place, size)) : W,
      b: this.slice("b", place, this.features).slice(0, n),
      activation: activation && ((z) => activation(z, p)),
      hidden: hidden && ((h) => hidden(h, structure.parameters)),
      reason: activation ? this.reasons[structure.hidden] : this.reasons[f],
      target: TASKS[structure.task] ?? TASKS.identity,
      explained: this.has("explained")
        ? this.slice("explained", place, this.features).slice(0, n) : null,
    };
  }

  /** Return the training loss of a model at each of the results' steps. */
  curve(place) {
    const logarithms = this.slice("training_loss", place, this.steps.length);
    return Array.from(logarithms, (one) => Number.isFinite(one) ? 10 ** one : null);
  }

  /** Return the value of a setting that is no axis, at some place along the axes. */
  setting({axes, values}, at) {
    return values[this.placeAlong(axes, at)];
  }
}
