// Elements made by hand. Whatever text comes from elsewhere goes in as a text node: nothing here reads HTML.

const SVG = "http://www.w3.org/2000/svg";

export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// The content of `element` becomes `children`. Whoever stood on a table that scrolls stands on the new one.
export function fill(element, ...children) {
  const onTable = element.contains(document.activeElement) && document.activeElement.classList.contains("scroll");
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  if (onTable) element.querySelector(".scroll")?.focus();
}

// Told to those who listen to the page instead of looking at it.
export function say(text) {
  document.getElementById("said").textContent = text;
}

let fields = 0;

// A labelled control: its label is tied to it by id, what is wrong with it stands below.
export function field(label, control, hint = null) {
  control.id ||= `field-${++fields}`;
  const parts = [h("label", { for: control.id }, label), control];
  if (hint) {
    const id = `${control.id}-hint`;
    control.setAttribute("aria-describedby", id);
    parts.push(h("small", { id }, hint));
  }
  return h("div", { class: "field" }, parts);
}

export function table(caption, heads, rows, nothing) {
  if (!rows.length) return h("p", { class: "nothing" }, nothing);
  const head = heads.map((name) => h("th", { scope: "col", class: name.startsWith("#") && "number" }, name.replace("#", "")));
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${caption}, as a table` },
    h("table", {},
      h("caption", { class: "visually-hidden" }, caption),
      h("thead", {}, h("tr", {}, head)),
      h("tbody", {}, rows)));
}
