/* Shows the jobs in line, tells Python which button was pressed, and has a job's settings changed
   in a dialog. Texts arrive escaped. */
const line = element.querySelector(".line");
const told = element.querySelector(".told");
const dialog = element.querySelector("dialog");

function show(value) {
  element.querySelector(".crew").textContent = value.crew;
  if (told.textContent !== value.told) told.textContent = value.told;
  element.querySelector("[data-act=pause_all]").hidden = value.is_paused;
  element.querySelector("[data-act=resume_all]").hidden = !value.is_paused;
  fill(line, value.cards);
}

async function edit(id) {
  const answer = await server.form({ id });
  if (!answer || answer.error) return;  /* it is gone; the line says so in a moment */
  fill(dialog, [[`edit-${id}`, answer.html]]);
  dialog.showModal();
}

async function save(form) {
  const values = Object.fromEntries(new FormData(form));
  const answer = await server.change({ id: Number(form.dataset.id), values })
    || { error: "The program did not answer; try again." };
  const failed = form.querySelector("[role=alert]");
  failed.hidden = !answer.error;
  failed.textContent = answer.error || "";
  if (answer.error) return;
  dialog.close();
  snapui.look();
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (!button) return;
  const id = Number(button.dataset.id || 0);
  if (button.dataset.act === "close") dialog.close();
  else if (button.dataset.act === "edit") edit(id);
  else trigger("queue_act", { act: button.dataset.act, id });
});
dialog.addEventListener("submit", (event) => {
  event.preventDefault();
  save(event.target);
});
dialog.addEventListener("close", () => dialog.replaceChildren());
closeFromAround(dialog);

snapui.show("queue", element, show);
