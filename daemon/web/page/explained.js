// Why a rule is as it is, in the words of the gateway (GET explain): the alarm's details and the
// bench of rules show the same.
import {h} from './dom.js';
import {duration, seconds} from './time.js';
import {quantity, severityMark} from './ui.js';
import {many, t, word} from './words.js';

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
  const timer = (level) => {
    if (!level.since || !level.due) return null;
    const times = {since: seconds(level.since), due: seconds(level.due)};
    return h('p', {}, level.raised ? t('It is gone since {since}; if it stays so, it clears at {due}.', times) : t('It holds since {since}; if it stays so, it is raised at {due}.', times));
  };
  const levels = (said.levels ?? []).map((level) => [h(heading, {class: 'row'}, severityMark(level.severity, true), word('severity', level.severity)),
    h('ul', {class: 'conditions'}, condition(level.when, 'is-true')), level.clear ? [h('p', {class: 'hint'}, t('Clears when:')), h('ul', {class: 'conditions'}, condition(level.clear, ''))] : null, timer(level)]);
  const bad = (said.points ?? []).filter((p) => p.quality !== 'good');
  const windows = (said.windows ?? []).map((w) => h('li', {}, h('code', {}, w.text), ' ', h('b', {}, quantity(w.value, w.unit)), w.samples === undefined ? null : ` (${many(w.samples, '{n} good sample', '{n} good samples')}, ${t('{time} of {width}', {time: duration(w.covered_s * 1000), width: duration(w.width_s * 1000)})})`));
  return [
    h('p', {class: 'verdict'}, marked(said.verdict ?? '')),
    said.while ? [h('p', {class: 'hint'}, t('Judged only while:')), h('ul', {class: 'conditions'}, condition(said.while, ''))] : null,
    levels,
    said.hold_ms || said.clear_hold_ms ? h('p', {class: 'hint'}, t('It must hold {hold} to raise, and {clear} to clear.', {hold: duration(said.hold_ms ?? 0), clear: duration(said.clear_hold_ms ?? 0)})) : null,
    windows.length > 0 ? [h('p', {class: 'hint'}, t('Over time:')), h('ul', {class: 'conditions'}, windows)] : null,
    bad.length > 0 ? h('p', {}, t('Not good now:'), ' ', bad.map((p) => `${p.device}.${p.point}: ${word('quality', p.quality)}`).join(', ')) : null,
  ];
}
