// Where the core and its optional modules meet.

/**
 * The part of the core that modules use; client.js fills it. A module's default export takes it, sets the functions below
 * that are the module's, and returns true where views that were made without it have to be made anew. The core calls these
 * functions only where they are there.
 *
 * A node is an element of a component's view, `at` the position of a hole in its block, `kind` what the engine says of a
 * value (`shown` in src/render/value.rs).
 *
 * | module | sets | |
 * | --- | --- | --- |
 * | autofocus | `autofocus(root)` | A root was made; it is not in the page yet. |
 * | build | `greeted()` | The server has named its `build`. |
 * | children | `child.show(node, name, child)` | A child's place and props, as JSON. |
 * | | `child.key(node, key)` | Its key; before `show`. |
 * | | `child.shared(node, props)` | Its props that depend on shared state, as JSON; before `show`. |
 * | controls | `controls.model(node, control, field, force, kind, value)` | The value of a control's field. |
 * | | `controls.key(node, at, key)` | A key in the path of its property, or the key of a row (`row`), as JSON. |
 * | | `controls.property(node, name, kind, value)` | A property that the visitor changes too. |
 * | | `controls.options(node)` | What the control can hold is another. |
 * | | `controls.refuse(slot, kind, field, value)` | The server refused an edit of a field. |
 * | | `controls.answered(root, ok)` | No action of the root with this number is unanswered. |
 * | | `controls.show()` | All operations of a turn have run. |
 * | | `controls.edited(unfit)` | The same, later; `unfit(node)` says whether the view of a node is made anew. |
 * | | `controls.fields(form, submitter)` | Returns what a form would send. |
 * | | `controls.read(node, wants, form)` | Returns which edits an event reads. |
 * | | `controls.sent(root, reads)` | An event that read this made an action of a root. |
 * | | `controls.send(node)` | Sends the edit of a control that has not gone out. For `keep-queue`. |
 * | | `controls.states`, `edits`, `edit(node, moment)`, `isBound(node)`, `path(node)` | For `drafts`. |
 * | disabled | `press(node, value)` | Returns whether a value of `disabled` waits until the node is let go. |
 * | | `pressed` | These values, by node. For `wire`. |
 * | drafts | `drafts(element, template)` | The view of a component is about to be made anew. Returns what runs after that. |
 * | editable | `editable(host)` | Gives an element the properties of a text area. For `controls` and `drafts`. |
 * | event | `event(e)` | Returns what `$event` is. |
 * | html | `html(node, html)` | Sets the content of an element. |
 * | keep-queue | `leaving()` | The page is left for good. Returns true where the session must not end. |
 * | keep-typed | `keep()` | The client is about to load the page anew. |
 * | marks | `marks.wait(root)` | A root has marks. |
 * | | `marks.begin()` | The roots are in the page. |
 * | move | `move(parent, node, before)` | Moves a node within its parent. |
 * | pauses | `pause(node, hole, ms, fire)` | Calls `fire` after a pause, in which it was not asked for again. |
 * | | `throttle(node, listener, fire)` | Calls `fire` at most so often. |
 * | | `cancel(node, hole)` | Ends a pause; returns what it would have called. |
 * | | `flush(within)` | Ends all pauses within an element, and calls what they would have called. |
 * | | `drop(within)` | Ends them, and returns what they would have called. |
 * | styles | `style(node, at, property, value)` | Sets a property of a style. |
 * | targets | `watch(root)` | A root listens to events of the window or outside of its elements. |
 * | | `outside(e, path, found)` | Adds to `found` what listens for an event outside of it. |
 * | urls | `safe(value, kind)` | Returns whether a value has no URL that runs a script. |
 * | | `link(node, name, value)` | Sets an attribute with a namespace; returns whether it is one. |
 * | wire | `wire(node, at, effect, on, argument)` | Shows the state of the wire. |
 */
export const core = {};
