// Plotly's figures: each function returns {data, layout} and touches nothing.

/** Features that a heatmap shows of a larger model, evenly spaced. */
const MOST_FEATURES = 200;
/** Interferences that a graph shows, the strongest. */
const MOST_EDGES = 400;
/** Least |W_i . W_j| of an edge: below it, it is hardly seen in the outputs. */
const LEAST_EDGE = 0.02;
/** How strong an edge is, as a part of the strongest representation: drawn in so many widths. */
const WIDTHS = [{from: 0.5, width: 4, opacity: 0.9}, {from: 0.2, width: 2, opacity: 0.7},
  {from: 0, width: 1, opacity: 0.4}];
/** Numbers between 0 and 1 at which a curve is computed: straight pieces are a pixel or two long. */
const POINTS = Array.from({length: 101}, (_, k) => k / 100);

const CONFIG = {displayModeBar: false, responsive: true};

/** Return the layout that all figures have in common. */
function layoutOf(theme, own = {}) {
  const axis = {gridcolor: theme.line, zerolinecolor: theme.soft, linecolor: theme.line,
    fixedrange: true, automargin: true, tickfont: {color: theme.soft}};
  const {xaxis = {}, yaxis = {}, ...others} = own;
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: {color: theme.ink, family: "system-ui, sans-serif", size: 12},
    margin: {l: 48, r: 12, t: 8, b: 40}, dragmode: false, showlegend: false,
    hoverlabel: {bgcolor: theme.paper, bordercolor: theme.soft, font: {color: theme.ink}},
    legend: {orientation: "h", x: 0, y: 1.02, yanchor: "bottom"},
    xaxis: {...axis, ...xaxis}, yaxis: {...axis, ...yaxis}, ...others,
  };
}

/** Return at most `most` of the numbers 0..count-1, evenly spaced, both ends among them. */
function evenlySpaced(count, most) {
  const number = Math.min(count, most);
  return Array.from({length: number}, (_, k) => Math.round(k * (count - 1) / Math.max(number - 1, 1)));
}

/** Return the ticks of an axis of features: each, while there is room for its number. */
const featureTicks = (count) => count > 12 ? {nticks: 8} : {dtick: 1};

/** Return the axis below bars of features. */
const featuresAxis = (count) => ({title: {text: "feature i"}, ...featureTicks(count), showgrid: false,
  zeroline: false, range: [-0.6, count - 0.4]});

/** W^T W with its values under the pointer; blue interferes, red represents. */
function gramFigure({gram, greatest}, theme) {
  const shown = evenlySpaced(gram.length, MOST_FEATURES);
  const limit = Math.max(greatest, 1), cells = shown.map((i) => shown.map((j) => gram[i][j]));
  const axis = {...featureTicks(gram.length), showgrid: false, zeroline: false, constrain: "domain"};
  return {
    data: [{
      type: "heatmap", z: cells, x: shown, y: shown, zmin: -limit, zmax: limit,
      colorscale: [[0, theme.negative], [0.5, theme.neutral], [1, theme.positive]],
      colorbar: {thickness: 10, outlinewidth: 0, tickfont: {color: theme.soft}, nticks: 5},
      hovertemplate: "i = %{y}, j = %{x}<br>W<sub>i</sub> · W<sub>j</sub> = %{z:.4f}<extra></extra>",
    }],
    layout: layoutOf(theme, {
      margin: {l: 40, r: 0, t: 8, b: 40},
      xaxis: {...axis, title: {text: "feature j"}},
      yaxis: {...axis, title: {text: "feature i", standoff: 6}, autorange: "reversed", scaleanchor: "x"},
    }),
  };
}

