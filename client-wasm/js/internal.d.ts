// Internal types of the client.
//
// The build gives the members of the interfaces in this file short names, the same ones in all
// files. So no member may have the name of a member of the browser's interfaces or of the public
// ones in client.d.ts; the build checks that. A member that is read by its name as a string needs
// `/* @__KEY__ */` before the string.

type Component = import('./page/component.js').Component;

/** What the optional modules and the parts of the client call. `core.js` has the object. */
interface Core {
  // Set by client.js.

  settings: import('./client.js').LiveSettings;
  /** The mounted components by slot. */
  components: Map<number, Component>;
  connectionInfo: import('./client.js').LiveConnection;
  /** Hooks by name. */
  hooks: Map<string, import('./client.js').LiveHook>;
  /** Begins a hook that was registered after its elements were there. */
  hookAdded?(name: string): void;
  /** Calls code of the page; reports an exception. */
  guard(act: () => void): void;
  /** Returns the address of the socket. */
  socketUrl(): string;
  /** Reloads the page; see page/reload.js. */
  reloadPage(build?: string): void;
  /** Whether the engine takes commands. */
  isReady(): boolean;
  /** Runs a command now; see page/commands.js. */
  runCommand: typeof import('./glue.js').runCommand;
  /** Runs a command after the tasks that wait. */
  queueCommand(...command: Parameters<typeof import('./glue.js').runCommand>): void;
  /** Nodes by number; see dom/nodes.js. */
  nodes: any[];
  /** The nodes of each root's holes; see dom/nodes.js. */
  holeNodes: any[];
  /** The blocks of templates by number. */
  blocks: Block[];
  /** Returns a value as text; empty for lists and objects. */
  toText(kind: number, value: string): string;
  /** Sets or removes an attribute; see dom/attributes.js. */
  writeAttribute(node: Element, name: string, value: string | null): 1 | undefined;
  /** Sets the classes that a hole gives to its element; see dom/attributes.js. */
  setClasses(node: Element, hole: number, text: string, last: string[]): void;
  /** Shows or hides an element. */
  setShown(node: Element, isShown: unknown): void;
  /** Calls back for each listener of a root; see events.js. */
  eachListener(root: any, type: string, target: number, found: (listener: Listener, element: any) => void): void;
  /** Runs a listener, if the event is one that it takes; see events.js. */
  runListener(event: any, listener: Listener, root: any, element: any, target: any): boolean;
  /** Listens on the document to a type of event. */
  listenTo(type: string): void;
  /** Makes an element one that the server has not rendered. */
  removeSeal(element: Element): void;
  /** Returns the payload that mounts a child. */
  childPayload(parent: any, child: string, seal?: string): string;
  /** Loads a module; see modules.js. */
  loadModule(name: string): Promise<boolean | void> | undefined;
  /** Runs an operation that is not about nodes. */
  runOperation(op: number, word: () => number, text: () => string): void;
  /** Starts a new engine after a trap. */
  restartEngine(error: unknown): void;
  /**
   * Lets the engine rebuild a view: its nodes do not match the template, or a module has started.
   */
  rebuildView(slot: number): void;
  /**
   * Sends an event to the engine: the address of what it does, what its expressions read, and which
   * edits those are.
   */
  sendEvent(root: any, address: number, json: string, reads: any): void;
  /** Gives the engine the value of a control's property. */
  sendEdit(slot: number, property: string, json: string): void;
  /** Lets the engine send the edit of a property. */
  sendCommit(slot: number, property: string): void;
  /**
   * Returns, as JSON, the `HELLO` that resumes the session, then for each unanswered message
   * whether it was sent and its frame.
   */
  unansweredMessages(): string;
  /** Returns a field of a component's state as JSON; "null" if there is none. */
  fieldJson(slot: number, name: string): string;
  /** Whether an event is handled now. */
  isFiring: boolean;
  /** The build that the server has named. */
  serverBuild?: string;
  /** Whether actions were reported as lost, and no component was mounted since then. */
  hasLost?: boolean;
  /** Whether the client reloads the page: failures that the reload repairs are not reported. */
  isReloading?: boolean;

