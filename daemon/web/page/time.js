// Instants, ages and countdowns, in the site's zone.
import {language, t} from './words.js';

let zone = 'UTC';
let began = Date.now() - performance.now(); // What the gateway's clock showed when this page's steady one began.
const formats = new Map();

export function setZone(name) {
  zone = name;
  formats.clear();
}

// Milliseconds of a clock that nobody puts right: for what has to wait, and for how long.
export const steady = () => performance.now();

// The gateway says what time it is: ages are counted by its clock, whatever that of this machine
// shows, and whoever puts it right while the page is open.
export function setNow(ms) {
  began = ms - steady();
}
export const now = () => Math.floor(began + steady());

// An instant of the API (RFC 3339, or milliseconds already); null stays null.
export function ms(instant) {
  if (instant === null || instant === undefined) return null;
  return typeof instant === 'number' ? instant : Date.parse(instant);
}

function format(name, options) {
  const key = `${name} ${language()}`;
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(language() === 'en' ? 'en-GB' : language(), {timeZone: zone, hourCycle: 'h23', ...options});
    formats.set(key, found);
  }
  return found;
}
const CLOCK = {hour: '2-digit', minute: '2-digit'};
const DAY = {year: 'numeric', month: '2-digit', day: '2-digit'};

export const clock = (at) => format('clock', CLOCK).format(ms(at));
export const seconds = (at) => format('seconds', {...CLOCK, second: '2-digit'}).format(ms(at));
export const day = (at) => format('day', {weekday: 'short', day: 'numeric', month: 'short'}).format(ms(at));
export const date = (at) => format('date', DAY).format(ms(at));
export const full = (at) => format('full', {...DAY, ...CLOCK, second: '2-digit'}).format(ms(at));

// The other way: '2026-03-01', '08:00' of the site as milliseconds.
export function instantOf(dayText, clockText) {
  const wish = Date.parse(`${dayText}T${clockText}:00Z`);
  let at = wish;
  for (let i = 0; i < 2; i++) { // Twice: the zone's offset may change in between.
    const parts = Object.fromEntries(format('parts', {...DAY, ...CLOCK}).formatToParts(at).map((p) => [p.type, p.value]));
    at += wish - Date.parse(`${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}:00Z`);
  }
  return at;
}
// The site's date this many days from now as '2026-03-01'.
export function isoDay(days = 0) {
  const parts = Object.fromEntries(format('parts', {...DAY, ...CLOCK}).formatToParts(now()).map((p) => [p.type, p.value]));
  return new Date(Date.parse(`${parts.year}-${parts.month}-${parts.day}T12:00:00Z`) + days * 86400e3).toISOString().slice(0, 10);
}

// "14:05" today, "Mon 3 Mar 14:05" in this year's half, with the year else.
export function moment(at) {
  const then = ms(at);
  if (then === null) return '';
  if (date(then) === date(now())) return clock(then);
  return Math.abs(then - now()) < 180 * 86400e3 ? `${day(then)} ${clock(then)}` : `${date(then)} ${clock(then)}`;
}

const STEPS = [86400e3, 3600e3, 60e3, 1e3];
const units = () => [t('d'), t('h'), t('min'), t('s')];

// "3 d 4 h", "12 min", "45 s": two units at most; seconds only below two minutes.
export function duration(span) {
  let left = Math.max(0, Math.round(span / 1000) * 1000);
  const parts = [];
  for (const [i, size] of STEPS.entries()) {
    const n = Math.floor(left / size);
    const fine = size === 1e3;
    if ((n > 0 || (fine && parts.length === 0)) && !(fine && parts.length > 0 && span >= 120e3)) {
      parts.push(`${n} ${units()[i]}`);
      left -= n * size;
    } else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(' ');
}

// "12 min ago" by the gateway's clock.
export function ago(at) {
  const then = ms(at);
  return then === null ? '' : t('{time} ago', {time: duration(now() - then)});
}

// What a deadline still has: {text, late}.
export function countdown(at) {
  const left = ms(at) - now();
  return left >= 0
    ? {text: t('{time} left', {time: duration(left)}), late: false, left}
    : {text: t('{time} late', {time: duration(-left)}), late: true, left};
}

// Calls f each second (on the second), while the page is seen.  Returns what ends it.
const tickers = new Set();
let timer = null;
function tick() {
  timer = setTimeout(tick, 1000 - (now() % 1000));
  for (const f of [...tickers]) {
    try {
      f();
    } catch (e) {
      reportError(e); // One that fails stops no other: a clock that stands would lie.
    }
  }
}
export function everySecond(f) {
  tickers.add(f);
  timer ??= setTimeout(tick, 1000 - (now() % 1000));
  return () => {
    tickers.delete(f);
    if (tickers.size === 0) {
      clearTimeout(timer);
      timer = null;
    }
  };
}
