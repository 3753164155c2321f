// One picture of a chart: dygraphs draws the lines, here stand what it is told and the limits of
// rules.  The range and what a person does with it are chart.js's.
/* global Dygraph */
import {h} from './dom.js';
import {extremes, rows} from './chart-data.js';
import {timeTicks, valueTicks} from './chart-axis.js';
import {quantity, unitText} from './ui.js';
import {t, word} from './words.js';

// Lines differ in colour and in their pattern; none has a colour of a severity.
export const PATTERNS = [null, [9, 3], [3, 3], [10, 3, 3, 3], [16, 4], [2, 5]];
export const TRACES = PATTERNS.length;
const LIMIT_PATTERNS = {critical: [14, 3], urgent: [8, 4], normal: [4, 4], info: [2, 5]};
const CHANGED_PATTERN = [1.5, 3];
// A limit is in the picture unless that would press the line into less than this part of it.
const LEAST_PART = 0.12;
const BAND = 0.22; // How much of a line's colour its band has.

let loading = null;
export function library() {
  loading ??= new Promise((resolve, reject) => {
    document.head.append(h('script', {src: '/page/dygraph.js', onload: () => {
      // Its own legend writes style attributes, which the page forbids; the others are not used.
      const {Axes, Grid} = Dygraph.Plugins;
      Dygraph.PLUGINS = [Axes, Grid];
      resolve();
    }, onerror: (e) => {
      e.target.remove();
      loading = null;
      reject(new Error(t('The drawing of charts could not be loaded.')));
    }}));
  });
  return loading;
}

// Colours and sizes as the style sheets have them now.
export function look(element) {
  const style = getComputedStyle(element);
  const token = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: token('ink'), soft: token('soft'), line: token('line'), card: token('card'), grid: token('grid'),
    traces: PATTERNS.map((p, i) => token(`trace-${i + 1}`)),
    severity: {critical: token('critical'), urgent: token('urgent'), normal: token('limit-normal'), info: token('info')},
    em: parseFloat(style.fontSize), family: style.fontFamily,
  };
}

// "Urgent: above 80 °C": what a limit says, for the picture and for the legend.
export function limitText(limit, unit) {
  const value = quantity(limit.value, unit);
  const severity = word('severity', limit.level);
  const said = limit.side === 'below' ? t('{severity} below {value}', {severity, value}) : t('{severity} above {value}', {severity, value});
  return limit.changed ? t('as changed: {limit}', {limit: said}) : said;
}

function drawLimitLine(ctx, area, colours, limit, y) {
  ctx.save();
  ctx.strokeStyle = colours.severity[limit.level] ?? colours.soft;
  ctx.setLineDash(limit.changed ? CHANGED_PATTERN : LIMIT_PATTERNS[limit.level] ?? []);
  ctx.lineWidth = limit.level === 'critical' ? 2.5 : 1.75;
  ctx.beginPath();
  ctx.moveTo(area.x, y);
  ctx.lineTo(area.x + area.w, y);
  ctx.stroke();
  ctx.restore();
}

// Where a text of limits lies on no other: beside those at its height, else a row up or down.
function place(area, width, height, wanted, taken) {
  const clamp = (top) => Math.min(Math.max(top, area.y), area.y + area.h - height);
  let found = null;
  for (const rows of [0, 1, -1, 2, -2]) {
    const top = clamp(wanted + rows * height);
    const beside = taken.filter((b) => Math.abs(b.top - top) < height).reduce((sum, b) => sum + b.width + 12, 0);
    found = {top, left: area.x + area.w - width - 6 - beside};
    if (found.left > area.x) break;
  }
  taken.push({top: found.top, width});
  return found;
}

