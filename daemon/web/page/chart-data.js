// What a chart draws: answers of GET devices/ID/series, and what was appended since.

// One line: {name, title, unit, kind, t, mean, min, max, limits}; `min` and `max` null: samples.
export function lines(answer) {
  return Object.entries(answer.points).map(([name, p]) => ({
    name, title: p.title ?? name, unit: p.unit ?? '', kind: p.kind ?? 'gauge', t: p.t, mean: p.mean, min: p.min ?? null, max: p.max ?? null, limits: p.limits ?? [],
  }));
}

// The first index whose time is not before `at`.
export function lowerBound(t, at) {
  let low = 0, high = t.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (t[middle] < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

// The value that was nearest to an instant, no further than `reach` from it; null: none.
// {t, value, min, max}, value null in a gap.
export function nearest(line, at, reach) {
  const next = lowerBound(line.t, at);
  let best = null;
  for (const i of [next - 1, next]) {
    if (i < 0 || i >= line.t.length || Math.abs(line.t[i] - at) > reach) continue;
    if (best === null || Math.abs(line.t[i] - at) < Math.abs(line.t[best] - at)) best = i;
  }
  // What changes in steps holds until the next.
  if (line.kind === 'state' && next > 0 && line.t[next] !== at && line.mean[next - 1] !== null) best = next - 1;
  return best === null ? null : {t: line.t[best], value: line.mean[best], min: line.min?.[best] ?? null, max: line.max?.[best] ?? null};
}

// The newest value; null: there is none.
export function newest(line) {
  for (let i = line.t.length - 1; i >= 0; i--) {
    if (line.mean[i] !== null) return {t: line.t[i], value: line.mean[i], min: line.min?.[i] ?? null, max: line.max?.[i] ?? null};
  }
  return null;
}

// Least and greatest of what is seen; null: nothing is.
export function extremes(line, from, to) {
  let low = Infinity, high = -Infinity;
  const end = Math.min(line.t.length, lowerBound(line.t, to) + 1);
  for (let i = Math.max(0, lowerBound(line.t, from) - 1); i < end; i++) {
    if (line.mean[i] === null) continue;
    low = Math.min(low, line.min?.[i] ?? line.mean[i]);
    high = Math.max(high, line.max?.[i] ?? line.mean[i]);
  }
  return low <= high ? [low, high] : null;
}

// Rows for dygraphs: [t, [low, value, high] | null, ...].  null: this line has nothing to say at
// this time; NaN: it breaks.
export function rows(list) {
  const at = list.map(() => 0);
  const out = [];
  for (;;) {
    let t = Infinity;
    list.forEach((line, i) => {
      if (at[i] < line.t.length) t = Math.min(t, line.t[at[i]]);
    });
    if (t === Infinity) return out;
    out.push([t, ...list.map((line, i) => {
      if (line.t[at[i]] !== t) return null;
      const n = at[i];
      while (line.t[at[i]] === t) at[i]++;
      const value = line.mean[n];
      return value === null ? [NaN, NaN, NaN] : [line.min?.[n] ?? value, value, line.max?.[n] ?? value];
    })]);
  }
}

// Appends what the device says now to lines of samples: once for each new value, and a gap where
// it is not good.  `points` as in the listing of devices.  Returns whether there was anything.
export function append(list, points, at) {
  let changed = false;
  for (const line of list) {
    const p = points[line.name];
    if (!p || line.min) continue;
    const last = line.t.length - 1;
    const t = Date.parse(p.last_good ?? '');
    if (p.quality === 'good' && t > (line.t[last] ?? 0) && p.value !== null) {
      line.t.push(t);
      line.mean.push(p.value);
      changed = true;
    } else if (p.quality !== 'good' && last >= 0 && line.mean[last] !== null && at > line.t[last]) {
      line.t.push(at);
      line.mean.push(null);
      changed = true;
    }
  }
  return changed;
}

// Keeps of the old lines what is newer than the answer: the history is written some seconds late.
export function carryOver(list, old) {
  for (const line of list) {
    const before = old.find((o) => o.name === line.name);
    if (!before || line.min || before.min || line.t.length === 0) continue;
    for (let i = lowerBound(before.t, line.t.at(-1) + 1); i < before.t.length; i++) {
      line.t.push(before.t[i]);
      line.mean.push(before.mean[i]);
    }
  }
  return list;
}
