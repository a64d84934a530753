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

/* Show the look that was chosen with the button, if one was and the address asks for no other. Only
   a difference is written: every write is told to whoever watches the class, which is this. */
function showLook() {
  const look = localStorage.getItem("snapui-look");
  if (!look || new URLSearchParams(location.search).has("__theme")) return;
  const { classList } = document.body;
  if (classList.contains("dark") !== (look === "dark")) classList.toggle("dark");
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("#look")) return;
  const isDark = document.body.classList.toggle("dark");
  localStorage.setItem("snapui-look", isDark ? "dark" : "light");
});

/* Gradio sets the system's look when it has started, and again whenever that changes. Watchers are
   told before anything is painted, so it never shows. */
showLook();
new MutationObserver(showLook).observe(document.body, { attributeFilter: ["class"] });