/** Features as vectors in the plane of two hidden dimensions. */
function vectorsFigure({W, norms}, theme) {
  const [first, second] = W, lines = {x: [], y: []};
  const reach = 1.2 * Math.max(1, ...norms);
  first.forEach((_, i) => { lines.x.push(0, first[i], null); lines.y.push(0, second[i], null); });
  const axis = {range: [-reach, reach], nticks: 5};
  const beyond = (row) => row.map((one, i) => one * (1 + 0.09 * reach / (norms[i] || 1)));
  return {
    data: [
      {type: "scatter", mode: "lines", ...lines, line: {color: theme.accent, width: 2},
        hoverinfo: "skip"},
      {type: "scatter", mode: "text", x: beyond(first), y: beyond(second), hoverinfo: "skip",
        text: norms.map((_, i) => norms.length > 40 ? "" : String(i)), cliponaxis: false},
      {type: "scatter", mode: "markers", x: first, y: second, customdata: norms,
        marker: {size: 9, color: theme.accent}, cliponaxis: false,
        hovertemplate: "feature %{pointNumber}<br>W<sub>i</sub> = (%{x:.3f}, %{y:.3f})"
          + "<br>norm %{customdata:.4f}<extra></extra>"},
    ],
    layout: layoutOf(theme, {
      xaxis: {...axis, title: {text: "h₁"}, constrain: "domain"},
      yaxis: {...axis, title: {text: "h₂"}, scaleanchor: "x", constrain: "domain"},
      shapes: [{type: "circle", x0: -1, y0: -1, x1: 1, y1: 1,
        line: {color: theme.soft, width: 1, dash: "dot"}}],
    }),
  };
}

/** Features on a circle, as large as they are long, and what interferes as edges between them. */
function graphFigure({norms, pairs, greatest}, theme) {
  const n = norms.length, longest = Math.max(1, ...norms);
  const at = norms.map((_, i) => 2 * Math.PI * i / n - Math.PI / 2);
  const [x, y] = [at.map(Math.cos), at.map((angle) => -Math.sin(angle))];
  const edges = ["positive", "negative"].flatMap((sign) => WIDTHS.map(({from, width, opacity}, k) => {
    const line = {x: [], y: []}, below = k ? WIDTHS[k - 1].from : Infinity;
    for (const {i, j, value} of pairs) {
      const share = Math.abs(value) / greatest;
      if ((value > 0) === (sign === "positive") && share >= from && share < below) {
        line.x.push(x[i], x[j], null);
        line.y.push(y[i], y[j], null);
      }
    }
    return {type: "scatter", mode: "lines", ...line, opacity, hoverinfo: "skip",
      line: {color: theme[sign], width}};
  }));
  const axis = {range: [-1.3, 1.3], visible: false}, largest = Math.min(24, 700 / n);
  const dots = {type: "scatter", mode: "markers", x, y, customdata: norms, cliponaxis: false,
    marker: {size: norms.map((norm) => 3 + largest * norm / longest), color: theme.ink, opacity: 1},
    hovertemplate: "feature %{pointNumber}<br>norm %{customdata:.4f}<extra></extra>"};
  const every = Math.ceil(n / 40), named = norms.map((_, i) => i).filter((i) => i % every === 0);
  const outside = (values) => named.map((i) => 1.17 * values[i]);
  const names = {type: "scatter", mode: "text", x: outside(x), y: outside(y), text: named.map(String),
    textfont: {color: theme.soft, size: 12}, hoverinfo: "skip"};
  return {
    data: [...edges, dots, names],
    layout: layoutOf(theme, {margin: {l: 0, r: 0, t: 0, b: 0}, hovermode: "closest",
      xaxis: axis, yaxis: {...axis, scaleanchor: "x"}}),
  };
}

/** D_i and, of the trained model, R²_i of each feature as bars. */
function barsFigure({dimensionality, explained}, theme) {
  const x = dimensionality.map((_, i) => i), bar = {type: "bar", x};
  const data = [{...bar, name: "D<sub>i</sub>", y: dimensionality, marker: {color: theme.accent},
    hovertemplate: "feature %{x}<br>D = %{y:.4f}<extra></extra>"}];
  let low = 0;
  if (explained) {
    low = Math.max(-1, Math.min(0, ...explained));
    data.push({...bar, name: "R²<sub>i</sub>", y: Array.from(explained), marker: {color: theme.second},
      hovertemplate: "feature %{x}<br>R² = %{y:.4f}<extra></extra>"});
  }
  return {data, layout: layoutOf(theme, {showlegend: true, barmode: "group", bargap: 0.25,
    margin: {l: 40, r: 12, t: 28, b: 40},
    xaxis: featuresAxis(x.length),
    yaxis: {range: [low * 1.05, 1.05]}})};
}