  // Set by optional modules. `node` is an element of a component's view, `at` the position of a
  // hole in its block.

  /** autofocus: a root was made, and is not in the page yet. */
  focusNew?(root: Element): void;
  /** build: the server has named its build. */
  buildNamed?(): void;
  /** children: the place and the props of a child, as JSON. */
  showChild?(node: any, name: string, child: string): void;
  /** children: the key of a child; before `showChild`. */
  setChildKey?(node: any, key: string): void;
  /** children: the props of a child that depend on shared state, as JSON; before `showChild`. */
  setSharedProps?(node: any, props: string): void;
  /** confirm: asks the visitor, and calls `run` if the answer is yes. */
  askFirst?(event: any, element: any, listener: Listener, run: () => void): void;
  /** controls: the form controls. */
  formControls?: Controls;
  /** disabled: returns whether a value of `disabled` waits until the element is released. */
  deferDisabled?(node: Element, value: string | null): boolean;
  /** disabled: the values that wait, for `wire`. */
  deferredDisabled?: Map<any, any>;
  /**
   * drafts: the view of a component is about to be rebuilt with a block. Returns a function to call
   * after that.
   */
  keepDrafts?(element: any, block: number): () => void;
  /** editable: gives an element the properties of a text area, for `controls` and `drafts`. */
  makeEditable?(host: any): void;
  /**
   * effects: does what a handler requests of the page: an id, then requests, each a list of its
   * name and its argument.
   */
  runEffects?(component: Component | undefined, effects: [id: string, ...requests: [string, string][]]): void;
  /** Whether a message waits for the next page, so that none is requested before. */
  hasFlash?: boolean;
  /** entries: the entries of the tab's history. */
  historyEntries?: HistoryEntries;
  /** event: returns what `$event` is. */
  describeEvent?(event: any): object;
  /** html: sets the content of an element. */
  writeHtml?(node: any, html: string): void;
  /** keep-queue: the page is left for good. Returns true where the session must not end. */
  storeQueue?(): boolean;
  /** keep-typed: the client is about to reload the page. */
  storeTyped?(): void;
  /** keep-typed: returns what was typed into the page. */
  collectTyped?(): object[];
  /** keep-typed: puts back what `collectTyped` has returned for a page, once it is live. */
  restoreTyped?(typed: object[]): Promise<void>;
  /** keep-typed: stores the values of the controls of a page that is shown now. */
  recordLoaded?(): void;
  /** marks: a root with marks was made. */
  awaitMarks?(root: any): void;
  /** marks: the roots are in the page. */
  beginMarks?(): void;
  /** Moves a node within its parent; the module `move` replaces it. */
  moveNode(parent: any, node: any, before: any): void;
  /** navigate: shows another page, unless the page's code stops that. */
  visitPage?(url: string, visit: PageVisit): Promise<void> | undefined;
  /**
   * navigate: the tab is at an entry with another page. Shows it, unless the page's code stops
   * that.
   */
  showEntry?(url: URL): void;
  /** navigate: the tab is at an entry of the shown page: ends the navigation that is under way. */
  endVisit?(): void;
  /** prefetch: returns the response that was requested for a link, once. */
  takePrefetched?(href: string): Promise<Response> | undefined;
  /** progress: a navigation begins. Returns a function to call at its end. */
  showProgress?(): () => void;
  /** progress: a page could not be requested. */
  showFailure?(url: URL): void;
  /** progress: another page is shown. */
  announcePage?(): void;
  /** pauses: calls `fire` after a delay, which each call for the same hole begins again. */
  delayCall?(node: any, hole: object, ms: number, fire: () => void): void;
  /** pauses: calls `fire` at once, or as soon as the listener's interval has passed. */
  throttleCall?(node: any, listener: Listener, fire: () => void): void;
  /** pauses: cancels a delayed call and returns it. */
  cancelCall?(node: any, hole: object): (() => void) | undefined;
  /**
   * pauses: makes all delayed calls within an element at once: it is left, or its form is
   * submitted.
   */
  flushCalls?(within: any): void;
  /** pauses: cancels all delayed calls within an element and returns them. */
  dropCalls?(within: any): (() => void)[];
  /** styles: sets a property of a style. */
  setStyle?(node: any, at: number, property: string, value: string): void;
  /**
   * targets, poll: a root with listeners for events of the window, outside of an element, or in
   * intervals was made.
   */
  watchRoot?(root: any): void;
  /** targets: adds to `found` the listeners for an event outside of their elements. */
  addOutside?(event: any, path: any[], found: FoundListener[]): void;
  /** url: a component was mounted, for the first time or again. */
  componentMounted?(component: import('./page/component.js').Component): void;
  /** url: the state of a component may have changed. */
  stateChanged?(component: import('./page/component.js').Component): void;
  /**
   * url: the page's URL was another one before. Returns a promise if only parameters differ that
   * components follow; it resolves once they have followed.
   */
  followUrl?(url: URL, before: URL): Promise<unknown> | undefined;
  /** url: writes what components have changed into the URL, without a delay. */
  writeUrl?(): void;
  /**
   * urls: returns the URL of an attribute, or null for one that must not be there. `kind` is the
   * kind of the attribute, `parts` the value of a route.
   */
  boundUrl?(url: string, kind: number, parts: string): string | null;
  /** urls: sets an attribute that has a namespace; returns whether it is one. */
  setLinkAttribute?(node: Element, name: string, value: string): boolean;
  /**
   * wire: shows a state of the wire; `effect` is one of `WIRE_…`. `delayMs` is 0 or missing without
   * a delay, or has one millisecond added.
   */
  showWireState?(node: any, at: number, effect: number, isOn: unknown, argument: string, delayMs?: number): void;
}

