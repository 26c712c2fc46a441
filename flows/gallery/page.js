"use strict";

// Search and filters.
const jobs = [...document.querySelectorAll(".job")];
const find = document.getElementById("find");
const choices = [...document.querySelectorAll(".filters select")];
const count = document.getElementById("count");
const none = document.getElementById("none");
const told = new Map();

function textOf(job) {
  if (!told.has(job)) {
    const parts = job.querySelectorAll("h3, dd, li, .prompt, .reason, .advice");
    told.set(job, [...parts].map((part) => part.textContent).join("\n").toLowerCase());
  }
  return told.get(job);
}

function show() {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const job of jobs) {
    const fits =
      choices.every((choice) => !choice.value || job.dataset[choice.name] === choice.value) &&
      words.every((word) => textOf(job).includes(word));
    job.hidden = !fits;
    shown += fits;
    if (!fits) job.querySelectorAll("video").forEach((video) => video.pause());
  }
  for (const section of document.querySelectorAll("main > section")) {
    section.hidden = !section.querySelector(".job:not([hidden])");
  }
  count.textContent = shown === jobs.length ? `${shown} shown` : `${shown} of ${jobs.length}`;
  none.hidden = shown > 0 || jobs.length === 0;
}

find.addEventListener("input", show);
choices.forEach((choice) => choice.addEventListener("change", show));
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, select, textarea, video");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    find.focus();
  }
});
document.querySelector(".filters").hidden = false;
show();

// Playing: videos are made when somebody wants to see them, so that a thousand results open at once.
function screen(side, source, name) {
  const box = document.createElement("div");
  const label = document.createElement("p");
  const video = document.createElement("video");
  box.className = side;
  label.textContent = side;
  video.preload = "none";
  video.playsInline = true;
  video.loop = true;
  video.src = source;
  video.setAttribute("aria-label", `${name}, ${side}`);
  box.append(label, video);
  return { box, video };
}

// The result leads; the clip follows its every step, without sound.
function follow(lead, other) {
  const behind = () => Math.min(lead.currentTime, other.duration || Infinity) - other.currentTime;
  const align = (within) => {
    if (Math.abs(behind()) > within) other.currentTime += behind();
  };
  // A small gap is closed by running a little faster or slower, which nobody sees; a jump would show.
  const keepUp = () => {
    align(0.3);
    other.playbackRate = lead.playbackRate * (1 + Math.max(-0.2, Math.min(0.2, behind())));
  };
  const start = () => {
    if (!lead.paused && lead.currentTime < (other.duration || Infinity)) other.play().catch(() => {});
  };
  other.muted = true;
  lead.addEventListener("playing", () => { align(0.05); start(); });
  lead.addEventListener("pause", () => { other.pause(); align(0.02); });
  lead.addEventListener("waiting", () => other.pause());
  lead.addEventListener("seeked", () => { align(0.02); start(); });
  lead.addEventListener("timeupdate", keepUp);
  lead.addEventListener("ratechange", keepUp);
  other.addEventListener("click", () => (lead.paused ? lead.play() : lead.pause()));
}

function open(button, stage, name) {
  const result = screen("after", button.dataset.result, name);
  result.video.controls = true;
  stage.append(result.box);
  if (button.dataset.original) {
    const original = screen("before", button.dataset.original, name);
    original.video.loop = false;
    original.video.addEventListener("error", () => {
      original.box.remove();
      const sorry = document.createElement("p");
      sorry.textContent = "The clip itself cannot be played from here.";
      stage.append(sorry);
    }, { once: true });
    follow(result.video, original.video);
    stage.prepend(original.box);
  }
  result.video.play().catch(() => {});
}

function close(stage) {
  for (const video of stage.querySelectorAll("video")) {
    video.pause();
    video.removeAttribute("src");
    video.load();
  }
  stage.replaceChildren();
}

for (const button of document.querySelectorAll(".play")) {
  const stage = document.getElementById(button.getAttribute("aria-controls"));
  const name = button.closest(".job").querySelector("h3").textContent;
  const word = button.querySelector(".word");
  const closed = button.dataset.original ? "Play before and after" : "Play";
  word.textContent = closed;
  button.hidden = false;
  button.addEventListener("click", () => {
    const opens = stage.hidden;
    stage.hidden = !opens;
    button.setAttribute("aria-expanded", String(opens));
    word.textContent = opens ? "Put away" : closed;
    if (opens) open(button, stage, name);
    else close(stage);
  });
}

// One at a time can be heard.
document.addEventListener("play", (event) => {
  for (const video of document.querySelectorAll("video[controls]")) {
    if (event.target.controls && video !== event.target) video.pause();
  }
}, true);
