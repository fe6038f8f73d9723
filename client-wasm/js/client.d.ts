/** The error of a call. */
export interface LiveError extends Error {
  /** One of the protocol's error codes, or `timeout`, `overloaded`, `session_lost`. */
  code: string;
  details: unknown;
  /** On a `timeout`: the call was sent or will be, and may still run. */
  unanswered?: true;
  /** On a `timeout`: calls back if the answer arrives later: with an error or null, and a value. */
  onSettled?(act: (error: LiveError | null, value?: unknown) => void): void;
}

/** A mounted component. */
export interface LiveComponent<State = any> {
  /**
   * The visible state: the confirmed state with the effects of unanswered actions. The same object
   * until it changes; `null` before the mount.
   */
  readonly state: Readonly<State>;
  /** Whether a message of the component is unanswered. */
  readonly loading: boolean;
  /** The elements named by `live:ref`. */
  readonly refs: Record<string, Element>;
  /** Calls an action. Resolves to its return value. */
  call<T = unknown>(action: string, ...args: unknown[]): Promise<T>;
  /** The same for an action that may run twice: it is sent again if the session is lost. */
  retry<T = unknown>(action: string, ...args: unknown[]): Promise<T>;
  /** Sets a `model` field. The page shows the value at once. */
  set<K extends keyof State & string>(field: K, value: State[K]): Promise<void>;
  /** Sets a property inside of a field: `['items', id, 'text']`. */
  set(path: [keyof State & string, ...(string | number)[]], value: unknown): Promise<void>;
  /** Calls back after every change. Returns a function that ends the subscription. */
  subscribe(act: (state: Readonly<State>, component: this) => void): () => void;
  /** Calls back with the data of application events. Returns a function that ends that. */
  on(event: string, act: (data: any, component: this) => void): () => void;
  /** Shows a patch until the promise is settled. */
  optimistic<T>(patch: Record<string, unknown>, until: Promise<T>): Promise<T>;
  unmount(): void;
}

export interface LiveConnection {
  status: 'connecting' | 'connected' | 'offline' | 'stopped';
  /** Attempts since the last connection. */
  attempt: number;
  /** The close code of the last connection. */
  code: number;
  /** The number of actions and edits that wait for a connection. */
  queued: number;
}

export interface LiveHook {
  mounted?(element: Element): void;
  destroyed?(element: Element): void;
}

export interface LiveSettings {
  /**
   * Asks the question of a `live:confirm`, in place of the browser's `confirm`. Only `true` lets
   * the action run. The signal is aborted when an answer has no effect any more: the element has
   * left the page, or its question has changed.
   */
  confirm?(question: string, of: { element: Element, signal: AbortSignal }): boolean | Promise<boolean>;
  /** The time after which a call rejects with `timeout`, in milliseconds; 30,000 by default. */
  callTimeoutMs?: number;
  /**
   * The number of failed attempts in a row after which the page is `stopped`; 0, the default, for
   * no limit. `reconnect()` tries once more.
   */
  maxReconnectAttempts?: number;
  /**
   * Whether the browser asks before a page with unsent changes is left; `true` loads the module
   * `warn-unsent`.
   */
  warnUnsent?: boolean;
  /** Whether a reload keeps unanswered actions; `true` loads the module `keep-queue`. */
  keepQueue?: boolean;
}

/** Mounts an open component without an element. */
export function mount<State = any>(name: string, props?: Record<string, unknown>): Promise<LiveComponent<State>>;
/** Returns the component of an element, or of the one around it. */
export function component<State = any>(element: Element): LiveComponent<State> | undefined;
/** Registers the hook of `live:hook="name"`. */
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
