// Trends: trend() is a chart to look around in, from seconds to years; spark() a small picture.
import {h, replace} from './dom.js';
import {get} from './api.js';
import {append, carryOver, lines as linesOf, nearest, newest} from './chart-data.js';
import {marks as happened} from './chart-marks.js';
import {moves} from './chart-moves.js';
import {TRACES, library, limitText, pane} from './chart-pane.js';
import {table} from './chart-table.js';
import {watchDevice} from './present.js';
import {clock, date, duration, full, moment, now, seconds} from './time.js';
import {quantity, toast} from './ui.js';
import {t} from './words.js';
export {spark} from './chart-spark.js';

const HOUR = 3600e3, DAY = 24 * HOUR, YEAR = 365 * DAY;
const SHORTEST = 2000, LONGEST = 40 * YEAR;
const SETTLED = 160; // Milliseconds without a move before the gateway is asked.
const RENEW = 300e3; // A living picture of samples is asked anew after this.
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

// A chart of `points` of one device in `container`.
//   from, to   milliseconds; without them the last hour
//   live       follow what comes while the right edge is now
//   small      lower, without buttons
//   onrange(from, to, live)   a person, or the time, moved it
// Resolves when the first picture stands (or could not be had, which it shows).  Gives
// {points(list), range(from, to), renew(), close()}.
export async function trend(container, {device, points, from, to, live = true, small = false, onrange}) {
  const number = ++numbers;
  const state = {points, from: from ?? now() - HOUR, to: to ?? now(), live, lines: [], panes: [], answer: null, loadedAt: 0, past: [], pushedAt: 0, tabled: false, silent: false, closed: false};
  const hint = `chart-hint-${number}`;
  const plot = h('div', {class: 'chart-plot', tabindex: '0', role: 'group', 'aria-describedby': hint});
  const pictures = h('div', {class: 'chart-pictures'});
  const hair = h('div', {class: 'chart-hair', hidden: true});
  const chosen = h('div', {class: 'chart-chosen', hidden: true});
  const legend = h('div', {class: 'chart-legend'});
  const limitsText = h('div', {class: 'chart-limits'});
  const where = h('span', {class: 'chart-where'}), grain = h('span', {class: 'chart-grain'});
  const status = h('p', {class: 'chart-status', role: 'status'});
  const spoken = h('p', {class: 'chart-spoken', 'aria-live': 'polite'});
  const tableBox = h('div', {});
  const marks = happened((a, b) => move(a, b, true));
  plot.append(marks.element, pictures, hair, chosen);
  const box = h('div', {class: `chart${small ? ' small' : ''}`}, small ? null : buttons(), h('div', {class: 'chart-head'}, where, grain), legend, limitsText, plot, status,
    h('p', {id: hint, class: 'chart-hint'}, t('Arrows move, + and - zoom, Home shows all, End goes to now, Shift with arrows reads values. Wheel zooms, drag moves, Shift and drag chooses a time, double click goes back.')), spoken, tableBox);
  container.append(box);

  let asking = null, timer = null, frame = null, pointer = null, problem = null;

  // ---- buttons ----
  function buttons() {
    const span = (text, width) => h('button', {type: 'button', onclick: () => showSpan(width)}, text);
    const tableButton = h('button', {type: 'button', 'aria-pressed': 'false', onclick: () => {
      state.tabled = !state.tabled;
      tableButton.setAttribute('aria-pressed', String(state.tabled));
      drawTable();
      if (state.tabled) tableBox.querySelector('.chart-table')?.focus();
    }}, t('As a table'));
    return h('div', {class: 'chart-bar', role: 'group', 'aria-label': t('Time')},
      span(t('1 h'), HOUR), span(t('1 d'), DAY), span(t('1 week'), 7 * DAY), span(t('1 month'), 30 * DAY), span(t('1 year'), YEAR),
      h('button', {type: 'button', onclick: showAll}, t('All')), h('button', {type: 'button', class: 'chart-now', 'aria-pressed': String(state.live), onclick: toNow}, t('Now')),
      h('button', {type: 'button', 'aria-label': t('Zoom in'), title: t('Zoom in'), onclick: () => zoom(0.5)}, '+'),
      h('button', {type: 'button', 'aria-label': t('Zoom out'), title: t('Zoom out'), onclick: () => zoom(2)}, '−'), tableButton);
  }
  function showSpan(width) {
    const end = state.live ? now() : Math.min(now(), (state.from + state.to) / 2 + width / 2);
    move(end - width, end, true);
  }
  function toNow() {
    move(now() - (state.to - state.from), now(), true);
  }
  function zoom(factor) {
    const middle = state.live ? state.to : (state.from + state.to) / 2;
    move(middle - (middle - state.from) * factor, middle + (state.to - middle) * factor, true);
  }
  // The first recorded value is known only to the gateway.
  async function showAll() {
    try {
      const answer = await get(`devices/${encodeURIComponent(device)}/series`, {points: state.points, from: new Date(now() - 30 * YEAR).toISOString(), to: new Date(now()).toISOString(), width: 2000});
      const first = Math.min(...linesOf(answer).map((line) => line.t[0] ?? Infinity));
      if (!Number.isFinite(first)) toast(t('Nothing was recorded yet.'));
      else move(first, now(), true);
    } catch (e) {
      toast(e.message, 'bad');
    }
  }

  // ---- range ----
  function move(start, end, begins) {
    const moment = now();
    let width = Math.min(LONGEST, Math.max(SHORTEST, end - start));
    if (width !== end - start) start = (start + end - width) / 2;
    // Behind now there is nothing to see.
    const edge = Math.max(0, start + width - moment);
    if (begins) {
      if (Date.now() - state.pushedAt > 700) state.past.push([state.from, state.to]);
      if (state.past.length > 50) state.past.shift();
      state.pushedAt = Date.now();
    }
    state.from = Math.round(start - edge);
    state.to = Math.round(start - edge + width);
    state.live = live && state.to >= moment - Math.max(3000, width * 0.005);
    ranged();
    settle();
  }
  function back() {
    const before = state.past.pop();
    if (before) move(...before);
    else zoom(4);
  }
  // Once a frame at most: the old picture, stretched, until the new one is here.
  function ranged() {
    frame ??= requestAnimationFrame(() => {
      frame = null;
      if (state.closed) return;
      state.panes.forEach((p) => p.range(state.from, state.to));
      drawAround();
    });
  }
  function settle() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      onrange?.(state.from, state.to, state.live);
      load();
    }, SETTLED);
  }
  const area = () => state.panes[0]?.area() ?? {x: 0, w: plot.clientWidth || 300};

  // ---- loading ----
  async function load() {
    clearTimeout(timer);
    asking?.abort();
    const mine = asking = new AbortController();
    box.setAttribute('aria-busy', 'true');
    const path = `devices/${encodeURIComponent(device)}`;
    const range = {from: new Date(state.from).toISOString(), to: new Date(state.to).toISOString()};
    try {
      const width = Math.max(50, Math.min(4000, Math.round(area().w)));
      const [series, events] = await Promise.all([
        get(`${path}/series`, {points: state.points, ...range, width}, {signal: mine.signal}),
        get(`${path}/marks`, range, {signal: mine.signal}).catch((e) => {
          if (e.name === 'AbortError') throw e;
          return {marks: [], problem: e};
        }),
      ]);
      if (mine !== asking || state.closed) return;
      take(series);
      marks.set(events.marks);
      problem = events.problem ? t('What happened could not be read: {why}', {why: events.problem.message}) : null;
    } catch (e) {
      if (e.name === 'AbortError' || mine !== asking || state.closed) return;
      problem = t('The picture is not up to date: {why}', {why: e.message});
    }
    box.removeAttribute('aria-busy');
    state.loadedAt = now();
    draw();
  }
  function take(answer) {
    let list = linesOf(answer).sort((a, b) => state.points.indexOf(a.name) - state.points.indexOf(b.name));
    if (state.live) list = carryOver(list, state.lines);
    list.forEach((line, i) => {
      line.trace = i % TRACES;
    });
    state.lines = list;
    state.answer = answer;
  }

  // ---- drawing ----
  function draw() {
    const wanted = arrange(state.lines);
    const shape = wanted.map((axes) => axes.length).join();
    if (shape !== state.shape) {
      state.panes.forEach((p) => p.close());
      const height = (small ? 9 : wanted.length > 1 ? 10 : 20) * parseFloat(getComputedStyle(box).fontSize);
      state.panes = state.lines.length > 0 ? wanted.map((axes) => pane(pictures, axes, {height, small})) : [];
      state.shape = shape;
    }
    state.panes.forEach((p, i) => p.set(wanted[i], state.from, state.to));
    drawAround();
    drawTable();
  }
  function drawAround() {
    replace(where, rangeText(state.from, state.to));
    replace(grain, grainText());
    box.querySelector('.chart-now')?.setAttribute('aria-pressed', String(state.live));
    plot.setAttribute('aria-label', t('Trend of {points}, {range}', {points: state.points.join(', '), range: rangeText(state.from, state.to)}));
    marks.layout(state.from, state.to, area(), now());
    const empty = state.answer && !problem && state.lines.every((line) => newest(line) === null);
    replace(status, problem ? [problem, ' ', h('button', {type: 'button', onclick: load}, t('Try again'))] : empty ? t('Nothing was recorded in this time.') : '');
    status.classList.toggle('error', Boolean(problem));
    drawLegend();
  }
  function grainText() {
    if (!state.answer) return t('Loading ...');
    const step = state.answer.step_ms ? ` (${t('one value each {time}', {time: duration(state.answer.step_ms)})})` : '';
    return `${{'1m': t('Minutes'), '1h': t('Hours')}[state.answer.resolution] ?? t('Samples')}${step}`;
  }
  // No further from the pointer than a finger is wide, or the next value.
  const reach = () => Math.max((state.to - state.from) * 0.02, (state.answer?.step_ms ?? 0) * 1.5, 3000);
  function drawLegend() {
    const at = pointer !== null && pointer >= state.from && pointer <= state.to ? pointer : null;
    const {x, w} = area();
    hair.hidden = at === null;
    if (at !== null) hair.style.left = `${x + ((at - state.from) / (state.to - state.from)) * w}px`;
    const head = at !== null ? full(at) : state.live ? t('Now') : t('Last in this time');
    replace(legend, h('b', {class: 'chart-at'}, head), state.lines.map((line) => {
      const found = at === null ? newest(line) : nearest(line, at, reach());
      return h('span', {class: `chart-key trace-${line.trace + 1}`}, h('i', {'aria-hidden': 'true'}), `${line.name} `, at === null && state.live ? presentText(line, found)
        : [h('b', {}, valueText(line, found)), at === null && found ? h('small', {}, ` ${moment(found.t)}`) : null]);
    }));
    replace(limitsText, state.lines.flatMap((line) => line.limits.map((limit) => h('a', {class: `chart-limit limit-${limit.level}`, title: limit.text, href: `/rules/${encodeURIComponent(limit.rule)}`}, h('i', {'aria-hidden': 'true'}), `${line.name}: ${limitText(limit, line.unit)}`))));
  }
  // What was measured before the line broke, or before the gateway fell silent, is not of now.
  function presentText(line, found) {
    const text = valueText(line, found);
    const broken = line.mean.length > 0 && line.mean.at(-1) === null;
    if (found && !broken && !state.silent) return [h('b', {}, text), h('small', {}, ` ${moment(found.t)}`)];
    return [h('b', {}, `⚠ ${t('no present value')}`), found ? h('small', {}, ` (${t('{value} at {time}', {value: text, time: full(found.t)})})`) : null];
  }
  function drawTable() {
    replace(tableBox, state.tabled ? table(state.lines, state.from, state.to, `${state.points.join(', ')}, ${rangeText(state.from, state.to)}; ${grainText()}.`) : null);
  }

  // ---- what a person does, and what comes ----
  moves(plot, {
    range: () => [state.from, state.to], area, move, back, first: showAll, newest: toNow,
    point(at, told) {
      pointer = at;
      drawLegend();
      if (told) replace(spoken, `${full(at)}: ${state.lines.map((line) => `${line.name} ${valueText(line, nearest(line, at, reach()))}`).join('; ')}`);
    },
    select(a, b) {
      chosen.hidden = a === null;
      if (a === null) return;
      chosen.style.left = `${a}px`;
      chosen.style.width = `${b - a}px`;
    },
  });
  function came({row, at, problem: lost}) {
    if (state.closed) return;
    state.silent = Boolean(lost);
    if (lost) drawLegend();
    if (!state.live || lost || !row?.points || !state.answer) return;
    const moment = now();
    const width = state.to - state.from;
    [state.from, state.to] = [moment - width, moment];
    const samples = state.answer.resolution === 'samples';
    const away = moment - (state.cameAt ?? moment) > 15e3; // Nobody looked meanwhile.
    state.cameAt = moment;
    if (away || problem || moment - state.loadedAt > (samples ? RENEW : Math.max(30e3, state.answer.step_ms))) {
      load();
    } else if (samples && append(state.lines, row.points, at)) {
      const wanted = arrange(state.lines);
      state.panes.forEach((p, i) => p.set(wanted[i], state.from, state.to));
      drawAround();
    } else {
      ranged();
    }
  }

  await Promise.all([styled(), library()]).catch((e) => {
    replace(status, e.message);
    throw e;
  });
  const endLook = onLook(() => state.panes.forEach((p) => p.recolour()));
  const resized = new ResizeObserver(() => {
    if (box.clientWidth === state.width) return;
    const first = state.width === undefined;
    state.width = box.clientWidth;
    if (first) return;
    state.panes.forEach((p) => p.resize());
    drawAround();
    settle();
  });
  resized.observe(box);
  const endWatch = live ? watchDevice(device, came) : () => {};
  await load();

  return {
    points(list) {
      state.points = list;
      load();
    },
    range: (start, end) => move(start, end, true),
    renew: load,
    close() {
      state.closed = true;
      clearTimeout(timer);
      cancelAnimationFrame(frame);
      asking?.abort();
      endWatch();
      endLook();
      resized.disconnect();
      state.panes.forEach((p) => p.close());
      box.remove();
    },
  };
}
