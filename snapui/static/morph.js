/* Turns one piece of the page into another and leaves alone what stays the same, so that what
   plays goes on playing. Elements keep their identity by data-key. */
function attributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of [...fresh.attributes]) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

/* Make `old` like `fresh` while keeping every element that is still the same one. */
function morph(old, fresh) {
  attributes(old, fresh);
  const keyed = new Map();
  for (const child of old.children) if (child.dataset.key) keyed.set(child.dataset.key, child);
  const loose = [...old.childNodes].filter((node) => !(node.dataset && node.dataset.key));
  const kept = [];
  for (const next of [...fresh.childNodes]) {
    const key = next.dataset && next.dataset.key;
    let match = key ? keyed.get(key) : loose.shift();
    if (match && match.nodeName === next.nodeName) {
      if (next.nodeType === Node.TEXT_NODE) {
        if (match.data !== next.data) match.data = next.data;
      } else morph(match, next);
    } else match = next;
    kept.push(match);
  }
  place(old, kept);
}

/* Put children in this order; those already in place are not moved, so they go on playing. One that
   is moved loses the focus by that, and gets it back. */
function place(parent, kept) {
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  const wanted = new Set(kept);
  for (const node of [...parent.childNodes]) if (!wanted.has(node)) node.remove();
  let here = parent.firstChild;
  for (const node of kept) {
    if (node === here) here = here.nextSibling;
    else parent.insertBefore(node, here);
  }
  if (focused !== document.activeElement) focused?.focus({ preventScroll: true });
}

/* Who asked the system for less motion starts videos by their own controls. */
const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;

/* Show cards, given as [key, html] with every text escaped in Python; those still there stay. */
function fill(parent, cards) {
  const fresh = parent.cloneNode(false);
  for (const [key, html] of cards) {
    const holder = document.createElement("template");
    holder.innerHTML = html;
    const card = holder.content.firstElementChild;
    if (isCalm) for (const video of card.querySelectorAll("video")) video.autoplay = false;
    card.dataset.key = key;
    fresh.append(card);
  }
  morph(parent, fresh);
}
