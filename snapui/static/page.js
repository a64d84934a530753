/* Keys, the light/dark switch and the seed's lock of the whole page. */
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    if (document.querySelector("dialog[open]")) {  // its form is meant, not the tab behind it
      event.target.closest("dialog form")?.requestSubmit();
      return;
    }
    const buttons = [...document.querySelectorAll("#run, #run-comparison, #run-extension")];
    buttons.find((button) => button.offsetParent)?.click();  // the one of the open tab
  }
}, true);

/* Gradio's own input event follows key presses only: it misses a pasted, dropped or deleted seed. */
document.addEventListener("input", (event) => {
  if (!event.target.closest("#control-seed")) return;
  const lock = document.querySelector("#lock input");
  if (!lock.checked) lock.click();
});

/* On a phone the drafts are made below all settings: show them. */
document.addEventListener("click", (event) => {
  if (!event.target.closest("#run") || !matchMedia("(max-width: 900px)").matches) return;
  document.querySelector("#results").scrollIntoView();
});

function snapuiLook(look) {
  document.body.classList.toggle("dark", look === "dark");
  localStorage.setItem("snapui-look", look);
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("#look")) return;
  snapuiLook(document.body.classList.contains("dark") ? "light" : "dark");
});

window.addEventListener("load", () => {
  const look = localStorage.getItem("snapui-look");
  if (look && !new URLSearchParams(location.search).has("__theme")) snapuiLook(look);
});
