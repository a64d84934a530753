/* Puts the cards of the contact sheet in place by key, and tells Python what was pressed.
   Texts arrive escaped; this file never builds HTML from data of its own. */
const cards = element.querySelector(".cards");
const hint = element.querySelector(".picks .hint");
const bar = element.querySelector(".picks");
const upscale = element.querySelector(".picks .upscale");
const untick = element.querySelector(".picks .untick");
const MEMORY = "snapui-ticked";
const markGone = watchGone(cards, ".clip:not(.is-moving)");  /* old previews may go */
let measured = null;
let sent = [];  /* the drafts whose upscales were asked for, until that is answered */
const ticked = new Set(JSON.parse(sessionStorage.getItem(MEMORY) || "[]"));
const large = largeDraft(element.querySelector("dialog"), cards, ticked, picks);

function show(value) {
  const status = element.querySelector(".status");
  if (status.textContent !== value.status) status.textContent = value.status;
  fill(cards, value.cards);
  markGone();
  for (const id of [...ticked]) {
    if (!cards.querySelector(`[data-pick="${id}"]`)) ticked.delete(id);
  }
  picks();
  large.show();
  const timings = JSON.stringify(value.timings);
  if (measured !== null && measured !== timings) trigger("measured", {});
  measured = timings;
}

function picks() {
  const boxes = [...cards.querySelectorAll("[data-pick]")];
  for (const box of boxes) {
    box.checked = ticked.has(Number(box.dataset.pick));
    box.closest("figure").classList.toggle("is-ticked", box.checked);
  }
  bar.hidden = boxes.length === 0;
  upscale.disabled = ticked.size === 0;
  const seconds = ((props.value || {}).upscale_seconds || 0) * ticked.size;
  const time = seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.round(seconds / 60)} min`;
  upscale.textContent = !ticked.size ? "Upscale"
    : `Upscale ${ticked.size} ticked` + (seconds ? `, about ${time}` : "");
  hint.hidden = ticked.size > 0;
  untick.hidden = ticked.size === 0;
  sessionStorage.setItem(MEMORY, JSON.stringify([...ticked, ...sent]));
}

element.addEventListener("change", (event) => {
  const box = event.target.closest("[data-pick]");
  if (!box) return;
  const id = Number(box.dataset.pick);
  if (box.checked) ticked.add(id); else ticked.delete(id);
  picks();
});

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button || button.disabled) return;
  const id = Number(button.dataset.id);
  if (button === upscale) {
    sent = [...ticked];
    ticked.clear();
    trigger("upscale_clips", { ids: sent });
    picks();
  } else if (button === untick) {
    ticked.clear();
    picks();
  } else if (button.dataset.act === "stop") {
    button.disabled = true;
    trigger("stop_job", { id });
  } else if (button.dataset.act === "large") large.open(id);
  else if (button.dataset.act === "reuse") trigger("reuse_clip", { id });
  else if (button.dataset.act === "extend") trigger("extend_clip", { id });
  else if (button.dataset.act === "example") trigger("use_example", { id });
  else large.press(button.dataset.act);
});

/* Drafts whose upscales were refused, or never heard of, are ticked as before. */
document.addEventListener("snapui-answered", ({ detail: isAccepted }) => {
  if (!isAccepted) for (const id of sent) ticked.add(id);
  sent = [];
  picks();
});

watch("value", picks);
snapui.show("sheet", element, show);
snapui.start(props.live_key);
