/* The library: puts cards in place, opens one clip large, and tells Python what was pressed. */
const cards = element.querySelector(".cards");
const told = element.querySelector(".told");
const emptyBin = element.querySelector(".empty-bin");
const pages = element.querySelector(".pages");
const newer = element.querySelector(".newer");
const older = element.querySelector(".older");
const leaf = element.querySelector(".place input");
const dialog = element.querySelector("dialog");
const picks = element.querySelector(".picks");
const compare = element.querySelector(".picks .compare");
const untick = element.querySelector(".picks .untick");
const discard = element.querySelector(".picks .discard");
const putBack = element.querySelector(".picks .put-back");
const hint = element.querySelector(".picks .hint");
const MEMORY = "snapui-compared";
const shelved = new Set(JSON.parse(sessionStorage.getItem(MEMORY) || "[]"));  /* of all pages */
const binned = new Set();
let ticked = shelved;  /* those of the view */
const markGone = watchGone(cards, ".open");
let opened = null;
let turned = null;  /* the number of the page that was shown last: what is being typed stays */
let shown = null;  /* what the dialog was filled with */

function show() {
  const value = props.value || {};
  if (!value.cards) return;
  if (told.textContent !== value.told) told.textContent = value.told;
  emptyBin.hidden = !value.binned;
  ticked = value.view === "Bin" ? binned : shelved;
  pages.hidden = value.pages < 2;
  leaf.max = value.pages;
  if (turned !== value.number || leaf !== document.activeElement) leaf.value = value.number + 1;
  turned = value.number;
  element.querySelector(".place span").textContent = value.pages;
  newer.disabled = value.number === 0;
  older.disabled = value.number + 1 >= value.pages;
  fill(cards, value.cards);
  markGone();
  pick();
  forget();
  if (opened !== null) describe(opened);
}

/* Untick what has left the shelf or the bin, whichever page it was that moved it. What was refused,
   or never heard of, stays ticked. */
async function forget() {
  for (const [ticks, isBinned] of [[shelved, false], [binned, true]]) {
    const ids = [...ticks];
    const answer = ids.length ? await server.among({ ids, is_binned: isBinned }) : null;
    if (answer?.ids) for (const id of ids) if (!answer.ids.includes(id)) ticks.delete(id);
  }
  pick();
}

function pick() {
  for (const box of cards.querySelectorAll("[data-pick]")) {
    box.checked = ticked.has(Number(box.dataset.pick));
    box.closest(".card").classList.toggle("is-ticked", box.checked);
  }
  const inBin = ticked === binned;
  picks.hidden = ticked.size === 0 && cards.querySelectorAll("[data-pick]").length < 2;
  hint.textContent = inBin ? "Tick clips to take them out together."
    : "Tick clips to bin them, or 2 to 4 to compare.";
  hint.hidden = inBin ? ticked.size > 0 : ticked.size >= 2 && ticked.size <= 4;
  compare.hidden = inBin;
  compare.disabled = ticked.size < 2 || ticked.size > 4;
  compare.textContent = ticked.size ? `Compare ${ticked.size} ticked` : "Compare";
  untick.hidden = ticked.size === 0;
  discard.hidden = inBin || ticked.size === 0;
  discard.textContent = `Put ${ticked.size} in the bin`;
  putBack.hidden = !inBin || ticked.size === 0;
  putBack.textContent = `Take ${ticked.size} out of the bin`;
  sessionStorage.setItem(MEMORY, JSON.stringify([...shelved]));
}

/* Show one clip large, or what it has become since. */
async function describe(id) {
  opened = id;
  const answer = await server.describe({ id });
  if (opened !== id) return;  /* closed, or another one opened meanwhile */
  if (!answer || answer.error) {  /* it is gone, or the program is */
    opened = null;
    dialog.close();
    return;
  }
  if (answer.html === shown) return;  /* what a failed download said stays */
  shown = answer.html;
  fill(dialog, [[`one-${id}`, answer.html]]);
  if (!dialog.open) dialog.showModal();
  /* With another clip the focus is gone, and with it the keys that the dialog hears. */
  if (!dialog.contains(document.activeElement)) dialog.querySelector("[data-act=close]").focus();
}

