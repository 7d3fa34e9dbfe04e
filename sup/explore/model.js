// The mathematics of one model: W is [m][n], a list of hidden dimensions, each of all features.

/** Return the Gram matrix W^T W [n][n]. */
function gramOf(W, n) {
  const gram = Array.from({length: n}, () => new Float64Array(n));
  for (const row of W)
    for (let i = 0; i < n; i++) {
      const own = row[i], into = gram[i];
      if (own) for (let j = 0; j < n; j++) into[j] += own * row[j];
    }
  return gram;
}

/** Return ||W_i|| [n]. */
function normsOf(gram) {
  return gram.map((row, i) => Math.sqrt(row[i]));
}

/** Return D_i = ||W_i||^2 / sum_j (Ŵ_i . W_j)^2 [n]; 0 of a feature with W_i = 0. */
function dimensionalityOf(gram) {
  return gram.map((row, i) => {
    const squares = row.reduce((sum, one) => sum + one * one, 0);
    return squares > 0 ? row[i] ** 2 / squares : 0;
  });
}

/** Return the pairs of features that interfere most: {i, j, value}, i < j, the strongest first. */
function interferences(gram, least, most) {
  const pairs = [];
  gram.forEach((row, i) => {
    for (let j = i + 1; j < row.length; j++)
      if (Math.abs(row[j]) >= least) pairs.push({i, j, value: row[j]});
  });
  pairs.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  return pairs.slice(0, most);
}

/** Return h = g(W x) [m]. */
function encode(model, x) {
  const h = model.W.map((row) => row.reduce((sum, one, i) => sum + one * x[i], 0));
  return model.hidden(h);
}

/** Return x' = f(D^T h + b) [n]; D is W but of models with a decoder of their own. */
function decode(model, h) {
  const z = Float64Array.from(model.b);
  model.D.forEach((row, k) => row.forEach((one, i) => { z[i] += one * h[k]; }));
  return model.activation(z);
}

const TASKS = {identity: (x) => x, abs: Math.abs};

/** Return the reconstruction of x [n]. */
const reconstruct = (model, x) => decode(model, encode(model, x));

/** Return x' [point][n] while one feature goes from low to high and the others stay. */
function along(model, x, feature, [low, high], points) {
  return points.map((share) => {
    const moved = Array.from(x);
    moved[feature] = low + (high - low) * share;
    return {x: moved[feature], y: reconstruct(model, moved)};
  });
}