// A limit outside of the picture stands at its edge, with an arrow to where it is.
function drawLimitText(ctx, area, colours, limit, y, at) {
  const below = limit.side === 'below', height = colours.em;
  const text = y < area.y ? `↑ ${at.text}` : y > area.y + area.h ? `↓ ${at.text}` : at.text;
  ctx.save();
  ctx.font = `${Math.round(colours.em * 0.8)}px ${colours.family}`;
  const width = ctx.measureText(text).width;
  const {top, left} = place(area, width, height, below ? y + 2 : y - height - 2, at.taken);
  ctx.fillStyle = colours.card;
  ctx.globalAlpha = 0.85;
  ctx.fillRect(left - 2, top, width + 4, height);
  ctx.globalAlpha = 1;
  ctx.fillStyle = colours.ink;
  ctx.textBaseline = 'middle';
  ctx.fillText(text, left, top + height / 2);
  ctx.restore();
}

// The range of values of one axis: what is seen and the limits near it.
function valueRange(list, from, to, index) {
  let low = Infinity, high = -Infinity;
  for (const line of list) {
    const seen = extremes(line, from, to);
    if (seen) {
      low = Math.min(low, seen[0]);
      high = Math.max(high, seen[1]);
    }
  }
  if (low > high) [low, high] = [0, 1];
  if (list.length > 0 && list.every((line) => line.kind === 'state')) return [-0.15, 1.15];
  const span = high - low || Math.abs(high) * 0.05 || 1;
  for (const {value} of list.flatMap((line) => line.limits)) {
    const least = Math.min(low, value), most = Math.max(high, value);
    if (span / (most - least) >= LEAST_PART) [low, high] = [least, most];
  }
  // Not the same of both axes, so that their outermost limits do not lie on one another.
  const edge = (high - low || span) * (index === 0 ? 0.08 : 0.15);
  return [low - edge, high + edge];
}

// The band from the least to the greatest value: one shape for each unbroken piece of the line,
// which draws several times faster than dygraphs' own of one for each value.
function drawBand(e) {
  const {drawingContext: ctx, plotArea: area, points} = e;
  const y = (share) => area.y + share * area.h;
  let piece = [];
  const flush = () => {
    if (piece.length > 1) {
      ctx.beginPath();
      piece.forEach((p) => ctx.lineTo(p.canvasx, y(p.y_top)));
      piece.reverse().forEach((p) => ctx.lineTo(p.canvasx, y(p.y_bottom)));
      ctx.fill();
    }
    piece = [];
  };
  ctx.save();
  ctx.fillStyle = e.color;
  ctx.globalAlpha = BAND;
  for (const p of points) {
    if (p.yval === null) continue; // Another line has a value here.
    if (Number.isNaN(p.yval)) flush();
    else if (p.yval_plus !== p.yval_minus || piece.length > 0) piece.push(p);
  }
  flush();
  ctx.restore();
}

