// The browser asks before a page with unanswered messages is left.

export default ({ settings, components, flush }) => {
  settings.warnUnsent ??= true;
  addEventListener('beforeunload', e => {
    if (!settings.warnUnsent) return;
    flush(document);
    for (const component of components.values()) if (component.loading) e.preventDefault();
  });
};
