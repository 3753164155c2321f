// Trends: trend() is a chart to look around in, from seconds to years; spark() a small picture.
import {h, replace} from './dom.js';
import {get} from './api.js';
import {append, carryOver, lines as linesOf, nearest, newest} from './chart-data.js';
import {marks as happened} from './chart-marks.js';
import {moves} from './chart-moves.js';
import {TRACES, library, limitText, pane} from './chart-pane.js';
import {table} from './chart-table.js';
import {watchDevice} from './present.js';
import {clock, date, duration, full, moment, now, seconds, steady} from './time.js';
import {quantity, toast} from './ui.js';
import {t} from './words.js';
export {spark} from './chart-spark.js';

const HOUR = 3600e3, DAY = 24 * HOUR, YEAR = 365 * DAY;
const SHORTEST = 2000, LONGEST = 40 * YEAR;
const SETTLED = 160; // Milliseconds without a move before the gateway is asked.
const RENEW = 300e3, RENEW_MIN = 30e3; // A living picture is asked anew: of samples; of more, at most.
const AWAY = 15e3;
const ONE_MOVE = 700; // Turns of a wheel closer than this are one move.
const PAST_MAX = 50;
const WIDTH_MAX = 4000; // What the gateway gives at most.
const DIGITS = 5; // Of values in the legend.
let numbers = 0;

// The style sheet of charts, once.
export function styled() {
  const id = 'style-chart';
  if (document.getElementById(id)) return Promise.resolve();
  return new Promise((resolve) => {
    document.head.append(h('link', {id, rel: 'stylesheet', href: '/page/chart.css', onload: resolve, onerror: resolve}));
  });
}

// f() when light becomes dark, or the letters of a wall screen large.  Returns what ends it.
export function onLook(f) {
  const seen = new MutationObserver(f);
  seen.observe(document.documentElement, {attributes: true, attributeFilter: ['data-theme', 'class']});
  const dark = matchMedia('(prefers-color-scheme: dark)');
  dark.addEventListener('change', f);
  return () => {
    seen.disconnect();
    dark.removeEventListener('change', f);
  };
}

const digits = (value) => (value === null ? null : Number(value.toPrecision(DIGITS)));
const isState = (line) => line.kind === 'state';
function valueText(line, found) {
  if (!found || found.value === null) return t('no value');
  if (isState(line) && found.min === null) return found.value ? t('on') : t('off');
  if (isState(line)) return t('{share} % on', {share: Math.round(found.value * 100)});
  const text = quantity(digits(found.value), line.unit);
  return found.min === null || found.min === found.max ? text : t('{value} ({low} to {high})', {value: text, low: quantity(digits(found.min)), high: quantity(digits(found.max))});
}

function rangeText(from, to) {
  const fine = to - from < 10 * 60e3 ? seconds : clock;
  return date(from) === date(to) ? `${date(from)} ${fine(from)} – ${fine(to)}` : `${date(from)} ${fine(from)} – ${date(to)} ${fine(to)}`;
}

// Lines of one unit share an axis; of two units both are in one picture; of more each unit has
// its own, one above the other.
function arrange(list) {
  const units = [...new Set(list.map((line) => line.unit))].map((unit) => list.filter((line) => line.unit === unit));
  return units.length <= 2 ? [units] : units.map((unit) => [unit]);
}

// ---- the chart ----

class Chart {
  constructor(container, {device, points, from, to, live = true, small = false, extraLimits = [], onrange}) {
    Object.assign(this, {
      path: `devices/${encodeURIComponent(device)}`, device, wanted: points, from: from ?? now() - HOUR, to: to ?? now(), mayLive: live, live, small, extraLimits, onrange,
      lines: [], panes: [], shape: null, answer: null, loadedAt: 0, cameAt: null, past: [], pushedAt: 0, moved: 0, tabled: false, silent: false, closed: false,
      asking: null, timer: null, frame: null, pointer: null, problem: null, width: null,
    });
    this.build(container);
    moves(this.plot, {
      range: () => [this.from, this.to], area: () => this.area(), move: (a, b, begins) => this.move(a, b, begins), back: () => this.back(),
      first: () => this.showAll(), newest: () => this.showNow(), point: (at, told) => this.point(at, told), select: (a, b) => this.select(a, b),
    });
  }

  // ---- what stands where ----

