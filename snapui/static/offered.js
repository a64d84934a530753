/* Asks for a prompt about the subject that is pressed. */
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-offer]");
  if (button) trigger("use_offer", { offer: button.dataset.offer });
});
