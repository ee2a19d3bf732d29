// Draws a report from the JSON in the page: what was run, tables, charts. Everything that is shown comes from there; texts are put in as texts.
"use strict";

(() => {
const data = JSON.parse(document.getElementById("data").textContent);
// The library's style first: ours changes it.
document.head.prepend(Object.assign(document.createElement("style"), { textContent: uPlot.css }));

// --- small things ---

const svgSpace = new DOMParser().parseFromString("<svg></svg>", "text/html").querySelector("svg").namespaceURI;

function fill(node, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(3).filter((c) => c !== undefined && c !== null && c !== false && c !== ""));
  return node;
}
const el = (tag, properties, ...children) => fill(document.createElement(tag), properties, children);
const svg = (tag, properties, ...children) => fill(document.createElementNS(svgSpace, tag), properties, children);

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const colour = (k) => css(`--c${k % 8 + 1}`);
const number = (x) => typeof x === "number" && Number.isFinite(x);
const unique = (list) => [...new Set(list)];
const least = (list) => list.reduce((a, b) => Math.min(a, b), Infinity);
const greatest = (list) => list.reduce((a, b) => Math.max(a, b), -Infinity);
const within = (x, low, high) => Math.min(Math.max(x, low), high);

function alpha(hex, share) {
  const n = parseInt(hex.slice(1), 16);
  return `rgba(${n >> 16 & 255}, ${n >> 8 & 255}, ${n & 255}, ${share})`;
}
function mix(a, b, share) {
  const x = parseInt(a.slice(1), 16), y = parseInt(b.slice(1), 16);
  const part = (shift) => Math.round((x >> shift & 255) * (1 - share) + (y >> shift & 255) * share).toString(16).padStart(2, "0");
  return `#${part(16)}${part(8)}${part(0)}`;
}

// --- numbers as people read them ---

const MINUS = "\u2212", NONE = "\u2013", NARROW = "\u202f";

/** So many significant digits, without the zeros behind them; thousands apart. */
function plain(x, digits = 4) {
  if (!number(x)) return NONE;
  if (x === 0) return "0";
  const size = Math.abs(x);
  let text;
  if (size >= 1e15 || size < 1e-6) text = size.toExponential(Math.max(0, digits - 1)).replace(/\.?0+e/, "e").replace("e+", "e").replace("e-", `e${MINUS}`);
  else {
    const decimals = within(digits - 1 - Math.floor(Math.log10(size)), 0, 12);
    text = size.toFixed(decimals);
    if (decimals > 0) text = text.replace(/\.?0+$/, "");
    const [whole, part] = text.split(".");
    text = (whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, NARROW) : whole) + (part ? `.${part}` : "");
  }
  return (x < 0 ? MINUS : "") + text;
}

/** What a metric is: by its unit and, where that is 1, its name. */
function sort(metric) {
  if (metric.unit === "s") return "time";
  if (metric.unit === "USD") return "money";
  if (metric.unit === "J") return "energy";
  if (metric.unit === "1/s") return "rate";
  if (metric.unit !== "1" && metric.unit !== "") return "plain";
  if (/attainment|utilization|share/.test(metric.name)) return "share";
  if (/accuracy/.test(metric.name)) return "accuracy";
  return "plain";
}

/** Factor and unit in which values of about this size are written. */
function unitOf(metric, size) {
  switch (sort(metric)) {
    case "time": return size >= 10 ? [1, "s"] : size >= 1e-3 || size === 0 ? [1e3, "ms"] : [1e6, "\u00b5s"];
    case "share": return [100, "%"];
    case "money": return [1, "USD"];
    case "rate": return [1, "1/s"];
    case "energy": return size >= 1e6 ? [1e-6, "MJ"] : size >= 1e3 ? [1e-3, "kJ"] : [1, "J"];
    default: return [1, metric.unit === "1" ? "" : metric.unit];
  }
}

function figure(metric, x) {
  if (!number(x)) return NONE;
  const kind = sort(metric), [factor, unit] = unitOf(metric, Math.abs(x));
  if (kind === "share") return `${share(x)}${NARROW}%`;
  if (kind === "money") return (x < 0 ? MINUS : "") + "$" + (Math.abs(x) >= 1 ? Math.abs(x).toFixed(2).replace(/\B(?=(\d{3})+\.)(?<=\d{2}.*)/g, NARROW) : plain(Math.abs(x), 3));
  if (kind === "plain" && Number.isInteger(x)) return plain(x, 15);
  if (kind === "rate") return `${plain(x)}${NARROW}/s`;
  return plain(x * factor) + (unit ? NARROW + unit : "");
}
/** Half of the interval of a mean, in the mean's unit, which stands beside it. */
function halfFigure(metric, half, mean) {
  if (!number(half) || half === 0) return "";
  const [factor] = unitOf(metric, Math.abs(mean ?? half));
  return `\u00b1 ${plain(half * factor, 2)}`;
}
/** A share in percent: near all of it, what is missing counts. */
function share(x) {
  const missing = Math.abs(1 - x);
  const decimals = missing > 0 && missing < 0.01 ? Math.min(5, 1 - Math.floor(Math.log10(missing * 100))) : 2;
  return (100 * x).toFixed(decimals).replace("-", MINUS);
}

const WORDS = { slo: "SLO", qps: "", usd: "", s: "", j: "" };
/** The name of a metric in words: latency_p99_s is latency p99. */
function words(name) {
  return name.split("_").map((w) => WORDS[w] ?? w).filter((w) => w !== "").join(" ");
}
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const metricTitle = (metric) => words(metric.name) + (metric.of ? `, ${metric.of}` : "");
const span = (s) => (s >= 1 ? `${plain(s)}${NARROW}s` : figure({ unit: "s", name: "" }, s));
const count = (n, one, many = one + "s") => `${plain(n, 15)} ${n === 1 ? one : many}`;

// --- page ---

const page = document.getElementById("page");
function section(title, ...children) {
  const body = el("section", { class: "stack" }, title && el("h2", {}, title), ...children);
  page.append(body);
  return body;
}
const card = (title, ...children) => el("div", { class: "card" }, title && el("h3", {}, title), ...children);
const notice = (...children) => el("p", { class: "notice" }, ...children);
const note = (...children) => el("p", { class: "note" }, ...children);

function choice(label, options, selected, changed) {
  const list = el("select", { onchange: () => changed(list.value) });
  const groups = new Map();
  for (const o of options) {
    const into = o.group === undefined ? list : groups.get(o.group) ?? groups.set(o.group, list.appendChild(el("optgroup", { label: o.group }))).get(o.group);
    into.append(el("option", { value: o.value, selected: String(o.value) === String(selected) }, o.text));
  }
  return el("label", {}, label, list);
}

/** A table; columns have `title`, `text(row)` and, to sort by, `value(row)`. Long ones show their first rows. */
function table(columns, rows, { shown = 15, sorted = null } = {}) {
  let order = [...rows], all = rows.length <= shown + 3, by = sorted, up = true;
  const body = el("tbody"), more = el("button", { type: "button", class: "more", onclick: () => { all = !all; show(); } });
  const heads = columns.map((c) => el("th", {
    class: [c.text_like && "text", c.value && "sort"].filter(Boolean).join(" ") || undefined, title: c.help,
    tabindex: c.value && 0, onclick: c.value && (() => sortBy(c)), onkeydown: c.value && ((e) => { if (e.key === "Enter") sortBy(c); }),
  }, c.title));
  function sortBy(c) {
    up = by === c ? !up : true;
    by = c;
    const key = (row) => { const v = c.value(row); return v ?? null; };
    order = [...rows].sort((a, b) => {
      const x = key(a), y = key(b);
      if (x === null || y === null) return (x === null) - (y === null);
      return (x < y ? -1 : x > y ? 1 : 0) * (up ? 1 : -1);
    });
    show();
  }
  function show() {
    heads.forEach((h, k) => h.setAttribute("aria-sort", by === columns[k] ? (up ? "ascending" : "descending") : "none"));
    heads.forEach((h, k) => { h.textContent = columns[k].title + (by === columns[k] ? (up ? " \u2191" : " \u2193") : ""); });
    body.replaceChildren(...(all ? order : order.slice(0, shown)).map((row) => el("tr", {}, columns.map((c, k) =>
      el(k === 0 && c.text_like ? "th" : "td", { class: c.class?.(row) ?? (c.text_like ? "text" : undefined), title: c.tip?.(row) }, c.text(row))))));
    more.textContent = all ? "Show fewer" : `Show all ${rows.length}`;
  }
  show();
  return el("div", {}, el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, heads)), body)), rows.length > shown + 3 && more);
}

function facts(pairs) {
  return el("dl", {}, pairs.filter(([, value]) => value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0)).map(([name, value]) =>
    [el("dt", {}, name), el("dd", {}, Array.isArray(value) ? el("ul", {}, value.map((v) => el("li", {}, v))) : value)]));
}

