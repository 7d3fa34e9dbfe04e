// Arrays as the page holds them, and what activations are put together of.

/** The float32 that each of the 65,536 numbers in float16 stands for. */
const HALF = (() => {
  const table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const exponent = (bits >> 10) & 31, fraction = bits & 1023, sign = bits >> 15 ? -1 : 1;
    if (exponent === 31) table[bits] = fraction ? NaN : sign * Infinity;
    else if (exponent === 0) table[bits] = sign * fraction * 2 ** -24;
    else table[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return table;
})();

/** Return the numbers of a packed array (see packing.py), which are little-endian, as processors are. */
function unpacked({kind, data}) {
  const text = atob(data), bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  if (kind === "float16") return Half(new Uint16Array(bytes.buffer));
  return kind === "int16" ? new Int16Array(bytes.buffer) : new Float32Array(bytes.buffer);
}

/** Float16 numbers that become float32 where they are looked at: twice as many fit in memory. */
function Half(bits) {
  return {
    length: bits.length,
    slice: (from, to) => Float32Array.from(bits.subarray(from, to), (one) => HALF[one]),
  };
}

/**
 * erf by 2/sqrt(pi) exp(-x^2) sum_k 2^k x^(2k+1) / (2k+1)!!, all of whose terms have one sign, so
 * that none of the 16 digits is lost; from 6 on it is 1 in float64.
 */
function erf(x) {
  if (Math.abs(x) >= 6) return Math.sign(x);
  let term = x, sum = x;
  for (let k = 1; Math.abs(term) > 1e-17 * Math.abs(sum); k++) {
    term *= 2 * x * x / (2 * k + 1);
    sum += term;
  }
  return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
}

const normalCdf = (z) => (1 + erf(z * Math.SQRT1_2)) / 2;
const gauss = (z) => Math.exp(-z * z / 2);
const sigmoid = (z) => 1 / (1 + Math.exp(-z));
const where = (condition, one, other) => condition ? one : other;

// Activations: functions of the pre-activations z [feature] of one sample, and of parameters p.

const elementwise = (f) => (z, p) => Array.from(z, (one) => f(one, p));

/** z softmax(z / temperature); p is 1 / temperature. */
function solu(z, p) {
  const greatest = Math.max(...z);
  const weights = Array.from(z, (one) => Math.exp((one - greatest) * p[0]));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((one, i) => z[i] * one / sum);
}

/** LayerNorm(z softmax(z)), with what torch adds to the variance. */
function normalisedSolu(z) {
  const s = solu(z, [1]), mean = s.reduce((a, b) => a + b, 0) / s.length;
  const variance = s.reduce((sum, one) => sum + (one - mean) ** 2, 0) / s.length;
  return s.map((one) => (one - mean) / Math.sqrt(variance + 1e-5));
}

/** Consecutive groups of features, the first ones larger, each with [function, parameters]. */
function groups(parts) {
  return (z) => {
    const least = Math.floor(z.length / parts.length), larger = z.length % parts.length;
    let at = 0;
    return parts.flatMap(([f, p], k) => {
      const own = Array.from(z).slice(at, at += least + (k < larger ? 1 : 0));
      return own.length ? f(own, p) : [];
    });
  };
}
