// Pieces that every view uses: marks of severity, dialogs, messages, buttons.
import {h, replace, svg} from './dom.js';
import {word, t} from './words.js';

// ISA-101: colour only means abnormal, and never alone: shape and number say the same.
const SHAPES = {
  critical: ['M12 1 23 12 12 23 1 12z', '1'],
  urgent: ['M12 2 23 21H1z', '2'],
  normal: ['M3 3h18v18H3z', '3'],
  info: ['M12 2a10 10 0 1 0 .01 0z', 'i'],
};

export function severityMark(severity, small) {
  const [path, number] = SHAPES[severity] ?? SHAPES.info;
  const name = word('severity', severity);
  return svg('svg', {class: `mark sev-${severity}${small ? ' small' : ''}`, viewBox: '0 0 24 24', role: 'img', 'aria-label': name},
    svg('title', {}, name),
    svg('path', {d: path}),
    svg('text', {x: 12, y: severity === 'urgent' ? 19 : 17, 'text-anchor': 'middle', 'font-size': 13, 'aria-hidden': 'true'}, number));
}

const ICONS = {
  check: 'M4 12l5 6L20 6', clock: 'M12 3a9 9 0 1 0 .01 0zM12 7v5l4 2', wrench: 'M14 6a4 4 0 0 0 5 5l-9 9-4-4 9-9z',
  eye: 'M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zm10-3a3 3 0 1 0 .01 0z', bell: 'M6 17V11a6 6 0 0 1 12 0v6zM4 17h16M10 20h4',
  bellOff: 'M6 17V11a6 6 0 0 1 12 0v6zM4 17h16M3 3l18 18', user: 'M12 4a4 4 0 1 0 .01 0zM4 21c1-5 4-7 8-7s7 2 8 7',
  moon: 'M20 14A8 8 0 0 1 10 4a8 8 0 1 0 10 10z', screen: 'M3 5h18v12H3zM9 21h6', back: 'M15 5l-7 7 7 7', camera: 'M3 8h4l2-3h6l2 3h4v12H3zM12 10a4 4 0 1 0 .01 0z',
  filter: 'M3 5h18l-7 8v6l-4 2v-8z', plus: 'M12 5v14M5 12h14', more: 'M5 12h.01M12 12h.01M19 12h.01', close: 'M5 5l14 14M19 5L5 19', out: 'M5 5h8M5 5v14h8M10 12h11M17 8l4 4-4 4',
  home: 'M4 11l8-7 8 7v9H4z', ticket: 'M3 7h18v4a2 2 0 0 0 0 4v3H3v-3a2 2 0 0 0 0-4z', plug: 'M9 3v5M15 3v5M6 8h12v3a6 6 0 0 1-12 0zM12 17v4',
  calendar: 'M4 6h16v14H4zM4 10h16M8 3v5M16 3v5', chart: 'M4 20V4M4 20h16M8 16l4-5 3 3 5-7', rule: 'M4 6h10M4 12h16M4 18h7M17 4v4M8 10v4M14 16v4',
};