const tile = (value, label, help) => el("div", { class: "tile", title: help }, el("b", {}, value), el("span", {}, label));

// --- charts ---

/** What has to be drawn again when the theme changes. */
const drawings = [];

/** Calls `make(width)` now and whenever the theme or the width is another one. */
function drawing(holder, make) {
  let width = 0;
  const draw = () => { if (width > 0) make(width); };
  new ResizeObserver(([entry]) => {
    const now = Math.floor(entry.contentRect.width);
    if (now === width) return;
    width = now;
    draw();
  }).observe(holder);
  drawings.push(draw);
  return draw;
}

const FONT = '12px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';
const measure = document.createElement("canvas").getContext("2d");
measure.font = FONT;

/** Labels of ticks with as many decimals as tell them apart. */
function tickTexts(values) {
  const shown = values.filter(number);
  if (shown.length === 0) return values.map(() => "");
  const steps = shown.slice(1).map((v, k) => Math.abs(v - shown[k])).filter((d) => d > 0);
  const step = steps.length ? least(steps) : Math.abs(shown[0]) || 1;
  const size = greatest(shown.map(Math.abs));
  const decimals = within(-Math.floor(Math.log10(step) + 1e-9), 0, 10);
  return values.map((v) => {
    if (!number(v)) return "";
    if (size >= 1e6) return plain(v / 1e6, 4) + "M";
    if (size >= 1e4 && step >= 100) return plain(v / 1e3, 4) + "k";
    let text = Math.abs(v).toFixed(decimals);
    // Of steps such as 2.5 the others need no decimals.
    if (Number(text) !== Math.abs(v) && decimals < 10) text = Math.abs(v).toFixed(decimals + 1);
    return (v < 0 && Number(text) !== 0 ? MINUS : "") + text;
  });
}
/** Places for ticks of a logarithmic axis: 1, 2 and 5 of each power of ten, fewer where there are many, and round ones where there are few. */
function logSplits(u, index, low, high) {
  const of = (digits) => {
    const out = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); ++power)
      for (const d of digits) if (d * 10 ** power >= low * (1 - 1e-9) && d * 10 ** power <= high * (1 + 1e-9)) out.push(Number((d * 10 ** power).toPrecision(12)));
    return out;
  };
  const size = index === 0 ? u.bbox.width : u.bbox.height, most = Math.max(3, size / devicePixelRatio / (index === 0 ? 62 : 30));
  const fits = [[1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]].map(of).find((list) => list.length <= most) ?? [];
  if (fits.length >= 3) return fits;
  const narrow = niceTicks(low, high, Math.min(6, most));  // less than a power of ten
  return fits.length >= narrow.length || high / low > 30 ? fits : narrow;
}
const logTexts = (values) => values.map((v) => (number(v) ? plain(v, 3) : ""));

function axis(options) {
  const ink = css("--muted"), line = css("--grid");
  return {
    font: FONT, labelFont: FONT, stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1, size: 5 }, labelSize: 18, gap: 4, ...options,
  };
}
function leftAxis(label, log, more) {
  return axis({
    label, values: (u, splits) => (log ? logTexts(splits) : tickTexts(splits)), space: 34, ...(log && { splits: logSplits, filter: (u, splits) => splits }),
    size: (u, texts) => Math.ceil(12 + greatest([14, ...(texts ?? []).map((t) => measure.measureText(t ?? "").width)])), ...more,
  });
}
const bottomAxis = (label, log, more) => axis({
  label, values: (u, splits) => (log ? logTexts(splits) : tickTexts(splits)), size: 26, space: 60, ...(log && { splits: logSplits, filter: (u, splits) => splits }), ...more,
});

/** A range with some room; logarithmic ones in proportion. `zero`: from 0. */
function room(low, high, { log = false, zero = false, share = 0.05 } = {}) {
  if (!number(low) || !number(high)) return log ? [0.1, 10] : [0, 1];
  if (log) {
    const by = Math.max((high / low) ** share, 1.08);
    return [low / by, high * by];
  }
  if (zero) return [0, high > 0 ? high * (1 + share) : 1];
  const by = high > low ? (high - low) * share : Math.abs(high) * 0.05 || 1;
  return [low - by, high + by];
}

/** Draws what `options(width)` says with what it returns as `data`; a chart is made anew when the theme or the width changes. */
function chart(holder, height, make) {
  holder.classList.add("chart");
  let drawn = null;
  return drawing(holder, (width) => {
    drawn?.destroy();
    holder.replaceChildren();
    const { data: columns, ...options } = make(width);
    drawn = new uPlot({ width, height, padding: [12, 14, 0, 0], ...options }, columns, holder);
  });
}

/** A box with text beside a place of a chart. */
function tipOf(u) {
  const box = el("div", { class: "tip", hidden: true });
  u.over.append(box);
  return {
    show(left, top, ...children) {
      box.replaceChildren(...children);
      box.hidden = false;
      const right = left + 14 + box.offsetWidth > u.over.clientWidth;
      box.style.left = `${right ? Math.max(left - 14 - box.offsetWidth, -60) : left + 14}px`;
      box.style.top = `${within(top - box.offsetHeight / 2, -10, Math.max(-10, u.over.clientHeight - box.offsetHeight + 30))}px`;
    },
    hide() { box.hidden = true; },
  };
}

/** A line of text on a canvas with the card's colour around it, so that lines behind leave it readable. */
function inkText(context, text, x, y) {
  context.lineWidth = 4 * devicePixelRatio;
  context.strokeStyle = css("--card");
  context.lineJoin = "round";
  context.strokeText(text, x, y);
  context.fillText(text, x, y);
}

/** Straight lines with their names: `level` is a value of the y axis, or of the x axis if `upright`. */
function levels(list, upright, unit) {
  return (u) => {
    const c = u.ctx, ratio = devicePixelRatio, { left, top, width, height } = u.bbox;
    c.save();
    c.beginPath();
    c.rect(left, top, width, height);
    c.clip();
    c.font = `${12 * ratio}px system-ui, "DejaVu Sans", sans-serif`;
    c.fillStyle = css("--text");
    c.textBaseline = "middle";
    c.textAlign = upright ? "left" : "right";
    let last = Infinity;
    for (const { level, text } of [...list].sort((a, b) => a.level - b.level)) {
      const at = u.valToPos(level, upright ? "x" : "y", true);
      c.strokeStyle = css("--text");
      c.lineWidth = ratio;
      c.setLineDash([6 * ratio, 4 * ratio]);
      c.beginPath();
      if (upright) { c.moveTo(at, top); c.lineTo(at, top + height); } else { c.moveTo(left, at); c.lineTo(left + width, at); }
      c.stroke();
      c.setLineDash([]);
      if (upright) {
        const y = top + 10 * ratio + (list.length - 1 - [...list].sort((a, b) => a.level - b.level).findIndex((l) => l.level === level)) * 15 * ratio;
        const wide = c.measureText(text).width + 6 * ratio;
        inkText(c, text, at + wide > left + width ? at - wide : at + 5 * ratio, y);
      } else {
        const y = Math.min(at - 9 * ratio, last - 15 * ratio);
        inkText(c, text, left + width - 5 * ratio, Math.max(y, top + 8 * ratio));
        last = y;
      }
    }
    c.restore();
  };
}

// --- time series ---

/** Divisor and name of the unit that such a span is best read in. */
function timeUnit(seconds) {
  for (const [unit, name, from] of [[86400, "days", 4 * 86400], [3600, "hours", 7200], [60, "minutes", 600]]) if (seconds >= from) return [unit, name];
  return [1, "seconds"];
}
const TIME_STEPS = {
  days: [0.25, 0.5, 1, 2, 7, 14, 28, 56, 182, 364], hours: [0.25, 0.5, 1, 2, 4, 6, 12, 24], minutes: [0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120],
  seconds: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300],
};

