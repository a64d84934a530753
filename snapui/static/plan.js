/* Every new plan is drawn anew: its table stays as open as the one before was. */
let isOpen = false;
element.addEventListener("click", (event) => {
  if (event.target.closest("summary")) isOpen = !element.querySelector("details").open;
});
new MutationObserver(() => {
  const table = element.querySelector("details");
  if (table && table.open !== isOpen) table.open = isOpen;
}).observe(element, { childList: true, subtree: true, attributeFilter: ["open"] });
