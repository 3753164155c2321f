// The axes of a chart: round instants in the site's zone, round numbers, and how they read.
import {site} from './site.js';
import {language} from './words.js';

const SECOND = 1e3, MINUTE = 60e3, HOUR = 3600e3, DAY = 86400e3;
// Up to a day a step has one length; beyond, [count, 'day' | 'month' | 'year'].
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND), ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
];
const LONG_STEPS = [[1, 'day', DAY], [2, 'day', DAY], [7, 'day', DAY], [14, 'day', DAY], [1, 'month', 30 * DAY], [2, 'month', 30 * DAY],
  [3, 'month', 30 * DAY], [6, 'month', 30 * DAY], [1, 'year', 365 * DAY], [2, 'year', 365 * DAY], [5, 'year', 365 * DAY], [10, 'year', 365 * DAY]];
const MONDAY = 4; // 5 January 1970, in days.

const formats = new Map();
function format(name, options) {
  const key = `${name} ${language()} ${options.timeZone}`;
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(language() === 'en' ? 'en-GB' : language(), options));
  return formats.get(key);
}

// What a clock on the site's wall shows, as if it were UTC.
function wall(at) {
  const parts = {};
  const zoned = format('wall', {timeZone: site.timezone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric'});
  for (const {type, value} of zoned.formatToParts(at)) parts[type] = Number(value);
  return Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second);
}

// The instant at which it shows that; where clocks are put forward, one close by.
function instant(shown) {
  const whole = (at) => wall(at) - Math.floor(at / SECOND) * SECOND;
  const guess = shown - whole(shown);
  return shown - whole(guess);
}

function* longTicks(first, last, count, unit) {
  const start = new Date(first);
  if (unit === 'day') {
    const day = Math.floor(first / DAY);
    const offset = count % 7 === 0 ? MONDAY : 0;
    for (let d = Math.floor((day - offset) / count) * count + offset; d * DAY <= last; d += count) yield d * DAY;
    return;
  }
  const months = count * (unit === 'year' ? 12 : 1);
  const month = start.getUTCFullYear() * 12 + start.getUTCMonth();
  for (let m = Math.floor(month / months) * months; ; m += months) {
    const at = Date.UTC(Math.floor(m / 12), m % 12, 1);
    if (at > last) return;
    yield at;
  }
}

// Labels are of what is shown on the wall, so they are written in UTC.
function label(shown, unit) {
  const write = (name, options) => format(name, {timeZone: 'UTC', hourCycle: 'h23', ...options}).format(shown);
  if (unit === 'year') return write('year', {year: 'numeric'});
  if (unit === 'month') return write('month', {month: 'short', year: 'numeric'});
  if (unit === 'day' || shown % DAY === 0) return write('day', {day: 'numeric', month: 'short'});
  return unit === 'second' ? write('second', {hour: '2-digit', minute: '2-digit', second: '2-digit'}) : write('minute', {hour: '2-digit', minute: '2-digit'});
}

// [{v, label}] for a range that has room for `room` labels.
export function timeTicks(from, to, room) {
  const least = (to - from) / Math.max(1, room);
  const first = wall(from), last = wall(to);
  const step = STEPS.find((size) => size >= least);
  const ticks = [];
  if (step) {
    const unit = step < MINUTE ? 'second' : 'minute';
    for (let at = Math.floor(first / step) * step; at <= last; at += step) ticks.push({v: instant(at), label: label(at, unit)});
  } else {
    const [count, unit] = LONG_STEPS.find(([n, , size]) => n * size >= least) ?? LONG_STEPS.at(-1);
    for (const at of longTicks(first, last, count, unit)) ticks.push({v: instant(at), label: label(at, unit)});
  }
  return ticks;
}

// Round values between two, at most `room` of them.
export function valueTicks(low, high, room) {
  const least = (high - low) / Math.max(1, room);
  const ten = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((n) => n * ten).find((size) => size >= least * 0.999) ?? 10 * ten;
  const digits = Math.max(0, Math.min(9, -Math.floor(Math.log10(step) + 1e-9)));
  const ticks = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n++) ticks.push({v: n * step, label: (n * step).toFixed(digits)});
  return ticks;
}