/** One chart over time. Lines have `name`, `values`, `colour`, and how they are drawn; `stack`: on top of each other. */
function timeChart(series, group, { title, label, lines, metric = { name: "", unit: "" }, factor = 1, unit = "", log = false, zero = true, steps = false, stack = false,
  band = null, marks = [], about = null }) {
  const source = series.groups.find((g) => g.name === group);
  lines = lines.filter((l) => source?.columns[l.column]?.some(number));
  if (lines.length === 0) return null;
  const [per, name] = timeUnit(source.time.at(-1) - series.begin_s);
  const end = source.time.at(-1) / per, begin = series.begin_s / per;
  let x = source.time.map((t) => t / per);
  let raw = lines.map((l) => source.columns[l.column].map((v) => (number(v) ? v * factor : null)));
  if (steps) {  // what holds for an interval is drawn from its begin
    x = [begin, ...x];
    raw = raw.map((v) => [v[0], ...v]);
  }
  const heights = stack ? raw.map((_, k) => x.map((_, i) => raw.slice(0, k + 1).reduce((sum, v) => sum + (v[i] ?? 0), 0))) : raw;
  const order = lines.map((_, k) => k);
  if (stack) order.reverse();  // the highest first: the others stand in front of it
  const holder = el("div");
  const values = heights.flat().filter((v) => number(v) && (!log || v > 0));
  const high = greatest([...values, ...marks.map((m) => m.level)]), low = least([...values, ...marks.map((m) => m.level)]);
  chart(holder, 230, () => {
    const shade = css("--shade");
    return {
      data: [x, ...order.map((k) => heights[k])],
      scales: { x: { time: false, range: (u, from, to) => (from <= x[0] && to >= x.at(-1) ? [begin, end] : [from, to]) },
        y: { distr: log ? 3 : 1, range: () => room(low, log && marks.length ? high * 1.4 : high, { log, zero }) } },
      axes: [bottomAxis(`time (${name})`, false, { incrs: TIME_STEPS[name] }), leftAxis(label + (unit ? ` (${unit})` : ""), log)],
      series: [{ label: name, value: (u, v) => (number(v) ? plain(v, 5) : NONE) }, ...order.map((k) => {
        const l = lines[k], ink = l.colour === "area" ? css("--area") : colour(l.colour);
        return {
          label: l.name, stroke: l.colour === "area" ? css("--muted") : ink, width: l.width ?? 1.6, dash: l.dash, spanGaps: false, points: { show: false },
          fill: stack ? ink : l.fill ? (l.colour === "area" ? ink : alpha(ink, 0.18)) : undefined,
          paths: steps ? uPlot.paths.stepped({ align: -1 }) : undefined,
          value: (u, v, s, i) => (i === null || i === undefined || !number(raw[k][i]) ? NONE : plain(raw[k][i], 4) + (unit === "%" ? NARROW + "%" : "")),
        };
      })],
      bands: band ? [{ series: [1 + order.indexOf(band[1]), 1 + order.indexOf(band[0])], fill: alpha(colour(0), 0.16) }] : undefined,
      cursor: { sync: { key: "time", scales: ["x", null] }, drag: { x: true, y: false }, points: { size: 7 } },
      legend: { live: true },
      hooks: {
        drawClear: [(u) => {
          const w = data.summary?.window;
          if (!w) return;
          u.ctx.save();
          u.ctx.fillStyle = shade;
          const { left, top: y, width, height } = u.bbox;
          for (const [a, b] of [[-Infinity, w[0] / per], [w[1] / per, Infinity]]) {
            const from = Math.max(left, a === -Infinity ? left : u.valToPos(a, "x", true)), to = Math.min(left + width, b === Infinity ? left + width : u.valToPos(b, "x", true));
            if (to - from > 1) u.ctx.fillRect(from, y, to - from, height);
          }
          u.ctx.restore();
        }],
        draw: marks.length ? [levels(marks)] : [],
      },
    };
  });
  return card(title, holder, about && note(about));
}

// --- a run ---

const HEADLINE = [
  ["queries_arrived"], ["queries_served", 1], ["queries_late", 1], ["queries_dropped", 1], ["queries_rejected", 1], ["queries_lost", 1],
  ["queries_unfinished", 1], ["slo_attainment"], ["slo_attainment_worst_hour", 1], ["accuracy_weighted_attainment", 1], ["goodput_qps"],
  ["effective_accuracy"], ["accuracy_floor_attainment", 1], ["accuracy_drop_max", 1], ["latency_mean_s"], ["latency_p50_s", 1], ["latency_p95_s", 1],
  ["latency_p99_s", 1], ["latency_max_s", 1], ["cost_usd"], ["cost_idle_usd", 1], ["energy_j"], ["utilization"], ["cold_starts"],
  ["queries_delayed_by_load", 1], ["loads"], ["evictions"],
];

function drawRun() {
  const s = data.summary;
  const total = new Map((s?.total ?? []).map((c) => [c.name, { ...c, value: c.values[0] }]));
  document.getElementById("subtitle").textContent = `A run of Tideline \u00b7 ${data.file}`;
  if (!data.complete) page.append(notice(`This run is not complete (${data.state}). What follows is as of then.`));
  for (const w of data.warnings) page.append(notice(`Warning: ${w}`));
  if (data.audit && !data.audit.passed) page.append(notice("The audit failed: the books of this run do not balance, and its results cannot be trusted. See the end of this page."));

  if (s) {
    const many = column(s.tasks, "name").length > 1;
    page.append(el("div", { class: "tiles" }, [["queries_arrived", "queries"], ["slo_attainment", "SLO attainment"], ["goodput_qps", "goodput"],
      ["latency_p50_s", "latency p50"], ["latency_p99_s", "latency p99"], ["effective_accuracy", many ? "relative accuracy" : "accuracy"],
      ["cost_usd", "cost"], ["cold_starts", "cold starts"]].filter(([name]) => total.has(name)).map(([name, label]) =>
      tile(figure(total.get(name), total.get(name).value), label, total.get(name).help))));
  }

  section("What was run", card(null, facts([
    ["Scenario", data.scenario], ["Seed", String(data.seed)],
    ["Measured", s && `${plain(s.window[0], 9)} s to ${plain(s.window[1], 9)} s, billed by ${s.billing === "held" ? "shares of devices held" : s.billing}`],
    ["Overrides", data.overrides.length ? data.overrides.map((o) => el("code", {}, o)) : "none"], ["Program", `${data.program_version}, ${data.compiler}`],
    ["Hashes of files read", data.hashes.map((h) => el("code", {}, h))], ["State", data.state],
  ]), el("details", {}, el("summary", {}, "Effective configuration"), el("pre", {}, data.configuration))));

  if (s) {
    section("Results", runTable(s, total), variantTable(s.variants));
  } else {
    section("Results", card(null, note("The file has no summary: the run was killed before it ended.")));
  }
  drawSeries();
  drawCdf();
  drawAudit(data.audit && rows(data.audit.checks));
}

const column = (columns, name) => columns.find((c) => c.name === name)?.values ?? [];
const rows = (columns) => (columns[0]?.values ?? []).map((_, k) => Object.fromEntries(columns.map((c) => [c.name, c.values[k]])));

/** Metrics as rows; the total, tasks and classes as columns. */
function runTable(s, total) {
  const tasks = column(s.tasks, "name"), classes = column(s.classes, "name");
  const parts = [{ title: "total", columns: s.total, k: 0 },
    ...(tasks.length > 1 ? tasks.map((title, k) => ({ title: `task ${title}`, columns: s.tasks, k })) : []),
    ...(classes.length > 1 ? classes.map((title, k) => ({ title: `class ${title}`, columns: s.classes, k })) : [])];
  const make = (list) => table([
    { title: "", text_like: true, text: ([name]) => (name === "effective_accuracy" && tasks.length > 1 ? "effective accuracy (total: of the best)" : words(name)),
      class: ([, level]) => (level ? "below" : undefined), tip: ([name]) => total.get(name)?.help },
    ...parts.map((p) => ({ title: p.title, text: ([name]) => {
      const c = p.columns.find((x) => x.name === name);
      return c ? figure(c, c.values[p.k]) : "";
    } })),
  ], list, { shown: 100 });
  const first = new Set(HEADLINE.map(([name]) => name));
  const misses = [...total.keys()].filter((n) => n.startsWith("misses_") && total.get(n).value > 0).map((n) => [n, 1]);
  const list = HEADLINE.filter(([name]) => total.has(name));
  const at = list.findIndex(([name]) => name === "slo_attainment");
  list.splice(at < 0 ? list.length : at, 0, ...misses);
  const others = [...total.keys()].filter((n) => !first.has(n) && !misses.some(([m]) => m === n)).map((n) => [n]);
  return card(null, make(list), el("details", {}, el("summary", {}, "All other metrics"), make(others)));
}

function variantTable(columns) {
  const list = rows(columns);
  if (list.length === 0) return null;
  const c = (name, title) => {
    const metric = columns.find((x) => x.name === name);
    return metric && { title: title ?? words(name), help: metric.help, text: (r) => figure(metric, r[name]), value: (r) => r[name] };
  };
  const text = (name, title) => ({ title, text_like: true, text: (r) => r[name], value: (r) => r[name] });
  return card("Variants that served, ran or loaded", table([text("name", "variant"), text("task", "task"), c("queries_served", "served"), c("share"), c("queries_late", "late"),
    c("latency_mean_s", "latency mean"), c("effective_accuracy", "accuracy"), c("batch_mean", "items a batch"), c("loads"), c("cost_attributed_usd", "cost attributed"),
    text("origin_latency", "latency figures")].filter(Boolean), list.sort((a, b) => b.queries_served - a.queries_served)));
}

