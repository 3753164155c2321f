// The horn: off unless somebody on this machine switched it on.  A new critical alarm, one that
// came back or one that is told again sounds until something was acknowledged or 30 s are over.
import {plant} from './plant.js';

let context = null;
let until = 0;
let timer = null;

export const soundOn = () => localStorage.getItem('sound') === '1';

// Browsers play sound only after a person touched the page: called from the click.
export function setSound(on) {
  localStorage.setItem('sound', on ? '1' : '0');
  if (on) {
    context ??= new AudioContext();
    context.resume();
    beep(880, 0.12);
  } else {
    silence();
  }
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
  if (Date.now() > until || !fresh()) silence();
  else {
    beep(880, 0.25);
    setTimeout(() => beep(660, 0.35), 300);
  }
}

export function annunciate(change) {
  if (change.kind !== 'event' || !soundOn()) return;
  const {event} = change;
  const told = ['alarm.raised', 'alarm.changed', 'alarm.realarmed', 'alarm.unshelved', 'alarm.unsuppressed'].includes(event.event);
  if (told && event.severity === 'critical' && change.alarm?.state === 'active') {
    context ??= new AudioContext();
    until = Date.now() + 30000;
    timer ??= setInterval(sound, 1500);
    sound();
  }
}
