// Native controls of the axes, of the training step and of the features' values; and the address.

/** Names in the address that are no axes', which are identifiers. */
const [SET, STEP, INPUT] = [".results", ".step", ".x"];

/** Features whose sliders are shown at a time. */
const MOST_SLIDERS = 20;

const words = (name) => name.replaceAll("_", " ");

function labelOf(value) {
  if (value === null) return "none";
  return typeof value === "number" ? written(value) : String(value);
}

/** Return a label above an input, with the input's value at its end. */
function labelled(name, input, output) {
  const label = element("label"), line = element("span", "", {class: "name"});
  line.append(element("span", name), output);
  label.append(line, input);
  return label;
}

/** Return a select with a label. */
function select(name, labels, index, changed) {
  const box = element("select"), label = element("label");
  labels.forEach((text, k) => box.append(element("option", text, {value: k})));
  box.value = String(index);
  box.addEventListener("change", () => changed(Number(box.value)));
  label.append(element("span", name), box);
  return {element: label, set: (k) => { box.value = String(k); }};
}

/** Return a slider with a label and its value in words; it moves along `labels`. */
function slider(name, labels, index, changed) {
  const input = element("input", "", {type: "range", min: 0, max: labels.length - 1, step: 1});
  const output = element("output");
  const show = () => {
    output.textContent = labels[Number(input.value)];
    input.setAttribute("aria-valuetext", `${name} ${output.textContent}`);
  };
  const set = (k) => { input.value = String(k); show(); };
  input.addEventListener("input", () => { show(); changed(Number(input.value)); });
  set(index);
  return {element: labelled(name, input, output), set};
}

/** Return the control of an axis: words are selected, numbers slid along. */
function axisControl(axis, index, changed) {
  const make = axis.numeric ? slider : select;
  return make(words(axis.name), axis.values.map(labelOf), index, changed);
}

/** Return a slider of a feature's value. */
function featureSlider(feature, [low, high], value, changed) {
  const input = element("input", "", {type: "range", min: low, max: high, step: (high - low) / 100,
    "data-feature": feature});
  const output = element("output"), digits = [...String(feature)].map((digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);
  const show = () => { output.textContent = written(Number(input.value)); };
  input.addEventListener("input", () => { show(); changed(feature, Number(input.value)); });
  input.value = String(value);
  show();
  return labelled(`x${digits.join("")}`, input, output);
}

/** Return the address of a view: the values that are chosen, and no indices, so that it lasts. */
function addressOf(all, state) {
  const held = all[state.set], parts = new URLSearchParams();
  if (all.length > 1) parts.set(SET, held.name);
  held.axes.forEach((axis, k) => parts.set(axis.name, String(axis.values[state.at[k]])));
  if (state.step !== null) parts.set(STEP, String(stepsOf(held)[state.step]));
  const moved = Array.from(state.x, (value, i) => [i, value]).filter(([, value]) => value);
  parts.set(INPUT, moved.map(([i, value]) => `${i}:${Number(value.toFixed(4))}`).join(","));
  return `#${parts}`;
}

/** Return the place of a value along an axis, of a number that of the nearest; else the beginning. */
function indexOf({values, numeric}, text) {
  const exact = values.findIndex((value) => String(value) === text);
  if (exact >= 0 || !numeric || !text || !Number.isFinite(Number(text))) return Math.max(0, exact);
  return nearestIndex(values.map((value) => value ?? Infinity), Number(text));
}

/** Return the view of an address; what it does not know stands at its beginning. */
function viewOf(all, address) {
  const parts = new URLSearchParams(address.replace(/^#/, ""));
  const set = Math.max(0, all.findIndex((one) => one.name === parts.get(SET))), held = all[set];
  const at = held.axes.map((axis) => indexOf(axis, parts.get(axis.name)));
  const step = stepsOf(held).findIndex((one) => String(one) === parts.get(STEP));
  const x = new Float64Array(held.features);
  for (const part of (parts.get(INPUT) ?? "").split(",")) {
    const [i, value] = part.split(":").map(Number);
    const [low, high] = held.reach;
    if (part && i in x && Number.isFinite(value)) x[i] = Math.min(high, Math.max(low, value));
  }
  if (!parts.has(INPUT)) x[0] = held.reach[1];
  return {set, at, step: step < 0 ? null : step, x};
}

/** Return the steps that the slider has before the trained model: of snapshots, else of curves. */
function stepsOf(held) {
  const steps = held.snapshots.length ? held.snapshots : held.steps;
  const last = Math.max(...held.steps, ...held.snapshots);
  return steps.filter((step) => step < last);
}
