// All rules: what they watch, where, and whether they stand now.
import {h, replace} from './dom.js';
import {get} from './api.js';
import {follow} from './plant.js';
import {ruleTitle, titleText} from './rule-names.js';
import {typeName} from './site.js';
import {failed, nothing, severityMark, waiting} from './ui.js';
import {many, t} from './words.js';

export async function show(root) {
  let rules = [];
  let text = '';
  let ended = false;
  let again = null;
  const count = h('span', {class: 'quiet', role: 'status'});
  const body = h('div', {}, waiting());
  root.append(
    h('div', {class: 'row'}, h('h1', {}, t('Rules')), count),
    h('div', {class: 'row'}, h('input', {type: 'search', placeholder: t('Search'), 'aria-label': t('Search'), oninput: (e) => { text = e.target.value.toLowerCase(); draw(); }})),
    body);

  function row(rule) {
    const state = !rule.enabled ? t('switched off') : rule.standing ? many(rule.standing, 'stands on {n} device', 'stands on {n} devices') : t('quiet');
    return h('tr', {class: `${rule.enabled ? '' : 'off'}${rule.standing ? '' : ' still'}`},
      h('td', {}, rule.levels.map((level) => severityMark(level.severity, true))),
      h('td', {}, h('a', {href: `/rules/${rule.id}`}, h('b', {}, rule.id)), h('div', {class: 'quiet'}, ruleTitle(rule))),
      h('td', {}, rule.levels.map((level) => h('div', {}, h('code', {}, level.when)))),
      h('td', {}, many(rule.device_count, '{n} device', '{n} devices'), h('div', {class: 'quiet'}, Object.entries(rule.applies_to ?? {}).map(([key, value]) => (key === 'type' ? typeName(value) : value)).join(', '))),
      h('td', {}, rule.standing ? h('b', {}, state) : state, rule.hidden ? h('div', {class: 'quiet'}, t('{n} hidden', {n: rule.hidden})) : null));
  }

  let said = '';
  function draw() {
    const shown = rules.filter((rule) => !text || `${rule.id} ${titleText(rule)} ${rule.levels.map((l) => l.when).join(' ')} ${rule.devices?.join(' ')}`.toLowerCase().includes(text));
    const now = JSON.stringify(shown);
    if (now === said) return; // Who reads or is on a link stays there.
    said = now;
    const focused = body.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
    replace(count, shown.length < rules.length ? t('{shown} of {n} rules', {shown: shown.length, n: rules.length}) : many(rules.length, '{n} rule', '{n} rules'));
    replace(body, shown.length === 0 ? nothing(rules.length === 0 ? t('This site has no rules.') : t('No rule passes the filter.')) : h('div', {class: 'card scroll'}, h('table', {},
      h('thead', {}, h('tr', {}, [t('Severity'), t('Rule'), t('When'), t('Where'), t('Now')].map((name) => h('th', {scope: 'col'}, name)))),
      h('tbody', {}, shown.map(row)))));
    if (focused) body.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  }

  async function read() {
    try {
      rules = await get('rules');
      if (!ended) draw();
    } catch (problem) {
      said = '';
      if (!ended) replace(body, failed(problem, read));
    }
  }
  const end = follow((change) => {
    if (change.kind === 'all' || (change.kind === 'event' && change.event.rule)) {
      clearTimeout(again);
      again = setTimeout(read, 500);
    }
  });
  await read();
  return {title: t('Rules'), close: () => { ended = true; clearTimeout(again); end(); }};
}
