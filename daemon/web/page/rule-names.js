// What a rule is called, and the points that it names: titles hold the places of what is filled
// in when an alarm is raised, such as "{device} bearing at {bearing}".
import {h} from './dom.js';
import {unitText} from './ui.js';
import {t} from './words.js';

function filledIn(rule, name) {
  if (name === 'device') return t('device');
  const {title, unit} = rule.points?.[name] ?? {};
  const called = title ?? name.replaceAll('_', ' ');
  // "Pressure at {pressure}" says already what it is.
  const said = rule.title.replace(/\{[^{}]+\}/g, '').toLowerCase().includes(called.toLowerCase());
  return `${said ? t('value') : called}${unit ? ` (${unitText(unit)})` : ''}`;
}

// The title in parts: [text, whether it is such a place].
function parts(rule) {
  return rule.title.split(/\{([^{}]+)\}/).map((part, i) => (i % 2 ? [filledIn(rule, part), true] : [part, false])).filter(([text]) => text !== '');
}

export const titleText = (rule) => parts(rule).map(([text]) => text).join('');

// As titleText(), with the places marked.
export const ruleTitle = (rule) => parts(rule).map(([text, place]) => (place ? h('span', {class: 'place', title: t('Filled in when it is raised.')}, text) : text));

// "bearing: Bearing temperature (°C)", for who reads its conditions; null: no point has a name.
export function pointsNamed(rule) {
  const named = Object.entries(rule.points ?? {}).filter(([, point]) => point.title);
  if (named.length === 0) return null;
  return h('ul', {class: 'named quiet'}, named.map(([name, {title, unit}]) => h('li', {}, h('code', {}, name), ` ${title}${unit ? ` (${unitText(unit)})` : ''}`)));
}
