// What happened, on the time axis of a chart: alarms, tickets, maintenance, out of service, no
// answer.  One stop of the tab key; arrows go from mark to mark.
import {h, replace, sync} from './dom.js';
import {moment} from './time.js';
import {icon, severityMark} from './ui.js';
import {t, word} from './words.js';

const ICONS = {ticket: 'ticket', maintenance: 'wrench', service: 'bellOff', offline: 'plug'};
const APART = 22; // Pixels: what is closer becomes one mark.

const kindText = (kind) => ({
  alarm: t('Alarm'), ticket: t('Ticket'), maintenance: t('Maintenance'), service: t('Out of service'), offline: t('No answer'),
}[kind] ?? kind);

const stateText = (mark) => (mark.kind === 'ticket' ? word('ticket_state', mark.state) : {done: t('done'), planned: t('planned'), overdue: t('overdue')}[mark.state] ?? '');

// What was done, or is planned, is a moment; without an end the others go on.
const isMoment = (mark) => mark.kind === 'maintenance' && (mark.end === null || mark.end === mark.t);
const endOf = (mark, now) => mark.end ?? (isMoment(mark) ? mark.t : now);

// "Alarm, urgent: Pump 1: bearing at 84 °C (3 Mar 14:05 – 14:20)".
export function markText(mark) {
  const until = isMoment(mark) ? '' : mark.end !== null ? ` – ${moment(mark.end)}` : t(', not over');
  const facts = [kindText(mark.kind), mark.severity && mark.kind === 'alarm' ? word('severity', mark.severity) : null, mark.state ? stateText(mark) : null].filter(Boolean).join(', ');
  const text = mark.text && mark.kind !== 'offline' ? `: ${mark.text}` : '';
  return `${facts}${text} (${moment(mark.t)}${until})`;
}

const picture = (mark) => (mark.kind === 'alarm' ? severityMark(mark.severity, true) : icon(ICONS[mark.kind] ?? 'more'));
const RANK = {critical: 4, urgent: 3, normal: 2, info: 1};
const worst = (list) => list.reduce((a, b) => ((RANK[b.severity] ?? 0) > (RANK[a.severity] ?? 0) ? b : a));

// `zoom(from, to)` is called for a mark that stands for several.
export function marks(zoom) {
  let all = [];
  const tip = h('p', {class: 'chart-tip', 'aria-hidden': 'true'});
  const spans = h('div', {class: 'chart-spans', 'aria-hidden': 'true'});
  const list = h('ul', {class: 'chart-marks', 'aria-label': t('What happened'), onkeydown: (e) => {
    const links = [...list.querySelectorAll('a, button')];
    const to = {ArrowLeft: -1, ArrowRight: 1}[e.key];
    if (!to && e.key !== 'Home' && e.key !== 'End') {
      if (e.key === 'Enter' || e.key === ' ') e.stopPropagation();
      return;
    }
    e.preventDefault();
    e.stopPropagation();
    const at = links.indexOf(document.activeElement);
    const next = e.key === 'Home' ? 0 : e.key === 'End' ? links.length - 1 : Math.min(links.length - 1, Math.max(0, at + to));
    links.forEach((link, i) => link.setAttribute('tabindex', i === next ? '0' : '-1'));
    links[next]?.focus();
  }});
  const tell = (text) => replace(tip, text);

  function element(group) {
    const text = group.marks.length === 1 ? markText(group.marks[0]) : `${t('{n} events', {n: group.marks.length})}: ${group.marks.map(markText).slice(0, 4).join('; ')}${group.marks.length > 4 ? ' …' : ''}`;
    const properties = {
      class: 'chart-mark plain', tabindex: '-1', title: text,
      onfocus: () => tell(text), onblur: () => tell(''), onpointerenter: () => tell(text), onpointerleave: () => tell(''),
    };
    const inner = [h('span', {class: 'vh'}, text), h('span', {class: 'chart-picture', 'aria-hidden': 'true'}, picture(worst(group.marks)), group.marks.length > 1 ? h('b', {}, group.marks.length) : null)];
    const {link} = group.marks[0];
    if (group.marks.length === 1 && link) return h('li', {}, h('a', {...properties, href: link}, inner));
    const edges = [group.marks[0].t, Math.max(...group.marks.map((m) => m.end ?? m.t))];
    const margin = Math.max(30e3, (edges[1] - edges[0]) * 0.3);
    return h('li', {}, h('button', {...properties, type: 'button', onclick: () => zoom(edges[0] - margin, edges[1] + margin)}, inner));
  }

  return {
    element: h('div', {class: 'chart-happened'}, list, spans, tip),
    set(next) {
      all = next;
    },
    // `area` as of the pane; instants from..to lie over its width.
    layout(from, to, area, now) {
      const x = (at) => area.x + ((at - from) / (to - from)) * area.w;
      const groups = [];
      for (const mark of all) {
        if (mark.t > to || endOf(mark, now) < from) continue;
        const at = Math.max(x(mark.t), area.x); // What began earlier stands at the edge.
        const last = groups.at(-1);
        if (last && at - last.x < APART) last.marks.push(mark);
        else groups.push({x: at, marks: [mark]});
      }
      const key = (group) => group.marks.map((m) => `${m.kind} ${m.t} ${m.end} ${m.text}`).join('|');
      sync(list, groups, key, element, () => {});
      [...list.children].forEach((item, i) => {
        item.style.left = `${groups[i].x}px`;
      });
      if (!list.querySelector('[tabindex="0"]')) list.querySelector('a, button')?.setAttribute('tabindex', '0');
      spans.replaceChildren(...all.filter((m) => m.kind !== 'ticket' && !isMoment(m)).map((mark) => {
        const start = Math.max(x(mark.t), area.x), end = Math.min(x(endOf(mark, now)), area.x + area.w);
        if (end <= start) return null;
        const bar = h('i', {class: `chart-span span-${mark.kind}${mark.severity ? ` span-${mark.severity}` : ''}`});
        bar.style.left = `${start}px`;
        bar.style.width = `${Math.max(2, end - start)}px`;
        return bar;
      }).filter(Boolean));
    },
  };
}
