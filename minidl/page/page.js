"use strict";

const run = JSON.parse(document.getElementById("run").textContent);
const graph = document.getElementById("graph");
const page = document.getElementById("step");
const slider = document.getElementById("slider");
const opened = new Set(); // the fused calls that are opened into their formulas
let steps = []; // {step, call, part}: a step, its call, and the run or formula that both are of
let at = 0;
let picked = null; // the element whose numbers are put into the formula; null is the first one
let touched = new Map(); // the cells whose numbers were put in, by record

// -- small helpers ---------------------------------------------------------------------------------------------------

function make(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

function draw(tag, props) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(props)) element.setAttribute(name, value);
  return element;
}

// A number as Python wrote it, in about four digits.
function short(text) {
  const number = Number(text);
  if (text === "" || Number.isNaN(number) || /^-?\d+$/.test(text)) return text;
  if (Number.isInteger(number) && Math.abs(number) < 1e5) return String(number);
  const size = Math.abs(number);
  return size < 1e-3 || size >= 1e5 ? number.toExponential(2) : number.toPrecision(4);
}

const valueOf = (record) => (record.value === undefined ? null : run.values[record.value]);
const opOf = (call) => run.ops[call.op];
const labelOf = (output) => (output.name === "out" ? "y" : output.name); // as the formula names it
const nameOf = (call) => `${call.label} ${opOf(call).name}`;
const shapeOf = (value) => `(${value.shape.join(", ")}${value.shape.length === 1 ? "," : ""})`;
const cellsOf = (value) => (value.split ??= value.cells === "" ? [] : value.cells.split(" "));

// -- where the numbers of an element stand ---------------------------------------------------------------------------

// Row and column of an element in the matrix that is shown of an array.
function position(value, index) {
  const row = index.slice(0, -1).reduce((sum, k, d) => sum * value.shape[d] + k, 0);
  return [value.rows.indexOf(row), value.columns.indexOf(index.at(-1) ?? 0)];
}

// The index of a shown cell in the array.
function indexOf(value, row, column) {
  if (value.shape.length === 0) return [];
  const index = [value.columns[column]];
  let rest = value.rows[row];
  for (let d = value.shape.length - 2; d >= 0; d--) {
    index.unshift(rest % value.shape[d]);
    rest = Math.floor(rest / value.shape[d]);
  }
  return index;
}

// The element at an index, as text; an array of fewer or single dimensions is broadcast. Null if it is not shown.
function element(record, index) {
  const value = valueOf(record);
  if (!value) return record.text;
  const place = index.slice(index.length - value.shape.length).map((k, d) => (value.shape[d] === 1 ? 0 : k));
  const [row, column] = position(value, place);
  if (row < 0 || column < 0) return null;
  touched.set(record, (touched.get(record) ?? new Set()).add(place.join(",")));
  return cellsOf(value)[row * value.columns.length + column];
}

const byName = (records) => new Map(records.map((record) => [record.name, record]));
const inside = (text) => (text.startsWith("-") ? `(${short(text)})` : short(text));

