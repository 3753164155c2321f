// Elements without markup: nothing that comes from the plant is ever read as HTML.

const SVG = 'http://www.w3.org/2000/svg';

// h('button', {class: 'act', onclick: f, disabled: true, 'aria-label': t('Close')}, 'text', child, [more])
// Properties: `class`; `on...`: a listener; `dataset`: an object; true: the bare attribute;
// false, null and undefined: none; anything else: the attribute's text.  `value`, `checked`
// and `selected` are set as properties.  Children: nodes, texts, numbers, lists of them; null
// and false are left out.
export function h(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children);
}

// The same for a drawing.
export function svg(tag, properties, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill(element, properties, children) {
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (key === 'dataset') Object.assign(element.dataset, value);
    else if (key === 'value' || key === 'checked' || key === 'selected') element[key] = value;
    else element.setAttribute(key, value === true ? '' : value);
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(element, child);
    else element.append(child instanceof Node ? child : String(child));
  }
}

// Puts these children in the place of the present ones.
export function replace(element, ...children) {
  element.textContent = '';
  append(element, children);
  return element;
}

const called = (e) => [e.tagName, e.getAttribute('href'), e.name, e.dataset.key, e.getAttribute('aria-label') ?? e.textContent].join('\n');

// Draws anew what is in `root` (an element); who was on something there by key is on it afterwards,
// or, where that is gone, on `otherwise()`, which may be null.
export function keepFocus(root, draw, otherwise = () => null) {
  const at = document.activeElement;
  const name = at !== root && root.contains(at) ? called(at) : null;
  draw();
  if (name === null || root.contains(document.activeElement)) return;
  const found = [...root.querySelectorAll('a, button, input, select, textarea, summary, [tabindex]')].find((e) => called(e) === name);
  (found ?? otherwise())?.focus({preventScroll: true});
}

// Keeps a list of elements in step with rows, so that what did not change is not touched:
// focus, scrolling and animations stay.  `key(row)` names a row; `make(row)` gives its element
// once, `update(element, row)` is called for each row that is there again.  One row that went,
// came or moved moves no other: an element that is moved loses the focus.
export function sync(parent, rows, key, make, update) {
  const old = new Map();
  for (const child of parent.children) old.set(child.dataset.key, child);
  const names = rows.map((row) => String(key(row)));
  const wanted = new Set(names);
  for (const [name, child] of old) if (!wanted.has(name)) child.remove();
  let at = parent.firstElementChild;
  rows.forEach((row, i) => {
    let element = old.get(names[i]);
    if (element) {
      update(element, row);
    } else {
      element = make(row);
      element.dataset.key = names[i];
    }
    if (element === at) {
      at = at.nextElementSibling;
    } else if (at && element === at.nextElementSibling) {
      at = element.nextElementSibling; // What stood here goes further down when its turn comes.
    } else {
      parent.insertBefore(element, at);
    }
  });
}

// Many changes of one moment are drawn once: calls the view's draw(), unless it is closed by then.
export function drawLater(view) {
  if (view.drawing) return;
  view.drawing = true;
  const draw = () => {
    view.drawing = false;
    if (!view.closed) view.draw();
  };
  if (document.hidden) setTimeout(draw, 100);
  else requestAnimationFrame(draw);
}
