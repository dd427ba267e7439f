// Numbers, sizes, times and states as people read them.

/** With two places at most, and thousands apart: `12,345.67`. */
export function number(value) {
  // Making the language's own formatter takes longer than all the numbers of a page.
  const [whole, part] = String(Number((value ?? 0).toFixed(2))).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return part ? `${grouped}.${part}` : grouped;
}

/** A count with its noun: `1 task`, `2 tasks`. */
export function count(value, noun, plural = noun + 's') {
  return `${number(value)} ${value === 1 ? noun : plural}`;
}

/** Mebibytes, as resources count memory and disk. */
export function mebibytes(value) {
  return value ? bytes(value * 1024 * 1024) : '0';
}

export function bytes(value) {
  const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
  let size = value ?? 0;
  let unit = 0;
  while (Math.abs(size) >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return `${Number(size.toFixed(digits))} ${units[unit]}`;
}

export function percent(share) {
  if (!Number.isFinite(share)) return '–';
  const value = share * 100;
  return `${value > 0 && value < 10 ? Number(value.toFixed(1)) : Math.round(value)} %`;
}

/** The resources that the cluster's table shows, in its order. */
export const resourceKinds = [
  { id: 'cpus', title: 'CPUs', text: number },
  { id: 'gpus', title: 'GPUs', text: number },
  { id: 'mem', title: 'Mem', text: mebibytes },
  { id: 'disk', title: 'Disk', text: mebibytes },
];

/** `2 CPUs, 512 MB memory`: what there is of a resources object. */
export function resources(amounts) {
  if (!amounts) return 'nothing';
  const parts = [];
  for (const [name, amount] of Object.entries(amounts)) {
    if (typeof amount === 'number') {
      if (amount === 0) continue;
      if (name === 'cpus') parts.unshift(`${number(amount)} CPU${amount === 1 ? '' : 's'}`);
      else if (name === 'gpus') parts.push(`${number(amount)} GPU${amount === 1 ? '' : 's'}`);
      else if (name === 'mem') parts.push(`${mebibytes(amount)} memory`);
      else if (name === 'disk') parts.push(`${mebibytes(amount)} disk`);
      else parts.push(`${name} ${number(amount)}`);
    } else if (amount) {
      parts.push(`${name} ${amount}`);
    }
  }
  return parts.join(', ') || 'nothing';
}

/** Seconds as `42 s`, `3 min 20 s`, `5 h 12 min`, `3 d 4 h`. */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 600) return `${Math.floor(whole / 60)} min${whole % 60 ? ` ${whole % 60} s` : ''}`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h${minutesOf(whole)}`;
  return `${Math.floor(whole / 86400)} d${Math.floor((whole % 86400) / 3600) ? ` ${Math.floor((whole % 86400) / 3600)} h` : ''}`;
}

function minutesOf(seconds) {
  const minutes = Math.floor((seconds % 3600) / 60);
  return minutes ? ` ${minutes} min` : '';
}

/** The same in its largest unit only, for lists. */
export function roughly(seconds) {
  for (const [size, unit] of [[86_400, 'd'], [3_600, 'h'], [60, 'min']]) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  }
  return `${Math.max(0, Math.round(seconds))} s`;
}

export function ago(timestamp) {
  if (!timestamp) return '–';
  const seconds = Date.now() / 1000 - timestamp;
  return seconds < 1.5 ? 'just now' : `${duration(seconds)} ago`;
}

/** `2026-11-26 05:32:15` in the reader's time zone. */
export function time(timestamp) {
  if (!timestamp) return '–';
  const date = new Date(timestamp * 1000);
  const two = (value) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} `
    + `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** The end of an id, which is the part that differs. */
export function shortID(id) {
  if (!id) return '–';
  return id.length <= 16 ? id : `…${id.slice(-12)}`;
}

/** `TASK_RUNNING` as `running`. */
export function stateName(state) {
  return (state ?? '').replace(/^TASK_/, '').toLowerCase().replaceAll('_', ' ');
}
