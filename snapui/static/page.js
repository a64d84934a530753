/* Keys and the light/dark switch of the whole page. */
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    const buttons = [...document.querySelectorAll("#run, #run-comparison")];
    buttons.find((button) => button.offsetParent)?.click();  // the one of the open tab
  }
}, true);

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
