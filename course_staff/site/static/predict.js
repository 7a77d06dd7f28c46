/* Predictions without a kernel: choose, and the run below unfolds with the sentence of your choice. See chapters.py. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const KEY = "course-predictions";
  let made = {};
  try {
    made = JSON.parse(localStorage.getItem(KEY)) || {};
  } catch {
    /* A browser that keeps nothing: predictions last as long as the page. */
  }
  for (const place of document.querySelectorAll(".predict")) {
    const id = place.dataset.prediction;
    const options = [...place.querySelectorAll("input")];
    const reading = document.querySelector(`.reading[data-prediction="${id}"]`);
    const lines = [...reading.querySelectorAll("li")];
    const right = lines.findIndex((line) => line.textContent.trim().startsWith("✓"));
    const status = document.createElement("p");
    status.setAttribute("role", "status");
    place.append(status);

    const between = [];
    for (let next = place.nextElementSibling; next && next !== reading; next = next.nextElementSibling) between.push(next);
    const results = between.flatMap((part) => [...part.querySelectorAll("details.hide")]);

    const read = (number) => {
      for (const part of [...results, reading.querySelector("details")]) part.open = true;
      lines.forEach((line, i) => line.classList.toggle("mine", i === number));
      status.textContent = number === right ? "Your prediction was right; the run is below." : "Noted. See below what the run says to it.";
    };
    options.forEach((option, number) => {
      option.addEventListener("change", () => {
        made[id] = number;
        try {
          localStorage.setItem(KEY, JSON.stringify(made));
        } catch {
          /* as above */
        }
        read(number);
      });
    });
    if (options[made[id]]) {
      options[made[id]].checked = true;
      read(made[id]);
    }
  }
});