  build(container) {
    const hint = `chart-hint-${++numbers}`;
    const part = (tag, name, properties) => h(tag, {class: `chart-${name}`, ...properties});
    this.pictures = part('div', 'pictures');
    this.hair = part('div', 'hair', {hidden: true});
    this.chosen = part('div', 'chosen', {hidden: true});
    this.legend = part('div', 'legend');
    this.limits = part('div', 'limits');
    this.where = part('span', 'where');
    this.grain = part('span', 'grain');
    this.status = part('p', 'status', {role: 'status'});
    this.spoken = part('p', 'spoken', {'aria-live': 'polite'});
    this.tableBox = h('div', {});
    this.marks = happened((a, b) => this.move(a, b, true));
    this.plot = h('div', {class: 'chart-plot', tabindex: '0', role: 'group', 'aria-describedby': hint}, this.marks.element, this.pictures, this.hair, this.chosen);
    this.box = h('div', {class: `chart${this.small ? ' small' : ''}`}, this.small ? null : this.buttons(), h('div', {class: 'chart-head'}, this.where, this.grain), this.legend, this.limits, this.plot, this.status,
      h('p', {id: hint, class: 'chart-hint'}, t('Arrows move, + and - zoom, Home shows all, End goes to now, Shift with arrows reads values. Wheel zooms, drag moves, Shift and drag chooses a time, double click goes back.')), this.spoken, this.tableBox);
    container.append(this.box);
  }
  buttons() {
    const span = (text, width) => h('button', {type: 'button', onclick: () => this.showSpan(width)}, text);
    const sign = (text, name, factor) => h('button', {type: 'button', 'aria-label': name, title: name, onclick: () => this.zoom(factor)}, text);
    const tabled = h('button', {type: 'button', 'aria-pressed': 'false', onclick: () => {
      this.tabled = !this.tabled;
      tabled.setAttribute('aria-pressed', String(this.tabled));
      this.drawTable();
      this.tableBox.querySelector('.chart-table')?.focus();
    }}, t('As a table'));
    this.nowButton = h('button', {type: 'button', class: 'chart-now', 'aria-pressed': 'false', onclick: () => this.showNow()}, t('Now'));
    return h('div', {class: 'chart-bar', role: 'group', 'aria-label': t('Time')},
      span(t('1 h'), HOUR), span(t('1 d'), DAY), span(t('1 week'), 7 * DAY), span(t('1 month'), 30 * DAY), span(t('1 year'), YEAR),
      h('button', {type: 'button', onclick: () => this.showAll()}, t('All')), this.nowButton, sign('+', t('Zoom in'), 0.5), sign('−', t('Zoom out'), 2), tabled);
  }
  // Begins to draw when what draws is here.
  async open() {
    try {
      await Promise.all([styled(), library()]);
    } catch (e) {
      replace(this.status, e.message);
      throw e;
    }
    this.width = this.box.clientWidth;
    const resized = new ResizeObserver(() => this.resize());
    resized.observe(this.box);
    this.ends = [
      onLook(() => this.panes.forEach((p) => p.recolour())), () => resized.disconnect(),
      this.mayLive ? watchDevice(this.device, (watch) => this.came(watch)) : () => {},
    ];
    await this.load();
  }
  close() {
    this.closed = true;
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
    this.asking?.abort();
    this.ends?.forEach((end) => end());
    this.panes.forEach((p) => p.close());
    this.box.remove();
  }
  resize() {
    if (this.closed || this.box.clientWidth === this.width) return;
    this.width = this.box.clientWidth;
    this.panes.forEach((p) => p.resize());
    this.drawAround();
    this.settle();
  }

  // ---- the range ----