/** The form controls of the page: the module `controls`. */
interface Controls {
  /** Shows the value of a control's field. */
  setField(node: any, control: number, field: any, force: number, kind: number, value: string): void;
  /**
   * Stores a key in the path of a control's property, `{"id":KEY}`, or with `row` in the place of a
   * number the key of the row.
   */
  setPathKey(node: any, at: number | 'row', json: string): void;
  /** Shows a property that the visitor changes too. */
  setControlProperty(node: any, name: string, kind: number, value: string): void;
  /** What a control can hold has changed: its type, its limits, its options. */
  optionsChanged(node: Element): void;
  /** The server refused an edit: the text stays. */
  refuseEdit(view: number, kind: number, property: string, value: string): void;
  /** No action of the root with this number is unanswered. */
  actionAnswered(root: number, isOk: number): void;
  /** All operations of a turn have run: shows the controls that they changed. */
  showDue(): void;
  /**
   * Later in the same turn: takes what was typed before the engine was loaded, where the view of
   * the control is not misplaced.
   */
  takeTyped(isMisplaced: (node: Element) => boolean): void;
  /** Returns what a form would send, without files. */
  formFields(form: any, submitter: any): object;
  /** Returns which edits an event reads, as their counts by control. */
  readEdits(node: any, isValueRead: number, form: any): Map<any, number>;
  /** An event that read these edits called an action. */
  actionSent(root: any, reads: Map<any, number>): void;
  /** Sends the edit of a control that was not sent; for `keep-queue`. */
  commitEdit(node: Element): void;
  /** The rest is for `drafts`. */
  controlStates: WeakMap<any, ControlState>;
  /** The controls without a field that have an edit. */
  editedControls: Set<any>;
  handleEdit(node: any, moment: number): void;
  isBound(node: any): boolean;
  boundProperty(node: any): string | undefined;
}

