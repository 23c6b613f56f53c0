// The page at `/`: under what the gateway wrote by itself, a place to try what is offered behind it.

import { call, logOut, path, signedIn } from "./api.js";
import { fill, h, say } from "./elements.js";
import { exchangeList } from "./exchanges.js";
import { explorer } from "./explorer.js";
import { journey } from "./journey.js";
import { offered as whatIsOffered } from "./openapi.js";
import { signIn } from "./sign_in.js";

const place = document.getElementById("try");
const who = document.getElementById("who");
const offered = await whatIsOffered();
const wire = exchangeList();

function show(person) {
  const hasLogin = offered.has("POST", path("/auth/login"));
  const parts = [];
  if (hasLogin && !person) {
    const steps = ["Log in, or register.", "Place an order, and pay it.", "Ask for a report and watch it being made.", "Open the trace of the order: one tree through every process."];
    parts.push(h("div", { class: "cards" },
      h("section", { class: "card", "aria-labelledby": "in-title" }, h("h2", { id: "in-title" }, "Try it"),
        signIn({ register: offered.has("POST", path("/users")), then: arrived })),
      h("section", { class: "card", "aria-labelledby": "what-title" }, h("h2", { id: "what-title" }, "What you can do here"),
        h("ol", { class: "steps" }, steps.map((step) => h("li", {}, step))),
        h("p", { class: "nothing" }, "Your tokens stay in this page's memory: reload it, and you are logged out.")),
      wire));
  }
  if (person) parts.push(h("div", { class: "cards" }, journey(offered), wire));
  if (offered.operations().length) parts.push(explorer(offered));
  fill(place, parts);
  fill(who, person ? [h("span", {}, person.email), h("button", { type: "button", class: "quiet", onclick: leave }, "Log out")] : []);
}

async function arrived() {
  const me = signedIn() ? (await call("GET", path("/users/me"))).data : null;
  show(me);
  say(`You are logged in as ${me.email}.`);
  place.querySelector("h2")?.setAttribute("tabindex", "-1");
  place.querySelector("h2")?.focus();
}

async function leave() {
  await logOut();
  show(null);
  say("You are logged out.");
  document.getElementById("main").focus();
}

show(null);
