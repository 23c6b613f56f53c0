// The console: signs an admin in, follows /console/events, and shows what comes.

import { Problem, logOut, path, send, useToken } from "./api.js";
import { Charts } from "./charts.js";
import { field, fill, h, say } from "./elements.js";
import { eventsOf } from "./event_stream.js";
import { limits, queues, routes, tiles, upstreams } from "./panels.js";
import { offered as whatIsOffered } from "./openapi.js";
import { form, signIn } from "./sign_in.js";
import { tracesPanel } from "./traces.js";

const place = document.getElementById("console");
const who = document.getElementById("who");
let watching = null;

const offered = await whatIsOffered();
askWho();

function askWho(message = "") {
  const token = h("input", { type: "password", name: "token", autocomplete: "off", required: true });
  const byToken = form("With the admin token", [field("Token", token, "ADMIN_TOKEN of this gateway.")], "Log in", async () => {
    useToken(token.value);
    await open();
  });
  const byLogin = offered.has("POST", path("/auth/login")) && signIn({ register: false, then: open, title: "As an admin" });
  fill(who);
  fill(place, h("div", { class: "narrow" },
    h("h1", {}, "Console"),
    h("p", { class: "lead" }, "What the gateway sees, live. For admins."),
    message && h("p", { class: "wrong", role: "alert" }, message),
    h("section", { class: "card", "aria-labelledby": "in-title" }, h("h2", { id: "in-title" }, "Log in"), byLogin || byToken),
    byLogin && h("details", { class: "other-way" }, h("summary", {}, "With the admin token of the gateway"), h("div", { class: "card" }, byToken))));
}

async function open() {
  const answer = await send("GET", "/console/events", { headers: { Accept: "text/event-stream" }, cache: "no-store" });
  if (!answer.ok) {
    const data = await answer.json().catch(() => ({}));
    await logOut();
    throw new Problem({ status: answer.status, data, headers: answer.headers });
  }
  const view = build();
  say("You are logged in. The figures are live.");
  document.querySelector("#console h1").focus();
  follow(answer, view);
}

function build() {
  const card = (id, title, note, wide) => {
    const body = h("div", { id });
    const heading = h("h2", { id: `${id}-title` }, title, note && h("span", { class: "note" }, note));
    return [body, h("section", { class: `card ${wide ? "wide" : ""}`, "aria-labelledby": `${id}-title` }, heading, body)];
  };
  const state = h("span", { class: "state live", role: "status" }, "live");
  const tileList = h("dl", { class: "tiles", "aria-label": "Now" });
  const [traffic, trafficCard] = card("traffic", "Requests a second");
  const [times, timesCard] = card("times", "Answer times");
  const [routesBody, routesCard] = card("routes", "Routes", "last 30 seconds", true);
  const [upstreamsBody, upstreamsCard] = card("upstreams", "Upstreams", null, true);
  const [limitsBody, limitsCard] = card("limits", "Limits and refusals", "last 30 seconds");
  const [queuesBody, queuesCard] = card("queues", "Queues, outboxes, jobs");
  const waterfallPlace = h("div", { class: "wide" });
  const traces = document.body.dataset.waterfalls ? tracesPanel(waterfallPlace) : null;
  traffic.className = times.className = "chart";
  fill(place,
    h("div", { class: "headline" }, h("h1", { tabindex: "-1" }, "Console"), state),
    tileList,
    h("div", { class: "grid" }, trafficCard, timesCard, routesCard, upstreamsCard, limitsCard, queuesCard, traces?.card, waterfallPlace));
  const charts = new Charts(traffic, times);
  const leave = async () => {
    close(view);
    await logOut();
    askWho();
    document.getElementById("main").focus();
  };
  fill(who, h("button", { type: "button", class: "quiet", onclick: leave }, "Log out"));
  const view = { state, charts, traces, closed: false, show: (sample) => {
    charts.add([sample.point]);
    tiles(tileList, sample);
    routes(routesBody, sample);
    upstreams(upstreamsBody, sample);
    limits(limitsBody, sample);
    queues(queuesBody, sample);
  } };
  traces?.start();
  return view;
}

function close(view) {
  view.closed = true;
  view.charts.close();
  view.traces?.stop();
  watching?.return?.();
}

// Reads samples; when the connection ends it is made again, later and later, until the token does not hold.
async function follow(answer, view) {
  let wait = 1;
  while (!view.closed) {
    try {
      watching = eventsOf(answer);
      for await (const { name, data } of watching) {
        if (view.closed) return;
        wait = 1;
        if (name === "history") view.charts.add(data.points);
        if (name === "sample") view.show(data);
        if (name === "sample" || name === "history") told(view, "live", "live");
      }
    } catch (error) {
      console.info("the stream ended:", String(error));
    }
    if (view.closed) return;
    do {
      told(view, "lost", `no connection, tried again in ${wait} s`);
      await new Promise((resolve) => setTimeout(resolve, wait * 1000));
      wait = Math.min(wait * 2, 30);
      answer = view.closed ? null : await send("GET", "/console/events", { cache: "no-store" }).catch(() => null);
      if (answer && (answer.status === 401 || answer.status === 403)) {
        close(view);
        await logOut();
        askWho("Your session has ended.");
        return;
      }
    } while (!view.closed && !answer?.ok);
  }
}

function told(view, kind, text) {
  if (view.state.textContent === text) return;
  view.state.className = `state ${kind}`;
  view.state.textContent = text;
}
