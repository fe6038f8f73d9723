//! Reads and writes the rows of components.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use vivaz_databases::{DatabaseError, SqlStatement, Tx, Value};

use crate::persist::store::{ComponentState, StoreError, StoredComponent};

/// A table of components.
#[derive(Clone, Copy)]
pub(super) enum ComponentTable {
    /// Components that run.
    Components,
    /// Components that are kept aside.
    Aside,
}

#[derive(Deserialize)]
struct ComponentRow {
    id: String,
    name: String,
    schema: i64,
    template: String,
    props: String,
    state: Vec<u8>,
    epoch: String,
    rev: i64,
    version: i64,
    settled: i64,
    durable: bool,
    origin: String,
    anew: bool,
    rooms: String,
    shown: Option<i64>,
    connected: bool,
}

/// Reads the components of a session.
pub(super) fn select(
    tx: &mut Tx,
    table: ComponentTable,
    session: &str,
) -> Result<Vec<StoredComponent>, StoreError> {
    let sql = match table {
        ComponentTable::Components => "SELECT * FROM vivaz_components WHERE session = ?1 ORDER BY id",
        ComponentTable::Aside => "SELECT * FROM vivaz_aside WHERE session = ?1 ORDER BY number",
    };
    let rows: Vec<ComponentRow> = tx.query(sql, [session])?;
    rows.into_iter().map(read).collect()
}

fn read(row: ComponentRow) -> Result<StoredComponent, StoreError> {
    Ok(StoredComponent {
        id: row.id,
        name: row.name,
        schema: row.schema.cast_unsigned(),
        template: row.template,
        props: row.props,
        state: row.state,
        epoch: row.epoch,
        rev: row.rev.cast_unsigned(),
        version: row.version.cast_unsigned(),
        settled: row.settled.cast_unsigned(),
        durable: row.durable,
        origin: from_json(&row.origin)?,
        anew: row.anew,
        rooms: from_json(&row.rooms)?,
        shown: row.shown.map(i64::cast_unsigned),
        connected: row.connected,
    })
}

/// Returns the statement that writes a component. One that runs replaces the stored one.
pub(super) fn insert(
    table: ComponentTable,
    session: &str,
    one: &StoredComponent,
) -> Result<SqlStatement, StoreError> {
    let columns = "session, id, name, schema, template, props, state, epoch, rev, version, settled, durable, \
         origin, anew, rooms, shown, connected";
    let values = "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17";
    let sql = match table {
        ComponentTable::Components => format!(
            "INSERT INTO vivaz_components ({columns}) VALUES ({values}) ON CONFLICT (session, id) DO UPDATE SET \
             ({columns}) = ROW (excluded.*)"
        ),
        ComponentTable::Aside => format!("INSERT INTO vivaz_aside ({columns}) VALUES ({values})"),
    };
    let params: Vec<Value> = vec![
        session.into(),
        one.id.as_str().into(),
        one.name.as_str().into(),
        one.schema.cast_signed().into(),
        one.template.as_str().into(),
        one.props.as_str().into(),
        one.state.as_slice().into(),
        one.epoch.as_str().into(),
        one.rev.cast_signed().into(),
        one.version.cast_signed().into(),
        one.settled.cast_signed().into(),
        one.durable.into(),
        to_json(&one.origin)?.into(),
        one.anew.into(),
        to_json(&one.rooms)?.into(),
        one.shown.map(u64::cast_signed).into(),
        one.connected.into(),
    ];
    Ok(SqlStatement::new(sql, params))
}

/// Returns the statement that writes the state of a plain component. It changes no row if the
/// stored component has another epoch.
pub(super) fn save(session: &str, state: &ComponentState) -> Result<SqlStatement, StoreError> {
    let ComponentState { id, state, shown, props, epoch, rev, rooms, connected } = state;
    Ok(SqlStatement::new(
        "UPDATE vivaz_components SET state = ?3, rev = ?4, rooms = ?6, shown = ?7, props = ?8, connected = ?9 \
         WHERE session = ?1 AND id = ?2 AND epoch = ?5",
        (
            session,
            id.as_str(),
            state.as_slice(),
            rev.cast_signed(),
            epoch.as_str(),
            to_json(rooms)?,
            shown.map(u64::cast_signed),
            props.as_str(),
            *connected,
        ),
    ))
}

/// Returns the statement that writes a committed state.
pub(super) fn change(
    session: &str,
    state: &ComponentState,
    settled: u64,
) -> Result<SqlStatement, StoreError> {
    Ok(SqlStatement::new(
        "UPDATE vivaz_components SET state = ?3, epoch = ?4, rev = ?5, version = version + 1, \
         settled = greatest(settled, ?6), rooms = ?7, shown = ?8, props = ?9, connected = ?10 \
         WHERE session = ?1 AND id = ?2",
        (
            session,
            state.id.as_str(),
            state.state.as_slice(),
            state.epoch.as_str(),
            state.rev.cast_signed(),
            settled.cast_signed(),
            to_json(&state.rooms)?,
            state.shown.map(u64::cast_signed),
            state.props.as_str(),
            state.connected,
        ),
    ))
}

pub(super) fn remove(session: &str, id: &str) -> SqlStatement {
    SqlStatement::new("DELETE FROM vivaz_components WHERE session = ?1 AND id = ?2", (session, id))
}

/// Returns the statement that deletes a component that is kept aside under the id and name of a
/// stored one.
pub(super) fn remove_aside(session: &str, id: &str) -> SqlStatement {
    SqlStatement::new(
        "DELETE FROM vivaz_aside WHERE session = ?1 AND id = ?2 AND name = \
         (SELECT name FROM vivaz_components WHERE session = ?1 AND id = ?2)",
        (session, id),
    )
}

/// Reads the versions of a session's components.
pub(super) fn versions(tx: &mut Tx, session: &str) -> Result<Vec<(String, u64)>, DatabaseError> {
    let rows: Vec<(String, i64)> =
        tx.query("SELECT id, version FROM vivaz_components WHERE session = ?1", [session])?;
    Ok(rows.into_iter().map(|(id, version)| (id, version.cast_unsigned())).collect())
}

pub(super) fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(StoreError::failed)
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Unreadable(error.to_string()))
}
