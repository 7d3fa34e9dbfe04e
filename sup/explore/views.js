// The views of one model: each is drawn in the element of its name, and says in words what it shows.

const written = (value) => Number.isFinite(value) ? String(Number(value.toPrecision(4))) : "none";

/** Return a share in percent; what rounding has left below a thousandth of one is none. */
const percent = (share) => share < 1e-5 ? "< 0.001%" : `${Number((100 * share).toPrecision(3))}%`;

/** Return an element with text, which is never read as HTML: names are anybody's. */
function element(tag, text = "", attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** Return the colours of the page, light or dark. */
function themeOf() {
  const style = getComputedStyle(document.documentElement);
  const names = ["ink", "paper", "soft", "line", "accent", "second", "positive", "negative", "neutral"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/** Return what all views of some weights are drawn from. */
function seenOf(W, explained) {
  const n = W[0].length, gram = gramOf(W, n), norms = normsOf(gram);
  let greatest = 0;
  for (const row of gram) for (const one of row) greatest = Math.max(greatest, Math.abs(one));
  return {
    W, n, gram, norms, explained, greatest: greatest || 1,
    dimensionality: dimensionalityOf(gram),
    pairs: interferences(gram, LEAST_EDGE * (greatest || 1), MOST_EDGES),
  };
}

function drawWeights(seen, theme) {
  const [strongest] = seen.pairs, m = seen.W.length;
  const most = strongest
    ? `the strongest interference is ${written(strongest.value)}, of features ${
      strongest.i} and ${strongest.j}`
    : "no features interfere";
  const diagonal = seen.gram.map((row, i) => row[i]);
  const ends = `${written(Math.min(...diagonal))} to ${written(Math.max(...diagonal))}`;
  draw("gram", () => gramFigure(seen, theme),
    `Heatmap of W transposed W of ${seen.n} features: the diagonal is ${ends}; ${most}.`);
  byId("gram-note").textContent = seen.n > MOST_FEATURES
    ? `${MOST_FEATURES} of ${seen.n} features.` : "";
  const flat = m === 2;
  byId("features-note").textContent = flat
    ? "Directions Wᵢ in the plane; the circle has radius 1."
    : `Size: norm of Wᵢ. Edges: interference Wᵢ · Wⱼ, red where positive, blue where negative${
      seen.pairs.length === MOST_EDGES ? `; the ${MOST_EDGES} strongest` : ""}.`;
  draw("features", () => flat ? vectorsFigure(seen, theme) : graphFigure(seen, theme),
    `${flat ? "Vectors in the plane" : "Graph"} of ${seen.n} features in ${m} dimensions: ${most}.`);
  drawBars(seen, theme);
}

function drawBars(seen, theme) {
  const {dimensionality, explained} = seen;
  const sum = dimensionality.reduce((a, b) => a + b, 0);
  const well = explained && explained.filter((one) => one > 0.5).length;
  const said = explained ? `; explained variance is above 0.5 for ${well} of them` : "";
  const shares = ["Dᵢ: the share of a dimension that a feature has to itself."];
  if (explained) shares.push("R²ᵢ: the share of its variance that the trained model explains.");
  byId("bars-note").textContent = shares.join(" ");
  draw("bars", () => barsFigure(seen, theme),
    `Bars of ${seen.n} features: dimensionalities sum to ${written(sum)}${said}.`);
}

function drawLoss(results, place, step, theme) {
  if (!results.has("training_loss")) return blank("loss", "The page has no training curves.");
  const losses = results.curve(place);
  draw("loss", () => lossFigure({steps: results.steps, losses, step}, theme),
    `Training loss along steps: ${written(losses[0])} at step ${results.steps[0]}, ${
      written(losses.at(-1))} at step ${results.steps.at(-1)}.`);
}

/** Draw h, x' and the curve along one feature for the input of the sliders. */
function drawInput(model, x, feature, reach, theme) {
  if (!model.activation || !model.hidden) {
    const reason = `The output cannot be drawn: ${model.reason}.`;
    return ["curve", "hidden", "output"].forEach((id) => blank(id, reason));
  }
  const h = Array.from(encode(model, x)), output = Array.from(decode(model, h));
  const target = Array.from(x, model.target);
  const few = (values) => values.slice(0, MOST_SLIDERS);
  const told = few(output).map((one, i) => `feature ${i} ${written(one)}, wanted ${written(target[i])}`);
  draw("hidden", () => hiddenFigure({h}, theme), `Hidden dimensions: ${few(h).map(written).join(", ")}.`);
  draw("output", () => outputFigure({target, output}, theme), `Outputs: ${told.join("; ")}.`);
  const points = along(model, x, feature, reach, POINTS), at = {x: x[feature], y: output[feature]};
  draw("curve", () => curveFigure({points, feature, target: model.target, at}, theme),
    `Output of feature ${feature} along its input: ${written(points[0].y[feature])} at ${
      written(reach[0])}, ${written(points.at(-1).y[feature])} at ${written(reach[1])}.`);
}

/** Write the measures of a model, and of the weights that are looked at. */
function writeMeasures(results, place, seen) {
  const total = seen.norms.reduce((sum, norm) => sum + norm * norm, 0), m = seen.W.length;
  const of = (name) => results.measure(name, place);
  const rows = [
    ["loss", Number.isFinite(of("loss")) && `${written(of("loss"))}${
      Number.isFinite(of("loss_error")) ? ` ± ${Number(of("loss_error").toPrecision(2))}` : ""}`],
    ["optimum", Number.isFinite(of("optimum_loss")) && written(of("optimum_loss"))],
    ["at the optimum", results.phases[of("optimum_phase")]],
    ["above the optimum", Number.isFinite(of("loss_gap")) && percent(of("loss_gap"))],
    ["D* = m / ‖W‖²", total > 0 && written(m / total)],
    ["Σ Dᵢ", `${written(seen.dimensionality.reduce((a, b) => a + b, 0))} of ${m}`],
    ["features, R² > 0.5", seen.explained
      && `${seen.explained.filter((one) => one > 0.5).length} of ${seen.n}`],
    ["diverged", results.hasDiverged(place)
      && `at step ${of("first_bad_step") ?? "?"}: these are its last finite weights`],
  ];
  writeList("measures", rows.filter(([, value]) => value));
}

function writeList(id, rows) {
  byId(id).replaceChildren(...rows.flatMap(([name, value]) =>
    [element("dt", name), element("dd", value)]));
}

/** Write what else is set, at some place along the axes. */
function writeSettings(results, at) {
  const rows = results.settings.map((setting) => [setting.name, results.setting(setting, at)]);
  writeList("settings", rows.filter(([, value]) => value !== null).map(([name, value]) => [
    words(name), labelOf(value)]));
}

/** Write the values of each feature; only where the table is open, as it takes time. */
function writeTable(seen, b) {
  if (!byId("table").open) return;
  const [head, body] = [byId("table").querySelector("thead"), byId("table").querySelector("tbody")];
  const names = ["feature", "norm", "D", "R²", "b", "strongest partner", "Wᵢ · Wⱼ"];
  const row = (tag, values) => {
    const made = element("tr");
    made.append(...values.map((value) => element(tag, value)));
    return made;
  };
  head.replaceChildren(row("th", names));
  body.replaceChildren(...seen.gram.map((own, i) => {
    let partner = -1;
    own.forEach((one, j) => {
      if (j !== i && Math.abs(one) > Math.abs(own[partner] ?? 0)) partner = j;
    });
    return row("td", [i, written(seen.norms[i]), written(seen.dimensionality[i]),
      seen.explained ? written(seen.explained[i]) : "", written(b[i]),
      partner < 0 ? "none" : partner, partner < 0 ? "" : written(own[partner])]);
  }));
}