function drawSeries() {
  const series = data.series;
  if (!series || series.samples < 2) {
    section("Over time", card(null, note(series || data.complete ? "The file has fewer than two samples over time: set /measure/sample_s to less."
      : "The file has no samples over time: the run was killed before it ended.")));
    return;
  }
  const slos = new Map();
  for (const { class: name, slo_s } of data.slos) slos.set(slo_s, [...(slos.get(slo_s) ?? []), name]);
  const latency = series.groups.find((g) => g.name === "latency")?.columns.p99.filter(number) ?? [];
  const [factor, unit] = unitOf({ unit: "s", name: "" }, greatest([0, ...latency]));
  const marks = slos.size <= 4 ? [...slos].map(([slo, names]) => ({ level: slo * factor, text: `SLO ${plain(slo * factor)} ${unit}: ${names.slice(0, 2).join(", ")}${names.length > 2 ? ", \u2026" : ""}` })) : [];
  const thin = series.groups.some((g) => g.time.length < series.samples);
  const many = data.summary && column(data.summary.tasks, "name").length > 1;
  section("Over time",
    note(`A sample every ${span(series.sample_s)}${thin ? `; of ${plain(series.samples, 9)} samples those are drawn that are least or greatest in their part of the time` : ""}. `
      + "Drag over a time to enlarge it in all charts, double-click to see all of it again, click on a name to hide its line. Darker ground: outside the measured window."),
    el("div", { class: "grid" }, [
      timeChart(series, "load", { title: "Load", label: "queries", unit: "1/s", steps: true, lines: [
        { name: "arrived", column: "arrived", colour: "area", fill: true, width: 0.8 }, { name: "goodput", column: "good", colour: 0 },
        { name: "dropped, rejected, lost", column: "failed", colour: 1 }] }),
      timeChart(series, "latency", { title: "Latency of answers", label: "latency", factor, unit, log: true, marks, band: [2, 0], lines: [
        { name: "p99", column: "p99", colour: 1, width: 1 }, { name: "p95", column: "p95", colour: 2, width: 1.2 },
        { name: "p50", column: "p50", colour: 0, width: 2.2 }] }),
      timeChart(series, "attainment", { title: "SLO attainment", label: "answered in time", factor: 100, unit: "%", zero: false, lines: [
        { name: "attainment", column: "attainment", colour: 0 }] }),
      timeChart(series, "accuracy", { title: "Accuracy of answers", label: many ? "relative to best of task" : "accuracy", zero: false, lines: [
        { name: "effective", column: "effective", colour: 0 }, { name: "mean floor", column: "floor", colour: 5, dash: [6, 4] }] }),
      timeChart(series, "instances", { title: "Instances", label: "instances", steps: true, stack: true, lines: [
        { name: "warm", column: "warm", colour: 0, width: 0 }, { name: "loading", column: "starting", colour: 1, width: 0 },
        { name: "draining", column: "draining", colour: 5, width: 0 }] }),
      timeChart(series, "cost", { title: "Cost", label: "cost", unit: "USD per hour", steps: true, lines: [{ name: "cost", column: "usd_per_hour", colour: 0 }] }),
      timeChart(series, "starts", { title: "Cold starts, loads and evictions so far", label: "count", lines: [
        { name: "cold starts", column: "cold_starts", colour: 0, width: 2 }, { name: "loads", column: "loads", colour: 2, dash: [6, 4] },
        { name: "evictions", column: "evictions", colour: 1 }] }),
      timeChart(series, "queue", { title: "Queries in flight, devices busy", label: "count", lines: [
        { name: "queries in flight", column: "in_flight", colour: 0, width: 1 }, { name: "devices busy", column: "devices_busy", colour: 1, width: 1 }] }),
    ].filter(Boolean)));
}

function drawCdf() {
  const cdf = data.cdf;
  if (!cdf.source) {
    section("Latency distribution", card(null, note(`There is no distribution of latencies: ${cdf.why.charAt(0).toLowerCase()}${cdf.why.slice(1)}`)));
    return;
  }
  const whole = cdf.source === "queries";
  const [factor, unit] = unitOf({ unit: "s", name: "" }, greatest(cdf.latency));
  const x = cdf.latency.map((t) => Math.max(t, 1e-9) * factor);
  const holder = el("div");
  let tail = false;
  const draw = chart(holder, 330, () => {
    const curves = cdf.curves.map((c) => c.share.map((v) => (!number(v) ? null : !tail ? v : 1 - v > 0.5 / c.count ? 1 - v : null)));
    const shown = curves.flat().filter((v) => number(v) && v > 0);
    const slos = data.slos.filter((s) => cdf.curves.some((c) => c.name === s.class));
    return {
      data: [x, ...curves],
      scales: { x: { time: false, distr: 3, range: (u, a, b) => (a <= x[0] && b >= x.at(-1) ? room(x[0], x.at(-1), { log: true, share: 0.02 }) : [a, b]) },
        y: { distr: tail ? 3 : 1, range: () => (tail ? room(least(shown), greatest(shown), { log: true }) : [0, 1.04]) } },
      axes: [bottomAxis(`latency (${unit})`, true), leftAxis(tail ? "share of answers that took longer" : "share of answers", tail)],
      series: [{ label: "latency", value: (u, v) => (number(v) ? `${plain(v)}${NARROW}${unit}` : NONE) }, ...cdf.curves.map((c, k) => {
        const ink = c.name === "all" && k === 0 ? css("--text") : colour(k - (cdf.curves[0].name === "all" ? 1 : 0));
        return { label: c.name, stroke: ink, width: c.name === "all" ? 2.4 : 1.8, spanGaps: true, dash: whole ? [undefined, undefined, [9, 5], [3, 3]][k % 4] : [4, 4],
          points: { show: !whole, size: Math.max(6, 13 - 2 * k), fill: ink }, value: (u, v) => (number(v) ? plain(v, 5) : NONE) };
      })],
      cursor: { drag: { x: true, y: false }, points: { size: 7 } },
      hooks: { draw: slos.length && slos.length <= 4 ? [levels(slos.map((s) => ({ level: s.slo_s * factor, text: `SLO ${s.class}` })), true)] : [] },
    };
  });
  const why = whole
    ? `Of ${plain(cdf.curves[0].count, 15)} answers in the table of queries${cdf.left_out ? `; ${cdf.left_out} smaller classes are not drawn, but count in all` : ""}.`
    : "The file has no row for each query: these are the percentiles of its summary (p50, p90, p95, p99 and the greatest), joined by dashes. "
      + "A run with --records queries has the whole curves.";
  section("Latency distribution", card(null, el("div", { class: "controls" }, choice("Show", [{ value: "cdf", text: "share answered within a latency" },
    { value: "tail", text: "share that took longer (tail)" }], "cdf", (v) => { tail = v === "tail"; draw(); })), holder, note(why)));
}

function drawAudit(checks, about) {
  if (!checks) {
    section("Audit", card(null, note("The file has no audit: the run was killed before it ended.")));
    return;
  }
  section("Audit", card(null, about, checks.length > 0 && table([
    ...(checks.length > 0 && "task" in checks[0] ? [{ title: "task", text_like: true, text: (r) => String(r.task) }] : []),
    { title: "check", text_like: true, text: (r) => r.name }, { title: "", text_like: true, text: (r) => el("span", { class: r.passed ? "good" : "bad" }, r.passed ? "\u2713 holds" : "\u2717 FAILS") },
    { title: "what was compared", text_like: true, class: () => "text wrap", text: (r) => r.detail },
  ], checks)));
}

// --- a sweep ---

function drawSweep() {
  const axes = data.axes;
  document.getElementById("subtitle").textContent = `A sweep of Tideline over ${axes.map((a) => a.name).join(", ") || "nothing but replications"} \u00b7 ${data.file}`;
  const open = [data.missing && `${count(data.missing, "has", "have")} not run yet`, data.failed && `${plain(data.failed, 9)} failed`,
    data.stale && `${count(data.stale, "has", "have")} results of another version of this sweep, which are left out`].filter(Boolean);
  if (open.length) page.append(notice(`The sweep is not complete: of its ${plain(data.tasks, 9)} tasks ${open.join(", ")}. What follows is of the ${plain(data.done, 9)} that are done.`));
  if (data.audit.failed) page.append(notice(`The audit of ${count(data.audit.failed, "task")} failed; their results cannot be trusted. See the end of this page.`));

  const points = pointsOf();
  page.append(el("div", { class: "tiles" }, tile(`${plain(data.done, 9)} / ${plain(data.tasks, 9)}`, "tasks done"), tile(plain(points.length, 9), points.length === 1 ? "point" : "points"),
    tile(plain(data.replications, 9), data.replications === 1 ? "replication of each" : "replications of each"), data.failed > 0 && tile(plain(data.failed, 9), "failed"), data.missing > 0 && tile(plain(data.missing, 9), "not run yet"),
    axes.map((a) => tile(plain(a.values.length, 9), `values of ${a.name}`))));
  const listed = (a) => (a.values.length <= 16 ? a.values.join(", ") : `${a.values.slice(0, 14).join(", ")}, \u2026, ${a.values.at(-1)}`);
  const seeds = unique(data.seed.map(String));
  section("What was run", card(null, facts([["Sweep", data.name], ["Scenario", data.scenario], ...axes.map((a) => [`Axis ${a.name}`, listed(a)]),
    ["Replications", plain(data.replications, 9)], ["Seeds", seeds.length ? seeds.slice(0, 20).join(", ") + (seeds.length > 20 ? `, \u2026 (${seeds.length})` : "") : null], ["Program", data.program_version]])),
    data.problems.length > 0 && card("Tasks that failed", table([
      { title: "task", text_like: true, text: (p) => String(p.task), value: (p) => p.task }, { title: "point", text_like: true, text: (p) => p.point, value: (p) => p.point },
      { title: "replication", text: (p) => String(p.replication), value: (p) => p.replication },
      { title: "why", text_like: true, class: () => "text wrap", text: (p) => p.error, value: (p) => p.error }], data.problems),
    data.failed > data.problems.length && note(`The first ${data.problems.length} of ${data.failed}.`)));
  if (data.done === 0) {
    section("Results", card(null, el("p", { class: "empty" }, "No task is done yet: there is nothing to draw.")));
    return;
  }
  drawPareto(points);
  drawAgainstAxis();
  drawPoints(points);
  drawAudit(data.audit.checks, note(data.audit.failed ? `Of ${count(data.done, "task")} the books of ${plain(data.audit.failed, 9)} do not balance:`
    : `The audits of all ${count(data.done, "task")} passed: queries are conserved, and device time, memory and cost add up.`));
}

