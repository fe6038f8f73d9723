//! Components with arbitrary state. Tests compare a page that reached a state through patches with
//! a page that was loaded with that state.
//!
//! Each has its template in `differ/`, its page at `/differ/NAME?state=JSON`, and an action `set`
//! that takes the same text. A field that is missing in the text is null.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vivaz::prelude::*;

use crate::serve::document;

/// Defines a component with fields of any JSON value, and fields of other types with their parsers.
macro_rules! component {
    ($name:ident, $props:ident, $tag:literal, $template:literal, any { $($any:ident)* }
     $(typed { $($(#[$of:meta])* $field:ident: $kind:ty = $read:path,)* })?) => {
        #[derive(LiveComponent, Clone)]
        #[live(name = $tag, template = $template)]
        pub(crate) struct $name {
            #[live(prop)]
            state: String,
            $(#[live(opaque)] $any: Value,)*
            $($($(#[$of])* $field: $kind,)*)?
        }

        #[actions]
        impl $name {
            async fn mount(props: $props, _cx: &mut MountContext) -> Result<Self> {
                let mut own = Self { state: String::new(), $($any: Value::Null,)* $($($field: Default::default(),)*)? };
                own.set(Value::String(props.state))?;
                Ok(own)
            }

            #[action]
            fn set(&mut self, state: Value) -> Result<()> {
                let mut state: Map<String, Value> = serde_json::from_str(state.as_str().unwrap_or("{}"))?;
                $(self.$any = state.remove(stringify!($any)).unwrap_or_default();)*
                $($($read(&mut self.$field, state.remove(stringify!($field)).unwrap_or_default())?;)*)?
                Ok(())
            }
        }
    };
}

component!(Texts, TextsProps, "differ-texts", "differ/texts.html", any { a b c url html word });
component!(Styles, StylesProps, "differ-styles", "differ/styles.html", any { a b c d n });
component!(Lists, ListsProps, "differ-lists", "differ/lists.html", any { a items } typed {
    rows: List<Row> = step_by_step,
});
component!(Controls, ControlsProps, "differ-controls", "differ/controls.html",
    any { a v kind low high step on }
    typed {
        #[live(model)] text: String = decode,
        #[live(model)] amount: Option<f64> = decode,
        #[live(model)] ticked: bool = decode,
        #[live(model)] chosen: Vec<String> = decode,
        #[live(model)] counts: Vec<f64> = decode,
        #[live(model)] perhaps: Option<Vec<String>> = decode,
    }
);
component!(Selects, SelectsProps, "differ-selects", "differ/selects.html",
    any { v w many options on size }
    typed {
        #[live(model)] choice: String = decode,
        #[live(model)] choices: Vec<String> = decode,
    }
);

/// A child that shows its props.
#[derive(LiveComponent, Clone)]
#[live(name = "differ-part", template = "differ/part.html")]
pub(crate) struct Part {
    #[live(prop, opaque, default)]
    text: Value,
    #[live(prop, opaque, default)]
    list: Value,
    #[live(prop, default)]
    fixed: bool,
    #[live(prop, default)]
    compact: Option<String>,
}

#[actions]
impl Part {}

#[derive(LiveState, Serialize, Deserialize, Clone, PartialEq)]
pub(crate) struct Row {
    id: u64,
    #[live(opaque)]
    text: Value,
    #[live(opaque)]
    tags: Value,
}

/// Parses a field as its type; null is the default value.
fn decode<T: serde::de::DeserializeOwned + Default>(field: &mut T, value: Value) -> Result<()> {
    *field = serde_json::from_value::<Option<T>>(value)?.unwrap_or_default();
    Ok(())
}

/// Changes a list into another one by removing, inserting, updating and moving items.
fn step_by_step(list: &mut List<Row>, value: Value) -> Result<()> {
    let rows: Vec<Row> = serde_json::from_value::<Option<_>>(value)?.unwrap_or_default();
    list.retain(|old| rows.iter().any(|row| row.id == old.id));
    for (at, row) in rows.into_iter().enumerate() {
        match list.get(row.id) {
            None => list.insert(at, row),
            Some(old) => {
                list.move_to(old.id, at);
                list.update_at(at, |old| {
                    if *old != row {
                        *old = row;
                    }
                });
            }
        }
    }
    Ok(())
}

#[derive(Deserialize)]
pub(crate) struct Start {
    state: String,
}

/// Returns the page of the component with a name.
pub(crate) async fn page(
    live: Live,
    Path(name): Path<String>,
    Query(Start { state }): Query<Start>,
) -> Result<Response, RenderError> {
    let component = match name.as_str() {
        "texts" => live.render::<Texts>(TextsProps { state }).await?.to_string(),
        "styles" => live.render::<Styles>(StylesProps { state }).await?.to_string(),
        "lists" => live.render::<Lists>(ListsProps { state }).await?.to_string(),
        "controls" => live.render::<Controls>(ControlsProps { state }).await?.to_string(),
        "selects" => live.render::<Selects>(SelectsProps { state }).await?.to_string(),
        _ => return Ok(StatusCode::NOT_FOUND.into_response()),
    };
    Ok(document(&live.head().to_string(), &component))
}
