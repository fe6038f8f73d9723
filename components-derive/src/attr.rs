//! Parses `#[live(…)]` and `#[serde(…)]`.

use proc_macro2::Span;
use syn::meta::ParseNestedMeta;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Ident, LitInt, LitStr, Path, Token, token};

use crate::diagnostics::Diagnostics;
use crate::names::nearest;

/// The options of `#[live(…)]` on a component.
#[derive(Default)]
pub(crate) struct ComponentAttrs {
    pub(crate) name: Option<LitStr>,
    pub(crate) template: Option<LitStr>,
    pub(crate) inline: Option<LitStr>,
    pub(crate) open: bool,
    pub(crate) durable: bool,
    pub(crate) krate: Option<Path>,
    /// The types of the children in the template, if the component names them.
    pub(crate) children: Option<Vec<Path>>,
}

/// The options of `#[live(…)]` on a field.
#[derive(Default)]
pub(crate) struct FieldAttrs {
    pub(crate) prop: Option<Span>,
    /// The page may set the prop.
    pub(crate) page: Option<Span>,
    pub(crate) model: Option<Span>,
    pub(crate) shared: Option<LitStr>,
    pub(crate) private: Option<Span>,
    pub(crate) skip: Option<Span>,
    pub(crate) errors: Option<Span>,
    pub(crate) opaque: Option<Span>,
    pub(crate) key: Option<Span>,
    /// The field of a topic's state that contains the present users.
    pub(crate) presence: Option<Span>,
    pub(crate) default: Option<Fallback>,
    /// The parameter of the page's URL that the field is bound to.
    pub(crate) url: Option<UrlAttrs>,
}

/// The options of `url`.
pub(crate) struct UrlAttrs {
    pub(crate) span: Span,
    pub(crate) name: Option<LitStr>,
    pub(crate) replace: bool,
    pub(crate) debounce_ms: Option<LitInt>,
}

/// The value of a field that is not given.
pub(crate) enum Fallback {
    /// The type's default.
    OfType,
    /// An expression.
    Expr(Box<Expr>),
}

/// The options of `#[serde(…)]` that affect templates.
#[derive(Default)]
pub(crate) struct SerdeAttrs {
    pub(crate) rename: Option<String>,
    pub(crate) rename_all: Option<String>,
    pub(crate) skip: bool,
    pub(crate) flatten: Option<Span>,
    pub(crate) untagged: Option<Span>,
    pub(crate) transparent: bool,
    /// `tag`, `into`, `remote`, `with`: the JSON does not have the form of the fields.
    pub(crate) opaque: bool,
    /// The function of `with` or `serialize_with`.
    pub(crate) with: Option<Path>,
    /// The function of `with` or `deserialize_with`.
    pub(crate) read_with: Option<ReadWith>,
}

/// How serde reads a field.
pub(crate) enum ReadWith {
    /// `deserialize_with`: the function.
    Function(Path),
    /// `with`: the module or type that has the function `deserialize`.
    Module(Path),
}

const COMPONENT: [&str; 7] = ["name", "template", "inline", "open", "durable", "children", "crate"];
const PAGE: [&str; 4] = ["template", "inline", "children", "crate"];
const FIELD: [&str; 12] = [
    "prop", "page", "model", "url", "shared", "private", "skip", "errors", "opaque", "key", "presence",
    "default",
];
const URL: [&str; 3] = ["name", "replace", "debounce"];

/// Parses the options of a component or a page, of which `known` are allowed.
fn template_user(attrs: &[Attribute], known: &[&str], errors: &mut Diagnostics) -> ComponentAttrs {
    let mut out = ComponentAttrs::default();
    each(attrs, "live", errors, |option, meta| {
        if !known.contains(&option) {
            return Err(unknown(meta, option, known));
        }
        match option {
            "name" => out.name = Some(meta.value()?.parse()?),
            "template" => out.template = Some(meta.value()?.parse()?),
            "inline" => out.inline = Some(meta.value()?.parse()?),
            "open" => out.open = true,
            "durable" => out.durable = true,
            "children" => {
                let content;
                syn::parenthesized!(content in meta.input);
                let types = Punctuated::<Path, Token![,]>::parse_terminated(&content)?;
                out.children = Some(types.into_iter().collect());
            }
            "crate" => out.krate = Some(meta.value()?.parse::<LitStr>()?.parse()?),
            _ => return Err(unknown(meta, option, known)),
        }
        Ok(())
    });
    out
}

pub(crate) fn component(attrs: &[Attribute], errors: &mut Diagnostics) -> ComponentAttrs {
    template_user(attrs, &COMPONENT, errors)
}

pub(crate) fn page(attrs: &[Attribute], errors: &mut Diagnostics) -> ComponentAttrs {
    template_user(attrs, &PAGE, errors)
}

pub(crate) fn field(attrs: &[Attribute], errors: &mut Diagnostics) -> FieldAttrs {
    let mut out = FieldAttrs::default();
    each(attrs, "live", errors, |option, meta| {
        let at = meta.path.segments.first().map_or_else(Span::call_site, |segment| segment.ident.span());
        let span = Some(at);
        match option {
            "prop" => out.prop = span,
            "page" => out.page = span,
            "model" => out.model = span,
            "url" => out.url = Some(url(meta, at)?),
            "shared" => out.shared = Some(meta.value()?.parse()?),
            "private" => out.private = span,
            "skip" => out.skip = span,
            "errors" => out.errors = span,
            "opaque" => out.opaque = span,
            "key" => out.key = span,
            "presence" => out.presence = span,
            "default" if meta.input.peek(Token![=]) => {
                out.default = Some(Fallback::Expr(meta.value()?.parse()?));
            }
            "default" => out.default = Some(Fallback::OfType),
            _ => return Err(unknown(meta, option, &FIELD)),
        }
        Ok(())
    });
    out
}

