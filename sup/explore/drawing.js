// When views are drawn: those in sight within the next frames, the others when there is time.
// A slider moves sixty times a second and Plotly takes some ten milliseconds for a figure, so that
// drawing all of them for each move would make the page lag behind the hand.

const byId = (id) => document.getElementById(id);

/** Milliseconds of a frame, of 16, that drawing may take before the browser has its turn. */
const TURN = 10;

/** What is to be drawn, by the element in which it is: only the latest of each, the oldest first. */
const pending = new Map();

const inSight = new Set();
const sight = new IntersectionObserver((entries) => {
  for (const {target, isIntersecting} of entries)
    if (isIntersecting) inSight.add(target.id); else inSight.delete(target.id);
  drawSoon();
}, {rootMargin: "100px"});

/** Draw a figure soon, and say at once what it shows; `make` returns it as figures.js does. */
function draw(id, make, label) {
  byId(id).setAttribute("aria-label", label);
  pending.set(id, make);
  drawSoon();
}

/** Say why there is nothing to draw. */
function blank(id, reason) {
  const place = byId(id);
  pending.delete(id);
  Plotly.purge(place);
  place.classList.add("blank");
  place.textContent = reason;
  place.setAttribute("aria-label", reason);
}

/** Let the browser have its turn after some of what is to be drawn; go on with the rest after it. */
function drawSome(ids) {
  const began = performance.now();
  for (const id of ids) {
    if (performance.now() - began > TURN) break;
    drawNow(id);
  }
  drawSoon();
}

const seen = () => [...pending.keys()].filter((id) => inSight.has(id));

let frame = null, idle = null;
function drawSoon() {
  if (seen().length) frame ??= requestAnimationFrame(() => { frame = null; drawSome(seen()); });
  else if (pending.size) idle ??= whenIdle(() => { idle = null; drawSome([...pending.keys()]); });
}

/** Call back when there is nothing else to do, or half a second later (Safari cannot tell). */
function whenIdle(callback) {
  if (!globalThis.requestIdleCallback) return setTimeout(callback, 500);
  return requestIdleCallback(callback, {timeout: 500});
}

function drawNow(id) {
  const place = byId(id), {data, layout} = pending.get(id)();
  pending.delete(id);
  if (place.classList.contains("blank")) {
    place.classList.remove("blank");
    place.textContent = "";
  }
  Plotly.react(place, data, layout, CONFIG);
}

addEventListener("beforeprint", () => [...pending.keys()].forEach(drawNow));
