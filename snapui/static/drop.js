/* A clip dropped anywhere on the page goes to the button that restores settings from a file, save
   on a field that takes files of its own. Gradio's zones keep what happens on them to themselves,
   so all of this listens before they do. */
const OWN_FIELDS = "#beginning, #extend-files";
const ZONE = "[aria-dropeffect]";

function holdsFiles(event) {
  return event.dataTransfer && [...event.dataTransfer.types].includes("Files");
}

function isOver(event, selector) {
  return event.target.closest?.(selector) != null;
}

/* Only a zone takes a file itself; anywhere else the browser would open it. */
function keepPage(event) {
  if (isOver(event, OWN_FIELDS) && isOver(event, ZONE)) return;
  event.preventDefault();
  if (isOver(event, OWN_FIELDS)) event.dataTransfer.dropEffect = "none";
}

document.addEventListener("dragover", (event) => {
  if (!holdsFiles(event)) return;
  keepPage(event);
  document.body.classList.toggle("is-dropping", !isOver(event, OWN_FIELDS));
}, true);

document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("is-dropping");
}, true);

document.addEventListener("drop", (event) => {
  document.body.classList.remove("is-dropping");
  if (!holdsFiles(event)) return;
  keepPage(event);
  if (isOver(event, OWN_FIELDS)) return;
  const input = document.querySelector("#top input[type=file]");
  const one = new DataTransfer();
  one.items.add(event.dataTransfer.files[0]);
  input.files = one.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}, true);