export function icon(name) {
  return svg('svg', {class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true'}, svg('path', {d: ICONS[name]}));
}

// A button that shows that it works, cannot be pressed twice, and says what went wrong.
export function actButton(text, act, properties) {
  const button = h('button', {type: 'button', ...properties, onclick: async () => {
    if (button.ariaBusy) return; // Not disabled: that would take the focus from it.
    button.ariaBusy = 'true';
    try {
      await act(button);
    } catch (e) {
      toast(e.message, 'bad');
    } finally {
      button.ariaBusy = null;
    }
  }}, text);
  return button;
}

// A message that goes by itself; kind: 'good' or 'bad' (which stays until it is closed).
export function toast(text, kind = 'good') {
  let stack = document.getElementById('toasts');
  if (!stack) {
    stack = h('div', {id: 'toasts', role: 'status', 'aria-live': 'polite'});
    document.body.append(stack);
  }
  const close = () => item.remove();
  const item = h('div', {class: `toast ${kind}`}, h('span', {}, text), h('button', {type: 'button', class: 'plain', 'aria-label': t('Close'), onclick: close}, icon('close')));
  stack.append(item);
  if (kind !== 'bad') setTimeout(close, 5000);
}

// A modal dialog.  body: nodes of a form; act(data) is called with the form's FormData, and what
// it throws is shown in the dialog, which then stays.  Resolves to true when act was done, to
// false when the person left it.
export function dialog({title, body, accept, act, danger}) {
  return new Promise((resolve) => {
    const error = h('p', {class: 'error', role: 'alert'});
    const go = h('button', {type: 'submit', class: danger ? 'primary danger' : 'primary'}, accept);
    let done = false;
    const form = h('form', {method: 'dialog', onsubmit: async (e) => {
      e.preventDefault();
      if (go.ariaBusy) return;
      replace(error);
      go.ariaBusy = 'true';
      try {
        await act?.(new FormData(form));
        done = true;
        box.close();
      } catch (failure) {
        replace(error, failure.message);
      } finally {
        go.ariaBusy = null;
      }
    }}, h('h2', {id: 'dialog-title'}, title), body, error,
    h('div', {class: 'row end'}, act ? h('button', {type: 'button', onclick: () => box.close()}, t('Cancel')) : null, go));
    const box = h('dialog', {'aria-labelledby': 'dialog-title', onclose: () => {
      box.remove();
      resolve(done);
    }}, form);
    document.body.append(box);
    box.showModal();
    (form.querySelector('[autofocus]') ?? form.querySelector('input, select, textarea') ?? go).focus();
  });
}

// A table that may be wider than its place: where it is, keys scroll it too.
export function wide(label, table) {
  const box = h('div', {class: 'scroll', role: 'group', 'aria-label': label}, table);
  const seen = new ResizeObserver(() => { // One of its own, which goes when it goes.
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute('tabindex');
  });
  seen.observe(box);
  seen.observe(table);
  return box;
}

// The head of a table; a column without a name has no heading.
export const heads = (texts, classOf) => h('thead', {}, h('tr', {}, texts.map((text, i) => h(text ? 'th' : 'td', {scope: text ? 'col' : null, class: classOf?.(i) || null}, text))));

// A labelled field of a form.
export function field(label, input, hint) {
  const id = input.id || `field-${Math.random().toString(36).slice(2)}`;
  input.id = id;
  const hintId = `${id}-hint`;
  if (hint) input.setAttribute('aria-describedby', hintId);
  return h('div', {class: 'field'}, h('label', {for: id}, label), input, hint ? h('p', {id: hintId, class: 'hint'}, hint) : null);
}

// options: [value, text] pairs.
export function select(name, options, chosen, properties) {
  const element = h('select', {name, ...properties}, options.map(([value, text]) => h('option', {value}, text)));
  if (chosen !== undefined && chosen !== null) element.value = chosen;
  return element;
}

// What a view shows while it waits, when there is nothing, and when it failed.
export const waiting = () => h('p', {class: 'quiet loading', role: 'status'}, t('Loading ...'));
export const nothing = (text) => h('p', {class: 'quiet nothing'}, text);
export const failed = (problem, again) => h('div', {class: 'failed', role: 'alert'}, h('p', {}, problem.message), again ? h('button', {type: 'button', onclick: again}, t('Try again')) : null);

// Units are written with plain letters in the files, and as people write them on the page: m³/h.
export const unitText = (unit) => unit?.replace(/\bm([23])\b/, (all, power) => `m${power === '2' ? '²' : '³'}`);

// A number with its unit, with no more digits than it has; null: a dash.
export function quantity(value, unit) {
  if (value === null || value === undefined) return '–';
  const text = typeof value === 'number' ? String(Number(value.toPrecision(6))) : String(value);
  return unit ? `${text} ${unitText(unit)}` : text;
}
