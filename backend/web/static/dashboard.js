// Keeps the part of a page that changes by itself (#live) up to date, without reloading the page. The server renders
// it as ever; what differs is patched in place, so that focus, selection and scroll position stay where they are.
"use strict";

const BUSY_MS = 1000; // something is at work: its progress moves about once a second
const IDLE_MS = 5000;
const LOST_MS = 5000;
const PATIENCE_MS = 15000;

const beat = document.getElementById("beat");
const news = document.getElementById("news");
let timer = 0;
let told = live()?.dataset.news;

function live() {
  return document.getElementById("live");
}

function address(part) {
  const url = new URL(location.href);
  url.hash = "";
  url.searchParams.delete("done");
  if (part) url.searchParams.set("part", part);
  return url;
}

async function load(part) {
  const answer = await fetch(address(part), { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

async function look() {
  clearTimeout(timer);
  const before = live();
  if (!before || document.hidden) return;
  let pause = LOST_MS;
  try {
    const fresh = (await load("live")).getElementById("live");
    if (!fresh) throw new Error("no live part");
    const changed = fresh.dataset.stamp !== before.dataset.stamp;
    patch(before, fresh);
    if (changed) await renew();
    beat.hidden = true;
    tell(fresh.dataset.news);
    pause = fresh.dataset.busy === "yes" ? BUSY_MS : IDLE_MS;
  } catch {
    beat.hidden = false;
  }
  timer = setTimeout(look, pause);
}

// More than the progress changed: the rest of the page is shown anew as well, but for what a person is typing.
async function renew() {
  const fresh = await load("");
  const main = document.querySelector("main");
  const focused = document.activeElement;
  const wanted = fresh.querySelector("main").children;
  // Section by section where there are as many as before, so that one that grew moves nothing in the others.
  if (main.children.length === wanted.length) [...main.children].forEach((node, place) => patch(node, wanted[place]));
  else patch(main, fresh.querySelector("main"));
  if (!focused.isConnected) main.focus();
}

// Said to screen readers when it changes, and not each second.
function tell(text) {
  if (text !== told) news.textContent = told = text;
}

function patch(old, fresh) {
  if (old.nodeName !== fresh.nodeName) {
    old.replaceWith(document.importNode(fresh, true));
  } else if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
  } else if (!old.isEqualNode(fresh)) {
    patchAttributes(old, fresh);
    const wanted = [...fresh.childNodes];
    const had = [...old.childNodes];
    wanted.forEach((node, place) => {
      if (place < had.length) patch(had[place], node);
      else old.append(document.importNode(node, true));
    });
    had.slice(wanted.length).forEach((node) => node.remove());
  }
}

function patchAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

document.addEventListener("visibilitychange", look);
timer = setTimeout(look, BUSY_MS);
