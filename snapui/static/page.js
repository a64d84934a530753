/* Keys, the light/dark switch, the seed's lock and the language of the whole page. */
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

/* On a phone clips are made below all settings, and a clip's settings come back above them: show
   what answers a button. The library's opens another tab first, when the program has answered. */
const ANSWERS = [["#run", "#results"], ["#run-comparison", "#compare-results"],
  ["#run-extension", "#extend-results"],
  ["[data-act=reuse], [data-act=use]", "#settings, #extend-settings"]];

function showAnswer(selector, tries) {
  const answer = [...document.querySelectorAll(selector)].find((one) => one.offsetParent);
  if (answer) answer.scrollIntoView();
  else if (tries) setTimeout(() => showAnswer(selector, tries - 1), 100);
}

document.addEventListener("click", (event) => {
  if (!matchMedia("(max-width: 900px)").matches) return;
  for (const [button, answer] of ANSWERS) {
    if (event.target.closest(button)) showAnswer(answer, 50);
  }
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

/* Gradio gives the page the visitor's own language, but its words are English: a screen reader would
   read them out as if they were not, and a browser not offer to translate them. */
new MutationObserver(() => {
  if (document.documentElement.lang !== "en") document.documentElement.lang = "en";
}).observe(document.documentElement, { attributeFilter: ["lang"] });