const metricKey = (m) => (m.of ? `${m.of}/${m.name}` : m.name);
const metricOf = (key) => data.metrics.find((m) => metricKey(m) === key);
const valueAt = (m, task) => (Array.isArray(m.values) ? m.values[task] : m.values);
const firstMetric = (...names) => names.map(metricOf).find(Boolean) ?? data.metrics[0];
const metricOptions = () => data.metrics.map((m) => ({ value: metricKey(m), text: words(m.name), group: m.of || "all queries" }));

/** The tasks of each point, by the values of all axes. */
function pointsOf() {
  const found = new Map();
  for (let task = 0; task < data.done; ++task) {
    const at = data.axes.map((a) => a.at[task]), key = at.join(" ");
    if (!found.has(key)) found.set(key, { at, tasks: [] });
    found.get(key).tasks.push(task);
  }
  return [...found.values()].sort((a, b) => a.at.map((v, k) => v - b.at[k]).find((d) => d !== 0) ?? 0);
}

/** Mean over replications, and half of its interval where there are several. */
function estimate(metric, tasks) {
  const values = tasks.map((t) => valueAt(metric, t)).filter(number), n = values.length;
  if (n === 0) return { n, mean: null, half: null };
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const t = data.quantiles[n];
  if (n < 2 || !t) return { n, mean, half: null };
  return { n, mean, half: t * Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (n - 1) / n) };
}

/** Of two values of a metric, is more better (1), less (-1), or neither (0)? */
function direction(metric) {
  if (/attainment|accuracy$|throughput|goodput|served|on_time/.test(metric.name)) return 1;
  if (/latency|cost|energy|wait|service|network|miss|late$|dropped|rejected|infeasible|lost|unfinished|delayed|cold_starts|loads|evictions|wasted|drop_max/.test(metric.name)) return -1;
  return 0;
}

/** The colour of each value of an axis: by kind, or from light to dark where there are many numbers. */
function axisColour(a) {
  if (a.numbers && a.values.length > 4) {
    const order = [...a.numbers].sort((x, y) => x - y);
    return (k) => mix(css("--ramp-low"), css("--ramp-high"), order.indexOf(a.numbers[k]) / (order.length - 1));
  }
  return colour;
}
function axisKey(a) {
  if (a.numbers && a.values.length > 4) {
    return el("div", { class: "key" }, `${a.name}: ${plain(least(a.numbers))}`, el("i", { class: "ramp", style: "background: linear-gradient(90deg, var(--ramp-low), var(--ramp-high))" }), plain(greatest(a.numbers)));
  }
  return el("div", { class: "key" }, `${a.name}:`, a.values.slice(0, 24).map((v, k) => el("span", {}, el("i", { style: `background: var(--c${k % 8 + 1})` }), v)), a.values.length > 24 && "\u2026");
}

function pointTip(point, metrics) {
  return [el("b", {}, data.axes.map((a, k) => `${a.name} ${a.values[point.at[k]]}`).join(", ") || "the scenario"),
    el("table", {}, metrics.map((m) => {
      const e = estimate(m, point.tasks);
      return el("tr", {}, el("td", {}, metricTitle(m)), el("td", {}, figure(m, e.mean)), el("td", {}, halfFigure(m, e.half, e.mean)));
    }), el("tr", {}, el("td", {}, "replications"), el("td", {}, String(point.tasks.length)), el("td")))];
}

function drawPareto(points) {
  const chosen = { quality: firstMetric("effective_accuracy"), latency: firstMetric("latency_p99_s", "latency_mean_s"), cost: firstMetric("cost_usd") };
  let by = data.axes.length ? 0 : -1;
  let shown = [], front = [];
  const places = [{ x: "cost", y: "quality" }, { x: "latency", y: "quality" }, { x: "cost", y: "latency" }];
  const holders = places.map(() => el("div")), says = el("p", { class: "note" }), key = el("div");
  const hovered = [];  // of each chart: marks a point

  function compute() {
    const metrics = Object.values(chosen);
    shown = points.map((point) => ({ point, values: metrics.map((m) => estimate(m, point.tasks).mean) })).filter((p) => p.values.every(number));
    const sign = metrics.map(direction);
    const better = (a, b) => a.every((v, k) => (v - b[k]) * sign[k] >= 0) && a.some((v, k) => (v - b[k]) * sign[k] > 0);
    front = [];
    const ahead = (a, b) => sign.map((s, k) => (b.values[k] - a.values[k]) * s).find((d) => d !== 0) ?? 0;
    for (const p of [...shown].sort(ahead)) {
      p.front = !front.some((f) => better(f.values, p.values));
      if (p.front) front.push(p);
    }
    for (const p of shown) Object.assign(p, { quality: p.values[0], latency: p.values[1], cost: p.values[2] });
    const neither = metrics.filter((m) => direction(m) === 0);
    says.textContent = `Full circles: no other point is as good in all three of ${metrics.map(metricTitle).join(", ")} and better in one (${front.length} of ${shown.length}). `
      + `Values are means over replications. ${neither.length ? `Of ${neither.map(metricTitle).join(", ")} neither more nor less is better, so that it does not count. ` : ""}`
      + "Point at a circle to see its point in all charts; drag to enlarge, double-click to go back.";
  }

  function scatter(holder, place, number_) {
    return chart(holder, 340, (width) => {
      const mx = chosen[place.x], my = chosen[place.y];
      const [fx, ux] = unitOf(mx, greatest([0, ...shown.map((p) => Math.abs(p[place.x]))])), [fy, uy] = unitOf(my, greatest([0, ...shown.map((p) => Math.abs(p[place.y]))]));
      const list = [...shown].sort((a, b) => a[place.x] - b[place.x]);
      const x = list.map((p) => p[place.x] * fx), y = list.map((p) => p[place.y] * fy);
      const log = (values) => values.length > 0 && least(values) > 0 && greatest(values) / least(values) > 30;
      const xlog = log(x), ylog = log(y);
      const paint = by < 0 ? () => colour(0) : axisColour(data.axes[by]);
      const inkOf = (p) => paint(by < 0 ? 0 : p.point.at[by]);
      const rim = css("--card");
      return {
        data: [x, y],
        legend: { show: false },
        scales: { x: { time: false, distr: xlog ? 3 : 1, range: (u, a, b) => (a <= x[0] && b >= x.at(-1) ? room(x[0], x.at(-1), { log: xlog }) : [a, b]) },
          y: { distr: ylog ? 3 : 1, range: (u, a, b) => room(a, b, { log: ylog }) } },
        axes: [bottomAxis(capital(metricTitle(mx)) + (ux ? ` (${ux})` : ""), xlog), leftAxis(capital(metricTitle(my)) + (uy ? ` (${uy})` : ""), ylog)],
        series: [{}, { paths: () => null, points: { show: false } }],
        cursor: { x: false, y: false, points: { show: false }, drag: { x: true, y: true, uni: 30 } },
        hooks: {
          draw: [(u) => {
            const c = u.ctx, r = devicePixelRatio, { left, top, width: w, height: h } = u.bbox;
            c.save();
            c.beginPath();
            c.rect(left, top, w, h);
            c.clip();
            const small = list.length > 300 ? 2.6 : 3.4;
            for (const onFront of [false, true]) {
              list.forEach((p, k) => {
                if (p.front !== onFront) return;
                c.beginPath();
                c.arc(u.valToPos(x[k], "x", true), u.valToPos(y[k], "y", true), (onFront ? small + 2 : small) * r, 0, 2 * Math.PI);
                if (onFront) {
                  c.fillStyle = inkOf(p);
                  c.fill();
                  c.lineWidth = 1.2 * r;
                  c.strokeStyle = rim;
                  c.stroke();
                } else {
                  c.lineWidth = 1.2 * r;
                  c.strokeStyle = alpha(inkOf(p), 0.75);
                  c.stroke();
                }
              });
            }
            c.restore();
          }],
          ready: [(u) => {
            const tip = tipOf(u), ring = el("div", { class: "ring", hidden: true });
            u.over.append(ring);
            hovered[number_] = (p, withTip) => {
              const k = list.indexOf(p);
              if (k < 0) { tip.hide(); ring.hidden = true; return; }
              const left = u.valToPos(x[k], "x"), top = u.valToPos(y[k], "y");
              const inside = left >= 0 && top >= 0 && left <= u.over.clientWidth && top <= u.over.clientHeight;
              ring.hidden = !inside;
              ring.style.left = `${left}px`;
              ring.style.top = `${top}px`;
              if (withTip) tip.show(left, top, ...pointTip(p.point, unique([...Object.values(chosen), firstMetric("slo_attainment"), firstMetric("goodput_qps"), firstMetric("cold_starts")])));
              else tip.hide();
            };
            const point = (e) => {
              const box = u.over.getBoundingClientRect(), px = e.clientX - box.left, py = e.clientY - box.top;
              let nearest = null, distance = 22 ** 2;
              list.forEach((p, k) => {
                const d = (u.valToPos(x[k], "x") - px) ** 2 + (u.valToPos(y[k], "y") - py) ** 2 - (p.front ? 9 : 0);
                if (d < distance) [nearest, distance] = [p, d];
              });
              hovered.forEach((mark, k) => mark(nearest, k === number_));
            };
            u.over.addEventListener("mousemove", point);
            u.over.addEventListener("mouseleave", () => hovered.forEach((mark) => mark(null, false)));
          }],
        },
      };
    });
  }

  compute();
  const draws = holders.map((h, k) => scatter(h, places[k], k));
  const again = () => {
    compute();
    key.replaceChildren(...(by >= 0 ? [axisKey(data.axes[by])] : []));
    draws.forEach((draw) => draw());
  };
  key.replaceChildren(...(by >= 0 ? [axisKey(data.axes[by])] : []));
  const pick = (label, name) => choice(label, metricOptions(), metricKey(chosen[name]), (v) => { chosen[name] = metricOf(v); again(); });
  section("Accuracy, latency and cost", card(null,
    el("div", { class: "controls" }, pick("Quality", "quality"), pick("Latency", "latency"), pick("Cost", "cost"),
      data.axes.length > 1 && choice("Colour by", data.axes.map((a, k) => ({ value: k, text: a.name })), by, (v) => { by = Number(v); again(); })),
    el("div", { class: "grid" }, holders.slice(0, 2)), holders[2], key, says));
}

