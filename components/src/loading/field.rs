//! Async fields on the wire and in saved state.

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use vivaz_protocol::PatchWriter;
use vivaz_protocol::json::json_len;

use super::{Async, LoadStage, LoadStart};
use crate::Result;
use crate::shape::{self, LiveShape, Shape, ShapeRef};
use crate::shown::ShownValue;
use crate::tracking::{JsonResult, Loaded, Pick, Print, Seen, StateWriter, TrackedField};

/// The saved error of a running load, which ends with the process.
const INTERRUPTED: &str = "this was interrupted; please try again";

/// The form on the wire.
#[derive(Serialize)]
struct ShownLoad<'a, T> {
    loading: bool,
    ready: bool,
    failed: bool,
    value: Option<&'a T>,
    error: Option<&'a str>,
}

impl<'a, T> ShownLoad<'a, T> {
    fn of(field: &'a Async<T>) -> Self {
        Self {
            loading: field.is_loading(),
            ready: field.is_ready(),
            failed: field.is_failed(),
            value: field.value(),
            error: field.error(),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Async<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Saved<T> {
            loading: bool,
            ready: bool,
            value: Option<T>,
            error: Option<Box<str>>,
        }
        let Saved { loading, ready, value, error } = Saved::deserialize(deserializer)?;
        let stage = match error {
            Some(error) => LoadStage::Failed(error.into()),
            None if loading => LoadStage::Loading,
            None if ready => LoadStage::Ready,
            None => LoadStage::Idle,
        };
        let value = match value {
            // The loaded value is null itself.
            None if ready => Some(serde_json::from_value(Value::Null).map_err(D::Error::custom)?),
            value => value,
        };
        Ok(Self::at(stage, value.map(std::sync::Arc::new)))
    }
}

impl<T: LiveShape> LiveShape for Async<T> {
    const SHAPE: ShapeRef = ShapeRef::new(&Shape::Struct(
        "Async",
        &[
            shape::ShapeField::of("loading", ShapeRef::new(&Shape::Bool)),
            shape::ShapeField::of("ready", ShapeRef::new(&Shape::Bool)),
            shape::ShapeField::of("failed", ShapeRef::new(&Shape::Bool)),
            shape::ShapeField::of("value", ShapeRef::new(&Shape::Option(T::SHAPE))),
            shape::ShapeField::of("error", ShapeRef::new(&Shape::Option(ShapeRef::new(&Shape::Str)))),
        ],
    ));
}

struct AsyncField<'a, T>(&'a mut Async<T>);

impl<'a, T: Serialize + Send + Sync + 'static> Pick<'a, Async<T>> {
    /// Returns the field, compared by its version.
    pub fn field(self) -> impl TrackedField + 'a {
        AsyncField(self.0)
    }
}

impl<T: Serialize + Send + Sync + 'static> TrackedField for AsyncField<'_, T> {
    fn write(&self, name: &str, out: &mut StateWriter) -> JsonResult {
        out.member(name, &ShownLoad::of(self.0))
    }

    fn shown(&self) -> JsonResult<ShownValue> {
        ShownValue::of(&ShownLoad::of(self.0))
    }

    fn save(&self, name: &str, out: &mut StateWriter) -> JsonResult {
        let mut shown = ShownLoad::of(self.0);
        // A page that is shown without the outcome of a first load starts another one.
        if self.0.running.as_ref().is_some_and(|running| running.start == LoadStart::Handler) {
            shown = ShownLoad { loading: false, failed: true, error: Some(INTERRUPTED), ..shown };
        }
        out.member(name, &shown)
    }

    fn baseline(&mut self) -> JsonResult<Seen> {
        Ok(Seen::new(Print::of_version(self.0.version), json_len(&ShownLoad::of(self.0))?))
    }

    fn change(&mut self, name: &str, seen: Seen, patch: &mut PatchWriter) -> JsonResult<Option<Seen>> {
        let print = Print::of_version(self.0.version);
        if print == seen.print {
            return Ok(None);
        }
        Ok(Some(Seen::new(print, patch.set_serialized(name, &ShownLoad::of(self.0))?)))
    }

    fn settle(&mut self, loaded: &mut Option<Loaded>) -> Option<Result> {
        self.0.settle(loaded)
    }
}
