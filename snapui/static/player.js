/* Plays the cells of a comparison in lockstep: one clock, one frame number, every canvas drawn from
   it. Pixels come from one picture per cell that holds all its frames. */
const grid = element.querySelector(".grid");
const after = element.querySelector(".after");
const told = element.querySelector(".told");
const stop = element.querySelector(".stop");
const failed = element.querySelector(".failed");
const transport = element.querySelector(".transport");
const play = element.querySelector(".play");
const scrub = element.querySelector(".scrub");
const output = element.querySelector(".place");
const speed = element.querySelector(".speed");
const loop = element.querySelector(".loop");
const difference = element.querySelector(".difference");
const pictures = new Map();
let time = 0;  /* in frames */
let playing = !isCalm;
let last = null;
let shown = null;

function show() {
  const value = props.value || {};
  if (!value.grid) return;
  if (told.textContent !== value.told) told.textContent = value.told;
  stop.hidden = !value.stop;
  stop.disabled = value.stop === "Stopping";
  stop.textContent = value.stop;
  transport.hidden = value.count === 0;
  scrub.max = Math.max(0, value.count - 1);
  if (shown !== value.id) {
    time = 0;
    shown = value.id;
    failed.hidden = true;
    pictures.clear();
  }
  fill(grid, value.grid);
  fill(after, value.after);
  for (const canvas of grid.querySelectorAll("canvas")) load(canvas.dataset.url);
  draw();
}

function load(url) {
  if (pictures.has(url)) return;
  const picture = new Image();
  picture.addEventListener("load", draw);
  picture.src = url;
  pictures.set(url, picture);
}

/* Put one frame of a cell's picture on a canvas. */
function paint(target, cell, frame) {
  const picture = pictures.get(cell.dataset.url);
  if (!picture || !picture.complete || !picture.naturalWidth) return;
  const across = Number(cell.dataset.across);
  const width = picture.naturalWidth / across;
  const height = picture.naturalHeight / Math.ceil(cell.dataset.frames / across);
  const place = Math.min(cell.dataset.frames - 1, Math.floor(frame * cell.dataset.share + 1e-6));
  target.drawImage(picture, (place % across) * width, Math.floor(place / across) * height,
    width, height, 0, 0, target.canvas.width, target.canvas.height);
}

/* Draw one frame in every cell; as a difference, from the first cell of its row. */
function draw() {
  const frame = Math.floor(time);
  const firsts = new Map();
  for (const canvas of grid.querySelectorAll("canvas")) {
    const row = canvas.dataset.row;
    if (!firsts.has(row)) firsts.set(row, canvas);
    const differs = difference.checked && firsts.get(row) !== canvas;
    const target = canvas.getContext("2d");
    target.globalCompositeOperation = "copy";
    paint(target, canvas, frame);
    target.globalCompositeOperation = "difference";
    if (differs) paint(target, firsts.get(row), frame);
    canvas.classList.toggle("differs", differs);
    canvas.frame = frame;
  }
  scrub.value = frame;
  output.textContent = `${frame + 1} / ${props.value.count || 1}`;
}

function tick(now) {
  const count = (props.value || {}).count || 0;
  if (!element.isConnected) return;
  if (playing && count && last !== null && grid.offsetParent) {
    const before = Math.floor(time);
    time += (now - last) / 1000 * props.value.fps * Number(speed.value);
    if (time >= count) {
      time = loop.checked ? time % count : count - 1;
      if (!loop.checked) setPlaying(false);
    }
    if (Math.floor(time) !== before) draw();
  }
  last = now;
  requestAnimationFrame(tick);
}

function setPlaying(wanted) {
  const count = props.value.count;
  if (wanted && time >= count - 1) time = 0;
  playing = wanted;
  play.textContent = playing ? "Pause" : "Play";
}

function goTo(frame) {
  setPlaying(false);
  time = (frame + props.value.count) % props.value.count;
  draw();
}

function save(button) {
  const still = button.dataset.kind === "png" ? Math.floor(time) : null;
  saveFile(server.save({ id: props.value.id, still }), button, failed);
}

play.addEventListener("click", () => setPlaying(!playing));
stop.addEventListener("click", () => trigger("stop_comparison", { id: props.value.id }));
scrub.addEventListener("input", () => goTo(Number(scrub.value)));
difference.addEventListener("change", draw);
element.querySelector(".back").addEventListener("click", () => goTo(Math.floor(time) - 1));
element.querySelector(".forth").addEventListener("click", () => goTo(Math.floor(time) + 1));
after.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (!button || button.disabled) return;
  if (button.dataset.act === "export") save(button);
  else if (button.dataset.act === "ballot") trigger("start_ballot", {});
  else trigger("end_ballot", {});
});
after.addEventListener("submit", (event) => {
  event.preventDefault();
  trigger("cast_vote", { choices: Object.fromEntries(new FormData(event.target)) });
});

watch("value", show);
show();
snapui.news(element, () => trigger("look_again", {}));
play.textContent = playing ? "Pause" : "Play";
requestAnimationFrame(tick);
