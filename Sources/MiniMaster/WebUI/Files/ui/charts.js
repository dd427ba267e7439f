// Bars and lines, drawn by hand: what is used of what there is, shares of roles, figures over time.
import { h } from './dom.js';
import { percent, roughly } from './format.js';

/** A bar of allocated, offered and idle. */
export function usageBar(total, allocated, offered, title) {
  const share = (value) => (total > 0 ? Math.min(1, Math.max(0, value / total)) : 0);
  const used = share(allocated);
  const held = Math.min(1 - used, share(offered));
  return h('span', { class: 'bar', role: 'img', 'aria-label': title, title },
    h('span', { class: 'allocated', style: { width: `${used * 100}%` } }),
    h('span', { class: 'offered', style: { width: `${held * 100}%` } }));
}

/**
 * Roles with what they hold of the cluster and what their weight entitles them to.
 * @param rows `{name, link, actual, ideal, guarantee, limit}`, the shares between 0 and 1 or nothing.
 */
export function shareChart(rows) {
  const most = Math.max(0.0001, ...rows.map((row) => Math.max(row.actual, row.ideal ?? 0)));
  // A full scale for a nearly full cluster; otherwise the longest bar takes most of the room.
  const scale = most > 0.5 ? 1 : most * 1.15;
  return h('div', { class: 'shares', role: 'list' }, rows.map((row) => {
    const over = row.ideal !== null && row.actual > row.ideal * 1.02 + 0.0001;
    const words = `${row.name}: holds ${percent(row.actual)}${
      row.ideal === null ? '' : `, ${percent(row.ideal)} by its weight`}`;
    return h('div', { class: 'share', role: 'listitem', key: row.name },
      h('a', { href: row.link, class: 'shareName', title: row.name, style: { 'padding-left': `${row.depth ?? 0}em` } }, row.name),
      h('svg', { class: 'shareBar', viewBox: '0 0 1000 24', preserveAspectRatio: 'none', role: 'img', 'aria-label': words },
        h('title', {}, words),
        h('rect', { class: 'track', x: 0, y: 3, width: 1000, height: 18, rx: 3 }),
        h('rect', {
          class: over ? 'actual over' : 'actual', x: 0, y: 3, width: Math.min(1000, row.actual / scale * 1000), height: 18,
        }),
        row.ideal === null ? null
          : h('rect', { class: 'ideal', x: Math.min(996, row.ideal / scale * 1000 - 2), y: 0, width: 4, height: 24 })),
      h('span', { class: 'shareText' }, percent(row.actual),
        row.ideal === null ? null : h('span', { class: 'quiet' }, ` of ${percent(row.ideal)}`)));
  }));
}

/**
 * A line over time, with the most that is allowed.
 * @param points `[seconds, value]`, oldest first.
 */
