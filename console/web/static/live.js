// What a page does beyond what it is: parts that change are put in their place, and keys lead about. Without this file
// all of it is there, as of the moment when the page was asked for.
//
// A part comes as HTML that the server has made and escaped. It is put beside what stands there, node by node, so that
// what somebody has selected, scrolled to or focused stays as it is.

/** The name by which a row is the same row again. */
const idOf = (node) => (node.nodeType === 1 ? node.getAttribute("data-id") || node.id : "");

/** Makes `from` say what `to` says, with as few changes as there are. */
export function morph(from, to) {
  if (from.isEqualNode(to)) return;
  if (from.nodeType !== 1 || from.nodeName !== to.nodeName || idOf(from) !== idOf(to)) {
    from.replaceWith(to.cloneNode(true));
    return;
  }
  for (const { name } of [...from.attributes]) if (!to.hasAttribute(name)) from.removeAttribute(name);
  for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  morphChildren(from, to);
}

/** The same for all that is in a node. Rows that have a name keep their places in the document. */
export function morphChildren(from, to) {
  const named = new Map([...from.children].filter(idOf).map((child) => [idOf(child), child]));
  let at = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const known = idOf(wanted) && named.get(idOf(wanted));
    if (known && known !== at) from.insertBefore(known, at);
    const here = known || at;
    if (!here) {
      from.append(wanted.cloneNode(true));
    } else if (!known && idOf(here)) {
      from.insertBefore(wanted.cloneNode(true), here);
    } else {
      at = here.nextSibling;
      morph(here, wanted);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function put(part, html) {
  const place = document.querySelector(`[data-part="${CSS.escape(part)}"]`);
  if (!place) return;
  const made = document.createElement("template");
  made.innerHTML = html;
  const isAtEnd = place.scrollWidth - place.scrollLeft - place.clientWidth < 40;
  morphChildren(place, made.content);
  if (isAtEnd && place.classList.contains("scroll")) place.scrollLeft = place.scrollWidth;
}

const PARTS = ["live", "fleet", "head", "picture", "said", "turns", "used", "journal"];

/** Listens to what the server pushes for this page. */
function listen(url) {
  const source = new EventSource(url);
  for (const part of PARTS) source.addEventListener(part, (event) => put(part, event.data));
  source.addEventListener("over", () => source.close());
  source.addEventListener("error", () => document.body.classList.add("cut-off"));
  source.addEventListener("open", () => document.body.classList.remove("cut-off"));
  // A page that nobody sees asks for nothing.
  const look = () => {
    if (document.hidden) {
      source.close();
      document.addEventListener("visibilitychange", () => listen(url), { once: true });
      document.removeEventListener("visibilitychange", look);
    }
  };
  document.addEventListener("visibilitychange", look);
}

// Keys.

const rows = () => [...document.querySelectorAll("table.rows tbody tr[data-id]")];

function step(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[Math.min(all.length - 1, Math.max(0, at + by))];
  const link = next.querySelector("a");
  if (!link) next.setAttribute("tabindex", "-1");
  (link || next).focus();
  next.scrollIntoView({ block: "nearest" });
}

const isTyping = (target) => target.closest("input, select, textarea, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  const page = document.querySelector(`nav a[data-key="${CSS.escape(event.key)}"]`);
  if (page) page.click();
  else if (event.key === "/") document.querySelector("[data-search]")?.focus();
  else if (event.key === "?") document.getElementById("keys")?.showModal();
  else if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else return;
  event.preventDefault();
});

// A picture that grows is looked at where it grows.
for (const place of document.querySelectorAll("[data-events] .scroll[data-part]")) place.scrollLeft = place.scrollWidth;

const events = document.querySelector("[data-events]");
if (events) listen(events.getAttribute("data-events"));