function drawAgainstAxis() {
  if (data.axes.length === 0) return;
  const axes = data.axes;
  let metric = firstMetric("slo_attainment", "latency_p99_s");
  // Across: numbers rather than names, as far as there are any.
  let across = Math.max(0, axes.findIndex((a) => a.numbers && a.values.length > 1));
  let lines = axes.findIndex((a, k) => k !== across && a.values.length > 1 && a.values.length <= 12);
  const fixed = axes.map(() => 0);
  const holder = el("div"), controls = el("div", { class: "controls" }), key = el("div"), says = el("p", { class: "note" });

  function curves() {
    const a = axes[across];
    const order = a.values.map((_, k) => k);
    if (a.numbers) order.sort((x, y) => a.numbers[x] - a.numbers[y]);
    const tasks = new Map();
    for (let task = 0; task < data.done; ++task) {
      if (axes.some((o, k) => k !== across && k !== lines && o.at[task] !== fixed[k])) continue;
      const at = `${lines < 0 ? 0 : axes[lines].at[task]} ${a.at[task]}`;
      tasks.set(at, [...(tasks.get(at) ?? []), task]);
    }
    const list = (lines < 0 ? [0] : axes[lines].values.map((_, k) => k)).map((line) => ({
      line, name: lines < 0 ? metricTitle(metric) : axes[lines].values[line], at: order.map((k) => estimate(metric, tasks.get(`${line} ${k}`) ?? [])),
    })).filter((c) => c.at.some((e) => e.n > 0));
    return { order, list };
  }

  const draw = chart(holder, 380, (width) => {
    const a = axes[across], { order, list } = curves();
    const numeric = Boolean(a.numbers) && unique(a.numbers).length > 1;
    const x = order.map((k, i) => (numeric ? a.numbers[k] : i));
    const ends = list.flatMap((c) => c.at.flatMap((e) => (number(e.mean) ? [e.mean - (e.half ?? 0), e.mean + (e.half ?? 0)] : [])));
    const means = list.flatMap((c) => c.at.map((e) => e.mean)).filter(number);
    const [factor, unit] = unitOf(metric, greatest([0, ...means.map(Math.abs)]));
    const xlog = numeric && x[0] > 0 && x.at(-1) / x[0] >= 50, ylog = means.length > 0 && least(means) > 0 && greatest(means) / least(means) > 50;
    // An interval that reaches to zero has no place on such an axis.
    const low = ylog ? least([...ends.filter((v) => v > 0), ...means]) : least(ends), high = greatest(ends);
    const capped = sort(metric) === "share" && high <= 1.02 && !ylog;
    const paint = lines < 0 ? () => colour(0) : axisColour(axes[lines]);
    // Names that do not fit beside each other are turned.
    const names = order.map((k) => shorten(a.values[k], 26));
    const widest = greatest(names.map((t) => measure.measureText(t).width)), turned = (widest + 14) * names.length > width - 80;
    const dodge = (k) => (k - (list.length - 1) / 2) * (numeric ? 0 : Math.min(14, 0.7 * (width - 90) / names.length / list.length));
    const several = list.some((c) => c.at.some((e) => e.half !== null));
    says.textContent = several ? `Bars: intervals of ${plain(100 * data.confidence)} % for the mean over replications (Student's t).` : "One replication of each point: there are no intervals.";
    key.replaceChildren(...(lines < 0 ? [] : [axisKey(axes[lines])]));
    return {
      data: [x, ...list.map((c) => c.at.map((e) => (number(e.mean) ? e.mean * factor : null)))],
      legend: { show: false },
      padding: [12, 14, 0, turned && !numeric ? Math.max(0, widest * 0.77 - 80) : 0],
      scales: { x: { time: false, distr: xlog ? 3 : 1, range: () => (numeric ? room(x[0], x.at(-1), { log: xlog, share: 0.03 }) : [-0.6, x.length - 0.4]) },
        y: { distr: ylog ? 3 : 1, range: () => {
          const [from, to] = room(low * factor, high * factor, { log: ylog });
          return capped ? [from, Math.min(to, 100 + (100 - from) * 0.02)] : [from, to];
        } } },
      axes: [bottomAxis(a.name, xlog, numeric ? {} : { splits: () => x, values: (u, splits) => splits.map((v) => names[v] ?? ""), grid: { show: false },
          ...(turned && { rotate: 40, size: Math.ceil(18 + widest * 0.66) }) }),
        leftAxis(capital(metricTitle(metric)) + (unit ? ` (${unit})` : ""), ylog)],
      series: [{}, ...list.map(() => ({ paths: () => null, points: { show: false } }))],
      cursor: {
        y: false, points: { show: false }, drag: { x: false, y: false, setScale: false },
        move: (u, left, top) => (left < 0 ? [left, top] : [u.valToPos(x[u.posToIdx(left)], "x"), top]),  // to the nearest value
      },
      hooks: {
        draw: [(u) => {
          const c = u.ctx, r = devicePixelRatio, { left, top, width, height } = u.bbox;
          c.save();
          c.beginPath();
          c.rect(left, top, width, height);
          c.clip();
          list.forEach((curve, k) => {
            const ink = paint(curve.line);
            const px = x.map((v) => u.valToPos(v, "x", true) + dodge(k) * r);
            const py = (v) => (ylog && v <= 0 ? top + height + 10 : u.valToPos(v * factor, "y", true));
            c.strokeStyle = ink;
            c.fillStyle = ink;
            if (numeric) {
              c.lineWidth = 1.8 * r;
              c.beginPath();
              let down = false;
              curve.at.forEach((e, i) => {
                if (!number(e.mean)) return;
                if (down) c.lineTo(px[i], py(e.mean)); else c.moveTo(px[i], py(e.mean));
                down = true;
              });
              c.stroke();
            }
            c.lineWidth = 1.4 * r;
            curve.at.forEach((e, i) => {
              if (!number(e.mean)) return;
              if (e.half) {
                c.beginPath();
                for (const end of [e.mean - e.half, e.mean + e.half]) { c.moveTo(px[i] - 4 * r, py(end)); c.lineTo(px[i] + 4 * r, py(end)); }
                c.moveTo(px[i], py(e.mean - e.half));
                c.lineTo(px[i], py(e.mean + e.half));
                c.stroke();
              }
              c.beginPath();
              c.arc(px[i], py(e.mean), 3.4 * r, 0, 2 * Math.PI);
              c.fill();
            });
          });
          c.restore();
        }],
        ready: [(u) => { u.tip = tipOf(u); }],
        setCursor: [(u) => {
          const i = u.cursor.idx;
          if (!u.tip) return;
          if (i === null || i === undefined || u.cursor.left < 0) { u.tip.hide(); return; }
          const there = list.filter((curve) => curve.at[i].n > 0).sort((p, q) => q.at[i].mean - p.at[i].mean);
          u.tip.show(u.valToPos(x[i], "x"), u.cursor.top, el("b", {}, `${a.name} ${a.values[order[i]]}`), el("table", {}, there.slice(0, 16).map((curve) => el("tr", {},
            el("td", {}, curve.name), el("td", {}, figure(metric, curve.at[i].mean)), el("td", {}, halfFigure(metric, curve.at[i].half, curve.at[i].mean))))));
        }],
      },
    };
  });

  function choose() {
    const others = axes.map((_, k) => k).filter((k) => k !== across && k !== lines);
    controls.replaceChildren(
      choice("Metric", metricOptions(), metricKey(metric), (v) => { metric = metricOf(v); draw(); }),
      choice("against", axes.map((a, k) => ({ value: k, text: a.name })), across, (v) => { across = Number(v); if (lines === across) lines = axes.findIndex((_, k) => k !== across); choose(); draw(); }),
      ...(axes.length > 1 ? [choice("a line for each", [{ value: -1, text: "(one line)" }, ...axes.map((a, k) => ({ value: k, text: a.name })).filter((o) => o.value !== across)], lines,
        (v) => { lines = Number(v); choose(); draw(); })] : []),
      ...others.map((k) => choice(`where ${axes[k].name} is`, axes[k].values.map((v, i) => ({ value: i, text: v })), fixed[k], (v) => { fixed[k] = Number(v); draw(); })));
  }
  choose();
  section("A metric against an axis", card(null, controls, holder, key, says,
    data.parts_left_out.length > 0 && note(`Left out, so that the page stays small: the metrics of ${data.parts_left_out.join(", ")} alone.`)));
}

