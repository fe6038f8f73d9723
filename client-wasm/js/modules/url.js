// Fields that are bound to parameters of the URL: writes the changes of their components into the
// history, and lets the components follow it.

/** @typedef {import('../page/component.js').Component} Component */

/**
 * A component that follows the URL.
 *
 * @typedef {object} Follower
 * @property {Component} component
 * @property {Record<string, [isReplaced: number, debounceMs: number]>} bound The parameters that
 *   its fields are bound to.
 * @property {number} hasHook Whether it follows all other parameters too.
 * @property {string} shown The query of its fields, or the one that it has been sent, which begins
 *   with `?`.
 * @property {string} search The query that it followed last.
 * @property {boolean} [isDue] Whether a change of its fields is not in the URL yet.
 * @property {any} [timer] Until it writes its fields into the URL.
 * @property {() => void} [endFollowing] To call when it has followed what it has been sent.
 */

/** Returns the parts of a query. @param {string} query */
const partsOf = query => query.replace(/^\?/, '').split('&').filter(Boolean);

/** Returns the name of the parameter in a part of a query. @param {string} part */
const nameOf = part => new URLSearchParams(part).keys().next().value ?? '';

/** Returns the values of a parameter, to compare. @param {string} query @param {string} name */
const valuesOf = (query, name) => JSON.stringify(new URLSearchParams(query).getAll(name));

/**
 * Returns a query with a parameter as another query has it. The others keep their text.
 *
 * @param {string} search
 * @param {string} query
 * @param {string} name
 */
const withParam = (search, query, name) => {
  const isOf = (/** @type {string} */ part) => nameOf(part) == name;
  const old = partsOf(search), at = old.findIndex(isOf), kept = old.filter(part => !isOf(part));
  kept.splice(at < 0 ? kept.length : at, 0, ...partsOf(query).filter(isOf));
  return kept.join('&');
};

/** @type {Module} */
export default core => {
  /** @type {Map<Component, Follower>} */
  const followers = new Map();
  core.loadModule('entries');

  /** @param {Component} component @returns {string} */
  const readQuery = component => JSON.parse(core.fieldJson(component.slot, '?')) ?? '';

  /** Returns the followers that are mounted. */
  const mounted = () => {
    for (const [component, { timer }] of followers) if (core.components.get(component.slot) != component) {
      clearTimeout(timer);
      followers.delete(component);
    }
    return [...followers.values()];
  };

  /**
   * Returns the parameters that the URL does not have as the component.
   *
   * @param {Follower} follower
   */
  const changedParams = ({ bound, shown }) =>
    Object.keys(bound).filter(name => valuesOf(shown, name) != valuesOf(location.search, name));

  /**
   * Sends the query to a component, if it follows another one. Returns a promise of the answer.
   *
   * @param {Follower} follower
   */
  const send = follower => {
    const { component: { slot }, hasHook, search } = follower;
    clearTimeout(follower.timer);
    follower.isDue = false;
    if (!changedParams(follower).length && !(hasHook && search != location.search)) return;
    follower.search = location.search;
    core.sendEdit(slot, '?', JSON.stringify(location.search || '?'));
    core.sendCommit(slot, '?');
    follower.endFollowing?.();
    return new Promise(resolve => { follower.endFollowing = () => resolve(undefined); });
  };

  /**
   * Writes what a component has changed into the URL.
   *
   * @param {Follower} follower
   * @param {boolean} [isAnswer] Whether it answers what it has been sent: a value that does not fit
   *   is not kept.
   */
  const write = (follower, isAnswer) => {
    const changed = changedParams(follower), entries = core.historyEntries;
    clearTimeout(follower.timer);
    // The tab may be on the way to another page.
    if (!entries?.isHere()) return;
    follower.isDue = false;
    if (!changed.length) return;
    const url = new URL(location.href);
    for (const name of changed) url.search = withParam(url.search, follower.shown, name);
    if (isAnswer || changed.every(name => follower.bound[name][0])) entries.replaceEntry(url);
    else entries.addEntry(url);
    follower.search = url.search;
    for (const other of mounted()) if (other != follower && other.hasHook) send(other);
  };

  core.stateChanged = component => {
    const follower = followers.get(component);
    if (!follower) return;
    const before = follower.shown, shown = readQuery(component);
    if (shown == before) return;
    follower.shown = shown;
    // What it has been sent, and has not followed yet.
    if (shown[0] == '?') return;
    clearTimeout(follower.timer);
    const isAnswer = before[0] == '?';
    if (isAnswer) follower.endFollowing?.();
    const ms = isAnswer ? 0 : Math.max(0, ...changedParams(follower).map(name => follower.bound[name][1]));
    follower.isDue = true;
    if (ms) follower.timer = setTimeout(() => { if (mounted().includes(follower)) write(follower); }, ms);
    else write(follower, isAnswer);
  };

  core.componentMounted = component => {
    let follower = followers.get(component);
    if (!follower) {
      const described = core.blocks[component.element?.$block]?.urlParams;
      if (!described) return;
      const [hasHook, params] = described;
      /** @type {Follower['bound']} */
      const bound = { __proto__: /** @type {any} */ (null) };
      for (const [name, ...how] of params) {
        const other = mounted().find(({ bound }) => name in bound)?.component;
        if (other) reportError(new Error(`live: the parameter "${name}" is bound by two components, ${other.id} and ${component.id}`));
        else bound[name] = how;
      }
      const { seal } = component.mountOrigin, search = seal ? location.search : '';
      followers.set(component, follower = { component, bound, hasHook, search, shown: readQuery(component) });
      // The server rendered it from this URL.
      if (seal) return;
    }
    follower.shown = readQuery(component);
    send(follower);
  };

  core.writeUrl = () => {
    for (const follower of mounted()) if (follower.isDue) write(follower);
  };

  core.followUrl = (url, before) => {
    const all = mounted();
    if (url.origin + url.pathname != before.origin + before.pathname) return;
    const isFollowed = (/** @type {string} */ name) => valuesOf(before.search, name) == valuesOf(url.search, name) ||
      all.some(({ bound, hasHook }) => hasHook || name in bound);
    if ([...partsOf(before.search), ...partsOf(url.search)].map(nameOf).every(isFollowed)) return Promise.all(all.map(send));
  };

  for (const component of core.components.values()) if (component.isReported) core.componentMounted(component);
};
