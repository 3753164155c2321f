// What the devices are called, where they stand, what feeds them and how they are: read once, kept
// by the event stream.
import {get} from './api.js';
import {follow} from './plant.js';
import {site} from './site.js';

export const estate = {
  devices: new Map(), // id -> row of the devices listing, with location, area and parent.
  out: new Map(), // id -> {device, by, reason, since, until}: out of service.
  loaded: false,
  trouble: null, // Why it could not be read the last time: a Problem.
};

const watchers = new Set();
let end = null;
let again = null;
let reading = 0; // Numbers the readings: an older answer that comes late is dropped.

const tell = () => [...watchers].forEach((f) => f());

async function read() {
  const mine = ++reading;
  clearTimeout(again);
  try {
    const [devices, out] = await Promise.all([get('devices', {details: 1}), get('service')]);
    if (mine !== reading) return;
    estate.devices = new Map(devices.map((d) => [d.id, d]));
    estate.out = new Map(out.map((row) => [row.device, row]));
    estate.loaded = true;
    estate.trouble = null;
  } catch (problem) {
    if (mine !== reading) return;
    estate.trouble = problem;
    again = setTimeout(read, 10000);
  }
  tell();
}

async function readService() {
  try {
    estate.out = new Map((await get('service')).map((row) => [row.device, row]));
    tell();
  } catch {
    read(); // Which tries until it is answered, and says why it is not.
  }
}

function changed(change) {
  if (change.kind === 'all') read();
  if (change.kind !== 'event') return;
  const {event} = change;
  const device = estate.devices.get(event.device);
  if (event.event === 'device.out_of_service' || event.event === 'device.in_service') readService();
  if (!device) return;
  const state = {'device.online': 'online', 'device.offline': 'offline'}[event.event];
  if (change.device || state) {
    estate.devices.set(event.device, {...device, ...(state ? {state} : null), ...change.device});
    tell();
  }
}

// f() is called when something was read or has changed.  Returns what ends it.
export function watchEstate(f) {
  watchers.add(f);
  if (!end) {
    end = follow(changed);
    read();
  }
  return () => {
    watchers.delete(f);
    if (watchers.size > 0) return;
    end?.();
    end = null;
    clearTimeout(again);
    reading++;
  };
}

export const deviceName = (id) => estate.devices.get(id)?.name ?? id;

// The site's areas may be names or {id, name}.
export function areaName(id) {
  const found = site?.areas?.find((area) => (area.id ?? area) === id);
  return found?.name ?? id;
}
