// `$event`: what expressions read of an event.

export default core => {
  core.event = e => {
    const { type, key, code, button, clientX, clientY, ctrlKey, shiftKey, altKey, metaKey } = e;
    let detail = null;
    try { detail = JSON.parse(JSON.stringify(e.detail ?? null)); } catch {}
    return { type, key, code, button, clientX, clientY, ctrlKey, shiftKey, altKey, metaKey, detail };
  };
};
