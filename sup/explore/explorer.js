// What is chosen, and what follows from it: controls change the state, and the views are drawn of it.

class Explorer {
  constructor(all) {
    this.all = all;
    this.waiting = null;
    this.read();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.restyle());
    document.querySelectorAll("[role=img]").forEach((view) => sight.observe(view));
    addEventListener("hashchange", () => this.read());
    byId("controls").addEventListener("submit", (event) => event.preventDefault());
    byId("shared").hidden = window !== top;
    byId("table").addEventListener("toggle", () => writeTable(this.seen, this.model.b));
  }

  get results() {
    return this.all[this.state.set];
  }

  /** Take the view from the address. */
  read() {
    if (location.hash && this.state && location.hash === this.address) return;
    this.show(location.hash);
  }

  /** Show the view that an address says. */
  show(address) {
    const state = viewOf(this.all, address), held = this.all[state.set];
    const first = Math.max(0, state.x.findIndex(Boolean));
    this.state = {...state, feature: first, shown: Math.floor(first / MOST_SLIDERS)};
    this.state.at = held.nearest(state.at, null);
    this.theme = themeOf();
    this.sliders = "";
    this.build();
    this.update();
  }

  restyle() {
    this.theme = themeOf();
    this.update();
  }

  /** Make the controls of the chosen results. */
  build() {
    const {all, results, state} = this, made = [];
    if (all.length > 1)
      made.push(select("results", all.map((one) => one.name), state.set, (set) => this.choose(set)));
    this.axisControls = results.axes.map((axis, k) =>
      axisControl(axis, state.at[k], (index) => this.move(k, index)));
    made.push(...this.axisControls);
    const steps = stepsOf(results);
    if (steps.length)
      made.push(slider("training step", [...steps.map(String), "trained"], state.step ?? steps.length,
        (k) => this.request({step: k < steps.length ? k : null}, "step")));
    byId("controls").replaceChildren(...made.map((one) => one.element));
    byId("notes").replaceChildren(...results.notes.map((note) => element("li", note)));
    const alone = "The training step moves the mark alone: there are no weights along training here.";
    byId("loss-note").textContent = results.snapshots.length
      ? "The training step moves WᵀW, the features and Dᵢ, too."
      : results.steps.length ? alone : "";
  }

  /** Go to other results. */
  choose(set) {
    const address = `#${new URLSearchParams([[SET, this.all[set].name]])}`;
    if (window === top) location.hash = address;
    else this.show(address);
  }

  /** Go along an axis, and along others too where there is no model otherwise. */
  move(axis, index) {
    const wanted = this.state.at.with(axis, index), at = this.results.nearest(wanted, axis);
    const moved = [];
    this.results.axes.forEach(({name, values}, k) => {
      if (at[k] === wanted[k]) return;
      this.axisControls[k].set(at[k]);
      moved.push(`${words(name)} is ${labelOf(values[at[k]])}`);
    });
    byId("status").textContent = moved.length ? `No such model: ${moved.join(", ")} now.` : "";
    this.request({at}, "model");
  }

  /** Change the state now, and draw with the next frame, however many changes come before it. */
  request(changes, what) {
    Object.assign(this.state, changes);
    this.pending = this.waiting === null || this.pending === what ? what : "model";
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = null;
      this.update(this.pending);
    });
  }

  /** Draw what depends on what has changed: model, step (of training), or input. */
  update(what = "model") {
    const {results, state, theme} = this, place = results.place(state.at);
    this.remember();
    if (!results.isThere(place)) return this.say("There is no model here.");
    if (what === "model") {
      this.model = results.model(place);
      this.state.feature = Math.min(state.feature, this.model.n - 1);
      writeSettings(results, state.at);
      this.buildSliders();
    }
    if (what !== "input") {
      const kept = results.snapshots.length && state.step !== null;
      const W = kept ? results.weights(place, state.step) : this.model.W;
      if (!W.length) return this.say("The weights at this step are not finite.");
      const explained = kept ? null : this.model.explained;
      this.seen = seenOf(W, explained);
      drawWeights(this.seen, theme);
      const steps = stepsOf(results);
      drawLoss(results, place, state.step === null ? results.steps.at(-1) : steps[state.step], theme);
      writeMeasures(results, place, this.seen);
      writeTable(this.seen, this.model.b);
    }
    if (what !== "step") drawInput(this.model, this.input(), this.state.feature, results.reach, theme);
  }

  say(text) {
    byId("status").textContent = text;
    ["gram", "features", "bars", "loss", "curve", "hidden", "output"].forEach((id) => blank(id, text));
  }

  /** Return the values of the features that this model has. */
  input() {
    return this.state.x.subarray(0, this.model.n);
  }

  /** Make the sliders of the features, where this is another number of them than before. */
  buildSliders() {
    const key = `${this.state.set} ${this.model.n} ${this.state.shown}`;
    if (this.sliders === key) return;
    this.sliders = key;
    const {state, results, model} = this, pages = Math.ceil(model.n / MOST_SLIDERS);
    state.shown = Math.min(state.shown, pages - 1);
    const from = state.shown * MOST_SLIDERS, to = Math.min(model.n, from + MOST_SLIDERS);
    const features = Array.from({length: to - from}, (_, k) => from + k);
    byId("sliders").replaceChildren(...features.map((i) => featureSlider(i, results.reach, state.x[i],
      (feature, value) => {
        state.x[feature] = value;
        this.request({feature}, "input");
      })));
    const zero = element("button", "All 0", {type: "button"});
    zero.addEventListener("click", () => this.fill(() => 0));
    const all = element("button", "All present", {type: "button"});
    all.addEventListener("click", () => this.fill(() => results.reach[1]));
    const some = element("button", "Some, at random", {type: "button"});
    some.addEventListener("click", () => this.fill(() => {
      const [low, high] = results.reach;
      return Math.random() < 2 / model.n ? low + (high - low) * Math.random() : 0;
    }));
    const shown = pages > 1 ? [select("features", Array.from({length: pages}, (_, k) =>
      `${k * MOST_SLIDERS} to ${Math.min(model.n, (k + 1) * MOST_SLIDERS) - 1}`), state.shown, (k) => {
      state.shown = k;
      this.buildSliders();
    }).element] : [];
    byId("presets").replaceChildren(zero, all, some, ...shown);
  }

  fill(value) {
    this.state.x.forEach((_, i, x) => { x[i] = value(i); });
    this.sliders = "";
    this.buildSliders();
    this.request({}, "input");
  }

  /**
   * Put the view into the address a little later: browsers allow few changes in a second. In a
   * report, which has the page in a frame, the address is the report's, and left alone.
   */
  remember() {
    if (window !== top) return;
    clearTimeout(this.later);
    this.later = setTimeout(() => {
      this.address = addressOf(this.all, this.state);
      history.replaceState(null, "", this.address);
    }, 300);
  }
}

/** Begin: `functions` are the activations of all models in the page. */
function start(functions) {
  const held = JSON.parse(byId("payload").textContent);
  const all = held.results.map((one) => new Results(one, functions, held.reasons));
  globalThis.explorer = new Explorer(all);
}
