// The browser asks before a page with unanswered messages is left.

export default core => {
  const { settings, components } = core;
  settings.warnUnsent ??= true;
  addEventListener('beforeunload', e => {
    if (!settings.warnUnsent) return;
    core.flush?.(document);
    for (const component of components.values()) if (component.loading) e.preventDefault();
  });
};
