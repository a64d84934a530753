/* A clip dropped anywhere on the page goes to the button that restores settings from a file. */
function holdsFiles(event) {
  return event.dataTransfer && [...event.dataTransfer.types].includes("Files");
}

/* A field that takes a picture or a video of its own. */
function takesFiles(target) {
  return target.closest && target.closest("#extend-files") !== null;
}

document.addEventListener("dragover", (event) => {
  if (!holdsFiles(event)) return;
  const isTaken = takesFiles(event.target);
  if (!isTaken) event.preventDefault();
  document.body.classList.toggle("is-dropping", !isTaken);
});

document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("is-dropping");
});

document.addEventListener("drop", (event) => {
  if (!holdsFiles(event) || takesFiles(event.target)) return;
  event.preventDefault();
  document.body.classList.remove("is-dropping");
  const input = document.querySelector("#top input[type=file]");
  const one = new DataTransfer();
  one.items.add(event.dataTransfer.files[0]);
  input.files = one.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
});
