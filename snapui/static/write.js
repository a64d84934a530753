/* Writes a prompt as if it were typed: Ctrl+Z brings back what stood there. What was pressed for it
   keeps the focus, and the list of what a model draws says the prompt, which may be out of sight.
   Returns what is left to write: nothing, so that one that cannot be had writes none of before. */
snapui.write = (text) => {
  if (!text) return "";
  const prompt = document.querySelector("#control-prompt textarea");
  const pressed = document.activeElement;
  prompt.focus({ preventScroll: true });
  prompt.select();
  document.execCommand("insertText", false, text);
  if (pressed !== document.body) pressed.focus({ preventScroll: true });
  const told = document.querySelector("#offered [role=status]");
  if (told) told.textContent = text;
  return "";
};