class Pane {
  constructor(container, {height, small}) {
    Object.assign(this, {container, small, axes: [], from: 0, to: 1, graph: null, colours: look(container)});
    this.captions = h('div', {class: 'chart-units', 'aria-hidden': 'true'});
    this.canvas = h('div', {class: 'chart-canvas'});
    this.canvas.style.height = `${height}px`;
    this.box = h('div', {class: 'chart-pane'}, this.captions, this.canvas);
    container.append(this.box);
  }
  lines() {
    return this.axes.flat();
  }
  axisOptions(index) {
    const {canvas, colours} = this;
    const list = this.axes[index] ?? [];
    const states = list.length > 0 && list.every((line) => line.kind === 'state');
    const room = Math.max(2, canvas.clientHeight / (colours.em * 3.2));
    return {
      valueRange: valueRange(list, this.from, this.to, index), drawAxis: true, drawGrid: index === 0, independentTicks: true,
      axisLabelWidth: Math.round(colours.em * (canvas.clientWidth < 480 ? 2.6 : 3.2)),
      ticker: (low, high) => (states ? [{v: 0, label: t('off')}, {v: 1, label: t('on')}] : valueTicks(low, high, room)),
    };
  }
  options() {
    const {canvas, colours} = this;
    const series = {};
    for (const line of this.lines()) {
      series[line.name] = {
        axis: this.axes[1]?.includes(line) ? 'y2' : 'y', color: colours.traces[line.trace % TRACES], strokePattern: PATTERNS[line.trace % TRACES], stepPlot: line.kind === 'state',
      };
    }
    const label = Math.round(colours.em * 6);
    return {
      labels: ['t', ...this.lines().map((line) => line.name)], series, dateWindow: [this.from, this.to],
      gridLineColor: colours.grid, axisLineColor: colours.line, axisLabelFontSize: Math.round(colours.em * 0.85),
      axes: {
        x: {ticker: (low, high) => timeTicks(low, high, canvas.clientWidth / label), axisLabelWidth: label, drawGrid: true},
        y: this.axisOptions(0), ...(this.axes.length > 1 ? {y2: this.axisOptions(1)} : {}),
      },
    };
  }
  drawLimits(ctx, area, graph) {
    const taken = [], many = this.lines().length > 1;
    const limits = this.axes.flatMap((list, index) => list.flatMap((line) => line.limits.map((limit) => ({line, limit, y: graph.toDomYCoord(limit.value, index)}))));
    for (const {limit, y} of limits) if (y >= area.y && y <= area.y + area.h) drawLimitLine(ctx, area, this.colours, limit, y);
    for (const {line, limit, y} of limits) drawLimitText(ctx, area, this.colours, limit, y, {text: `${many ? `${line.title}: ` : ''}${limitText(limit, line.unit)}`, taken});
  }
  // Without a value dygraphs draws nothing at all: two empty rows keep the axes.
  file() {
    const found = rows(this.lines());
    const none = this.lines().map(() => null);
    return found.length > 0 ? found : [[this.from, ...none], [this.to, ...none]];
  }
  build() {
    this.graph?.destroy();
    this.captions.replaceChildren(...this.axes.map((list) => h('span', {}, `${list.map((line) => line.title).join(', ')}${list[0]?.unit ? ` (${unitText(list[0].unit)})` : ''}`)));
    this.graph = new Dygraph(this.canvas, this.file(), {
      ...this.options(), customBars: true, connectSeparatedPoints: true, plotter: [drawBand, Dygraph.Plotters.linePlotter], strokeWidth: (this.small ? 1.25 : 1.75) * Math.max(1, this.colours.em / 15), highlightCircleSize: 0,
      showLabelsOnHighlight: false, interactionModel: {}, underlayCallback: (...all) => this.drawLimits(...all), rightGap: this.axes.length > 1 ? 0 : 6, drawGapEdgePoints: true, pointSize: 1.5,
    });
  }
  // axes: one or two lists of lines, each of one unit; a line has its number among all of the
  // chart as `trace`.
  set(axes, from, to) {
    const names = (list) => JSON.stringify(list.map((lines) => lines.map((line) => line.name)));
    const same = this.graph && names(axes) === names(this.axes);
    Object.assign(this, {axes, from, to});
    if (same) this.graph.updateOptions({...this.options(), file: this.file()});
    else this.build();
  }
  range(from, to) {
    Object.assign(this, {from, to});
    this.graph?.updateOptions(this.options());
  }
  recolour() {
    this.colours = look(this.container);
    this.graph?.updateOptions(this.options());
  }
  resize() {
    this.graph?.resize();
    this.graph?.updateOptions(this.options());
  }
  // Where the lines are, in pixels from the container's left edge.
  area() {
    const {x, w} = this.graph ? this.graph.getArea() : {x: 0, w: this.canvas.clientWidth};
    return {x, w};
  }
  close() {
    this.graph?.destroy();
    this.box.remove();
  }
}

// A picture at the end of `container`, `height` pixels high; set() draws it.
export const pane = (container, options) => new Pane(container, options);
