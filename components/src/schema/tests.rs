use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::*;
use crate::{Async, Errors, List, Tracked};

#[derive(Deserialize)]
struct Inner {
    #[expect(dead_code, reason = "only its type counts")]
    a: u32,
}

macro_rules! types {
    ($($type:item)*) => { $(
        #[derive(Deserialize)]
        #[allow(dead_code)]
        $type
    )* };
}

#[test]
fn the_input_of_a_type_is_described() {
    types! {
        struct Plain { b: String, a: Option<u8>, c: Vec<(i64, f32)>, d: HashMap<u16, bool> }
        #[serde(rename_all = "camelCase")]
        struct Named { last_seen: char, #[serde(rename = "x")] y: (), #[serde(skip)] _z: u8 }
    }
    assert_eq!(describe::<Plain>(), "struct{a:option{u8},b:text,c:list{tuple{i64,f32}},d:map{u16,bool}}");
    assert_eq!(describe::<Named>(), "struct{lastSeen:char,x:unit}");
    assert_eq!(describe::<Duration>(), "struct{nanos:u32,secs:u64}");
    assert_eq!(describe::<[Inner; 2]>(), "tuple{struct{a:u32},#1}");
}

#[test]
fn every_variant_is_described() {
    #[derive(Deserialize)]
    #[allow(dead_code)]
    enum Shape {
        Unit,
        Newtype(Inner),
        Tuple(u8, Vec<Inner>),
        #[serde(rename = "s")]
        Struct {
            x: NonZeroU32,
            next: Option<Box<Shape>>,
        },
    }
    assert_eq!(
        describe::<Shape>(),
        "enum{Newtype:struct{a:u32},Tuple:tuple{u8,list{#1}},Unit:unit,s:struct{next:option{#0},x:u32}}"
    );
    assert_eq!(describe::<Result<u8, String>>(), "enum{Err:text,Ok:u8}");
}

#[test]
fn types_with_the_same_json_have_the_same_description() {
    types! {
        struct Wrapped(u32);
        struct Renamed { a: Wrapped }
    }
    mod elsewhere {
        #[derive(serde::Deserialize)]
        pub(super) struct Inner {
            #[expect(dead_code, reason = "only its type counts")]
            a: u32,
        }
    }
    assert_eq!(describe::<Inner>(), describe::<elsewhere::Inner>());
    assert_eq!(describe::<Inner>(), describe::<Renamed>());
    assert_eq!(
        describe::<BTreeMap<String, u8>>(),
        describe::<HashMap<Box<str>, u8, foldhash::fast::RandomState>>()
    );
    assert_eq!(describe::<BTreeSet<u8>>(), describe::<HashSet<u8, foldhash::fast::RandomState>>());
    assert_eq!(describe::<Vec<u8>>(), describe::<Tracked<Arc<[u8]>>>());
    assert_eq!(describe::<String>(), describe::<Cow<'static, str>>());
    let fields: [SavedField; 2] = [("a", describe::<u8>), ("b", describe::<Inner>)];
    let reordered = [fields[1], fields[0]];
    assert_eq!(schema(&fields), schema(&reordered));
}

#[test]
fn every_change_of_a_nested_type_changes_the_description() {
    types! {
        struct Gained { a: u32, b: u8 }
        struct Lost {}
        struct Retyped { a: u64 }
        struct Optional { a: Option<u32> }
        struct Other { b: u32 }
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    enum Two {
        A,
        B,
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    enum Three {
        A,
        B,
        C,
    }
    let all = [
        describe::<Vec<Option<Inner>>>(),
        describe::<Vec<Option<Gained>>>(),
        describe::<Vec<Option<Lost>>>(),
        describe::<Vec<Option<Retyped>>>(),
        describe::<Vec<Option<Optional>>>(),
        describe::<Vec<Option<Other>>>(),
        describe::<Vec<Option<Two>>>(),
        describe::<Vec<Option<Three>>>(),
        describe::<HashMap<u8, (u8, Inner)>>(),
        describe::<HashMap<u8, (u8, Gained)>>(),
    ];
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len(), "{all:?}");
    assert_eq!(all.map(|text| hash(&text)).into_iter().collect::<HashSet<_>>().len(), 10);
}

#[test]
fn types_that_contain_themselves_end() {
    types! {
        struct Tree { value: u8, children: Vec<Tree> }
        struct Newtype(Vec<Newtype>);
        struct Pair(u8, Option<Box<Pair>>);
        struct Endless(Box<Endless>);
        struct One { other: Option<Box<Two>> }
        struct Two { one: Vec<One>, n: u8 }
    }
    assert_eq!(describe::<Tree>(), "struct{children:list{#0},value:u8}");
    assert_eq!(describe::<Newtype>(), "list{#0}");
    assert_eq!(describe::<Pair>(), "tuple{u8,option{#0}}");
    assert_eq!(describe::<One>(), "struct{other:option{struct{n:u8,one:list{#0}}}}");
    assert!(describe::<Endless>().contains("#0"));
    /// Contains itself, and no name that it could be known by.
    #[expect(dead_code, reason = "only its type counts")]
    struct Nameless(Vec<Nameless>);
    impl<'de> Deserialize<'de> for Nameless {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
            Vec::deserialize(deserializer).map(Self)
        }
    }
    assert!(describe::<Nameless>().ends_with(&format!("any?Nameless{}", "}".repeat(64))));
    assert!(describe::<Vec<(Nameless, Nameless, Nameless)>>().contains("?Nameless"), "it is not endless");
}

#[test]
fn checks_of_a_type_do_not_stand_in_the_way() {
    /// Takes no text that a sample has.
    struct Checked;
    impl<'de> Deserialize<'de> for Checked {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
            match String::deserialize(deserializer)?.as_str() {
                "checked" => Ok(Self),
                _ => Err(D::Error::custom("unchecked")),
            }
        }
    }
    types! {
        #[serde(deny_unknown_fields)]
        struct All { a: Checked, b: NonZeroU32, #[serde(deserialize_with = "only_seven")] c: u8, d: IpAddr, e: Inner }
    }
    fn only_seven<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<u8, D::Error> {
        u8::deserialize(deserializer)
            .and_then(|n| if n == 7 { Ok(n) } else { Err(D::Error::custom("not seven")) })
    }
    let _ = Checked;
    assert_eq!(describe::<All>(), "struct{a:text,b:u32,c:u8,d:text,e:struct{a:u32}}");
    assert_eq!(describe::<BTreeMap<IpAddr, Inner>>(), "map{text,struct{a:u32}}");
    assert_eq!(describe::<(NonZeroU32, IpAddr, Inner)>(), "tuple{u32,text,struct{a:u32}}");
    // Nothing that follows it in a tuple can be reached: there the name stands for the type.
    let text = describe::<Vec<(Checked, Inner)>>();
    assert_eq!(text, "list{tuple{text,?(Checked, Inner)}}");
}

#[test]
fn a_type_without_a_description_is_described_by_its_name() {
    types! {
        struct Flat { a: u8, #[serde(flatten)] rest: Inner }
        struct Holds { a: Untagged, b: Tagged, c: Value, d: Box<RawValue>, e: u8 }
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    #[allow(dead_code)]
    enum Untagged {
        A(u8),
        B(Inner),
    }
    #[derive(Deserialize)]
    #[serde(tag = "kind")]
    #[allow(dead_code)]
    enum Tagged {
        A { x: u8 },
    }
    #[derive(Deserialize)]
    #[serde(tag = "t", content = "c")]
    #[allow(dead_code)]
    enum Adjacent {
        A(u8),
    }
    assert_eq!(
        describe::<Holds>(),
        "struct{a:any?Untagged,b:any?Tagged,c:any?Value,d:any?Box<RawValue>,e:u8}"
    );
    assert_eq!(describe::<Vec<Flat>>(), "list{map{text,any?Flat}}");
    assert_eq!(describe::<Vec<Adjacent>>(), "list{struct{c:any?Adjacent,t:enum{A:unit}}}");
}

#[test]
fn a_type_that_panics_or_reads_no_value_is_described_by_its_name() {
    struct Panics;
    impl<'de> Deserialize<'de> for Panics {
        fn deserialize<D: Deserializer<'de>>(_: D) -> std::result::Result<Self, D::Error> {
            panic!("not now")
        }
    }
    struct Nothing;
    impl<'de> Deserialize<'de> for Nothing {
        fn deserialize<D: Deserializer<'de>>(_: D) -> std::result::Result<Self, D::Error> {
            Ok(Self)
        }
    }
    types! {
        struct Both { a: Panics, b: Nothing, c: u8 }
    }
    assert_eq!(describe::<Both>(), "struct{a:?Panics,b:?Nothing,c:u8}");
    let _ = (Panics, Nothing);
}

#[test]
fn the_types_of_fields_of_this_crate_are_described_with_their_content() {
    let of = |text: String| assert!(text.contains("struct{a:u32}"), "{text}");
    of(describe::<List<Row>>());
    of(describe::<Tracked<Inner>>());
    of(describe::<Async<Inner>>());
    assert_eq!(describe::<Errors>(), "map{text,list{text}}");
}

#[derive(Deserialize, serde::Serialize, Clone)]
struct Row {
    a: u32,
}

impl crate::Keyed for Row {
    fn key(&self) -> crate::Key {
        crate::Key::Int(self.a.into())
    }
}

#[test]
fn names_omit_differences_between_compilers() {
    for (name, short) in [
        ("alloc::vec::Vec<alloc::string::String>", "Vec<String>"),
        ("(a::B, [c::d::E; 3])", "(B, [E; 3])"),
        ("alloc::borrow::Cow<'_, str>", "Cow<str>"),
        ("a::Content<'_>", "Content"),
        ("<a::B as c::D>::E", "<B as D>E"),
        ("u8", "u8"),
    ] {
        let mut out = String::new();
        graph::push_short(&mut out, name);
        assert_eq!(out, short);
    }
}

/// The hash is stored: what changes it makes every stored component one of another schema.
#[test]
fn the_hash_is_stable() {
    assert_eq!(
        schema(&[("n", describe::<u32>), ("inner", describe::<Vec<Inner>>)]),
        3_842_846_468_206_179_659
    );
}
