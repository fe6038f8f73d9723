//! The derive macros of Vivaz.
//!
//! They never rewrite what the user wrote, emit the item also where something is wrong, and report every mistake at
//! once. What they generate is thin: calls into functions of `vivaz::__private` that are not generic.
//!
//! The way of a derive: `attr` reads the attributes → `model` checks what they say together → `component`, `state` and
//! `actions` write the code → `template` finds the template and turns its checks into a constant, which rustc evaluates
//! against the shapes of the types.

mod actions;
mod attr;
mod component;
mod errors;
mod keys;
mod model;
mod names;
mod state;
mod storable;
mod template;

use proc_macro::TokenStream;

/// Makes a struct a live component.
///
/// On the struct, `#[live(…)]` takes
/// - `name = "chat"`: the stable name on the wire; by default the struct's name in snake case,
/// - `template = "chat.html"`: a file beside the source file, or below `templates/` beside `Cargo.toml`,
/// - `inline = "<p>…</p>"`: the template itself,
/// - `open`: a page may mount it without a seal of the server's,
/// - `durable`: what is acknowledged survives a crash,
/// - `crate = "vivaz_components"`: where generated code finds its crate.
///
/// On a field, `#[live(…)]` takes
/// - `prop`: given at mount, then read-only to the page; collected in a struct `NAMEProps`,
/// - `model`: the page may write it,
/// - `shared = "chat/{room}"`: shows the topic of that name,
/// - `private`: saved, but not part of the page's state,
/// - `skip`: neither saved nor shown,
/// - `errors`: the form's errors,
/// - `opaque`: templates may ask anything of it,
/// - `default` or `default = EXPRESSION`: what it is when nothing is given.
#[proc_macro_derive(LiveComponent, attributes(live))]
pub fn live_component(input: TokenStream) -> TokenStream {
    component::expand(syn::parse_macro_input!(input)).into()
}

/// Describes a type of state to templates and, for a struct, lets it be the state of a topic and its items be kept in a
/// `List`.
///
/// The serialised names hold: `rename`, `rename_all` and `skip` of serde are read. `#[live(opaque)]` on a field ends the
/// checking there; `#[live(key)]` marks the field that is serialised as `id`, where it has another name in Rust.
/// `#[live(presence)]` marks the field, a `Presence`, that says who is present at the topic.
/// `#[live(model)]` on a field lets a page write it, where the way to the struct is marked too: the component's field, and
/// the fields of the structs and `List`s in between. A struct with such fields is never written as a whole.
#[proc_macro_derive(LiveState, attributes(live, serde))]
pub fn live_state(input: TokenStream) -> TokenStream {
    state::expand(&syn::parse_macro_input!(input)).into()
}

/// Stands on the one `impl` block of a component that has what a page and the runtime call.
///
/// - `#[action]` marks a method that a page may call. `#[action(amount = 1)]` gives an argument a default,
///   `#[action(allow = "moderate")]` asks for a permission, `#[action(guard = Self::is_owner)]` asks a function of
///   `&self` and `&Context`. `#[action(retry)]` says that it may be run twice: a page whose session is lost sends it
///   again by itself, where it has no answer, instead of reporting `session_lost`.
/// - `#[event]` or `#[event("user.joined")]` marks a method that takes a server-side event.
/// - `#[live(computed)]` marks a method of `&self` that is a field to the template.
/// - `mount`, `connected`, `updated`, `disconnected`, `resumed` and `unmount` are found by their names.
#[proc_macro_attribute]
pub fn actions(options: TokenStream, input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::ItemImpl);
    actions::expand(options.into(), input).into()
}
