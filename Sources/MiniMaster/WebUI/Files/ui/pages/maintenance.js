// Machines that are being taken out of service, and when.
import { h } from '../dom.js';
import { duration, time } from '../format.js';
import { sources, use } from '../model.js';
import { agentLink, badge, waiting } from './parts.js';
import { agentCondition } from './agents.js';

export class MaintenancePage {
  title = 'Maintenance';
  #stopUsing = use('maintenance', 'schedule');

  stop() {
    this.#stopUsing();
  }

  view() {
    const summary = sources.summary.data;
    const moving = (summary?.slaves ?? []).filter((agent) => agent.drain_info || agent.deactivated);
    const status = sources.maintenance.data;
    return [
      h('h1', {}, 'Maintenance'),
      h('section', { class: 'card' }, h('h2', {}, 'Planned'), waiting(sources.schedule) ?? schedule(sources.schedule.data)),
      h('section', { class: 'card' }, h('h2', {}, 'Machines'), waiting(sources.maintenance) ?? machines(status)),
      h('section', { class: 'card' }, h('h2', {}, 'Agents that are drained or deactivated'),
        moving.length === 0 ? h('p', { class: 'quiet' }, 'None.')
          : h('ul', { class: 'members' }, moving.map((agent) => h('li', { key: agent.id }, agentLink(agent.id), ' ', badge(...agentCondition(agent)),
            agent.estimated_drain_start_time_seconds
              ? h('span', { class: 'quiet' }, ` since ${time(agent.estimated_drain_start_time_seconds)}`) : null)))),
    ];
  }
}

function name(machine) {
  return [machine.hostname, machine.ip].filter(Boolean).join(' · ');
}

function schedule(windows) {
  if (windows.length === 0) return h('p', { class: 'quiet' }, 'Nothing is planned.');
  return h('table', { class: 'plain' },
    h('thead', {}, h('tr', {}, ['Machines', 'From', 'For', ''].map((title) => h('th', { scope: 'col' }, title)))),
    h('tbody', {}, windows.map((window, index) => {
      const start = Number(window.unavailability.start.nanoseconds) / 1e9;
      const length = window.unavailability.duration ? Number(window.unavailability.duration.nanoseconds) / 1e9 : null;
      const now = Date.now() / 1000;
      const standing = now < start ? [`in ${duration(start - now)}`, 'idle'] : length !== null && now > start + length ? ['over', 'idle'] : ['now', 'warn'];
      return h('tr', { key: `${index}` }, h('td', {}, window.machine_ids.map(name).join(', ')), h('td', {}, time(start)),
        h('td', {}, length === null ? 'an unknown time' : duration(length)), h('td', {}, badge(...standing)));
    })));
}

function machines(status) {
  const draining = (status.draining_machines ?? []).map((machine) => [name(machine.id), 'draining', 'warn']);
  const down = (status.down_machines ?? []).map((machine) => [name(machine), 'down', 'bad']);
  const all = [...draining, ...down];
  if (all.length === 0) return h('p', { class: 'quiet' }, 'All are in service.');
  return h('ul', { class: 'members' }, all.map(([title, word, kind]) => h('li', { key: title }, title, ' ', badge(word, kind))));
}
