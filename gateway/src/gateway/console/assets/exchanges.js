// What went over the wire: the last exchanges of this page, each with its trace.

import { onExchange } from "./api.js";
import { h } from "./elements.js";
import { duration } from "./figures.js";

const KEPT = 12;

export function exchangeList() {
  const list = h("ol", { class: "exchanges" });
  const box = h("section", { class: "card", "aria-labelledby": "wire-title" },
    h("h2", { id: "wire-title" }, "What went over the wire"),
    h("p", { class: "nothing" }, "Nothing yet. Each request of this page is listed here."), list);
  onExchange((exchange) => {
    box.querySelector(".nothing")?.remove();
    list.prepend(row(exchange));
    while (list.children.length > KEPT) list.lastChild.remove();
  });
  return box;
}

function row(exchange) {
  const limit = exchange.headers.get("ratelimit");
  const replayed = exchange.headers.get("idempotent-replayed");
  return h("li", {},
    h("span", { class: `status s${Math.floor(exchange.status / 100)}` }, String(exchange.status)),
    h("span", { class: "line" }, h("b", {}, exchange.method), " ", exchange.path),
    h("span", { class: "facts" },
      duration(exchange.seconds),
      replayed && " · replayed",
      limit && [" · limit ", h("code", {}, limit)],
      traceLink(exchange.traceId) && [" · ", traceLink(exchange.traceId)]));
}

// A link to the trace in the viewer of TRACES_URL; null where none is set.
export function traceLink(traceId, text = "trace") {
  const viewer = document.body.dataset.traces;
  if (!viewer || !traceId || !/^https?:\/\//.test(viewer)) return null;
  return h("a", { href: `${viewer.replace(/\/$/, "")}/trace/${encodeURIComponent(traceId)}`, target: "_blank", rel: "noopener", class: "trace-link" }, text);
}
