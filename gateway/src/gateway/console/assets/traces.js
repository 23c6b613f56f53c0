// The newest traces, asked for now and then, and one of them as a waterfall.

import { Problem, call } from "./api.js";
import { fill, h, say, table } from "./elements.js";
import { clock, duration } from "./figures.js";
import { waterfall } from "./waterfall.js";

const EVERY_MILLISECONDS = 5000;

export function tracesPanel(place) {
  const body = h("div", { id: "traces" }, h("p", { class: "nothing" }, "Looking…"));
  const card = h("section", { class: "card wide", "aria-labelledby": "traces-title" }, h("h2", { id: "traces-title" }, "The last traces"), body);
  let timer = null;
  let stopped = false;

  async function open(row, button) {
    try {
      const trace = (await call("GET", `/console/traces/${row.trace_id}`)).data;
      const close = () => {
        fill(place);
        button.isConnected ? button.focus() : document.getElementById("main").focus();
      };
      fill(place, waterfall(trace, close));
      const title = document.getElementById("trace-title");
      title.focus();
      title.scrollIntoView({ block: "nearest" });
    } catch (problem) {
      fill(place, h("p", { class: "wrong", role: "alert" }, problem instanceof Problem ? problem.message : "The gateway could not be reached."));
      say("The trace could not be opened.");
    }
  }

  function line(row) {
    const button = h("button", { type: "button", class: "link", id: `trace-${row.trace_id}`, onclick: () => open(row, button) }, `${row.service}: ${row.operation}`);
    return h("tr", {},
      h("td", { class: "dim" }, clock(row.began)), h("td", { class: "name" }, button, row.error && [" ", h("span", { class: "badge bad" }, "failed")]),
      h("td", { class: "name dim" }, row.services.join(", ")), h("td", { class: "number" }, row.spans), h("td", { class: "number" }, duration(row.seconds)));
  }

  async function look() {
    try {
      const { items } = (await call("GET", "/console/traces")).data;
      const focused = document.activeElement?.id;
      fill(body, table("The last traces", ["Began", "First span", "Through", "#Spans", "#Took"], items.map(line), "No trace has come in yet."));
      // The rows are new ones: whoever stood on one stands on it again.
      if (focused?.startsWith("trace-") && focused !== "trace-title") document.getElementById(focused)?.focus();
    } catch (problem) {
      fill(body, h("p", { class: "nothing" }, problem instanceof Problem ? problem.message : "The gateway could not be reached."));
    }
    if (!stopped) timer = setTimeout(look, EVERY_MILLISECONDS);
  }

  return {
    card,
    start: look,
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
