/* Shows the cards of the Extend tab, and tells Python which button was pressed. Texts arrive
   escaped. */
const cards = element.querySelector(".cards");
const markGone = watchGone(element, ".one");

function show() {
  const value = props.value || {};
  if (!value.cards) return;
  fill(cards, value.cards);
  markGone();
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (!button || button.disabled) return;
  if (["stop", "keep"].includes(button.dataset.act)) button.disabled = true;
  trigger("reel_act", { act: button.dataset.act, id: Number(button.dataset.id), seconds: 0 });
});
element.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  trigger("reel_act", { act: "trim", id: Number(form.dataset.id),
    seconds: Number(form.elements.seconds.value) });
});

watch("value", show);
show();
snapui.news(element, () => trigger("look_again", {}));
