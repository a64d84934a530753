/* Has the whole prompt judged once its typing rests, and takes the model that the note names. */
const REST_MILLISECONDS = 1500;
let resting = null;

document.addEventListener("input", (event) => {
  if (!event.target.closest("#control-prompt")) return;
  clearTimeout(resting);
  resting = setTimeout(() => trigger("rested", {}), REST_MILLISECONDS);
});
/* Pressing the button must not leave the prompt, or the note is drawn anew under the pointer. */
element.addEventListener("mousedown", (event) => {
  if (event.target.closest("[data-model]")) event.preventDefault();
});
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-model]");
  if (button) trigger("use_model", { model: button.dataset.model });
});
