/** Why a call failed. */
export interface LiveError extends Error {
  /** One of the protocol's error codes, or `timeout`, `overloaded`, `session_lost`. */
  code: string;
  details: unknown;
  /** On a `timeout`: the call was sent, or waits to be, and may run all the same. */
  unanswered?: true;
  /** On a `timeout`: calls back when the answer is there after all, with an error or null, and the value. */
  onSettled?(act: (error: LiveError | null, value?: unknown) => void): void;
}

/** A mounted component. */
export interface LiveComponent<State = any> {
  /** What it shows: the confirmed state with the effects of unanswered actions over it. The same object until it changes;
   * `null` before it is mounted. */
  readonly state: Readonly<State>;
  /** Whether something of it is unanswered. */
  readonly loading: boolean;
  /** The elements named by `live:ref`. */
  readonly refs: Record<string, Element>;
  /** Calls an action; its return value. */
  call<T = unknown>(action: string, ...args: unknown[]): Promise<T>;
  /** The same for an action that may be run twice: it is sent again where the session is lost. */
  retry<T = unknown>(action: string, ...args: unknown[]): Promise<T>;
  /** Sets a `model` field; shows at once. */
  set<K extends keyof State & string>(field: K, value: State[K]): Promise<void>;
  /** Writes a property inside of a field: `['items', id, 'text']`. */
  set(path: [keyof State & string, ...(string | number)[]], value: unknown): Promise<void>;
  /** Called after every change; returns what ends it. */
  subscribe(act: (state: Readonly<State>, component: this) => void): () => void;
  /** Called with the data of application events; returns what ends it. */
  on(event: string, act: (data: any, component: this) => void): () => void;
  /** Shows a patch until the promise settles. */
  optimistic<T>(patch: Record<string, unknown>, until: Promise<T>): Promise<T>;
  unmount(): void;
}

export interface LiveConnection {
  status: 'connecting' | 'connected' | 'offline' | 'stopped';
  /** Tries since the last connection. */
  attempt: number;
  /** The close code that ended the last one. */
  code: number;
  /** How many actions and edits wait for a connection. */
  queued: number;
}

export interface LiveHook {
  mounted?(element: Element): void;
  destroyed?(element: Element): void;
}

export interface LiveSettings {
  /** After how long a call rejects with `timeout`; 30,000 by itself. */
  callTimeoutMs?: number;
  /** After how many failed tries in a row the page is `stopped`; 0, as it is by itself, for no end. `reconnect()` tries once more. */
  maxReconnectAttempts?: number;
  /** Whether the browser asks before a page with unsent changes is left; `true` loads the module `warn-unsent`. */
  warnUnsent?: boolean;
  /** Whether a reload keeps actions that have no answer yet; `true` loads the module `keep-queue`. */
  keepQueue?: boolean;
}

/** Mounts an open component without an element. */
export function mount<State = any>(name: string, props?: Record<string, unknown>): Promise<LiveComponent<State>>;
/** The component of an element, or of the one around it. */
export function component<State = any>(element: Element): LiveComponent<State> | undefined;
/** Registers what `live:hook="name"` stands for. */
export function hook(name: string, of: LiveHook): void;
export function configure(settings: LiveSettings): void;
/** Connects now. */
export function reconnect(): void;

declare const live: {
  mount: typeof mount;
  component: typeof component;
  hook: typeof hook;
  configure: typeof configure;
  reconnect: typeof reconnect;
  readonly connection: LiveConnection;
};
export default live;