const shorten = (text, most) => (text.length > most ? text.slice(0, most - 1) + "\u2026" : text);

function drawPoints(points) {
  const chosen = ["slo_attainment", "goodput_qps", "effective_accuracy", "accuracy_floor_attainment", "latency_p50_s", "latency_p99_s", "cost_usd", "cold_starts", "utilization"].map(metricOf).filter(Boolean);
  const rows_ = points.map((p) => ({ point: p, estimates: chosen.map((m) => estimate(m, p.tasks)) }));
  section("All points", card(null, table([
    ...data.axes.map((a, k) => ({ title: a.name, text_like: true, text: (r) => a.values[r.point.at[k]], value: (r) => (a.numbers ? a.numbers[r.point.at[k]] : r.point.at[k]) })),
    { title: "replications", text: (r) => String(r.point.tasks.length), value: (r) => r.point.tasks.length },
    ...chosen.map((m, k) => ({
      title: metricTitle(m), help: m.help, value: (r) => r.estimates[k].mean,
      text: (r) => [figure(m, r.estimates[k].mean), el("small", {}, ` ${halfFigure(m, r.estimates[k].half, r.estimates[k].mean)}`)],
    })),
  ], rows_, { shown: 20 }), note(`Means over replications, with intervals of ${plain(100 * data.confidence)} %. Click on a name to sort by it.`)));
}

// --- a comparison ---

const VERDICTS = { better: "good", worse: "bad", different: "other" };
const verdictClass = (verdict) => VERDICTS[verdict] ?? "plain";

function drawComparison() {
  const baselines = new Set([data.baseline, ...data.effects.map((e) => e.against)]);
  const alternatives = data.alternatives.map((a) => a.label).filter((label) => !baselines.has(label));
  const effect = new Map(data.effects.map((e) => [`${e.metric} ${e.alternative}`, e]));
  const name = (label) => (data.axes.length === 1 && label.startsWith(`${data.axes[0].name}=`) ? label.slice(data.axes[0].name.length + 1) : label);
  document.getElementById("subtitle").textContent = `A comparison of Tideline: ${count(alternatives.length, "alternative")}, ${count(data.replications, "replication")} \u00b7 ${data.file}`;
  for (const w of data.warnings) page.append(notice(`Warning: ${w}`));
  for (const a of data.alternatives) for (const n of a.notes) page.append(notice(`${a.label}: ${n}`));

  section("What was run", card(null, facts([["Scenario", [data.scenario.name, data.scenario.file && el("code", {}, data.scenario.file)].filter(Boolean)],
    ["Seed", data.scenario.seed === undefined ? null : String(data.scenario.seed)], ["Baseline", data.baseline],
    ...data.axes.map((a) => [`Axis ${a.name}`, a.values.join(", ")]), ["Replications", `${plain(data.replications, 9)}, ${data.replication}`],
    ["Intervals", `${plain(100 * data.confidence)} %`], ["Correction", data.correction], ["Program", data.program_version]])));

  // Means and verdicts.
  section("Means and verdicts", card(null, table([
    { title: "metric", text_like: true, text: (m) => [words(m.name), el("small", { class: "plain" }, m.better === "neither" ? "" : ` ${m.better} is better`)] },
    ...data.alternatives.map((a) => ({
      title: name(a.label) + (baselines.has(a.label) ? " (baseline)" : ""),
      text: (m) => {
        const e = effect.get(`${m.name} ${a.label}`);
        return [figure(m, a.metrics[m.name]?.mean), e && el("div", { class: verdictClass(e.verdict) }, e.verdict)];
      },
    })),
  ], data.metrics, { shown: 60 }), data.text.length > 0 && el("div", {}, data.text.map((t) => note(t)))));

  // Differences with intervals.
  if (data.effects.length > 0) {
    let relative = false;
    const grid = el("div", { class: "grid" });
    const draws = data.metrics.map((m) => forest(grid, m, data.effects.filter((e) => e.metric === m.name), name, () => relative)).filter(Boolean);
    const margins = data.effects.some((e) => number(e.margin));
    section("Differences from the baseline", el("div", { class: "controls" }, choice("Differences", [{ value: "", text: "in the metric's unit" }, { value: "1", text: "in percent of the baseline" }], "",
      (v) => { relative = v === "1"; draws.forEach((draw) => draw()); })),
    grid, note(`Bars: intervals of ${plain(100 * data.confidence)} % of the difference from ${data.baseline}, which is the upright line. Verdicts are those of the comparison${data.correction === "none" ? "" : ` (correction for many questions: ${data.correction})`}.`
      + (margins ? " Ground of another shade: differences within the margin of equivalence." : "")));
  }
  drawReplications(name);
  if (data.effects.length > 0) {
    section("All differences", card(null, table([
      { title: "alternative", text_like: true, text: (e) => name(e.alternative), value: (e) => e.alternative },
      { title: "metric", text_like: true, text: (e) => words(e.metric), value: (e) => e.metric },
      ...[["baseline_mean", "baseline"], ["mean", "mean"], ["difference", "difference"], ["low", "low"], ["high", "high"]].map(([key, title]) => ({
        title, text: (e) => figure(differenceMetric(e), e[key]), value: (e) => e[key] })),
      { title: "relative", text: (e) => (number(e.relative) ? `${signed(e.relative * 100, 3)}${NARROW}%` : NONE), value: (e) => e.relative },
      { title: "verdict", text_like: true, class: (e) => `text ${verdictClass(e.verdict)}`, text: (e) => e.verdict, value: (e) => e.verdict },
      { title: "p", text: (e) => chance(e.p), value: (e) => e.p }, { title: "p, corrected", text: (e) => chance(e.p_adjusted), value: (e) => e.p_adjusted },
      { title: "would show", help: "The smallest difference that so many replications would show", text: (e) => figure(differenceMetric(e), e.smallest_difference), value: (e) => e.smallest_difference },
    ], data.effects, { shown: 20 })));
  }
}

/** A p-value: very small ones are no more than that. */
const chance = (p) => (number(p) && p < 1e-4 ? "< 0.0001" : plain(p, 2));
const signed = (x, digits) => (x > 0 ? "+" : "") + plain(x, digits);
const differenceMetric = (e) => data.metrics.find((m) => m.name === e.metric);

/** Ticks at round numbers. */
function niceTicks(low, high, about) {
  const raw = (high - low) / about, size = 10 ** Math.floor(Math.log10(raw));
  const step = size * ([1, 2, 5].find((f) => f * size >= raw) ?? 10), ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; ++k) ticks.push(k * step);
  return ticks;
}

