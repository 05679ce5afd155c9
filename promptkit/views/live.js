// What a served page has beside: it writes marks down at once, and shows new steps by itself. It asks whoever served it, and nobody else.
(() => {
  const { state, say, made, button, announce, update } = promptkitPage;
  const PAUSE = 1000;  // milliseconds between two questions whether there is something new
  const MOST_STARS = 5;
  let live = null, isOver = false;

  document.addEventListener("DOMContentLoaded", () => {
    live = JSON.parse(document.getElementById("data").textContent).live;
    state.beside = panel;
    state.boxTools = boxTools;
    refresh();
    setTimeout(look, PAUSE);
  });

  // What the reader says

  function own(step) {
    return live.steps[step.at].marks.find((mark) => mark.by === live.by) || {};
  }

  async function write(step, said) {
    const { verdict = null, stars = null, note = null, region = null } = { ...own(step), ...said };
    const body = JSON.stringify({ step: live.steps[step.at].id, verdict, stars, note, region, by: live.by });
    try {
      const response = await fetch("marks", { method: "POST", headers: { "Content-Type": "application/json" }, body });
      const answer = await response.json();
      if (!response.ok) return announce(say("not-written", { why: answer.message }));
      await read();
      return announce(say("written", { step: step.name, mark: answer.text }));
    } catch {
      return end();
    }
  }

  function panel(step) {
    const { verdict, stars, note } = own(step);
    const toggle = (name) => button(say(name), () => write(step, { verdict: verdict === name ? null : name }), {
      class: name, "data-act": name, "aria-pressed": String(verdict === name),
    });
    const star = (n) => button(n <= (stars || 0) ? "★" : "☆", () => write(step, { stars: stars === n ? null : n }), {
      class: "star", "data-act": `star-${n}`, "aria-label": say("stars", { n }), "aria-pressed": String(stars === n),
    });
    const field = made("input", {
      type: "text", maxlength: "2000", dir: "auto", autocomplete: "off", "aria-label": say("note"), placeholder: say("note"), "data-act": "note",
      onchange: () => write(step, { note: field.value.trim() || null }),
    });
    field.value = note || "";
    const rating = made("div", { class: "rating", role: "group", "aria-label": say("rating") }, ...Array.from({ length: MOST_STARS }, (_, i) => star(i + 1)));
    return made("div", { class: "marking", role: "group", "aria-label": say("marks") }, toggle("keep"), toggle("reject"), rating, field);
  }

  function boxTools(step, box) {
    return [button(say("mark-box"), () => {
      const { left, top, width, height } = box() || {};
      if (width) write(step, { region: [left, top, left + width, top + height] });
    })];
  }

  // What is new

  async function look() {
    if (isOver) return;
    try {
      if (!document.hidden && !isBusy()) {
        const response = await fetch("version");
        if (!response.ok) throw new Error(String(response.status));
        if ((await response.json()).version !== live.version) await read();
      }
    } catch {
      end();
    }
    setTimeout(look, PAUSE);
  }

  function isBusy() {
    return document.querySelector("dialog[open]") !== null || (document.activeElement.matches("#story input") && isChanged(document.activeElement));
  }

  function isChanged(field) {
    return field.value !== (own(state.steps[state.chosen]).note || "");
  }

  async function read() {
    const response = await fetch("");
    if (!response.ok) throw new Error(String(response.status));
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    const known = new Set(state.steps.map((step) => step.at)), act = document.activeElement.dataset.act;
    live = { ...JSON.parse(fresh.getElementById("data").textContent).live, by: live.by };
    update(fresh);
    if (act) document.querySelector(`#story [data-act="${act}"]`)?.focus();
    const more = state.steps.filter((step) => !known.has(step.at)).map((step) => step.name);
    if (more.length) announce(say("new-steps", { steps: more.join(", ") }));
  }

  function refresh() {
    const step = state.steps[state.chosen], story = document.querySelector("#story > .step");
    if (step && story && !document.querySelector(".marking")) story.before(panel(step));
  }

  function end() {
    if (isOver) return;
    isOver = true;
    announce(say("live-over"));
    document.querySelector("header.top").append(made("p", { class: "over" }, say("live-over")));
    for (const each of document.querySelectorAll(".marking button, .marking input")) each.disabled = true;
    state.beside = () => "";
  }
})();
