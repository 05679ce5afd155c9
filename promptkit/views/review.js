"use strict";
// Makes a place to choose from the list of pictures that a page for readers is without a script: one by one, two at a time, or all at once.
// What a reader says stays in this page (and in this browser, where it may), until it is saved as a file or copied as a text.
(() => {
  const { sizeOf, pointIn, between, middle, within, boxText } = boxes;
  const { start, filled, made, button } = elements;
  const MOST_STARS = 5;
  const root = document.documentElement;
  const VIEWS = ["one-by-one", "two-at-a-time", "all", "send"];
  const state = { steps: [], words: {}, marks: {}, name: "", at: null, view: "one-by-one", place: 0, round: [], pair: 0, isDrawing: false };

  start(begin);

  // Pieces

  function say(name, values) {
    return filled(state.words[name], values);
  }

  function announce(text) {
    state.told.textContent = text;
  }

  function pictures(step) {
    return [...document.getElementById(step.at).querySelectorAll("img")];
  }

  function picture(step) {
    return pictures(step)[0];
  }

  function copyOf(step, image = picture(step), alt = image.alt) {
    const { width, height } = image.dataset;
    return made("img", { src: image.getAttribute("src"), alt, draggable: "false", "data-width": width, "data-height": height });
  }

  function unnamed(step) {
    return copyOf(step, picture(step), "");  // in a button that says what it is
  }

  function caption(step) {
    return made("figcaption", { dir: "auto" }, made("b", {}, step.name), step.label ? ` ${step.label}` : "");
  }

  // What the reader says

  function mark(step) {
    return state.marks[step.id] || {};
  }

  function put(step, said) {
    state.marks[step.id] = { ...mark(step), ...said };
    state.at = new Date().toISOString();
    keep();
    count();
  }

  function judge(step, verdict) {
    put(step, { verdict });
    announce(`${step.name}: ${verdict ? say(verdict) : say("taken-back")}`);
  }

  function saysSomething(said) {
    return Boolean(said.verdict || said.stars || said.note || said.region);
  }

  function judged() {
    return state.steps.filter((step) => saysSomething(mark(step)));
  }

  function kept() {
    return state.steps.filter((step) => mark(step).verdict === "keep");
  }

  function inWords(said) {
    const parts = [said.verdict ? say(said.verdict) : "", "★".repeat(said.stars || 0), said.note || "", said.region ? "▢" : ""];
    return parts.filter(Boolean).join(" ");
  }

  function keep() {
    try {
      localStorage.setItem(state.key, JSON.stringify({ marks: state.marks, name: state.name, at: state.at }));
    } catch {
      // where nothing may be stored it holds until the page is left
    }
  }

  function restore() {
    try {
      const { marks, name, at } = JSON.parse(localStorage.getItem(state.key)) || {};
      Object.assign(state, { marks: marks || {}, name: name || "", at: at || null });
    } catch {
      // nothing was stored, or what was stored is none of ours
    }
  }

  // What is sent back

  function reader() {
    return state.name.replace(/\s+/g, " ").trim();
  }

  function asFile() {
    const marks = touched().map((step) => {
      const { verdict, stars, note, region } = mark(step);
      const box = region ? [region.left, region.top, region.left + region.width, region.top + region.height] : null;
      return { step: step.id, verdict: verdict || null, stars: stars || null, note: note || null, region: box, at: state.at };
    });
    return JSON.stringify({ schema: "promptkit-marks/1", root: state.root, by: reader(), marks }, null, 1);
  }

  function touched() {
    return state.steps.filter((step) => step.id in state.marks);
  }

  function asText() {
    const header = ["promptkit marks", state.root ? state.root.slice(0, 10) : "", state.at, reader() ? `by ${reader()}` : ""];
    return `${[header.filter(Boolean).join(" "), ...touched().map(line)].join("\n")}\n`;
  }

  function line(step) {
    const { verdict, stars, note, region } = mark(step);
    return [step.key, verdict || (stars && !note ? "" : "none"), "★".repeat(stars || 0), note || "", region ? boxText(region) : ""].filter(Boolean).join(" ");
  }

  function save() {
    const called = reader().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "");
    const name = `${["marks", called].filter(Boolean).join("-")}.json`;
    const url = URL.createObjectURL(new Blob([asFile()], { type: "application/json" }));
    const link = made("a", { href: url, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
    announce(say("saved", { name }));
  }

  async function copy(field) {
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      field.select();
      document.execCommand("copy");  // where a page has no clipboard of its own
    }
    announce(say("copied-text"));
  }

  // One by one

  function oneByOne() {
    const step = state.steps[state.place];
    const shown = made("div", { class: "one" });
    const render = (focus = "") => {
      shown.replaceChildren(made("figure", { class: "shown" }, board(step, render), ...others(step), caption(step)), said(step, render), way());
      if (focus) shown.querySelector(`[data-act="${focus}"]`)?.focus();
    };
    render();
    return shown;
  }

  function others(step) {
    return pictures(step).slice(1).map((image) => copyOf(step, image));
  }

  function said(step, render) {
    const { verdict, stars, note, region } = mark(step);
    const toggle = (name) => button(say(name), () => { judge(step, verdict === name ? null : name); render(name); }, {
      class: name, "data-act": name, "aria-pressed": String(verdict === name),
    });
    const star = (n) => button(n <= (stars || 0) ? "★" : "☆", () => {
      put(step, { stars: stars === n ? null : n });
      announce(`${step.name}: ${stars === n ? say("taken-back") : say("stars", { n })}`);
      render(`star-${n}`);
    }, { class: "star", "data-act": `star-${n}`, "aria-label": say("stars", { n }), "aria-pressed": String(stars === n) });
    const field = made("input", {
      type: "text", maxlength: "2000", dir: "auto", autocomplete: "off", oninput: () => put(step, { note: field.value.replace(/\s+/g, " ").trim() || null }),
    });
    field.value = note || "";
    const draw = button(say("box"), () => { state.isDrawing = !state.isDrawing; render("box"); }, {
      "data-act": "box", "aria-pressed": String(state.isDrawing),
    });
    const remove = region ? button(say("remove-box"), () => { put(step, { region: null }); render("box"); }) : null;
    return made(
      "div", { class: "said" },
      made("div", { class: "verdicts", role: "group", "aria-label": say("choice") }, toggle("keep"), toggle("reject")),
      made("div", { class: "stars", role: "group", "aria-label": say("rating") }, ...Array.from({ length: MOST_STARS }, (_, i) => star(i + 1))),
      made("label", { class: "note" }, say("note"), field),
      made("div", { class: "boxes" }, draw, remove),
      state.isDrawing ? made("p", { class: "quiet", id: "box-about" }, say("box-about")) : null,
    );
  }

  function way() {
    const last = state.steps.length - 1;
    const go = (by) => (event) => {
      state.place = Math.max(0, Math.min(last, state.place + by));
      state.isDrawing = false;
      const act = event.currentTarget.dataset.act;
      show();
      const again = document.querySelector(`[data-act="${act}"]`);
      (again.disabled ? state.main.querySelector(".way button:not(:disabled)") : again)?.focus();
      announce(say("place", { n: state.place + 1, all: state.steps.length }));
    };
    const forward = state.place < last
      ? button(say("next"), go(1), { class: "forward", "data-act": "next" })
      : button(say("send"), () => turn("send"), { class: "forward", "data-act": "next" });
    return made(
      "div", { class: "way" }, button(say("previous"), go(-1), { "data-act": "previous", disabled: state.place === 0 }),
      made("span", { class: "quiet" }, say("place", { n: state.place + 1, all: state.steps.length })), forward,
    );
  }

  // Boxes

  function board(step, render) {
    const image = copyOf(step), size = sizeOf(picture(step));
    const frame = made("div", { class: "box", hidden: true });
    const place = (box) => {
      frame.hidden = !box;
      if (!box) return;
      frame.style.left = `${(100 * box.left) / size.width}%`;
      frame.style.top = `${(100 * box.top) / size.height}%`;
      frame.style.width = `${(100 * box.width) / size.width}%`;
      frame.style.height = `${(100 * box.height) / size.height}%`;
    };
    place(mark(step).region);
    if (!state.isDrawing) return made("div", { class: "board" }, image, frame);
    const drawn = made("div", {
      class: "board drawing", tabindex: "0", role: "group", "aria-label": say("box"), "aria-describedby": "box-about",
    }, image, frame);
    const end = (box) => { put(step, { region: box }); announce(boxText(box)); };
    drawn.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      drawn.setPointerCapture(event.pointerId);
      const from = pointIn(event, image, size);
      let box = null;
      const drag = (moved) => { box = within(between(from, pointIn(moved, image, size)), size); place(box); };
      const stop = () => {
        drawn.removeEventListener("pointermove", drag);
        if (!box) return;
        end(box);
        render("box");
      };
      drawn.addEventListener("pointermove", drag);
      for (const name of ["pointerup", "pointercancel"]) drawn.addEventListener(name, stop, { once: true });
    });
    drawn.addEventListener("keydown", (event) => {
      const [right, down] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] || [0, 0];
      if (!right && !down) return;
      event.preventDefault();
      const by = Math.max(1, Math.round(Math.max(size.width, size.height) / 50)), now = mark(step).region;
      const change = event.shiftKey && now
        ? { ...now, width: Math.max(1, now.width + by * right), height: Math.max(1, now.height + by * down) }
        : now && { ...now, left: now.left + by * right, top: now.top + by * down };
      const box = within(change || middle(size), size);
      place(box);
      end(box);
    });
    return drawn;
  }

  // Two at a time

  function newRound(steps) {
    state.round = steps;
    const open = steps.findIndex((step) => !mark(step).verdict);
    state.pair = open < 0 ? 0 : open - (open % 2);
  }

  function twoAtATime() {
    if (!state.round.length) newRound(state.steps);
    const pair = state.round.slice(state.pair, state.pair + 2);
    if (!pair.length) return roundOver();
    const decide = (chosen) => () => {
      for (const step of pair) put(step, { verdict: step === chosen ? "keep" : "reject" });
      state.pair += 2;
      show();
      announce(chosen ? `${chosen.name}: ${say("keep")}` : `${pair.map((step) => step.name).join(", ")}: ${say("reject")}`);
      state.main.querySelector(".decide button, .over button")?.focus();
    };
    const names = pair.length === 2 ? ["left", "right"] : ["keep"];
    const figures = pair.map((step) => made(
      "figure", {}, button(unnamed(step), () => enlarge(step), { class: "large", "aria-label": `${say("enlarge")}: ${picture(step).alt}` }), caption(step),
    ));
    const choices = pair.map((step, i) => button(say(names[i]), decide(step), {
      "aria-pressed": String(mark(step).verdict === "keep"), "aria-label": `${say(names[i])}: ${picture(step).alt}`,
    }));
    choices.splice(1, 0, button(say("neither"), decide(null), { "aria-pressed": String(pair.every((step) => mark(step).verdict === "reject")) }));
    const back = button(say("previous"), () => { state.pair = Math.max(0, state.pair - 2); show(); }, { disabled: state.pair === 0 });
    const forward = button(say("next"), () => { state.pair += 2; show(); });
    const where = say("place", { n: state.pair / 2 + 1, all: Math.ceil(state.round.length / 2) });
    return made(
      "div", { class: "two" }, made("p", { class: "quiet" }, say("two-about")), made("div", { class: `pair of-${pair.length}` }, ...figures),
      made("div", { class: "decide", role: "group", "aria-label": say("choice") }, ...choices),
      made("div", { class: "way" }, back, made("span", { class: "quiet" }, where), forward),
    );
  }

  function roundOver() {
    const best = kept(), isMore = best.length > 1 && best.length < state.round.length;
    return made(
      "div", { class: "over" }, made("p", {}, say("round-over", { n: best.length })),
      made(
        "div", { class: "way" }, isMore ? button(say("compare-kept"), () => { state.round = best; state.pair = 0; show(); }) : null,
        button(say("again"), () => { state.round = state.steps; state.pair = 0; show(); }), button(say("send"), () => turn("send"), { class: "forward" }),
      ),
    );
  }

  function enlarge(step) {
    const dialog = made("dialog", { "aria-label": picture(step).alt });
    dialog.append(made("header", {}, caption(step), button(say("close"), () => dialog.close())), copyOf(step));
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    document.body.append(dialog);
    dialog.showModal();
  }

  // All, and sending

  function all() {
    const cells = state.steps.map((step, i) => {
      const words = inWords(mark(step));
      const open = () => { state.place = i; turn("one-by-one"); };
      const name = [picture(step).alt, words].filter(Boolean).join(": ");
      const cell = button("", open, { class: `cell ${mark(step).verdict || ""}`, "aria-label": name });
      cell.append(unnamed(step), made("span", { class: "name", dir: "auto" }, made("b", {}, step.name), step.label ? ` ${step.label}` : ""));
      if (words) cell.append(made("span", { class: "words", dir: "auto" }, words));
      return made("li", {}, cell);
    });
    return made("ol", { class: "all" }, ...cells);
  }

  function send() {
    const text = made("textarea", { readonly: true, rows: Math.min(12, touched().length + 2), dir: "auto" });
    const name = made("input", {
      type: "text", maxlength: "100", autocomplete: "name", dir: "auto", oninput: () => { state.name = name.value; keep(); text.value = asText(); },
    });
    name.value = state.name;
    text.value = asText();
    const isNothing = !touched().length;
    const share = navigator.share ? button(say("share"), () => navigator.share({ text: text.value }).catch(() => {}), { disabled: isNothing }) : null;
    return made(
      "div", { class: "send" },
      made("p", {}, isNothing ? say("nothing-yet") : say("send-about")),
      made("label", {}, say("name"), name),
      isNothing ? null : made("label", {}, say("text"), text),
      made(
        "div", { class: "way" },
        button(say("save-file"), save, { class: "forward", disabled: isNothing }), button(say("copy-text"), () => copy(text), { disabled: isNothing }), share,
      ),
    );
  }

  // Views

  function turn(view) {
    state.view = view;
    state.isDrawing = false;
    show();
    state.main.focus();
    window.scrollTo(0, 0);
  }

  function show() {
    for (const name of VIEWS) state.tabs[name].setAttribute("aria-pressed", String(name === state.view));
    state.main.replaceChildren({ "one-by-one": oneByOne, "two-at-a-time": twoAtATime, all, send }[state.view]());
    count();
  }

  function count() {
    state.count.textContent = say("judged", { n: judged().length, all: state.steps.length });
  }

  function begin() {
    const data = JSON.parse(document.getElementById("data").textContent);
    Object.assign(state, { words: data.words, steps: data.steps, root: data.root, key: `promptkit-review-${data.root}` });
    if (!state.steps.length) return root.classList.remove("app");
    restore();
    state.told = made("p", { class: "unseen", "aria-live": "polite" });
    state.count = made("p", { class: "quiet" });
    state.main = made("main", { tabindex: "-1" });
    state.tabs = Object.fromEntries(VIEWS.map((name) => [name, button(say(name), () => turn(name))]));
    if (state.steps.length < 2) for (const name of ["two-at-a-time", "all"]) state.tabs[name].hidden = true;
    const bar = made("nav", { class: "bar", "aria-label": say("ways") }, ...Object.values(state.tabs));
    document.querySelector("header.top").append(state.count);
    document.querySelector("header.top").after(made("div", { id: "app" }, bar, state.told, state.main));
    show();
  }
})();
