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
