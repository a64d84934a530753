/* Shows one draft large over the page; the arrow keys go from draft to draft.
   ticked: the numbers of those kept, which `changed` makes visible. Returns: what opens the draft of
   a number, what shows anew the one that is open, and what becomes of a press inside. */
function largeDraft(dialog, cards, ticked, changed) {
  const picture = dialog.querySelector("img");
  const prompt = dialog.querySelector("h3");
  const keep = dialog.querySelector("input");
  const seed = dialog.querySelector(".seed");
  const beside = { previous: -1, next: 1 };
  let opened = null;
  const drafts = () => [...cards.querySelectorAll(".clip:not(.is-gone) [data-act=large]")];
  const place = () => drafts().findIndex((one) => Number(one.dataset.id) === opened);

  function show() {
    if (opened === null) return;
    const all = drafts(), here = place();
    if (here < 0) return dialog.close();  /* it was binned meanwhile */
    const small = all[here].querySelector("img");
    if (picture.getAttribute("src") !== small.getAttribute("src")) {
      picture.setAttribute("src", small.getAttribute("src"));
      picture.alt = small.alt;
    }
    prompt.textContent = all[here].closest(".job").querySelector("h3").textContent;
    const draft = all[here].closest("figure");
    const told = draft.querySelector(".seed").textContent;
    if (seed.textContent !== told) seed.textContent = told;  /* it is read out then */
    keep.setAttribute("aria-label", draft.querySelector("[data-pick]").getAttribute("aria-label"));
    keep.checked = ticked.has(opened);
    for (const [act, by] of Object.entries(beside)) {
      const button = dialog.querySelector(`[data-act=${act}]`), isEnd = !all[here + by];
      if (isEnd && button === document.activeElement) keep.focus();  /* or no key is heard */
      button.disabled = isEnd;
    }
    if (!dialog.open) {
      dialog.showModal();
      keep.focus();  /* the space bar keeps */
    }
  }

  function open(id) {
    opened = id;
    show();
  }

  function step(by) {
    const next = drafts()[place() + by];
    if (next) open(Number(next.dataset.id));
  }

  function press(act) {
    if (act === "close") dialog.close();
    if (act in beside) step(beside[act]);
  }

  keep.addEventListener("change", () => {
    if (keep.checked) ticked.add(opened); else ticked.delete(opened);
    changed();
  });
  closeFromAround(dialog);
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  dialog.addEventListener("close", () => {
    cards.querySelector(`[data-act=large][data-id="${opened}"]`)?.focus();
    opened = null;
  });
  return { open, show, press };
}
