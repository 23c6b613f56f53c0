// Requests of the API. The tokens live in this module's memory alone: not in storage, not in a cookie, not in a URL.

const API = "/api/v1";
let tokens = null;
let refreshing = null;
const listeners = new Set();

export class Problem extends Error {
  constructor(exchange) {
    const problem = exchange.data && typeof exchange.data === "object" ? exchange.data : {};
    const fields = Array.isArray(problem.errors) ? problem.errors.map((one) => `${one.field}: ${one.message}`) : [];
    super([problem.detail || problem.title || `The answer was ${exchange.status}.`, ...fields].join(" "));
    this.code = problem.code || "";
    this.status = exchange.status;
    this.retryAfter = Number(exchange.headers.get("retry-after")) || 0;
    this.exchange = exchange;
  }
}

// Told of each exchange once it is over.
export function onExchange(listener) {
  listeners.add(listener);
}

export function signedIn() {
  return tokens !== null;
}

export async function logIn(email, password, code = "") {
  const body = code ? { email, password, code } : { email, password };
  tokens = null;
  tokens = (await call("POST", `${API}/auth/login`, { body })).data;
}

export function useToken(token) {
  tokens = { access_token: token, refresh_token: null };
}

export async function logOut() {
  const ending = tokens;
  tokens = null;
  if (!ending?.refresh_token) return;
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${ending.access_token}` };
  const body = JSON.stringify({ refresh_token: ending.refresh_token });
  await fetch(`${API}/auth/logout`, { method: "POST", headers, body }).catch(() => {});
}

// A fetch with the token, which is renewed once when it has ended. Nothing is thrown for a status.
export async function send(method, path, { body, headers = {}, signal, cache } = {}) {
  const ask = () => fetch(path, {
    method, signal, cache,
    headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...bearer(), ...headers },
    body: body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body),
  });
  const answer = await ask();
  if (answer.status !== 401 || !tokens?.refresh_token || path.startsWith(`${API}/auth/`)) return answer;
  return (await renewed()) ? ask() : answer;
}

// An exchange with a JSON answer: {method, path, status, headers, data, seconds, traceId}. Throws Problem from 400 on.
export async function call(method, path, options = {}) {
  const begun = performance.now();
  const answer = await send(method, path, options);
  const exchange = await read(method, path, answer, begun);
  for (const listener of listeners) listener(exchange);
  if (answer.status >= 400) throw new Problem(exchange);
  return exchange;
}

async function read(method, path, answer, begun) {
  const type = answer.headers.get("content-type") || "";
  const text = /json|text|xml/.test(type) ? await answer.text() : "";
  let data = text;
  if (/json/.test(type) && text) {
    try {
      data = JSON.parse(text);
    } catch {
      data = text;
    }
  }
  const seconds = (performance.now() - begun) / 1000;
  const traceId = (answer.headers.get("traceresponse") || "").split("-")[1] || "";
  return { method, path, status: answer.status, headers: answer.headers, type, data, seconds, traceId };
}

function bearer() {
  return tokens ? { Authorization: `Bearer ${tokens.access_token}` } : {};
}

// One renewal at a time: a refresh token that is used twice ends its whole session.
function renewed() {
  refreshing ||= (async () => {
    try {
      const answer = await fetch(`${API}/auth/refresh`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ refresh_token: tokens.refresh_token }),
      });
      if (!answer.ok) return false;
      tokens = await answer.json();
      return true;
    } catch {
      return false;
    } finally {
      refreshing = null;
    }
  })();
  return refreshing;
}

export const path = (rest) => `${API}${rest}`;
