// One rule: what it says, what it does now and why, and its bench.
import {h, replace} from './dom.js';
import {get} from './api.js';
import {explained} from './explained.js';
import {bench} from './rule-bench.js';
import {pointsNamed, ruleTitle} from './rule-names.js';
import {may, teamName, typeName} from './site.js';
import {duration} from './time.js';
import {failed, nothing, select, severityMark, waiting} from './ui.js';
import {t, word} from './words.js';

const ASK_EACH_MS = 2000;

// In words, with the expressions as they are.
function says(rule) {
  const applies = Object.entries(rule.applies_to ?? {}).map(([key, value]) => `${{type: t('type'), id: t('device'), tag: t('tag'), location: t('place')}[key] ?? key} ${key === 'type' ? typeName(value) : value}`).join(', ');
  const held = (span) => (span > 0 ? t('for {time}', {time: duration(span)}) : null);
  return h('section', {class: 'card'}, h('h2', {}, t('What it says')),
    h('ul', {class: 'says'}, rule.levels.map((level) => h('li', {}, h('p', {class: 'row'}, severityMark(level.severity, true), h('b', {}, word('severity', level.severity)), t('when'), h('code', {}, level.when), held(rule.hold_ms)),
      level.clear ? h('p', {class: 'row clear'}, t('clears when'), h('code', {}, level.clear), held(rule.clear_hold_ms)) : h('p', {class: 'row quiet clear'}, t('clears when that is gone'), held(rule.clear_hold_ms))))),
    pointsNamed(rule),
    rule.while ? h('p', {}, t('Judged only while:'), ' ', h('code', {}, rule.while)) : null,
    applies ? h('p', {}, t('For: {devices}', {devices: applies})) : null,
    rule.latch ? h('p', {}, t('It stays until it is acknowledged, even when its cause is gone.')) : null,
    rule.suppressed_by?.length ? h('p', {}, t('Hidden while one of these stands:'), ' ', rule.suppressed_by.map((id, i) => [i ? ', ' : '', h('a', {href: `/rules/${encodeURIComponent(id)}`}, id)])) : null);
}

function about(rule) {
  const rows = [[t('Likely cause'), rule.cause], [t('What it leads to'), rule.consequence], [t('What to do'), rule.action], [t('Source'), rule.source],
    [t('Goes to'), rule.devices?.length ? rule.devices.map((id, i) => [i ? ', ' : '', h('a', {href: `/devices/${encodeURIComponent(id)}`}, id)]) : null],
    [t('Procedure'), rule.procedure], [t('Team'), rule.team ? teamName(rule.team) : null], [t('File'), rule.file ? `${rule.file}:${rule.line}` : null]];
  return h('section', {class: 'card'}, h('h2', {}, t('What it is for')),
    h('dl', {class: 'facts'}, rows.filter(([, value]) => value).map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
    h('details', {}, h('summary', {}, t('As it stands in the file')), h('pre', {}, rule.yaml)));
}

// What is the same stays, so that a marked text stays marked.
function showAnew(element, ...children) {
  const made = replace(element.cloneNode(false), ...children);
  if (made.isEqualNode(element)) return;
  element.replaceChildren(...made.childNodes);
}

export async function show(root, {params}) {
  const path = `rules/${encodeURIComponent(params.id)}`;
  let ended = false;
  let timer = null;
  root.append(waiting());
  const rule = await get(path);
  const places = rule.places ?? [];
  const live = h('div', {class: 'why'});
  const pick = select('device', places.map((p) => [p.device, `${p.name ?? p.device}${p.alarm ? ` – ${word('alarm_state', p.alarm.state ?? p.alarm)}` : ''}`]), null, {'aria-label': t('Device'), onchange: () => ask(true)});
  const standing = places.find((p) => p.alarm) ?? places[0];
  if (standing) pick.value = standing.device;
  const table = may('engineer') ? bench(rule) : null;
  replace(root,
    h('div', {class: 'row'}, h('a', {class: 'quiet', href: '/rules'}, t('Rules')), h('span', {class: 'quiet'}, '›'), h('span', {class: 'quiet'}, rule.id)),
    h('h1', {}, rule.levels.map((level) => severityMark(level.severity)), ' ', ruleTitle(rule)),
    rule.enabled ? null : h('p', {}, t('This rule is switched off in its file.')),
    h('div', {class: 'columns'},
      h('div', {class: 'column'}, says(rule), table?.element, about(rule)),
      h('section', {class: 'card'}, h('h2', {}, t('Why it is as it is')), places.length ? pick : null, live)));

  async function ask(anew) {
    clearTimeout(timer);
    if (ended || places.length === 0) return;
    const device = pick.value;
    if (anew) replace(live, waiting());
    if (!document.hidden) {
      try {
        const said = await get('explain', {rule: rule.id, device});
        if (!ended && device === pick.value) showAnew(live, explained(said, 'h3'));
      } catch (problem) {
        if (!ended && device === pick.value) replace(live, failed(problem));
      }
    }
    clearTimeout(timer);
    if (!ended) timer = setTimeout(ask, ASK_EACH_MS);
  }
  if (places.length === 0) replace(live, nothing(t('It goes to no device now.')));
  ask(true);
  return {title: rule.id, close: () => { ended = true; clearTimeout(timer); table?.close(); }};
}
