/* Leave out of a prompt the word that is being typed: half of a known word is not a new one. */
(prompt, model) => {
  const box = document.activeElement;
  if (!box?.closest("#control-prompt") || !("selectionStart" in box)) return [prompt, model];
  const before = prompt.slice(0, box.selectionStart);
  const begun = before.replace(/[\p{L}\p{M}\p{N}'’-]+$/u, "");
  if (begun === before) return [prompt, model];
  return [begun + prompt.slice(before.length).replace(/^[\p{L}\p{M}\p{N}'’-]+/u, ""), model];
}
