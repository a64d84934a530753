/* Shows the jobs in line, and tells Python which button was pressed. Texts arrive escaped. */
const line = element.querySelector(".line");
const told = element.querySelector(".told");

function show(value) {
  if (told.textContent !== value.told) told.textContent = value.told;
  element.querySelector("[data-act=pause_all]").hidden = value.is_paused;
  element.querySelector("[data-act=resume_all]").hidden = !value.is_paused;
  fill(line, value.cards);
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) trigger("queue_act", { act: button.dataset.act, id: Number(button.dataset.id || 0) });
});

snapui.show("queue", element, show);
