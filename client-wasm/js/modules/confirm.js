// `live:confirm`: asks the visitor before an event runs.

const QUESTION = 'live:confirm';

/** @type {Module} */
export default core => {
  /** Elements whose question is open. @type {Set<Element>} */
  const asking = new Set();

  core.askFirst = async (event, element, listener, run) => {
    const { submitter, detail } = event, asker = submitter?.hasAttribute(QUESTION) ? submitter : element;
    const question = asker.getAttribute(QUESTION);
    if (!question) return run();
    // The event has not run.
    const refuse = () => { element.$onceDone?.delete(listener); };
    // Another click while the question is open, or the second one of a double click.
    if (asking.has(asker) || detail > 1) return refuse();
    asking.add(asker);
    const controller = new AbortController(), { signal } = controller;
    // An answer counts for what was asked.
    const isCurrent = () => element.isConnected && asker.isConnected && asker.getAttribute(QUESTION) == question;
    const observer = new MutationObserver(() => { if (!isCurrent()) controller.abort(); });
    observer.observe(document, { childList: true, subtree: true, attributeFilter: [QUESTION] });
    let isAccepted;
    try {
      const { confirm: ask } = core.settings;
      isAccepted = await (ask ? ask(question, { element: asker, signal }) : confirm(question));
    } catch (error) {
      if (!signal.aborted) reportError(error);
    }
    observer.disconnect();
    asking.delete(asker);
    if (isAccepted === true && isCurrent()) run();
    else refuse();
  };
};
