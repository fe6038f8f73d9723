//! Evaluates expressions and encodes their values for the DOM.

use std::borrow::Cow;

use vivaz_template::code::op;
use vivaz_template::data::Data;
use vivaz_template::eval::{compute, contains, element, len, truthy, write};
use vivaz_template::expr::Binary;

use super::blueprint::BlueprintReader;
use super::scope::Frame;
use crate::client::Origin;
use crate::dom;
use crate::store::TEMPORARY;
use crate::value::{Val, write_json};

/// A value; borrowed if it is a part of the state or a literal.
pub(super) type Value<'a> = Cow<'a, Val>;

impl<'p> BlueprintReader<'p> {
    /// Evaluates the next expression. Evaluation cannot fail and has no side effects. All operands
    /// are evaluated, even if one of them decides the result: the reader reaches the end of an
    /// operand only by evaluating it.
    pub(super) fn eval<'a>(&mut self, frame: &'a Frame<'a>) -> Value<'a>
    where
        'p: 'a,
    {
        let borrowed = |value: Option<&'a Val>| Cow::Borrowed(value.unwrap_or(&Val::Null));
        let code = self.int();
        match code {
            op::LITERAL => return Cow::Borrowed(self.val()),
            op::ROOT => return borrowed(frame.around.of.root(self.key())),
            op::ITEM => return borrowed(frame.row(self.word()).map(|(item, _)| item)),
            op::INDEX => return Cow::Owned(int(frame.row(self.word()).map_or(0, |(_, at)| at))),
            op::LOCAL => {
                let (level, slot) = (self.word(), self.word());
                return borrowed(frame.outwards(level).and_then(|frame| frame.locals.get(slot as usize)));
            }
            op::EVENT => return borrowed(frame.around.event.at(self.key())),
            op::USER => return Cow::Borrowed(frame.around.user),
            op::FIELD => {
                let key = self.key();
                return part(self.eval(frame), &|value| value.at(key));
            }
            op::WIRE => {
                let (state, target, own, level) = (self.int(), self.val().str(), self.word(), self.word());
                let node = frame.outwards(level).map_or(0, |frame| frame.node);
                let from = Origin { node, hole: own };
                return Cow::Owned(Val::Bool(frame.around.of.wire(state, target, from)));
            }
            op::CONCAT => {
                let mut text = String::new();
                for _ in 0..self.int() {
                    write(&self.eval(frame).kind(), &mut text);
                }
                return Cow::Owned(text.into());
            }
            op::LIST => {
                let mut items = Vec::new();
                for _ in 0..self.int() {
                    items.push(self.eval(frame).into_owned());
                }
                return Cow::Owned(Val::List(items));
            }
            op::OBJECT => {
                let mut fields = Vec::new();
                for _ in 0..self.int() {
                    fields.push((self.key(), self.eval(frame).into_owned()));
                }
                return Cow::Owned(Val::Obj(fields));
            }
            _ => {}
        }
        let a = self.eval(frame);
        let one = a.kind();
        let value = match code {
            op::NOT => Val::Bool(!truthy(&one)),
            op::NEGATE => compute(Binary::Sub, &Val::Int(0).kind(), &one),
            op::LEN => int(len(&one)),
            op::IS_EMPTY => Val::Bool(len(&one) == 0),
            _ => {
                let b = self.eval(frame);
                match code {
                    op::IF => {
                        let c = self.eval(frame);
                        return if truthy(&one) { b } else { c };
                    }
                    op::AT => return part(a, &|value| element(value, &b.kind())),
                    op::CONTAINS => Val::Bool(contains(&one, &b.kind())),
                    op::AND => return if truthy(&one) { b } else { a },
                    op::OR => return if truthy(&one) { a } else { b },
                    op::COALESCE => return if *a == Val::Null { b } else { a },
                    _ => match Binary::ALL.get((code - op::BINARY) as usize) {
                        Some(binary) => compute(*binary, &one, &b.kind()),
                        None => Val::Null,
                    },
                }
            }
        };
        Cow::Owned(value)
    }

    /// Evaluates a condition.
    pub(super) fn holds(&mut self, frame: &Frame<'_>) -> bool {
        truthy(&self.eval(frame).kind())
    }
}

/// Returns a part of a value; borrowed if the value is borrowed.
fn part<'a>(of: Value<'a>, pick: &dyn Fn(&Val) -> Option<&Val>) -> Value<'a> {
    match of {
        Cow::Borrowed(value) => Cow::Borrowed(pick(value).unwrap_or(&Val::Null)),
        Cow::Owned(value) => Cow::Owned(pick(&value).cloned().unwrap_or_default()),
    }
}

fn int(n: usize) -> Val {
    Val::Int(n as i64)
}

/// Appends a value in the DOM's encoding. Returns its type and [`dom::value::TRUTHY`].
pub(crate) fn shown(value: &Val, text: &mut String) -> u32 {
    let kind = value.kind();
    write(&kind, text);
    let tag = match value {
        Val::Null => dom::value::NULL,
        Val::Bool(false) => dom::value::FALSE,
        Val::Bool(true) => dom::value::TRUE,
        Val::Int(_) | Val::Big(_) | Val::Num(_) | Val::Str(_) => dom::value::TEXT,
        Val::List(items) => {
            let mut texts = Vec::new();
            for item in items {
                let mut text = String::new();
                write(&item.kind(), &mut text);
                texts.push(text.into());
            }
            write_json(&Val::List(texts), text);
            dom::value::LIST
        }
        Val::Obj(_) => {
            write_json(value, text);
            dom::value::OBJECT
        }
    };
    if truthy(&kind) { tag | dom::value::TRUTHY } else { tag }
}

/// Returns a hash of a key; never 0.
pub(super) fn hash(key: &Val) -> u64 {
    let mut text = String::new();
    // A number and its text are different keys.
    text.push(if key.str().is_some() { 's' } else { 'n' });
    write(&key.kind(), &mut text);
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    // The lowest bit is 0 for a temporary id, so that its row can be reused under the id that the
    // server assigns.
    if key.str().is_some_and(|id| id.starts_with(TEMPORARY)) { hash & !1 } else { hash | 1 }
}
