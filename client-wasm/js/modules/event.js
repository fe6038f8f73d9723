// `$event`: what expressions read of an event.

/** @type {Module} */
export default core => {
  core.describeEvent = event => {
    const { type, key, code, button, clientX, clientY, ctrlKey, shiftKey, altKey, metaKey } = event;
    let detail = null;
    try { detail = JSON.parse(JSON.stringify(event.detail ?? null)); } catch {}
    return { type, key, code, button, clientX, clientY, ctrlKey, shiftKey, altKey, metaKey, detail };
  };
};
