// The form to log in, and to register where that is offered.

import { Problem, call, logIn, path } from "./api.js";
import { field, fill, h, say } from "./elements.js";

// `then` is called once somebody is signed in. `register`: whether the other tab is there.
export function signIn({ register, then, title = "Log in" }) {
  const box = h("div", { class: "sign-in" });
  const show = (form) => fill(box, form);
  const login = () => loginForm(then, title, register ? () => show(registration()) : null);
  const registration = () => registrationForm(then, () => show(login()));
  show(login());
  return box;
}

function loginForm(then, title, other) {
  const email = h("input", { type: "email", name: "email", autocomplete: "username", required: true, maxlength: 254 });
  const password = h("input", { type: "password", name: "password", autocomplete: "current-password", required: true });
  const code = h("input", { name: "code", autocomplete: "one-time-code", maxlength: 64 });
  const second = h("div", { hidden: true }, field("Code of your second factor", code, "Or one of your recovery codes."));
  const attempt = async () => {
    try {
      await logIn(email.value, password.value, code.value.trim());
    } catch (problem) {
      if (problem.code === "second_factor_required") {
        second.hidden = false;
        code.focus();
      }
      throw problem;
    }
    await then();
  };
  return form(title, [field("E-mail", email), field("Password", password), second], "Log in", attempt,
    other && h("button", { type: "button", class: "quiet", onclick: other }, "New here? Register"));
}

function registrationForm(then, other) {
  const name = h("input", { name: "name", autocomplete: "name", required: true, maxlength: 100 });
  const email = h("input", { type: "email", name: "email", autocomplete: "username", required: true, maxlength: 254 });
  const password = h("input", { type: "password", name: "password", autocomplete: "new-password", required: true, minlength: 8, maxlength: 128 });
  const attempt = async () => {
    await call("POST", path("/users"), { body: { name: name.value, email: email.value, password: password.value } });
    await logIn(email.value, password.value);
    await then();
  };
  const fields = [field("Name", name), field("E-mail", email), field("Password", password, "8 to 128 characters, with an upper-case letter and a digit.")];
  return form("Register", fields, "Register", attempt, h("button", { type: "button", class: "quiet", onclick: other }, "I have an account"));
}

// A form that says what went wrong beside its button, and never submits by itself.
export function form(title, fields, button, attempt, ...more) {
  const wrong = h("p", { class: "wrong", role: "alert" });
  const submit = h("button", { type: "submit" }, button);
  const onsubmit = async (event) => {
    event.preventDefault();
    wrong.textContent = "";
    submit.disabled = true;
    try {
      await attempt();
    } catch (problem) {
      wrong.textContent = problem instanceof Problem ? problem.message : "That did not work: the gateway could not be reached.";
      if (!(problem instanceof Problem)) console.warn(problem);
      say(wrong.textContent);
    } finally {
      submit.disabled = false;
    }
  };
  const element = h("form", { onsubmit, "aria-label": title }, h("h3", {}, title), fields, h("div", { class: "buttons" }, submit, more), wrong);
  return element;
}
