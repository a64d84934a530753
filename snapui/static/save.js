/* Have the browser save a file that the program makes on request, or say why there is none. */
async function saveFile(answering, button, failed) {
  button.disabled = true;
  const answer = await answering || { error: "The program did not answer; try again." };
  button.disabled = false;
  failed.hidden = !answer.error;
  failed.textContent = answer.error || "";
  if (answer.error) return;
  const link = document.createElement("a");
  link.href = answer.url;
  link.download = answer.name;
  link.click();
}
