"use strict";

// Search and filters: what does not fit is hidden, and the count says how much is left.
const jobs = [...document.querySelectorAll(".job")];
const filters = document.querySelector(".filters");
const find = document.getElementById("find");
const choices = [...filters.querySelectorAll("select[data-choice]")];
const { least, most, currency } = Object.fromEntries(
  [...filters.querySelectorAll("[data-cost]")].map((field) => [field.dataset.cost, field]),
);
const clear = document.getElementById("clear");
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

// A job of unknown cost is in no range, and amounts of different currencies are never compared.
function costs(job) {
  if (!least || (!least.value && !most.value)) return true;
  if (!job.dataset.cost || (currency && job.dataset.currency !== currency.value)) return false;
  const amount = Number(job.dataset.cost);
  return (!least.value || amount >= least.valueAsNumber) && (!most.value || amount <= most.valueAsNumber);
}

function show() {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const job of jobs) {
    const fits =
      choices.every((choice) => !choice.value || job.dataset[choice.dataset.choice] === choice.value) &&
      costs(job) &&
      words.every((word) => textOf(job).includes(word));
    job.hidden = !fits;
    shown += fits;
    if (!fits) job.querySelectorAll("video").forEach((video) => video.pause());
  }
  for (const section of document.querySelectorAll("main > section")) {
    section.hidden = !section.querySelector(".job:not([hidden])");
  }
  const narrowed = [find, least, most, ...choices].some((field) => field?.value);
  if (!narrowed && document.activeElement === clear) find.focus();
  clear.hidden = !narrowed;
  count.textContent = shown === jobs.length ? `${shown} shown` : `${shown} of ${jobs.length}`;
  none.hidden = shown > 0 || jobs.length === 0;
}

filters.addEventListener("input", show);
clear.addEventListener("click", () => {
  for (const field of [find, least, most, ...choices]) if (field) field.value = "";
  show();
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input:not([type=range]), select, textarea");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    find.focus();
  }
});
filters.hidden = false;
show();
