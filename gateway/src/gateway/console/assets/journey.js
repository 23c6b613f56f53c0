// A journey through the API: order, pay, a report that is watched while it is made, and the trace of the order.

import { Problem, call, path, send } from "./api.js";
import { eventsOf } from "./event_stream.js";
import { field, fill, h, say } from "./elements.js";
import { traceLink } from "./exchanges.js";
import { form } from "./sign_in.js";

export function journey(offered) {
  const steps = [];
  if (offered.has("GET", path("/products")) && offered.has("POST", path("/orders"))) steps.push(ordering(offered));
  if (offered.has("POST", path("/reports"))) steps.push(reporting());
  return steps;
}

function ordering(offered) {
  const box = h("section", { class: "card", "aria-labelledby": "order-title" }, h("h2", { id: "order-title" }, "Place an order"));
  const body = h("div", {}, h("p", { class: "nothing" }, "Looking at the shelves…"));
  const outcome = h("div", { class: "outcome" });
  box.append(body, outcome);
  const show = async () => {
    let products;
    try {
      products = (await call("GET", path("/products?page_size=50"))).data.items;
    } catch (problem) {
      fill(body, h("p", { class: "wrong", role: "alert" }, problem.message));
      return;
    }
    if (!products.length) {
      fill(body, h("p", { class: "nothing" }, "No products are there yet: an admin makes them."));
      return;
    }
    const choice = h("select", { name: "product" }, products.map((one) =>
      h("option", { value: String(one.id), disabled: one.stock < 1 }, `${one.name} · ${one.price} ${one.currency} · ${one.stock} in stock`)));
    const quantity = h("input", { type: "number", name: "quantity", min: 1, max: 99, value: "1", required: true });
    const attempt = async () => {
      // One key for one wish: sent again after a lost answer it makes no second order.
      const headers = { "Idempotency-Key": crypto.randomUUID() };
      const wish = { items: [{ product_id: Number(choice.value), quantity: Number(quantity.value) }] };
      const placed = await call("POST", path("/orders"), { body: wish, headers });
      fill(outcome, placedOrder(placed, { body: wish, headers }, offered));
      say(`Order ${placed.data.id} is placed.`);
    };
    fill(body, form("What would you like?", [field("Product", choice), field("Quantity", quantity)], "Order", attempt));
  };
  show();
  return box;
}

function placedOrder(placed, again, offered) {
  const order = placed.data;
  const state = h("span", { class: "badge" }, order.status);
  const wrong = h("p", { class: "wrong", role: "alert" });
  const doing = (work) => async (event) => {
    wrong.textContent = "";
    event.currentTarget.disabled = true;
    const button = event.currentTarget;
    try {
      await work(button);
    } catch (problem) {
      wrong.textContent = problem instanceof Problem ? problem.message : "The gateway could not be reached.";
      button.disabled = false;
    }
  };
  const pay = doing(async () => {
    await call("POST", path(`/orders/${order.id}/payments`), { body: { method: "card" }, headers: { "Idempotency-Key": crypto.randomUUID() } });
    const now = await call("GET", path(`/orders/${order.id}`));
    state.textContent = now.data.status;
    say(`Order ${order.id} is ${now.data.status}.`);
  });
  const resend = doing(async (button) => {
    const answer = await call("POST", path("/orders"), again);
    button.textContent = answer.headers.get("idempotent-replayed") ? `Order ${answer.data.id} again: replayed` : `Order ${answer.data.id}`;
  });
  const items = order.items.map((item) => h("li", {}, `${item.quantity} × ${item.name}, ${item.unit_price} each`));
  return [
    h("h3", {}, `Order ${order.id} `, state),
    h("ul", { class: "plain" }, items),
    h("p", { class: "total" }, `Total: ${order.total} ${order.currency}`),
    h("div", { class: "buttons" },
      offered.has("POST", path("/orders/{order_id}/payments")) && h("button", { type: "button", onclick: pay }, "Pay"),
      h("button", { type: "button", class: "quiet", onclick: resend }, "Send it again, same key"),
      traceLink(placed.traceId, "Open its trace")),
    wrong,
  ];
}

function reporting() {
  const kind = h("select", { name: "type" }, ["order_summary", "user_activity"].map((one) => h("option", { value: one }, one.replace("_", " "))));
  const shape = h("select", { name: "format" }, ["pdf", "csv", "json"].map((one) => h("option", { value: one }, one)));
  const outcome = h("div", { class: "outcome" });
  const attempt = async () => {
    const asked = await call("POST", path("/reports"), { body: { type: kind.value, format: shape.value, params: {} } });
    await watched(asked.data, outcome);
  };
  return h("section", { class: "card", "aria-labelledby": "report-title" },
    h("h2", { id: "report-title" }, "Ask for a report"),
    form("About your orders", [field("Report", kind), field("Format", shape)], "Make it", attempt), outcome);
}

async function watched(report, outcome) {
  const bar = h("progress", { max: 100, value: 0, "aria-label": `Progress of report ${report.id}` });
  const words = h("p", { class: "progress-words" }, "Queued");
  fill(outcome, h("h3", {}, `Report ${report.id}`), bar, words);
  say(`Report ${report.id} is queued.`);
  // From its first step on, also of a report that is quicker than this request.
  const headers = { Accept: "text/event-stream", "Last-Event-ID": "0" };
  const answer = await send("GET", path(`/reports/${report.id}/events`), { headers });
  if (!answer.ok) throw new Error(`events answered ${answer.status}`);
  for await (const { name, data } of eventsOf(answer)) {
    const progress = data.progress ?? data.percent ?? 0;
    bar.value = progress;
    words.textContent = [`${progress} %`, data.message].filter(Boolean).join(" · ");
    if (name !== "done" && name !== "failed") continue;
    bar.value = name === "done" ? 100 : progress;
    words.textContent = name === "done" ? "Done" : `It failed: ${data.error || data.message || "no reason was given"}`;
    say(`Report ${report.id}: ${words.textContent}`);
    if (name === "done") outcome.append(h("div", { class: "buttons" }, h("button", { type: "button", onclick: () => download(report) }, "Download")));
    return;
  }
  words.textContent = "The connection ended before the report did.";
}

async function download(report) {
  const answer = await send("GET", path(`/reports/${report.id}/content`));
  if (!answer.ok) return;
  const url = URL.createObjectURL(await answer.blob());
  const link = h("a", { href: url, download: `report-${report.id}.${report.format}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
