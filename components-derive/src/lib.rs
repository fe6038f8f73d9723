//! The derive macros of Vivaz.
//!
//! The macros never rewrite the user's code, emit the item also if it has errors, and report all
//! errors together. Generated code is thin: it calls functions of `vivaz::__private` that are not
//! generic.
//!
//! The stages of a derive: `attr` parses the attributes → `model` checks their combination →
//! `component`, `page`, `state` and `actions` write the code → `template` finds the template and
//! turns its checks into a constant, which rustc evaluates against the shapes of the types.

mod actions;
mod apply;
mod attr;
mod component;
mod diagnostics;
mod keys;
mod model;
mod names;
mod page;
mod route;
mod state;
mod state_field;
mod storable;
mod template;

use proc_macro::TokenStream;

/// Derives a live component from a struct.
///
/// `#[live(…)]` on the struct has the options
/// - `name = "chat"`: the stable name on the wire; by default the struct's name in snake case,
/// - `template = "chat.html"`: a file beside the source file, or below `templates/` beside
///   `Cargo.toml`,
/// - `inline = "<p>…</p>"`: the template itself,
/// - `open`: a page may mount it without a seal from the server,
/// - `durable`: acknowledged actions survive a crash,
/// - `crate = "vivaz_components"`: the crate that generated code calls.
///
/// `#[live(…)]` on a field has the options
/// - `prop`: set at mount, then read-only for the page; collected in a struct `NAMEProps`,
/// - `model`: the page may write it,
/// - `shared = "chat/{room}"`: shows the topic with that name,
/// - `private`: saved, but not part of the page's state,
/// - `skip`: neither saved nor sent,
/// - `errors`: the form's errors,
/// - `opaque`: templates may read any property of it,
/// - `default` or `default = EXPRESSION`: its value if it is not given.
#[proc_macro_derive(LiveComponent, attributes(live))]
pub fn live_component(input: TokenStream) -> TokenStream {
    component::expand(syn::parse_macro_input!(input)).into()
}

/// Derives a page from a struct: its fields are the values of the page's template.
///
/// The template is a whole document in the language of components' templates, except for what needs
/// the engine: events, `live:model`, `live:local` and the like. `<live:counter count="{{ start
/// }}">` shows a component. Field types implement `serde::Serialize`.
///
/// `#[live(…)]` on the struct has the options
/// - `template = "home.html"`: a file beside the source file, or below `templates/` beside
///   `Cargo.toml`,
/// - `inline = "<html lang='en'>…</html>"`: the template itself,
/// - `children(Counter, Chat)`: the types of the components in it, whose names and props are then
///   checked at compile time, otherwise when the runtime is built,
/// - `crate = "vivaz_components"`: the crate that generated code calls.
///
/// `#[live(opaque)]` on a field lets the template read any property of it; `#[live(skip)]` hides
/// the field from the template.
#[proc_macro_derive(LivePage, attributes(live))]
pub fn live_page(input: TokenStream) -> TokenStream {
    page::expand(&syn::parse_macro_input!(input)).into()
}

/// Derives a route from a struct: its fields are the parameters of a URL.
///
/// `#[live(path = "/items/{id}")]` on the struct is the path, as axum reads it: `{id}` is one
/// segment, `{*rest}` the rest. Each field is in the path, or is a query parameter marked
/// `#[live(query)]`, which an `Option` can omit. Field types implement `serde::Serialize`.
///
/// A page's template writes the URL as `{{ routes::Item { id } }}`, whose parameters are checked at
/// compile time, and Rust code as `Item { id }.url()`.
#[proc_macro_derive(LiveRoute, attributes(live))]
pub fn live_route(input: TokenStream) -> TokenStream {
    route::expand(&syn::parse_macro_input!(input)).into()
}

/// Describes a state type to templates. A struct can then be the state of a topic and an item of a
/// `List`.
///
/// Templates use the serialised names: serde's `rename`, `rename_all` and `skip` apply.
/// `#[live(opaque)]` on a field ends the checking there. `#[live(key)]` marks the field that is
/// serialised as `id`, if it has another name in Rust. `#[live(presence)]` marks the field of type
/// `Presence` that contains the users present at the topic. `#[live(model)]` on a field allows a
/// page to write it, if the path to the struct is marked too: the component's field, and the fields
/// of the structs and `List`s in between. A struct with such fields is never written as a whole.
#[proc_macro_derive(LiveState, attributes(live, serde))]
pub fn live_state(input: TokenStream) -> TokenStream {
    state::expand(&syn::parse_macro_input!(input)).into()
}

/// Marks the `impl` block of a component that contains the methods for the page and the runtime. A
/// component has one.
///
/// - `#[action]` marks a method that a page may call. `#[action(amount = 1)]` gives an argument a
///   default, `#[action(allow = "moderate")]` requires a permission,
///   `#[action(guard = Self::is_owner)]` calls a function of `&self` and `&Context`.
///   `#[action(retry)]` allows the action to run twice: a page whose session is lost sends it again
///   if it is unanswered, instead of reporting `session_lost`.
/// - `#[event]` or `#[event("user.joined")]` marks a method that receives a server-side event.
/// - `#[live(computed)]` marks a method of `&self` that templates read as a field.
/// - `mount`, `connected`, `updated`, `disconnected`, `resumed` and `unmount` are recognised by
///   name.
#[proc_macro_attribute]
pub fn actions(options: TokenStream, input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::ItemImpl);
    actions::expand(options.into(), input).into()
}
