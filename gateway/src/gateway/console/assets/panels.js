// What a sample says, panel by panel.

import { fill, h, table } from "./elements.js";
import { duration, number, percent, rate } from "./figures.js";

export function tiles(place, sample) {
  const { point } = sample;
  const errors = point.rate ? point.server_errors / point.rate : 0;
  const down = Object.entries(sample.checks).filter(([, state]) => state !== "healthy").map(([name]) => name);
  const facts = [
    ["Requests/s", rate(point.rate)],
    ["p50", duration(point.p50)],
    ["p99", duration(point.p99)],
    ["5xx of all", percent(errors), errors > 0.01],
    ["In flight", number(sample.in_flight)],
    ["Connections", number(sample.connections)],
    ["Streams", number(sample.streams)],
    ["Parts away", down.length ? down.join(", ") : "none", down.length > 0],
  ];
  fill(place, facts.map(([name, value, bad]) => h("div", { class: "tile" }, h("dt", {}, name), h("dd", { class: bad && "bad" }, value))));
}

export function routes(place, sample) {
  const rows = sample.routes.filter((row) => row.route !== null).slice(0, 40).map((row) => h("tr", {},
    h("th", { scope: "row", class: "name" }, row.route),
    h("td", { class: "number" }, rate(row.rate)), h("td", { class: "number" }, duration(row.p50)), h("td", { class: "number" }, duration(row.p99)),
    h("td", { class: `number ${row.client_errors > 0 ? "warn" : ""}` }, percent(row.client_errors / row.rate)),
    h("td", { class: `number ${row.server_errors > 0 ? "bad" : ""}` }, percent(row.server_errors / row.rate))));
  fill(place, table("Routes", ["Route", "#a second", "#p50", "#p99", "#4xx", "#5xx"], rows, "No request came in this time."));
}

const BREAKER = { open: "open: refused", half_open: "half open: tried", closed: "closed" };

export function upstreams(place, sample) {
  const rows = sample.upstreams.flatMap((one) => one.targets.map((target, index) => h("tr", {},
    index === 0 && h("th", { scope: "rowgroup", rowspan: one.targets.length, class: "name" }, one.name,
      " ", h("span", { class: `badge ${one.state === "healthy" ? "" : "bad"}` }, one.state || "not asked")),
    h("td", { class: "name" }, target.name, !target.usable && h("span", { class: "badge bad" }, "not used")),
    h("td", { class: "number" }, number(target.weight)),
    h("td", { class: "number" }, number(target.outstanding)),
    h("td", { class: `number ${target.failures > 0 ? "bad" : ""}` }, rate(target.failures)),
    index === 0 && h("td", { rowspan: one.targets.length, class: one.breaker === "open" ? "bad" : one.breaker === "half_open" ? "warn" : "" }, BREAKER[one.breaker] || "none"),
    index === 0 && h("td", { rowspan: one.targets.length, class: "number" }, one.limit === null ? "–" : `${number(one.in_flight)} of ${number(one.limit)}`),
    index === 0 && h("td", { rowspan: one.targets.length, class: `number ${one.shed > 0 ? "bad" : ""}` }, rate(one.shed)))));
  fill(place, table("Upstreams", ["Upstream", "Target", "#Weight", "#Under way", "#Failed a second", "Breaker", "#Adaptive limit", "#Shed a second"], rows, "The routes file names no upstream."));
}

export function limits(place, sample) {
  const { counted, rejections, refusals } = sample.limits;
  const rows = (of, kind) => Object.entries(of).sort((one, other) => other[1] - one[1]).map(([name, value]) =>
    h("tr", {}, h("th", { scope: "row", class: "name" }, name), h("td", { class: "dim" }, kind), h("td", { class: "number" }, rate(value))));
  fill(place,
    h("p", { class: counted ? "nothing" : "warn" }, counted ? "Counted exactly, in Redis." : "Redis does not count: each route's own rule for that holds."),
    table("Limits and refusals", ["Name", "What", "#a second"], [...rows(rejections, "limit was hit"), ...rows(refusals, "refused here")], "Nothing is refused."));
}

// Metrics by convention: whoever has an outbox, queues or jobs and tells of them like this is shown.
const FACTS = [
  ["outbox_rows", "Outbox, waiting", number], ["outbox_lag_seconds", "Outbox, oldest", duration], ["outbox_held_rows", "Outbox, held", number],
  ["consumer_parked_messages", "Parked messages", number], ["bus_connected", "Broker", (value) => (value ? "connected" : "away")],
  ["jobs_waiting", "Jobs waiting", number], ["jobs_running", "Jobs running", number], ["jobs_oldest_waiting_seconds", "Oldest job", duration],
  ["webhook_deliveries_pending", "Deliveries, waiting", number], ["webhook_deliveries_in_hand", "Deliveries, under way", number],
];
const BAD = new Set(["consumer_parked_messages", "outbox_held_rows"]);

export function queues(place, sample) {
  if (!sample.pages.length) {
    fill(place, h("p", { class: "nothing" }, "No metrics pages are set (CONSOLE_METRICS)."));
    return;
  }
  fill(place, h("div", { class: "groups" }, sample.pages.map(pageOf)));
}

function pageOf(page) {
  if (!page.reached) return h("div", {}, h("h3", {}, page.page, " ", h("span", { class: "badge bad" }, "no answer")));
  const facts = FACTS.flatMap(([name, label, told]) => {
    const found = page.samples.filter((one) => one.name === name);
    if (!found.length) return [];
    const combined = name.endsWith("_seconds") ? Math.max(...found.map((one) => one.value)) : found.reduce((sum, one) => sum + one.value, 0);
    return [h("dt", {}, label), h("dd", { class: BAD.has(name) && combined > 0 && "bad" }, told(combined))];
  });
  return h("div", {}, h("h3", {}, page.page), facts.length ? h("dl", {}, facts) : h("p", { class: "nothing" }, "Has no queue, outbox or job."), page.samples.filter((one) => one.name === "jobs_progress_percent").map(job));
}

function job(sample) {
  const name = sample.labels.type || "job";
  return h("div", { class: "job" }, h("span", { class: "dim" }, `${name}: ${number(sample.value)} %`), h("progress", { max: 100, value: sample.value, "aria-label": name }));
}