/** The state of a control, or of the root of a row with controls. */
interface ControlState {
  /** How many edits there were. */
  editCount: number;
  /**
   * The first block of the engine that the state belongs to: after a trap another engine is
   * started.
   */
  firstBlock: Block;
  /** The kind of a control with a field. */
  controlKind?: number;
  /** Its field, or the path of its property, with numbers in place of the keys of rows. */
  boundField?: string | (string | number)[];
  /**
   * The keys in that path by their numbers, and of the root of a row its own key (`row`), as JSON.
   */
  pathKeys?: Record<string, string>;
  /** The value to show; of a select and of one of several checkboxes a JSON list. */
  wanted?: string | null;
  /** Whether it is to be checked; of a select, whether its options determine the selection. */
  isOn?: boolean;
  /** Not 0 if the server's value replaces a refused one. */
  isForced?: number;
  /** Whether something was typed before the engine was loaded that is no edit yet. */
  isEarly?: boolean;
  /**
   * How far its edit is, without a field: TYPED, PASSED or READ; 0 where the value of the state
   * counts.
   */
  editStage?: number;
  /** The number of the root whose action passed or read its edit and is unanswered. */
  actionRoot?: number;
  /** The same of the edit before this one. The changes of its answer are older than this edit. */
  olderRoot?: number;
  /** Whether the value of the state has changed since an action passed the edit. */
  hasMoved?: boolean;
  /** While it is clicked: the number of the root whose action that called, or 0. */
  clickedBy?: number;
  /** Whether an input event came since the last change event. */
  hasInput?: boolean;
  /** Whether the visitor has edited it. */
  isOwn?: boolean;
  /** Whether an input method composes text in it. */
  hasComposition?: boolean;
  /** Whether its value is refused. */
  isInvalid?: boolean;
  /** Whether its event called an action since its `muted` or `open` was set. */
  wasRead?: boolean;
  /** The text that it had after the last edit or update. */
  lastText?: string;
  /** Where the last edit ended. */
  caret?: number;
}

/** A block of a template. */
interface Block {
  /** The content of the skeleton. */
  skeletonContent: DocumentFragment;
  /** Its root element. */
  skeleton: Element;
  holes: Hole[];
  urlParams?: UrlParams;
  listeners: Listener[];
  /** Whether it listens to events of the window, outside of an element, or in intervals. */
  isWatching?: boolean;
  /** Whether it has a `live:ref` or `live:hook`. */
  isMarked?: boolean;
}

/** A block as it is in a template. */
type BlockSource =
  [html: string, namespace: number, holes: Hole[], modules?: string[], urlParams?: UrlParams];

/**
 * How a component follows the URL: whether it has the hook for all parameters, and the parameters
 * that its fields are bound to.
 */
type UrlParams = [hasHook: number, bound: [name: string, isReplaced: number, debounceMs: number][]];

/** What listens to an event. template/src/code.rs documents the values. */
interface Listener {
  /** The position of its hole in the block. */
  holeAt: number;
  eventType: string;
  /** Bits `EVENT_…`. */
  bits: number;
  heldKeys: number;
  debounceMs: number;
  throttleMs: number;
  keyNames: string[];
  /** The address of what it does. */
  eventAddress: number;
}

/** The members of a component that are not public. */
interface ComponentInternals {
  mountOrigin: import('./page/mount.js').Origin;
  /** What resolves and rejects `mounted`. */
  settleMounted: ((value: any) => void)[];
  /** Whether the page was notified that the component is mounted. */
  isReported: boolean;
  notifySubscribers(): void;
  emitEvent(name: string, data: unknown): void;
}

/** The number of an entry of the history: its position, and what no other entry has. */
type EntryNumber = [entryAt: number, entryId: number];

/** What is kept of an entry of the history. The typed text is that of the module `keep-typed`. */
type KeptEntry = { entryAt: number, scroll: number[], typed?: object[] };

/** The entries of the tab's history: the module `entries`. */
interface HistoryEntries {
  /** Whether the tab is at the entry that is shown, and not on the way to another one. */
  isHere(): boolean;
  /** Returns what is kept of the entry where the tab is. */
  entryHere(): KeptEntry | undefined;
  /** Keeps what is to restore of the shown entry, before another page is shown. */
  leaveEntry(): void;
  /** Makes the entry where the tab is the one that is shown. */
  enterEntry(): void;
  /** Adds an entry after the one where the tab is, and shows it. */
  addEntry(url: URL): void;
  /** Gives the entry where the tab is another URL, and shows it. */
  replaceEntry(url: URL): void;
  /** Goes back to the entry that is shown. */
  revertEntry(): void;
  /**
   * Scrolls to where an entry was left, or to the place that the address names, or to the top.
   * Returns the element that the address names.
   */
  scrollPage(entry?: KeptEntry): HTMLElement | null;
}

