// The entry of the client: connects its parts, loads modules and the engine, and exports the public
// interface.

import { COMMAND_COMMIT, COMMAND_EDIT, COMMAND_EVENT, COMMAND_QUEUE, COMMAND_REBUILD, COMMAND_STATE } from './codes.js';
import { core } from './core.js';
import { setClasses, setShown, writeAttribute } from './dom/attributes.js';
import { toText } from './dom/hole.js';
import { blocks, holeNodes, nodes } from './dom/nodes.js';
import { eachListener, listenTo, runListener } from './events.js';
import { runCommand } from './glue.js';
import { loadModule } from './modules.js';
import { enqueue, isReady, query, queueCommand } from './page/commands.js';
import { components } from './page/components.js';
import { connectionInfo, socketUrl } from './page/connection.js';
import { LiveComponentElement, removeSeal } from './page/element.js';
import { loadEngine, restartEngine } from './page/engine.js';
import { hooks, live } from './page/live.js';
import { childPayload } from './page/mount.js';
import { runOperation } from './page/operations.js';
import { reloadPage } from './page/reload.js';
import { guard } from './page/reports.js';
import { settings } from './page/settings.js';
import { fetchTemplate } from './page/templates.js';

export default live;
export const { component, configure, hook, mount, reconnect } = live;

Object.assign(core, /** @type {Partial<Core>} */ ({
  settings, components, connectionInfo, hooks, guard, socketUrl, reloadPage, isReady, runCommand, queueCommand,
  nodes, holeNodes, blocks, toText, writeAttribute, setClasses, setShown, eachListener, runListener, listenTo,
  removeSeal, childPayload, loadModule, runOperation, restartEngine,
  rebuildView: slot => queueCommand(COMMAND_REBUILD, slot),
  sendEvent: (root, address, json, reads) => enqueue(() => {
    core.isFiring = true;
    if (runCommand(COMMAND_EVENT, root.$view, root.$root, address, '', json)) core.formControls?.actionSent(root, reads);
    core.isFiring = false;
  }),
  sendEdit: (slot, property, json) => queueCommand(COMMAND_EDIT, slot, 0, 0, property, json),
  sendCommit: (slot, property) => queueCommand(COMMAND_COMMIT, slot, 0, 0, property),
  unansweredMessages: () => query(COMMAND_QUEUE),
  fieldJson: (slot, name) => query(COMMAND_STATE, slot, name),
}));

if (!document.documentElement.moveBefore) loadModule('move');
// Requested early: the template names it only later.
if (document.querySelector('live-component :is(input,textarea,select)')) loadModule('controls');
if (document.querySelector('[live\\:navigate]')) loadModule('navigate');

// Requested while the engine loads: the components are mounted only then.
for (const element of document.querySelectorAll('live-component[template]')) fetchTemplate(/** @type {string} */ (element.getAttribute('template')));

const start = await loadEngine();
if (start) {
  customElements.define('live-component', LiveComponentElement);
  start();
  // Each attribute of the script's tag names a module. None is needed before the first message.
  for (const { attributes } of document.scripts) {
    for (const { name } of attributes) if (name.startsWith('live-')) loadModule(name.slice('live-'.length));
  }
  try {
    if (sessionStorage['live-typed ' + location.pathname]) loadModule('keep-typed');
  } catch {}
}
