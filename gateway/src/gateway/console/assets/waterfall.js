// One trace as a table with bars. Names and tags are whatever the services say: they are text, and nothing else.

import { h, svg } from "./elements.js";
import { traceLink } from "./exchanges.js";
import { duration } from "./figures.js";

const COLOURS = 6;
const DEEPEST = 9;

export function waterfall(trace, close) {
  const whole = Math.max(trace.seconds, 1e-6);
  const rows = trace.rows.map((row) => h("tr", {},
    h("td", { class: "name" }, h("details", { class: `d${Math.min(row.depth, DEEPEST)}` },
      h("summary", { class: row.error && "bad" }, h("span", { class: "service" }, row.service), " ", row.operation, row.error && " (failed)"),
      h("dl", {}, row.tags.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])))),
    h("td", { class: "number" }, duration(row.seconds)),
    h("td", { class: "bar" }, bar(row, whole, trace.services.indexOf(row.service)))));
  return h("section", { class: "card wide", "aria-labelledby": "trace-title", id: "trace" },
    h("h2", { id: "trace-title", tabindex: "-1" }, `${trace.service}: ${trace.operation}`,
      h("span", { class: "note" }, `${trace.spans} spans, ${duration(trace.seconds)}`)),
    h("p", { class: "nothing" }, "Trace ", h("code", {}, trace.trace_id), " through ", trace.services.join(", "), ". ", traceLink(trace.trace_id, "Open it in the viewer")),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Spans" },
      h("table", { class: "waterfall" },
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Span"), h("th", { scope: "col", class: "number" }, "Took"), h("th", { scope: "col" }, `0 to ${duration(whole)}`))),
        h("tbody", {}, rows))),
    h("div", { class: "buttons" }, h("button", { type: "button", class: "quiet", onclick: close }, "Close")));
}

function bar(row, whole, colour) {
  const left = Math.min(row.start / whole, 0.995) * 100;
  const width = Math.max(Math.min(row.seconds / whole, 1 - left / 100) * 100, 0.5);
  const title = `from ${duration(row.start)} for ${duration(row.seconds)}`;
  return svg("svg", { role: "img", "aria-label": title, preserveAspectRatio: "none", viewBox: "0 0 100 10" },
    svg("rect", { class: row.error ? "c5" : `c${Math.max(colour, 0) % (COLOURS - 1)}`, x: left, width, y: 0, height: 10 }));
}
