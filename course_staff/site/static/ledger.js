/* The ledger's filters by verdict; without this script the tables show every claim. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const verdicts = [...document.querySelectorAll("td .verdict")];
  if (!verdicts.length) return;
  const kind = (verdict) => verdict.classList[1];
  const counts = new Map();
  for (const verdict of verdicts) counts.set(kind(verdict), (counts.get(kind(verdict)) || 0) + 1);

  // A link may ask for one verdict: ledger.html?verdict=fails.
  const asked = [...counts.keys()].find((name) => name === new URLSearchParams(location.search).get("verdict"));
  const group = document.createElement("fieldset");
  group.className = "ledger-filter";
  const legend = document.createElement("legend");
  legend.textContent = "Show claims whose verdict is";
  const status = document.createElement("p");
  status.setAttribute("role", "status");
  group.append(legend);
  for (const [name, count] of counts) {
    const label = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.value = name;
    box.checked = !asked || asked === name;
    box.addEventListener("change", show);
    label.append(box, ` ${name.replaceAll("-", " ")} (${count})`);
    group.append(label);
  }
  group.append(status);
  const first = verdicts[0].closest("section");
  first.before(group);
  show();

  function show() {
    const wanted = new Set([...group.querySelectorAll("input:checked")].map((box) => box.value));
    let shown = 0;
    for (const verdict of verdicts) {
      const hidden = !wanted.has(kind(verdict));
      verdict.closest("tr").hidden = hidden;
      shown += !hidden;
    }
    for (const section of new Set(verdicts.map((verdict) => verdict.closest("section")))) {
      section.hidden = !section.querySelector("tbody tr:not([hidden])");
    }
    status.textContent = `${shown} of ${verdicts.length} claims are shown.`;
  }
});