export function timeChart({ title, points, limit, text }) {
  const width = 600;
  const height = 120;
  const values = points.map((point) => point[1]);
  const latest = values[values.length - 1];
  const most = Math.max(...values, 0);
  // A limit far above all that is used would make a flat line of it.
  const top = Math.max(limit && limit < (most * 10 || Infinity) ? limit : 0, most) * 1.1 || 1;
  const end = points.length ? points[points.length - 1][0] : 0;
  const seconds = Math.max(60, points.length ? end - points[0][0] : 0);
  const x = (at) => width - (end - at) / seconds * width;
  const y = (value) => height - 4 - value / top * (height - 8);
  const line = points.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
  const words = latest === undefined ? `${title}: no figures yet`
    : `${title}: ${text(latest)}${limit ? ` of ${text(limit)}` : ''}, at most ${text(most)}`;
  return h('figure', { class: 'chart' },
    h('figcaption', {}, h('span', {}, title), h('strong', {}, latest === undefined ? '–' : text(latest)),
      limit ? h('span', { class: 'quiet' }, ` of ${text(limit)}`) : null),
    h('svg', { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': words },
      h('title', {}, words),
      limit && limit <= top ? h('line', { class: 'limit', x1: 0, x2: width, y1: y(limit), y2: y(limit) }) : null,
      points.length > 1
        ? h('path', { class: 'area', d: `M${x(points[0][0]).toFixed(1)},${height} L${line} L${x(end).toFixed(1)},${height} Z` })
        : null,
      h('polyline', { class: 'line', points: line })),
    h('div', { class: 'axis quiet' }, h('span', {}, `${roughly(seconds)} ago`), h('span', {}, 'now')));
}

/** Where a stretch of time is divided: at full hours, days or weeks, in the reader's time zone. */
function timeMarks(from, to) {
  const seconds = to - from;
  const unit = [600, 14_400, 86_400, 432_000].find((each) => seconds / each <= 8) ?? 604_800;
  const offset = new Date(from * 1000).getTimezoneOffset() * 60;
  const marks = [];
  for (let at = Math.ceil((from - offset) / unit) * unit + offset; at < to; at += unit) {
    const date = new Date(at * 1000);
    const two = (value) => String(value).padStart(2, '0');
    marks.push([at, unit < 86_400 ? `${two(date.getHours())}:${two(date.getMinutes())}` : `${date.getMonth() + 1}-${two(date.getDate())}`]);
  }
  return marks;
}

/**
 * Round values below the top, at most four: the heights that a plot names.
 * @param base 1024 for what is counted in powers of it, otherwise 1.
 */
function levels(top, base, least) {
  const unit = base > 1 ? base ** Math.max(0, Math.floor(Math.log(top / 4) / Math.log(base))) : 1;
  const wanted = top / 4 / unit;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = Math.max(least, [1, 2, 5, 10].map((each) => each * power).find((each) => each >= wanted) * unit);
  return Array.from({ length: Math.min(4, Math.floor(top / step)) }, (_, index) => (index + 1) * step);
}

/**
 * Several lines over the same times, the first with its largest values as an area; where nothing was recorded they break.
 * @param lines `{name, link, values, most}`; a value for each of `times`. Those that are nothing all the time are left out.
 */
export function historyChart({ title, text, base = 1, least = 0, from, to, step, times, limit, lines: all }) {
  // A line's colour is its place in all of them, so that a role has the same one in every plot.
  const lines = all.map((line, index) => ({ ...line, colour: index })).filter((line, index) => index === 0 || line.values.some(Boolean));
  const width = 600;
  const height = 160;
  const most = Math.max(0, ...lines[0].values, ...(lines[0].most ?? []), ...lines.slice(1).flatMap((line) => line.values));
  const top = Math.max(limit && limit < (most * 10 || Infinity) ? limit : 0, most) * 1.1 || 1;
  const x = (at) => (at - from) / Math.max(1, to - from) * width;
  const y = (value) => height - 4 - value / top * (height - 8);
  // Stretches without a gap.
  const parts = [];
  times.forEach((at, index) => {
    if (index === 0 || at - times[index - 1] > step * 1.5) parts.push([]);
    parts.at(-1).push(index);
  });
  const point = (index, value, offset = step / 2) => `${x(times[index] + offset).toFixed(1)},${y(value).toFixed(1)}`;
  const path = (values) => parts.map((part) => (part.length === 1
    ? `M${point(part[0], values[part[0]], 0)} L${point(part[0], values[part[0]], step)}`
    : `M${part.map((index) => point(index, values[index])).join(' L')}`)).join(' ');
  const area = (values) => parts.map((part) => `M${x(times[part[0]]).toFixed(1)},${height} L${point(part[0], values[part[0]], 0)} `
    + `L${part.map((index) => point(index, values[index])).join(' L')} L${point(part.at(-1), values[part.at(-1)], step)} `
    + `L${x(times[part.at(-1)] + step).toFixed(1)},${height} Z`).join(' ');
  const latest = lines[0].values.at(-1);
  const words = `${title}: ${lines.map((line) => `${line.name} ${text(line.values.at(-1))}`).join(', ')}; at most ${text(most)}`;
  const marks = timeMarks(from, to);
  const heights = levels(top, base, least);
  return h('figure', { class: 'chart' },
    h('figcaption', {}, h('span', {}, title), h('strong', {}, text(latest)),
      limit ? h('span', { class: 'quiet' }, ` of ${text(limit)}`) : null,
      h('span', { class: 'quiet' }, ` at most ${text(Math.max(...(lines[0].most ?? lines[0].values)))}`)),
    h('div', { class: 'plot' }, h('svg', { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': words },
      h('title', {}, words),
      heights.map((value) => h('line', { class: 'mark', x1: 0, x2: width, y1: y(value), y2: y(value) })),
      marks.map(([at]) => h('line', { class: 'mark', x1: x(at), x2: x(at), y1: 0, y2: height })),
      limit && limit <= top ? h('line', { class: 'limit', x1: 0, x2: width, y1: y(limit), y2: y(limit) }) : null,
      h('path', { class: 'area', d: area(lines[0].most ?? lines[0].values) }),
      lines.toReversed().map((line) => h('path', { class: `line line${line.colour}`, d: path(line.values), key: line.name }))),
    heights.map((value) => h('span', { class: 'height quiet', 'aria-hidden': 'true', style: { top: `${y(value) / height * 100}%` } }, text(value)))),
    h('div', { class: 'axis quiet' }, marks.map(([at, name]) => h('span', { class: x(at) < width / 20 ? 'first' : x(at) > width * 0.94 ? 'last' : null, style: { left: `${x(at) / width * 100}%` } }, name))),
    lines.length > 1 ? h('ul', { class: 'legend' }, lines.map((line) => h('li', { key: line.name },
      h('span', { class: `swatch line${line.colour}`, 'aria-hidden': 'true' }),
      line.link ? h('a', { href: line.link }, line.name) : line.name,
      h('span', { class: 'quiet' }, ` ${text(line.values.at(-1))}`)))) : null);
}
