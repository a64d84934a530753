/* Says where a picture or a video stood whose file is not in the output folder any more. Returns
   what to call after cards were put in place: those drawn anew are marked again. */
function watchGone(element, holder) {
  const gone = new Set();
  function mark() {
    for (const one of element.querySelectorAll("img, video")) {
      if (gone.has(one.getAttribute("src"))) one.closest(holder)?.classList.add("is-gone");
    }
  }
  element.addEventListener("error", (event) => {  /* errors do not bubble, but are captured */
    gone.add(event.target.getAttribute("src"));
    mark();
  }, true);
  return mark;
}