/** How a page is shown. */
interface PageVisit {
  visitCause: NavigationCause;
  /** Whether the entry of the history is replaced. */
  isReplaced?: boolean;
  /** Whether the position of the window stays. */
  keepsScroll?: boolean;
}

/** What the client stores at nodes. Where a member is not set it is undefined. */
interface Node {
  /** The number of a root; 0 when it was removed. */
  $root: number;
  /** The number of a root's block. */
  $block: number;
  /** The slot of the component that the root's view belongs to. */
  $view: number;
  /** The slot of an element's component. */
  $slot: number | undefined;
  /** Whether an element's component takes events: it is mounted, or painted and not mounted yet. */
  $ready: boolean | 'painted';
  /** JSON of the user for whom the element was rendered. */
  $user: string | undefined;
  /** What the template gives to a child that it made. */
  $given: { name: string, child: string, key?: string } | undefined;
  /** The parent of a text that may not be in the page. */
  $parent: Node;
  /** The node before that text. */
  $before: Node | null;
  /** What ends the marks of a root. */
  $markEnds: (() => void)[] | null;
  /** The classes that each hole gives. */
  $classes: Map<number, string[]>;
  /** The declarations that each hole gives, in order. */
  $styles: Map<number, [property: string, value: string]>;
  /** Attributes that a state of the wire holds, and the values that they get after it. */
  $heldAttributes: Record<string, string | null>;
  /** The timers of states of the wire that do not show yet, by hole. */
  $wireTimers: Map<number, any>;
  /** What had the focus before a state of the wire disabled it. */
  $focused: any;
  /** The listeners with `.once` that have run. */
  $onceDone: Set<Listener>;
  /** When throttled listeners last ran. */
  $throttled: Map<Listener, number>;
  /** The content that `live:html` has set. */
  $html: string;
  /** The value of a control when the page was loaded, or when the control was added. */
  $loaded: string;
  /** Whether something was typed into an element before the client was loaded. */
  $typed: boolean;
}

/** A socket that the capture script has opened. */
interface EarlySocket extends WebSocket {
  /** The frames that have arrived before the engine takes the socket over. */
  $frames?: string[];
}

interface Document {
  /** The socket that the capture script has opened for the engine. */
  $socket?: EarlySocket;
  /** Repeats the events that capture.js has kept for a component. */
  $early?: (element: any, handleEvent: (event: any, path: any[]) => boolean) => void;
}

/**
 * A hole of a block. Its first values are its place, one of `PLACE_…`, and the path to its element.
 */
type Hole = [place: number, path: number[], ...values: any[]];
/** What caused a navigation; `history` is back and forward. */
type NavigationCause = 'link' | 'history' | 'server';
type FoundListener = [depth: number, listener: Listener, root: any, element: any];
/**
 * An event that capture.js keeps; `trail` has the nodes from the outermost component to the target,
 * each with its position among its siblings.
 */
type CapturedEvent = {
  trail: [node: any, position: number][], target: any, type: string, bubbles: boolean, submitter: any, button: number, detail: number,
  preventDefault(): void,
};
/** The payload of an `ERROR`. */
type Failure = { code: string, message?: string, details?: unknown };
/** An optional module. Returns true where views that were made without it have to be rebuilt. */
type Module = (core: Core) => boolean | void;

/** The name of the wasm file. The build defines it. */
declare const WASM: string;
/** The version of the client. The build defines it. */
declare const VERSION: string;

/** What the engine's WebAssembly module imports, from wasm-bindgen's output. The build makes it. */
declare module 'vivaz-imports' {
  export const imports: WebAssembly.Imports;
}