/** The training loss, and the step that is looked at. */
function lossFigure({steps, losses, step}, theme) {
  const at = nearestIndex(steps, step), mark = {x: [steps[at]], y: [losses[at]]};
  const logarithms = losses.filter((loss) => loss !== null).map(Math.log10);
  const decades = Math.max(...logarithms) - Math.min(...logarithms);
  return {
    data: [
      {type: "scatter", mode: "lines", x: steps, y: losses, line: {color: theme.accent, width: 2},
        hovertemplate: "step %{x}<br>loss %{y:.4g}<extra></extra>"},
      {type: "scatter", mode: "markers", ...mark, marker: {size: 10, color: theme.second},
        hoverinfo: "skip"},
    ],
    layout: layoutOf(theme, {margin: {l: 56, r: 12, t: 8, b: 40},
      xaxis: {type: "log", title: {text: "step"}, dtick: 1, exponentformat: "power"},
      // Of less than two powers of ten there might be one or none.
      yaxis: {type: "log", title: {text: "training loss"}, exponentformat: "power", ...(decades < 2
        ? {nticks: 5, tickformat: ".2~g"} : {dtick: Math.max(1, Math.round(decades / 5))})}}),
  };
}

/** Return the place of the number that is nearest to another, of rising ones. */
function nearestIndex(numbers, wanted) {
  let best = 0;
  numbers.forEach((one, k) => {
    if (Math.abs(one - wanted) < Math.abs(numbers[best] - wanted)) best = k;
  });
  return best;
}

/** h of the input that the sliders make. */
function hiddenFigure({h}, theme) {
  return {
    data: [{type: "bar", x: h.map((_, k) => k + 1), y: h, marker: {color: theme.accent},
      hovertemplate: "h<sub>%{x}</sub> = %{y:.4f}<extra></extra>"}],
    layout: layoutOf(theme, {bargap: 0.4,
      xaxis: {title: {text: "hidden dimension"}, ...featureTicks(h.length), showgrid: false,
        zeroline: false, range: [0.4, h.length + 0.6]},
      yaxis: {title: {text: "h"}}}),
  };
}

/** What the output is to be, and what it is, of each feature. */
function outputFigure({target, output}, theme) {
  const x = target.map((_, i) => i), bar = {type: "bar", x};
  return {
    data: [
      {...bar, name: "wanted", y: target, marker: {color: theme.soft},
        hovertemplate: "feature %{x}<br>wanted %{y:.4f}<extra></extra>"},
      {...bar, name: "x′", y: output, marker: {color: theme.second},
        hovertemplate: "feature %{x}<br>x′ = %{y:.4f}<extra></extra>"},
    ],
    layout: layoutOf(theme, {showlegend: true, bargap: 0.25, margin: {l: 40, r: 12, t: 28, b: 40},
      xaxis: featuresAxis(x.length)}),
  };
}

/** x'_k along x_k while the other features stay as they are, and others' outputs in grey. */
function curveFigure({points, feature, target, at}, theme) {
  const x = points.map((point) => point.x), others = {x: [], y: []};
  for (const i of evenlySpaced(points[0].y.length, 20)) {
    if (i === feature) continue;
    others.x.push(...x, null);
    others.y.push(...points.map((point) => point.y[i]), null);
  }
  const line = {type: "scatter", mode: "lines"};
  return {
    data: [
      {...line, ...others, name: "x′<sub>j</sub>, j ≠ k", line: {color: theme.soft, width: 1},
        opacity: 0.6, hoverinfo: "skip"},
      {...line, x, y: x.map(target), name: "wanted", line: {color: theme.ink, dash: "dot", width: 1.5},
        hoverinfo: "skip"},
      {...line, x, y: points.map((point) => point.y[feature]), name: "x′<sub>k</sub>",
        line: {color: theme.second, width: 3},
        hovertemplate: "x = %{x:.2f}<br>x′ = %{y:.4f}<extra></extra>"},
      {type: "scatter", mode: "markers", x: [at.x], y: [at.y], marker: {size: 10, color: theme.second},
        showlegend: false, hoverinfo: "skip"},
    ],
    layout: layoutOf(theme, {showlegend: true, margin: {l: 40, r: 12, t: 28, b: 40},
      xaxis: {title: {text: `x of feature k = ${feature}`}}}),
  };
}
