// The horn: off unless somebody on this machine switched it on.  A new critical alarm, one that
// came back or one that is told again sounds until something was acknowledged or 30 s are over.
import {plant} from './plant.js';
import {steady} from './time.js';

let context = null;
let until = 0;
let timer = null;
const watchers = new Set();

export const soundOn = () => localStorage.getItem('sound') === '1';

// off: not wanted; blocked: wanted, but the browser waits until a person touches the page; on.
export const soundState = () => (!soundOn() ? 'off' : context?.state === 'running' ? 'on' : 'blocked');

// f() is called when that changes.  Returns what ends it.
export function watchSound(f) {
  watchers.add(f);
  return () => watchers.delete(f);
}
const told = () => watchers.forEach((f) => f());

function open() {
  if (!context) {
    context = new AudioContext();
    context.addEventListener('statechange', told);
  }
  return context.resume();
}

// Browsers play sound only after a person touched the page: called from the click.
export function setSound(on) {
  localStorage.setItem('sound', on ? '1' : '0');
  if (on) {
    open();
    beep(880, 0.12);
  } else {
    silence();
  }
  told();
}

// Where it was switched on before, any touch will do.
for (const touch of ['pointerdown', 'keydown']) {
  window.addEventListener(touch, () => soundOn() && context?.state !== 'running' && open(), {capture: true});
}

export function silence() {
  until = 0;
  clearInterval(timer);
  timer = null;
}

function beep(hertz, seconds) {
  if (!context) return;
  const tone = context.createOscillator();
  const level = context.createGain();
  tone.frequency.value = hertz;
  level.gain.setValueAtTime(0.25, context.currentTime);
  level.gain.exponentialRampToValueAtTime(0.001, context.currentTime + seconds);
  tone.connect(level).connect(context.destination);
  tone.start();
  tone.stop(context.currentTime + seconds);
}

const fresh = () => [...plant.alarms.values()].some((a) => a.severity === 'critical' && a.state === 'active');

function sound() {
  if (steady() > until || !fresh()) silence();
  else {
    beep(880, 0.25);
    setTimeout(() => beep(660, 0.35), 300);
  }
}

export function annunciate(change) {
  if (change.kind !== 'event' || !soundOn()) return;
  const {event} = change;
  if (event.event === 'alarm.acknowledged') silence();
  const loud = ['alarm.raised', 'alarm.changed', 'alarm.realarmed', 'alarm.unshelved', 'alarm.unsuppressed'].includes(event.event);
  if (loud && event.severity === 'critical' && change.alarm?.state === 'active') {
    open();
    until = steady() + 30000;
    timer ??= setInterval(sound, 1500);
    sound();
  }
}
