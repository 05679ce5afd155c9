"use strict";
// What the pages' scripts make elements with, and how they begin.
const elements = (() => {
  // Runs `begin` when the page is read; where it fails, the list is there all the same.
  function start(begin) {
    const root = document.documentElement;
    root.classList.add("app");
    document.addEventListener("DOMContentLoaded", () => {
      try {
        begin();
      } catch (error) {
        root.classList.remove("app");
        throw error;
      }
    });
  }

  function filled(text, values = {}) {
    return text.replace(/\{(\w+)\}/g, (whole, key) => (key in values ? values[key] : whole));
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

  return { start, filled, made, button };
})();