/// Parses `url`, `url = "name"` or `url(name = "…", replace, debounce = 300)`.
fn url(meta: &ParseNestedMeta<'_>, span: Span) -> syn::Result<UrlAttrs> {
    let mut out = UrlAttrs { span, name: None, replace: false, debounce_ms: None };
    if meta.input.peek(Token![=]) {
        out.name = Some(meta.value()?.parse()?);
    } else if meta.input.peek(token::Paren) {
        meta.parse_nested_meta(|inner| {
            let option = inner.path.get_ident().map(ToString::to_string).unwrap_or_default();
            match &*option {
                "name" => out.name = Some(inner.value()?.parse()?),
                "replace" => out.replace = true,
                "debounce" => out.debounce_ms = Some(inner.value()?.parse()?),
                _ => return Err(unknown(&inner, &option, &URL)),
            }
            Ok(())
        })?;
    }
    Ok(out)
}

/// The options of `#[live(…)]` on a route.
#[derive(Default)]
pub(crate) struct RouteAttrs {
    pub(crate) path: Option<LitStr>,
    pub(crate) krate: Option<Path>,
}

pub(crate) fn route(attrs: &[Attribute], errors: &mut Diagnostics) -> RouteAttrs {
    let mut out = RouteAttrs::default();
    each(attrs, "live", errors, |option, meta| {
        match option {
            "path" => out.path = Some(meta.value()?.parse()?),
            "crate" => out.krate = Some(meta.value()?.parse::<LitStr>()?.parse()?),
            _ => return Err(unknown(meta, option, &["path", "crate"])),
        }
        Ok(())
    });
    out
}

/// Parses `#[live(query)]`, the only option of a route's field.
pub(crate) fn is_query(attrs: &[Attribute], errors: &mut Diagnostics) -> bool {
    let mut is_query = false;
    each(attrs, "live", errors, |option, meta| {
        if option != "query" {
            return Err(unknown(meta, option, &["query"]));
        }
        is_query = true;
        Ok(())
    });
    is_query
}

/// Parses `#[live(crate = "…")]`, the only option of state types.
pub(crate) fn krate(attrs: &[Attribute], errors: &mut Diagnostics) -> Option<Path> {
    let mut out = None;
    each(attrs, "live", errors, |option, meta| {
        if option != "crate" {
            return Err(unknown(meta, option, &["crate"]));
        }
        out = Some(meta.value()?.parse::<LitStr>()?.parse()?);
        Ok(())
    });
    out
}

pub(crate) fn serde(attrs: &[Attribute]) -> SerdeAttrs {
    let mut out = SerdeAttrs::default();
    // serde itself reports options that it does not know.
    let mut ignored = Diagnostics::default();
    each(attrs, "serde", &mut ignored, |option, meta| {
        let span =
            Some(meta.path.segments.first().map_or_else(Span::call_site, |segment| segment.ident.span()));
        match option {
            "rename" => out.rename = serialized_name(meta)?,
            "rename_all" => out.rename_all = serialized_name(meta)?,
            "skip" | "skip_serializing" => out.skip = true,
            "transparent" => out.transparent = true,
            "flatten" => out.flatten = span,
            "untagged" => out.untagged = span,
            "tag" | "into" | "remote" => {
                out.opaque = true;
                skip_value(meta)?;
            }
            "deserialize_with" => {
                let path = meta.value()?.parse::<LitStr>()?.parse()?;
                out.read_with = Some(ReadWith::Function(path));
            }
            "with" | "serialize_with" => {
                out.opaque = true;
                let mut path = meta.value()?.parse::<LitStr>()?.parse::<Path>()?;
                if option == "with" {
                    out.read_with = Some(ReadWith::Module(path.clone()));
                    path.segments.push(Ident::new("serialize", Span::call_site()).into());
                }
                out.with = Some(path);
            }
            _ => skip_value(meta)?,
        }
        Ok(())
    });
    out
}

/// Parses `rename = "x"` or `rename(serialize = "x", deserialize = "y")`.
fn serialized_name(meta: &ParseNestedMeta<'_>) -> syn::Result<Option<String>> {
    if !meta.input.peek(token::Paren) {
        return Ok(Some(meta.value()?.parse::<LitStr>()?.value()));
    }
    let mut name = None;
    meta.parse_nested_meta(|inner| {
        let value = inner.value()?.parse::<LitStr>()?.value();
        if inner.path.is_ident("serialize") {
            name = Some(value);
        }
        Ok(())
    })?;
    Ok(name)
}

fn skip_value(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<Expr>()?;
    } else if meta.input.peek(token::Paren) {
        meta.parse_nested_meta(|inner| skip_value(&inner))?;
    }
    Ok(())
}

fn each(
    attrs: &[Attribute],
    name: &str,
    errors: &mut Diagnostics,
    mut read: impl FnMut(&str, &ParseNestedMeta<'_>) -> syn::Result<()>,
) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident(name)) {
        let result = attr.parse_nested_meta(|meta| {
            let option = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
            read(&option, &meta)
        });
        errors.keep(result);
    }
}

fn unknown(meta: &ParseNestedMeta<'_>, option: &str, known: &[&str]) -> syn::Error {
    let hint = match nearest(option, known.iter().copied()) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => format!("; the options are {}", known.join(", ")),
    };
    meta.error(format!("unknown option `{option}`{hint}"))
}
