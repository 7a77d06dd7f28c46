/* Sliders without a kernel: shows the stored picture for the values chosen. See course_staff/site/sliders.py. */
"use strict";

window.explorePictures = async function (name, packed) {
  const place = document.getElementById("explore-" + name);
  const bytes = Uint8Array.from(atob(packed), (sign) => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const data = await new Response(stream).json();
  const id = (part) => `explore-${name}-${part}`;
  const chosen = data.controls.map((control) => control.start);

  const picture = element("svg", {
    viewBox: `0 0 ${data.width} ${data.height}`, role: "img", "aria-labelledby": id("text"),
  }, "http://www.w3.org/2000/svg");
  const text = element("p", { id: id("text"), role: "status" });
  const rectangles = data.clips.map(
    ([x, y, width, height], i) =>
      `<clipPath id="${id("clip" + i)}"><rect x="${x}" y="${y}" width="${width}" height="${height}"/></clipPath>`
  );
  const markup = (part) => {
    if (typeof part === "string") return part;
    const [attributes, shape, places] = part;
    let path = "";
    for (let i = 0; i < places.length; i += 2) path += `M${places[i]} ${places[i + 1]}${shape}`;
    return `<path${attributes} d="${path}"/>`;
  };
  const show = () => {
    const number = data.controls.reduce((sum, control, i) => sum * control.words.length + chosen[i], 0);
    const parts = data.pictures[number].map((index) => markup(data.elements[index])).join("");
    picture.innerHTML = `<defs>${rectangles.join("")}</defs>` + parts.replaceAll("#CLIP", "#" + id("clip"));
    text.textContent = data.texts[number];
  };
  const choose = (index, value) => {
    chosen[index] = value;
    show();
  };
  const controls = data.controls.map((control, i) => (control.buttons ? buttons : slider)(control, id(i), (v) => choose(i, v)));
  show();
  place.replaceChildren(...controls, picture, text);
  place.dataset.ready = "";
};

function element(tag, attributes, namespace = "http://www.w3.org/1999/xhtml") {
  const made = document.createElementNS(namespace, tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function slider(control, id, choose) {
  const row = element("div", { class: "explore-row" });
  const label = element("label", { for: id });
  label.textContent = control.label;
  const input = element("input", { type: "range", id, min: 0, max: control.words.length - 1, step: 1, value: control.start });
  // The arrow keys move by one, Page Up and Down by a tenth, Home and End to the ends: the browser's own.
  const output = element("output", { for: id });
  const say = () => {
    const words = control.words[input.valueAsNumber];
    input.setAttribute("aria-valuetext", words);
    output.textContent = words;
  };
  input.addEventListener("input", () => {
    say();
    choose(input.valueAsNumber);
  });
  say();
  row.append(label, input, output);
  return row;
}

function buttons(control, id, choose) {
  const group = element("fieldset", { class: "explore-row" });
  const legend = element("legend", {});
  legend.textContent = control.label;
  group.append(legend);
  control.words.forEach((words, i) => {
    const label = element("label", {});
    const input = element("input", { type: "radio", name: id, value: i });
    input.checked = i === control.start;
    input.addEventListener("change", () => choose(i));
    label.append(input, words);
    group.append(label);
  });
  return group;
}
