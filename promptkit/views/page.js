"use strict";
// Makes a tree of the list of steps that the page is without a script, and shows one step's story beside it. It reads the element `data`,
// takes each story from the list, and writes what it says with textContent: nothing of what people or models wrote is read as markup twice.
const promptkitPage = (() => {
  const { sizeOf, pointIn, between, middle, within, boxText, readBox } = boxes;
  const LANES = 6;  // beyond them the lines of the tree run on in the last one
  const LANE = 14, EDGE = 12, ROW = 68, MIDDLE = ROW / 2;  // pixels
  const MANY = 100;  // steps from which on what is not on the head's trail is folded at first
  const TRAIL = 60;  // pictures of a trail that are shown
  // what a search looks through: not the page's own words, nor what a prompt no longer has
  const SEARCHED = "h2, .chip, .prompt p, .template p, .template tbody th, td, blockquote, figcaption, li";
  const DIGESTS = /[0-9a-f]{10,}/g;  // in which a short number would be found everywhere
  const SVG = "http://www.w3.org/2000/svg";
  const root = document.documentElement;
  const state = {
    steps: [], order: [], chosen: -1, folded: new Set(), found: null, words: {}, isSingle: true, told: null,
    beside: () => "", boxTools: () => [],  // what a live page adds to a story, and to a box that was drawn
  };

  root.classList.add("app");
  document.addEventListener("DOMContentLoaded", () => {
    try {
      begin();
    } catch (error) {
      root.classList.remove("app");  // the list is there all the same
      throw error;
    }
  });

  // Pieces

  function say(name, filled = {}) {
    return state.words[name].replace(/\{(\w+)\}/g, (whole, key) => (key in filled ? filled[key] : whole));
  }

  function made(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null && child !== ""));
    return element;
  }

  function button(text, onclick, attributes = {}) {
    return made("button", { type: "button", onclick, ...attributes }, text);
  }

  function announce(text) {
    const dialog = document.querySelector("dialog[open] .said");
    (dialog || state.told).textContent = text;
  }

  function article(step) {
    return step.article;
  }

  function picture(step) {
    return article(step).querySelector(".pictures img");
  }

  function smallSource(step) {
    const image = picture(step);
    return step.small || (image ? image.getAttribute("src") : "");
  }

  function label(step) {
    return [`${say("step", { step: step.name })}: ${step.caption}`, step.head ? say("head") : "", ...step.tags, step.failed]
      .filter(Boolean).join(", ");
  }

  // The tree: what hangs on what, and where its lines run

  function grow() {
    const roots = [];
    state.steps.forEach((step, i) => Object.assign(step, { i, kids: [], size: 0, level: 1, lane: 0, through: [] }));
    for (const step of state.steps) (step.up === null ? roots : state.steps[step.up].kids).push(step);
    const ahead = roots.slice().reverse();
    while (ahead.length) {  // a stack of its own: histories go deeper than calls
      const step = ahead.pop();
      state.order.push(step);
      step.kids.forEach((kid, k) => {
        const isLast = k === step.kids.length - 1;  // the last one goes on straight below
        kid.level = step.level + 1;
        kid.lane = isLast ? step.lane : step.lane + 1;
        kid.through = isLast ? step.through : [...new Set([...step.through, Math.min(step.lane, LANES)])];
      });
      ahead.push(...step.kids.slice().reverse());
    }
    for (const step of state.order.slice().reverse()) if (step.up !== null) state.steps[step.up].size += 1 + step.size;
    state.order.forEach((step, place) => { step.place = place; });
    state.roots = roots;
  }

  function siblings(step) {
    return step.up === null ? state.roots : state.steps[step.up].kids;
  }

  function above(step) {
    const found = [];
    for (let at = step.up; at !== null; at = state.steps[at].up) found.push(state.steps[at]);
    return found;
  }

  function shownSteps() {
    if (state.found) return state.order.filter((step) => state.found.has(step.i));
    const shown = [];
    for (let place = 0; place < state.order.length; place += 1) {
      const step = state.order[place];
      shown.push(step);
      if (state.folded.has(step.i)) place += step.size;
    }
    return shown;
  }

  function x(lane) {
    return EDGE + LANE * Math.min(lane, LANES);
  }

  function lines(step) {
    const paths = step.through.map((lane) => `M${x(lane)} 0V${ROW}`);
    if (step.up !== null) {
      const from = x(state.steps[step.up].lane), to = x(step.lane);
      paths.push(from === to ? `M${to} 0V${MIDDLE}` : `M${from} 0C${from} ${MIDDLE} ${to} 0 ${to} ${MIDDLE}`);
    }
    if (step.kids.length && !state.folded.has(step.i)) paths.push(`M${x(step.lane)} ${MIDDLE}V${ROW}`);
    return paths.join("");
  }

  function drawn(tag, attributes) {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  }

  function makeRow(step) {
    const width = x(step.lane) + EDGE, source = smallSource(step);
    const svg = drawn("svg", { width, height: ROW, viewBox: `0 0 ${width} ${ROW}`, "aria-hidden": "true" });
    step.path = drawn("path", { d: lines(step) });
    svg.append(step.path, drawn("circle", { cx: x(step.lane), cy: MIDDLE, r: 5 }));
    const thumb = source ? made("img", { class: "thumb", src: source, alt: "" }) : made("span", { class: "thumb" });
    const among = siblings(step);
    step.fold = step.kids.length
      ? button("", (event) => { event.stopPropagation(); toggle(step); }, { class: "fold", tabindex: "-1" }) : null;
    step.row = made(
      "div",
      {
        role: "treeitem", class: `row${step.head ? " is-head" : ""}${step.failed ? " is-failed" : ""}`, tabindex: "-1", "aria-label": label(step),
        "aria-level": step.level, "aria-setsize": among.length, "aria-posinset": among.indexOf(step) + 1, "aria-selected": "false",
        onclick: () => open(step), "data-at": step.at,
      },
      svg, thumb, rowWords(step), step.fold,
    );
    return step.row;
  }

  function rowWords(step) {
    const chips = [
      step.head ? made("span", { class: "chip head" }, say("head")) : null,
      ...step.tags.map((tag) => made("span", { class: "chip", dir: "auto" }, tag)),
      ...(step.marks || []).map((mark) => made("span", { class: "chip", dir: "auto" }, mark)),
      step.failed ? made("span", { class: "failed" }, step.failed) : null,
    ].filter(Boolean);
    const caption = made("div", { class: "caption", dir: "auto" }, made("b", {}, step.name), ` ${step.caption}`);
    return made("div", { class: "words" }, caption, chips.length ? made("div", { class: "chips" }, ...chips) : null);
  }

  function refresh() {
    const shown = new Set(shownSteps());
    for (const step of state.order) {
      step.row.hidden = !shown.has(step);
      if (!step.kids.length) continue;
      const isFolded = state.folded.has(step.i);
      step.row.setAttribute("aria-expanded", String(!isFolded));
      step.fold.setAttribute("aria-expanded", String(!isFolded));
      step.fold.setAttribute("aria-label", isFolded ? say("unfold", { n: step.size }) : say("fold"));
      step.fold.textContent = isFolded ? `+${step.size}` : "−";
      step.fold.hidden = state.found !== null;
      step.path.setAttribute("d", lines(step));
    }
    state.tree.classList.toggle("searching", state.found !== null);
  }

  function toggle(step) {
    if (!step.kids.length) return;
    const isFolding = !state.folded.has(step.i);
    state.folded[isFolding ? "add" : "delete"](step.i);
    const chosen = state.steps[state.chosen];
    refresh();
    if (isFolding && chosen && above(chosen).includes(step)) walkTo(step);
    announce(isFolding ? say("folded", { n: step.size }) : say("unfolded"));
  }

  function foldAll(isFolding) {
    const chosen = state.steps[state.chosen];
    state.folded.clear();
    if (isFolding) for (const step of state.order) if (step.kids.length) state.folded.add(step.i);
    if (chosen) for (const step of above(chosen)) state.folded.delete(step.i);
    refresh();
    if (chosen) chosen.row.scrollIntoView({ block: "nearest" });
    announce(isFolding ? say("folded", { n: state.order.length - shownSteps().length }) : say("unfolded"));
  }

  // One step

  function choose(step) {
    for (const each of above(step)) state.folded.delete(each.i);
    if (state.found && !state.found.has(step.i)) endSearch();
    const before = state.steps[state.chosen];
    if (before) { before.row.setAttribute("aria-selected", "false"); before.row.tabIndex = -1; }
    state.chosen = step.i;
    refresh();
    step.row.setAttribute("aria-selected", "true");
    step.row.tabIndex = 0;
    step.row.scrollIntoView({ block: "nearest" });
    tell(step);
  }

  function walkTo(step) {
    choose(step);
    remember(`#${step.at}`);
    step.row.focus();
  }

  function isList() {
    return root.classList.contains("as-list");
  }

  function open(step) {
    const isThere = location.hash === `#${step.at}`;
    root.classList.add("reading");
    choose(step);
    step.row.focus({ preventScroll: true });
    if (!isThere) remember(`#${step.at}`, "pushState");
    if (isList()) article(step).scrollIntoView();
    else if (isNarrow()) state.story.focus();
  }

  function close() {
    root.classList.remove("reading");
    remember("#", "pushState");
    state.steps[state.chosen].row.scrollIntoView({ block: "nearest" });
    state.steps[state.chosen].row.focus();
  }

  function isNarrow() {
    return matchMedia("(max-width: 760px)").matches;
  }

  function remember(hash, how = "replaceState") {
    try {
      history[how](null, "", hash);
    } catch {
      // a page inside another one may not
    }
  }

  function tell(step) {
    const story = article(step).cloneNode(true);
    for (const image of story.querySelectorAll(".pictures img")) {
      const shown = made("button", { type: "button", class: "picture-button", onclick: () => drawBox(step, image) });
      image.replaceWith(shown);
      shown.append(image);
    }
    const hasPicture = story.querySelector(".picture-button") !== null;
    const tools = [
      button(say("back"), close, { class: "narrow-only" }),
      hasPicture && pictured().length > 1 ? button(say("compare"), () => compare(step)) : null,
      hasPicture ? button(say("box"), () => drawBox(step, story.querySelector(".pictures img"))) : null,
    ];
    const kept = state.story.contains(document.activeElement) && document.activeElement.classList.contains("picture-button");
    state.story.replaceChildren(made("div", { class: "tools" }, ...tools), trail(step), state.beside(step), story);
    state.story.scrollTop = 0;
    if (kept && hasPicture) story.querySelector(".picture-button").focus();
    highlight();
  }

  function trail(step) {
    const steps = [step, ...above(step)].slice(0, TRAIL).reverse();
    if (steps.length < 2) return "";
    const links = steps.map((each) => {
      const source = smallSource(each);
      const inside = source ? made("img", { src: source, alt: "" }) : each.name;
      return made("a", { href: `#${each.at}`, "aria-label": label(each), title: label(each), "aria-current": each === step && "step" }, inside);
    });
    return made("nav", { class: "trail", "aria-label": say("trail"), tabindex: "0" }, ...links);
  }

  // Search

  function search(text) {
    const wanted = plain(text).split(/\s+/).filter(Boolean);
    state.found = wanted.length ? new Set(state.steps.filter((step) => holds(step, wanted)).map((step) => step.i)) : null;
    state.wanted = wanted;
    refresh();
    for (const step of state.steps) article(step).parentElement.hidden = state.found !== null && !state.found.has(step.i);
    state.count.textContent = state.found ? found() : "";
    highlight();
  }

  function found() {
    return state.found.size ? say("found", { n: state.found.size }) : say("nothing-found");
  }

  function plain(text) {
    return text.normalize("NFKC").toLowerCase();
  }

  function holds(step, wanted) {
    step.text ??= plain([...article(step).querySelectorAll(SEARCHED)].map((each) => each.textContent).join("\n")).replace(DIGESTS, "");
    return wanted.every((word) => step.text.includes(word));
  }

  function endSearch() {
    state.field.value = "";
    search("");
  }

  function highlight() {
    if (!window.Highlight || !CSS.highlights) return;
    const ranges = (state.wanted || []).flatMap((word) => [...places(word)]);
    CSS.highlights.set("found", new Highlight(...ranges));
  }

  function* places(word) {
    const walker = document.createTreeWalker(state.story, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode.data.toLowerCase();
      for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
        if (at + word.length > walker.currentNode.length) break;  // letters that change their number with their case
        const range = new Range();
        range.setStart(walker.currentNode, at);
        range.setEnd(walker.currentNode, at + word.length);
        yield range;
      }
    }
  }

  // Dialogs

  function show(title, className, ...content) {
    const heading = made("h2", { id: "dialog-title", dir: "auto" }, title);
    const dialog = made("dialog", { class: className, "aria-labelledby": "dialog-title" });
    dialog.append(
      made("header", {}, heading, button(say("close"), () => dialog.close())), ...content, made("p", { class: "said quiet", "aria-live": "polite" }),
    );
    const before = document.activeElement;
    dialog.addEventListener("close", () => { dialog.remove(); (before && before.isConnected ? before : state.steps[state.chosen].row).focus(); });
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    document.body.append(dialog);
    dialog.showModal();
    return dialog;
  }

  function help() {
    const rows = [
      ["↑ ↓", "walk"], ["← →", "fold"], ["Home End", "ends"], ["Enter", "open"], ["/", "search"], ["c", "compare"], ["b", "box"], ["?", "help"],
      ["Esc", "escape"],
    ].map(([keys, name]) => {
      const cells = keys.split(" ").flatMap((key) => [made("kbd", {}, key), " "]);
      return made("tr", {}, made("th", { scope: "row" }, ...cells), made("td", {}, say(`key-${name}`)));
    });
    const box = made("input", { type: "checkbox", onchange: () => setSingle(box.checked) });
    box.checked = state.isSingle;
    const table = made("table", { "aria-label": say("keys") }, made("tbody", {}, ...rows));
    show(say("keys"), "help", table, made("p", {}, made("label", {}, box, ` ${say("single-keys")}`)));
  }

  function setSingle(isOn) {
    state.isSingle = isOn;
    try {
      localStorage.setItem("promptkit-single-keys", isOn ? "on" : "off");
    } catch {
      // where nothing may be stored it holds until the page is left
    }
  }

  function storedSingle() {
    try {
      return localStorage.getItem("promptkit-single-keys") !== "off";
    } catch {
      return true;
    }
  }

  function showTemplate(at) {
    const source = document.getElementById(at).cloneNode(true);
    const title = source.querySelector("h3").textContent;
    show(title, "template", ...[...source.children].slice(1));
  }

  // Comparing

  function pictured() {
    return state.order.filter((step) => picture(step));
  }

  function compare(step, other = null) {
    const all = pictured();
    if (all.length < 2 || !picture(step)) return;
    const right = step;
    const left = other || above(step).find((each) => picture(each)) || all[Math.max(0, all.indexOf(step) - 1)] || all[0];
    const chosen = { left: left === right ? all.find((each) => each !== right) : left, right };
    const view = made("div", { class: "view" });
    const fields = {};
    for (const side of ["left", "right"]) {
      const options = all.map((each) => made("option", { value: each.i }, `${each.name} ${each.caption}`.slice(0, 80)));
      fields[side] = made("select", { "aria-label": say(side), onchange: (event) => { chosen[side] = state.steps[Number(event.target.value)]; render(); } }, ...options);
    }
    const modes = { slider: null, "side-by-side": null };
    let mode = "slider";
    for (const name of Object.keys(modes)) modes[name] = button(say(name), () => { mode = name; render(); });
    const swap = button(say("swap"), () => { [chosen.left, chosen.right] = [chosen.right, chosen.left]; render(); });

    function render() {
      for (const side of ["left", "right"]) fields[side].value = chosen[side].i;
      for (const [name, each] of Object.entries(modes)) each.setAttribute("aria-pressed", String(name === mode));
      view.replaceChildren(mode === "slider" ? stage(chosen.left, chosen.right) : pair(chosen.left, chosen.right));
      remember(`#compare=${chosen.left.at},${chosen.right.at}`);
    }

    const choices = made(
      "div", { class: "choices" },
      made("label", {}, say("left"), fields.left), swap, made("label", {}, say("right"), fields.right), modes.slider, modes["side-by-side"],
    );
    const dialog = show(say("compare"), "compare", choices, view);
    dialog.addEventListener("close", () => remember(`#${state.steps[state.chosen].at}`));
    render();
    const slider = dialog.querySelector("input[type=range]");
    if (slider) slider.focus();
  }

  function copyOf(step) {
    const image = picture(step);
    return made("img", { src: image.getAttribute("src"), alt: label(step), draggable: "false" });
  }

  function stage(left, right) {
    const [top, below] = [copyOf(left), copyOf(right)];
    const edge = made("div", { class: "edge" });
    const slider = made("input", { type: "range", min: "0", max: "100", value: "50", "aria-label": say("share-of-left") });
    const put = () => {
      top.style.clipPath = `inset(0 ${100 - slider.value}% 0 0)`;
      edge.style.left = `${slider.value}%`;
    };
    slider.addEventListener("input", put);
    const whole = made("div", { class: "stage" }, below, top, edge, slider);
    const fit = () => {
      if (!below.naturalWidth) return;
      whole.style.aspectRatio = `${below.naturalWidth} / ${below.naturalHeight}`;
      whole.style.setProperty("--wide", `${(68 * below.naturalWidth) / below.naturalHeight}vh`);
    };
    below.addEventListener("load", fit);
    fit();
    put();
    return whole;
  }

  function pair(left, right) {
    const figures = [left, right].map((step) => made("figure", {}, copyOf(step), made("figcaption", { dir: "auto" }, `${step.name} ${step.caption}`)));
    return made("div", { class: "pair" }, ...figures);
  }

  // Boxes

  function drawBox(step, shown) {
    const size = sizeOf(shown);
    const image = made("img", { src: shown.getAttribute("src"), alt: label(step), draggable: "false" });
    const mark = made("div", { class: "box", hidden: true });
    const board = made("div", { class: "board", tabindex: "0", role: "group", "aria-label": say("box"), "aria-describedby": "box-about" }, image, mark);
    const field = made("input", { type: "text", spellcheck: "false", autocomplete: "off", dir: "ltr" });
    let box = null;

    function put(next, isTyped = false) {
      box = within(next, size);
      mark.hidden = false;
      mark.style.left = `${(100 * box.left) / size.width}%`;
      mark.style.top = `${(100 * box.top) / size.height}%`;
      mark.style.width = `${(100 * box.width) / size.width}%`;
      mark.style.height = `${(100 * box.height) / size.height}%`;
      if (!isTyped) field.value = boxText(box);
      announce("");
    }

    board.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      board.focus({ preventScroll: true });
      board.setPointerCapture(event.pointerId);
      const from = pointIn(event, image, size);
      const drag = (moved) => put(between(from, pointIn(moved, image, size)));
      board.addEventListener("pointermove", drag);
      for (const end of ["pointerup", "pointercancel"]) board.addEventListener(end, () => board.removeEventListener("pointermove", drag), { once: true });
    });
    board.addEventListener("keydown", (event) => {
      const [right, down] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] || [0, 0];
      if (event.key === "Enter" && box) copy();
      if (!right && !down) return;
      event.preventDefault();
      const by = Math.max(1, Math.round(Math.max(size.width, size.height) / 100));
      const now = box || middle(size);
      const change = event.shiftKey
        ? { ...now, width: Math.max(1, now.width + by * right), height: Math.max(1, now.height + by * down) }
        : { ...now, left: now.left + by * right, top: now.top + by * down };
      put(box ? change : now);
      announce(boxText(box));
    });
    field.addEventListener("input", () => {
      const read = readBox(field.value, size);
      if (read) put(read, true);
      field.setAttribute("aria-invalid", String(!read));
      if (!read) announce(say("wrong-box", { size: `${size.width}x${size.height}`, box: boxText(middle(size)) }));
    });
    const copy = async () => {
      if (!box) put(middle(size));
      await toClipboard(boxText(box), field);
      announce(say("copied", { text: boxText(box) }));
    };
    const line = made("div", { class: "box-line" }, made("label", {}, say("box-text"), field), button(say("copy"), copy), ...state.boxTools(step, () => box));
    show(`${step.name} ${step.caption}`, "drawing", board, made("p", { id: "box-about", class: "quiet" }, say("box-about")), line);
    board.focus();
  }

  async function toClipboard(text, field) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      field.value = text;
      field.select();
      document.execCommand("copy");  // where a page has no clipboard of its own
    }
  }

  // Keys

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const row = event.target.closest(".row"), shown = event.target.closest(".picture-button");
    if (event.key === "Escape" && !document.querySelector("dialog[open]")) return leave(event);
    if (event.target === state.field) return fromField(event);
    if (!row && !shown) return;
    if (walk(event, state.steps[state.chosen], Boolean(row))) event.preventDefault();
    else if (state.isSingle && single(event.key)) event.preventDefault();
  }

  function leave(event) {
    if (state.found) {
      endSearch();
      choose(state.steps[state.chosen]);
      state.steps[state.chosen].row.focus();
    } else if (isNarrow() && root.classList.contains("reading")) close();
    else return;
    event.preventDefault();
  }

  function fromField(event) {
    const first = shownSteps()[0];
    if (!["Enter", "ArrowDown"].includes(event.key) || !first || isList()) return;
    event.preventDefault();
    walkTo(first);
  }

  function walk(event, step, isRow) {
    const shown = shownSteps(), place = shown.indexOf(step), last = shown.length - 1;
    const go = (other) => { if (other) isRow ? walkTo(other) : stepBeside(other); };
    const moves = {
      ArrowDown: () => go(shown[Math.min(place + 1, last)]),
      ArrowUp: () => go(shown[Math.max(place - 1, 0)]),
      Home: () => go(shown[0]),
      End: () => go(shown[last]),
      ArrowLeft: () => (step.kids.length && !state.folded.has(step.i) && isRow ? toggle(step) : go(state.steps[step.up])),
      ArrowRight: () => (state.folded.has(step.i) && isRow ? toggle(step) : go(step.kids[0])),
      ...(isRow ? { Enter: () => open(step), " ": () => open(step) } : {}),
    };
    if (!Object.hasOwn(moves, event.key)) return false;
    moves[event.key]();
    return true;
  }

  function stepBeside(step) {
    choose(step);
    remember(`#${step.at}`);
    if (!state.story.contains(document.activeElement)) state.story.focus();
  }

  function single(key) {
    const step = state.steps[state.chosen];
    const acts = {
      "/": () => state.field.focus(),
      c: () => compare(step),
      b: () => { if (picture(step)) drawBox(step, state.story.querySelector(".pictures img")); },
      "?": help,
    };
    if (!Object.hasOwn(acts, key)) return false;
    acts[key]();
    return true;
  }

  // Beginning

  function bar() {
    state.field = made("input", { type: "search", placeholder: say("search"), "aria-label": say("search"), oninput: () => search(state.field.value) });
    state.count = made("span", { class: "quiet", "aria-live": "polite" });
    const asList = button(say("list"), () => {
      asList.textContent = say(root.classList.toggle("as-list") ? "tree" : "list");
      const step = state.steps[state.chosen];
      if (isList()) article(step).scrollIntoView();
      else step.row.scrollIntoView({ block: "nearest" });
    });
    const foldings = state.order.some((step) => step.kids.length)
      ? [button(say("fold-all"), () => foldAll(true)), button(say("unfold-all"), () => foldAll(false))] : [];
    return made("div", { class: "bar", role: "search" }, state.field, state.count, ...foldings, asList, button(say("help"), help));
  }

  function follow() {
    const hash = decodeURIComponent(location.hash.slice(1));
    const step = state.steps.find((each) => each.at === hash);
    if (step) {
      root.classList.add("reading");
      if (step.i !== state.chosen) choose(step);
      if (isList()) article(step).scrollIntoView();
      return;
    }
    if (hash.startsWith("compare=")) {
      const [left, right] = hash.slice(8).split(",").map((at) => state.steps.find((each) => each.at === at));
      if (left && right && picture(left) && picture(right)) { choose(right); compare(right, left); }
    } else if (hash.startsWith("template-") && document.getElementById(hash)) showTemplate(hash);
    else root.classList.remove("reading");
  }

  function plant() {
    for (const step of state.steps) {
      step.article = document.getElementById(step.at);
      step.article.removeAttribute("id");  // else a browser takes the focus away when it jumps to what is not shown
    }
    grow();
    state.tree.replaceChildren(...state.order.map(makeRow));
  }

  // The steps as another reading of the page has them. What is folded, found, chosen and read stays; the head is followed.
  function update(fresh) {
    const before = state.steps[state.chosen], folded = [...state.folded].map((i) => state.steps[i].at), top = state.story.scrollTop;
    const hadFocus = state.tree.contains(document.activeElement), data = JSON.parse(fresh.getElementById("data").textContent);
    for (const part of ["header.top", "#list"]) document.querySelector(part).replaceWith(fresh.querySelector(part));
    Object.assign(state, { steps: data.steps, order: [], chosen: -1 });
    plant();
    state.folded = new Set(state.steps.filter((step) => folded.includes(step.at)).map((step) => step.i));
    const same = state.steps.find((step) => step.at === before.at), head = state.steps.find((step) => step.head);
    const next = (before.head ? head : same) || same || head || state.steps[state.steps.length - 1];
    if (state.found) search(state.field.value);
    if (state.found && !state.found.has(next.i)) state.found.add(next.i);
    choose(next);
    if (hadFocus) next.row.focus({ preventScroll: true });
    if (next.at === before.at) state.story.scrollTop = top;
    else remember(`#${next.at}`);
  }

  function begin() {
    const data = JSON.parse(document.getElementById("data").textContent);
    state.words = data.words;
    state.steps = data.steps;
    state.isSingle = storedSingle();
    if (!state.steps.length) return root.classList.remove("app");
    state.tree = made("div", { role: "tree", "aria-label": say("tree") });
    plant();
    state.told = made("p", { class: "unseen", "aria-live": "polite" });
    state.story = made("section", { id: "story", tabindex: "-1" });
    const panes = made("main", { class: "panes" }, made("nav", { class: "tree-pane", "aria-label": say("tree") }, state.tree), state.story);
    const head = state.steps.find((step) => step.head) || state.steps[state.steps.length - 1];
    document.querySelector("header.top").after(made("div", { id: "app" }, bar(), state.told, panes));
    if (state.steps.length > MANY) {
      const trailed = new Set(above(head));
      for (const step of state.order) if (step.kids.length && !trailed.has(step)) state.folded.add(step.i);
    }
    choose(head);
    head.row.scrollIntoView({ block: "center" });
    document.addEventListener("keydown", onKey);
    document.addEventListener("click", onLink);
    window.addEventListener("hashchange", follow);
    if (location.hash.length > 1) follow();
    if (!document.querySelector("dialog[open]")) state.steps[state.chosen].row.focus({ preventScroll: true });
  }

  function onLink(event) {
    const link = event.target.closest('a[href^="#"]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const at = link.getAttribute("href").slice(1), step = state.steps.find((each) => each.at === at);
    if (!step && !at.startsWith("template-")) return;
    event.preventDefault();
    if (step) open(step);
    else showTemplate(at);
  }

  return { state, say, made, button, announce, update };
})();