/* The clip before or after the open one on this page; nothing at either end. */
function step(by) {
  const ids = [...cards.querySelectorAll(".open")].map((one) => Number(one.dataset.id));
  const next = ids[ids.indexOf(opened) + by];
  if (ids.includes(opened) && next !== undefined) describe(next);
}

/* Open a clip's folder where the program runs, or say in the dialog, which covers toasts, where. */
async function openFolder(id) {
  const answer = await server.open_folder({ id });
  if (opened !== id) return;
  dialog.querySelector(".where").textContent = answer
    ? answer.told || answer.error || "" : "The program did not answer; try again.";
}

/* Put the open clip in the bin or take it out. */
function move(act, id) {
  trigger("change_clip", { act, id, values: [] });
  dialog.close();
}

const acts = {
  open: describe,
  close: () => dialog.close(),
  star: (id, button) => trigger("change_clip",
    { act: "star", id, values: [button.getAttribute("aria-pressed") !== "true"] }),
  bin: (id) => move("bin", id),
  put_back: (id) => move("put_back", id),
  use: (id) => { trigger("use_clip", { id }); dialog.close(); },
  extend: (id) => { trigger("extend_clip", { id }); dialog.close(); },
  folder: openFolder,
};

element.addEventListener("change", (event) => {
  const box = event.target.closest("[data-pick]");
  if (!box) return;
  const id = Number(box.dataset.pick);
  if (box.checked) ticked.add(id); else ticked.delete(id);
  pick();
});
for (const [button, event] of [[compare, "compare_clips"], [discard, "bin_clips"],
  [putBack, "put_back_clips"]]) {
  button.addEventListener("click", () => trigger(event, { ids: [...ticked] }));
}
untick.addEventListener("click", () => {
  ticked.clear();
  pick();
});
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button) acts[button.dataset.act](Number(button.dataset.id || opened), button);
});
newer.addEventListener("click", () => trigger("turn_page", { number: props.value.number - 1 }));
older.addEventListener("click", () => trigger("turn_page", { number: props.value.number + 1 }));
leaf.addEventListener("change", () => {
  leaf.value = Math.min(Math.max(1, Math.trunc(leaf.value)), props.value.pages);
  trigger("turn_page", { number: leaf.value - 1 });
});
emptyBin.addEventListener("click", () => {
  const clips = `${props.value.binned} clip${props.value.binned > 1 ? "s" : ""}`;
  if (confirm(`Empty the whole bin? It holds ${clips}; the files are deleted for good.`)) {
    trigger("empty_bin", {});
  }
});
dialog.addEventListener("close", () => {
  opened = shown = null;
  dialog.replaceChildren();
});
dialog.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  if (form.dataset.form === "download") {
    saveFile(server.convert({ id: opened, suffix: form.elements.suffix.value }),
      form.querySelector("button"), dialog.querySelector("[role=alert]"));
  } else if (form.dataset.form === "upscale") {
    const { upscale_steps: steps, upscale_noise: noise } = form.elements;
    trigger("upscale_clip", { id: opened, steps: steps.value, noise: noise.value });
    dialog.close();
  } else trigger("change_clip", { act: "rename", id: opened, values: [form.elements.title.value] });
});
closeFromAround(dialog);
dialog.addEventListener("keydown", (event) => {
  if (event.target.closest("input, select, video")) return;
  if (event.key === "ArrowLeft") step(-1);
  if (event.key === "ArrowRight") step(1);
});

watch("value", show);
show();
snapui.news(element, () => {
  trigger("look_again", {});
  forget();  /* what was moved may be on another page than this shows, which then stays as it is */
});
