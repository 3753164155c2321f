// The limit that an alarm passed, and the unit of its value, from the explanation of its rule:
// asked once a rule, two at a time, and only when a row wants to show it.
import {get} from './api.js';
import {steady} from './time.js';

const known = new Map(); // Rule -> {levels} or {until}: not to be asked again before.
const waiting = [];
let asking = 0;

// {unit, limit, point, plain}: `limit` as "> 80 °C" where the rule compares a value with a
// number (`plain`), else its whole condition; null while it is not known.
export function limitOf(item, told) {
  const {row} = item;
  if (row.limit !== undefined && row.limit !== null) return {unit: item.unit, limit: String(row.limit), point: row.point ?? null, plain: true};
  const found = known.get(item.rule);
  if (found?.levels) return found.levels.get(item.severity) ?? found.levels.get('');
  if (!found || (found.until && found.until < steady())) {
    known.set(item.rule, {until: Infinity});
    waiting.push({rule: item.rule, device: item.device, told});
    next();
  }
  return null;
}

// Rules may have been edited.
export function forgetLimits() {
  for (const [rule, found] of known) if (found.levels) known.delete(rule);
}

async function next() {
  if (asking >= 2 || waiting.length === 0) return;
  asking++;
  const {rule, device, told} = waiting.shift();
  try {
    known.set(rule, {levels: levelsOf(await get('explain', {rule, device}))});
    told();
  } catch {
    known.set(rule, {until: steady() + 60000}); // The row does without; the detail says why.
  } finally {
    asking--;
    next();
  }
}

function levelsOf(said) {
  const levels = new Map();
  for (const level of said.levels ?? []) {
    const limit = ofCondition(level.when);
    levels.set(level.severity, limit);
    if (!levels.has('')) levels.set('', limit);
  }
  if (levels.size === 0) levels.set('', {unit: null, limit: null, point: null, plain: false});
  return levels;
}

function firstPoint(node) {
  if (node.kind === 'point') return node.text;
  for (const part of node.parts ?? []) {
    const found = firstPoint(part);
    if (found) return found;
  }
  return null;
}

function ofCondition(when) {
  const [left, right] = when.parts ?? [];
  const plain = when.kind === 'comparison' && right?.kind === 'constant' && when.text.startsWith(left.text);
  return {unit: plain ? left.unit ?? null : null, limit: plain ? when.text.slice(left.text.length).trim() : when.text, point: firstPoint(when), plain};
}
