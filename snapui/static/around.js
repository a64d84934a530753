/* Closes a dialog when the dimmed page around it is pressed. To an event the dialog's own padding is
   the dialog too, and so is where a selection that began in a field ends outside of it; both must
   leave alone what was typed. */
function closeFromAround(dialog) {
  let isPressed = false;
  const isAround = ({ target, clientX: x, clientY: y }) => {
    const box = dialog.getBoundingClientRect();
    return target === dialog && (x < box.left || x > box.right || y < box.top || y > box.bottom);
  };
  dialog.addEventListener("pointerdown", (event) => { isPressed = isAround(event); });
  dialog.addEventListener("click", (event) => {
    if (isPressed && isAround(event)) dialog.close();
  });
}