// An expression with the numbers of one element in the place of names; empty where one of them is not shown.
function filled(expression, records, index) {
  let whole = true;
  const text = expression.replace(/\b[A-Za-z_]\w*\b(?!\()/g, (name) => {
    if (!records.has(name)) return name;
    const number = element(records.get(name), index);
    if (number === null) whole = false;
    return inside(number ?? "");
  });
  return whole && text !== expression ? text : "";
}

// The terms of a product's sum, the first three and the last: y[i,j] = Σ_k a[i,k] b[j,k].
function terms(a, b, pairs) {
  const products = pairs.map(([i, j]) => [element(a, i), element(b, j)]);
  const shown = products.filter(([x, y]) => x !== null && y !== null).map(([x, y]) => `${inside(x)}·${inside(y)}`);
  if (shown.length === products.length && shown.length <= 4) return shown.join(" + ");
  return [...shown.slice(0, 3), "…", shown.at(-1)].join(" + ");
}

// The formula of a call with the numbers of one element of its result put in.
function putIn(call, index) {
  const name = opOf(call).name;
  const result = element(call.outputs[0], index);
  const [x, w, b] = call.inputs;
  let side = call.pattern ? filled(call.pattern, byName(call.inputs), index) : "";
  if ((name === "linear" || name === "matmul") && index.length === 2 && valueOf(x)?.shape.length === 2) {
    const size = valueOf(x).shape[1];
    const along = (k) => (name === "linear" ? [index[1], k] : [k, index[1]]);
    const pairs = Array.from({ length: size }, (_, k) => [[index[0], k], along(k)]);
    side = terms(x, w, pairs);
    if (name === "linear" && valueOf(b)) side += ` + ${inside(element(b, [index[1]]))}`;
    const f = call.options.find(([option]) => option === "activation")?.[1];
    if (f && f !== "identity") side = `${f}(${side})`;
  }
  if (!side || result === null) return "";
  const place = index.length ? `[${index.join(",")}]` : "";
  return `${name === "SGD" ? "w" : "y"}${place} = ${side} = ${short(result)}`;
}

// -- the cards of values ---------------------------------------------------------------------------------------------

function figuresOf(value) {
  if (!value.figures.length) return null;
  const parts = value.figures.map(([name, text]) => make("span", { title: text }, `${name} ${short(text)}`));
  return make("p", { class: "figures" }, ...parts.flatMap((part, k) => (k ? [" · ", part] : [part])));
}

// A picture of what the table shows a part of: orange above zero, blue below.
function pictureOf(value) {
  if (!value.picture) return null;
  const { height, width, note } = value.picture;
  const canvas = make("canvas", { width, height, title: note, role: "img", "aria-label": `A picture: ${note}` });
  const scale = Math.min(30 / width, 9 / height, 1);
  Object.assign(canvas.style, { width: `${width * scale}rem`, height: `${Math.max(height * scale, 1)}rem` });
  const style = getComputedStyle(document.documentElement);
  const context = canvas.getContext("2d");
  const levels = Int8Array.from(atob(value.picture.bytes), (letter) => letter.charCodeAt(0));
  levels.forEach((level, k) => {
    context.globalAlpha = Math.abs(level) / 127;
    context.fillStyle = style.getPropertyValue(level < 0 ? "--minus" : "--plus");
    context.fillRect(k % width, Math.floor(k / width), 1, 1);
  });
  return canvas;
}

function tableOf(record, pick) {
  const value = valueOf(record);
  const cells = cellsOf(value);
  const most = Math.max(...cells.map((text) => Math.abs(Number(text))).filter(Number.isFinite), 0) || 1;
  const gap = (places, k) => k > 0 && places[k] !== places[k - 1] + 1;
  const table = make("table");
  if (value.shape.length && value.columns.length > 1) {
    const head = make("tr", {}, make("th"));
    value.columns.forEach((column, k) => {
      if (gap(value.columns, k)) head.append(make("th", {}, "…"));
      head.append(make("th", { scope: "col" }, String(column)));
    });
    table.append(head);
  }
  value.rows.forEach((_, r) => {
    if (gap(value.rows, r)) table.append(make("tr", {}, make("th", {}, "⋮")));
    const leading = indexOf(value, r, 0).slice(0, -1).join(",");
    const row = make("tr", {}, value.shape.length > 1 ? make("th", { scope: "row" }, leading) : make("th"));
    value.columns.forEach((_, c) => {
      if (gap(value.columns, c)) row.append(make("td", { class: "gap" }, "…"));
      const text = cells[r * value.columns.length + c];
      const index = indexOf(value, r, c);
      const key = index.join(",");
      const much = Number.isFinite(Number(text)) ? Math.round((Math.abs(Number(text)) / most) * 55) : 0;
      const tint = Number(text) < 0 ? "var(--minus)" : "var(--plus)";
      const used = touched.get(record)?.has(key) ? "used" : null;
      const cell = { "data-index": key, "data-value": text, title: text, class: /^(nan|-?inf)$/.test(text) ? "lost" : used };
      row.append(make("td", { ...cell, style: `--tint:${tint};--much:${much}%`, onclick: () => pick?.(index) }, short(text)));
    });
    table.append(row);
  });
  return make("div", { class: `scroll${value.shape.length ? "" : " single"}${pick ? " picks" : ""}` }, table);
}

// Where a value comes from, or goes to: a call to jump to, or the name of a leaf.
function linkOf(record, word, part) {
  if (record.from === null) return record.leaf ? make("span", {}, record.leaf) : null;
  const call = part.calls[record.from];
  const text = `${word} ${nameOf(call)}${record.leaf ? ` (${record.leaf})` : ""}`;
  return make("button", { onclick: () => goTo(call) }, text);
}

function card(record, label, link, pick) {
  const value = valueOf(record);
  const head = make("header", {}, make("b", {}, label), link);
  const box = make("section", { class: "card", "data-name": record.name }, head);
  if (!value) {
    box.append(make("code", { "data-text": record.text }, record.text));
    return box;
  }
  head.append(make("span", {}, `${value.shape.length ? shapeOf(value) : "one number"} ${value.dtype}`));
  if (cellsOf(value).length) box.append(tableOf(record, pick));
  box.append(...[pictureOf(value), figuresOf(value)].filter(Boolean));
  return box;
}

function cards(role, list) {
  return make("div", { class: "cards", "data-role": role }, ...list);
}

// -- one step --------------------------------------------------------------------------------------------------------

function formulaOf(call, index) {
  const op = opOf(call);
  const put = index ? putIn(call, index) : "";
  const more = op.more ? make("details", {}, make("summary", {}, "more"), make("pre", {}, op.more)) : null;
  return make("div", { class: "formula" }, make("p", {}, op.formula), put ? make("p", { class: "put" }, put) : null, more);
}

// What the rules were given, by the names that they use.
function givenTo(call, step) {
  const given = byName([...call.inputs, ...call.outputs]);
  for (const g of step.g) given.set(call.outputs.length > 1 ? `g_${g.name}` : "g", g);
  return given;
}

function rulesOf(call, step, index) {
  const op = opOf(call);
  if (!op.rules.length) return [];
  const list = make("dl", { class: "rules" });
  for (const [name, text] of op.rules) {
    const body = text.match(/^lambda [^:]*: (.*)$/)?.[1];
    const rule = make("dd", {}, body === undefined ? make("pre", {}, text) : make("code", {}, text));
    const sent = step.sent?.find((record) => record.name === name);
    if (sent && body && index && valueOf(sent).shape.join() === valueOf(step.g[0]).shape.join()) {
      const put = filled(body, givenTo(call, step), index);
      const place = index.length ? `[${index.join(",")}]` : "";
      if (put) rule.append(make("span", { class: "put" }, `dL/d${name}${place} = ${put} = ${short(element(sent, index) ?? "")}`));
    }
    list.append(make("dt", {}, name ? `dL/d${name}` : ""), rule);
  }
  const several = call.outputs.length > 1;
  const told = several ? call.outputs.map(({ name }) => `g_${name} = dL/d${name}`).join(", ") : "g = dL/dy, out = y";
  const head = make("h3", {}, `Derivative: ${told}`);
  if (!op.derivative) return [head, list];
  const code = make("details", {}, make("summary", {}, "the code that calls its kernel"), ...list.querySelectorAll("pre"));
  return [head, make("div", { class: "formula" }, make("p", {}, op.derivative), code)];
}

function dotted(call) {
  const kind = run.modules[call.path];
  const module = call.path ? `${call.path}${kind && kind !== call.path ? ` (${kind})` : ""} · ` : "";
  return make("p", { class: "where" }, module, `${call.file}:${call.line}  `, make("code", {}, call.text));
}

function show() {
  const { step, call, part } = steps[at];
  const op = opOf(call);
  const backward = step.phase === "backward";
  const shown = (backward ? step.g : call.outputs).map(valueOf).find((value) => value && cellsOf(value).length);
  const index = picked ?? (shown ? indexOf(shown, 0, 0) : null);
  const pick = (chosen) => {
    picked = chosen;
    show();
  };
  touched = new Map();
  const formula = formulaOf(call, backward ? null : index);
  const rules = rulesOf(call, step, index); // these two put numbers in, so they come before the cards
  const forward = [
    make("h3", {}, "Inputs"),
    cards("inputs", call.inputs.map((record) => card(record, record.name, linkOf(record, "from", part)))),
    make("h3", {}, "Output"),
    cards("outputs", call.outputs.map((record) => card(record, labelOf(record), null, backward ? null : pick))),
  ];

  page.className = step.phase;
  page.replaceChildren(
    make("h2", {}, make("span", { class: "number" }, call.label), op.name, make("span", { class: "badge" }, step.phase)),
    dotted(call),
    formula,
  );
  if (call.options.length) {
    page.append(make("p", { class: "options" }, call.options.map(([name, text]) => `${name} = ${text}`).join(" · ")));
  }
  if (call.inner) {
    const word = opened.has(call) ? "Close the formula" : `Open into its formula: ${call.inner.calls.length} calls`;
    page.append(make("button", { class: "opens", onclick: () => toggle(call) }, word));
  }
  if (!backward) page.append(...forward, ...rules);
  else {
    const came = step.g.map((record) => card(record, `dL/d${labelOf(record)}`, null, pick));
    const sent = step.sent.map((record) => {
      const input = call.inputs.find(({ name }) => name === record.name);
      return card(record, `dL/d${record.name}`, input ? linkOf(input, "to", part) : null);
    });
    page.append(make("h3", {}, "Came in"), cards("g", came), ...rules, make("h3", {}, "Sent on"), cards("sent", sent));
    if (!call.earlier) page.append(make("details", {}, make("summary", {}, "the values of the forward call"), ...forward));
  }
  mark();
}

// -- the graph -------------------------------------------------------------------------------------------------------

function* rowsOf(part, depth) {
  for (const call of part.calls) {
    yield { call, part, depth };
    if (opened.has(call)) yield* rowsOf(call.inner, depth + 1);
  }
}

// A column of calls, with a line from each to those that use its result.
function drawGraph() {
  const height = 40, rows = [...rowsOf(run, 0)];
  const x = (row) => 44 + 14 * row.depth;
  const y = new Map(rows.map((row, k) => [row.call, k * height + height / 2]));
  const svg = draw("svg", { width: 60, height: rows.length * height, "aria-hidden": "true" });
  const list = make("div", { class: "rows" }, svg);
  for (const row of rows) {
    for (const input of row.call.inputs.filter((record) => record.from !== null)) {
      const source = row.part.calls[input.from];
      const [from, to] = [y.get(source), y.get(row.call)];
      const bend = to - from > height ? Math.min(12 + (to - from) / 14, 38) : 0;
      const path = draw("path", { d: `M${x(row)},${from} C${x(row) - bend},${from} ${x(row) - bend},${to} ${x(row)},${to}` });
      svg.append(path);
      (row.paths ??= []).push(path);
    }
  }
  for (const row of rows) {
    const { call } = row;
    const dot = draw("circle", { cx: x(row), cy: y.get(call), r: 5 });
    row.dot = draw("g", {});
    row.dot.append(dot);
    svg.append(row.dot);
    const result = call.outputs[0] && valueOf(call.outputs[0]);
    const size = result && (result.shape.length ? shapeOf(result) : short(result.cells));
    const about = [call.path || call.inputs[0]?.leaf, size].filter(Boolean).join(" · ");
    const title = make("b", {}, nameOf(call));
    row.element = make("div", { class: "row", style: `padding-left:${x(row) + 14}px` },
      make("button", { class: "call", title: call.text, onclick: () => goTo(call) }, title, make("small", {}, about || " ")));
    if (call.inner) {
      const open = opened.has(call);
      row.element.append(make("button", { class: "opener", "aria-expanded": String(open),
        "aria-label": `The formula of ${nameOf(call)}`, onclick: () => toggle(call) }, open ? "▾" : "▸"));
    }
    list.append(row.element);
  }
  graph.rows = rows;
  graph.replaceChildren(list);
}

// Mark in graph and bar where we are, and how far the run has come.
function mark() {
  const now = steps[at];
  const past = { forward: new Set(), backward: new Set(), update: new Set() };
  for (const { step, call } of steps.slice(0, at + 1)) past[step.phase].add(call);
  for (const row of graph.rows) {
    const here = row.call === now.call;
    row.element.className = here ? `row now ${now.step.phase}` : "row";
    const state = past.backward.has(row.call) ? "came" : past.update.has(row.call) ? "changed" : "went";
    row.dot.setAttribute("class", Object.values(past).some((calls) => calls.has(row.call)) ? state : "");
    for (const path of row.paths ?? []) path.setAttribute("class", here ? `now ${now.step.phase}` : "");
    if (here) {
      row.element.firstChild.setAttribute("aria-current", "step");
      const [top, bottom] = [row.element.offsetTop, row.element.offsetTop + row.element.offsetHeight];
      if (top < graph.scrollTop || bottom > graph.scrollTop + graph.clientHeight) graph.scrollTop = top - graph.clientHeight / 3;
    } else row.element.firstChild.removeAttribute("aria-current");
  }
  slider.value = at;
  slider.setAttribute("aria-valuetext", `${now.step.phase} of ${opOf(now.call).name}`);
  document.getElementById("count").textContent = `${at + 1} / ${steps.length} ${now.step.phase}`;
  document.getElementById("back").disabled = at === 0;
  document.getElementById("forth").disabled = at === steps.length - 1;
}

// -- stepping --------------------------------------------------------------------------------------------------------

// All steps in their order; those in an opened formula follow the call, forward and backward apart.
function* stepsOf(part) {
  for (const step of part.steps) {
    const call = part.calls[step.call];
    yield { step, call, part };
    const last = part.steps.findLast((other) => other.call === step.call && other.phase === step.phase);
    if (!opened.has(call) || step !== last) continue; // a formula has the numbers of the last backward
    for (const inner of stepsOf(call.inner)) {
      if ((inner.step.phase === "backward") === (step.phase === "backward")) yield inner;
    }
  }
}

// Make steps and graph anew and stay where we are; if that is closed now, go to the call that closed.
function layOut(closed) {
  const before = steps[at]?.step;
  steps = [...stepsOf(run)];
  const places = [steps.findIndex(({ step }) => step === before), steps.findIndex(({ call }) => call === closed), 0];
  at = places.find((place) => place >= 0);
  slider.max = steps.length - 1;
  const phases = steps.map(({ step }) => step.phase);
  const starts = phases.flatMap((phase, k) => (phase === phases[k - 1] ? [] : [k]));
  document.getElementById("phases").replaceChildren(...starts.map((start, k) =>
    make("span", { class: phases[start], style: `flex:${(starts[k + 1] ?? phases.length) - start}` })));
  drawGraph();
  show();
}

function go(place) {
  at = Math.min(Math.max(place, 0), steps.length - 1);
  picked = null;
  show();
}

// To a call: in the phase where we are, if it has a step there.
function goTo(call) {
  const { phase } = steps[at].step;
  const same = steps.findIndex((one) => one.call === call && one.step.phase === phase);
  go(same >= 0 ? same : steps.findIndex((one) => one.call === call));
}

function toggle(call) {
  if (!opened.delete(call)) opened.add(call);
  else for (const { call: inner } of rowsOf(call.inner, 0)) opened.delete(inner);
  layOut(call);
}

function onKey(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target === slider) return;
  const moves = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: steps.length - 1 };
  if (event.key in moves) go(moves[event.key]);
  else if (event.key.toLowerCase() === "o" && steps[at].call.inner) toggle(steps[at].call);
  else return;
  event.preventDefault();
}

// Number the calls: #4, and #4.0 in its formula.
function label(part, before) {
  for (const call of part.calls) {
    call.label = call.earlier ? "earlier" : `${before}${call.number}`;
    if (call.inner) label(call.inner, `${call.label}.`);
  }
}

label(run, "#");
document.title = document.getElementById("title").textContent = run.title;
if (run.steps.length) {
  document.getElementById("back").addEventListener("click", () => go(at - 1));
  document.getElementById("forth").addEventListener("click", () => go(at + 1));
  slider.addEventListener("input", () => go(Number(slider.value)));
  document.addEventListener("keydown", onKey);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show); // pictures are drawn in its colours
  layOut();
} else page.append("Nothing was called in this run.");
