// Playing: videos are made when somebody wants to see them, so that a thousand results open at once.
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const part = (root, name) => root.querySelector(`[data-part="${name}"]`);
let view = matchMedia("(max-width: 40rem)").matches ? "slider" : "beside";

// Two videos as one: the longer leads, the other follows its every step and rests on its last frame.
function inStep(result, clip) {
  const pair = { lead: result, other: clip };
  const moment = () => Math.min(pair.lead.currentTime, pair.other.duration || Infinity);
  const behind = () => moment() - pair.other.currentTime;
  const align = (within) => {
    if (Math.abs(behind()) > within) pair.other.currentTime = moment();
  };
  const start = () => {
    const goesOn = !pair.lead.paused && pair.lead.currentTime < (pair.other.duration || Infinity);
    if (goesOn) pair.other.play().catch(() => {});
  };
  const steps = {
    playing() { align(0.05); start(); },
    pause() { pair.other.pause(); align(0.02); },
    seeking() { align(0.02); },
    seeked() { start(); },
    // A small gap is closed by running a little faster or slower, which nobody sees; a jump would show.
    timeupdate() {
      align(0.3);
      if (pair.other.paused) start();
      pair.other.playbackRate = pair.lead.playbackRate * (1 + Math.max(-0.5, Math.min(0.5, 3 * behind())));
    },
  };
  for (const video of clip ? [result, clip] : []) {
    for (const [name, step] of Object.entries(steps)) {
      video.addEventListener(name, () => { if (pair.other && video === pair.lead) step(); });
    }
    // Whoever moves the follower, with the browser's own keys for example, moves both.
    video.addEventListener("seeking", () => {
      if (video === pair.other && Math.abs(behind()) > 0.3) pair.lead.currentTime = video.currentTime;
    });
    video.addEventListener("loadedmetadata", () => {
      if (pair.other !== clip || !(clip.duration > result.duration)) return;
      clip.currentTime = result.currentTime;
      [pair.lead, pair.other] = [clip, result];
      clip.playbackRate = 1;
      clip.loop = result.loop;
      result.loop = false;
      if (result.paused) clip.pause();
      else clip.play().catch(() => {});
    });
  }
  // Without the clip the result goes on alone.
  pair.part = () => {
    result.loop = !calm.matches;
    if (pair.lead === clip && !clip.paused) result.play().catch(() => {});
    Object.assign(pair, { lead: result, other: null });
  };
  result.loop = !calm.matches;
  return pair;
}

// One control for both: play and pause, the moment, and whose sound is heard.
function steer(stage, pair, videos) {
  const toggle = part(stage, "toggle");
  const seek = part(stage, "seek");
  const sound = part(stage, "sound");
  const time = part(stage, "time");
  const draw = () => {
    const { currentTime, duration } = pair.lead;
    const whole = duration || 0;
    seek.max = whole;
    seek.value = currentTime;
    seek.setAttribute("aria-valuetext", `${currentTime.toFixed(1)} of ${whole.toFixed(1)} seconds`);
    time.textContent = `${currentTime.toFixed(1)} / ${whole.toFixed(1)} s`;
  };
  const move = () => {
    draw();
    if (!pair.lead.paused && stage.contains(pair.lead)) requestAnimationFrame(move);
  };
  const flip = () => {
    if (pair.lead.paused) pair.lead.play().catch(() => {});
    else pair.lead.pause();
  };
  const hear = () => videos.forEach((video) => { video.muted = sound.value !== video.dataset.side; });
  for (const video of videos) {
    video.addEventListener("click", flip);
    video.addEventListener("loadedmetadata", draw);
    video.addEventListener("seeked", draw);
    for (const name of ["play", "pause"]) {
      video.addEventListener(name, () => {
        toggle.dataset.plays = String(!pair.lead.paused);
        toggle.textContent = pair.lead.paused ? "Play" : "Pause";
        move();
      });
    }
  }
  toggle.addEventListener("click", flip);
  seek.addEventListener("input", () => { pair.lead.currentTime = seek.valueAsNumber; });
  sound.addEventListener("change", hear);
  hear();
}

function chooseView(stage, chosen) {
  view = stage.dataset.view = chosen;
  for (const button of stage.querySelectorAll("[data-show]")) {
    button.setAttribute("aria-pressed", String(button.dataset.show === chosen));
  }
}

function alone(stage, why) {
  part(stage, "views").hidden = true;
  stage.dataset.view = "alone";
  part(stage, "before").remove();
  part(stage, "cut").remove();
  part(stage, "sound").querySelector("[value=before]").remove();
  part(stage, "note").textContent = why;
}

function screen(stage, side, source, name) {
  const video = part(stage, side).querySelector("video");
  video.dataset.side = side;
  video.setAttribute("aria-label", `${name}, ${side}`);
  video.addEventListener("loadedmetadata", () => {
    part(stage, side).style.setProperty("--ratio", video.videoWidth / video.videoHeight);
    if (side === "after") part(stage, "screens").style.setProperty("--ratio", video.videoWidth / video.videoHeight);
  });
  video.src = source;
  return video;
}

function open(stage, { result, original, sound }, name) {
  stage.append(document.getElementById("player").content.cloneNode(true));
  const after = screen(stage, "after", result, name);
  const before = original ? screen(stage, "before", original, name) : null;
  const pair = inStep(after, before);
  const cut = part(stage, "cut");
  if (sound === undefined) part(stage, "sound").querySelector("[value=after]").remove();
  part(stage, "sound").value = sound === undefined ? "off" : "after";
  after.addEventListener("error", () => { part(stage, "note").textContent = "This browser cannot play the result."; });
  before?.addEventListener("error", () => {
    pair.part();
    alone(stage, "The clip itself cannot be played from here.");
  });
  cut.addEventListener("input", () => {
    part(stage, "screens").style.setProperty("--cut", `${cut.value}%`);
    cut.setAttribute("aria-valuetext", `${cut.value} % before, ${100 - cut.value} % after`);
  });
  for (const button of stage.querySelectorAll("[data-show]")) {
    button.addEventListener("click", () => chooseView(stage, button.dataset.show));
  }
  steer(stage, pair, before ? [after, before] : [after]);
  if (before) chooseView(stage, view);
  else alone(stage, "The clip lies where this page cannot reach it.");
  if (!calm.matches) after.play().catch(() => {});
  part(stage, "toggle").focus();
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
  const job = button.closest(".job");
  const word = button.querySelector(".word");
  const closed = button.dataset.original ? "Play before and after" : "Play";
  word.textContent = closed;
  button.hidden = false;
  button.addEventListener("click", () => {
    const opens = stage.hidden;
    stage.hidden = !opens;
    button.setAttribute("aria-expanded", String(opens));
    word.textContent = opens ? "Put away" : closed;
    if (opens) open(stage, button.dataset, job.querySelector("h3").textContent);
    else close(stage);
  });
  stage.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    button.click();
    button.focus();
  });
}

// One result at a time: who starts another one has seen enough of the last.
document.addEventListener("play", (event) => {
  const stage = event.target.closest(".stage");
  for (const video of document.querySelectorAll(".stage video")) {
    if (!stage.contains(video)) video.pause();
  }
}, true);
