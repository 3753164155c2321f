// Why a rule is as it is, in the words of the gateway (GET explain): the alarm's details and the
// bench of rules show the same.
import {h} from './dom.js';
import {duration} from './time.js';
import {quantity, severityMark} from './ui.js';
import {t, word} from './words.js';

// `inside` of a text in backticks is a condition of a rule.
const marked = (text) => text.split('`').map((part, i) => (i % 2 ? h('code', {}, part) : part));

const truth = (value) => (value === true ? t('true') : value === false ? t('false') : value === null || value === undefined ? t('unknown') : null);

// A condition and its parts with their present values, as a list in a list.
// `is` is the class of what is true.
function condition(node, is) {
  const said = truth(node.value) ?? quantity(node.value, node.unit);
  const parts = (node.parts ?? []).filter((part) => part.kind !== 'constant');
  return h('li', {}, h('code', {}, node.text), ' ', h('b', {class: node.value === true ? is : node.value === null ? 'is-unknown' : ''}, said),
    parts.length > 0 ? h('ul', {}, parts.map((part) => condition(part, is))) : null);
}

export function explained(said, heading = 'h4') {
  const levels = (said.levels ?? []).map((level) => [h(heading, {class: 'row'}, severityMark(level.severity, true), word('severity', level.severity)),
    h('ul', {class: 'conditions'}, condition(level.when, 'is-true')), level.clear ? [h('p', {class: 'hint'}, t('Clears when:')), h('ul', {class: 'conditions'}, condition(level.clear, ''))] : null]);
  const bad = (said.points ?? []).filter((p) => p.quality !== 'good');
  return [
    h('p', {class: 'verdict'}, marked(said.verdict ?? '')),
    said.while ? [h('p', {class: 'hint'}, t('Judged only while:')), h('ul', {class: 'conditions'}, condition(said.while, ''))] : null,
    levels,
    said.hold_ms || said.clear_hold_ms ? h('p', {class: 'hint'}, t('It must hold {hold} to raise, and {clear} to clear.', {hold: duration(said.hold_ms ?? 0), clear: duration(said.clear_hold_ms ?? 0)})) : null,
    bad.length > 0 ? h('p', {}, t('Not good now:'), ' ', bad.map((p) => `${p.device}.${p.point}: ${word('quality', p.quality)}`).join(', ')) : null,
  ];
}
