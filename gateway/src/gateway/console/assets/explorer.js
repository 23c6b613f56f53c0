// Try the API: any operation of the OpenAPI document, with its parameters and a body to begin with.

import { Problem, call } from "./api.js";
import { field, fill, h, say } from "./elements.js";
import { duration } from "./figures.js";
import { traceLink } from "./exchanges.js";
import { form } from "./sign_in.js";

const SHOWN_HEADERS = ["content-type", "api-version", "location", "etag", "ratelimit-policy", "ratelimit", "retry-after", "deprecation", "sunset", "x-request-id", "traceresponse"];
const MOST_SHOWN = 20_000;

export function explorer(offered) {
  const operations = offered.operations().filter((one) => !one.path.includes("/events"));
  const byTag = Map.groupBy ? Map.groupBy(operations, (one) => one.tag) : grouped(operations);
  const choice = h("select", { name: "operation" }, [...byTag].map(([tag, members]) =>
    h("optgroup", { label: tag }, members.map((one) =>
      h("option", { value: String(operations.indexOf(one)) }, `${one.method} ${one.path}${one.deprecated ? " (deprecated)" : ""}`)))));
  const request = h("div", {});
  const answer = h("div", { class: "outcome" });
  const show = () => fill(request, requestForm(operations[Number(choice.value)], answer));
  choice.addEventListener("change", show);
  const first = operations.findIndex((one) => one.method === "GET" && one.path.endsWith("/v1/products"));
  if (first >= 0) choice.value = String(first);
  show();
  return h("section", { class: "card wide", "aria-labelledby": "explore-title" },
    h("h2", { id: "explore-title" }, "Try the API"), field("Operation", choice), request, answer);
}

function grouped(operations) {
  const found = new Map();
  for (const one of operations) found.set(one.tag, [...(found.get(one.tag) || []), one]);
  return found;
}

function requestForm(operation, answer) {
  const inputs = operation.parameters.filter((one) => one.in === "path" || one.in === "query").map((one) => {
    const input = h("input", { name: one.name, required: one.in === "path", maxlength: 500 });
    return { parameter: one, input, element: field(one.in === "path" ? one.name : `${one.name} (query)`, input, one.description || null) };
  });
  const body = operation.body === undefined ? null
    : h("textarea", { name: "body", rows: "8", spellcheck: "false" });
  if (body) body.value = JSON.stringify(operation.body, null, 2);
  const attempt = async () => {
    let target = operation.path;
    const query = new URLSearchParams();
    for (const { parameter, input } of inputs) {
      if (parameter.in === "path") target = target.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
      else if (input.value) query.set(parameter.name, input.value);
    }
    if (String(query)) target += `?${query}`;
    try {
      shown(answer, await call(operation.method, target, { body: body ? body.value : undefined }));
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      shown(answer, problem.exchange);
    }
  };
  const fields = [
    operation.summary && h("p", { class: "lead" }, operation.summary),
    h("div", { class: "fields" }, inputs.map((one) => one.element)),
    body && field("Body", body),
  ].filter(Boolean);
  return form(`${operation.method} ${operation.path}`, fields, "Send", attempt);
}

function shown(box, exchange) {
  const headers = SHOWN_HEADERS.filter((name) => exchange.headers.has(name));
  const text = typeof exchange.data === "string" ? exchange.data : JSON.stringify(exchange.data, null, 2);
  fill(box,
    h("h3", {}, h("span", { class: `status s${Math.floor(exchange.status / 100)}` }, String(exchange.status)),
      ` in ${duration(exchange.seconds)} `, traceLink(exchange.traceId, "Open its trace")),
    h("dl", { class: "headers" }, headers.map((name) => [h("dt", {}, name), h("dd", {}, exchange.headers.get(name))])),
    h("pre", { tabindex: "0", "aria-label": "Body of the answer" }, text ? text.slice(0, MOST_SHOWN) : "No text in the body."));
  say(`The answer is ${exchange.status}.`);
}
