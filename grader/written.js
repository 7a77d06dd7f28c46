"use strict";
// What is entered stays in this browser, under the class and the question; the newest of it and of the tables counts.
const data = JSON.parse(document.getElementById("data").textContent);
const key = `written/${data.class}/${data.id}`;
const articles = [...document.querySelectorAll("article")];
const told = document.getElementById("told");
let changed = 0, last = null; // the answer in which the keyboard was last

function stored() {
  try {
    return JSON.parse(localStorage.getItem(key)) || {};
  } catch {
    return {};
  }
}

function store(code, mark) {
  try {
    localStorage.setItem(key, JSON.stringify({ ...stored(), [code]: mark })); // another window may have marked others
    if (!stored()[code]) throw new Error("not kept");
  } catch {
    told.textContent = "This browser keeps nothing: download the table before you close the page.";
    told.hidden = false;
  }
}

const marks = {};
for (const [code, mark] of [...Object.entries(data.marks), ...Object.entries(stored())])
  if (!marks[code] || mark.marked > marks[code].marked) marks[code] = mark;

const numbers = article => [...article.querySelectorAll("input[type=number]")];
const boxes = article => [...article.querySelectorAll("input[type=checkbox]")];

function show(article) {
  const mark = marks[article.id];
  const filled = numbers(article).filter(field => field.value !== "" && field.checkValidity());
  const whole = filled.length === numbers(article).length;
  const points = filled.reduce((sum, field) => sum + field.valueAsNumber, 0);
  const wrong = numbers(article).find(field => !field.checkValidity());
  boxes(article).forEach((box, number) => (box.checked = numbers(article)[number].value === box.dataset.points));
  article.dataset.marked = whole;
  article.querySelector(".state").textContent = wrong
    ? `expected points from 0 to ${wrong.max}`
    : whole ? `${points} of ${article.dataset.points} points` : filled.length ? "in part" : "not marked yet";
  article.querySelector(".changed").hidden = !(mark && mark.answer && mark.answer !== article.dataset.answer);
  const done = articles.filter(one => one.dataset.marked === "true").length;
  document.getElementById("count").textContent =
    `${done} of ${articles.length} marked` + (changed ? ", not all of it downloaded" : "");
}

function keep(article) {
  marks[article.id] = {
    items: numbers(article).map(field => (field.checkValidity() ? field.value : "")),
    comment: article.querySelector("textarea").value,
    answer: article.dataset.answer,
    marked: new Date().toISOString(),
  };
  changed += 1;
  store(article.id, marks[article.id]);
  show(article);
}

for (const article of articles) {
  const mark = marks[article.id];
  if (mark) {
    numbers(article).forEach((field, number) => (field.value = mark.items[number] ?? ""));
    article.querySelector("textarea").value = mark.comment;
  }
  boxes(article).forEach((box, number) =>
    box.addEventListener("change", () => {
      numbers(article)[number].value = box.checked ? box.dataset.points : "0";
      keep(article);
    }));
  for (const field of [...numbers(article), article.querySelector("textarea")])
    field.addEventListener("input", () => keep(article));
  article.querySelector(".rest").addEventListener("click", () => {
    for (const field of numbers(article)) field.value ||= "0";
    keep(article);
  });
}
articles.forEach(show);

document.getElementById("next").addEventListener("click", () => {
  const from = articles.indexOf(document.activeElement.closest("article") ?? last);
  const open = [...articles.slice(from + 1), ...articles.slice(0, from + 1)].find(one => one.dataset.marked !== "true");
  if (!open) return;
  last = open;
  open.scrollIntoView();
  boxes(open)[0].focus({ preventScroll: true });
});
document.addEventListener("focusin", event => (last = event.target.closest("article") ?? last));

document.getElementById("download").addEventListener("click", () => {
  const cell = text => (/[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const rows = articles.map(article => {
    const mark = marks[article.id] ?? { items: data.items.map(() => ""), comment: "", answer: "", marked: "" };
    return [article.id, mark.answer, ...mark.items, mark.comment, mark.marked];
  });
  const table = [["code", "answer", ...data.items, "comment", "marked"], ...rows];
  const text = "\ufeff" + table.map(row => row.map(cell).join(",") + "\r\n").join("");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = `${data.id}.csv`;
  link.click();
  changed = 0;
  articles.forEach(show);
});
