// A small picture of one line: no axes, limits as faint lines.
import {svg} from './dom.js';
import {extremes} from './chart-data.js';

const WIDTH = 160, HEIGHT = 36, EDGE = 2;
const LEAST_SPAN = 0.1; // Of the value itself: noise shall look like noise.
const NEAR = 0.2; // A limit is drawn unless the line would be flatter than this part.

// series: {t, mean, min, max, limits, kind} of an answer of GET devices/ID/series; from, to: what
// the width stands for.  What it shows is said elsewhere in words.
export function spark(container, series, from, to) {
  const line = {kind: 'gauge', limits: [], ...series};
  const picture = svg('svg', {class: 'spark', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true'});
  container.replaceChildren(picture);
  const start = from ?? line.t[0], end = to ?? line.t.at(-1);
  const seen = line.t.length > 0 ? extremes(line, start, end) : null;
  if (!seen || end <= start) return;
  let [low, high] = line.kind === 'state' ? [0, 1] : seen;
  const span = Math.max(high - low, Math.max(Math.abs(high), Math.abs(low)) * LEAST_SPAN) || 1;
  if (line.kind !== 'state') [low, high] = [(low + high - span) / 2, (low + high + span) / 2];
  const limits = line.limits.filter(({value}) => span / (Math.max(high, value) - Math.min(low, value)) >= NEAR);
  for (const {value} of limits) [low, high] = [Math.min(low, value), Math.max(high, value)];
  const x = (at) => ((at - start) / (end - start)) * WIDTH;
  const y = (value) => HEIGHT - EDGE - ((value - low) / (high - low)) * (HEIGHT - 2 * EDGE);
  for (const {value, level} of limits) picture.append(svg('path', {class: `spark-limit limit-${level}`, d: `M0 ${y(value).toFixed(1)}H${WIDTH}`}));
  picture.append(svg('path', {class: 'spark-line', d: path(line, x, y)}));
}

function path(line, x, y) {
  let out = '', drawing = false;
  line.t.forEach((at, i) => {
    const value = line.mean[i];
    if (value === null) {
      drawing = false;
      return;
    }
    const px = x(at).toFixed(1), py = y(value).toFixed(1);
    out += !drawing ? `M${px} ${py}` : line.kind === 'state' ? `H${px}V${py}` : `L${px} ${py}`;
    if (!drawing && line.mean[i + 1] === undefined) out += 'h1';
    drawing = true;
  });
  return out;
}