  showSpan(width) {
    const end = this.live ? now() : Math.min(now(), (this.from + this.to) / 2 + width / 2);
    this.move(end - width, end, true);
  }
  showNow() {
    this.move(now() - (this.to - this.from), now(), true);
  }
  zoom(factor) {
    const middle = this.live ? this.to : (this.from + this.to) / 2;
    this.move(middle - (middle - this.from) * factor, middle + (this.to - middle) * factor, true);
  }
  // The first recorded value is known only to the gateway: asked coarsely, then finely.
  async first(to) {
    let first = to - LONGEST;
    for (let i = 0; i < 2; i++) {
      const answer = await get(`${this.path}/series`, {points: this.wanted, from: new Date(first).toISOString(), to: new Date(to).toISOString(), width: WIDTH_MAX});
      first = Math.min(...linesOf(answer).map((line) => line.t[0] ?? Infinity));
      if (!Number.isFinite(first)) return null;
    }
    return first;
  }
  async showAll() {
    const {moved} = this;
    this.box.setAttribute('aria-busy', 'true');
    try {
      const to = now();
      const first = await this.first(to);
      if (this.closed || moved !== this.moved) return; // Somebody went elsewhere meanwhile.
      this.box.removeAttribute('aria-busy');
      if (first === null) toast(t('Nothing was recorded yet.'));
      else this.move(first, to, true);
    } catch (e) {
      this.box.removeAttribute('aria-busy');
      toast(e.message, 'bad');
    }
  }
  // begins: a new move, to which back() comes back from.
  move(start, end, begins) {
    this.moved++;
    const at = now();
    const width = Math.min(LONGEST, Math.max(SHORTEST, end - start));
    if (width !== end - start) start = (start + end - width) / 2;
    const edge = Math.max(0, start + width - at); // Behind now there is nothing to see.
    if (begins) {
      if (steady() - this.pushedAt > ONE_MOVE) this.past.push([this.from, this.to]);
      if (this.past.length > PAST_MAX) this.past.shift();
      this.pushedAt = steady();
    }
    this.from = Math.round(start - edge);
    this.to = Math.round(start - edge + width);
    this.live = this.mayLive && this.to >= at - Math.max(3000, width * 0.005);
    this.stretch();
    this.settle();
  }
  back() {
    const before = this.past.pop();
    if (before) this.move(...before);
    else this.zoom(4);
  }
  // Once a frame at most: the old picture, stretched, until the new one is here.
  stretch() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      if (this.closed) return;
      this.panes.forEach((p) => p.range(this.from, this.to));
      this.drawAround();
    });
  }
  settle() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.onrange?.(this.from, this.to, this.live);
      this.load();
    }, SETTLED);
  }
  area() {
    return this.panes[0]?.area() ?? {x: 0, w: this.plot.clientWidth || 300};
  }

  // ---- what the gateway says ----

  // What was asked before is given up; an answer that comes late is dropped.
  async load() {
    clearTimeout(this.timer);
    this.asking?.abort();
    const mine = this.asking = new AbortController();
    this.box.setAttribute('aria-busy', 'true');
    const range = {from: new Date(this.from).toISOString(), to: new Date(this.to).toISOString()};
    const width = Math.max(50, Math.min(WIDTH_MAX, Math.round(this.area().w)));
    const options = {signal: mine.signal};
    try {
      const events = get(`${this.path}/marks`, range, options).catch((e) => ({marks: [], problem: e}));
      const series = await get(`${this.path}/series`, {points: this.wanted, ...range, width}, options);
      const {marks, problem} = await events;
      if (mine !== this.asking || this.closed || !this.box.isConnected) return; // Who asked has gone.
      this.take(series);
      this.marks.set(marks);
      this.problem = problem ? t('What happened could not be read: {why}', {why: problem.message}) : null;
    } catch (e) {
      if (e.name === 'AbortError' || mine !== this.asking || this.closed) return;
      this.problem = t('The picture is not up to date: {why}', {why: e.message});
    }
    this.box.removeAttribute('aria-busy');
    this.loadedAt = now();
    this.draw();
  }
  take(answer) {
    const order = (line) => this.wanted.indexOf(line.name);
    const list = linesOf(answer).sort((a, b) => order(a) - order(b));
    for (const line of list) line.limits = [...line.limits, ...this.extraLimits.filter((limit) => limit.point === line.name)];
    this.lines = this.live ? carryOver(list, this.lines) : list;
    this.lines.forEach((line, i) => {
      line.trace = i % TRACES;
    });
    this.answer = answer;
  }
  // How the device is now: the picture goes on by itself while its right edge is now.
  came({row, at, problem}) {
    if (this.closed) return;
    this.silent = Boolean(problem);
    if (problem) this.drawLegend();
    if (problem || !this.live || !row?.points || !this.answer) return;
    const width = this.to - this.from, time = now();
    const away = time - (this.cameAt ?? time) > AWAY; // Nobody looked meanwhile.
    [this.from, this.to, this.cameAt] = [time - width, time, time];
    const samples = this.answer.resolution === 'samples';
    if (away || this.problem || time - this.loadedAt > (samples ? RENEW : Math.max(RENEW_MIN, this.answer.step_ms))) this.load();
    else if (samples && append(this.lines, row.points, at)) this.drawLines();
    else this.stretch();
  }
  points(list) {
    this.wanted = list;
    this.load();
  }

  // ---- drawing ----

  draw() {
    this.drawLines();
    this.drawTable();
  }
  drawLines() {
    const arranged = arrange(this.lines);
    const shape = arranged.map((axes) => axes.length).join();
    if (shape !== this.shape) {
      this.panes.forEach((p) => p.close());
      const height = (this.small ? 9 : arranged.length > 1 ? 10 : 20) * parseFloat(getComputedStyle(this.box).fontSize);
      this.panes = this.lines.length > 0 ? arranged.map(() => pane(this.pictures, {height, small: this.small})) : [];
      this.shape = shape;
    }
    this.panes.forEach((p, i) => p.set(arranged[i], this.from, this.to));
    this.drawAround();
  }
  drawAround() {
    const range = rangeText(this.from, this.to);
    replace(this.where, range);
    replace(this.grain, this.grainText());
    this.nowButton?.setAttribute('aria-pressed', String(this.live));
    this.plot.setAttribute('aria-label', t('Trend of {points}, {range}', {points: this.said(), range}));
    this.marks.layout(this.from, this.to, this.area(), now());
    this.drawStatus();
    this.drawLimits();
    this.drawLegend();
  }
  drawStatus() {
    const empty = this.answer && this.lines.every((line) => newest(line) === null);
    const text = this.problem ?? (empty ? t('Nothing was recorded in this time.') : '');
    if (text === this.statusText) return; // A status that is written anew is read out anew.
    this.statusText = text;
    this.status.classList.toggle('error', Boolean(this.problem));
    replace(this.status, text, this.problem ? [' ', h('button', {type: 'button', onclick: () => this.load()}, t('Try again'))] : null);
  }
  grainText() {
    if (!this.answer) return this.problem ? '' : t('Loading ...');
    const step = this.answer.step_ms ? ` (${t('one value each {time}', {time: duration(this.answer.step_ms)})})` : '';
    return `${{'1m': t('Minutes'), '1h': t('Hours')}[this.answer.resolution] ?? t('Samples')}${step}`;
  }
  drawLimits() {
    const limits = this.lines.flatMap((line) => line.limits.map((limit) => ({...limit, said: `${line.title}: ${limitText(limit, line.unit)}`})));
    const text = JSON.stringify(limits);
    if (text === this.limitsText) return;
    this.limitsText = text;
    replace(this.limits, limits.map((limit) => h('a', {class: `chart-limit limit-${limit.level}`, title: limit.text, href: `/rules/${encodeURIComponent(limit.rule)}`}, h('i', {'aria-hidden': 'true'}), limit.said)));
  }
  // What is drawn, in words.
  said() {
    return this.wanted.map((name) => this.lines.find((line) => line.name === name)?.title ?? name).join(', ');
  }
  drawTable() {
    replace(this.tableBox, this.tabled ? table(this.lines, this.from, this.to, `${this.said()}, ${rangeText(this.from, this.to)}; ${this.grainText()}.`) : null);
  }

  // ---- values at the pointer ----

  // No further from it than a finger is wide, or the next value.
  nearby(line, at) {
    return nearest(line, at, Math.max((this.to - this.from) * 0.02, (this.answer?.step_ms ?? 0) * 1.5, 3000));
  }
  point(at, told) {
    this.pointer = at;
    this.drawLegend();
    if (told) replace(this.spoken, `${full(at)}: ${this.lines.map((line) => `${line.title} ${valueText(line, this.nearby(line, at))}`).join('; ')}`);
  }
  select(a, b) {
    this.chosen.hidden = a === null;
    if (a === null) return;
    this.chosen.style.left = `${a}px`;
    this.chosen.style.width = `${b - a}px`;
  }
  drawLegend() {
    const {pointer: p} = this;
    const at = p !== null && p >= this.from && p <= this.to ? p : null;
    const {x, w} = this.area();
    this.hair.hidden = at === null;
    if (at !== null) this.hair.style.left = `${x + ((at - this.from) / (this.to - this.from)) * w}px`;
    const head = at !== null ? full(at) : this.live ? t('Now') : t('Last in this time');
    replace(this.legend, h('b', {class: 'chart-at'}, head), this.lines.map((line) => h('span', {class: `chart-key trace-${line.trace + 1}`}, h('i', {'aria-hidden': 'true'}), `${line.title} `, line.title === line.name ? null : h('small', {class: 'quiet'}, `${line.name} `), at !== null ? h('b', {}, valueText(line, this.nearby(line, at))) : this.lastText(line))));
  }
  // What was measured before the line broke, or before the gateway fell silent, is not of now.
  lastText(line) {
    const found = newest(line);
    const text = valueText(line, found);
    const old = this.live && (!found || this.silent || line.mean.at(-1) === null);
    if (!old) return [h('b', {}, text), found ? h('small', {}, ` ${moment(found.t)}`) : null];
    return [h('b', {}, `⚠ ${t('no present value')}`), found ? h('small', {}, ` (${t('{value} at {time}', {value: text, time: full(found.t)})})`) : null];
  }
}

// A chart of `points` of one device in `container`.
//   from, to   milliseconds; without them the last hour
//   live       follow what comes while the right edge is now
//   small      lower, without buttons
//   extraLimits   further limits to draw, as those of the answer, with `point`; `changed`: of a
//                 rule that is only tried
//   onrange(from, to, live)   the range after a move
// Resolves when the first picture stands (or could not be had, which it shows).  Gives
// {points(list), range(from, to), renew(), close()}; rejects when what draws cannot be loaded.
export async function trend(container, options) {
  const chart = new Chart(container, options);
  await chart.open();
  return {
    points: (list) => chart.points(list), range: (from, to) => chart.move(from, to, true), renew: () => chart.load(), close: () => chart.close(),
  };
}
