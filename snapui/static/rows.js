/* The segments as rows: from and to in seconds, and what is shown. The value holds them as texts,
   as they were typed; Python checks them. */
const list = element.querySelector("ol");
const model = element.querySelector("template");

function row([start, end, prompt]) {
  const item = model.content.firstElementChild.cloneNode(true);
  item.querySelector(".from").value = start;
  item.querySelector(".to").value = end;
  item.querySelector("textarea").value = prompt;
  return item;
}

function show() {
  const value = props.value || {};
  list.replaceChildren(...(value.rows || []).map(row));
  name();
}

function name() {
  [...list.children].forEach((item, place) => {
    const number = place + 1;
    item.querySelector(".from").setAttribute("aria-label", `Segment ${number} from, seconds`);
    item.querySelector(".to").setAttribute("aria-label", `Segment ${number} to, seconds`);
    item.querySelector("textarea").setAttribute("aria-label", `Segment ${number} shows`);
    item.querySelector(".drop").setAttribute("aria-label", `Remove segment ${number}`);
  });
}

function keep() {
  name();
  const rows = [...list.children].map((item) => [item.querySelector(".from").value,
    item.querySelector(".to").value, item.querySelector("textarea").value]);
  props.value = { ...props.value, rows };
  trigger("change");
}

element.addEventListener("input", keep);
element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.classList.contains("drop")) {
    button.closest("li").remove();
    element.querySelector(".add").focus();
  } else {
    const last = list.lastElementChild;
    const begin = Number(last ? last.querySelector(".to").value : (props.value || {}).begin) || 0;
    list.append(row([begin, Math.round((begin + 2) * 100) / 100, ""]));
    list.lastElementChild.querySelector("textarea").focus();
  }
  keep();
});

watch("value", show);
show();
