// What hands do with a chart: wheel, drag, pinch, keys.  Knows of time only what it is told.

const WHEEL = 0.0016; // Of a doubling, for each pixel that a wheel turned.
const STEP = 0.2; // Of the range, for an arrow key.
const FINE = 0.01; // Of the range, for the pointer that keys move.

// `view`: range() -> [from, to]; area() -> {x, w} in pixels of `element`; move(from, to, begins);
// back(); point(at, told) where the pointer is (null: nowhere; told: by a key); select(from, to)
// in pixels while a range is being chosen, null: no longer; first(), newest().
export function moves(element, view) {
  const pointers = new Map(); // Id -> {x, t}: where it is, and the time that it holds.
  let selecting = null, cursor = null, moved = false;

  const left = () => element.getBoundingClientRect().left;
  function timeAt(x) {
    const [from, to] = view.range();
    const {x: start, w} = view.area();
    return from + ((x - start) / w) * (to - from);
  }
  const inside = (x) => {
    const {x: start, w} = view.area();
    return x >= start && x <= start + w;
  };
  function zoom(factor, at) {
    const [from, to] = view.range();
    view.move(at - (at - from) * factor, at + (to - at) * factor, true);
  }
  const middle = () => view.range().reduce((a, b) => a + b) / 2;

  element.addEventListener('wheel', (e) => {
    e.preventDefault();
    const pixels = e.deltaMode === 1 ? 16 : e.deltaMode === 2 ? 400 : 1;
    const [from, to] = view.range();
    if (Math.abs(e.deltaX) > Math.abs(e.deltaY)) {
      const by = (e.deltaX * pixels * (to - from)) / view.area().w;
      view.move(from + by, to + by, true);
    } else {
      zoom(Math.exp(e.deltaY * pixels * WHEEL), timeAt(e.clientX - left()));
    }
  }, {passive: false});

  element.addEventListener('pointerdown', (e) => {
    if (e.button !== 0 || e.target.closest('a, button')) return;
    const x = e.clientX - left();
    element.setPointerCapture(e.pointerId);
    if (e.shiftKey && e.pointerType === 'mouse') selecting = x;
    else pointers.set(e.pointerId, {x, t: timeAt(x)});
    moved = false;
    element.focus({preventScroll: true});
    e.preventDefault();
  });
  element.addEventListener('pointermove', (e) => {
    const x = e.clientX - left();
    if (selecting !== null) {
      view.select(Math.min(selecting, x), Math.max(selecting, x));
      return;
    }
    const held = pointers.get(e.pointerId);
    if (!held) {
      view.point(inside(x) ? timeAt(x) : null);
      return;
    }
    if (!moved && Math.abs(x - held.x) < 3) return;
    const begins = !moved;
    moved = true;
    held.x = x;
    // Each finger keeps the time that it was put upon.
    const [a, b] = [...pointers.values()];
    const {x: start, w} = view.area();
    const [from, to] = view.range();
    let scale = (to - from) / w;
    if (b && Math.abs(a.x - b.x) > 8 && a.t !== b.t) scale = Math.abs((b.t - a.t) / (b.x - a.x));
    const origin = a.t - (a.x - start) * scale;
    view.move(origin, origin + w * scale, begins);
    view.point(null);
  });
  function up(e) {
    const x = e.clientX - left();
    if (selecting !== null) {
      const [a, b] = [Math.min(selecting, x), Math.max(selecting, x)];
      selecting = null;
      view.select(null);
      if (e.type === 'pointerup' && b - a > 4) view.move(timeAt(a), timeAt(b), true);
      return;
    }
    if (!pointers.delete(e.pointerId)) return;
    for (const held of pointers.values()) held.t = timeAt(held.x);
    if (!moved && e.type === 'pointerup' && e.pointerType !== 'mouse') view.point(inside(x) ? timeAt(x) : null);
  }
  element.addEventListener('pointerup', up);
  element.addEventListener('pointercancel', up);
  element.addEventListener('pointerleave', (e) => e.pointerType === 'mouse' && view.point(null));
  element.addEventListener('dblclick', (e) => {
    if (!e.target.closest('a, button')) view.back();
  });

  element.addEventListener('keydown', (e) => {
    if (e.target !== element || e.ctrlKey || e.metaKey || e.altKey) return;
    const [from, to] = view.range();
    const span = to - from;
    const side = {ArrowLeft: -1, ArrowRight: 1}[e.key];
    if (side && e.shiftKey) {
      cursor = Math.min(to, Math.max(from, (cursor ?? to) + side * span * FINE));
      view.point(cursor, true);
    } else if (side) view.move(from + side * span * STEP, to + side * span * STEP, true);
    else if (e.key === '+' || e.key === '=') zoom(0.5, cursor ?? middle());
    else if (e.key === '-' || e.key === '_') zoom(2, cursor ?? middle());
    else if (e.key === 'Home') view.first();
    else if (e.key === 'End') view.newest();
    else if (e.key === 'Backspace') view.back();
    else if (e.key === 'Escape' && cursor !== null) view.point(cursor = null);
    else return;
    e.preventDefault();
  });
}
