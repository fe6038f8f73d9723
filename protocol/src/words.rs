//! The words of the protocol, each defined once.

/// The version that the field `v` carries.
pub const PROTOCOL_VERSION: u64 = 1;

/// The WebSocket subprotocol of this version with one JSON object per text frame. It is also used
/// if a client offers no subprotocol.
pub const SUBPROTOCOL_JSON: &str = "vivaz.v1.json";

/// The WebSocket subprotocol of this version with the same object as MessagePack in a binary frame.
pub const SUBPROTOCOL_MESSAGE_PACK: &str = "vivaz.v1.msgpack";

/// The WebSocket subprotocol of this version with the [compact form](crate::compact) of each message
/// in a text frame.
pub const SUBPROTOCOL_COMPACT: &str = "vivaz.v1.compact";

/// The WebSocket subprotocol of this version with the compact form as MessagePack in a binary frame.
pub const SUBPROTOCOL_COMPACT_MESSAGE_PACK: &str = "vivaz.v1.compact.msgpack";

/// Offered beside a subprotocol, and never selected: the upgrade also is an empty `HELLO`, so that
/// `WELCOME` follows without a further round trip.
pub const OFFER_HELLO: &str = "vivaz.hello";

/// The default path of the WebSocket endpoint.
pub const DEFAULT_PATH: &str = "/live";

/// Fields of the envelope.
#[expect(missing_docs, reason = "the envelope's table in docs/protocol.md describes each")]
pub mod field {
    pub const V: &str = "v";
    pub const TYPE: &str = "type";
    pub const REF: &str = "ref";
    pub const ACK: &str = "ack";
    pub const COMPONENT_ID: &str = "componentId";
    pub const TOPIC: &str = "topic";
    pub const REV: &str = "rev";
    pub const EPOCH: &str = "epoch";
    pub const ACTION: &str = "action";
    pub const SET: &str = "set";
    pub const RESULT: &str = "result";
    pub const BY: &str = "by";
    pub const TOPICS: &str = "topics";
    pub const PAYLOAD: &str = "payload";
}

/// Fields of payloads.
#[expect(missing_docs, reason = "the message tables in docs/protocol.md describe each")]
pub mod payload {
    pub const SESSION: &str = "session";
    pub const RESUME: &str = "resume";
    pub const ACKED: &str = "acked";
    pub const STREAMS: &str = "streams";
    pub const AUTH: &str = "auth";
    pub const SEAL: &str = "seal";
    pub const PAINTED: &str = "painted";
    pub const COMPONENT: &str = "component";
    pub const PROPS: &str = "props";
    pub const PAGE: &str = "page";
    pub const PARENT: &str = "parent";
    pub const PLACE: &str = "place";
    pub const PROPERTY: &str = "property";
    pub const VALUE: &str = "value";
    pub const HASH: &str = "hash";
    pub const TEMPLATE: &str = "template";
    pub const CONNECTION: &str = "connection";
    pub const RESUMED: &str = "resumed";
    pub const DONE: &str = "done";
    pub const HEARTBEAT_MS: &str = "heartbeatMs";
    pub const BUILD: &str = "build";
    pub const LIMITS: &str = "limits";
    pub const MESSAGE_BYTES: &str = "messageBytes";
    pub const COMPONENTS: &str = "components";
    pub const IN_FLIGHT: &str = "inFlight";
    pub const STATE: &str = "state";
    pub const RETRY: &str = "retry";
    pub const TOPICS: &str = "topics";
    pub const CODE: &str = "code";
    pub const MESSAGE: &str = "message";
    pub const DETAILS: &str = "details";
    pub const RETRY_MS: &str = "retryMs";
    pub const NAME: &str = "name";
    pub const DATA: &str = "data";
    pub const REASON: &str = "reason";
    pub const RECONNECT_AFTER_MS: &str = "reconnectAfterMs";
}

/// Names of messages, the values of `type`.
#[expect(missing_docs, reason = "ClientType and ServerType describe each")]
pub mod kind {
    pub const HELLO: &str = "HELLO";
    pub const COMPONENT_MOUNT: &str = "COMPONENT_MOUNT";
    pub const COMPONENT_ACTION: &str = "COMPONENT_ACTION";
    pub const PROPERTY_UPDATE: &str = "PROPERTY_UPDATE";
    pub const PROPS_UPDATE: &str = "PROPS_UPDATE";
    pub const COMPONENT_UNMOUNT: &str = "COMPONENT_UNMOUNT";
    pub const RESYNC: &str = "RESYNC";
    pub const TEMPLATE: &str = "TEMPLATE";
    pub const PING: &str = "PING";
    pub const WELCOME: &str = "WELCOME";
    pub const COMPONENT_MOUNTED: &str = "COMPONENT_MOUNTED";
    pub const STATE_UPDATE: &str = "STATE_UPDATE";
    pub const STATE_SNAPSHOT: &str = "STATE_SNAPSHOT";
    pub const ACK: &str = "ACK";
    pub const ERROR: &str = "ERROR";
    pub const EVENT: &str = "EVENT";
    pub const COMPONENT_UNMOUNTED: &str = "COMPONENT_UNMOUNTED";
    pub const DRAIN: &str = "DRAIN";
    pub const PONG: &str = "PONG";
}

/// Words of patches.
pub mod patch {
    /// The only key of an object that holds the operations on a keyed list.
    pub const LIST: &str = "$list";
    /// The only key of an object that holds a value which would otherwise be read as a list change
    /// or as another wrapped value.
    pub const VALUE: &str = "$value";
    /// The field that holds an item's key.
    pub const ID: &str = "id";
    /// `["+", index, item]`
    pub const INSERT: &str = "+";
    /// `["-", id]`
    pub const REMOVE: &str = "-";
    /// `["~", id, {field: value, …}]`
    pub const CHANGE: &str = "~";
    /// `[">", id, index]`
    pub const MOVE: &str = ">";
    /// `["=", [id, …]]`
    pub const ORDER: &str = "=";
}

/// Prefixes of streams in `HELLO`.
pub mod stream {
    /// Prefix of a component's id.
    pub const COMPONENT: &str = "c:";
    /// Prefix of a topic's name.
    pub const TOPIC: &str = "t:";
}
