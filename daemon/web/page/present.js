// How one device is now, asked each two seconds while somebody looks: one question however
// many parts of a page show it.
import {get} from './api.js';
import {now} from './time.js';
import {inOwnTitle} from './words.js';

const PERIOD = 2000;
const watched = new Map(); // Id of a device -> struct of watch().

// The last answer is as old as this when it no longer counts as "now".
export const OLD_AFTER = 3 * PERIOD + 1000;

function tell(watch) {
  for (const f of [...watch.listeners]) f(watch);
}

async function poll(watch) {
  clearTimeout(watch.timer);
  watch.timer = null;
  if (watch.closed || document.hidden || watch.running) return;
  watch.running = true;
  try {
    const [row] = await get('devices', {device: watch.id, points: 1, causes: 1, details: 1}, {signal: AbortSignal.timeout(10000)});
    Object.values(row?.points ?? {}).forEach(inOwnTitle);
    Object.assign(watch, {row: row ?? null, at: now(), problem: null});
  } catch (problem) {
    watch.problem = problem;
  }
  watch.running = false;
  if (watch.closed) return;
  tell(watch);
  if (!document.hidden) watch.timer = setTimeout(() => poll(watch), PERIOD);
}

document.addEventListener('visibilitychange', () => {
  if (!document.hidden) watched.forEach((watch) => poll(watch));
});

// f({row, at, problem}) after each answer and each failure: `row` as in the listing of devices
// with points and causes, `at` when it came (null: never), `problem` why the last one did not.
// Returns what ends it.
export function watchDevice(id, f) {
  let watch = watched.get(id);
  if (!watch) {
    watch = {id, row: null, at: null, problem: null, listeners: new Set(), timer: null, running: false, closed: false};
    watched.set(id, watch);
  }
  watch.listeners.add(f);
  if (watch.at !== null || watch.problem) f(watch);
  else poll(watch);
  return () => {
    watch.listeners.delete(f);
    if (watch.listeners.size > 0 || watch.closed) return;
    watch.closed = true;
    clearTimeout(watch.timer);
    watched.delete(id);
  };
}
