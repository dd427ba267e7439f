// Builds and updates the page. A view is a plain description made by h(); patch() makes the page look like it and touches
// nothing that is right already, so that focus, selection and scroll positions survive each update.
//
// Whatever is shown becomes a text node or an attribute, never markup: names chosen by strangers stay names.

const svgNamespace = 'http://www.w3.org/2000/svg';
const svgTags = new Set(['svg', 'g', 'path', 'rect', 'line', 'text', 'circle', 'polyline']);

/** Describes an element. Children may be strings, numbers, views, arrays of those, or nothing (null, false). */
export function h(tag, props, ...children) {
  return { tag, props: props ?? {}, key: props?.key, children: children.flat(Infinity).filter(isShown) };
}

/**
 * Describes an element whose inside is kept by an object of its own.
 * @param type A class: constructed with (element, props); update(props) and destroy() are called later.
 */
export function widget(type, props, tag = 'div', attributes = {}) {
  return { tag, props: attributes, key: props.key, children: [], widget: type, state: props };
}

function isShown(child) {
  return child !== null && child !== undefined && child !== false && child !== true;
}

/** Makes the children of `parent` look like `views`. */
export function patch(parent, views) {
  const list = (Array.isArray(views) ? views.flat(Infinity) : [views]).filter(isShown);
  const wanted = new Set();
  for (const view of list) if (view.key !== undefined) wanted.add(view.key);
  const keyed = new Map();
  for (const node of parent.childNodes) if (node.viewKey !== undefined) keyed.set(node.viewKey, node);

  let cursor = parent.firstChild;
  for (const view of list) {
    // What is to go goes first: the nodes behind it then need not be moved, which would cost them the focus.
    while (cursor && cursor.viewKey !== undefined && !wanted.has(cursor.viewKey)) cursor = remove(cursor);
    if (typeof view !== 'object') {
      const text = String(view);
      if (cursor && cursor.nodeType === Node.TEXT_NODE) {
        if (cursor.nodeValue !== text) cursor.nodeValue = text;
        cursor = cursor.nextSibling;
      } else {
        parent.insertBefore(document.createTextNode(text), cursor);
      }
      continue;
    }
    let node = view.key !== undefined ? keyed.get(view.key) : cursor;
    if (!fits(node, view)) node = null;
    if (!node) {
      node = create(view, parent);
      parent.insertBefore(node, cursor);
    } else if (node === cursor) {
      cursor = cursor.nextSibling;
    } else {
      parent.insertBefore(node, cursor);
    }
    update(node, view);
  }
  while (cursor) cursor = remove(cursor);
}

function fits(node, view) {
  return node && node.nodeType === Node.ELEMENT_NODE && node.viewTag === view.tag && node.viewKey === view.key
    && node.widget?.constructor === view.widget;
}

function create(view, parent) {
  const isSVG = svgTags.has(view.tag) || (parent.namespaceURI === svgNamespace && view.tag === 'title')
    || (parent.namespaceURI === svgNamespace && view.tag === 'a');
  const node = isSVG ? document.createElementNS(svgNamespace, view.tag) : document.createElement(view.tag);
  node.viewTag = view.tag;
  node.viewKey = view.key;
  return node;
}

function update(node, view) {
  const old = node.viewProps ?? {};
  for (const name in old) if (!(name in view.props)) setProperty(node, name, null);
  for (const name in view.props) {
    if (old[name] !== view.props[name] || name === 'value') setProperty(node, name, view.props[name]);
  }
  node.viewProps = view.props;
  if (!view.widget) return patch(node, view.children);
  if (node.widget) node.widget.update(view.state);
  else node.widget = new view.widget(node, view.state);
}

function setProperty(node, name, value) {
  if (name === 'key') return;
  if (name.startsWith('on')) return listen(node, name.slice(2), value);
  if (name === 'style') {
    // Through the object model: the page's policy forbids style attributes.
    for (const [property, text] of Object.entries(value ?? {})) node.style.setProperty(property, text);
    return;
  }
  if (name === 'value' || name === 'checked') {
    if (node[name] !== value) node[name] = value ?? '';
    return;
  }
  if ((name === 'href' || name === 'src') && value !== null && !isSafeLink(value)) value = null;
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? '' : String(value));
}

/** Links lead within the page, to this master, or to the web; never to a script. */
export function isSafeLink(link) {
  if (link.startsWith('#') || /^\/(?!\/)/.test(link)) return true;
  try {
    return ['http:', 'https:'].includes(new URL(link).protocol);
  } catch {
    return false;
  }
}

function listen(node, event, action) {
  node.actions ??= {};
  if (!(event in node.actions)) node.addEventListener(event, (happened) => node.actions[event]?.(happened));
  node.actions[event] = action;
}

/** Takes a node out and lets the objects inside it finish. */
function remove(node) {
  const next = node.nextSibling;
  finish(node);
  node.remove();
  return next;
}

function finish(node) {
  node.widget?.destroy?.();
  for (const child of node.childNodes) finish(child);
}
