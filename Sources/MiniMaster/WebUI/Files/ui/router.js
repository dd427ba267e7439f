// Addresses within the page, behind the `#`: `#/tasks?q=web&sort=-cpus`. A reload or a bookmark leads to the same view.

/** The path's components and the query. */
export function currentRoute() {
  const text = location.hash.replace(/^#\/?/, '');
  const [path, query = ''] = text.split('?', 2);
  return {
    path: path.split('/').filter(Boolean).map(decode), query: Object.fromEntries(new URLSearchParams(query)),
  };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A link to a view. Empty members of the query are left out. */
export function linkTo(path, query = {}) {
  const shown = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const text = new URLSearchParams(shown).toString();
  return `#/${path.map(encodeURIComponent).join('/')}${text ? `?${text}` : ''}`;
}

/** Changes the query of the current address without a step in the history. */
export function setQuery(change) {
  const { path, query } = currentRoute();
  history.replaceState(null, '', linkTo(path, { ...query, ...change }));
  dispatchEvent(new Event('routechange'));
}

export const links = {
  agent: (id) => linkTo(['agents', id]),
  framework: (id) => linkTo(['frameworks', id]),
  role: (name) => linkTo(['roles', name]),
  task: (row) => linkTo(['tasks', row.framework, row.id], { agent: row.agent }),
};