/** Differences of one metric: a row for each alternative. */
function forest(grid, metric, effects, name, isRelative) {
  if (effects.length === 0) return null;
  const holder = el("div", { class: "chart" });
  const base = effects[0].baseline_mean;
  grid.append(card(null, el("h3", {}, capital(words(metric.name)), el("small", { class: "plain", style: "font-weight: 400" }, effects.every((e) => e.against === effects[0].against) ? `  baseline ${figure(metric, base)}` : "")), holder));
  return drawing(holder, (width) => {
    const relative = isRelative();
    const scale = (e) => (relative ? (e.baseline_mean ? 100 / Math.abs(e.baseline_mean) : NaN) : 1);
    const raw = effects.map((e) => ({ e, at: e.difference * scale(e), low: number(e.low) ? e.low * scale(e) : null, high: number(e.high) ? e.high * scale(e) : null, margin: number(e.margin) ? e.margin * scale(e) : null, is: number(e.difference) && Number.isFinite(scale(e)) }));
    const size = greatest([0, ...raw.filter((r) => r.is).flatMap((r) => [r.at, r.low ?? 0, r.high ?? 0].map(Math.abs))]);
    const [factor, unit] = relative ? [1, "%"] : sort(metric) === "share" ? [100, "percentage points"] : unitOf(metric, size);
    const values = raw.filter((r) => r.is).flatMap((r) => [r.at, r.low ?? r.at, r.high ?? r.at].map((v) => v * factor));
    let low = least([0, ...values]), high = greatest([0, ...values]);
    if (high === low) [low, high] = [-1, 1];
    const pad = (high - low) * 0.06;
    low -= pad;
    high += pad;
    const rowHeight = 26, labelWidth = Math.min(width * 0.36, 14 + greatest(effects.map((e) => measure.measureText(name(e.alternative)).width * 13 / 12)));
    const verdictWidth = 132, left = labelWidth, right = Math.max(left + 60, width - verdictWidth), bottom = 6 + effects.length * rowHeight, height = bottom + 40;
    const x = (v) => left + (v - low) / (high - low) * (right - left);
    const ticks = niceTicks(low, high, Math.max(2, Math.floor((right - left) / 48))), texts = tickTexts(ticks);
    const picture = svg("svg", { class: "forest", viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": `Differences of ${words(metric.name)}` });
    ticks.forEach((t, k) => picture.append(svg("line", { class: "line", x1: x(t), x2: x(t), y1: 4, y2: bottom }), svg("text", { class: "muted", x: x(t), y: bottom + 15, "text-anchor": "middle", "font-size": 12 }, texts[k])));
    const [worse, better] = metric.better === "lower" ? ["\u2190 better", "worse \u2192"] : metric.better === "higher" ? ["\u2190 worse", "better \u2192"] : ["\u2190 less", "more \u2192"];
    picture.append(svg("text", { class: "muted", x: left, y: bottom + 33, "font-size": 12 }, worse), svg("text", { class: "muted", x: right, y: bottom + 33, "font-size": 12, "text-anchor": "end" }, better),
      svg("text", { class: "muted", x: (left + right) / 2, y: bottom + 33, "font-size": 12, "text-anchor": "middle" }, unit ? `difference (${unit})` : "difference"));
    const margin = greatest(raw.map((r) => r.margin ?? 0)) * factor;
    raw.forEach((r, k) => {
      const y = 6 + rowHeight * (k + 0.5), kind = verdictClass(r.e.verdict);
      const tellUnit = relative ? (v) => `${signed(v, 3)} %` : (v) => (v > 0 ? "+" : "") + figure(metric, v);
      const says = `${r.e.alternative}: ${r.is ? tellUnit(r.at) : "no value"}${r.low !== null && r.is ? ` [${tellUnit(r.low)}, ${tellUnit(r.high)}]` : ""}, ${r.e.verdict}${number(r.e.p_adjusted) ? `, p ${chance(r.e.p_adjusted)}` : ""}`;
      const row = svg("g", { class: kind }, svg("title", {}, says), svg("rect", { class: "row", x: 0, y: y - rowHeight / 2, width, height: rowHeight, stroke: "none" }));
      if (r.is && margin > 0) {
        const from = Math.max(left, x(-margin)), to = Math.min(right, x(margin));
        row.append(svg("rect", { class: "margin", x: from, y: y - rowHeight / 2, width: Math.max(0, to - from), height: rowHeight, stroke: "none" }));
      }
      row.append(svg("text", { x: 2, y: y + 4 }, fitted(name(r.e.alternative), labelWidth - 10)));
      if (r.is) {
        if (r.low !== null && r.high !== null) {
          const [a, b] = [x(r.low * factor), x(r.high * factor)];
          row.append(svg("line", { class: kind, x1: a, x2: b, y1: y, y2: y, "stroke-width": 2.2 }), ...[a, b].map((v) => svg("line", { class: kind, x1: v, x2: v, y1: y - 4, y2: y + 4, "stroke-width": 1.6 })));
        }
        row.append(svg("circle", { class: kind, cx: x(r.at * factor), cy: y, r: 4.2 }));
      }
      row.append(svg("text", { class: kind === "plain" ? "muted" : kind, x: width - verdictWidth + 12, y: y + 4 }, r.e.verdict));
      picture.append(row);
    });
    picture.append(svg("line", { class: "zero", x1: x(0), x2: x(0), y1: 2, y2: bottom }));
    holder.replaceChildren(picture);
  });
}

/** As much of a text as fits. */
function fitted(text, width) {
  const wide = (t) => measure.measureText(t).width * 13 / 12;
  if (wide(text) <= width) return text;
  let k = text.length;
  while (k > 1 && wide(text.slice(0, k) + "\u2026") > width) --k;
  return text.slice(0, k) + "\u2026";
}

function drawReplications(name) {
  const known = data.metrics.filter((m) => data.alternatives.some((a) => a.metrics[m.name]?.values.some(number)));
  if (known.length === 0 || data.replications < 2) return;
  let metric = known[0], differences = false;
  const holder = el("div");
  const against = new Map(data.effects.map((e) => [e.alternative, data.alternatives.find((a) => a.label === e.against)]));
  const draw = chart(holder, 300, () => {
    const valuesOf = (a) => a.metrics[metric.name]?.values ?? [];
    const list = data.alternatives.filter((a) => !differences || against.has(a.label));
    const x = Array.from({ length: data.replications }, (_, k) => k + 1);
    const raw = list.map((a) => x.map((_, k) => {
      const v = valuesOf(a)[k], b = differences ? valuesOf(against.get(a.label))[k] : null;
      return !number(v) || (differences && !number(b)) ? null : differences ? v - b : v;
    }));
    const all = raw.flat().filter(number);
    const [factor, unit] = unitOf(metric, greatest([0, ...all.map(Math.abs)]));
    return {
      data: [x, ...raw.map((values) => values.map((v) => (v === null ? null : v * factor)))],
      scales: { x: { time: false, range: () => [0.6, x.length + 0.4] }, y: { range: () => room(least([...all, ...(differences ? [0] : [])]) * factor, greatest([...all, ...(differences ? [0] : [])]) * factor) } },
      axes: [bottomAxis("replication", false, { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000], space: 40 }),
        leftAxis((differences ? "Difference of " : "") + (differences ? metricTitle(metric) : capital(metricTitle(metric))) + (unit ? ` (${unit})` : ""))],
      series: [{ label: "replication", value: (u, v) => (number(v) ? String(v) : NONE) }, ...list.map((a, k) => {
        const ink = colour(data.alternatives.indexOf(a));
        return { label: name(a.label), stroke: ink, width: 1, points: { show: true, size: 7, fill: ink }, dash: k % 2 ? [5, 3] : undefined, value: (u, v, s, i) => (i === null || i === undefined ? NONE : figure(metric, raw[k][i])) };
      })],
      cursor: { drag: { x: false, y: false, setScale: false }, y: false },
    };
  });
  section("Each replication", card(null, el("div", { class: "controls" },
    choice("Metric", known.map((m) => ({ value: m.name, text: words(m.name) })), metric.name, (v) => { metric = known.find((m) => m.name === v); draw(); }),
    choice("Show", [{ value: "", text: "values" }, { value: "1", text: "differences from the baseline" }], "", (v) => { differences = v === "1"; draw(); })),
  holder, note("What moves together in all alternatives is the replication's own; what a comparison counts are the differences between them.")));
}

// --- theme, and off ---

const root = document.documentElement, button = document.getElementById("theme");
function setTheme(theme) {
  root.dataset.theme = theme;
  button.textContent = theme === "dark" ? "\u2600 Light" : "\u263e Dark";
  drawings.forEach((draw) => draw());
}
button.addEventListener("click", () => {
  const theme = root.dataset.theme === "dark" ? "light" : "dark";
  try { localStorage.setItem("tideline-theme", theme); } catch { /* a file may have no store */ }
  setTheme(theme);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (e) => setTheme(e.matches ? "dark" : "light"));

({ run: drawRun, sweep: drawSweep, comparison: drawComparison })[data.kind]();
document.getElementById("foot").textContent = `Report by ${data.written_by}. Charts: uPlot, MIT licence, which stands in the source of this page. The page needs no network.`;
setTheme(root.dataset.theme);
})();
